"""在线客服: a ticket is routed, accepted, answered back and forth, resolved,
and closed or taken up again (R69, S78–S82).

Texts are stored in the ticket's tables; the case holds ids and decisions.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from service.domain.notices.tickets import RepairStep, TicketKind, obstacle_to_rerouting, obstacle_to_step
from service.errors import N_, InvalidInput, NotFound
from service.handlers.registry import Ending, describe_process, task_subject, topic
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.queries.notices.tickets import find_ticket
from service.models.tables.notices.ticket import Ticket, TicketMessage
from service.models.tables.runtime.case_statements import role_organisation
from service.operations.context import Context, TaskSubject
from service.operations.personal_values import typed_text
from service.validation.typed_text import as_id

describe_process("support_ticket", starts_with="ticket_id")

NO_REPLY_TEXT = N_("提问人 14 天未补充，请承办方处理。")
NO_RATING_TEXT = N_("满 7 天未评价，自动关闭。")


@task_subject("support_ticket", barred=N_("这项投诉涉及本人，不能由本人办理。"))
def describe_subject(data: dict[str, Any]) -> TaskSubject:
    """Describe a ticket; ``barred`` hides a complaint from the person it is about (R69)."""
    if "number" not in data:
        return TaskSubject()
    ticket = _ticket(data)
    facts: dict[str, Any] = {"ticket_kind": ticket.kind, "step": ticket.step}
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


@topic(
    "support_ticket.receive",
    needs="ticket_id",
    gives="ticket_kind number requester_id requester_role",
    values={"ticket_kind": TicketKind},
)
def receive(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Link a new ticket to its case. Raises InvalidInput for a second case, or another author."""
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


@topic(
    "support_ticket.assign_desk",
    needs="ticket_id route",
    gives="desk_role desk_id answer_within route",
    is_undoable=True,
)
def assign_desk(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Assign the ticket to the role that the decision table names (S78–S82)."""
    ticket, route = _ticket(data), data["route"]
    ticket.desk_role, ticket.desk_id = route["desk"], role_organisation(route["desk"])
    return {
        "desk_role": ticket.desk_role,
        "desk_id": str(ticket.desk_id),
        "answer_within": route["within"],
        "route": None,
    }


@topic("support_ticket.accept", needs="ticket_id", is_undoable=True)
def accept(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Accept the ticket for the handling unit."""
    _ticket(data).assignee_id = context.actor_id
    return {}


@topic(
    "support_ticket.reroute",
    needs="ticket_id new_kind",
    gives="ticket_kind",
    values={"ticket_kind": TicketKind, "new_kind": TicketKind},
    is_undoable=True,
)
def reroute(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change the kind of the ticket. Raises InvalidInput for a complaint (R69)."""
    ticket, kind = _ticket(data), TicketKind(data["new_kind"])
    if obstacle := obstacle_to_rerouting(TicketKind(ticket.kind), kind):
        raise InvalidInput({"new_kind": obstacle})
    ticket.kind = kind
    if kind is not TicketKind.REPAIR:
        ticket.device = None
    return {"ticket_kind": kind.value}


@topic(
    "support_ticket.record_progress",
    needs="ticket_id",
    reads="step progress expected_on message",
    gives="message",
    values={"step": RepairStep},
)
def record_progress(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Record progress for the requester to look up (S81)."""
    ticket = _ticket(data)
    if data.get("step"):
        step, now = RepairStep(data["step"]), RepairStep(ticket.step) if ticket.step else None
        if obstacle := obstacle_to_step(TicketKind(ticket.kind), now, step):
            raise InvalidInput({"step": obstacle})
        ticket.step = step
    ticket.progress = typed_text(data, "progress") or ""
    ticket.expected_on = date.fromisoformat(data["expected_on"]) if data.get("expected_on") else None
    return _add_typed(ticket, context, "progress", data)


@topic("support_ticket.ask_requester", needs="ticket_id", reads="message", gives="message")
def ask_requester(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Ask the requester a question."""
    return _add_typed(_ticket(data), context, "ask", data)


@topic("support_ticket.record_reply", needs="ticket_id", reads="message", gives="message")
def record_reply(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Record the requester's answer."""
    return _add_typed(_ticket(data), context, "reply", data)


@topic("support_ticket.note_silence", needs="ticket_id")
def note_silence(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Note that the requester has not answered for 14 days; the handling unit decides what follows."""
    _add(_ticket(data), context, "system", NO_REPLY_TEXT)
    return {}


@topic("support_ticket.resolve", needs="ticket_id", reads="message", gives="message")
def resolve(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Resolve the ticket; the requester may reopen it within seven days."""
    ticket = _ticket(data)
    ticket.resolved_at, ticket.assignee_id = context.at, context.actor_id
    return _add_typed(ticket, context, "resolve", data)


@topic("support_ticket.reopen", needs="ticket_id", reads="message", gives="message")
def reopen(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Reopen a ticket that is not solved."""
    ticket = _ticket(data)
    ticket.resolved_at = None
    return _add_typed(ticket, context, "reopen", data)


@topic(
    "support_ticket.close",
    needs="ticket_id",
    reads="rating message",
    may_give="message",
    values={"rating": "1 2 3 4 5"},
    ends=Ending(N_("工单关闭后不能再补充或评价；还有问题请另提工单。")),
)
def close(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Close the ticket: rated by the requester, or by the timer seven days after the answer."""
    ticket = _ticket(data)
    if context.actor_id is None:
        _add(ticket, context, "system", NO_RATING_TEXT)
        return {}
    ticket.rating = int(data["rating"])
    return _add_typed(ticket, context, "note", data)


def _add_typed(ticket: Ticket, context: Context, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Add the message typed in the form to the conversation; returns the case data without the reference to it."""
    if (said := typed_text(data, "message")) is not None:
        _add(ticket, context, kind, said)
    return {"message": None}


def _add(ticket: Ticket, context: Context, kind: str, body: str) -> None:
    row = TicketMessage(id=new_id(), ticket_id=ticket.id, author_id=context.actor_id, kind=kind, body=body)
    row.created_at = context.at
    session().add(row)


def _ticket(data: dict[str, Any]) -> Ticket:
    key = as_id(data.get("ticket_id"))
    found = find_ticket(key) if key else None
    if found is None:
        raise NotFound
    return found
