"""Users and units as the rules of domain/scopes see them. Which rows follow from it: scope.py."""

from __future__ import annotations

from service.domain.accounts.roles import Role
from service.domain.accounts.scopes import Actor, ScopedObject
from service.models.tables.organisation import AcademyLink, Organisation
from service.models.tables.user import User


def actor_of(user: User) -> Actor:
    """The user as scopes see him; the authority of an authority is itself."""
    own = user.organisation_id if user.role == Role.PROVINCIAL_AUTHORITY else None
    return Actor(user.id, Role(user.role), user.organisation_id, user.organisation.authority_id or own)


def subject_of(unit: Organisation) -> ScopedObject:
    """A unit, and what belongs to it, as scopes see it."""
    is_academy = unit.kind == "academy"
    linked = frozenset(AcademyLink.institutions_of(unit.id)) if is_academy else frozenset()
    return ScopedObject(
        unit=unit.id, parent=unit.parent_id, authority=unit.authority_id, is_academy=is_academy, linked=linked
    )
