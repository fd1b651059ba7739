"""在线客服: a user's own tickets and those they handle, the form for a new one, the conversation (R69, S78–S82)."""

from __future__ import annotations

import io
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.notices.tickets import RepairStep, TicketKind
from service.errors import N_, Conflict, Message
from service.infrastructure.translation import translate
from service.models.queries.notices import ticket_list
from service.models.queries.notices.tickets import answering_accounts, messages_of
from service.models.tables.notices.ticket import TicketFile
from service.models.tables.system import setting
from service.web.presenters.formatting import role_name
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.shell.list_page import render_list
from service.workflow.idempotency import once
from service.workflow.notices import tickets

bp = Blueprint("tickets", __name__)
NOTES = {
    TicketKind.TECHNICAL: N_("系统操作的疑难问题，由系统管理员答复。"),
    TicketKind.ORDERING: N_("产品与服务的订购，由协会答复。"),
    TicketKind.REPAIR: N_("设备报修与维修进度查询，由协会登记进度。"),
    TicketKind.COMPLAINT: N_("对服务质量的投诉，由工信部办理；被投诉人看不到，也不能办理。"),
}


@bp.get("/tickets")
@requires_permission(Action.OPEN_TICKET)
def index() -> ResponseReturnValue:
    return render_list("tickets", "tickets.index", "pages/tickets/index.html")


@bp.get("/tickets/new")
@requires_permission(Action.OPEN_TICKET)
def new() -> ResponseReturnValue:
    kinds = [(k.value, translate(k.label), translate(NOTES[k])) for k in TicketKind]
    people = [(str(i), f"{name}（{role_name(role)}）") for i, name, role, _ in answering_accounts()]
    return render_template("pages/tickets/new.html", kinds=kinds, people=people, **_limits())


@bp.post("/tickets")
@requires_permission(Action.OPEN_TICKET)
@rerender_on_error(new, Conflict)
def create() -> ResponseReturnValue:
    files = _files()
    make = lambda: tickets.open_ticket(current_user, request.form, files).id  # noqa: E731
    ticket = tickets.visible_ticket(current_user, once(current_user, form_id(), "open_ticket", make))
    flash_success(Message(N_("工单 %(number)s 已提交，答复会出现在这里和您的待办中。"), number=ticket.number))
    return redirect(url_for(".show", ticket_id=ticket.id))


@bp.get("/tickets/<uuid:ticket_id>")
@requires_permission(Action.OPEN_TICKET)
def show(ticket_id: UUID) -> ResponseReturnValue:
    ticket = tickets.visible_ticket(current_user, ticket_id)
    return render_template(
        "pages/tickets/show.html",
        ticket=ticket,
        messages=messages_of(ticket.id),
        task=ticket_list.open_task(current_user, ticket),
        files=TicketFile.of(ticket.id),
        steps=list(RepairStep),
        **_limits(),
        people=ticket_list.names([ticket.assignee_id, ticket.accused_id]),
        is_mine=ticket.requester_id == current_user.id,
    )


@bp.post("/tickets/<uuid:ticket_id>")
@requires_permission(Action.OPEN_TICKET)
@rerender_on_error(show, Conflict)
def say(ticket_id: UUID) -> ResponseReturnValue:
    files = _files()
    once(current_user, form_id(), "say_in_ticket", lambda: tickets.say(current_user, ticket_id, request.form, files).id)
    flash_success(N_("已添加。"))
    return redirect(url_for(".show", ticket_id=ticket_id) + "#conversation")


@bp.get("/tickets/<uuid:ticket_id>/files/<uuid:file_id>")
@requires_permission(Action.OPEN_TICKET)
def file(ticket_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """The file, always to be saved and never shown by the browser on the address of Anpei."""
    found, content = tickets.open_file(current_user, ticket_id, file_id)
    answer = make_response(
        send_file(io.BytesIO(content), mimetype=found.media_type, as_attachment=True, download_name=found.name)
    )
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


def _files() -> list[tuple[str, bytes]]:
    """The files that were chosen."""
    return [(sent.filename, sent.read()) for sent in request.files.getlist("files") if sent.filename]


def _limits() -> dict[str, int]:
    return {"most": setting.number("attachments"), "megabytes": setting.number("attachment_megabytes")}
