"""流程分析: ways and times of many cases, for auditors and process administrators; each look leaves an event."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Blueprint, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.errors import Conflict, Message
from service.infrastructure.translation import translate
from service.reports import get_report, read_list
from service.reports.framework.report import parse_filter
from service.reports.lists.process_mining import MiningTable, duration, elements_of
from service.web.presenters.formatting import thousands
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import rerender_on_error
from service.web.shell.list_page import list_frame
from service.web.views.runtime.processes import drawn_names, heat
from service.workflow.runtime.auditor_looks import record_look
from service.workflow.system.event_logs import write_mined_log

bp = Blueprint("mining", __name__)

VARIANTS_SHOWN = 20
LOGS = {
    "ocel-json": ("OCEL 2.0 JSON", ".json", "application/json"),
    "ocel-sqlite": ("OCEL 2.0 SQLite", ".sqlite", "application/vnd.sqlite3"),
    "xes": ("XES", ".xes", "application/xml"),
    "csv": ("CSV", ".csv", "text/csv"),
}
"""Title, ending and media type of each format of an event log, by its name."""


@bp.get("/mining")
@requires_permission(Action.READ_AUDIT, Action.EDIT_PROCESSES)
def index() -> ResponseReturnValue:
    report, chosen, table = read_list("process-mining", current_user, request.args.to_dict())
    assert isinstance(table, MiningTable)
    record_look(current_user, "mine_cases", "list", detail={"filter": chosen.arguments()})
    passes = {row["element"]: row["passes"] for row in table.rows if row["passes"]}
    pins = {row["element"]: _pin(row["passes"], row["waiting"]) for row in table.rows if row["passes"]}
    return render_template(
        "pages/audit/mining.html",
        **list_frame(report, chosen, "mining.index"),
        page=table.rows_page(query_params.cursor()),
        found=table,
        pins=pins,
        heat=heat(passes),
        names=elements_of(table.digest),
        drawn=drawn_names(table.digest) if table.digest else {},
        variants=table.map.variants[:VARIANTS_SHOWN],
        duration=duration,
        logs={name: title for name, (title, _ending, _media) in LOGS.items()},
    )


@bp.post("/mining/log/<name>")
@requires_permission(Action.READ_AUDIT, Action.EDIT_PROCESSES)
@rerender_on_error(lambda name: index(), Conflict)
def log(name: str) -> ResponseReturnValue:
    """The event log of the cases that the address is narrowed to, under pseudonyms."""
    chosen = parse_filter(get_report("process-mining"), current_user, request.args.to_dict())
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "log"
        write_mined_log(current_user, made, name, chosen)
        content = made.open("rb")  # it stays readable when its name is gone
    _title, ending, media = LOGS[name]
    return send_file(content, media, as_attachment=True, download_name=f"event-log{ending}")


def _pin(passes: int, waiting: Message | str | None) -> str:
    """The text at an element: how often, and how long it waited."""
    return f"{thousands(passes)} · {translate(waiting)}" if waiting else thousands(passes)
