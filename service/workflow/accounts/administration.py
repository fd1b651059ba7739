"""Administration of accounts (R1, R2, R4): make, assent, disable, unlock, reset."""

from __future__ import annotations

import re
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from service.domain.accounts import passwords
from service.domain.accounts.roles import (
    ADMINISTRATORS,
    Role,
    UserState,
    changes_need_assent,
    needs_assent,
    obstacle_to_account,
)
from service.domain.units.units import UnitState
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed, NotFound
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation
from service.validation.characters import LINE, is_storable
from service.workflow.accounts.audit_events import account_event
from service.workflow.accounts.authentication import unlock_login
from service.workflow.accounts.passwords import (
    hash_password,
    replace,
)
from service.workflow.runtime import tasks

LOGIN = re.compile(r"[a-z][a-z0-9.-]{2,39}")
LOGIN_TAKEN = N_("这个登录名已有人使用，请换一个。")
NAME_WRONG = N_("请填写姓名，2 至 50 个字。")
OWN = N_("不能重置自己的密码，请使用“修改密码”。")
OWN_DISABLING = N_("不能停用自己的账号。")
LAST_ADMINISTRATOR = N_(
    "这是最后一位可用的%(role)s，不能由他人停用、重置、解锁或修改。"
    "请先新增一位，或在服务器上用 anpei reset-password 或 anpei unlock 命令办理。"
)
KIND_OF_ROLE = {
    Role.MINISTRY: ("ministry",),
    Role.PROVINCIAL_AUTHORITY: ("province",),
    Role.ASSOCIATION: ("association",),
    Role.TRAINING_INSTITUTION: ("training_institution",),
    Role.GROUP: ("group",),
    Role.ENTERPRISE: ("enterprise", "branch"),
}


def create_user(
    actor: User | None, *, login: str, display_name: str, role: str, organisation_id: UUID, password: str | None = None
) -> tuple[User, str]:
    """Make an account with a first password, random unless given, to be changed at the first sign-in (R1, R2).

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
    with transaction(Operation("create_user", actor.id if actor else None)) as current:
        user = User(
            id=new_id(),
            login=login,
            display_name=display_name.strip(),
            role=role,
            organisation_id=organisation_id,
            password_hash=hash_password(first),
            must_change=True,
            awaits_assent=actor is not None and needs_assent(Role(actor.role)),
        )
        current.add(user)
        _write()
    return user, first


def managed_user(actor: User, user_id: UUID) -> User:
    """Find an account that the actor may manage (R1); raises NotFound: whether there is another is not told (R70)."""
    user = User.get(user_id)
    if user is None:
        raise NotFound
    get_or_404_in_scope(actor, Organisation, user.organisation_id)
    if obstacle_to_account(Role(actor.role), Role(user.role), actor.organisation_id, user.organisation.authority_id):
        raise NotFound
    return user


def reset_password(actor: User, user_id: UUID) -> str:
    """Give an account a new first password, end its sessions and its lock; returns the password, shown once (R2).

    What the system administrator resets waits for the security administrator's assent: whoever knows a password must
    not be let in by it (三员, domain.md §9). Raises Conflict for one's own account, and for the last
    administrator of a kind.
    """
    user = managed_user(actor, user_id)
    first = passwords.make_first_password()
    with transaction(Operation("reset_password", actor.id)) as current:
        if why := obstacle_to_reset(actor, user, lock=True):
            raise Conflict(why)
        user.awaits_assent = user.awaits_assent or needs_assent(Role(actor.role))
        give_first_password(user, first)
        current.add(account_event("reset_password", actor, None, about=user))
    return first


def obstacle_to_reset(actor: User, user: User, *, lock: bool = False) -> Message | str | None:
    """The reason that keeps the actor from resetting the password of an account they may manage."""
    return OWN if user.id == actor.id else obstacle_to_last(user, lock=lock)


def obstacle_to_disabling(actor: User, user: User, *, lock: bool = False) -> Message | str | None:
    """The reason that keeps the actor from disabling an account they may manage."""
    return OWN_DISABLING if user.id == actor.id else obstacle_to_last(user, lock=lock)


def obstacle_to_unlocking(actor: User, user: User, *, lock: bool = False) -> Message | None:
    """The reason that keeps the security administrator from ending a lock: another kind's last member waits it out."""
    return None if user.role == actor.role else obstacle_to_last(user, lock=lock)


def obstacle_to_last(user: User, *, lock: bool = False) -> Message | None:
    """Refuse what would leave a kind of administrators without anybody who can work (三员, domain.md §9).

    lock: hold the accounts of the kind until the transaction ends, so that two acts cannot each spare the other's
    target.
    """
    role = Role(user.role)
    if role in ADMINISTRATORS and User.active_ids(role, lock=lock) == [user.id]:
        return Message(LAST_ADMINISTRATOR, role=Message(role.label))
    return None


