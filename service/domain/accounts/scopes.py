"""The meaning of scopes (invariant 7):
``includes`` decides in Python what ``queries.scope`` asks of the database in SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from service.domain.accounts.permissions import Action, ScopeKind, ScopeKinds, kinds_of
from service.domain.accounts.roles import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """An account that acts.

    organisation: its unit, authority or institution; authority: the province responsible for that (of an authority
    the organisation itself), or None.
    """

    user: UUID
    role: Role
    organisation: UUID | None
    authority: UUID | None


@dataclass(frozen=True, slots=True)
class Scope:
    """The objects on which an actor has an action: those that any of ``kinds`` includes; none without a kind."""

    kinds: ScopeKinds
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The audience of a notice, task or ticket: every condition must hold, an empty one holds for everybody.

    recipients: organisations, or accounts where it is for one person alone.
    """

    provinces: frozenset[UUID] = frozenset()
    roles: frozenset[Role] = frozenset()
    recipients: frozenset[UUID] = frozenset()

    def admits(self, actor: Actor) -> bool:
        """Tell whether the actor belongs to the audience."""
        return (
            (not self.provinces or actor.authority in self.provinces)
            and (not self.roles or actor.role in self.roles)
            and (not self.recipients or not self.recipients.isdisjoint({actor.organisation, actor.user}))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedObject:
    """An object as scopes see it; what does not apply to its kind stays empty.

    Args:
        unit: the unit itself, or the one the object belongs to. Of a task: only when it is for the role of enterprises.
        parent: the group of the unit, if that is a branch.
        is_deleted: the unit is deleted.
        authority: the province of the unit.
        is_academy: the unit is an academy.
        linked: institutions the academy is linked to.
        trained_by: institutions that host published classes in which the person is enrolled.
        organiser: of a class or plan; author of a notice.
        host: institution that hosts the class, once that is published.
        is_published: a class, plan or notice that is no draft.
        is_business: a case that belongs to no ticket.
        audience: of a published notice, a task or a ticket.
        account: the one it belongs to.
        excluded: an account it is neither shown nor given to: the one a complaint is about (R69).
    """

    unit: UUID | None = None
    parent: UUID | None = None
    is_deleted: bool = False
    authority: UUID | None = None
    is_academy: bool = False
    linked: frozenset[UUID] = frozenset()
    trained_by: frozenset[UUID] = frozenset()
    organiser: UUID | None = None
    host: UUID | None = None
    is_published: bool = False
    is_business: bool = False
    audience: Audience | None = None
    account: UUID | None = None
    excluded: UUID | None = None


def scope_of(actor: Actor, action: Action) -> Scope:
    """Return the scope of an action for an actor; empty when the role does not have the action."""
    return Scope(kinds_of(actor.role, action), actor)


def includes(scope: Scope, subject: ScopedObject) -> bool:
    """Tell whether the object lies in the scope. Out of scope it does not exist: 404, never 403 (R70)."""
    return any(_includes(kind, scope.actor, subject) for kind in scope.kinds)


def _includes(kind: ScopeKind, actor: Actor, subject: ScopedObject) -> bool:  # noqa: C901 - an arm for each kind
    own = actor.organisation
    match kind:
        case ScopeKind.ALL:
            return True
        case ScopeKind.BUSINESS:
            return subject.is_business
        case ScopeKind.OWN:
            return subject.account == actor.user
        case ScopeKind.ACADEMIES:
            return subject.is_academy
        case ScopeKind.ADDRESSED:
            return subject.audience is not None and subject.audience.admits(actor) and subject.excluded != actor.user
        case ScopeKind.PUBLISHED:
            return subject.is_published
        case ScopeKind.PROVINCE:
            return not subject.is_academy and _equal(subject.authority, actor.authority)
        case ScopeKind.GROUP:
            is_branch = _equal(subject.parent, own) and not subject.is_deleted
            return (_equal(subject.unit, own) or is_branch) and subject.excluded != actor.user
        case ScopeKind.UNIT:
            return _equal(subject.unit, own)
        case ScopeKind.HOSTED:
            return _equal(subject.host, own)
        case ScopeKind.ORGANISED:
            return _equal(subject.organiser, own)
        case ScopeKind.LINKED:
            return subject.is_academy and own in subject.linked
        case ScopeKind.TRAINEES:
            return own in subject.trained_by


def _equal(one: UUID | None, other: UUID | None) -> bool:
    return one is not None and one == other
