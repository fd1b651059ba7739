"""The administrators apart (domain.md §9): every act on an account, of every role on every administrator, last of its kind or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import func, select

from service.domain.accounts.roles import ADMINISTRATORS, Role
from service.errors import AnpeiError, Conflict
from service.models.db.clock import MovingClock, now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation, authority_id
from service.workflow.accounts import account_profiles, administration, passwords
from service.workflow.accounts.administration import KIND_OF_ROLE
from tests.builders.stage import known
from tests.builders.world import fresh, make_unit, make_user, sign_in

KINDS = sorted(ADMINISTRATORS)
NAME, PHONE, MAIL = "孙丙寅", "13900001111", "other@example.cn"
KEPT = (
    "state",
    "awaits_assent",
    "locked_until",
    "epoch",
    "password_hash",
    "display_name",
    "phone_masked",
    "mail_masked",
)


@dataclass(frozen=True)
class Act:
    """An act on an account: the role that has it, the state of the account before, its use case and its page.

    before: the columns that differ from an account at work. gives: takes no ability away, so that the last may get it.
    """

    role: Role
    run: Callable[[User, User], Any]
    path: str
    before: dict[str, Any]
    gives: bool = False
    form: tuple[tuple[str, str], ...] = ()


def _modify(**fields: str) -> Callable[[User, User], Any]:
    entry = {"display_name": "张甲子"} | fields
    return lambda actor, user: account_profiles.modify_user(actor, user.id, entry)


def _modifying(**fields: str) -> Act:
    entry = {"display_name": "张甲子"} | fields
    return Act(Role.SYS_ADMIN, _modify(**fields), "edit", {}, form=tuple(entry.items()))


def _use(name: str) -> Callable[[User, User], Any]:
    return lambda actor, user: getattr(administration, name)(actor, user.id)


ASKED = (("asked", "1"),)  # it cannot be taken back (R87)
ACTS = {
    "disable": Act(Role.SYS_ADMIN, _use("disable_user"), "disable", {}),
    "enable": Act(Role.SYS_ADMIN, _use("enable_user"), "enable", {"state": "disabled"}, gives=True),
    "reset": Act(Role.SYS_ADMIN, _use("reset_password"), "reset", {}),
    "name": _modifying(display_name=NAME),
    "phone": _modifying(phone=PHONE),
    "mail": _modifying(mail=MAIL),
    "unlock": Act(Role.SECURITY_ADMIN, _use("unlock"), "unlock", {"locked_until": True}),
    "end_sessions": Act(Role.SECURITY_ADMIN, _use("end_sessions"), "sign-out", {}, gives=True),
    "assent": Act(Role.SECURITY_ADMIN, _use("assent"), "assent", {"awaits_assent": True}, gives=True),
    "refuse": Act(
        Role.SECURITY_ADMIN, _use("refuse_assent"), "refuse", {"awaits_assent": True}, gives=True, form=ASKED
    ),
}
WAITS = {"enable", "reset", "name", "phone", "mail"}


class Cells:
    """One world of accounts that each cell of the table starts from again."""

    def __init__(self) -> None:
        platform = authority_id("platform")
        self.victims = {role: known(make_user(role, platform)) for role in KINDS}
        self.peers = {role: known(make_user(role, platform)) for role in KINDS}
        self.actors = {role: known(make_user(role, _home(role))) for role in Role}

    def begin(self, actor: Role, target: Role, act: Act, *, is_last: bool) -> tuple[User, User]:
        with transaction(Operation("test")):
            for row in session().scalars(select(User)):
                row.state, row.awaits_assent, row.locked_until = "active", False, None
                row.display_name, row.phone, row.mail = "张甲子", None, None
            victim = session().get_one(User, self.victims[target].id)
            for name, value in act.before.items():
                setattr(victim, name, now() + timedelta(minutes=20) if name == "locked_until" else value)
            spare = [self.peers[target]] + ([self.actors[target]] if target is not actor else [])
            for row in spare if is_last else ():
                session().get_one(User, row.id).state = "disabled"
        return known(self.actors[actor]), known(victim)


def _home(role: Role) -> Any:
    if role in ADMINISTRATORS:
        return authority_id("platform")
    if role in (Role.MINISTRY, Role.ASSOCIATION):
        return authority_id(role)
    if role is Role.PROVINCIAL_AUTHORITY:
        return authority_id("37")
    return make_unit(KIND_OF_ROLE[role][0]).id


def _kept(user: User) -> dict[str, Any]:
    row = fresh(user)
    return {name: getattr(row, name) for name in KEPT}


def _at_work() -> dict[str, int]:
    query = select(User.role, func.count()).where(User.state == "active", ~User.awaits_assent).group_by(User.role)
    return {row[0]: row[1] for row in session().execute(query)}


@pytest.fixture
def cells(app: Flask, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> Cells:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return Cells()


def _by_use_case(app: Flask, act: Act, actor: User, victim: User) -> bool:
    try:
        act.run(actor, victim)
    except AnpeiError:
        session().rollback()
        return False
    return True


def _by_page(app: Flask, act: Act, actor: User, victim: User) -> bool:
    client = sign_in(app.test_client(), actor)
    answer = client.post(f"/users/{victim.id}/{act.path}", data=dict(act.form))
    assert answer.status_code < 500
    return answer.status_code < 400


@pytest.mark.parametrize("run", [_by_use_case, _by_page])
@pytest.mark.parametrize("actor_role", list(Role))
def test_no_act_of_any_role_silences_a_kind_of_administrators(  # domain.md §9
    cells: Cells, app: Flask, actor_role: Role, run: Callable[[Flask, Act, User, User], bool]
) -> None:
    wrong = []
    for target, is_last, (name, act) in product(KINDS, (False, True), ACTS.items()):
        actor, victim = cells.begin(actor_role, target, act, is_last=is_last)
        before, working = _kept(victim), _at_work()
        is_done = run(app, act, actor, victim)
        after, still = _kept(victim), _at_work()
        may = actor_role is act.role
        is_refused_for_last = is_last and target is not actor_role and not act.gives
        expected = may and not is_refused_for_last
        is_silent = any(working.get(kind) and not still.get(kind) for kind in KINDS)
        if (is_done, after != before) != (expected, expected) or is_silent:
            wrong.append((str(target), is_last, name, is_done))
        if is_done and name in WAITS and not after["awaits_assent"]:
            wrong.append((str(target), is_last, name, "no assent"))
    assert wrong == []


@pytest.mark.parametrize("target", KINDS)
def test_the_last_of_a_kind_is_not_moved_to_another_organisation(cells: Cells, target: Role) -> None:  # domain.md §9
    sysadmin, victim = cells.begin(Role.SYS_ADMIN, target, ACTS["name"], is_last=target is not Role.SYS_ADMIN)
    with transaction(Operation("test")) as current:
        other = Organisation(kind="platform", name="第二平台（示例）", names_history=[])
        current.add(other)
    entry = {"display_name": victim.display_name, "organisation_id": str(other.id)}
    if target is Role.SYS_ADMIN:
        account_profiles.modify_user(sysadmin, victim.id, entry)
        assert fresh(victim).awaits_assent
        return
    with pytest.raises(Conflict):
        account_profiles.modify_user(sysadmin, victim.id, entry)
    session().rollback()
    assert fresh(victim).organisation_id == authority_id("platform")


def test_what_cannot_be_done_is_said_before_and_not_offered(cells: Cells, app: Flask) -> None:
    sysadmin, victim = cells.begin(Role.SYS_ADMIN, Role.AUDIT_ADMIN, ACTS["disable"], is_last=True)
    client = sign_in(app.test_client(), sysadmin)
    for page in ("disable", "reset"):
        text = client.get(f"/users/{victim.id}/{page}").get_data(as_text=True)
        assert "最后一位可用的审计管理员" in text
        assert '<button class="btn btn-bad">' not in text
    assert "须经安全管理员再次同意" in client.get(f"/users/{victim.id}/edit").get_data(as_text=True)
    refused = client.post(f"/users/{victim.id}/edit", data={"display_name": NAME})
    assert (refused.status_code, "最后一位可用的审计管理员" in refused.get_data(as_text=True)) == (409, True)


def test_two_system_administrators_cannot_disable_each_other_at_once(cells: Cells) -> None:
    one, other = cells.begin(Role.SYS_ADMIN, Role.SYS_ADMIN, ACTS["disable"], is_last=False)
    with transaction(Operation("test")):
        session().get_one(User, cells.peers[Role.SYS_ADMIN].id).state = "disabled"
    administration.disable_user(one, other.id)
    with pytest.raises(Conflict):  # a session of the disabled account that had begun before
        administration.disable_user(known(other), one.id)
