"""Reports: the menu of the reader, and the rows of one:
the same numbers from the same query as on the page (domain.md §11).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from service.api.v1.blueprint import Blueprint, requires_permission, user
from service.api.v1.schemas import reports as schemas
from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.errors import N_, InvalidInput, Message
from service.infrastructure.translation import translate
from service.reports import find_report, reports_for
from service.reports.framework.report import (
    CellType,
    Column,
    Ratio,
    Report,
    Row,
    parse_filter,
)

blp = Blueprint("v1_reports", __name__, description="报表 / Reports")
READERS = [Action.VIEW_REPORTS, Action.VIEW_TRAINING_NEED, Action.VIEW_CERTIFICATES]
NO_FILTER = N_("这张报表没有这个条件，可用的见 GET /reports。")
NO_OPTION = N_("须为 GET /reports 列出的值之一。")


@blp.get("/reports")
@requires_permission(*READERS)
@blp.response(200, schemas.Reports)
def list_reports() -> Any:
    """报表目录 / The reports of one's role"""
    return {"items": [_entry(report) for report in reports_for(Role(user().role))]}


@blp.get("/reports/<name>")
@requires_permission(*READERS)
@blp.arguments(schemas.ReportQuery, location="query")
@blp.response(200, schemas.ReportPage)
def show_report(wanted: dict[str, Any], name: str) -> Any:
    """报表 / The rows of one report"""
    report = find_report(user(), name)
    cursor = wanted.pop("cursor", None)
    chosen = parse_filter(report, user(), _given(report, wanted))
    table = report.read(user(), chosen)
    page = table.page(cursor or None)
    return {
        "name": report.name,
        "title": _word(report.title),
        "chosen": chosen.arguments(),
        "columns": [{"key": c.key, "title": _word(c.word), "kind": c.kind} for c in table.columns],
        "items": [_row(table.columns, row) for row in page.rows],
        "totals": _row(table.columns, table.totals()),
        "next": page.after,
        "previous": page.before,
    }


def _entry(report: Report) -> dict[str, Any]:
    options = [
        {"name": name, "values": [str(option) for option in report.options.get(name, ())]}
        for name in report.filter_names
    ]
    return {"name": report.name, "title": _word(report.title), "note": _word(report.note), "filters": options}


def _given(report: Report, wanted: dict[str, Any]) -> dict[str, str]:
    """The filters as an address of the page has them. Raises InvalidInput for one that the report does not know."""
    wrong = {name: NO_FILTER for name in wanted if name not in report.filter_names}
    for name, value in wanted.items():
        coded = report.options.get(name)
        if coded is not None and value not in {str(option) for option in coded}:
            wrong[name] = NO_OPTION
    if wrong:
        raise InvalidInput(wrong)
    return {name: "" if name == "year" and not value else str(value) for name, value in wanted.items()}


def _row(columns: tuple[Column, ...], row: Row) -> dict[str, Any]:
    """The cells of the columns by their kinds, and the ids and numbers that stand beside them."""
    kinds = {column.key: column.kind for column in columns}
    return {key: _plain(kinds.get(key), value) for key, value in row.items()}


def _plain(kind: CellType | None, value: Any) -> Any:
    if kind is CellType.LABEL and value:
        return translate(value) if isinstance(value, Message) else _word(str(value))
    if kind is CellType.SCORE and isinstance(value, int):
        return value // 10 if value % 10 == 0 else value / 10
    match value:
        case Ratio():
            return {"part": value.part, "whole": value.whole}
        case Message():
            return translate(value)
        case date() | datetime():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
        case UUID():
            return str(value)
    return str(value)


def _word(text: str) -> str:
    return translate(Message(text)) if text else ""
