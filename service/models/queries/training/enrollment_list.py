"""Lists of enrolments across classes: filters, one page, counts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload

from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import get_or_404_in_scope, visible_to
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation

ORDER = SortOrder((Enrollment.id,), is_descending=True)


def enrollments_query(user: User, chosen: ReportFilter) -> Any:
    """Select the enrolments in scope."""
    return (
        select(
            Enrollment.id,
            Enrollment.case_id,
            Enrollment.state,
            Enrollment.stage,
            Enrollment.reason,
            Enrollment.enrolled_on,
            Enrollment.kind,
            Enrollment.via,
            Person.id.label("person_id"),
            Person.name,
            Person.id_number_masked,
            Organisation.name.label("unit_name"),
            TrainingClass.id.label("class_id"),
            TrainingClass.title,
            TrainingClass.starts_on,
        )
        .join(Person, Person.id == Enrollment.person_id)
        .join(Organisation, Organisation.id == Enrollment.unit_id)
        .join(TrainingClass, TrainingClass.id == Enrollment.class_id)
        .where(visible_to(user, Enrollment), *_conditions(chosen))
    )


def enrollment_counts(user: User) -> dict[str, int]:
    """Count the enrolments in scope: ``total`` and by state."""
    query = select(Enrollment.state, func.count()).where(visible_to(user, Enrollment)).group_by(Enrollment.state)
    counts = {row[0]: row[1] for row in session().execute(query)}
    return {"total": sum(counts.values()), **counts}


def visible_enrollment(user: User, enrollment_id: UUID) -> Enrollment:
    """An enrolment in scope with person, unit and class loaded; raises NotFound."""
    loaded = (joinedload(Enrollment.person), joinedload(Enrollment.unit), joinedload(Enrollment.training_class))
    return get_or_404_in_scope(user, Enrollment, enrollment_id, *loaded)


def enrollment_of_case(case_id: UUID) -> Enrollment | None:
    """The enrolment a case is about, with person, unit, type and class; scope is that of the task."""
    loaded = (
        joinedload(Enrollment.person).joinedload(Person.unit),
        joinedload(Enrollment.person).joinedload(Person.qualification_type),
        joinedload(Enrollment.training_class).joinedload(TrainingClass.institution),
        joinedload(Enrollment.training_class).joinedload(TrainingClass.organiser),
        joinedload(Enrollment.unit),
    )
    return session().scalars(select(Enrollment).options(*loaded).where(Enrollment.case_id == case_id)).one_or_none()


def class_of_case(case_id: UUID) -> TrainingClass | None:
    """The class a case is about, with organiser and institution."""
    loaded = (joinedload(TrainingClass.institution), joinedload(TrainingClass.organiser))
    return (
        session().scalars(select(TrainingClass).options(*loaded).where(TrainingClass.case_id == case_id)).one_or_none()
    )


def _conditions(chosen: ReportFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.q:
        text = chosen.q
        found.append(or_(named(Person, text), TrainingClass.title.contains(text, autoescape=True)))
    if chosen.state:
        found.append(Enrollment.state == chosen.state)
    if chosen.kind:
        found.append(Enrollment.kind == chosen.kind)
    if chosen.class_id:
        found.append(Enrollment.class_id == chosen.class_id)
    if chosen.person:
        found.append(Enrollment.person_id == chosen.person)
    return found
