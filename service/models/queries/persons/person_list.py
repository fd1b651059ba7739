"""Lists of persons: filters, one page, counts. Every query carries the scope; only what a list shows is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, cast, func, or_, select, union_all
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.orm import aliased, joinedload

from service.domain.values.validators import normalise
from service.models.db.encryption import blind_index
from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.runtime.case import Case
from service.models.tables.training.training import Enrollment, TrainingNeed
from service.models.tables.units.organisation import Organisation

ORDER = SortOrder((Person.sort_key, Person.id))
Valid, Issued = aliased(Certificate), aliased(Certificate)


def persons_query(user: User, chosen: ReportFilter, unit_kind: str = "") -> Any:
    """Select the persons in scope, of units of a kind if one is given. Deregistered persons only when asked for."""
    return _rows().where(visible_to(user, Person), *_of_unit_kind(unit_kind), *conditions(chosen))


def numbered_query(user: User, id_number: str) -> Any:
    """Select the person in scope with a whole identity number, which stands in no address."""
    return _rows().where(
        visible_to(user, Person), Person.state != "deregistered", Person.id_number_digest == blind_index(id_number)
    )


def find_by_number(user: User, id_number: str) -> UUID | None:
    """Return the id of the person in scope with a whole identity number."""
    found = session().execute(numbered_query(user, id_number)).first()
    return found.id if found else None


def person_counts(user: User, unit_kind: str = "") -> dict[str, int]:
    """Count the persons in scope (of units of a kind) by state and by need: ``total``,
    ``state:pending``, ``need:renewal``, ``photo:missing`` …
    """
    query = (
        select(Person.state, TrainingNeed.need, func.count(), func.count().filter(Person.photo_id.is_(None)))
        .outerjoin(TrainingNeed, TrainingNeed.person_id == Person.id)
        .where(visible_to(user, Person), *_of_unit_kind(unit_kind), *conditions(ReportFilter()))
        .group_by(Person.state, TrainingNeed.need)
    )
    counts: dict[str, int] = {"total": 0, "photo:missing": 0}
    for state, need, number, without_photo in session().execute(query):
        counts["photo:missing"] += without_photo
        for key in ("total", f"state:{state}", *([f"need:{need}"] if state == "approved" else [])):
            counts[key] = counts.get(key, 0) + number
    return counts


def person_of_case(case_id: UUID) -> Person | None:
    """The person whose approval a case is, with unit and type; scope is that of the task."""
    loaded = (joinedload(Person.unit), joinedload(Person.qualification_type))
    by_key = select(Case.business_key).where(Case.id == case_id).scalar_subquery()
    query = select(Person).options(*loaded).where(or_(Person.case_id == case_id, cast(Person.id, TEXT) == by_key))
    return session().scalars(query.limit(1)).one_or_none()


def cases_without_photo(tasks: Iterable[Any]) -> set[UUID]:
    """Those cases, approvals of persons and enrolments, whose person has no photo now (R82).

    tasks: rows with ``case_id`` and ``facts``; only who had no photo when the task was put is looked at again.
    """
    case_ids = [task.case_id for task in tasks if task.facts.get("has_photo") is False]
    if not case_ids:
        return set()
    entered = select(Person.case_id).where(Person.case_id.in_(case_ids), Person.photo_id.is_(None))
    enrolled = (
        select(Enrollment.case_id)
        .join(Person, Person.id == Enrollment.person_id)
        .where(Enrollment.case_id.in_(case_ids), Person.photo_id.is_(None))
    )
    return set(session().scalars(union_all(entered, enrolled)))


def _rows() -> Any:
    return (
        select(
            Person.id,
            Person.name,
            Person.sex,
            Person.id_number_masked,
            Person.state,
            Person.stage,
            Person.photo_id.is_not(None).label("has_photo"),
            Organisation.id.label("unit_id"),
            Organisation.name.label("unit_name"),
            QualificationType.name.label("type_name"),
            TrainingNeed.need,
            func.coalesce(Valid.id, Issued.id).label("certificate_id"),
            func.coalesce(Valid.number, Issued.number).label("number"),
            func.coalesce(Valid.valid_to, Issued.valid_to).label("valid_to"),
            func.coalesce(Valid.state, Issued.state).label("certificate_state"),
        )
        .join(Organisation, Organisation.id == Person.unit_id)
        .join(QualificationType, QualificationType.id == Person.qualification_type_id)
        .outerjoin(TrainingNeed, TrainingNeed.person_id == Person.id)
        .outerjoin(Valid, and_(Valid.person_id == Person.id, Valid.state == "valid"))
        .outerjoin(Issued, and_(Issued.person_id == Person.id, Issued.state == "issued"))
    )


def conditions(chosen: ReportFilter) -> list[ColumnElement[bool]]:
    """Turn a filter into conditions; the query joins TrainingNeed."""
    found = [Person.state == chosen.state if chosen.state else Person.state != "deregistered"]
    if chosen.q:
        found.append(_matches(chosen.q))
    if chosen.unit:
        found.append(Person.unit_id == chosen.unit)
    if chosen.type:
        found.append(Person.qualification_type_id == chosen.type)
    if chosen.photo:
        found.append(Person.photo_id.is_(None))
    if chosen.need:
        found += [TrainingNeed.need == chosen.need, Person.state == "approved"]
    return found


def _of_unit_kind(kind: str) -> list[ColumnElement[bool]]:
    return [Person.unit_id.in_(select(Organisation.id).where(Organisation.kind == kind))] if kind else []


def _matches(text: str) -> ColumnElement[bool]:
    """Digits are a certificate number, or the last four of an identity number, other text a name."""
    number = normalise(text)
    if number.isascii() and number[:1].isdigit():
        holders = select(Certificate.person_id).where(Certificate.number.startswith(number, autoescape=True))
        return or_(Person.id.in_(holders), Person.id_number_masked.endswith(number, autoescape=True))
    return named(Person, text)
