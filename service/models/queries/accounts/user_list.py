"""The list of accounts, in the scope of whoever manages them, and the organisations an account can belong to."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, or_, select

from service.domain.accounts.roles import Role, UserState, managed_by
from service.models.db.clock import now
from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime.inbox import like
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation

MAX_CHOICES = 2000  # organisations or colleagues offered in a form


ORDER = SortOrder((func.lower(User.login), User.id))


def accounts_query(user: User, chosen: ReportFilter) -> Any:
    """Select the accounts that the user manages, of organisations in scope;
    ``account_state`` is an ``AccountState``.
    """
    seen = managed_by(Role(user.role))
    query = (
        select(
            User.id,
            User.login,
            User.display_name,
            User.role,
            User.last_login,
            User.created_at,
            User.phone_masked,
            User.mail_masked,
            _state().label("account_state"),
            Organisation.name.label("organisation"),
        )
        .join(Organisation, Organisation.id == User.organisation_id)
        .where(visible_to(user, Organisation), User.role.in_([chosen.role] if chosen.role in seen else seen))
    )
    if chosen.state:
        query = query.where(_state() == chosen.state)
    if chosen.unit:
        query = query.where(User.organisation_id == chosen.unit)
    if chosen.q:
        words = like(chosen.q)
        query = query.where(or_(User.login.ilike(words), User.display_name.ilike(words), named(Organisation, chosen.q)))
    return query


def _state() -> Any:
    return case(
        (User.state == "disabled", "disabled"),
        (User.awaits_assent, "waiting"),
        (User.locked_until > now(), "locked"),
        else_="active",
    )


def homes(user: User, kinds: Collection[str]) -> list[tuple[UUID, str]]:
    """Id and name of the organisations of these kinds in the user's scope, in the order of lists."""
    query = select(Organisation.id, Organisation.name).where(
        visible_to(user, Organisation), Organisation.kind.in_(kinds)
    )
    query = (
        query.where(Organisation.state != "deleted").order_by(Organisation.sort_key, Organisation.id).limit(MAX_CHOICES)
    )
    return [(key, name) for key, name in session().execute(query)]


def colleagues(user: User) -> list[tuple[UUID, str]]:
    """Id and name of the others who share the user's organisation and role, and can be handed a task."""
    query = select(User.id, User.display_name).where(
        User.organisation_id == user.organisation_id,
        User.role == user.role,
        User.state == UserState.ACTIVE,
        ~User.awaits_assent,
        User.id != user.id,
    )
    return [
        (key, name) for key, name in session().execute(query.order_by(User.display_name, User.id).limit(MAX_CHOICES))
    ]
