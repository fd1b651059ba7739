"""Users and units as ``domain.accounts.scopes`` sees them, to ask about one unit without a query for rows."""

from __future__ import annotations

from uuid import UUID

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.accounts.scopes import Actor, ScopedObject, includes, scope_of
from service.domain.units.units import UnitKind, UnitState
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import AcademyLink, Organisation


def is_in_scope(user: User, action: Action, unit: Organisation) -> bool:
    """Tell whether the user has the action on a unit and its persons."""
    return includes(scope_of(actor_of(user), action), subject_of(unit))


def is_organised_by(user: User, action: Action, organiser_id: UUID | None) -> bool:
    """Tell whether the user has the action on a class, plan or bulletin of this organiser or author."""
    return includes(scope_of(actor_of(user), action), ScopedObject(organiser=organiser_id))


def actor_of(user: User) -> Actor:
    """Return the user as scopes see them; the authority of an authority is itself."""
    own = user.organisation_id if user.role == Role.PROVINCIAL_AUTHORITY else None
    return Actor(user.id, Role(user.role), user.organisation_id, user.organisation.authority_id or own)


def subject_of(unit: Organisation) -> ScopedObject:
    """Return a unit, or what belongs to it, as scopes see it."""
    is_academy = unit.kind == UnitKind.ACADEMY
    return ScopedObject(
        unit=unit.id,
        parent=unit.parent_id,
        is_deleted=unit.state == UnitState.DELETED,
        authority=unit.authority_id,
        is_academy=is_academy,
        linked=frozenset(AcademyLink.institutions_of(unit.id)) if is_academy else frozenset(),
    )
