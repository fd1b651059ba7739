"""Checks before a change: permission, scope, and the record of the own unit (R3)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from service.domain.accounts.permissions import Action, acts_for_unit, may
from service.domain.accounts.roles import Role
from service.domain.units.units import UnitState, obstacle_to_work
from service.errors import Conflict, Message, NotAllowed, NotFound
from service.models.db.session import session
from service.models.queries.scope_adapters import is_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation


def must_reach(user: User, action: Action, unit: Organisation) -> None:
    """Raise NotAllowed for a role without the action, NotFound for a unit out of scope (R70), Conflict as R3 has it."""
    if not may(Role(user.role), action):
        raise NotAllowed
    if not is_in_scope(user, action, unit):
        raise NotFound
    must_have_record(user, action)
    act_for(user, action, unit.id)


def act_for(user: User, action: Action, unit_id: UUID) -> None:
    """Let what the running use case writes from here on tell in whose place the user does it; for oneself, nobody."""
    is_for_another = unit_id not in (user.organisation_id, user.id) and acts_for_unit(Role(user.role), action)
    act_on_behalf(unit_id if is_for_another else None)


def act_on_behalf(behalf_id: UUID | None) -> None:
    """Let what the running use case writes from here on tell for which unit or absent colleague it is done."""
    operation = session().operation
    if operation is not None and operation.behalf_id != behalf_id:
        session().flush()  # what was changed before was changed for whom it was
        operation.behalf_id = behalf_id


def must_have_record(user: User, action: Action) -> None:
    """Raise Conflict while the record of the user's own unit is incomplete (R3)."""
    if obstacle := obstacle_before_record(user, (action,)):
        raise Conflict(obstacle)


def obstacle_before_record(user: User, actions: Collection[Action]) -> Message | None:
    """Apply ``obstacle_to_work`` to the user's own unit. actions: any of them is needed;
    empty: open to every account.
    """
    return obstacle_to_work(Role(user.role), UnitState(user.organisation.state), actions)
