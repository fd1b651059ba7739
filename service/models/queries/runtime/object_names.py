"""Names of the things whose ids stand in the data of cases and in the history of rows, today or at an instant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, case, cast, literal, null, or_, select, true, union_all

from service.domain.accounts.permissions import Action
from service.models.db.session import session
from service.models.queries.scope import is_unscoped, visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.notices.notice import Notice
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.runtime.case import Case
from service.models.tables.system.audit import RowChange
from service.models.tables.training.training import Enrollment, TrainingClass, TrainingPlan
from service.models.tables.units.organisation import Organisation
from service.validation.typed_text import as_id

_NAMES = (
    (Person.id, Person.name, Person.__tablename__),
    (TrainingClass.id, TrainingClass.title, TrainingClass.__tablename__),
    (TrainingPlan.id, TrainingPlan.title, TrainingPlan.__tablename__),
    (Certificate.id, Certificate.number, Certificate.__tablename__),
    (Organisation.id, Organisation.name, Organisation.__tablename__),
    (User.id, User.display_name, User.__tablename__),
    (Ticket.id, Ticket.number, Ticket.__tablename__),
    (Notice.id, Notice.title, Notice.__tablename__),
    (QualificationType.id, QualificationType.name, QualificationType.__tablename__),
)


PERSON = Person.__tablename__


class ObjectName(NamedTuple):
    """The name of a row. table: where the row stands; is_person: it is the name of a person."""

    table: str
    name: str
    is_person: bool = False


class NameHistory:
    """Names by id, as they stand now and as the history of rows gave them; an enrolment has that of its person.

    user: only of what the user may view, for anybody may have typed an id; whoever views every case views what they
    are about, persons under their veil. None: of all, for what the system itself wrote.
    """

    def __init__(self, user: User | None, ids: Collection[UUID], *, with_history: bool = True) -> None:
        rows = list(session().execute(_names(user, ids))) if ids else []
        self._now = {key: ObjectName(table, str(name), of == PERSON) for of, _, key, name, table in rows}
        self._named_by = {key: owner or key for _, owner, key, _, _ in rows}
        self._given: defaultdict[UUID, list[tuple[datetime, str]]] = defaultdict(list)
        self._first: dict[UUID, str] = {}  # of a row whose history does not begin with itself, what it was before
        if with_history and rows:
            for key, at, name, before in session().execute(_given_names(set(self._named_by.values()))):
                self._first.setdefault(key, str(before or name))
                self._given[key].append((at, str(name)))

    def at(self, instant: datetime | None = None) -> dict[str, ObjectName]:
        """The names at an instant (default: now); what was named later only has its first name."""
        return {str(key): self._at(key, found, instant) for key, found in self._now.items()}

    def one_at(self, key: str, instant: datetime) -> ObjectName | None:
        """One name at an instant."""
        known = as_id(key)
        return self._at(known, self._now[known], instant) if known and known in self._now else None

    def _at(self, key: UUID, found: ObjectName, instant: datetime | None) -> ObjectName:
        named_by = self._named_by[key]
        given = self._given[named_by]
        if instant is None or not given:
            return found
        until = [name for at, name in given if at <= instant]
        return found._replace(name=until[-1] if until else self._first[named_by])


def object_names(user: User, ids: Collection[UUID]) -> dict[str, ObjectName]:
    """Names by id, as they stand now, of what the user may view."""
    return NameHistory(user, ids, with_history=False).at()


def _names(user: User | None, ids: Collection[UUID]) -> Any:
    """Select of each whose name it is (a table, and the row if another), its id, name and table."""
    queries: list[Any] = [
        select(literal(table), cast(null(), Uuid), key, name, literal(table)).where(key.in_(ids), _shown(user, key))
        for key, name, table in _NAMES
    ]
    queries.append(
        select(literal(PERSON), Person.id, Enrollment.id, Person.name, literal(Enrollment.__tablename__))
        .join(Person, Person.id == Enrollment.person_id)
        .where(Enrollment.id.in_(ids), _shown(user, Enrollment.id))
    )
    cases = select(literal(""), cast(null(), Uuid), Case.id, Case.subject, literal(Case.__tablename__))
    return union_all(*queries, cases.where(Case.id.in_(ids), _shown(user, Case.id)))


def _shown(user: User | None, key: Any) -> ColumnElement[bool]:
    """The condition for rows that the user may view; colleagues of organisations in sight, and oneself."""
    model = key.class_
    if user is None or model is QualificationType or is_unscoped(user, Action.VIEW_CASES):
        return true()
    if model is User:
        homes = select(Organisation.id).where(visible_to(user, Organisation))
        return or_(User.organisation_id.in_(homes), User.id == user.id)
    return visible_to(user, model)


def _given_names(ids: Collection[UUID]) -> Any:
    """Every name that the history of rows gives these rows, oldest first."""
    column = case({table: name.key for _, name, table in _NAMES}, value=RowChange.table_name)
    given = RowChange.after[column].astext
    return (
        select(RowChange.row_id, RowChange.at, given, RowChange.before[column].astext)
        .where(RowChange.row_id.in_(ids), given.is_not(None))
        .order_by(RowChange.at, RowChange.id)
    )
