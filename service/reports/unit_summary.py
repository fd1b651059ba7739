"""单位信息汇总 (S85): units of each kind in each province, with their persons, holders and pending approvals."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from service.domain.units.units import UnitKind
from service.errors import N_
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.training.training import TrainingNeed
from service.models.tables.units.organisation import Organisation
from service.reports.attempts import number_of
from service.reports.due_training import Making, holds, making
from service.reports.framework import columns
from service.reports.framework.chart import Bar, Chart
from service.reports.framework.filters import PROVINCE
from service.reports.framework.report import OFFICIAL, CellType, Column, Report, Row
from service.reports.framework.table import WholeTable

Province = aliased(Organisation)
KINDS = tuple(str(kind) for kind in UnitKind)
SUMS = (*KINDS, "drafts", "persons", "holders", "pending")
COLUMNS = (
    columns.PROVINCE,
    *(Column(kind.value, kind.label, CellType.NUMBER) for kind in UnitKind),
    Column("drafts", N_("资料待完善"), CellType.NUMBER),
    Column("persons", N_("人员"), CellType.NUMBER),
    Column("holders", N_("持证人员"), CellType.NUMBER),
    Column("pending", N_("待审批"), CellType.NUMBER),
)


def read(user: User, chosen: ReportFilter) -> WholeTable:
    """A row a province; units that were deleted and persons that are drafts or deregistered do not count."""
    units = _by_province(user, chosen, _units(user))
    persons = _by_province(user, chosen, _persons(user))
    zero: Row = dict.fromkeys(SUMS, 0)
    rows = [
        zero | units.get(key, {}) | persons.get(key, {}) | {"province": name, "authority_id": key}
        for key, name in _provinces(units.keys() | persons.keys())
    ]
    return WholeTable(COLUMNS, rows, SUMS)


def _units(user: User) -> Any:
    kinds = (number_of(Organisation.kind == kind).label(kind) for kind in KINDS)
    drafts = number_of(Organisation.state == "draft").label("drafts")
    return select(Organisation.authority_id, *kinds, drafts).where(
        visible_to(user, Organisation), Organisation.kind.in_(KINDS), Organisation.state != "deleted"
    )


def _persons(user: User) -> Any:
    return (
        select(
            Organisation.authority_id,
            func.count().label("persons"),
            number_of(holds()).label("holders"),
            number_of(TrainingNeed.state == "pending").label("pending"),
        )
        .select_from(TrainingNeed)
        .join(Organisation, Organisation.id == TrainingNeed.unit_id)
        .outerjoin(Making, making())
        .where(visible_to(user, TrainingNeed), TrainingNeed.state.not_in(("draft", "deregistered")))
    )


def _by_province(user: User, chosen: ReportFilter, query: Any) -> dict[Any, Row]:
    if chosen.province:
        query = query.where(Organisation.authority_id == chosen.province)
    rows = session().execute(query.group_by(Organisation.authority_id))
    return {row.authority_id: {k: v for k, v in row._mapping.items() if k in SUMS} for row in rows}


def _provinces(keys: Any) -> list[tuple[Any, str | None]]:
    """Id and name in the order of codes; units without a province (academies) at the end."""
    known = [key for key in keys if key is not None]
    query = select(Province.id, Province.name).where(Province.id.in_(known)).order_by(Province.code)
    found: list[tuple[Any, str | None]] = [(row.id, row.name) for row in session().execute(query)]
    return [*found, (None, N_("未定省份"))] if None in keys else found


def chart(_user: User, _chosen: ReportFilter, table: WholeTable) -> Chart | None:
    """Holders and other persons of the ten provinces that have most."""
    most = sorted(table.rows, key=lambda row: -row["persons"])[:10]
    if len(most) < 2:
        return None
    bars = tuple(
        Bar(r["province"], (r["holders"], r["persons"] - r["holders"]), f"{r['persons']:,}")
        for r in most
        if r["persons"]
    )
    return Chart(N_("人员最多的省份"), bars, (N_("持证"), N_("未持证")), N_("右侧为人员数")) if bars else None


REPORT = Report(
    name="unit-summary",
    title=N_("单位信息汇总"),
    roles=OFFICIAL,
    read=read,
    chart=chart,
    filters=(PROVINCE,),
    sign="unit",
    note=N_("人员不含草稿和已注销的；持证指证书已获批且未过期。"),
    position=70,
    menu_section="reports",
)
