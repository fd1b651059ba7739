"""Read-only reports (domain.md §11) and lists, one a module.

They are discovered: a module's ``REPORT`` and ``LISTS``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType
from typing import NamedTuple

from service.domain.accounts.roles import Role
from service.errors import NotFound
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports.framework.report import Report, Table, parse_filter


def _modules() -> Iterator[ModuleType]:
    return (import_module(found.name) for found in walk_packages(__path__, f"{__name__}."))


_MODULES = tuple(_modules())
REPORTS: tuple[Report, ...] = tuple(
    sorted(
        (module.REPORT for module in _MODULES if hasattr(module, "REPORT")),
        key=lambda report: (report.position, report.name),
    )
)
"""The reports in the order of their page."""
LISTS: tuple[Report, ...] = tuple(
    sorted((one for module in _MODULES for one in getattr(module, "LISTS", ())), key=lambda one: str(one.name))
)
_BY_NAME = {report.name: report for report in (*REPORTS, *LISTS)}


class ReportResult(NamedTuple):
    """A report with the filter it was asked for, and its rows."""

    report: Report
    chosen: ReportFilter
    table: Table


def reports_for(role: Role) -> list[Report]:
    """Return the reports of the role, in the order of their page."""
    return [report for report in REPORTS if role in report.roles]


def may_export(name: str, role: Role) -> bool:
    """Say whether the role may export the report or list of this name."""
    return name in _BY_NAME and role in _BY_NAME[name].roles


def get_report(name: str) -> Report:
    """Return the report or list of this name for a page with an access rule of its own; raises KeyError."""
    return _BY_NAME[name]


def find_report(user: User, name: str) -> Report:
    """Return the report of this name; raises NotFound if there is none for the user's role (R70)."""
    report = find_export(user, name)
    if report not in REPORTS:
        raise NotFound
    return report


def find_export(user: User, name: str) -> Report:
    """Return the report or list of this name, to be exported; raises NotFound if there is none for the user's role."""
    if not may_export(name, Role(user.role)):
        raise NotFound
    return _BY_NAME[name]


def read_list(name: str, user: User, params: Mapping[str, str]) -> ReportResult:
    """Read a report or list as pages, exports and REST do; ``params`` are named as in the addresses of pages.

    The rows keep to the user's scope; whether the user may open the list at all is the caller's to check.
    """
    report = get_report(name)
    chosen = parse_filter(report, user, params)
    return ReportResult(report, chosen, report.read(user, chosen))
