"""Ways and times of many cases of a process: elements with counts, waits, deadlines and rework, and all variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from service import engine
from service.domain.accounts.permissions import Action
from service.domain.system.mend_kind import MendKind
from service.errors import N_, Message
from service.evidence.event_log.process_map import ProcessMap, process_map
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime import case_list, mining
from service.models.tables.accounts.user import User
from service.models.tables.runtime.process import DefinitionFile, DefinitionVersion
from service.reports.framework.filters import Control, FilterField, lookup, search
from service.reports.framework.list_page import ListPage
from service.reports.framework.report import CellType, Column, Ratio, Report, Row, roles_that_may
from service.reports.framework.table import WholeTable

COLUMNS = (
    Column("element", N_("环节编号"), CellType.CODE),
    Column("name", N_("环节"), CellType.LABEL),
    Column("passes", N_("经过次数"), CellType.NUMBER),
    Column("cases", N_("经过的案卷"), CellType.NUMBER),
    Column("rework", N_("重复经过的案卷"), CellType.NUMBER),
    Column("open", N_("在办"), CellType.NUMBER),
    Column("waiting", N_("等待，中位数")),
    Column("waiting_p90", N_("等待，九成以内")),
    Column("working", N_("办理，中位数")),
    Column("working_p90", N_("办理，九成以内")),
    Column("late", N_("逾期"), CellType.NUMBER),
    Column("due", N_("有期限的"), CellType.NUMBER),
    Column("part", N_("占全部用时"), CellType.RATIO),
)


DEVIATIONS = {kind: kind.label for kind in MendKind if kind != MendKind.RESUME} | {"undo": N_("撤回")}
"""Inputs by which a case leaves the way of its diagram, with their words."""
INCIDENT = N_("故障")


@dataclass(frozen=True, slots=True)
class Deviation:
    """Cases that did not go as their diagram says by themselves. times: how often; example: one of them."""

    word: str
    cases: int
    times: int
    example: str


class MiningTable(WholeTable):
    """The elements as rows, those that took most of the time first, with the map that they come from.

    digest: of the version on whose diagram the map is drawn; times: of whole cases; deviations: of each kind, the last
    without a word of all.
    """

    def __init__(
        self, found: ProcessMap, rows: list[Row], digest: str, times: Any, deviations: list[Deviation]
    ) -> None:
        super().__init__(COLUMNS, rows)
        self.map, self.digest, self.times = found, digest, times
        *self.deviations, every = deviations
        self.deviating = every.cases

    @property
    def fitting(self) -> Ratio:
        """The share of cases that went as their diagram says."""
        return Ratio(self.times.cases - self.deviating, self.times.cases)


def read(user: User, chosen: ReportFilter) -> MiningTable:
    """Read one process, by default the first of all; of one version or of all, drawn on that in force."""
    digest = chosen.definition or _in_force(chosen.process)
    names = elements_of(digest)
    cases = case_list.cases_query(user, chosen)
    found = process_map(mining.ways(cases), lambda element: not names.get(element, ("", ""))[1].endswith("Gateway"))
    tasks = {row.element: row for row in mining.task_times(cases)}
    whole = round(sum(row.total for row in tasks.values()))
    rows = [
        _cells(element, names, found, tasks.get(element), whole)
        for element in sorted({*found.passes, *tasks})
        if not names.get(element, ("", ""))[1].endswith("Gateway")
    ]
    rows.sort(key=lambda row: (-row["seconds"], -row["passes"], row["element"]))
    return MiningTable(found, rows, digest, mining.case_times(cases), _deviations(cases))


def _deviations(cases: Any) -> list[Deviation]:
    words = {**DEVIATIONS, "incident": INCIDENT}
    return [
        Deviation(words.get(kind, ""), count, times, example or "")
        for kind, count, times, example in mining.deviations(cases, list(DEVIATIONS))
    ]


def _cells(element: str, names: Mapping[str, tuple[str, str]], found: ProcessMap, times: Any, whole: int) -> Row:
    own: Row = {
        "element": element,
        "name": names.get(element, ("", ""))[0] or (times.name if times else element),
        "passes": found.passes[element],
        "cases": found.cases_at[element],
        "rework": found.rework[element],
        "seconds": 0,
    }
    own |= dict.fromkeys(("open", "waiting", "waiting_p90", "working", "working_p90", "late", "due", "part"))
    if times is None:
        return own
    for name, values in (("waiting", times.waiting), ("working", times.working)):
        own[name], own[f"{name}_p90"] = map(duration, values or (None, None))
    own |= {"late": times.late, "due": times.due, "open": times.open, "seconds": round(times.total)}
    return own | {"part": Ratio(own["seconds"], whole)}


def duration(seconds: float | None) -> Message | str:
    """A length of time in minutes, hours or days."""
    if seconds is None:
        return ""
    minutes = seconds / 60
    if minutes < 60:
        return Message(N_("%(n)s 分钟"), n=f"{minutes:.0f}")
    if minutes < 48 * 60:
        return Message(N_("%(n)s 小时"), n=f"{minutes / 60:.1f}")
    return Message(N_("%(n)s 天"), n=f"{minutes / 1440:.1f}")


def _in_force(process: str) -> str:
    query = select(DefinitionVersion.digest).where(DefinitionVersion.key == process, DefinitionVersion.current)
    return session().scalar(query) or ""


@lru_cache(maxsize=256)
def elements_of(digest: str) -> dict[str, tuple[str, str]]:
    """Name and BPMN type of each element of a version, by id."""
    files = {
        name: bytes(content)
        for name, content in session().execute(
            select(DefinitionFile.name, DefinitionFile.content).where(DefinitionFile.definition == digest)
        )
    }
    if not files:
        return {}
    key = session().scalar(select(DefinitionVersion.key).where(DefinitionVersion.digest == digest))
    read_elements = engine.read_definition(files, key, validate=False).elements
    return {element.id: (element.name, element.type) for element in read_elements.values()}


def _first_process(_user: User) -> Mapping[str, str]:
    return {"process": next((key for key, _name in case_list.processes()), "")}


LISTS = (
    Report(
        "process-mining",
        N_("流程分析"),
        roles_that_may(Action.READ_AUDIT, Action.EDIT_PROCESSES),
        read,
        filters=(
            lookup("process", lambda _user: case_list.processes(), "", N_("所属流程"), least=1),
            lookup("definition", lambda _user: case_list.versions(), N_("全部版本"), N_("流程版本")),
            search(N_("班次、证书或案卷编号"), N_("编号"), "number"),
            search(N_("单位"), N_("单位")),
            FilterField("since", Control.DAY, N_("从")),
            FilterField("until", Control.DAY, N_("至")),
        ),
        defaults=_first_process,
        page=ListPage(N_("没有符合条件的案卷"), region=N_("各环节，可左右滚动")),
        sign="flow",
        is_plain=True,
    ),
)
