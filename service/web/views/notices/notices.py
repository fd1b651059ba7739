"""Notices for the reader, and the bulletins of the reader's organisation: writing, files,
publishing, withdrawing, who has read them.
"""

from __future__ import annotations

import io
from uuid import UUID

from flask import Blueprint, g, make_response, redirect, render_template, request, send_file, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.notices import notices as notice_rules
from service.domain.notices.notices import NoticeState, addressable_roles
from service.errors import N_, Conflict, Message, NotFound
from service.infrastructure import rich_text
from service.infrastructure.translation import translate
from service.models.queries.notices import notice_list
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.units import unit_list
from service.models.tables.notices.notice import Attachment, Notice
from service.models.tables.system import setting
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.shell.list_page import render_list
from service.workflow.idempotency import once
from service.workflow.notices import bulletins, notices

bp = Blueprint("notices", __name__)


@bp.record_once
def _register(setup: BlueprintSetupState) -> None:
    """Register what the bar and the unit's record page show."""
    setup.app.jinja_env.globals |= {"unread": unread, "reminders": reminders}
    setup.app.jinja_env.filters |= {
        "notice_title": lambda row: translate(notice_rules.title_of(row.facts, row.title)),
        "notice_body": lambda row: translate(notice_rules.body_of(row.facts, row.body)),
    }
    setup.app.jinja_env.filters["rich"] = lambda body: Markup(rich_text.clean(body))  # noqa: S704 - cleaned once more


def unread() -> int:
    """Count the notices that the user has not opened, to 100; asked once a request."""
    if "unread" not in g:
        reads = current_user.is_authenticated and may(Role(current_user.role), Action.READ_NOTICES)
        g.unread = notice_list.unread_count(current_user) if reads else 0
    return int(g.unread)


def reminders() -> list[Notice]:
    """The reminders that the reader's own unit was sent (S14)."""
    return notice_list.reminders_of(current_user.organisation_id)


@bp.get("/notices")
@requires_permission(Action.READ_NOTICES)
def index() -> ResponseReturnValue:
    return render_list("notices", "notices.index", "pages/notices/index.html", since=current_user.created_at)


@bp.get("/notices/<uuid:notice_id>")
@requires_permission(Action.READ_NOTICES)
def show(notice_id: UUID) -> ResponseReturnValue:
    row = notices.read_notice(current_user, notice_id)
    if row.state == NoticeState.DRAFT:
        return redirect(url_for(".edit", notice_id=row.id))
    g.pop("unread", None)
    is_own = bulletins.is_author(current_user, row)
    return render_template(
        "pages/notices/show.html",
        row=row,
        files=Attachment.of(row.id) if row.kind == "bulletin" else [],
        is_own=is_own,
        author=unit_list.names_of([row.author_id]).get(str(row.author_id), ""),
        provinces=notice_list.names_of(row.authorities),
        units=notice_list.names_of(row.units),
        counts=notice_list.reading_counts(row) if is_own else None,
    )


@bp.post("/notices/read")
@requires_permission(Action.READ_NOTICES)
def read_all() -> ResponseReturnValue:
    flash_success(Message(N_("已将 %(n)s 条标为已读。"), n=notices.read_all(current_user)))
    return redirect(url_for(".index"))


