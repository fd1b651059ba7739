"""Accounts: sign-in with its lock-out, and what administrators do to accounts (R1, R2, R4; domain.md §5.1)."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from service.domain.accounts import passwords
from service.domain.accounts.roles import Role, needs_assent, obstacle_to_account
from service.domain.values.privacy import VERSION
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed, NotFound, SignInNeeded, TooManyAttempts
from service.models.db.clock import now
from service.models.db.encryption import blind_index
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables import setting
from service.models.tables.attempt import Attempt
from service.models.tables.organisation import Organisation
from service.models.tables.user import User
from service.workflow.accounts.audit_events import account_event
from service.workflow.accounts.passwords import (
    check_new,
    hash_password,
    is_old_fashioned,
    is_stale,
    matches,
    replace,
)
from service.workflow.runtime import tasks

LOGIN = re.compile(r"[a-z][a-z0-9.-]{2,39}")
LOCKED = N_("登录失败次数过多，已锁定 30 分钟。请稍后再试，或请安全管理员解锁。")
NAME_WRONG = N_("请填写姓名，2 至 50 个字。")
OWN = N_("不能重置自己的密码，请使用“修改密码”。")
LAST = N_("这是最后一位可用的安全管理员，重置后没有人能同意启用。请在服务器上用 anpei reset-password 命令重置。")
OF_SOURCE = 30  # failures that lock an address: an office shares one, and must not be locked by one forgetful colleague
FAILURE = "sign_in_failure"


def sign_in(login: str, password: str, source: str) -> User:
    """The account, if the password is right; the answer is the same for a wrong password and an unknown login.

    A password past its days must be changed before anything else. Raises SignInNeeded (with the tries left) and
    TooManyAttempts; both are counted per login and per source.
    """
    user = check_password(login, password, source)
    with transaction(Operation("sign_in", user.id)) as current_session:
        user.last_login = now()
        user.must_change = user.must_change or is_stale(user)
        if is_old_fashioned(user):
            user.password_hash = hash_password(password)
        current_session.add(account_event("sign_in", user, source))
    return user


def change_password(user: User, present: str, new: str, again: str, source: str) -> User:
    """Change one's own password (S36, S39); every session of the account ends, this one begins anew (R4). Returns the account.

    A wrong present password counts as a failed sign-in, and a lock answers the right one like a wrong one: who found a
    session open must not try passwords out in it. Raises InvalidInput at the field, also with the rule that the new
    password breaks.
    """
    account = session().get_one(User, user.id)
    wrong: dict[str, str | Message] = {}
    try:
        check_password(account.login, present, source, "change_password")
    except SignInNeeded:
        wrong["present"] = N_("现在的密码不对。")
    except TooManyAttempts as locked:
        wrong["present"] = locked.message
    if new != again:
        wrong["again"] = N_("两次输入的新密码不一致。")
    if new == present:
        wrong["new"] = N_("新密码不能与现在的密码相同。")
    if wrong:
        raise InvalidInput(wrong)
    check_new(account, new)
    with transaction(Operation("change_password", user.id)) as current_session:
        replace(account, new)
        account.must_change = False
        current_session.add(account_event("change_password", account, source))
    return account


def check_password(login: str, password: str, source: str, action: str = "sign_in") -> User:
    """The account, if the password is right; leaves a trace only of what fails. Raises as ``sign_in`` does.

    action: what the password is for, as the audit trail tells of a failure.
    """
    account, place = _key(login), f"source:{source}"
    failures = _failures(account)
    limit = setting.number("sign_in_failures")
    if passwords.locked_until(failures, now(), limit) or passwords.locked_until(_failures(place), now(), OF_SOURCE):
        raise TooManyAttempts(LOCKED)
    user = User.by_login(login)
    if matches(user, password) and user is not None and user.is_active:
        if failures:
            _forget(account)
        return user
    if _remember_failure(user, account, place, source, limit, action):
        raise TooManyAttempts(LOCKED)
    left = limit - sum(at > now() - passwords.WINDOW for at in failures) - 1
    raise SignInNeeded(N_("登录名或密码不对。再错 %(left)s 次将锁定 30 分钟。"), left=max(left, 1))


def _key(login: str) -> str:
    """What failures are counted under; a digest, since people type numbers and passwords into the wrong field."""
    return f"login:{blind_index(login.strip().lower()).hex()}"


def _failures(key: str) -> list[datetime]:
    return Attempt.instants(FAILURE, key, passwords.WINDOW + passwords.LOCK)


def _remember_failure(user: User | None, account: str, place: str, source: str, limit: int, action: str) -> bool:
    """Count a failure, in a use case of its own; returns whether it locks the login."""
    with transaction(Operation("sign_in_failed")) as current_session:
        current_session.add_all([Attempt(kind=FAILURE, key=account), Attempt(kind=FAILURE, key=place)])
        current_session.add(account_event(action, user, source, "refused"))
        current_session.flush()
        until = passwords.locked_until(_failures(account), now(), limit)
        if until and user is not None:
            user.locked_until = until
    return until is not None


def _forget(account: str) -> None:
    with transaction(Operation("sign_in")):
        Attempt.forget(FAILURE, account)


def sign_out(user: User, source: str) -> None:
    """Remember that a session ended by hand."""
    with transaction(Operation("sign_out", user.id)) as current_session:
        current_session.add(account_event("sign_out", user, source))


def create_user(
    actor: User | None, *, login: str, display_name: str, role: str, organisation_id: UUID, password: str | None = None
) -> tuple[User, str]:
    """A new account and its first password, random unless given, to be changed at the first sign-in (R1, R2).

    actor None: the installation itself (``anpei create-admin``, the demonstration). What the system administrator makes
    waits for the security administrator's assent (domain.md §9). Raises NotAllowed, NotFound for an organisation out of
    scope, InvalidInput for a login that is taken or malformed.
    """
    organisation = _organisation(actor, organisation_id)
    if actor is not None and (
        why := obstacle_to_account(Role(actor.role), Role(role), actor.organisation_id, organisation.authority_id)
    ):
        raise NotAllowed(why)
    _check_account(login, display_name, role, organisation)
    first = password or passwords.make_first_password()
    with transaction(Operation("create_user", actor.id if actor else None)) as current_session:
        user = User(
            id=new_id(),
            login=login,
            display_name=display_name.strip(),
            role=role,
            organisation_id=organisation.id,
            password_hash=hash_password(first),
            must_change=True,
            awaits_assent=actor is not None and needs_assent(Role(actor.role)),
        )
        current_session.add(user)
    return user, first


def _organisation(actor: User | None, organisation_id: UUID) -> Organisation:
    if actor is not None:
        return get_or_404_in_scope(actor, Organisation, organisation_id)
    organisation = session().get(Organisation, organisation_id)
    if organisation is None:
        raise NotFound
    return organisation


KIND_OF_ROLE = {
    Role.MINISTRY: ("ministry",),
    Role.PROVINCIAL_AUTHORITY: ("province",),
    Role.ASSOCIATION: ("association",),
    Role.TRAINING_INSTITUTION: ("training_institution",),
    Role.GROUP: ("group",),
    Role.ENTERPRISE: ("enterprise", "branch"),
}


def _check_account(login: str, display_name: str, role: str, organisation: Organisation) -> None:
    wrong = {}
    if not LOGIN.fullmatch(login):
        wrong["login"] = N_("登录名由 3 至 40 个小写字母、数字、点或短横组成，以字母开头。")
    elif User.by_login(login) is not None:
        wrong["login"] = N_("这个登录名已有人使用，请换一个。")
    if not 2 <= len(display_name.strip()) <= 50:
        wrong["display_name"] = NAME_WRONG
    if organisation.state == "deleted":
        wrong["organisation_id"] = N_("该单位已删除，请选择其他单位。")
    if organisation.kind not in KIND_OF_ROLE.get(Role(role), ("platform",)):
        wrong["role"] = N_("这个角色不能属于所选的单位。")
    if wrong:
        raise InvalidInput(wrong)


def reset_password(actor: User, user_id: UUID) -> str:
    """Give an account a new first password, end its sessions and its lock; returns the password, shown once (R2).

    What the system administrator resets waits for the security administrator's assent: a password that he knows must not
    let him in (三员, domain.md §9). Raises Conflict for one's own account, and for the last security
    administrator, whom nobody could let in again.
    """
    user = managed_user(actor, user_id)
    first = passwords.make_first_password()
    with transaction(Operation("reset_password", actor.id)) as current_session:
        if why := obstacle_to_reset(actor, user, hold=True):
            raise Conflict(why)
        user.awaits_assent = user.awaits_assent or needs_assent(Role(actor.role))
        _give_first_password(user, first)
        current_session.add(account_event("reset_password", actor, None, about=user))
    return first


def obstacle_to_reset(actor: User, user: User, *, hold: bool = False) -> str | None:
    """Why the actor cannot reset the password of an account that he may manage."""
    if user.id == actor.id:
        return OWN
    is_assenting = user.role == Role.SECURITY_ADMIN and needs_assent(Role(actor.role))
    if is_assenting and not set(User.active_ids(Role.SECURITY_ADMIN, hold=hold)) - {user.id}:
        return LAST
    return None


def _give_first_password(user: User, first: str) -> None:
    replace(user, first)
    user.must_change = True
    _free(user)


def disable_user(actor: User, user_id: UUID) -> None:
    """Disable an account and end its sessions at once; tasks it had claimed go back to the role (R4)."""
    user = managed_user(actor, user_id)
    if user.id == actor.id:
        raise Conflict(N_("不能停用自己的账号。"))
    with transaction(Operation("disable_user", actor.id)) as current_session:
        user.state, user.epoch = "disabled", user.epoch + 1
        current_session.add(account_event("disable_user", actor, None, about=user))
    tasks.release_tasks(user.id, actor.id)


def enable_user(actor: User, user_id: UUID) -> None:
    """Let a disabled account sign in again."""
    user = managed_user(actor, user_id)
    if user.organisation.state == "deleted":
        raise Conflict(N_("该账号的单位已删除，不能恢复。"))
    with transaction(Operation("enable_user", actor.id)) as current_session:
        user.state = "active"
        current_session.add(account_event("enable_user", actor, None, about=user))


def assent(actor: User, user_id: UUID) -> None:
    """Let an account that the system administrator made begin to work; the security administrator's decision."""
    user = _awaiting(actor, user_id)
    with transaction(Operation("assent_user", actor.id)) as current_session:
        user.awaits_assent = False
        current_session.add(account_event("assent_user", actor, None, about=user))


