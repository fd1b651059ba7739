"""Task subject of an enrolment, read from the rows by the ids in the case's data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from service.domain.training.training_kind import TrainingKind
from service.models.db.prepared_statements import PreparedStatement
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import Organisation
from service.operations.context import TaskSubject

# Columns, not rows: this is read at nearly every step of every enrolment.
_SHOWN = PreparedStatement(
    "describe_enrollment",
    select(
        Person.name.label("person_name"),
        Person.id_number_masked,
        Person.sex,
        Person.photo_id,
        Organisation.name.label("unit_name"),
        QualificationType.code.label("type_code"),
        QualificationType.name.label("type_name"),
        TrainingClass.id,
        TrainingClass.kind,
        TrainingClass.title,
        TrainingClass.code,
        TrainingClass.starts_on,
        TrainingClass.ends_on,
        TrainingClass.pass_mark,
        TrainingClass.institution_id,
        TrainingClass.organiser_id,
        Certificate.number,
        Certificate.issued_on,
        Certificate.valid_to,
        Certificate.printed_count,
    )
    .select_from(Person)
    .join(Organisation, Organisation.id == Person.unit_id)
    .join(QualificationType, QualificationType.id == Person.qualification_type_id)
    .join(TrainingClass, TrainingClass.id == bindparam("training_class"))
    .outerjoin(Certificate, Certificate.id == bindparam("certificate"))
    .where(Person.id == bindparam("person")),
)


def describe_enrollment(data: dict[str, Any]) -> TaskSubject:
    """Describe person, unit and class of the case, with the facts shown beside a decision's form."""
    if "person_id" not in data or "unit_id" not in data:
        return TaskSubject()
    certificate_id = data.get("certificate_id")
    ids = {
        "person": UUID(data["person_id"]),
        "training_class": UUID(data["class_id"]),
        "certificate": certificate_id and UUID(certificate_id),
    }
    return subject_from_row(_SHOWN.execute(ids).one(), data)


def subject_from_row(row: Any, data: dict[str, Any]) -> TaskSubject:
    """Build the task subject from a row with the columns of ``_SHOWN``."""
    return TaskSubject(
        subject=row.person_name,
        summary=f"{TrainingKind(row.kind).label} · {row.type_name}",
        unit_name=row.unit_name,
        batch=str(row.id),
        batch_title=row.title,
        facts=_facts(row, data),
        unit_id=UUID(data["unit_id"]),
        authority_id=UUID(data["authority_id"]) if data["authority_id"] else None,
        institution_id=row.institution_id,
        organiser_id=row.organiser_id,
    )


def _facts(row: Any, data: dict[str, Any]) -> dict[str, Any]:
    facts = {
        "kind": row.kind,
        "need": data.get("need"),
        "qualification_type": row.type_code,
        "qualification_name": row.type_name,
        "valid_to": data.get("valid_to"),
        "reference_date": data.get("reference_date"),
        "class_code": row.code,
        "class_title": row.title,
        "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat(),
        "id_number": row.id_number_masked,
        "sex": row.sex,
        "has_photo": row.photo_id is not None,
        "score": data.get("score"),
        "attempt": data.get("attempt", 1),
        "pass_mark": row.pass_mark,
    }
    if row.number is not None:
        facts |= {
            "certificate_id": data["certificate_id"],
            "certificate_number": row.number,
            "issued_on": row.issued_on.isoformat(),
            "new_valid_to": row.valid_to.isoformat(),
            "printed_count": row.printed_count,
        }
    return facts
