"""A unit's own data come first (R3, S30): until its record is complete its users are led there and nowhere else."""

from __future__ import annotations

from flask import Flask, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.units.units import UnitState, obstacle_to_work
from service.errors import Conflict
from service.web.shell.form_errors import flash_success

OPEN_BEFORE_RECORD = {Action.MODIFY_UNIT, Action.VIEW_UNITS, Action.CHANGE_PASSWORD}


def register(app: Flask) -> None:
    """Look at every request before its view."""
    app.before_request(check)


def check() -> ResponseReturnValue | None:
    """Lead to the record; what is not a page to be read is refused with the reason."""
    view = current_app.view_functions.get(str(request.endpoint))
    actions = getattr(view, "access", None)
    if actions is None or hasattr(view, "before_password") or not current_user.is_authenticated:
        return None
    own = current_user.organisation
    if not own.is_unit or current_user.must_change or (actions and OPEN_BEFORE_RECORD.issuperset(actions)):
        return None
    obstacle = obstacle_to_work(Role(current_user.role), UnitState(own.state), Action.VIEW_PERSONS)
    if obstacle is None:
        return None
    if request.method != "GET" or own.state == UnitState.DELETED:
        raise Conflict(obstacle)
    if request.endpoint != "home.index":
        flash_success(obstacle, kind="warn")
    return redirect(url_for("units.edit", unit_id=own.id))
