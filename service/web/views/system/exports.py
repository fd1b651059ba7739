"""Exports: the button of every list, the progress of a large one, the file.

What is written and logged: workflow.exports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext
from flask_login import current_user

from service.errors import N_, Conflict
from service.infrastructure.translation import translate
from service.infrastructure.xlsx import XLSX, Sheet
from service.models.db.clock import CHINA
from service.models.tables.accounts.user import User
from service.models.tables.system.export import CASE_FILES, ExportLog
from service.reports import LISTS, REPORTS, find_export
from service.reports.framework.report import Report, Row, Table
from service.web.presenters import report_cells
from service.web.presenters.formatting import language
from service.web.shell.authorization import login_required
from service.web.shell.downloads import streamed
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.web.views.accounts.session import source
from service.workflow.runtime import jobs
from service.workflow.system import exports

bp = Blueprint("exports", __name__)

MEDIA = {"xlsx": XLSX, "zip": "application/zip"}
"""The media type of a file by the ending of its name."""


@bp.get("/exports")
@login_required
def index() -> ResponseReturnValue:
    """The reader's own exports, with the files that are still kept."""
    rows = ExportLog.recent(current_user.id)
    return render_template("pages/exports/index.html", rows=[(row, _title(row)) for row in rows])


@bp.get("/exports/new/<name>")
@login_required
def new(name: str) -> ResponseReturnValue:
    """Masked or not, and what for."""
    report = find_export(current_user, name)
    total = exports.count_rows(report, current_user, _given())
    may_reveal = exports.has_personal(report, current_user, _given())
    return render_template(
        "pages/exports/new.html", report=report, total=total, most=exports.MAX_EXPORT_ROWS, may_reveal=may_reveal
    )


@bp.post("/exports/new/<name>")
@login_required
@rerender_on_error(new, Conflict)
def create(name: str) -> ResponseReturnValue:
    """Export what the address is narrowed to: the file itself, or for a large one the page of its progress."""
    row = exports.begin(
        current_user,
        name,
        _given(),
        purpose=request.form.get("purpose", ""),
        unmasked=request.form.get("numbers") == "whole",
        language=language(),
        source=source(),
    )
    if exports.write_if_small(row):
        return redirect(url_for(".file", export_id=row.id), 303)
    return redirect(url_for(".show", export_id=row.id))


@bp.get("/exports/<uuid:export_id>")
@login_required
def show(export_id: UUID) -> ResponseReturnValue:
    """Show the progress; the page asks again until the file is there."""
    row = exports.find(current_user, export_id)
    part = "pages/exports/progress.html" if "HX-Request" in request.headers else "pages/exports/show.html"
    return render_template(part, row=row, title=_title(row))


@bp.post("/exports/<uuid:export_id>/stop")
@login_required
@rerender_on_error(show, Conflict)
def stop(export_id: UUID) -> ResponseReturnValue:
    """Give up one that still runs."""
    exports.stop(current_user, export_id)
    flash_success(N_("导出已取消。"))
    return redirect(url_for(".index"))


@bp.get("/exports/<uuid:export_id>/file")
@login_required
def file(export_id: UUID) -> ResponseReturnValue:
    row = exports.find(current_user, export_id)
    size, pieces = exports.read_file(row)
    name = f"{_title(row)}-{row.at.astimezone(CHINA):%Y%m%d-%H%M}.{row.ending}"
    disposition = f"attachment; filename={row.id}.{row.ending}; filename*=UTF-8''{quote(name)}"
    return streamed(pieces, size, MEDIA[row.ending], disposition)


def write(row: ExportLog, user: User, progress: exports.Progress, path: Path) -> None:
    """The file of a list or report, a sheet for each of its tables, in the language of who asked for it."""
    with force_locale(row.language):
        tables = exports.sheets(row, user, progress)
        report, table, batches = next(tables)
        heads = report_cells.heads(table.columns)
        with Sheet(path, translate(report.title), _facts(row, report, user), heads) as sheet:
            _fill(sheet, table, batches)
            for part, table, batches in tables:
                sheet.turn(translate(part.title), report_cells.heads(table.columns))
                _fill(sheet, table, batches)


def _fill(sheet: Sheet, table: Table, batches: Iterator[list[Row]]) -> None:
    for rows in batches:
        sheet.add(report_cells.sheet_rows(table.columns, rows))
    if sums := _sums(table):
        sheet.add(report_cells.sheet_rows(table.columns, [sums]), is_sum=True)


def _facts(row: ExportLog, report: Report, user: User) -> Iterable[str]:
    """Below the title: when, by whom, what it was narrowed to, what for."""
    yield gettext(
        "%(at)s 由 %(who)s（%(organisation)s）导出，%(n)s 行",
        at=f"{row.at.astimezone(CHINA):%Y-%m-%d %H:%M}",
        who=user.display_name,
        organisation=translate(user.organisation.name),
        n=row.total,
    )
    if not row.masked:
        yield gettext("含完整个人号码，用途：%(purpose)s。用后请及时销毁。", purpose=row.purpose)
    if report.note:
        yield translate(report.note)


def _sums(table: Any) -> Row | None:
    """The row of sums, for tables that have one."""
    keys = getattr(table, "sums", ())
    if not any(column.key in keys for column in table.columns):
        return None
    return {**table.totals(), table.columns[0].key: translate(N_("合计"))}


@bp.app_template_global()
def may_export(name: str) -> bool:
    """Tell if the user's role may export this list."""
    return any(r.name == name and r.roles >= {current_user.role} for r in (*REPORTS, *LISTS))


@bp.app_template_global()
def may_reveal(name: str, chosen: Mapping[str, str]) -> bool:
    """Tell if the user may ask for whole numbers, and the narrowed list has any."""
    return may_export(name) and exports.has_personal(find_export(current_user, name), current_user, chosen)


def _title(row: ExportLog) -> str:
    known = {CASE_FILES: N_("案卷档案和证据")} | {report.name: report.title for report in (*REPORTS, *LISTS)}
    return translate(known.get(row.name, row.name))


def _given() -> dict[str, str]:
    return request.args.to_dict()


jobs.SIDE_EFFECTS |= {
    exports.EFFECT: lambda payload, lease: exports.write(UUID(payload["export_id"]), write, lease),
    exports.REMOVAL: lambda payload, _lease: exports.remove(UUID(payload["export_id"])),
}
