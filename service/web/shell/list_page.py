"""Pages of lists: one view helper and one template for what ``service.reports`` declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from flask import render_template, request
from flask_login import current_user

from service.errors import Message
from service.infrastructure.translation import translate
from service.models.queries.report_filter import ReportFilter
from service.reports import get_report, read_list
from service.reports.framework.report import Report, parse_filter
from service.web.presenters import filter_bar
from service.web.presenters.formatting import thousands
from service.web.shell import query_params
from service.workflow.accounts.saved_views import views_of
from service.workflow.runtime.auditor_looks import record_look

LIST = "pages/layout/list.html"
MAX_COUNTED_VIEW = 999
MAX_COUNTED = 100_000  # rows of a narrowed list


def render_list(
    name: str, endpoint: str, template: str = LIST, fixed: Mapping[str, str] | None = None, **more: Any
) -> str:
    """Render the list ``name``, whose page is ``endpoint``, narrowed as the address says.

    Args:
        template: extends ``LIST`` and adds the cells of a row and what can be done.
        fixed: filters that stand in the path instead of the query.
        more: what else the template shows.
    """
    report, chosen, table = read_list(name, current_user, {**request.args.to_dict(), **(fixed or {})})
    if narrowing := filter_bar.narrowing(report, chosen):
        values = chosen.arguments()
        asked = {"list": name, "filter": {field: values[field] for field in narrowing}}
        record_look(current_user, "search_list", "list", detail=asked)
    page = table.rows_page(query_params.cursor())
    frame = list_frame(report, chosen, endpoint)
    if frame["is_filtered"] and frame["total"]:  # the total is that of what was asked for
        is_all = page.before is None and page.after is None
        frame["total"] = _total(report, {"total": len(page.rows) if is_all else table.count(MAX_COUNTED)})
    return render_template(template, **frame, page=page, **more)


class SavedViewChip(NamedTuple):
    """A saved view as the reader has it. number: how many rows it has now, in words; params: of its address."""

    id: UUID
    name: str
    params: dict[str, str]
    number: str
    is_on: bool
    is_own: bool


def saved_views(report: Report, chosen: ReportFilter) -> list[SavedViewChip]:
    """Build the chips of the saved views; each is read by the declared filters in the reader's own scope."""
    found = []
    for view in views_of(current_user, report.name):
        asked = parse_filter(report, current_user, view.arguments)
        count = report.read(current_user, asked).count(MAX_COUNTED_VIEW + 1)
        number = thousands(count) if count <= MAX_COUNTED_VIEW else f"{thousands(MAX_COUNTED_VIEW)}+"
        is_own = view.user_id == current_user.id
        found.append(SavedViewChip(view.id, view.name, asked.arguments(), number, asked == chosen, is_own))
    return found


def list_frame(report: Report, chosen: ReportFilter, endpoint: str) -> dict[str, Any]:
    """Build what stands around the rows: filter bar, chips, counts, and whether the list is narrowed."""
    counts = report.page.counts(current_user, chosen) if report.page and report.page.counts else {}
    narrowing = filter_bar.narrowing(report, chosen)
    return {
        "report": report,
        "heading": translate(report.title),
        "chosen": chosen,
        "counts": counts,
        "total": _total(report, counts),
        "controls": filter_bar.controls(report, current_user, chosen),
        "chip_rows": filter_bar.chip_rows(report, current_user, chosen, counts),
        "is_filtered": bool(narrowing),
        "is_narrowed": bool(narrowing or query_params.cursor()),
        "endpoint": endpoint,
        "saved": saved_views(report, chosen) if report.page and not request.view_args else [],
        "views": {name: value for name, value in chosen.arguments().items() if name not in narrowing},
    }


def _total(report: Report, counts: Mapping[str, int]) -> str:
    """Say how many there are in all; '' where the page does not."""
    sentence = report.page.total if report.page else ""
    return translate(Message(sentence, n=thousands(counts["total"]))) if sentence else ""


def read_filter(name: str) -> ReportFilter:
    """Read from the address what the list ``name`` is narrowed to."""
    return parse_filter(get_report(name), current_user, request.args)
