"""One support ticket with its conversation, and the accounts that answer tickets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from service.domain.accounts.roles import Role, UserState
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.notices.ticket import Ticket, TicketMessage
from service.models.tables.units.organisation import Organisation


def messages_of(ticket_id: UUID) -> list[Any]:
    """The conversation, oldest first, with name and role of each author."""
    query = (
        select(
            TicketMessage.id,
            TicketMessage.created_at,
            TicketMessage.kind,
            TicketMessage.body,
            TicketMessage.author_id,
            User.display_name.label("author"),
            User.role.label("role"),
        )
        .outerjoin(User, User.id == TicketMessage.author_id)
        .where(TicketMessage.ticket_id == ticket_id)
        .order_by(TicketMessage.created_at, TicketMessage.id)
    )
    return list(session().execute(query))


def answering_accounts() -> list[tuple[UUID, str, str, str]]:
    """The accounts that answer tickets, which a complaint can be about, as id, name, role, organisation."""
    query = (
        select(User.id, User.display_name, User.role, Organisation.name)
        .join(User.organisation)
        .where(User.role.in_((Role.SYS_ADMIN, Role.ASSOCIATION, Role.MINISTRY)), User.state != UserState.DISABLED)
        .order_by(User.role, User.display_name, User.id)
    )
    return [(row[0], row[1], row[2], row[3]) for row in session().execute(query)]


def find_ticket(ticket_id: UUID) -> Ticket | None:
    """A ticket as it stands in the database now, with its requester and organisation."""
    query = select(Ticket).options(joinedload(Ticket.requester), joinedload(Ticket.organisation))
    return (
        session().scalars(query.where(Ticket.id == ticket_id).execution_options(populate_existing=True)).one_or_none()
    )
