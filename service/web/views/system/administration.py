"""Pages of the system administrator beside accounts and settings: the dictionary of provinces, and backups."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from service.domain.accounts.permissions import Action
from service.models.queries.system.backup import last_backup
from service.models.queries.units import province_list
from service.web.shell.authorization import requires_permission

bp = Blueprint("administration", __name__)


@bp.get("/settings/provinces")
@requires_permission(Action.CHANGE_SETTINGS)
def provinces() -> ResponseReturnValue:
    """Codes and names as GB/T 2260 has them, and which authority has no account yet (S35)."""
    return render_template("pages/administration/provinces.html", rows=province_list.provinces())


@bp.get("/backup")
@requires_permission(Action.BACK_UP)
def backup() -> ResponseReturnValue:
    """Show the commands of a backup, and the last one."""
    return render_template("pages/administration/backup.html", last=last_backup())
