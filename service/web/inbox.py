"""The inbox."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from service.web.access import signed_in

bp = Blueprint("inbox", __name__)


@bp.get("/inbox")
@signed_in
def index() -> ResponseReturnValue:
    return render_template("pages/home/more.html")
