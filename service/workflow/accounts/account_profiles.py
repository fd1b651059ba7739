"""Name, organisation, telephone and mail of an account: changed by its administrator (S97, S111) or its owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from service.domain.accounts.roles import Role, changes_need_assent, needs_assent, obstacle_to_account
from service.domain.units.units import UnitState
from service.domain.values.validators import parse_mail, parse_phone
from service.errors import N_, Conflict, NotFound
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation
from service.validation.form_reader import FormReader
from service.workflow.accounts.administration import KIND_OF_ROLE, NAME_WRONG, managed_user, obstacle_to_last
from service.workflow.accounts.audit_events import account_event
from service.workflow.outbox import WANTED
from service.workflow.runtime import tasks


def modify_user(actor: User, user_id: UUID, raw: Mapping[str, Any]) -> User:
    """Change an account's name, organisation, telephone and address; an empty telephone or address stays as it is.

    In another organisation its scope is another: its sessions end, its tasks go back, and what the system administrator
    moves waits for the security administrator's assent again; so does another administrator whose name or address it
    corrects. Raises InvalidInput at the field, Conflict for the last administrator of a kind.
    """
    user, entry = managed_user(actor, user_id), FormReader(raw)
    name = _name(entry)
    home = _home(actor, user, entry) if entry.has("organisation_id") else user.organisation
    phone, mail = entry.parse(parse_phone, entry.typed("phone")), entry.parse(parse_mail, entry.typed("mail"))
    entry.check()
    is_moved = home.id != user.organisation_id
    given = ((name, user.display_name), (phone, user.phone), (mail, user.mail))
    is_corrected = any(new and new != old for new, old in given)
    takes_rights = is_moved or (
        is_corrected and user.id != actor.id and changes_need_assent(Role(actor.role), Role(user.role))
    )
    with transaction(Operation("modify_user", actor.id)) as current:
        if takes_rights and (why := obstacle_to_last(user, lock=True)):
            raise Conflict(why)
        user.display_name = name
        if phone:
            user.phone = phone
        if mail:
            user.mail = mail
        if is_moved:
            user.organisation_id, user.organisation = home.id, home
            current.add(account_event("move_user", actor, None, about=user))
        if takes_rights:
            user.epoch += 1
            user.awaits_assent = user.awaits_assent or needs_assent(Role(actor.role))
    if takes_rights:
        tasks.release_tasks(user.id, actor.id)
    return user


def save_own(user: User, raw: Mapping[str, Any]) -> None:
    """Change one's own telephone and address, and which mails one wants; what is left empty is taken away."""
    account, entry = session().get_one(User, user.id), FormReader(raw)
    phone, mail = entry.parse(parse_phone, entry.typed("phone")), entry.parse(parse_mail, entry.typed("mail"))
    wanted = [name for name in WANTED if entry.is_ticked(f"mail_{name}")]
    if wanted and not mail:
        entry.refuse("mail", N_("要接收邮件，请填写邮箱。"))
    entry.check()
    with transaction(Operation("save_own_account", user.id)):
        account.take_turn()
        account.phone, account.mail = phone or None, mail or None
        account.preferences = {**account.preferences, "mails": wanted}


def _name(entry: FormReader) -> str:
    name = entry.text("display_name", 50, required=True) or ""
    if not 2 <= len(name) <= 50:
        entry.refuse("display_name", NAME_WRONG)
    return name


def _home(actor: User, user: User, entry: FormReader) -> Organisation:
    """The organisation chosen: in the actor's scope, of the kind that the role belongs to, and not deleted."""
    key = entry.id("organisation_id")
    if key is None or key == user.organisation_id:
        return user.organisation
    get_or_404_in_scope(actor, Organisation, key)
    home = Organisation.hold(key)  # against being deleted or converted before the account is in it (R5)
    if home is None:
        raise NotFound
    why = obstacle_to_account(Role(actor.role), Role(user.role), actor.organisation_id, home.authority_id)
    if why is not None:
        entry.refuse("organisation_id", why)
    elif home.kind not in KIND_OF_ROLE.get(Role(user.role), ("platform",)):
        entry.refuse("organisation_id", N_("这个角色不能属于所选的单位。"))
    elif home.state == UnitState.DELETED:
        entry.refuse("organisation_id", N_("该单位已删除，请选择其他单位。"))
    return home
