"""Lists of scores across classes: filters, and the query behind a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from service.models.db.pagination import SortOrder
from service.models.queries.persons.person_list import name_contains
from service.models.queries.scope import visible_to
from service.models.tables.organisation import Organisation
from service.models.tables.person import Person
from service.models.tables.training import Enrollment, Score, TrainingClass
from service.models.tables.user import User

ORDER = SortOrder((Score.id,), is_descending=True)
STATES = ("submitted", "returned", "confirmed")


@dataclass(frozen=True, slots=True)
class ScoreFilter:
    """What a list is narrowed to. text: part of a person's name; state: one of ``STATES``.

    A score is submitted until the association confirms it or returns it to be entered anew.
    """

    text: str = ""
    class_id: UUID | None = None
    person_id: UUID | None = None
    state: str = ""


def scores_query(user: User, chosen: ScoreFilter) -> Any:
    """The scores of the enrolments in scope, one row an attempt."""
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


def _conditions(chosen: ScoreFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.text:
        found.append(
            Person.sort_key.startswith(chosen.text.lower(), autoescape=True)
            if chosen.text.isascii()
            else name_contains(Person.name, chosen.text)
        )
    if chosen.class_id:
        found.append(Enrollment.class_id == chosen.class_id)
    if chosen.person_id:
        found.append(Enrollment.person_id == chosen.person_id)
    if chosen.state == "confirmed":
        found.append(Score.confirmed_at.is_not(None))
    elif chosen.state:
        waits = Enrollment.state == "scored"
        found += [Score.confirmed_at.is_(None), waits if chosen.state == "submitted" else ~waits]
    return found
