"""Moves of journals, and the objects that cases are about, read in batches of cases for event logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, exists, literal, select, union

from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.persons.identity_correction import IdentityCorrection
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.runtime.case import Case, JournalRow
from service.models.tables.system.audit import RowChange
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Cases of a log. process: '' for all; since, until: an event of theirs fell from the one to before the other;
    cases: a query of the only ones, if not None.
    """

    process: str = ""
    since: datetime | None = None
    until: datetime | None = None
    cases: Any = None

    def includes(self, at: datetime) -> bool:
        """Tell whether an instant is within the period."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def case_batch(chosen: LogFilter, after: UUID | None, limit: int) -> list[Case]:
    """The next cases by id."""
    query = select(Case).order_by(Case.id).limit(limit)
    if after is not None:
        query = query.where(Case.id > after)
    if chosen.process:
        query = query.where(Case.process == chosen.process)
    if chosen.cases is not None:
        query = query.where(Case.id.in_(select(chosen.cases.subquery().c.id)))
    if chosen.since is not None or chosen.until is not None:
        moved = [JournalRow.case_id == Case.id]
        moved += [JournalRow.at >= chosen.since] if chosen.since is not None else []
        moved += [JournalRow.at < chosen.until] if chosen.until is not None else []
        query = query.where(exists().where(*moved))
    return list(session().scalars(query))


def moves_of(case_ids: Sequence[UUID]) -> list[Any]:
    """Case and move of each journal row, without what was typed."""
    record = JournalRow.record
    texts = (record[name].astext.label(name) for name in ("at", "actor", "behalf", "element", "token", "definition"))
    lists = (record[name].label(name) for name in ("trace", "opened", "closed", "jobs"))
    query = select(JournalRow.case_id, JournalRow.seq, JournalRow.kind, *texts, *lists)
    return list(
        session().execute(query.where(JournalRow.case_id.in_(case_ids)).order_by(JournalRow.case_id, JournalRow.seq))
    )


KINDS = {"person": "person", "training_class": "class", "enrollment": "enrollment", "certificate": "certificate"}


def rows_of(case_ids: Sequence[UUID]) -> list[tuple[UUID, str, UUID]]:
    """Case, kind and id of the objects that cases changed, and of those that what they decide on names."""
    kind = case(KINDS, value=RowChange.table_name)
    changed = select(RowChange.case_id, kind, RowChange.row_id).where(RowChange.table_name.in_(KINDS))
    named = (
        (Enrollment.case_id, "enrollment", Enrollment.id),
        (Reissue.case_id, "certificate", Reissue.certificate_id),
        (Reissue.case_id, "certificate", Reissue.new_certificate_id),
        (IdentityCorrection.case_id, "person", IdentityCorrection.person_id),
    )
    queries = [changed.where(RowChange.case_id.in_(case_ids))]
    queries += [select(of, literal(name), key).where(of.in_(case_ids), key.is_not(None)) for of, name, key in named]
    return [(row[0], row[1], row[2]) for row in session().execute(union(*queries))]


def persons(ids: Sequence[UUID]) -> list[Row[Any]]:
    """Columns of persons for logs."""
    query = select(Person.id, Person.name, Person.state, Person.unit_id, Person.created_at, QualificationType.code)
    return list(session().execute(query.join(QualificationType).where(Person.id.in_(ids))))


def classes(ids: Sequence[UUID]) -> list[TrainingClass]:
    """The classes with these ids."""
    return list(session().scalars(select(TrainingClass).where(TrainingClass.id.in_(ids))))


def enrollments(ids: Sequence[UUID]) -> list[Enrollment]:
    """The enrolments with these ids."""
    return list(session().scalars(select(Enrollment).where(Enrollment.id.in_(ids))))


def certificates(ids: Sequence[UUID]) -> list[Certificate]:
    """The certificates with these ids."""
    return list(session().scalars(select(Certificate).where(Certificate.id.in_(ids))))


def units(ids: Sequence[UUID]) -> list[Row[Any]]:
    """Columns of organisations for logs."""
    query = select(Organisation.id, Organisation.name, Organisation.kind, Organisation.created_at)
    return list(session().execute(query.where(Organisation.id.in_(ids))))


def logins(ids: Sequence[UUID]) -> dict[UUID, str]:
    """The logins of accounts."""
    rows = session().execute(select(User.id, User.login).where(User.id.in_(ids)))
    return {row.id: row.login for row in rows}
