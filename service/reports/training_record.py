"""人员培训档案 (S12; art. 28): who a person is, every training with its result,
certificates, and changes of the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import joinedload

from service.domain.accounts.roles import Role
from service.domain.persons.identity import Sex
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.persons.persons import PersonState
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.scores import write_score
from service.domain.training.training_kind import TrainingKind
from service.errors import NotFound
from service.models.db.clock import today
from service.models.queries.certificates import certificate_list
from service.models.queries.persons.person_history import Version, trainings_of, versions_of
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.reports.certificate_ledger import shown_state
from service.reports.framework.report import OFFICIAL, UNITS
from service.validation.record_fields import Place, write_value

ROLES = OFFICIAL | UNITS


@dataclass(frozen=True, slots=True)
class Record:
    """A person's file. facts: labels and values of plain fields. person, trainings and certificates:
    rows with the words of their codes beside them.
    """

    person: Person
    sex: str
    state: str
    facts: list[tuple[str, str]]
    trainings: list[dict[str, Any]]
    certificates: list[dict[str, Any]]
    versions: list[Version]
    printed_on: str


def read(user: User, person_id: UUID) -> Record:
    """The file of a person in scope; raises NotFound out of scope and for roles that keep no files."""
    if Role(user.role) not in ROLES:
        raise NotFound
    loaded = (joinedload(Person.unit), joinedload(Person.qualification_type))
    person = get_or_404_in_scope(user, Person, person_id, *loaded)
    held = certificate_list.certificates_of(person.id)
    return Record(
        person=person,
        sex=Sex(person.sex).label,
        state=person.stage or PersonState(person.state).label,
        facts=[(one.label, write_value(one, getattr(person, one.key))) for one in PERSON_FIELDS.plain(Place.RECORD)],
        trainings=[_training(row) for row in reversed(trainings_of(person.id))],
        certificates=[_certificate(row) for row in reversed(held)],
        versions=versions_of(person.id),
        printed_on=today().isoformat(),
    )


def _training(row: Any) -> dict[str, Any]:
    return {
        "class_id": row.class_id,
        "title": row.title,
        "kind": TrainingKind(row.kind).label,
        "starts_on": row.starts_on,
        "ends_on": row.ends_on,
        "hours": row.hours,
        "scores": [write_score(value) for value in row.scores],
        "state": row.stage or EnrollmentState(row.state).label,
        "state_code": row.state,
        "stage": row.stage,
        "reason": row.reason,
    }


def _certificate(row: Any) -> dict[str, Any]:
    shown = shown_state(row.state, row.valid_to)
    return {
        "id": row.id,
        "number": row.number,
        "edition": row.edition,
        "type": row.qualification_type.name,
        "issued_on": row.issued_on,
        "valid_to": row.valid_to,
        "state": shown.label,
        "state_code": str(shown),
    }
