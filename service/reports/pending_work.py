"""业务待办 (S85): what waits for the reader, by kind of task, with the earliest submission and what is late."""

from __future__ import annotations

from service.errors import N_
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime import inbox
from service.models.queries.scope import inbox_addresses
from service.models.tables.accounts.user import User
from service.reports.framework.report import BUSINESS, CellType, Column, Report
from service.reports.framework.table import WholeTable

COLUMNS = (
    Column("task", N_("事项"), CellType.LABEL),
    Column("count", N_("数量"), CellType.NUMBER),
    Column("first", N_("最早提交"), CellType.INSTANT),
    Column("soon", N_("今明到期"), CellType.NUMBER),
    Column("late", N_("已超期"), CellType.NUMBER),
)


def read(user: User, _chosen: ReportFilter) -> WholeTable:
    """Read the counts of the inbox, each kind to 1,000."""
    rows = [
        {"task": k.name, "task_kind": k.kind, "count": k.count, "first": k.first, "soon": k.soon, "late": k.late}
        for k in inbox.counts(inbox_addresses(user))
    ]
    return WholeTable(COLUMNS, rows, ("count", "soon", "late"))


REPORT = Report(name="pending-work", title=N_("业务待办"), roles=BUSINESS, read=read, sign="inbox", position=110)