@bp.get("/notices/<uuid:notice_id>/files/<uuid:file_id>")
@requires_permission(Action.READ_NOTICES)
def file(notice_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """The file, always to be saved and never shown by the browser on the address of Anpei."""
    found, content = bulletins.open_file(current_user, notice_id, file_id)
    answer = make_response(
        send_file(io.BytesIO(content), mimetype=found.media_type, as_attachment=True, download_name=found.name)
    )
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


@bp.get("/bulletins")
@requires_permission(Action.EDIT_BULLETIN)
def own() -> ResponseReturnValue:
    return render_list("bulletins", "notices.own", "pages/notices/own.html")


@bp.get("/bulletins/new")
@requires_permission(Action.EDIT_BULLETIN)
def new() -> ResponseReturnValue:
    return render_template("pages/notices/form.html", row=None, files=[], units=[], **_audiences())


@bp.post("/bulletins")
@requires_permission(Action.EDIT_BULLETIN)
@rerender_on_error(new)
def create() -> ResponseReturnValue:
    key = once(current_user, form_id(), "save_bulletin", lambda: bulletins.save_bulletin(current_user, _typed()).id)
    flash_success(N_("草稿已保存，可以添加附件、预览后发布。"))
    return redirect(url_for(".edit", notice_id=key))


@bp.get("/bulletins/<uuid:notice_id>")
@requires_permission(Action.EDIT_BULLETIN)
def edit(notice_id: UUID) -> ResponseReturnValue:
    row = _own(notice_id)
    if row.state != NoticeState.DRAFT:
        return redirect(url_for(".show", notice_id=row.id))
    limits = {"most": setting.number("attachments"), "megabytes": setting.number("attachment_megabytes")}
    return render_template(
        "pages/notices/form.html",
        row=row,
        files=Attachment.of(row.id),
        units=notice_list.names_of(row.units),
        **limits,
        **_audiences(),
    )


@bp.post("/bulletins/<uuid:notice_id>")
@requires_permission(Action.EDIT_BULLETIN)
@rerender_on_error(edit, Conflict)
def save(notice_id: UUID) -> ResponseReturnValue:
    bulletins.save_bulletin(current_user, _typed(), notice_id)
    if "then" in request.form:
        return redirect(url_for(".confirm_publication", notice_id=notice_id))
    flash_success(N_("草稿已保存。"))
    return redirect(url_for(".edit", notice_id=notice_id))


@bp.get("/bulletins/<uuid:notice_id>/publish")
@requires_permission(Action.EDIT_BULLETIN)
def confirm_publication(notice_id: UUID) -> ResponseReturnValue:
    """Show the bulletin as it will be read, and its audience: once published it can only be withdrawn."""
    row = _own(notice_id)
    return render_template(
        "pages/notices/publish.html",
        row=row,
        files=Attachment.of(row.id),
        provinces=notice_list.names_of(row.authorities),
        units=notice_list.names_of(row.units),
        counts=notice_list.reading_counts(row),
    )


@bp.post("/bulletins/<uuid:notice_id>/publish")
@requires_permission(Action.EDIT_BULLETIN)
@rerender_on_error(confirm_publication, Conflict)
def publish(notice_id: UUID) -> ResponseReturnValue:
    bulletins.publish_bulletin(current_user, notice_id)
    flash_success(N_("通报已发布。"))
    return redirect(url_for(".show", notice_id=notice_id))


@bp.get("/bulletins/<uuid:notice_id>/withdraw")
@requires_permission(Action.EDIT_BULLETIN)
def confirm_withdrawal(notice_id: UUID) -> ResponseReturnValue:
    row = _own(notice_id)
    return render_template("pages/notices/withdraw.html", row=row, counts=notice_list.reading_counts(row))


@bp.post("/bulletins/<uuid:notice_id>/withdraw")
@requires_permission(Action.EDIT_BULLETIN)
@rerender_on_error(confirm_withdrawal, Conflict)
def withdraw(notice_id: UUID) -> ResponseReturnValue:
    bulletins.withdraw_bulletin(current_user, notice_id, request.form.get("reason", ""))
    flash_success(N_("通报已撤下，收到的单位不再看到它。"))
    return redirect(url_for(".show", notice_id=notice_id))


@bp.get("/bulletins/<uuid:notice_id>/delete")
@requires_permission(Action.EDIT_BULLETIN)
def confirm_deletion(notice_id: UUID) -> ResponseReturnValue:
    return render_template("pages/notices/delete.html", row=_own(notice_id))


@bp.post("/bulletins/<uuid:notice_id>/delete")
@requires_permission(Action.EDIT_BULLETIN)
@rerender_on_error(confirm_deletion, Conflict)
def delete(notice_id: UUID) -> ResponseReturnValue:
    bulletins.delete_bulletin(current_user, notice_id)
    flash_success(N_("草稿已删除。"))
    return redirect(url_for(".own"))


@bp.post("/bulletins/<uuid:notice_id>/files")
@requires_permission(Action.EDIT_BULLETIN)
@rerender_on_error(edit, Conflict)
def attach(notice_id: UUID) -> ResponseReturnValue:
    sent = request.files.get("file")
    name, data = (sent.filename or "", sent.read()) if sent else ("", b"")
    found = bulletins.attach(current_user, notice_id, name, data)
    flash_success(Message(N_("已添加附件“%(name)s”。"), name=found.name))
    return redirect(url_for(".edit", notice_id=notice_id))


@bp.post("/bulletins/<uuid:notice_id>/files/<uuid:file_id>/remove")
@requires_permission(Action.EDIT_BULLETIN)
def detach(notice_id: UUID, file_id: UUID) -> ResponseReturnValue:
    bulletins.detach(current_user, notice_id, file_id)
    flash_success(N_("附件已移除。"))
    return redirect(url_for(".edit", notice_id=notice_id))


@bp.get("/bulletins/<uuid:notice_id>/readers")
@requires_permission(Action.EDIT_BULLETIN)
def readers(notice_id: UUID) -> ResponseReturnValue:
    """List those of the audience who have read it, or who have not (R68)."""
    row = _own(notice_id)
    audience, read = notice_list.reading_counts(row)
    fixed = {"notice": str(notice_id), "view": query_params.choice("view", ("waiting",)) or "read"}
    return render_list(
        "notice-readers",
        "notices.readers",
        "pages/notices/readers.html",
        fixed,
        notice=row,
        audience=audience,
        read=read,
    )


def _own(notice_id: UUID) -> Notice:
    row = get_or_404_in_scope(current_user, Notice, notice_id)
    if not bulletins.is_author(current_user, row):
        raise NotFound
    return row


def _typed() -> dict[str, object]:
    """The fields of the form; audiences as lists."""
    lists = {name: request.form.getlist(name) for name in ("roles", "authorities")}
    return {**request.form.to_dict(), **lists}


def _audiences() -> dict[str, object]:
    """The recipients that the author may choose from."""
    is_province = current_user.role == Role.PROVINCIAL_AUTHORITY
    roles = addressable_roles(Role(current_user.role))
    known = [name for _key, name in unit_list.unit_choices(current_user)]
    return {"roles": roles, "provinces": [] if is_province else unit_list.provinces(), "known_units": known}
