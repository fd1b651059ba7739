"""Units with their accounts, training institutions, and the plans of persons as they are entered over the years."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from random import Random
from typing import Any
from uuid import UUID

from service.demo.invented.accounts import FIRST_KINDS, Accounts
from service.demo.invented.people import FAMILY_NAMES, People, unit_records
from service.domain.accounts.privacy import VERSION
from service.domain.units.provinces import PROVINCES
from service.domain.values.calendar import DAY, civil_date
from service.models.db.collation import name_keys
from service.models.db.transaction import Operation
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import AcademyLink, Organisation, authority_id
from tests.bench.full_scale.bulk_copy import AuditedRow, CopyBuffer
from tests.bench.full_scale.plan import PersonPlan, Scale, Unit, working_instant

KINDS = (
    "enterprise",
    "branch",
    "enterprise",
    "branch",
    "enterprise",
    "group",
    "enterprise",
    "branch",
    "enterprise",
    "branch",
)
INSTITUTIONS = 20
TYPES = ("MANAGER_PROD", "MANAGER_PROD", "PRINCIPAL_PROD", "MANAGER_SALE", "PRINCIPAL_SALE")
UNDECIDED_FOR = 30 * DAY  # who is entered within this before now may still wait for the province


class Organisations:
    """Creates units, institutions and accounts in ``buffer``, and plans the persons."""

    def __init__(self, buffer: CopyBuffer, scale: Scale, accounts: Accounts, now: datetime, random: Random) -> None:
        self._buffer, self._scale, self._accounts, self._now, self._random = buffer, scale, accounts, now, random
        self._begins = now - timedelta(days=365 * scale.years + 40)
        self._cause = Operation("create_unit")
        self.units: list[Unit] = []
        self.institutions: list[tuple[UUID, UUID, str]] = []  # id, account, name

    def create(self) -> list[PersonPlan]:
        """Create units and institutions; returns the persons who are to be entered."""
        for n in range(1, INSTITUTIONS + 1):
            self._institution(n)
        self._create_units()
        return self._plan_persons()

    def _institution(self, n: int) -> None:
        place = list(PROVINCES.values())[(n * 7) % 31].short
        name = f"{place}安全培训中心第{n}部（示例）"
        row = self._organisation(kind="training_institution", name=name, state="complete")
        user = self._user(f"institution-{n}", f"{FAMILY_NAMES[n]}甲午", "training_institution", row.id)
        self.institutions.append((row.id, user, name))

    def _create_units(self) -> None:
        """Create the three units people sign in to first, then groups with branches and enterprises, academies last."""
        academies = max(1, self._scale.units // 60)
        kinds = [
            *FIRST_KINDS,
            *islice(cycle(KINDS), max(0, self._scale.units - len(FIRST_KINDS) - academies)),
            *["academy"] * academies,
        ]
        groups: list[Unit] = []
        counts: dict[str, int] = {}
        for kind, record in zip(kinds[: self._scale.units], unit_records(), strict=False):
            counts[kind] = counts.get(kind, 0) + 1
            group = self._random.choice(groups[:3] + groups) if kind == "branch" else None
            unit = self._unit(kind, counts[kind], record, group)
            self.units.append(unit)
            if kind == "group":
                groups.append(unit)

    def _unit(self, kind: str, n: int, record: dict[str, str], group: Unit | None) -> Unit:
        code = record.pop("code")
        authority = None if kind == "academy" else authority_id(code)
        if kind == "academy":
            record |= {"name": record["name"].replace("（示例）", "学院（示例）"), "business": ""}
        values: dict[str, Any] = {name: value or None for name, value in record.items()}
        parent = group.id if group else None
        row = self._organisation(kind=kind, state="complete", authority_id=authority, parent_id=parent, **values)
        if kind == "academy":
            self._buffer.add(AcademyLink, academy_id=row.id, institution_id=self.institutions[0][0])
            user = self._accounts["association"].id
        else:
            role = "group" if kind == "group" else "enterprise"
            user = self._user(f"{kind}-{n}", record["contact"], role, row.id)
        return Unit(row.id, kind, record["name"], code, authority, user, group.user_id if group else None)

    def _organisation(self, *, name: str, **values: object) -> AuditedRow:
        row = AuditedRow(self._buffer, Organisation, self._begins, self._cause, name=name, **name_keys(name), **values)
        row.close()
        return row

    def _user(self, login: str, name: str, role: str, organisation: UUID) -> UUID:
        row = AuditedRow(
            self._buffer,
            User,
            self._begins,
            Operation("create_user"),
            login=login,
            display_name=name,
            role=role,
            organisation_id=organisation,
            password_hash=self._accounts.password_hash,
            must_change=False,
            privacy_version=VERSION,
        )
        row.close()
        return row.id

    def _plan_persons(self) -> list[PersonPlan]:
        """Plan the persons: two of three at the beginning, with older certificates, the others over the years."""
        weights = [8 if n < len(FIRST_KINDS) else self._random.choice((1, 1, 2, 3)) for n in range(len(self.units))]
        chosen = self._random.choices(self.units, weights, k=self._scale.persons)
        people = People(self._random.randrange(10**9))
        return [self._person(n, unit, people) for n, unit in enumerate(chosen)]

    def _person(self, n: int, unit: Unit, people: People) -> PersonPlan:
        random, days = self._random, (self._now - self._begins).days
        entered = working_instant(civil_date(self._begins) + random.randrange(30 if n % 3 else days) * DAY, random)
        if n % 90 == 0:
            entered = working_instant(civil_date(self._now) - random.randrange(6) * DAY, random)
        decided = (
            entered if unit.is_academy else working_instant(civil_date(entered) + random.randint(1, 4) * DAY, random)
        )
        kind = TYPES[n % len(TYPES)]
        found = PersonPlan(n, unit, kind, entered, decided, people.person(unit.code, kind), free_from=decided)
        found.record["appointed_on"] = str(civil_date(entered) - random.randint(10, 3000) * DAY)
        if decided > self._now - UNDECIDED_FOR and not unit.is_academy:
            found.outcome = random.choice(("draft", "rejected", "approved", "approved", "approved"))
        if n % 3 and random.random() < 0.85 and not unit.is_academy:
            found.issued_on, found.valid_to = self._former(decided)
            found.legacy = (f"{unit.code}{found.issued_on.year}{n:05d}"[:11], found.issued_on, found.valid_to)
        return found

    def _former(self, decided: datetime) -> tuple[date, date]:
        """Choose issue and last day of a three-year certificate from before this system, still valid for a while."""
        valid_to = civil_date(decided) + self._random.randint(40, 1060) * DAY
        return date(valid_to.year - 3, valid_to.month, min(valid_to.day, 28)), valid_to


def yesterday_evening(now: datetime) -> datetime:
    """Return 18:00 in China on the day before: planned inputs have happened by then."""
    return datetime(*(now - timedelta(days=1)).timetuple()[:3], 10, tzinfo=UTC)
