"""The enrolments of one class to export, as far as the reader sees them (S107, S118)."""

from __future__ import annotations

from service.errors import N_, NotFound
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports.framework.filters import hidden
from service.reports.framework.report import BUSINESS, Report
from service.reports.framework.table import PagedTable
from service.reports.lists.training import read_enrollments


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """Read all enrolments of the class that are in scope, in every state."""
    if chosen.class_id is None:
        raise NotFound
    return read_enrollments(user, chosen)


LISTS = (Report("class-enrollments", N_("报名人员"), BUSINESS, read, filters=(hidden("class_id"),), sign="people"),)
