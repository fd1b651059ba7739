"""The list of accounts, in the scope of whoever manages them, and the organisations an account can belong to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from service.models.base import session
from service.models.inbox import like
from service.models.organisation import Organisation
from service.models.paging import Order, Page, read_page
from service.models.scope import visible
from service.models.user import User

MOST = 2000  # organisations offered in a form


@dataclass(frozen=True, slots=True)
class Filter:
    """Which accounts: of these roles, in a state (``waiting``: for an assent), found by login, name or organisation."""

    roles: Collection[str]
    state: str = ""
    find: str = ""
    organisation_id: UUID | None = None


def read(user: User, chosen: Filter, cursor: str | None = None) -> Page[Any]:
    """Accounts whose organisation is in the user's scope, by login."""
    query = select(
        User.id, User.login, User.display_name, User.role, User.state, User.locked_until, User.last_login, User.must_change,
        User.awaits_assent,
        Organisation.name.label("organisation"),
    )  # fmt: skip
    query = query.join(Organisation, Organisation.id == User.organisation_id)
    query = query.where(visible(user, Organisation), User.role.in_(chosen.roles))
    if chosen.state == "waiting":
        query = query.where(User.awaits_assent, User.state != "disabled")
    elif chosen.state:
        query = query.where(User.state == chosen.state)
    if chosen.organisation_id:
        query = query.where(User.organisation_id == chosen.organisation_id)
    if chosen.find:
        words = like(chosen.find)
        query = query.where(
            or_(User.login.ilike(words), User.display_name.ilike(words), Organisation.name.ilike(words))
        )
    return read_page(query, Order((func.lower(User.login), User.id)), cursor)


def homes(user: User, kinds: Collection[str]) -> list[tuple[UUID, str]]:
    """Id and name of the organisations of these kinds in the user's scope, in the order of lists."""
    query = select(Organisation.id, Organisation.name).where(visible(user, Organisation), Organisation.kind.in_(kinds))
    query = query.where(Organisation.state != "deleted").order_by(Organisation.sort_key, Organisation.id).limit(MOST)
    return [(key, name) for key, name in session().execute(query)]


def colleagues(user: User) -> list[tuple[UUID, str]]:
    """Id and name of the others who share the user's organisation and role, and can be handed a task."""
    query = select(User.id, User.display_name).where(
        User.organisation_id == user.organisation_id, User.role == user.role, User.state == "active", User.id != user.id
    )
    return [(key, name) for key, name in session().execute(query.order_by(User.display_name, User.id).limit(MOST))]
