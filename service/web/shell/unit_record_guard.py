"""Redirect the users of a unit to its record until that is complete (R3, S30)."""

from __future__ import annotations

from flask import Flask, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.units.units import UnitState
from service.errors import Conflict
from service.web.shell.form_errors import flash_success
from service.workflow.authorization import obstacle_before_record


def register(app: Flask) -> None:
    """Check every request before its view."""
    app.before_request(check)


def check() -> ResponseReturnValue | None:
    """Redirect GET requests to the record; raise Conflict for all others, and for a deleted unit."""
    view = current_app.view_functions.get(str(request.endpoint))
    actions = getattr(view, "access", None)
    if actions is None or hasattr(view, "before_password") or not current_user.is_authenticated:
        return None
    if current_user.must_change or (obstacle := obstacle_before_record(current_user, actions)) is None:
        return None
    own = current_user.organisation
    if request.method != "GET" or own.state == UnitState.DELETED:
        raise Conflict(obstacle)
    if request.endpoint != "home.index":
        flash_success(obstacle, kind="warn")
    return redirect(url_for("units.edit", unit_id=own.id))
