"""The first page of each role: what waits, and where to go."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.models.queries.runtime import inbox
from service.reports.home import panels
from service.web.shell import navigation, template_context
from service.web.shell.authorization import login_required

bp = Blueprint("home", __name__)


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    mine = inbox.count_mine(current_user)
    return render_template(
        "pages/home/index.html",
        counts=template_context.counts(),
        mine=mine,
        shortcuts=navigation.shortcuts(),
        panels=panels(current_user),
    )


@bp.get("/more")
@login_required
def more() -> ResponseReturnValue:
    return render_template("pages/home/more.html")
