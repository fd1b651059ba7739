"""Substitutes of the reader: appointed for some days, ended early, and what they did (R84)."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.errors import N_, Conflict
from service.infrastructure.translation import translate
from service.models.db.clock import today
from service.models.queries.accounts import user_list
from service.models.queries.runtime import substitutes
from service.web.shell.authorization import login_required
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.workflow.accounts import substitutions
from service.workflow.idempotency import once

bp = Blueprint("substitutes", __name__)


@bp.get("/account/substitutes")
@login_required
def index() -> ResponseReturnValue:
    kinds = substitutions.kinds_of(current_user)
    return render_template(
        "pages/accounts/substitutes.html",
        colleagues=user_list.colleagues(current_user),
        kinds=[(one.kind, translate(one.process) + translate("：") + translate(one.name)) for one in kinds],
        words={one.kind: one.name for one in kinds},
        own=substitutions.substitutions_of(current_user),
        others=substitutions.stands_in_for(current_user),
        done=substitutes.done_for(current_user),
        today=today(),
    )


@bp.post("/account/substitutes")
@login_required
@rerender_on_error(index, Conflict)
def appoint() -> ResponseReturnValue:
    kinds = request.form.getlist("kinds")
    once(
        current_user,
        form_id(),
        "appoint_substitute",
        lambda: substitutions.appoint_substitute(current_user, request.form, kinds).id,
    )
    flash_success(N_("已指定代办人。到期自动结束，也可以提前结束。"))
    return redirect(url_for(".index"))


@bp.post("/account/substitutes/<uuid:substitution_id>/end")
@login_required
def end(substitution_id: UUID) -> ResponseReturnValue:
    substitutions.end_substitution(current_user, substitution_id)
    flash_success(N_("代办已结束，您领取的待办由您自己办理。"))
    return redirect(url_for(".index"))
