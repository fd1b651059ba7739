"""Lawful erasure (R75), proved from the history of rows: whoever an event says was erased must have been due then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.domain.system.row_states import apply_change
from service.domain.system.settings import SETTINGS
from service.domain.values.calendar import add_years
from service.models.db.clock import CHINA
from service.models.db.session import session
from service.models.queries.persons.retention import ENDED
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.persons.identity_correction import IdentityCorrection
from service.models.tables.system.audit import AuditEvent, RowChange, values_of
from service.models.tables.system.setting import Setting
from service.models.tables.training.training import Enrollment
from service.operations.personal_values import ERASURE

OF_A_PERSON = "erase_personal_data"  # the event
YEARS = "erasure_years"
Known = tuple[dict[str, Any], date]  # a row as it stood, and the day of its last change


def is_lawful(text_id: UUID, case_id: UUID, erased_at: datetime | None) -> bool:
    """Tell whether the erasure of a text has its event, and a person of its case was due then and has one too."""
    if erased_at is None or not _has_event(ERASURE, text_id, erased_at):
        return False
    return any(
        _has_event(OF_A_PERSON, person_id, erased_at) and is_due(person_id, erased_at)
        for person_id in _persons_of(case_id)
    )


def undue_events() -> Iterator[AuditEvent]:
    """Events that say the data of a person were erased, who was not due."""
    events = select(AuditEvent).where(AuditEvent.action == OF_A_PERSON).order_by(AuditEvent.at)
    yield from (event for event in session().scalars(events) if not is_due(event.object_id, event.at))


def erased_photos() -> set[UUID]:
    """Photos that went with the data of persons who were due: all that their records ever named."""
    events = select(AuditEvent).where(AuditEvent.action == OF_A_PERSON)
    persons = [event.object_id for event in session().scalars(events) if is_due(event.object_id, event.at)]
    sides = select(RowChange.before["photo_id"].astext, RowChange.after["photo_id"].astext)
    rows = session().execute(sides.where(RowChange.row_id.in_(persons), RowChange.table_name == "person"))
    return {UUID(value) for row in rows for value in row if value}


def is_due(person_id: UUID | None, at: datetime) -> bool:
    """Tell whether a person was deregistered at an instant, the last certificate, or without any the deregistration,
    longer ago than the setting of then.
    """
    person = _at(person_id, at)
    if person is None or person[0].get("state") != "deregistered":
        return False
    held = select(Certificate.id).where(Certificate.person_id == person_id)
    ends = [_end(*known) for key in session().scalars(held) if (known := _at(key, at)) is not None]
    return max(ends, default=person[1]) < add_years(_day(at), -_years(at))


def _end(certificate: dict[str, Any], changed: date) -> date:
    """The day on which a certificate ended, or will."""
    valid_to = date.fromisoformat(certificate["valid_to"])
    return min(valid_to, changed) if certificate["state"] in ENDED else valid_to


def _years(at: datetime) -> int:
    rows = session().scalars(select(Setting.id).where(Setting.key == YEARS))
    known = next((found for key in rows if (found := _at(key, at)) is not None), None)
    return int(known[0]["value"] if known else SETTINGS[YEARS].default)


def _at(row_id: UUID | None, at: datetime) -> Known | None:
    """A row as its history made it before an instant."""
    if row_id is None:
        return None
    values, changed = None, at
    for change in RowChange.of(row_id):
        if change.at >= at:
            break
        values, changed = apply_change(values, change.kind, values_of(change)[1]), change.at
    return None if values is None else (values, _day(changed))


def _day(at: datetime) -> date:
    return at.astimezone(CHINA).date()


def _has_event(action: str, object_id: UUID, at: datetime) -> bool:
    query = select(AuditEvent.id).where(AuditEvent.action == action, AuditEvent.object_id == object_id)
    return session().scalar(query.where(AuditEvent.at == at).limit(1)) is not None


def _persons_of(case_id: UUID) -> set[UUID]:
    """The persons that a case is about: those it changed, and those of its enrolment, correction or reissue."""
    queries = (
        select(RowChange.row_id).where(RowChange.case_id == case_id, RowChange.table_name == "person"),
        select(Enrollment.person_id).where(Enrollment.case_id == case_id),
        select(IdentityCorrection.person_id).where(IdentityCorrection.case_id == case_id),
        select(Certificate.person_id)
        .join(Reissue, Reissue.certificate_id == Certificate.id)
        .where(Reissue.case_id == case_id),
    )
    return {key for query in queries for key in session().scalars(query)}