def refuse_assent(actor: User, user_id: UUID) -> None:
    """Refuse it: the account is disabled, and enabled again it would wait as before."""
    user = _awaiting(actor, user_id)
    with transaction(Operation("refuse_user", actor.id)) as current_session:
        user.state, user.epoch = "disabled", user.epoch + 1
        current_session.add(account_event("refuse_user", actor, None, about=user))


def _awaiting(actor: User, user_id: UUID) -> User:
    if actor.role != Role.SECURITY_ADMIN:
        raise NotAllowed
    user = User.get(user_id)
    if user is None:
        raise NotFound
    if not user.awaits_assent or user.state == "disabled":
        raise Conflict(N_("这个账号已不在等待同意，请刷新后查看。"))
    return user


def accept_privacy(user: User) -> None:
    """Remember that the reader has read the privacy notice in force."""
    account = session().get_one(User, user.id)
    with transaction(Operation("accept_privacy", user.id)) as current_session:
        account.privacy_version = VERSION
        current_session.add(account_event("accept_privacy", account, None, about=account))


def unlock(actor: User, user_id: UUID) -> None:
    """End a lock before its 30 minutes are over; the security administrator's work."""
    if actor.role != Role.SECURITY_ADMIN:
        raise NotAllowed
    user = session().get(User, user_id)
    if user is None:
        raise NotFound
    with transaction(Operation("unlock", actor.id)) as current_session:
        _free(user)
        current_session.add(account_event("unlock", actor, None, about=user))


