"""The page of candidates and the act of enrolling judge by the same offer of a class (R34, R38–R40, R44)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from service.errors import NotFound
from service.models.db.clock import today
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import authority_id
from service.workflow.training import enrollment_eligibility, enrollments
from tests.builders.stage import known, make_stage
from tests.builders.world import make_class, make_person, make_unit, make_user, qualification

UNITS = {
    "of the province": ("enterprise", "37"),
    "of another": ("enterprise", "42"),
    "of an academy": ("academy", "11"),
}
# Dates in days from today.
CLASSES: dict[str, dict[str, Any]] = {
    "open": {},
    "not begun": {"enrol_from": 1},
    "over": {"enrol_until": -1},
    "cancelled": {"state": "cancelled"},
    "a draft": {"state": "draft"},
    "for others": {"qualification_types": ["MANAGER_SALE"]},
}


@dataclass(frozen=True)
class Candidate:
    """A row of the page of candidates."""

    id: UUID
    state: str
    type_code: str
    unit_id: UUID


@pytest.mark.parametrize("organiser", ["association", "37"])
@pytest.mark.parametrize("to_others", [True, False], ids=["for other provinces, too", "for its own"])
@pytest.mark.parametrize("what", CLASSES)
def test_whoever_the_page_offers_can_be_enrolled_and_nobody_else(
    app: Any, clock: Any, organiser: str, to_others: bool, what: str
) -> None:
    stage = make_stage()
    more = {n: today() + timedelta(days=v) if isinstance(v, int) else v for n, v in CLASSES[what].items()}
    more["open_to_other_provinces"] = to_others
    found = make_class("initial", authority_id(organiser), stage.centre, **more)
    units = [
        make_unit(kind, code, **({"credit_code": None} if kind == "academy" else {})) for kind, code in UNITS.values()
    ]
    persons = [make_person(unit, state=state) for unit in units for state in ("approved", "pending")]
    said = enrollment_eligibility.obstacles(found, [_row(person) for person in persons])
    for unit in units:
        user = stage.association if unit.kind == "academy" else make_user("enterprise", unit.id)
        own = [person.id for person in persons if person.unit_id == unit.id]
        assert _enrolled(user, found.id, own) == {key for key in own if not said[key]}


def _enrolled(user: User, class_id: UUID, person_ids: list[UUID]) -> set[UUID]:
    """Those who got in; a class out of sight takes nobody."""
    with suppress(NotFound):
        return {one.person_id for one in enrollments.enroll(known(user), class_id, person_ids) if one.case_id}
    return set()


def _row(person: Person) -> Candidate:
    return Candidate(person.id, person.state, qualification().code, person.unit_id)
