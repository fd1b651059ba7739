"""Names of the things whose ids stand in the data of cases."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, literal, or_, select, true, union_all

from service.domain.accounts.permissions import Action
from service.models.db.session import Base, session
from service.models.queries.scope import is_unscoped, visible_to
from service.models.tables.certificate import Certificate
from service.models.tables.organisation import Organisation
from service.models.tables.person import Person
from service.models.tables.ticket import Ticket
from service.models.tables.training import Enrollment, TrainingClass
from service.models.tables.user import User

PERSON = "person"


def object_names(user: User, ids: Collection[UUID]) -> dict[str, tuple[str, str]]:
    """Table and name by id, in one query; an enrolment has the name of its person. Only of what the user may view, for
    anybody may have typed an id; whoever views every case views what they are about, persons under their veil.
    """
    if not ids:
        return {}
    views_all = is_unscoped(user, Action.VIEW_CASES)

    def shown(table: type[Base]) -> ColumnElement[bool]:
        return true() if views_all else visible_to(user, table)

    colleague = or_(User.organisation_id.in_(select(Organisation.id).where(shown(Organisation))), User.id == user.id)
    named = (
        (PERSON, Person.id, Person.name, shown(Person)),
        ("class", TrainingClass.id, TrainingClass.title, shown(TrainingClass)),
        ("certificate", Certificate.id, Certificate.number, shown(Certificate)),
        ("organisation", Organisation.id, Organisation.name, shown(Organisation)),
        ("user", User.id, User.display_name, colleague),
        ("ticket", Ticket.id, Ticket.number, shown(Ticket)),
    )
    queries = [select(literal(table), key, name).where(key.in_(ids), may) for table, key, name, may in named]
    queries.append(
        select(literal(PERSON), Enrollment.id, Person.name)
        .join(Person, Person.id == Enrollment.person_id)
        .where(Enrollment.id.in_(ids), shown(Enrollment))
    )
    return {str(key): (str(table), str(name)) for table, key, name in session().execute(union_all(*queries))}
