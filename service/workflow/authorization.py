"""Who acts and what he reaches, as the rules of domain/scopes see users and rows; the check before a plain change."""

from __future__ import annotations

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.accounts.scopes import includes, scope_of
from service.domain.units.units import UnitState, obstacle_to_work
from service.errors import Conflict, NotAllowed, NotFound
from service.models.queries.scope_adapters import actor_of, subject_of
from service.models.tables.organisation import Organisation
from service.models.tables.user import User


def must_reach(user: User, action: Action, unit: Organisation) -> None:
    """Raise NotAllowed when the role cannot do this at all, NotFound out of scope (R70), Conflict before R3 is met."""
    if not may(Role(user.role), action):
        raise NotAllowed
    if not includes(scope_of(actor_of(user), action), subject_of(unit)):
        raise NotFound
    must_have_record(user, action)


def must_have_record(user: User, action: Action) -> None:
    """Raise Conflict while the user's own unit has not completed its record (R3)."""
    own = user.organisation
    if own.is_unit and (obstacle := obstacle_to_work(Role(user.role), UnitState(own.state), action)):
        raise Conflict(obstacle)
