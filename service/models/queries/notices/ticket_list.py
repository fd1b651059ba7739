"""Lists of support tickets: a reader's own, and those of his desk; the task that waits for him in one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import joinedload

from service.models.db.pagination import Page, SortOrder, read_page
from service.models.db.session import session
from service.models.queries.scope import visible_to
from service.models.tables.case import Task
from service.models.tables.organisation import Organisation
from service.models.tables.ticket import Ticket
from service.models.tables.user import User

ORDER = SortOrder((Ticket.id,), is_descending=True)


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """What the list is narrowed to. is_desk: those the reader's desk answers, or those he asked; None for both."""

    text: str = ""
    state: str = ""
    kind: str = ""
    is_desk: bool | None = None


def tickets_page(user: User, chosen: TicketFilter, cursor: str | None = None) -> Page[Any]:
    """One page of the tickets in scope, newest first."""
    return read_page(tickets_query(user, chosen), ORDER, cursor)


def tickets_query(user: User, chosen: TicketFilter) -> Any:
    """The query behind the page, whole, for exports."""
    query = (
        select(
            Ticket.id,
            Ticket.number,
            Ticket.kind,
            Ticket.subject,
            Ticket.state,
            Ticket.created_at,
            Ticket.updated_at,
            Ticket.progress,
            Ticket.expected_on,
            Ticket.rating,
            User.display_name.label("requester"),
            Organisation.name.label("organisation"),
        )
        .join(User, User.id == Ticket.requester_id)
        .join(Organisation, Organisation.id == Ticket.organisation_id)
        .where(_side(user, chosen.is_desk))
    )
    if chosen.state:
        query = query.where(Ticket.state == chosen.state)
    if chosen.kind:
        query = query.where(Ticket.kind == chosen.kind)
    if chosen.text:
        found = [Ticket.number == chosen.text.upper(), Ticket.subject.icontains(chosen.text, autoescape=True)]
        query = query.where(or_(*found))
    return query


def counts(user: User, is_desk: bool | None) -> dict[str, int]:
    """How many there are, by state."""
    query = select(Ticket.state, func.count()).where(_side(user, is_desk)).group_by(Ticket.state)
    return {row[0]: row[1] for row in session().execute(query)}


def open_task(user: User, ticket: Ticket) -> Task | None:
    """The task of this ticket that waits for the reader."""
    query = select(Task).where(Task.case_id == ticket.case_id, Task.state == "open", visible_to(user, Task))
    return session().scalars(query).first()


def ticket_of_case(case_id: UUID) -> Ticket | None:
    """The ticket of a case, with who asks and from where."""
    query = select(Ticket).options(joinedload(Ticket.requester), joinedload(Ticket.organisation))
    return session().scalars(query.where(Ticket.case_id == case_id)).one_or_none()


def names(ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of accounts, by id."""
    query = select(User.id, User.display_name).where(User.id.in_([i for i in ids if i is not None]))
    return {row[0]: row[1] for row in session().execute(query)}


def _side(user: User, is_desk: bool | None) -> ColumnElement[bool]:
    mine = Ticket.requester_id == user.id
    if is_desk is None:
        return visible_to(user, Ticket)
    return and_(visible_to(user, Ticket), ~mine if is_desk else mine)
