"""An account as it was at an instant: role, organisation, rights, and what lay in its inbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from service.domain.accounts.permissions import PERMISSIONS, Action, ScopeKind, kinds_of, may
from service.domain.accounts.roles import Role, UserState
from service.domain.system.row_states import Values, state_at
from service.errors import NotAllowed
from service.models.db.session import session
from service.models.queries.runtime.object_names import NameHistory
from service.models.queries.system.inbox_history import OpenTask, open_then
from service.models.queries.system.row_changes import changes_of
from service.models.tables.accounts.user import User
from service.models.tables.system.audit import RowChange
from service.models.tables.units.organisation import Organisation
from service.workflow.runtime.auditor_looks import record_look


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account at an instant. role: '' where there was no such account, or none with rights: ``is_able`` is False."""

    id: UUID
    login: str
    name: str
    organisation: str
    organisation_id: UUID | None
    role: Role | None
    is_able: bool
    actions: tuple[Action, ...]
    tasks: tuple[OpenTask, ...]


def account_then(user: User, login: str, at: datetime) -> AccountRecord | None:
    """The account with this login as it was at an instant; None where no account has the login."""
    if not may(Role(user.role), Action.READ_AUDIT):
        raise NotAllowed
    found = session().scalars(select(User).where(func.lower(User.login) == login.lower())).one_or_none()
    if found is None:
        return None
    record_look(user, "open_inbox", User.__tablename__, found.id, {"on": at.isoformat(timespec="seconds")})
    values = state_at(changes_of(User.__tablename__, found.id), at)
    if values is None:
        return AccountRecord(found.id, found.login, "", "", None, None, is_able=False, actions=(), tasks=())
    role, home = Role(values["role"]), UUID(values["organisation_id"])
    name = NameHistory(None, {home}).one_at(str(home), at)
    is_able = values.get("state") != UserState.DISABLED and not values.get("awaits_assent")
    return AccountRecord(
        found.id,
        found.login,
        values["display_name"],
        name.name if name else "",
        home,
        role,
        is_able,
        tuple(PERMISSIONS[role]) if is_able else (),
        tuple(open_then(_addresses(found.id, role, home, at), at)),
    )


def _addresses(account: UUID, role: Role, home: UUID, at: datetime) -> list[tuple[UUID, str]]:
    """The pairs of organisation and role whose tasks were the account's; a group's are those of its branches, too."""
    own: list[tuple[UUID, str]] = [(home, role), (account, role)]
    if ScopeKind.GROUP not in kinds_of(role, Action.VIEW_TASKS):
        return own
    units = {home} | {key for key in _once_branches(home) if _is_branch(key, home, at)}
    return own + [(unit, Role.ENTERPRISE) for unit in sorted(units)]


def _once_branches(group: UUID) -> set[UUID]:
    """Units that are or once were branches of a group."""
    told = RowChange.after["parent_id"].astext == str(group)
    query = select(RowChange.row_id).where(RowChange.table_name == Organisation.__tablename__, told)
    now = select(Organisation.id).where(Organisation.parent_id == group)
    return {*session().scalars(query), *session().scalars(now)}


def _is_branch(unit: UUID, group: UUID, at: datetime) -> bool:
    values: Values | None = state_at(changes_of(Organisation.__tablename__, unit), at)
    return values is not None and values.get("parent_id") == str(group) and values.get("state") != "deleted"
