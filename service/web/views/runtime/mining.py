"""流程分析: ways and times of many cases, for auditors and process administrators; each look leaves an event."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.errors import Message
from service.infrastructure.translation import translate
from service.reports import read_list
from service.reports.lists.process_mining import MiningTable, duration, elements_of
from service.web.presenters.formatting import thousands
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.list_page import list_frame
from service.web.views.runtime.processes import drawn_names, heat
from service.workflow.runtime.auditor_looks import record_look

bp = Blueprint("mining", __name__)

VARIANTS_SHOWN = 20


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
    )


def _pin(passes: int, waiting: Message | str | None) -> str:
    """The text at an element: how often, and how long it waited."""
    return f"{thousands(passes)} · {translate(waiting)}" if waiting else thousands(passes)
