"""Lists of training classes and of the enrolments in one: filters, one page, counts, candidates for enrolling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, extract, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from service.domain.accounts.permissions import Action
from service.models.db.pagination import Page, SortOrder, read_page
from service.models.db.session import session
from service.models.queries.persons.person_list import conditions
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import (
    get_or_404_in_scope,
    visible_to,
)
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.runtime.case import Task
from service.models.tables.training.training import (
    LIVE_ENROLLMENT,
    Enrollment,
    TrainingClass,
    TrainingNeed,
)
from service.models.tables.units.organisation import Organisation

ORDER = SortOrder((TrainingClass.starts_on, TrainingClass.id), is_descending=True)
CANDIDATES = SortOrder((Person.sort_key, Person.id))
Organiser, Institution = aliased(Organisation), aliased(Organisation)


def classes_query(user: User, chosen: ReportFilter) -> Any:
    """Select the classes in scope."""
    return (
        select(
            TrainingClass.id,
            TrainingClass.code,
            TrainingClass.title,
            TrainingClass.kind,
            TrainingClass.place,
            TrainingClass.enrol_from,
            TrainingClass.enrol_until,
            TrainingClass.starts_on,
            TrainingClass.ends_on,
            TrainingClass.capacity,
            TrainingClass.taken,
            TrainingClass.state,
            TrainingClass.stage,
            Organiser.name.label("organiser"),
            Institution.name.label("institution"),
        )
        .join(Organiser, Organiser.id == TrainingClass.organiser_id)
        .join(Institution, Institution.id == TrainingClass.institution_id)
        .where(visible_to(user, TrainingClass), *_conditions(chosen))
    )


def class_counts(user: User) -> dict[str, int]:
    """Count the classes in scope: ``total`` and by state."""
    query = (
        select(TrainingClass.state, func.count()).where(visible_to(user, TrainingClass)).group_by(TrainingClass.state)
    )
    counts = {row[0]: row[1] for row in session().execute(query)}
    return {"total": sum(counts.values()), **counts}


def visible_class(user: User, class_id: UUID) -> TrainingClass:
    """A class in scope with organiser and institution loaded; raises NotFound."""
    return get_or_404_in_scope(
        user, TrainingClass, class_id, joinedload(TrainingClass.organiser), joinedload(TrainingClass.institution)
    )


def enrollments_of(user: User, class_id: UUID) -> list[Any]:
    """The enrolments of a class that are in scope, in the order of units and pinyin; at most 2,000."""
    query = (
        select(
            Enrollment.id,
            Enrollment.case_id,
            Enrollment.state,
            Enrollment.stage,
            Enrollment.reason,
            Enrollment.enrolled_on,
            Enrollment.via,
            Person.id.label("person_id"),
            Person.name,
            Person.spelling,
            Person.sex,
            Person.id_number_masked,
            Person.photo_id.is_not(None).label("has_photo"),
            Organisation.name.label("unit_name"),
            QualificationType.name.label("type_name"),
            Enrollment.authority_id,
            Enrollment.needs_confirmation,
        )
        .join(Person, Person.id == Enrollment.person_id)
        .join(Organisation, Organisation.id == Enrollment.unit_id)
        .join(QualificationType, QualificationType.id == Person.qualification_type_id)
        .where(visible_to(user, Enrollment), Enrollment.class_id == class_id)
        .order_by(Organisation.sort_key, Person.sort_key, Enrollment.id)
        .limit(2000)
    )
    return list(session().execute(query))


def state_counts(class_id: UUID) -> dict[str, int]:
    """Count the enrolments of a class by state, in scope or not: for its seats and progress."""
    query = select(Enrollment.state, func.count()).where(Enrollment.class_id == class_id).group_by(Enrollment.state)
    return {row[0]: row[1] for row in session().execute(query)}


def open_tasks(user: User, case_ids: Iterable[UUID], element: str = "") -> dict[UUID, Any]:
    """The user's open task of each case (of one element, if any): what it is and its form, by case."""
    shown = (Task.case_id, Task.id, Task.element, Task.name, Task.summary, Task.definition, Task.form_key)
    query = select(*shown).where(Task.case_id.in_(list(case_ids)), Task.state == "open", visible_to(user, Task))
    if element:
        query = query.where(or_(Task.element == element, Task.element.endswith("/" + element)))
    return {row.case_id: row for row in session().execute(query.order_by(Task.opened_at))}


