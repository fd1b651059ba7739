"""Support tickets: the user's own, those the user's role answers, and the user's open task of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import joinedload

from service.domain.notices.tickets import ANSWERING_ROLES
from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.notices.ticket import Ticket
from service.models.tables.runtime.case import Task, TaskState
from service.models.tables.units.organisation import Organisation

ORDER = SortOrder((Ticket.id,), is_descending=True)


def tickets_query(user: User, chosen: ReportFilter) -> Any:
    """Select the tickets in scope: the user's own, or those that the user's role answers (view ``desk``)."""
    query = (
        select(
            Ticket.id,
            Ticket.number,
            Ticket.kind,
            Ticket.subject,
            Ticket.state,
            Ticket.stage,
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
        .where(_side(user, chosen.view))
    )
    if chosen.state:
        query = query.where(Ticket.state == chosen.state)
    if chosen.kind:
        query = query.where(Ticket.kind == chosen.kind)
    if chosen.q:
        found = [Ticket.number == chosen.q.upper(), Ticket.subject.icontains(chosen.q, autoescape=True)]
        query = query.where(or_(*found))
    return query


def counts(user: User, chosen: ReportFilter) -> dict[str, int]:
    """Count the tickets of the view: ``total`` and by state."""
    query = select(Ticket.state, func.count()).where(_side(user, chosen.view)).group_by(Ticket.state)
    found = {row[0]: row[1] for row in session().execute(query)}
    return {"total": sum(found.values()), **found}


def open_task(user: User, ticket: Ticket) -> Task | None:
    """The task of this ticket that waits for the reader."""
    query = select(Task).where(Task.case_id == ticket.case_id, Task.state == TaskState.OPEN, visible_to(user, Task))
    return session().scalars(query).first()


def ticket_of_case(case_id: UUID) -> Ticket | None:
    """The ticket of a case, with who asks and from where."""
    query = select(Ticket).options(joinedload(Ticket.requester), joinedload(Ticket.organisation))
    return session().scalars(query.where(Ticket.case_id == case_id)).one_or_none()


def names(ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of accounts, by id."""
    query = select(User.id, User.display_name).where(User.id.in_([i for i in ids if i is not None]))
    return {row[0]: row[1] for row in session().execute(query)}


def _side(user: User, view: str) -> ColumnElement[bool]:
    is_desk = view == "desk" and user.role in ANSWERING_ROLES
    mine = Ticket.requester_id == user.id
    return and_(visible_to(user, Ticket), ~mine if is_desk else mine)
