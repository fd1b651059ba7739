"""Reissue on loss: the application of a unit, the register of all applications in scope (R64, S12)."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.errors import N_, Conflict, Message
from service.models.queries.certificates import certificate_list
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.web.shell.list_page import render_list
from service.web.shell.questions import Question, asks
from service.workflow.certificates import reissues

bp = Blueprint("reissues", __name__)


@bp.get("/reissues")
@requires_permission(Action.PRINT_CERTIFICATE, Action.REQUEST_REISSUE)
def index() -> ResponseReturnValue:
    return render_list("reissue-register", "reissues.index", "pages/reissues/index.html")


@bp.get("/certificates/<uuid:certificate_id>/reissue")
@requires_permission(Action.REQUEST_REISSUE)
def new(certificate_id: UUID) -> ResponseReturnValue:
    found = certificate_list.visible_certificate(current_user, certificate_id)
    return render_template("pages/reissues/new.html", found=found, obstacle=reissues.obstacle(found))


@bp.post("/certificates/<uuid:certificate_id>/reissue")
@requires_permission(Action.REQUEST_REISSUE)
@rerender_on_error(new, Conflict)
def create(certificate_id: UUID) -> ResponseReturnValue:
    reissues.request_reissue(current_user, certificate_id, request.form.get("statement", ""))
    flash_success(N_("补办申请已报协会审核，结果会显示在补办登记中。"))
    return redirect(url_for(".index"))


def _withdrawal(case_id: UUID) -> Question:
    return Question(
        title=Message(
            N_("撤回“%(name)s”的补办申请？"), name=reissues.own_reissue(current_user, case_id).certificate.person.name
        ),
        consequence=N_("申请就此结束，原证不变；需要时可以重新申请。"),
        verb=N_("撤回申请"),
        way_back=url_for(".index"),
    )


@bp.post("/reissues/<uuid:case_id>/withdraw")
@requires_permission(Action.REQUEST_REISSUE)
@asks(_withdrawal)
def withdraw(case_id: UUID) -> ResponseReturnValue:
    reissues.withdraw_reissue(current_user, case_id)
    flash_success(N_("补办申请已撤回，原证不变。"))
    return redirect(url_for(".index"))
