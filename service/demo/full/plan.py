"""What the full demonstration is to tell: units, persons, classes and enrolments as plain values, before any case is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID

from service.domain.training.enrollment_state import LIVE, EnrollmentState
from service.domain.values.calendar import (
    DAY,
    ZONE,
    civil_date,
    start_of_day,
)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything (domain.md §3); ``years`` is how far back it reaches."""

    units: int = 2_000
    persons: int = 50_000
    classes: int = 1_000
    enrolments: int = 150_000
    years: int = 5


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit and the accounts that act for it. code: of its province, ``11`` for academies, which have none."""

    id: UUID
    kind: str
    name: str
    code: str
    authority_id: UUID | None
    user_id: UUID
    group_user_id: UUID | None = None

    @property
    def is_academy(self) -> bool:
        return self.kind == "academy"


@dataclass(slots=True)
class Class:
    """A class as planned. organiser: ``association`` or the code of a province; cancelled_at: None for most."""

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
class Story:
    """One enrolment as planned: into which class, when, and by which path; ``serial`` of a first certificate."""

    training_class: Class
    at: datetime
    path: str
    seed: int
    is_academy: bool
    serial: int = 0


@dataclass(slots=True)
class Ending:
    """The deregistration of an expired certificate: when its case begins, and when the ministry decides."""

    at: datetime
    decided_at: datetime


EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Learner:
    """A person as planned. record: the fields of the person form; legacy: number, issue and last day of an older certificate.

    free_from, issued_on, valid_to, refreshed: what holds after the events planned so far.
    """

    number: int
    unit: Unit
    kind: str
    entered_at: datetime
    decided_at: datetime
    record: dict[str, str]
    fate: str = "approved"
    legacy: tuple[str, date, date] | None = None
    left_at: datetime | None = None
    events: list[Story | Ending] = field(default_factory=list)
    free_from: datetime = EARLIEST
    issued_on: date | None = None
    valid_to: date | None = None
    refreshed: int = 0

    def need(self, day: date) -> str:
        """R22–R29 in short, to choose by; what counts is what the decision table says when he is enrolled."""
        if self.valid_to is None:
            return "initial"
        if day > self.valid_to:
            return "expired"
        if self.valid_to <= date(day.year + 1, 3, 1):
            return "renewal"
        assert self.issued_on is not None
        return "none" if day.year in (self.issued_on.year, self.refreshed) else "refresher"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens in an enrolment, and the state it is in then."""

    at: datetime
    what: str
    state: str


def instant(day: date, random: Random, first: int = 9, last: int = 16) -> datetime:
    """Some minute of a working day in China, from ``first`` o'clock to the end of the hour ``last``."""
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
"""How often each path is taken, of a thousand."""
CERTIFYING = ("resubmitted", "void")  # paths that only a certificate has


def timeline(story: Story) -> list[Happening]:
    """Everything that happens in an enrolment, in order; the same for the same story."""
    random, planned = Random(story.seed), story.training_class  # noqa: S311 - invented data
    told = _admission(story, random)
    if story.path not in ("rejected", "lapsed", "withdrawn", "withdrawn_late", "no_show"):
        told += _examination(story, random)
    if planned.cancelled_at is not None:
        told = [h for h in told if h.at < planned.cancelled_at]
        if EnrollmentState(told[-1].state) in LIVE:
            told.append(Happening(planned.cancelled_at + timedelta(minutes=5), "cancel", "cancelled"))
    return told


def _admission(story: Story, random: Random) -> list[Happening]:
    planned, enrolled = story.training_class, civil_date(story.at)
    told = [Happening(story.at, "enrol", "confirmed" if story.is_academy else "pending")]
    soon = enrolled + random.randint(1, 3) * DAY
    if story.path == "withdrawn":
        return [*told, Happening(instant(enrolled + DAY, random), "withdraw", "withdrawn")]
    if story.path == "rejected" and not story.is_academy:
        return [*told, Happening(instant(soon, random), "reject", "rejected")]
    if story.path == "lapsed" and not story.is_academy:
        warned = Happening(start_of_day(planned.starts_on - 2 * DAY) + timedelta(seconds=2), "warn", "pending")
        return [
            *told,
            warned,
            Happening(start_of_day(planned.starts_on + DAY) + timedelta(seconds=2), "lapse", "rejected"),
        ]
    if not story.is_academy:
        told.append(Happening(instant(soon, random), "confirm", "confirmed"))
    if story.path in ("withdrawn_late", "rejected", "lapsed"):
        return [*told, Happening(instant(planned.enrol_until, random), "withdraw", "withdrawn")]
    if story.path == "no_show":
        return [*told, Happening(instant(planned.starts_on + DAY, random, 11, 11), "no_show", "no_show")]
    return [*told, Happening(instant(planned.starts_on, random, 8, 10), "check_in", "checked_in")]


def _examination(story: Story, random: Random) -> list[Happening]:
    ends = story.training_class.ends_on
    told = [Happening(instant(ends, random, 14), "record", "scored")]
    settled = ends + random.randint(3, 4) * DAY
    if story.path == "returned":
        told += [
            Happening(instant(ends + DAY, random), "return", "checked_in"),
            Happening(instant(ends + 2 * DAY, random), "record", "scored"),
        ]
    if story.path in ("made_up", "failed"):
        told += [
            Happening(instant(settled, random), "settle", "makeup"),
            Happening(instant(ends + 10 * DAY, random), "record", "scored"),
        ]
        settled = ends + 12 * DAY
    if story.path == "failed":
        return [*told, Happening(instant(settled, random), "settle", "failed")]
    if story.training_class.kind == "refresher":
        return [*told, Happening(instant(settled, random), "settle", "completed")]
    return [*told, Happening(instant(settled, random), "settle", "certifying"), *_certification(story, settled, random)]


def _certification(story: Story, settled: date, random: Random) -> list[Happening]:
    told: list[Happening] = []
    if story.path in CERTIFYING:
        told.append(Happening(instant(settled + 2 * DAY, random), "refuse", "certifying"))
        corrected = instant(settled + 4 * DAY, random)
        if story.path == "void":
            return [*told, Happening(corrected, "void", "failed")]
        told.append(Happening(corrected, "resubmit", "certifying"))
        settled += 4 * DAY
    days = random.sample(range(1, 12), 2)
    pair = sorted(
        (instant(settled + day * DAY, random), what) for day, what in zip(days, ("print", "approve"), strict=True)
    )
    return told + [
        Happening(at, what, state) for (at, what), state in zip(pair, ("certifying", "completed"), strict=True)
    ]