def candidates_page(
    user: User, found: TrainingClass, chosen: ReportFilter, cursor: str | None, *, fitting: bool
) -> Page[Any]:
    """Read a page of the persons in scope for a class: those whose need and type match and who are free, or the others.

    The projection says who fits; enrolling decides afresh.
    """
    return read_page(candidates_query(user, found, chosen, fitting=fitting), CANDIDATES, cursor)


def candidates_query(user: User, found: TrainingClass, chosen: ReportFilter, *, fitting: bool) -> Any:
    """The query behind the page."""
    query = select(
        Person.id,
        Person.name,
        Person.id_number_masked,
        Person.state,
        Person.stage,
        Person.unit_id,
        Person.photo_id.is_not(None).label("has_photo"),
        TrainingNeed.need,
        TrainingNeed.valid_to,
        Organisation.name.label("unit_name"),
        QualificationType.name.label("type_name"),
        QualificationType.code.label("type_code"),
    )
    return _candidates(query, user, found, fitting).where(*conditions(chosen))


def fitting_persons(user: User, found: TrainingClass, chosen: ReportFilter, most: int) -> list[UUID]:
    """Ids of all persons in scope who fit a class, in the order of pinyin:
    for enrolling an academy as a whole (S63).
    """
    query = _candidates(select(Person.id), user, found, True).where(*conditions(chosen))
    return list(session().scalars(query.order_by(Person.sort_key, Person.id).limit(most)))


def _candidates(query: Any, user: User, found: TrainingClass, fitting: bool) -> Any:
    """Select the persons a user may enrol in a class, or try to (R41)."""
    enrolled = select(Enrollment.person_id).where(
        Enrollment.person_id == Person.id, Enrollment.state.in_(LIVE_ENROLLMENT)
    )
    fits = and_(
        Person.state == "approved",
        TrainingNeed.need == found.kind,
        QualificationType.code.in_(found.qualification_types),
        ~enrolled.exists(),
    )
    return (
        query.select_from(Person)
        .join(Organisation, Organisation.id == Person.unit_id)
        .join(QualificationType, QualificationType.id == Person.qualification_type_id)
        .join(TrainingNeed, TrainingNeed.person_id == Person.id)
        .where(
            visible_to(user, Person, Action.ENROLL),
            Person.state.in_(("approved", "pending", "rejected")),
            fits if fitting else ~fits,
        )
    )


def drafts(user: User) -> list[Any]:
    """The user's open tasks of drafting a class, oldest first: id, subject, opened_at."""
    query = select(Task.id, Task.subject, Task.opened_at).where(visible_to(user, Task), Task.state == "open")
    return list(session().execute(query.where(Task.kind == "training_class/draft_class").order_by(Task.opened_at)))


def years(user: User) -> list[int]:
    """The years in which classes in scope begin, the latest first."""
    year = extract("year", TrainingClass.starts_on)
    query = select(year).where(visible_to(user, TrainingClass)).group_by(year).order_by(year.desc())
    return [int(value) for value in session().scalars(query)]


def _conditions(chosen: ReportFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.q:
        text = chosen.q
        found.append(
            or_(
                TrainingClass.title.contains(text, autoescape=True),
                TrainingClass.place.contains(text, autoescape=True),
                TrainingClass.code.startswith(text.upper(), autoescape=True),
            )
        )
    if chosen.kind:
        found.append(TrainingClass.kind == chosen.kind)
    if chosen.state:
        found.append(TrainingClass.state == chosen.state)
    if chosen.year:
        found.append(extract("year", TrainingClass.starts_on) == chosen.year)
    return found
