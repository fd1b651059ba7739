"""The demonstration's organisations and accounts; every account has the one demonstration password."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from service.config import demo_password
from service.demo.people import units
from service.domain.privacy import VERSION
from service.domain.provinces import AUTHORITY_CODES, PROVINCES
from service.models import AcademyLink, Cause, Organisation, User, authority_id, new_id, now, session, transaction
from service.models.pinyin import sort_key
from service.workflow import accounts
from service.workflow import units as registry

FIRST = ("group", "branch", "enterprise")  # group-1 in province 37, its branch-1 in 42 (R9), enterprise-1 in 37
KINDS = FIRST + ("group",) * 7 + ("branch",) * 13 + ("enterprise",) * 33 + ("academy",) * 4  # the 60 units


class Accounts:
    """Makes accounts with one password hash (argon2 is slow by design) and finds them again by login."""

    def __init__(self) -> None:
        first, _ = accounts.create_user(
            None,
            login="ministry",
            display_name="郑乙亥",
            role="ministry",
            organisation_id=authority_id("ministry"),
            password=demo_password(),
        )
        self.password_hash = first.password_hash
        with transaction(Cause("demonstration")) as current:
            user = current.get_one(User, first.id)
            user.must_change, user.privacy_version = False, VERSION
        self._users: dict[str, User] = {}

    def add(self, login: str, name: str, role: str, organisation_id: UUID) -> None:
        """An account that may sign in at once."""
        with transaction(Cause("demonstration")) as current:
            current.add(
                User(
                    id=new_id(),
                    login=login,
                    display_name=name,
                    role=role,
                    organisation_id=organisation_id,
                    password_hash=self.password_hash,
                    must_change=False,
                    privacy_version=VERSION,
                )
            )

    def __getitem__(self, login: str) -> User:
        """The account with this login, its organisation loaded."""
        if login not in self._users:
            query = select(User).options(joinedload(User.organisation)).where(User.login == login)
            self._users[login] = session().scalars(query).one()
        return self._users[login]

    def of_unit(self, unit_id: UUID) -> User:
        """The account of a unit."""
        query = select(User.login).where(User.organisation_id == unit_id)
        return self[session().scalars(query).one()]

    def province(self, code: str) -> User:
        """The account of a provincial authority, by the code of its province."""
        return self[f"province-{code}"]


def make_accounts() -> Accounts:
    """Authorities' and administrators' accounts, two training institutions, then the units with theirs."""
    made = make_offices()
    for n, name in enumerate(("泉城安全培训中心（示例）", "江城安全培训中心（示例）"), 1):
        made.add(f"institution-{n}", f"{'姜郑'[n - 1]}甲午", "training_institution", _institution(name))
    _make_units(made)
    return made


def make_offices() -> Accounts:
    """The accounts of the authorities and of the administrators."""
    made = Accounts()
    for login, name in (("association", "吴甲戌"), ("association-2", "孙己未")):
        made.add(login, name, "association", authority_id("association"))
    for n, code in enumerate(AUTHORITY_CODES):
        made.add(
            f"province-{code}",
            f"{PROVINCES[code].short}{'张李王刘陈'[n % 5]}科长",
            "provincial_authority",
            authority_id(code),
        )
    for login, name, role in (
        ("sysadmin", "系统管理员", "sys_admin"), ("secadmin", "安全管理员", "security_admin"),
        ("auditor", "周壬寅", "audit_admin"), ("processadmin", "姜乙丑", "process_admin"),
    ):  # fmt: skip
        made.add(login, name, role, authority_id("platform"))
    return made


def begin_lifetimes() -> None:
    """Passwords of the demonstration are as old as the demonstration, not as its story."""
    with transaction(Cause("demonstration")) as current:
        current.execute(update(User).values(password_at=now()))


def _institution(name: str) -> UUID:
    with transaction(Cause("demonstration")) as current:
        row = Organisation(id=new_id(), kind="training_institution", name=name, sort_key=sort_key(name))
        current.add(row)
    return row.id


def _make_units(made: Accounts) -> None:
    """Entered by their province, branches under the first groups, academies by the association (S31, S123)."""
    groups: list[UUID] = []
    counts: dict[str, int] = {}
    for kind, record in zip(KINDS, units(), strict=False):
        code = record.pop("code")
        raw = {**record, "kind": kind, "authority": str(authority_id(code))}
        if kind == "branch":
            raw["parent"] = str(groups[counts.get("branch", 0) % len(groups)])
        if kind == "academy":
            raw["name"] = raw["name"].replace("（示例）", "学院（示例）")
        unit = registry.create_unit(made["association"] if kind == "academy" else made.province(code), raw)
        counts[kind] = counts.get(kind, 0) + 1
        if kind == "group":
            groups.append(unit.id)
        if kind == "academy":
            with transaction(Cause("demonstration")) as current:
                current.add(AcademyLink(academy_id=unit.id, institution_id=made["institution-1"].organisation_id))
            continue
        role = "group" if kind == "group" else "enterprise"
        made.add(f"{kind}-{counts[kind]}", record["contact"], role, unit.id)
