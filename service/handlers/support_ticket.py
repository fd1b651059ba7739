"""在线客服: a ticket is routed, accepted, answered back and forth, resolved, and closed or taken up again (R69, S78–S82).

What people write stands in the ticket's own tables; the case knows ids and decisions only.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from service.domain.notices.tickets import (
    TICKET_MOVES,
    RepairStep,
    TicketKind,
    TicketState,
    obstacle_to_rerouting,
    obstacle_to_step,
)
from service.domain.values.state_machine import check_move
from service.errors import N_, InvalidInput
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.queries.notices.tickets import find_ticket
from service.models.tables.case import PersonalValue
from service.models.tables.case_statements import role_organisation
from service.models.tables.ticket import Ticket, TicketMessage
from service.operations.context import Context, TaskSubject

SILENT = N_("提问人 14 天未补充，请承办方处理。")
UNRATED = N_("满 7 天未评价，自动关闭。")


def describe(data: dict[str, Any]) -> TaskSubject:
    """What inbox and lists show of a ticket; ``barred`` keeps a complaint from whom it is about (R69)."""
    if "number" not in data:
        return TaskSubject()
    ticket = _ticket(data)
    facts = {"ticket_kind": ticket.kind, "progress": ticket.progress or None}
    if ticket.accused_id:
        facts["barred"] = str(ticket.accused_id)
    return TaskSubject(
        subject=ticket.subject,
        summary=ticket.number,
        unit_name=ticket.organisation.name,
        batch=ticket.kind,
        batch_title=TicketKind(ticket.kind).label,
        facts=facts,
    )


def receive(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """A ticket just written gets its case; only who wrote it can hand it in."""
    ticket = _ticket(data)
    if ticket.case_id is not None or ticket.requester_id != context.actor_id:
        raise InvalidInput({"ticket_id": N_("这份工单已经提交过。")})
    ticket.case_id = context.case_id
    return {
        "ticket_kind": ticket.kind,
        "number": ticket.number,
        "requester_id": str(ticket.requester_id),
        "requester_role": ticket.requester.role,
    }


def assign_desk(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Give the ticket to the role that the decision names (S78–S82)."""
    ticket, route = _ticket(data), data["route"]
    ticket.desk_role, ticket.desk_id = route["desk"], role_organisation(route["desk"])
    return {
        "desk_role": ticket.desk_role,
        "desk_id": str(ticket.desk_id),
        "answer_within": route["within"],
        "route": None,
    }


def accept(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Somebody of the desk takes it up."""
    ticket = _ticket(data)
    _move(ticket, TicketState.IN_PROGRESS)
    ticket.assignee_id = context.actor_id
    return {}


def reroute(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """It belongs to another kind; a complaint stays where it is (R69)."""
    ticket, kind = _ticket(data), TicketKind(data["new_kind"])
    if obstacle := obstacle_to_rerouting(TicketKind(ticket.kind), kind):
        raise InvalidInput({"new_kind": obstacle})
    ticket.kind = kind
    if kind is not TicketKind.REPAIR:
        ticket.device = None
    return {"ticket_kind": kind.value}


def record_progress(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """How far it is, for the requester to look up (S81)."""
    ticket = _ticket(data)
    if data.get("step"):
        step, now = RepairStep(data["step"]), RepairStep(ticket.step) if ticket.step else None
        if obstacle := obstacle_to_step(TicketKind(ticket.kind), now, step):
            raise InvalidInput({"step": obstacle})
        ticket.step = step
    ticket.progress = data.get("progress") or ""
    ticket.expected_on = date.fromisoformat(data["expected_on"]) if data.get("expected_on") else None
    _speak(ticket, context, "progress", data)
    return {}


def ask_requester(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The desk needs to know more."""
    ticket = _ticket(data)
    _move(ticket, TicketState.WAITING_USER)
    _speak(ticket, context, "ask", data)
    return {}


def record_reply(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The requester has answered; the desk goes on."""
    ticket = _ticket(data)
    _move(ticket, TicketState.IN_PROGRESS)
    _speak(ticket, context, "reply", data)
    return {}


def note_silence(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The requester has not answered for a fortnight; the desk decides what follows."""
    ticket = _ticket(data)
    _move(ticket, TicketState.IN_PROGRESS)
    _add(ticket, context, "system", SILENT)
    return {}


def resolve(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The desk has answered; the requester has seven days to say otherwise."""
    ticket = _ticket(data)
    _move(ticket, TicketState.RESOLVED)
    ticket.resolved_at, ticket.assignee_id = context.at, context.actor_id
    _speak(ticket, context, "resolve", data)
    return {}


def reopen(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """It is not solved; the desk takes it up again."""
    ticket = _ticket(data)
    _move(ticket, TicketState.IN_PROGRESS)
    ticket.resolved_at = None
    _speak(ticket, context, "reopen", data)
    return {}


def close(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Rated by the requester, or seven days after the answer."""
    ticket = _ticket(data)
    ticket.closed_at = context.at
    _move(ticket, TicketState.CLOSED)
    if context.actor_id is None:
        _add(ticket, context, "system", UNRATED)
    else:
        ticket.rating = int(data["rating"])
        _speak(ticket, context, "note", data)
    return {}


def _speak(ticket: Ticket, context: Context, kind: str, data: dict[str, Any]) -> None:
    """Add what was typed into the form to the conversation; the case itself has only a reference to it."""
    reference = data.get("message")
    if reference is not None:
        value = session().get_one(PersonalValue, UUID(reference["personal"]))
        if value.value is not None:
            _add(ticket, context, kind, value.value)


def _add(ticket: Ticket, context: Context, kind: str, body: str) -> None:
    row = TicketMessage(id=new_id(), ticket_id=ticket.id, author_id=context.actor_id, kind=kind, body=body)
    row.created_at = context.at
    session().add(row)


def _move(ticket: Ticket, to: TicketState) -> None:
    check_move(TICKET_MOVES, TicketState(ticket.state), to)
    ticket.state = to


def _ticket(data: dict[str, Any]) -> Ticket:
    missing = InvalidInput({"ticket_id": N_("没有这份工单。")})
    try:
        found = find_ticket(UUID(str(data.get("ticket_id"))))
    except ValueError:
        raise missing from None
    if found is None:
        raise missing
    return found
