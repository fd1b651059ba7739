"""Plan of the full-scale data: units, persons, classes and enrolments as plain values, before any case is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID

from service import engine
from service.domain.certificates.certificates import Certificate, CertificateState
from service.domain.training import training_need
from service.domain.training.enrollment_state import LIVE_STATES, EnrollmentState
from service.domain.training.training_need import Facts, Need
from service.domain.units.units import UnitKind
from service.domain.values.calendar import (
    DAY,
    ZONE,
    civil_date,
    start_of_day,
)


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers of rows (domain.md §3), and the years that they reach back."""

    units: int = 2_000
    persons: int = 50_000
    classes: int = 1_000
    enrolments: int = 150_000
    years: int = 5


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit and the accounts that act for it. code: of its province; ``11`` for academies, which have none."""

    id: UUID
    kind: str
    name: str
    code: str
    authority_id: UUID | None
    user_id: UUID
    group_user_id: UUID | None = None

    @property
    def is_academy(self) -> bool:
        return self.kind == UnitKind.ACADEMY


@dataclass(slots=True)
class ClassPlan:
    """A planned class. organiser: ``association`` or the code of a province; cancelled_at: None for most."""

    id: UUID
    kind: str
    organiser: str
    institution: int
    starts_on: date
    ends_on: date
    number: int
    cancelled_at: datetime | None = None
    capacity: int = 0
    code: str = ""
    title: str = ""
    place: str = ""

    @property
    def enrol_from(self) -> date:
        return self.starts_on - 35 * DAY

    @property
    def enrol_until(self) -> date:
        return self.starts_on - 5 * DAY


@dataclass(slots=True)
class EnrollmentPlan:
    """A planned enrolment. path: a key of ``PATHS``; serial: of the number of a first certificate."""

    training_class: ClassPlan
    at: datetime
    path: str
    seed: int
    is_academy: bool
    serial: int = 0


@dataclass(slots=True)
class DeregistrationPlan:
    """A planned deregistration of an expired certificate. at: start of the case; decided_at: the ministry's decision."""

    at: datetime
    decided_at: datetime


EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class PersonPlan:
    """A planned person.

    record: the fields of the person form; legacy: number, issue and last day of an older certificate; outcome: draft,
    rejected or approved. free_from, issued_on, valid_to and refreshed hold after the events planned so far.
    """

    number: int
    unit: Unit
    kind: str
    entered_at: datetime
    decided_at: datetime
    record: dict[str, str]
    outcome: str = "approved"
    legacy: tuple[str, date, date] | None = None
    left_at: datetime | None = None
    events: list[EnrollmentPlan | DeregistrationPlan] = field(default_factory=list)
    free_from: datetime = EARLIEST
    issued_on: date | None = None
    valid_to: date | None = None
    refreshed: int = 0

    def facts(self, day: date) -> Facts:
        """Collect the facts of the training need on a day, by the domain's rules (R22–R29)."""
        held = []
        if self.issued_on is not None and self.valid_to is not None:
            held = [Certificate(self.issued_on, self.valid_to, CertificateState.VALID)]
        return training_need.facts(day, held, (), (self.refreshed,))


