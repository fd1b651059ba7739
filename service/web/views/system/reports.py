"""Reports: the menu, one report with its filters, picture and totals, and the same on paper."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.errors import NotFound
from service.infrastructure.translation import translate
from service.models.queries.report_filter import ReportFilter
from service.models.queries.training import class_list
from service.reports import class_papers, find_export, find_report, reports_for, training_record
from service.reports.framework.report import Column, Report, Row, parse_filter
from service.web.presenters import filter_bar, report_cells
from service.web.shell import query_params
from service.web.shell.authorization import login_required, requires_permission
from service.web.shell.navigation import has_permission

bp = Blueprint("reports", __name__)
bp.add_app_template_global(report_cells.read, "cell")

MAX_PRINTED_ROWS = 2000
READERS = (Action.VIEW_REPORTS, Action.VIEW_TRAINING_NEED, Action.VIEW_CERTIFICATES)


@bp.get("/reports")
@requires_permission(*READERS)
def index() -> ResponseReturnValue:
    return render_template("pages/reports/index.html", reports=reports_for(Role(current_user.role)))


@bp.get("/reports/<name>")
@login_required
def show(name: str) -> ResponseReturnValue:
    report = find_report(current_user, name)
    chosen = parse_filter(report, current_user, request.args)
    table = report.read(current_user, chosen)
    return render_template(
        "pages/reports/show.html",
        report=report,
        chosen=chosen,
        table=table,
        page=table.page(query_params.cursor()),
        totals=table.totals(),
        groups=report.groups(table),
        chart=report.chart(current_user, chosen, table),
        controls=filter_bar.controls(report, current_user, chosen),
        cell_link=cell_link,
        sums=getattr(table, "sums", ()),
    )


@bp.get("/reports/<name>/print")
@login_required
def paper(name: str) -> ResponseReturnValue:
    """The whole report as a page to print, without the screen around it."""
    report = find_report(current_user, name)
    chosen = parse_filter(report, current_user, request.args)
    return _paper(report, chosen, translate(report.title))


@bp.get("/classes/<uuid:class_id>/papers/<name>")
@login_required
def class_paper(class_id: UUID, name: str) -> ResponseReturnValue:
    """名册, 签到表 or 成绩单 of one class."""
    if name not in [p.name for p in class_papers.PAPERS]:
        raise NotFound
    report = find_export(current_user, name)
    found = class_list.visible_class(current_user, class_id)
    return _paper(report, ReportFilter(class_id=class_id), f"{found.title} {translate(report.title)}", found)


@bp.get("/persons/<uuid:person_id>/record")
@login_required
def record(person_id: UUID) -> ResponseReturnValue:
    """人员培训档案: everything about one person's trainings, to print or to hand to the person."""
    return render_template("pages/reports/record.html", record=training_record.read(current_user, person_id))


def _paper(report: Report, chosen: ReportFilter, title: str, training_class: Any = None) -> ResponseReturnValue:
    table = report.read(current_user, chosen)
    rows: list[Any] = []
    for batch in table.batches():
        rows += batch
        if len(rows) > MAX_PRINTED_ROWS:
            break
    return render_template(
        "pages/reports/paper.html",
        report=report,
        chosen=chosen,
        table=table,
        rows=rows[:MAX_PRINTED_ROWS],
        title=title,
        totals=table.totals(),
        is_cut=len(rows) > MAX_PRINTED_ROWS,
        groups=report.groups(table),
        training_class=training_class,
        sums=getattr(table, "sums", ()),
        narrowed_to=filter_bar.labels(report, current_user, chosen),
    )


CELL_PAGES = {
    "name": ("persons.show", "person_id", Action.VIEW_PERSONS),
    "class_title": ("classes.show", "class_id", Action.VIEW_CLASSES),
    "number": ("certificates.show", "certificate_id", Action.VIEW_CERTIFICATES),
    "unit_name": ("units.show", "unit_id", Action.VIEW_UNITS),
}


def cell_link(column: Column, row: Row, chosen: ReportFilter) -> str | None:
    """Return the address a cell links to: the persons a figure counts, the page of its subject, or the way to enrol."""
    if column.leads_to and row.get(column.key):
        return url_for(".show", name="due-persons", **_drill_down(column, row, chosen))
    if column.key in CELL_PAGES:
        endpoint, key, action = CELL_PAGES[column.key]
        return url_for(endpoint, **{key: row[key]}) if row.get(key) and has_permission(action) else None
    if row.get("state_code") == "waiting" and column.key == "state" and has_permission(Action.ENROLL):
        return url_for("worklists.offers", kind=row["kind_code"])
    if "task_kind" in row and column.key == "task":
        return url_for("inbox.index", kind=row["task_kind"])
    return None


def _drill_down(column: Column, row: Row, chosen: ReportFilter) -> dict[str, Any]:
    """Return the filter of the list of persons that a figure counts."""
    where = {"unit": row.get("unit_id"), "province": row.get("authority_id"), "kind": row.get("kind_code")}
    narrowed = chosen.arguments() | {name: str(value) for name, value in where.items() if value} | dict(column.leads_to)
    narrowed.pop("by", None)
    return narrowed
