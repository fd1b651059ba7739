"""Settings and the dictionary of qualification types,
for the administrators whose they are; who changed what and when.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service import config
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.system.settings import SETTINGS
from service.errors import N_, Conflict, Message
from service.models.queries.notices.mail_failures import mail_failures
from service.models.queries.persons.person_history import versions_of
from service.models.queries.system import setting_history
from service.models.tables.system import setting
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.workflow import outbox
from service.workflow.system import settings

bp = Blueprint("settings", __name__)

TYPE_HISTORY = ("name", "initial_hours", "refresher_hours", "renewal_hours", "pass_mark", "active")


@bp.record_once
def _register(setup: BlueprintSetupState) -> None:
    """Offer templates the settings that the foot of every page shows."""
    setup.app.jinja_env.globals["support_phone"] = lambda: setting.text("support_phone")


@bp.get("/settings")
@requires_permission(Action.CHANGE_SETTINGS, Action.CHANGE_POLICY)
def index() -> ResponseReturnValue:
    keys = settings.settable(current_user)
    has_types = may(Role(current_user.role), Action.CHANGE_SETTINGS)
    return render_template(
        "pages/settings/index.html",
        keys=keys,
        settings=SETTINGS,
        values=setting.read(),
        history=setting_history.changes(keys),
        types=setting_history.types() if has_types else [],
        mail_server=config.settings().mail,
        mail_failures=mail_failures() if has_types else None,
    )


@bp.post("/settings")
@requires_permission(Action.CHANGE_SETTINGS, Action.CHANGE_POLICY)
@rerender_on_error(index, Conflict)
def save() -> ResponseReturnValue:
    changed = settings.save_settings(current_user, request.form)
    flash_success(Message(N_("已修改 %(n)s 项设置，几秒内生效。"), n=changed) if changed else N_("没有修改。"))
    return redirect(url_for(".index"))


@bp.post("/settings/mails/test")
@requires_permission(Action.CHANGE_SETTINGS)
@rerender_on_error(index, Conflict)
def test_mail() -> ResponseReturnValue:
    outbox.order_test(current_user)
    flash_success(N_("测试邮件已交给后台发送，几秒后请查收；没有收到请看本页的发送情况。"))
    return redirect(url_for(".index"))


@bp.post("/settings/mails/retry")
@requires_permission(Action.CHANGE_SETTINGS)
def retry_mails() -> ResponseReturnValue:
    flash_success(Message(N_("正在重新发送 %(n)s 封邮件。"), n=outbox.retry(current_user)))
    return redirect(url_for(".index"))


@bp.get("/settings/types/new")
@requires_permission(Action.CHANGE_SETTINGS)
def new_type() -> ResponseReturnValue:
    return render_template("pages/settings/type.html", row=None, versions=[])


@bp.post("/settings/types")
@requires_permission(Action.CHANGE_SETTINGS)
@rerender_on_error(new_type)
def create_type() -> ResponseReturnValue:
    row = settings.save_type(current_user, request.form)
    flash_success(Message(N_("已新增资格类型“%(name)s”。"), name=row.name))
    return redirect(url_for(".index"))


@bp.get("/settings/types/<uuid:type_id>")
@requires_permission(Action.CHANGE_SETTINGS)
def edit_type(type_id: UUID) -> ResponseReturnValue:
    row = setting_history.qualification_type(type_id)
    return render_template("pages/settings/type.html", row=row, versions=_versions(type_id))


@bp.post("/settings/types/<uuid:type_id>")
@requires_permission(Action.CHANGE_SETTINGS)
@rerender_on_error(edit_type, Conflict)
def save_type(type_id: UUID) -> ResponseReturnValue:
    settings.save_type(current_user, request.form, type_id)
    flash_success(N_("资格类型已保存；已发布的班不受影响。"))
    return redirect(url_for(".index"))


def _versions(type_id: UUID) -> list[Any]:
    return versions_of(type_id, TYPE_HISTORY)[:20]