def _free(user: User) -> None:
    user.locked_until = None
    Attempt.forget(FAILURE, _key(user.login))


def unlock_here(login: str, who: dict[str, str]) -> None:
    """``anpei unlock``: the same on the command line, for when nobody can sign in. who: the audit trail remembers it."""
    user = _of_login(login)
    with transaction(Operation("unlock")) as current_session:
        _free(user)
        current_session.add(account_event("unlock", None, None, about=user, detail=who))


def reset_here(login: str, who: dict[str, str]) -> str:
    """``anpei reset-password``: on the command line, without an assent. Returns the first password."""
    user, first = _of_login(login), passwords.make_first_password()
    with transaction(Operation("reset_password")) as current_session:
        _give_first_password(user, first)
        current_session.add(account_event("reset_password", None, None, about=user, detail=who))
    return first


def _of_login(login: str) -> User:
    user = User.by_login(login)
    if user is None:
        raise NotFound(N_("没有这个登录名的账号。"))
    return user


def end_sessions(actor: User, user_id: UUID) -> None:
    """Sign an account out everywhere, at once; it may sign in again. The security administrator's work."""
    if actor.role != Role.SECURITY_ADMIN:
        raise NotAllowed
    user = User.get(user_id)
    if user is None:
        raise NotFound
    with transaction(Operation("end_sessions", actor.id)) as current_session:
        user.epoch += 1
        current_session.add(account_event("end_sessions", actor, None, about=user))


def set_preferences(user: User, chosen: dict[str, str]) -> None:
    """Remember language, theme and text size with the account."""
    account = session().get_one(User, user.id)
    with transaction(Operation("set_preferences", user.id)):
        account.preferences = {**account.preferences, **chosen}


def managed_user(actor: User, user_id: UUID) -> User:
    """An account that the actor may manage (R1); raises NotFound or NotAllowed."""
    user = User.get(user_id)
    if user is None:
        raise NotFound
    get_or_404_in_scope(actor, Organisation, user.organisation_id)
    if why := obstacle_to_account(
        Role(actor.role), Role(user.role), actor.organisation_id, user.organisation.authority_id
    ):
        raise NotAllowed(why)
    return user
