"""Support tickets as their requester sees them: hand one in, add to its conversation. What the desk does are tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import joinedload

from service.domain.permissions import Action, may
from service.domain.roles import Role
from service.domain.tickets import TicketKind, TicketState, obstacle_to_speaking
from service.errors import N_, Conflict, InvalidInput, NotAllowed
from service.models import Cause, Ticket, TicketMessage, TicketSerial, User, new_id, session, today, transaction
from service.models.scope import get_visible
from service.models.ticket import answerers
from service.workflow import cases
from service.workflow.entry import Entry

LONGEST = 2000  # characters of a question or a line


def open_ticket(user: User, raw: Mapping[str, Any]) -> Ticket:
    """Hand in a ticket: kind, subject, body, and for a complaint whom it is about. Raises InvalidInput."""
    if not may(Role(user.role), Action.OPEN_TICKET):
        raise NotAllowed
    entry = Entry(raw)
    kind = entry.choice("kind", [k.value for k in TicketKind], must=True)
    subject = entry.text("subject", 100, must=True)
    body = _body(entry, must=True)
    accused = entry.key("accused", must=False) if kind == TicketKind.COMPLAINT else None
    if accused is not None and accused not in {row[0] for row in answerers()}:
        entry.refuse("accused", N_("请从列表中选择一项。"))
    entry.check()
    with transaction(Cause("open_ticket", user.id)) as current:
        ticket = Ticket(
            id=new_id(), number=TicketSerial.take(today().year), kind=kind, subject=subject, body=body, requester_id=user.id,
            organisation_id=user.organisation_id, accused_id=accused,
        )  # fmt: skip
        current.add(ticket)
        current.flush()
        cases.start(user, "support_ticket", {"ticket_id": str(ticket.id)}, business_key=ticket.number)
    return ticket


def say(user: User, ticket_id: UUID, raw: Mapping[str, Any]) -> None:
    """Add a line to the conversation without moving the ticket. Raises Conflict when it is closed."""
    with transaction(Cause("say_in_ticket", user.id)) as current:
        ticket = get_visible(user, Ticket, ticket_id)
        if obstacle := obstacle_to_speaking(TicketState(ticket.state)):
            raise Conflict(obstacle)
        entry = Entry(raw)
        body = _body(entry, must=True)
        entry.check()
        current.add(TicketMessage(id=new_id(), ticket_id=ticket.id, author_id=user.id, kind="note", body=body))


def visible_ticket(user: User, ticket_id: UUID) -> Ticket:
    """A ticket in scope, with who asks and from where; raises NotFound."""
    session().expire_all()
    return get_visible(user, Ticket, ticket_id, joinedload(Ticket.requester), joinedload(Ticket.organisation))


def _body(entry: Entry, must: bool) -> str:
    """Several lines, as typed."""
    text = entry.typed("body")
    if must and not text:
        entry.refuse("body", N_("请填写这一项。"))
    if len(text) > LONGEST:
        raise InvalidInput({"body": N_("最多 2000 个字，请精简。")})
    return text
