"""Schedule of the classes, month by month: kinds follow the needs of the persons; with the plan of each enrolment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from service.demo.invented.actions import CLASS_TITLES
from service.domain.certificates.certificates import initial_valid_to, renewed_valid_to
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import Facts, Need
from service.domain.units.provinces import AUTHORITY_CODES, PROVINCES
from service.domain.values.calendar import (
    DAY,
    add_months,
    civil_date,
    start_of_day,
)
from service.operations.class_draft import CODE_LETTERS
from tests.bench.full_scale.plan import (
    CERTIFYING,
    PATHS,
    ClassPlan,
    DeregistrationPlan,
    EnrollmentPlan,
    PersonPlan,
    Scale,
    enrollment_events,
    working_instant,
)

DAYS = {"initial": 6, "refresher": 2, "renewal": 2}
KIND_WEIGHTS = {"initial": 1, "refresher": 1, "renewal": 6}  # persons whose certificate ends are served first
CLASSES_PER_CANCELLATION = 50

Pools = dict[str, dict[str, list[PersonPlan]]]


class ClassSchedule:
    """Plans classes and enrolments until ``now``, and the classes that are open for enrolment then."""

    def __init__(
        self,
        scale: Scale,
        persons: list[PersonPlan],
        now: datetime,
        random: Random,
        decide: Callable[[Facts], Need],
    ) -> None:
        self._scale, self._persons, self._now, self._random, self._decide = scale, persons, now, random, decide
        self.classes: list[ClassPlan] = []
        self.enrolled = 0
        self._codes: Counter[str] = Counter()

    def plan(self) -> None:
        """Plan all months in order; then the persons who leave, and the serials of first certificates by day of issue."""
        today = civil_date(self._now)
        months = self._scale.years * 12 + 1
        first = add_months(today.replace(day=1), 1 - months)
        for n in range(months + 1):
            begins = add_months(first, n)
            due = round(self._scale.classes * (n + 1) / (months + 1)) - len(self.classes)
            self._month(begins, min(add_months(begins, 1) - DAY, today + 33 * DAY), due)
        self._leave()
        self._number()

    def _month(self, first: date, last: date, count: int) -> None:
        """Plan the classes that start from ``first`` to ``last``; persons are enrolled in the weeks before."""
        if last < first:
            return
        days = sorted(first + self._random.randrange((last - first).days + 1) * DAY for _ in range(count))
        pools = self._pools(first - 20 * DAY)
        for starts_on in days:
            weights = [max(1, KIND_WEIGHTS[kind] * sum(map(len, pools[kind].values()))) for kind in DAYS]
            kind = self._random.choices(tuple(DAYS), weights)[0]
            self._open(starts_on, kind, pools[kind])

    def _pools(self, day: date) -> Pools:
        """Group persons by needed class and province, shuffled; plan the deregistration of expired certificates."""
        pools: Pools = {kind: defaultdict(list) for kind in DAYS}
        at = start_of_day(day)
        for person in self._persons:
            if person.decided_at > at or person.outcome != "approved" or person.free_from > at:
                continue
            need = self._decide(person.facts(day))
            if need is Need.EXPIRED:
                self._plan_deregistration(person)
            elif need is not Need.NONE:
                pools[need.value][person.unit.code].append(person)
        for kind in pools.values():
            for rows in kind.values():
                self._random.shuffle(rows)
        return pools

    def _plan_deregistration(self, person: PersonPlan) -> None:
        """Plan the case that the daily job starts, and the ministry's decision some weeks later (S77)."""
        assert person.valid_to is not None
        begun = start_of_day(max(person.valid_to, civil_date(person.free_from)) + DAY)
        begun += timedelta(hours=1, seconds=self._random.randrange(300))
        decided = working_instant(civil_date(begun) + self._random.randint(10, 150) * DAY, self._random)
        if begun < self._now:
            person.events.append(DeregistrationPlan(begun, decided))
            person.free_from, person.valid_to, person.issued_on = decided, None, None

    def _open(self, starts_on: date, kind: str, pools: dict[str, list[PersonPlan]]) -> None:
        organiser = "association"
        if kind != "initial":
            weights = [len(pools[code]) + 0.1 for code in AUTHORITY_CODES]
            organiser = self._random.choices(AUTHORITY_CODES, weights)[0]
        number = len(self.classes)
        opened = ClassPlan(
            id=UUID(int=self._random.getrandbits(128), version=4),
            kind=kind,
            organiser=organiser,
            institution=self._random.randrange(20),
            starts_on=starts_on,
            ends_on=starts_on + (DAYS[kind] - 1) * DAY,
            number=number,
        )
        if number % CLASSES_PER_CANCELLATION == CLASSES_PER_CANCELLATION // 2:
            opened.cancelled_at = working_instant(starts_on - self._random.randint(6, 15) * DAY, self._random)
        opened.code, opened.title, opened.place = self._name(opened)
        self.classes.append(opened)
        left = max(1, self._scale.classes - number)
        wanted = round((self._scale.enrolments - self.enrolled) / left * self._random.uniform(0.75, 1.25))
        taken = self._enrol(opened, wanted if left > 1 else self._scale.enrolments - self.enrolled, pools)
        opened.capacity = -(-max(taken, 10) // 10) * 10

    def _name(self, opened: ClassPlan) -> tuple[str, str, str]:
        """Return the code as ``operations.class_draft`` gives it, title and place."""
        is_national, year = opened.organiser == "association", opened.starts_on.year
        stem = f"{year}{CODE_LETTERS[TrainingKind(opened.kind)]}{'00' if is_national else opened.organiser}-"
        self._codes[stem] += 1
        place = (
            self._random.choice(list(PROVINCES.values())[:31]).short
            if is_national
            else PROVINCES[opened.organiser].short
        )
        title = f"{year}年{place}{CLASS_TITLES[opened.kind]}班（{opened.starts_on.month}月第{self._codes[stem]}期）"
        return f"{stem}{self._codes[stem]:03d}", title, f"{place}培训基地"

    def _enrol(self, opened: ClassPlan, wanted: int, pools: dict[str, list[PersonPlan]]) -> int:
        """Enrol persons of the organiser's province first, then others; returns the number enrolled."""
        taken = 0
        for person in self._candidates(opened.organiser, pools):
            at = working_instant(opened.starts_on - self._random.randint(10, 33) * DAY, self._random)
            if taken >= wanted:
                pools[person.unit.code].append(person)
                break
            if at > self._now or person.free_from > at or (opened.cancelled_at or at) < at:
                continue
            if person.decided_at < at and self._decide(person.facts(civil_date(at))) == opened.kind:
                self._plan_enrollment(person, opened, at)
                taken += 1
        self.enrolled += taken
        return taken

    def _candidates(self, organiser: str, pools: dict[str, list[PersonPlan]]) -> Iterator[PersonPlan]:
        codes = sorted(pools, key=lambda code: (code != organiser, self._random.random()))
        if organiser == "association":
            codes = self._random.sample(codes, len(codes))
        for code in codes:
            while pools[code]:
                yield pools[code].pop()

    def _plan_enrollment(self, person: PersonPlan, opened: ClassPlan, at: datetime) -> None:
        paths = [p for p in PATHS if opened.kind != "refresher" or p not in CERTIFYING]
        path = self._random.choices(paths, [PATHS[p] for p in paths])[0]
        enrollment_plan = EnrollmentPlan(opened, at, path, self._random.getrandbits(48), person.unit.is_academy)
        person.events.append(enrollment_plan)
        events = enrollment_events(enrollment_plan)
        person.free_from = events[-1].at
        if events[-1].at > self._now or events[-1].state != "completed":
            return
        settled = civil_date(next(h.at for h in reversed(events) if h.name == "settle"))
        if opened.kind == "refresher":
            person.refreshed = opened.ends_on.year
        else:
            renews = opened.kind == "renewal" and person.valid_to
            person.issued_on, person.valid_to = (
                settled,
                renewed_valid_to(renews) if renews else initial_valid_to(settled),
            )

    def _leave(self) -> None:
        """Plan the deregistration of one person in forty by the province, some time after the last class."""
        for person in self._persons:
            begins = person.free_from
            if person.outcome == "approved" and begins + 3 * DAY < self._now and self._random.random() < 0.025:
                days = max(1, (self._now - begins).days - 1)
                person.left_at = working_instant(civil_date(begins) + self._random.randint(1, days) * DAY, self._random)

    def _number(self) -> None:
        """Number first certificates within province and year, in the order of their issue."""
        issued = [
            (h.at, person.number, person, event)
            for person in self._persons
            for event in person.events
            if isinstance(event, EnrollmentPlan) and event.training_class.kind == "initial"
            for h in enrollment_events(event)
            if h.state == "certifying" and h.name == "settle" and h.at <= self._now
        ]
        serials: Counter[tuple[str, int]] = Counter()
        for at, _, person, enrollment_plan in sorted(issued, key=lambda row: row[:2]):
            key = ("00" if person.unit.is_academy else person.unit.code, civil_date(at).year)
            serials[key] += 1
            enrollment_plan.serial = serials[key]
        self.serials = serials