def need_decision(definition: engine.Definition) -> Callable[[Facts], Need]:
    """Return the decision table of a definition as a function.

    The table reads nothing but yes-or-no facts; equal ones are decided once, because the plan asks three million times.
    """
    decided: dict[tuple[bool, ...], Need] = {}

    def decide(facts: Facts) -> Need:
        key = tuple(value for value in facts.values() if isinstance(value, bool))
        if key not in decided:
            decided[key] = Need(engine.evaluate_decision(definition, "training_need", facts)["need"])
        return decided[key]

    return decide


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event of an enrolment, and the state that follows from it."""

    at: datetime
    name: str
    state: str


def working_instant(day: date, random: Random, first: int = 9, last: int = 16) -> datetime:
    """Choose an instant of a day in China, from the hour ``first`` to the end of the hour ``last``."""
    minute = random.randrange((last - first + 1) * 60)
    return datetime.combine(day, time(first + minute // 60, minute % 60, random.randrange(60)), ZONE).astimezone(UTC)


PATHS = {
    "passed": 840,
    "made_up": 55,
    "failed": 18,
    "returned": 10,
    "rejected": 20,
    "lapsed": 6,
    "withdrawn": 15,
    "withdrawn_late": 10,
    "no_show": 16,
    "resubmitted": 6,
    "void": 4,
}
"""Frequency of each path, of a thousand."""
CERTIFYING = ("resubmitted", "void")  # paths that end in a certificate


def enrollment_events(enrollment_plan: EnrollmentPlan) -> list[PlannedEvent]:
    """List the events of an enrolment in order; the same plan gives the same events."""
    random, planned = Random(enrollment_plan.seed), enrollment_plan.training_class
    events = _admission(enrollment_plan, random)
    if enrollment_plan.path not in ("rejected", "lapsed", "withdrawn", "withdrawn_late", "no_show"):
        events += _examination(enrollment_plan, random)
    if planned.cancelled_at is not None:
        events = [h for h in events if h.at < planned.cancelled_at]
        if EnrollmentState(events[-1].state) in LIVE_STATES:
            events.append(PlannedEvent(planned.cancelled_at + timedelta(minutes=5), "cancel", "cancelled"))
    return events


def _admission(enrollment_plan: EnrollmentPlan, random: Random) -> list[PlannedEvent]:
    planned, enrolled = enrollment_plan.training_class, civil_date(enrollment_plan.at)
    events = [PlannedEvent(enrollment_plan.at, "enrol", "confirmed" if enrollment_plan.is_academy else "pending")]
    soon = enrolled + random.randint(1, 3) * DAY
    if enrollment_plan.path == "withdrawn":
        return [*events, PlannedEvent(working_instant(enrolled + DAY, random), "withdraw", "withdrawn")]
    if enrollment_plan.path == "rejected" and not enrollment_plan.is_academy:
        return [*events, PlannedEvent(working_instant(soon, random), "reject", "rejected")]
    if enrollment_plan.path == "lapsed" and not enrollment_plan.is_academy:
        warned = PlannedEvent(start_of_day(planned.starts_on - 2 * DAY) + timedelta(seconds=2), "warn", "pending")
        return [
            *events,
            warned,
            PlannedEvent(start_of_day(planned.starts_on + DAY) + timedelta(seconds=2), "lapse", "rejected"),
        ]
    if not enrollment_plan.is_academy:
        events.append(PlannedEvent(working_instant(soon, random), "confirm", "confirmed"))
    if enrollment_plan.path in ("withdrawn_late", "rejected", "lapsed"):
        return [*events, PlannedEvent(working_instant(planned.enrol_until, random), "withdraw", "withdrawn")]
    if enrollment_plan.path == "no_show":
        return [*events, PlannedEvent(working_instant(planned.starts_on + DAY, random, 11, 11), "no_show", "no_show")]
    return [*events, PlannedEvent(working_instant(planned.starts_on, random, 8, 10), "check_in", "checked_in")]


def _examination(enrollment_plan: EnrollmentPlan, random: Random) -> list[PlannedEvent]:
    ends = enrollment_plan.training_class.ends_on
    events = [PlannedEvent(working_instant(ends, random, 14), "record", "scored")]
    settled = ends + random.randint(3, 4) * DAY
    if enrollment_plan.path == "returned":
        events += [
            PlannedEvent(working_instant(ends + DAY, random), "return", "checked_in"),
            PlannedEvent(working_instant(ends + 2 * DAY, random), "record", "scored"),
        ]
    if enrollment_plan.path in ("made_up", "failed"):
        events += [
            PlannedEvent(working_instant(settled, random), "settle", "makeup"),
            PlannedEvent(working_instant(ends + 10 * DAY, random), "record", "scored"),
        ]
        settled = ends + 12 * DAY
    if enrollment_plan.path == "failed":
        return [*events, PlannedEvent(working_instant(settled, random), "settle", "failed")]
    if enrollment_plan.training_class.kind == "refresher":
        return [*events, PlannedEvent(working_instant(settled, random), "settle", "completed")]
    return [
        *events,
        PlannedEvent(working_instant(settled, random), "settle", "certifying"),
        *_certification(enrollment_plan, settled, random),
    ]


def _certification(enrollment_plan: EnrollmentPlan, settled: date, random: Random) -> list[PlannedEvent]:
    events: list[PlannedEvent] = []
    if enrollment_plan.path in CERTIFYING:
        events.append(PlannedEvent(working_instant(settled + 2 * DAY, random), "refuse", "certifying"))
        corrected = working_instant(settled + 4 * DAY, random)
        if enrollment_plan.path == "void":
            return [*events, PlannedEvent(corrected, "void", "failed")]
        events.append(PlannedEvent(corrected, "resubmit", "certifying"))
        settled += 4 * DAY
    days = random.sample(range(1, 12), 2)
    pair = sorted(
        (working_instant(settled + day * DAY, random), name)
        for day, name in zip(days, ("print", "approve"), strict=True)
    )
    return events + [
        PlannedEvent(at, name, state) for (at, name), state in zip(pair, ("certifying", "completed"), strict=True)
    ]
