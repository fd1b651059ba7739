"""How far a user reaches: the one statement of invariant 7. Models turn a ``Scope`` into SQL; ``includes`` is its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from service.domain.accounts.permissions import (
    PERMISSIONS,
    Action,
    ScopeKind,
    ScopeKinds,
)
from service.domain.accounts.roles import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. organisation: his unit, authority or institution; authority: the province responsible for it
    (his own organisation, for an authority), or None."""

    user: UUID
    role: Role
    organisation: UUID | None
    authority: UUID | None


@dataclass(frozen=True, slots=True)
class Scope:
    """What an actor reaches with one action: whatever any of ``reaches`` covers. Without a reach, nothing."""

    reaches: ScopeKinds
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedObject:
    """Where a thing belongs, as far as scopes ask; what does not apply stays empty.

    unit, parent, authority, is_academy: of the unit, or of the person's unit; linked: institutions the academy is
    linked to; trained_by: institutions that host the person's classes; organiser, host, is_published: of a class
    or plan; audience: roles and authorities a notice is for, empty for all; account: whose it is.
    """

    unit: UUID | None = None
    parent: UUID | None = None
    authority: UUID | None = None
    is_academy: bool = False
    linked: frozenset[UUID] = frozenset()
    trained_by: frozenset[UUID] = frozenset()
    organiser: UUID | None = None
    host: UUID | None = None
    is_published: bool = False
    audience: frozenset[UUID | Role] = frozenset()
    account: UUID | None = None


def scope_of(actor: Actor, action: Action) -> Scope:
    """The scope of an action for an actor; empty when his role may not do it at all."""
    return Scope(PERMISSIONS[actor.role].get(action, frozenset()), actor)


def includes(scope: Scope, subject: ScopedObject) -> bool:
    """Whether the subject lies in the scope. Out of scope, a thing does not exist: 404, never 403 (R70)."""
    return any(_reaches(reach, scope.actor, subject) for reach in scope.reaches)


def _reaches(reach: ScopeKind, actor: Actor, subject: ScopedObject) -> bool:
    mine = actor.organisation
    match reach:
        case ScopeKind.ALL:
            return True
        case ScopeKind.OWN:
            return subject.account == actor.user
        case ScopeKind.ACADEMIES:
            return subject.is_academy
        case ScopeKind.ADDRESSED:
            return not subject.audience or not subject.audience.isdisjoint({actor.role, actor.authority})
        case ScopeKind.PUBLISHED:
            return subject.is_published
        case ScopeKind.PROVINCE:
            return not subject.is_academy and _same(subject.authority, actor.authority)  # academies: the association's
        case ScopeKind.GROUP:
            return _same(subject.unit, mine) or _same(subject.parent, mine)
        case ScopeKind.UNIT:
            return _same(subject.unit, mine)
        case ScopeKind.HOSTED:
            return _same(subject.host, mine)
        case ScopeKind.ORGANISED:
            return _same(subject.organiser, mine)
        case ScopeKind.LINKED:
            return subject.is_academy and mine in subject.linked
        case ScopeKind.TRAINEES:
            return mine in subject.trained_by


def _same(one: UUID | None, other: UUID | None) -> bool:
    return one is not None and one == other
