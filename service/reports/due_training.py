"""应培训情况统计 (S8, S85, S89, S105): who needs which training, who has had it this year,
by province, unit or kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select, true
from sqlalchemy.orm import aliased

from service.domain.accounts.permissions import Action
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import Need
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.models.db.clock import today
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import is_unscoped, visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.training.training import LIVE_ENROLLMENT, Enrollment, TrainingNeed
from service.models.tables.units.organisation import Organisation
from service.reports.attempts import in_year, number_of
from service.reports.framework import columns
from service.reports.framework.chart import Bar, Chart
from service.reports.framework.filters import PROVINCE, TYPE, UNIT, choice
from service.reports.framework.report import OFFICIAL, UNITS, CellType, Column, Report, Row
from service.reports.framework.table import WholeTable, share

DUE = {"initial": ("initial",), "refresher": ("refresher",), "renewal": ("renewal", "in_progress")}
"""Needs by the kind of class that answers them; who renews after the last day is still due until it is done (R25)."""
OPEN = tuple(need for needs in DUE.values() for need in needs)
COUNTED = ("persons", "holders", "expired", *(f"{how}{kind}" for kind in DUE for how in ("", "live_", "done_")))
Province, Live, Making = aliased(Organisation), aliased(Enrollment), aliased(Certificate)


class By(Labelled):
    """Grouping of the figures."""

    PROVINCE = "province", N_("按省份")
    UNIT = "unit", N_("按单位")
    KIND = "kind", N_("按培训类型")


_FIGURES = (
    Column("persons", N_("在册人员"), CellType.NUMBER),
    Column("holders", N_("持证"), CellType.NUMBER),
    Column("initial", N_("应取证"), CellType.NUMBER, leads_to={"need": "initial"}),
    Column("refresher", N_("应再培训"), CellType.NUMBER, leads_to={"need": "refresher"}),
    Column("renewal", N_("应换证"), CellType.NUMBER, leads_to={"need": "renewal"}),
    Column("expired", N_("已过期待注销"), CellType.NUMBER, leads_to={"need": "expired"}),
    Column("done", N_("本年已完成"), CellType.NUMBER, leads_to={"state": "done"}),
    Column("live", N_("在训"), CellType.NUMBER, leads_to={"state": "live"}),
    Column("rate", N_("完成率"), CellType.RATIO),
)
_OF_KIND = (
    Column("kind", N_("培训类型"), CellType.LABEL),
    Column("due", N_("应培训"), CellType.NUMBER),
    Column("done", N_("本年已完成"), CellType.NUMBER, leads_to={"state": "done"}),
    Column("live", N_("在训"), CellType.NUMBER, leads_to={"state": "live"}),
    Column("waiting", N_("未报名"), CellType.NUMBER, leads_to={"state": "waiting"}),
    Column("rate", N_("完成率"), CellType.RATIO),
)


def read(user: User, chosen: ReportFilter) -> WholeTable:
    """The figures, grouped as chosen."""
    return _by_kind(user, chosen) if chosen.by == By.KIND else _by_place(user, chosen)


def kind_of(need: str) -> str | None:
    """The kind of class that answers a need; None for those that no class answers."""
    return next((kind for kind, needs in DUE.items() if need in needs), None)


def finished(day: date, among: list[UUID] | None = None) -> Any:
    """Persons (``among`` these) who completed a training in the year of a day,
    with its kind: a subquery, one row a person.
    """
    ended = in_year(Enrollment.ended_on, day.year)
    query = select(Enrollment.person_id, func.max(Enrollment.kind).label("kind"))
    query = query.where(Enrollment.state == "completed", ended)
    if among is not None:
        query = query.where(Enrollment.person_id.in_(among))
    return query.group_by(Enrollment.person_id).subquery("finished")


def registered(user: User, chosen: ReportFilter) -> list[Any]:
    """The conditions of who is counted: the approved persons in scope, of the unit, province and type chosen."""
    found: list[Any] = [visible_to(user, TrainingNeed), TrainingNeed.state == "approved"]
    if chosen.province:
        found.append(Organisation.authority_id == chosen.province)
    if chosen.unit:
        found.append(TrainingNeed.unit_id == chosen.unit)
    if chosen.type:
        found.append(TrainingNeed.qualification_type_id == chosen.type)
    return found


def holds() -> Any:
    """Test for a certificate in force; the query joins ``Making``, the one that awaits approval."""
    return and_(TrainingNeed.valid_to >= today(), Making.id.is_(None))


def making() -> Any:
    """Join ``Making`` on the certificate that awaits approval."""
    return and_(Making.id == TrainingNeed.certificate_id, Making.state == "issued")


def _by_place(user: User, chosen: ReportFilter) -> WholeTable:
    by_unit = chosen.by == By.UNIT
    keys: list[Any] = [Organisation.id, Organisation.authority_id] if by_unit else [Organisation.authority_id]
    named = [Organisation.name.label("unit_name"), Organisation.sort_key] if by_unit else []
    sub = _counted(user, chosen, [*keys, *named]).group_by(*keys).subquery()
    query = select(sub, Province.name.label("province")).outerjoin(Province, Province.id == sub.c.authority_id)
    query = query.order_by(Province.code, *([sub.c.sort_key] if by_unit else []))
    names = ("province", "authority_id", *(("unit_name",) if by_unit else ()))
    rows = []
    for row in session().execute(query):
        own = {"unit_id": row.id} if by_unit else {}
        rows.append(columns.plain(row, *names, *COUNTED) | own | _sums(dict(row._mapping)))
    heads = (columns.PROVINCE, columns.UNIT) if by_unit else (columns.PROVINCE,)
    return WholeTable((*heads, *_FIGURES), rows, (*COUNTED, "done", "live"), _rate)


def _by_kind(user: User, chosen: ReportFilter) -> WholeTable:
    row = session().execute(_counted(user, chosen, [])).one()
    return _kinds(dict(row._mapping))


def _kinds(sums: Mapping[str, Any]) -> WholeTable:
    """Turn the sums into a row a kind of training."""
    rows: list[Row] = []
    for kind in TrainingKind:
        due, done, live = (int(sums[key]) for key in (kind.value, f"done_{kind}", f"live_{kind}"))
        own: Row = {"due": due + done, "done": done, "live": live, "waiting": due - live}
        rows.append({"kind": kind.label, "kind_code": kind.value, **own})
    return WholeTable(
        _OF_KIND,
        rows,
        ("due", "done", "live", "waiting"),
        lambda row: {"rate": share("done", "due", begins_open=True)(row)},
    )


def _sums(row: Mapping[str, Any]) -> Row:
    """Completed this year and in training, of whatever kind."""
    return {name: sum(row[f"{name}_{kind}"] for kind in DUE) for name in ("done", "live")}


def _rate(row: Row) -> Row:
    """Completed this year, of those who were or are due this year."""
    due = sum(row[kind] for kind in DUE)
    return {"rate": share("done", "due", begins_open=True)({"done": row["done"], "due": row["done"] + due})}


def _counted(user: User, chosen: ReportFilter, keys: list[Any]) -> Any:
    """The persons counted in every way (COUNTED), after ``keys`` to group by."""
    done, need = finished(today()), TrainingNeed.need
    is_done = and_(done.c.person_id.is_not(None), need.not_in(OPEN))
    counted = {"persons": true(), "holders": holds(), "expired": need == "expired"}
    for kind, needs in DUE.items():
        counted |= {
            kind: need.in_(needs),
            f"live_{kind}": and_(need.in_(needs), Live.id.is_not(None)),
            f"done_{kind}": and_(is_done, done.c.kind == kind),
        }
    return (
        select(*keys, *(number_of(condition).label(name) for name, condition in counted.items()))
        .select_from(TrainingNeed)
        .join(Organisation, Organisation.id == TrainingNeed.unit_id)
        .outerjoin(Live, and_(Live.person_id == TrainingNeed.person_id, Live.state.in_(LIVE_ENROLLMENT)))
        .outerjoin(done, done.c.person_id == TrainingNeed.person_id)
        .outerjoin(Making, making())
        .where(*registered(user, chosen))
    )


def chart(_user: User, chosen: ReportFilter, table: WholeTable) -> Chart:
    """Completed, in training and not enrolled, of each kind; at the ends the share that is completed."""
    kinds = table if chosen.by == By.KIND else _kinds(table.totals())
    bars = tuple(Bar(row["kind"], (row["done"], row["live"], row["waiting"]), str(row["rate"])) for row in kinds.rows)
    return Chart(N_("本年应培训完成情况"), bars, (N_("已完成"), N_("在训"), N_("未报名")), N_("右侧为完成率"))


def _defaults(user: User) -> dict[str, str]:
    return {"by": By.PROVINCE if is_unscoped(user, Action.VIEW_TRAINING_NEED) else By.UNIT}


REPORT = Report(
    name="due-training",
    title=N_("应培训情况统计"),
    roles=OFFICIAL | UNITS,
    read=read,
    chart=chart,
    defaults=_defaults,
    note=N_("在册人员为已审批人员。完成率 = 本年已完成 ÷（本年已完成 + 仍应培训），尚无人完成的为“—”。"),
    hint=N_("点数字看名单。"),
    filters=(choice("by", tuple(By), "", N_("汇总方式")), PROVINCE, UNIT, TYPE),
    sign="cap",
    position=10,
    menu_section="training",
)
NEEDS = tuple(need for need in Need if need in (*DUE, Need.EXPIRED))
