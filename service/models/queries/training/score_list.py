"""Lists of scores across classes: filters, and the query behind a page."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select

from service.models.db.pagination import SortOrder
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment, Score, TrainingClass
from service.models.tables.units.organisation import Organisation

ORDER = SortOrder((Score.id,), is_descending=True)
STATES = ("submitted", "returned", "confirmed")


def scores_query(user: User, chosen: ReportFilter) -> Any:
    """Select the scores of the enrolments in scope, one row an attempt. state: one of ``STATES``.

    A score is submitted until the association confirms it or returns it to be entered again.
    """
    return (
        select(
            Score.id,
            Score.attempt,
            Score.value,
            Score.submitted_at,
            Score.confirmed_at,
            Score.return_reason,
            Enrollment.id.label("enrollment_id"),
            Enrollment.state.label("enrollment_state"),
            Person.id.label("person_id"),
            Person.name,
            Person.id_number_masked,
            Organisation.name.label("unit_name"),
            TrainingClass.id.label("class_id"),
            TrainingClass.title.label("class_title"),
            TrainingClass.pass_mark,
        )
        .join(Enrollment, Enrollment.id == Score.enrollment_id)
        .join(Person, Person.id == Enrollment.person_id)
        .join(Organisation, Organisation.id == Enrollment.unit_id)
        .join(TrainingClass, TrainingClass.id == Enrollment.class_id)
        .where(visible_to(user, Enrollment), *_conditions(chosen))
    )


def _conditions(chosen: ReportFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.q:
        found.append(named(Person, chosen.q))
    if chosen.class_id:
        found.append(Enrollment.class_id == chosen.class_id)
    if chosen.person:
        found.append(Enrollment.person_id == chosen.person)
    if chosen.state == "confirmed":
        found.append(Score.confirmed_at.is_not(None))
    elif chosen.state:
        waits = Enrollment.state == "scored"
        found += [Score.confirmed_at.is_(None), waits if chosen.state == "submitted" else ~waits]
    return found
