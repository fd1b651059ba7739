"""The enrolments of one class to export, as far as the reader sees them (S107, S118)."""

from __future__ import annotations

from dataclasses import replace

from service.errors import N_, NotFound
from service.models.tables.training import Enrollment
from service.models.tables.user import User
from service.reports.framework.report import BUSINESS, Report, ReportFilter
from service.reports.framework.table import PagedTable
from service.reports.lists.training import read_enrollments


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """Everybody enrolled who is in scope, whatever came of it."""
    if chosen.class_id is None:
        raise NotFound
    all_of_them = read_enrollments(user, chosen)
    return replace(all_of_them, query=all_of_them.query.where(Enrollment.class_id == chosen.class_id))


LISTS = (Report("class-enrollments", N_("报名人员"), BUSINESS, read, filters=("class_id",), sign="people"),)
