"""Read-only reports, one a file (domain.md §11), and the lists that can be exported. Nothing here writes."""

from __future__ import annotations

from service.domain.accounts.roles import Role
from service.errors import NotFound
from service.models.tables.user import User
from service.reports import (
    annual_classes,
    certificate_ledger,
    class_papers,
    class_trainees,
    due_persons,
    due_training,
    expiry_warnings,
    pending_work,
    print_register,
    reissue_register,
    renewal_trainees,
    unit_summary,
)
from service.reports.framework.report import Report
from service.reports.lists import (
    accounts,
    audit_events,
    cases,
    class_enrollments,
    class_worklists,
    notices,
    person_changes,
    plans,
    reminders,
    setting_changes,
    tasks,
    tickets,
    training,
)

REPORTS = (
    due_training.REPORT,
    due_persons.REPORT,
    expiry_warnings.REPORT,
    renewal_trainees.REPORT,
    annual_classes.REPORT,
    class_trainees.REPORT,
    unit_summary.REPORT,
    certificate_ledger.REPORT,
    print_register.REPORT,
    reissue_register.REPORT,
    pending_work.REPORT,
)
LISTS = (
    *training.LISTS,
    certificate_ledger.LIST,
    print_register.LIST,
    *notices.LISTS,
    *person_changes.LISTS,
    *audit_events.LISTS,
    *class_worklists.LISTS,
    *plans.LISTS,
    *tickets.LISTS,
    *class_papers.PAPERS,
    *class_enrollments.LISTS,
    *tasks.LISTS,
    *cases.LISTS,
    *accounts.LISTS,
    *setting_changes.LISTS,
    *reminders.LISTS,
)


def reports_for(user: User) -> list[Report]:
    """The reports of the reader's role, in the order of the menu."""
    return [report for report in REPORTS if Role(user.role) in report.roles]


def may_take_out(name: str, role: Role) -> bool:
    """Whether the role may export the report or list with this name."""
    return any(report.name == name and role in report.roles for report in (*REPORTS, *LISTS))


def find_report(user: User, name: str) -> Report:
    """The report with this name; raises NotFound if there is none, or not for this role (R70)."""
    return _find(user, name, REPORTS)


def find_export(user: User, name: str) -> Report:
    """The report or list with this name, to be exported; raises NotFound likewise."""
    return _find(user, name, (*REPORTS, *LISTS))


def _find(user: User, name: str, among: tuple[Report, ...]) -> Report:
    found = next((report for report in among if report.name == name), None)
    if found is None or Role(user.role) not in found.roles:
        raise NotFound
    return found
