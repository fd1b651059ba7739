"""The plan of the classes, month by month: what is opened follows what persons need; and what becomes of each enrolment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from service.demo.fixtures.actions import TITLES
from service.demo.full.plan import CERTIFYING, PATHS, Class, Ending, Learner, Scale, Story, instant, timeline
from service.domain.certificates.certificates import initial_valid_to, renewed_valid_to
from service.domain.training.training_kind import TrainingKind
from service.domain.units.provinces import AUTHORITY_CODES, PROVINCES
from service.domain.values.calendar import (
    DAY,
    add_months,
    civil_date,
    start_of_day,
)
from service.operations.class_draft import LETTERS

DAYS = {"initial": 6, "refresher": 2, "renewal": 2}
PULL = {"initial": 1, "refresher": 1, "renewal": 6}  # whose certificate ends is called first
CANCELLED = 50  # one class of so many is cancelled

Pools = dict[str, dict[str, list[Learner]]]


class Seasons:
    """Plans until ``now``, and the classes that are open for enrolment then."""

    def __init__(self, scale: Scale, learners: list[Learner], now: datetime, random: Random) -> None:
        self._scale, self._learners, self._now, self._random = scale, learners, now, random
        self.classes: list[Class] = []
        self.enrolled = 0
        self._codes: Counter[str] = Counter()

    def tell(self) -> None:
        """All months in order; then who leaves, and the serials of first certificates by day of issue."""
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
        """The classes that start from ``first`` to ``last``; people enrol in the weeks before."""
        if last < first:
            return
        days = sorted(first + self._random.randrange((last - first).days + 1) * DAY for _ in range(count))
        pools = self._pools(first - 20 * DAY)
        for starts_on in days:
            weights = [max(1, PULL[kind] * sum(map(len, pools[kind].values()))) for kind in DAYS]
            kind = self._random.choices(tuple(DAYS), weights)[0]
            self._open(starts_on, kind, pools[kind])

    def _pools(self, day: date) -> Pools:
        """Who needs which class on a day, by province, in no order; what has expired ends on the way."""
        pools: Pools = {kind: defaultdict(list) for kind in DAYS}
        at = start_of_day(day)
        for learner in self._learners:
            if learner.decided_at > at or learner.fate != "approved" or learner.free_from > at:
                continue
            need = learner.need(day)
            if need == "expired":
                self._end(learner)
            elif need != "none":
                pools[need][learner.unit.code].append(learner)
        for kind in pools.values():
            for rows in kind.values():
                self._random.shuffle(rows)
        return pools

    def _end(self, learner: Learner) -> None:
        """The daily job begins a case, and the ministry decides it some weeks later (S77)."""
        assert learner.valid_to is not None
        begun = start_of_day(max(learner.valid_to, civil_date(learner.free_from)) + DAY)
        begun += timedelta(hours=1, seconds=self._random.randrange(300))
        decided = instant(civil_date(begun) + self._random.randint(10, 150) * DAY, self._random)
        if begun < self._now:
            learner.events.append(Ending(begun, decided))
            learner.free_from, learner.valid_to, learner.issued_on = decided, None, None

    def _open(self, starts_on: date, kind: str, pools: dict[str, list[Learner]]) -> None:
        organiser = "association"
        if kind != "initial":
            weights = [len(pools[code]) + 0.1 for code in AUTHORITY_CODES]
            organiser = self._random.choices(AUTHORITY_CODES, weights)[0]
        number = len(self.classes)
        opened = Class(
            id=UUID(int=self._random.getrandbits(128), version=4),
            kind=kind,
            organiser=organiser,
            institution=self._random.randrange(20),
            starts_on=starts_on,
            ends_on=starts_on + (DAYS[kind] - 1) * DAY,
            number=number,
        )
        if number % CANCELLED == CANCELLED // 2:
            opened.cancelled_at = instant(starts_on - self._random.randint(6, 15) * DAY, self._random)
        opened.code, opened.title, opened.place = self._name(opened)
        self.classes.append(opened)
        left = max(1, self._scale.classes - number)
        wanted = round((self._scale.enrolments - self.enrolled) / left * self._random.uniform(0.75, 1.25))
        taken = self._enrol(opened, wanted if left > 1 else self._scale.enrolments - self.enrolled, pools)
        opened.capacity = -(-max(taken, 10) // 10) * 10

    def _name(self, opened: Class) -> tuple[str, str, str]:
        """Code as handlers.class_draft gives it, title and place."""
        is_national, year = opened.organiser == "association", opened.starts_on.year
        stem = f"{year}{LETTERS[TrainingKind(opened.kind)]}{'00' if is_national else opened.organiser}-"
        self._codes[stem] += 1
        place = (
            self._random.choice(list(PROVINCES.values())[:31]).short
            if is_national
            else PROVINCES[opened.organiser].short
        )
        title = f"{year}年{place}{TITLES[opened.kind]}班（{opened.starts_on.month}月第{self._codes[stem]}期）"
        return f"{stem}{self._codes[stem]:03d}", title, f"{place}培训基地"

    def _enrol(self, opened: Class, wanted: int, pools: dict[str, list[Learner]]) -> int:
        """Those of the organiser's province first, then others; returns how many."""
        taken = 0
        for learner in self._candidates(opened.organiser, pools):
            at = instant(opened.starts_on - self._random.randint(10, 33) * DAY, self._random)
            if taken >= wanted:
                pools[learner.unit.code].append(learner)
                break
            if at > self._now or learner.free_from > at or (opened.cancelled_at or at) < at:
                continue
            if learner.decided_at < at and learner.need(civil_date(at)) == opened.kind:
                self._tell(learner, opened, at)
                taken += 1
        self.enrolled += taken
        return taken

    def _candidates(self, organiser: str, pools: dict[str, list[Learner]]) -> Iterator[Learner]:
        codes = sorted(pools, key=lambda code: (code != organiser, self._random.random()))
        if organiser == "association":
            codes = self._random.sample(codes, len(codes))
        for code in codes:
            while pools[code]:
                yield pools[code].pop()

    def _tell(self, learner: Learner, opened: Class, at: datetime) -> None:
        paths = [p for p in PATHS if opened.kind != "refresher" or p not in CERTIFYING]
        path = self._random.choices(paths, [PATHS[p] for p in paths])[0]
        story = Story(opened, at, path, self._random.getrandbits(48), learner.unit.is_academy)
        learner.events.append(story)
        told = timeline(story)
        learner.free_from = told[-1].at
        if told[-1].at > self._now or told[-1].state != "completed":
            return
        settled = civil_date(next(h.at for h in reversed(told) if h.what == "settle"))
        if opened.kind == "refresher":
            learner.refreshed = opened.ends_on.year
        else:
            renews = opened.kind == "renewal" and learner.valid_to
            learner.issued_on, learner.valid_to = (
                settled,
                renewed_valid_to(renews) if renews else initial_valid_to(settled),
            )

    def _leave(self) -> None:
        """One of forty is deregistered by his province, sometime after his last class."""
        for learner in self._learners:
            begins = learner.free_from
            if learner.fate == "approved" and begins + 3 * DAY < self._now and self._random.random() < 0.025:
                days = max(1, (self._now - begins).days - 1)
                learner.left_at = instant(civil_date(begins) + self._random.randint(1, days) * DAY, self._random)

    def _number(self) -> None:
        """Serials of first certificates within province and year, in the order of their issue."""
        issued = [
            (h.at, learner.number, learner, event)
            for learner in self._learners
            for event in learner.events
            if isinstance(event, Story) and event.training_class.kind == "initial"
            for h in timeline(event)
            if h.state == "certifying" and h.what == "settle" and h.at <= self._now
        ]
        serials: Counter[tuple[str, int]] = Counter()
        for at, _, learner, story in sorted(issued, key=lambda row: row[:2]):
            key = ("00" if learner.unit.is_academy else learner.unit.code, civil_date(at).year)
            serials[key] += 1
            story.serial = serials[key]
        self.serials = serials
