"""History of a person: trainings with scores, and versions of the record (S88), read from the history of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, union_all

from service.domain.persons.person_fields import PERSON_FIELDS
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import QualificationType
from service.models.tables.system.audit import RowChange, values_of
from service.models.tables.training.training import Enrollment, Score, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.validation.record_fields import Place

HISTORY_FIELDS = PERSON_FIELDS.keys_at(Place.HISTORY)


@dataclass(frozen=True, slots=True)
class Training:
    """An enrolment with its class and outcome; scores in tenths, None for absent."""

    id: UUID
    case_id: UUID
    class_id: UUID
    title: str
    kind: str
    starts_on: Any
    ends_on: Any
    hours: int
    state: str
    stage: str | None
    reason: str | None
    scores: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A field, before and after, as people read it (names instead of ids)."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the record: who saved it, when, in which use case and case, and the changes."""

    at: datetime
    kind: str
    use_case: str
    actor: str | None
    organisation: str | None
    case_id: UUID | None
    changes: tuple[Change, ...]


def trainings_of(person_id: UUID) -> list[Training]:
    """The person's enrolments, newest first."""
    of_enrollment = select(Score.value).where(Score.enrollment_id == Enrollment.id).order_by(Score.attempt)
    query = (
        select(
            Enrollment.id,
            Enrollment.case_id,
            Enrollment.class_id,
            TrainingClass.title,
            Enrollment.kind,
            TrainingClass.starts_on,
            TrainingClass.ends_on,
            TrainingClass.hours,
            Enrollment.state,
            Enrollment.stage,
            Enrollment.reason,
            func.array(of_enrollment.scalar_subquery()).label("scores"),
        )
        .join(TrainingClass, TrainingClass.id == Enrollment.class_id)
        .where(Enrollment.person_id == person_id)
        .order_by(TrainingClass.starts_on.desc(), Enrollment.id.desc())
    )
    return [Training(**{**row._asdict(), "scores": tuple(row.scores)}) for row in session().execute(query)]


def scores_of(enrollment_ids: Iterable[UUID]) -> dict[UUID, tuple[int | None, ...]]:
    """The scores of each enrolment in the order of the attempts."""
    query = select(Score.enrollment_id, Score.value).where(Score.enrollment_id.in_(list(enrollment_ids)))
    found: dict[UUID, tuple[int | None, ...]] = {}
    for enrollment_id, value in session().execute(query.order_by(Score.attempt)):
        found[enrollment_id] = (*found.get(enrollment_id, ()), value)
    return found


def versions_of(row_id: UUID, shown: tuple[str, ...] = HISTORY_FIELDS) -> list[Version]:
    """Every saving that changed one of the ``shown`` fields, newest first; two queries."""
    query = (
        select(RowChange, User.display_name, Organisation.name)
        .outerjoin(User, User.id == RowChange.actor_id)
        .outerjoin(Organisation, Organisation.id == User.organisation_id)
        .where(RowChange.row_id == row_id)
        .order_by(RowChange.at.desc(), RowChange.id.desc())
    )
    rows = list(session().execute(query))
    told = changes_in([change for change, _, _ in rows], shown)
    return [
        Version(change.at, change.kind, change.use_case, actor, organisation, change.case_id, changes)
        for (change, actor, organisation), changes in zip(rows, told, strict=True)
        if changes
    ]


def records_of(versions: Sequence[Version], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The record as it stood after each of the versions, in their order (newest first). now: as it stands."""
    records, record = [], dict(now)
    for version in versions:
        records.append(dict(record))
        record |= {change.field: change.before for change in version.changes}
    return records


def changes_in(rows: Sequence[Any], shown: tuple[str, ...] = HISTORY_FIELDS) -> list[tuple[Change, ...]]:
    """List the changes of each row (``before``, ``after``, ``sealed``) in the ``shown`` fields;
    one query for the names.
    """
    names = _names(rows)
    return [tuple(_changes(row, shown, names)) for row in rows]


def _changes(change: Any, shown: tuple[str, ...], names: dict[str, str]) -> Iterable[Change]:
    before, after = values_of(change)
    for field in shown:
        if field in before or field in after:
            old, new = before.get(field), after.get(field)
            if old != new or field == "photo_id":
                yield Change(field, names.get(str(old), old), names.get(str(new), new))


def _names(changes: Iterable[Any]) -> dict[str, str]:
    """Names of the units and qualification types that the changes speak of, by id."""
    ids: dict[str, set[UUID]] = {"unit_id": set(), "organisation_id": set(), "qualification_type_id": set()}
    for change in changes:
        for side in (change.before or {}, change.after or {}):
            for field, known in ids.items():
                if side.get(field):
                    known.add(UUID(side[field]))
    homes = ids["unit_id"] | ids["organisation_id"]
    units = select(Organisation.id, Organisation.name).where(Organisation.id.in_(homes))
    kinds = select(QualificationType.id, QualificationType.name).where(
        QualificationType.id.in_(ids["qualification_type_id"])
    )
    return {str(row.id): row.name for row in session().execute(union_all(units, kinds))}