def give_first_password(user: User, first: str) -> None:
    replace(user, first)
    user.must_change = True
    unlock_login(user)


def disable_user(actor: User, user_id: UUID) -> None:
    """Disable an account and end its sessions at once; tasks it had claimed go back to the role (R4).

    Raises Conflict for one's own account, and for the last administrator of a kind.
    """
    user = managed_user(actor, user_id)
    with transaction(Operation("disable_user", actor.id)) as current:
        if why := obstacle_to_disabling(actor, user, lock=True):
            raise Conflict(why)
        user.state, user.epoch = UserState.DISABLED, user.epoch + 1
        current.add(account_event("disable_user", actor, None, about=user))
    tasks.release_tasks(user.id, actor.id)


def enable_user(actor: User, user_id: UUID) -> None:
    """Let a disabled account sign in again; an administrator's waits for the security administrator's assent."""
    user = managed_user(actor, user_id)
    with transaction(Operation("enable_user", actor.id)) as current:
        unit = Organisation.hold(user.organisation_id)
        if unit is None or unit.state == UnitState.DELETED:
            raise Conflict(N_("该账号的单位已删除，不能恢复。"))
        user.state = UserState.ACTIVE
        user.awaits_assent = user.awaits_assent or changes_need_assent(Role(actor.role), Role(user.role))
        current.add(account_event("enable_user", actor, None, about=user))


def assent(actor: User, user_id: UUID) -> None:
    """Let an account that the system administrator made begin to work; the security administrator's decision."""
    user = _awaiting(actor, user_id)
    with transaction(Operation("assent_user", actor.id)) as current:
        user.awaits_assent = False
        current.add(account_event("assent_user", actor, None, about=user))


def refuse_assent(actor: User, user_id: UUID) -> None:
    """Refuse the assent: the account is disabled, and enabled again it would wait as before."""
    user = _awaiting(actor, user_id)
    with transaction(Operation("refuse_user", actor.id)) as current:
        user.state, user.epoch = UserState.DISABLED, user.epoch + 1
        current.add(account_event("refuse_user", actor, None, about=user))


def unlock(actor: User, user_id: UUID) -> None:
    """End a lock before its 30 minutes are over; the security administrator's work."""
    if actor.role != Role.SECURITY_ADMIN:
        raise NotAllowed
    user = session().get(User, user_id)
    if user is None:
        raise NotFound
    with transaction(Operation("unlock", actor.id)) as current:
        if why := obstacle_to_unlocking(actor, user, lock=True):
            raise Conflict(why)
        unlock_login(user)
        current.add(account_event("unlock", actor, None, about=user))


def end_sessions(actor: User, user_id: UUID) -> None:
    """Sign an account out everywhere, at once; it may sign in again. The security administrator's work."""
    if actor.role != Role.SECURITY_ADMIN:
        raise NotAllowed
    user = User.get(user_id)
    if user is None:
        raise NotFound
    with transaction(Operation("end_sessions", actor.id)) as current:
        user.epoch += 1
        current.add(account_event("end_sessions", actor, None, about=user))


def _organisation(actor: User | None, organisation_id: UUID) -> Organisation:
    """The organisation of a new account, held against being deleted or converted meanwhile (R5)."""
    if actor is not None:
        get_or_404_in_scope(actor, Organisation, organisation_id)
    organisation = Organisation.hold(organisation_id)
    if organisation is None:
        raise NotFound
    return organisation


def _check_account(login: str, display_name: str, role: str, organisation: Organisation) -> None:
    wrong = {}
    if not LOGIN.fullmatch(login):
        wrong["login"] = N_("登录名由 3 至 40 个小写字母、数字、点或短横组成，以字母开头。")
    elif User.by_login(login) is not None:
        wrong["login"] = LOGIN_TAKEN
    if not 2 <= len(display_name.strip()) <= 50 or not is_storable(display_name, LINE):
        wrong["display_name"] = NAME_WRONG
    if organisation.state == UnitState.DELETED:
        wrong["organisation_id"] = N_("该单位已删除，请选择其他单位。")
    if organisation.kind not in KIND_OF_ROLE.get(Role(role), ("platform",)):
        wrong["role"] = N_("这个角色不能属于所选的单位。")
    if wrong:
        raise InvalidInput(wrong)


def _write() -> None:
    """Write now, so that of two who take one login at the same instant the second learns it at the field."""
    try:
        session().flush()
    except IntegrityError as error:
        if "uq_user_account_login" in str(error.orig):
            raise InvalidInput({"login": LOGIN_TAKEN}) from error
        raise


def _awaiting(actor: User, user_id: UUID) -> User:
    if actor.role != Role.SECURITY_ADMIN:
        raise NotAllowed
    user = User.get(user_id)
    if user is None:
        raise NotFound
    if not user.awaits_assent or user.state == UserState.DISABLED:
        raise Conflict(N_("这个账号已不在等待同意，请刷新后查看。"))
    return user
