"""Changes of settings, to export: an administrator sees those of the settings of the own role."""

from __future__ import annotations

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.system.settings import SETTINGS
from service.errors import N_
from service.models.queries.report_filter import ReportFilter
from service.models.queries.system import setting_history
from service.models.tables.accounts.user import User
from service.reports.framework.report import CellType, Column, Report, roles_that_may
from service.reports.framework.table import WholeTable

MAX_ROWS = 50_001  # one more than an export may have (R71)
COLUMNS = (
    Column("at", N_("时间"), CellType.INSTANT),
    Column("setting", N_("设置"), CellType.LABEL),
    Column("before", N_("原值")),
    Column("after", N_("新值")),
    Column("actor", N_("修改人")),
)


def read(user: User, _chosen: ReportFilter) -> WholeTable:
    """Read all changes, newest first."""
    keys = [key for key, one in SETTINGS.items() if may(Role(user.role), one.action)]
    rows = [
        {
            "at": change.at,
            "setting": SETTINGS[change.key].label,
            "before": change.before,
            "after": change.after,
            "actor": change.actor,
        }
        for change in setting_history.changes(keys, MAX_ROWS)
    ]
    return WholeTable(COLUMNS, rows)


LISTS = (
    Report(
        "setting-changes",
        N_("设置修改记录"),
        roles_that_may(Action.CHANGE_SETTINGS, Action.CHANGE_POLICY),
        read,
        sign="gear",
        is_plain=True,
    ),
)
