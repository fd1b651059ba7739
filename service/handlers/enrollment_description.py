"""What inbox and lists show of an enrolment: read from the rows by the ids in the case. No topics here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from service.domain.training_kind import TrainingKind
from service.handlers.context import Description
from service.models import Certificate, Person, TrainingClass, session


def describe_enrollment(data: dict[str, Any]) -> Description:
    """Person, unit and class of the case, and the facts a decision needs beside its form."""
    if "person_id" not in data or "unit_id" not in data:
        return Description()
    query = (
        select(Person, TrainingClass)
        .join(TrainingClass, TrainingClass.id == UUID(data["class_id"]))
        .where(Person.id == UUID(data["person_id"]))
        .options(joinedload(Person.unit), joinedload(Person.qualification_type))
    )
    person, training_class = session().execute(query).one()
    return Description(
        subject=person.name,
        summary=f"{TrainingKind(training_class.kind).label} · {person.qualification_type.name}",
        unit_name=person.unit.name,
        batch=str(training_class.id),
        batch_title=training_class.title,
        facts=_facts(person, training_class, data),
        unit_id=UUID(data["unit_id"]),
        authority_id=UUID(data["authority_id"]) if data["authority_id"] else None,
        institution_id=training_class.institution_id,
        organiser_id=training_class.organiser_id,
    )


def _facts(person: Person, training_class: TrainingClass, data: dict[str, Any]) -> dict[str, Any]:
    facts = {
        "kind": training_class.kind, "need": data.get("need"), "qualification_type": person.qualification_type.code,
        "qualification_name": person.qualification_type.name, "valid_to": data.get("valid_to"),
        "reference_date": data.get("reference_date"), "class_code": training_class.code, "class_title": training_class.title,
        "starts_on": training_class.starts_on.isoformat(), "ends_on": training_class.ends_on.isoformat(),
        "id_number": person.id_number_masked, "sex": person.sex, "has_photo": person.photo_id is not None,
        "score": data.get("score"), "attempt": data.get("attempt", 1), "pass_mark": training_class.pass_mark,
    }  # fmt: skip
    if certificate_id := data.get("certificate_id"):
        certificate = session().get_one(Certificate, UUID(certificate_id))
        facts |= {
            "certificate_id": certificate_id, "certificate_number": certificate.number,
            "issued_on": certificate.issued_on.isoformat(), "new_valid_to": certificate.valid_to.isoformat(),
            "printed_count": certificate.printed_count,
        }  # fmt: skip
    return facts
