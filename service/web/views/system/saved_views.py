"""Saved views of lists: saved from the list, and removed there."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.errors import N_, AnpeiError, Message
from service.reports import find_export
from service.reports.framework.report import parse_filter
from service.web.shell.authorization import login_required
from service.web.shell.form_errors import flash_success, refresh_user
from service.web.shell.redirects import local_address
from service.workflow.accounts import saved_views

bp = Blueprint("saved_views", __name__)


@bp.post("/views/<name>")
@login_required
def save(name: str) -> ResponseReturnValue:
    """Save what the list is narrowed to, as far as its declared filters read it."""
    report = find_export(current_user, name)
    chosen = parse_filter(report, current_user, request.form)
    try:
        view = saved_views.save_view(current_user, report.name, chosen.arguments(), request.form)
    except AnpeiError as error:
        refresh_user()
        fields = getattr(error, "fields", {})
        flash_success(next(iter(fields.values()), error.message), kind="warn")
    else:
        flash_success(Message(N_("已存为视图“%(name)s”。"), name=view.name))
    return redirect(local_address(request.form.get("back", "")))


@bp.post("/views/<uuid:view_id>/remove")
@login_required
def remove(view_id: UUID) -> ResponseReturnValue:
    saved_views.remove_view(current_user, view_id)
    flash_success(N_("视图已删除。"))
    return redirect(local_address(request.form.get("back", "")))
