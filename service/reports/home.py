"""The panels of the first page, from the reports themselves, so that they show the same figures (S85, S100, S122)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.domain.accounts.roles import Role
from service.domain.certificates.certificates import WarningBand
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports import due_training, expiry_warnings, monthly_trainees, unit_summary
from service.reports.framework.chart import Chart
from service.reports.framework.report import Row

NEAREST_ROWS = 5


@dataclass(frozen=True, slots=True)
class Panels:
    """Panels of the first page beside the tasks. bands: counts of the warning bands;
    nearest: the first certificates of them.

    A panel that is not for the role is empty.
    """

    bands: list[tuple[WarningBand, int]]
    nearest: list[Row]
    units: Row
    charts: list[tuple[str, Chart]]


def panels(user: User) -> Panels:
    """The panels of a reader's first page; five queries at most."""
    role = Role(user.role)
    charts: list[tuple[str, Chart]] = []
    if role in due_training.REPORT.roles:
        chosen = ReportFilter(by=due_training.By.KIND)
        charts.append(("due-training", due_training.chart(user, chosen, due_training.read(user, chosen))))
    if role in unit_summary.REPORT.roles or role == Role.TRAINING_INSTITUTION:
        charts.append(("annual-classes" if role in unit_summary.REPORT.roles else "", monthly_trainees.chart(user)))
    bands, nearest = _warnings(user) if role in expiry_warnings.REPORT.roles else ([], [])
    units = unit_summary.read(user, ReportFilter()).totals() if role in expiry_warnings.REPORT.roles else {}
    return Panels(bands, nearest, units, charts)


def _warnings(user: User) -> tuple[list[tuple[WarningBand, int]], list[Any]]:
    table = expiry_warnings.read(user, ReportFilter())
    sums = table.totals()
    bands = [(band, sums[key]) for band, key in expiry_warnings.SUMS.items()]
    return bands, table.page(None, NEAREST_ROWS).rows
