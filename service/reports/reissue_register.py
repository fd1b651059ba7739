"""补办登记: every application for a lost certificate, what was decided, and the edition that came of it (§11, R64)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from service.domain.accounts.roles import Role
from service.domain.certificates.reissues import ReissueState
from service.domain.values.validators import normalise
from service.errors import N_
from service.models.queries.certificates.reissue_list import ORDER
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import Organisation
from service.reports.attempts import flag, made_in_year
from service.reports.framework import columns
from service.reports.framework.filters import QUERY, YEAR, choice
from service.reports.framework.list_page import ChipRow, ListPage, chips
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import PagedTable

New, Asker = aliased(Certificate), aliased(User)
COLUMNS = (
    Column("at", N_("申请日期"), CellType.DAY),
    columns.NUMBER,
    Column("edition", N_("版本"), CellType.CODE),
    columns.PERSON,
    columns.UNIT,
    Column("statement", N_("遗失情况")),
    Column("asker", N_("申请人")),
    columns.STATE,
    Column("comment", N_("意见")),
    Column("new_edition", N_("新版本"), CellType.CODE),
    Column("printed_count", N_("打印次数"), CellType.NUMBER),
)


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the applications for the certificates in scope, the latest first."""
    query = (
        select(
            Reissue.id,
            Reissue.case_id,
            Reissue.created_at.label("at"),
            Reissue.statement,
            Reissue.comment,
            Reissue.state,
            Reissue.stage,
            Certificate.id.label("certificate_id"),
            Certificate.number,
            Certificate.edition,
            Person.id.label("person_id"),
            Person.name,
            Organisation.name.label("unit_name"),
            Asker.display_name.label("asker"),
            New.id.label("new_id"),
            New.edition.label("new_edition"),
            New.printed_count,
            flag(Reissue.state == ReissueState.COMPLETED).label("completed"),
        )
        .join(Certificate, Certificate.id == Reissue.certificate_id)
        .join(Person, Person.id == Certificate.person_id)
        .join(Organisation, Organisation.id == Reissue.unit_id)
        .outerjoin(New, New.id == Reissue.new_certificate_id)
        .outerjoin(Asker, Asker.id == Reissue.requested_by)
        .where(visible_to(user, Certificate), *_conditions(chosen))
    )
    return PagedTable(COLUMNS, query, ORDER, _cells, ("completed",))


def _conditions(chosen: ReportFilter) -> list[Any]:
    found: list[Any] = []
    if chosen.year:
        found.append(made_in_year(Reissue.created_at, chosen.year))
    if chosen.state:
        found.append(Reissue.state == chosen.state)
    if chosen.q:
        starts = Certificate.number.startswith(normalise(chosen.q), autoescape=True)
        found.append(or_(starts, named(Person, chosen.q)))
    return found


def _cells(row: Any) -> Row:
    names = (
        "at",
        "certificate_id",
        "number",
        "person_id",
        "name",
        "unit_name",
        "statement",
        "asker",
        "comment",
        "printed_count",
    )
    editions = {name: None if (n := getattr(row, name)) is None else str(n) for name in ("edition", "new_edition")}
    return columns.plain(row, *names) | editions | {"state": row.stage or ReissueState(row.state).label}


REPORT = Report(
    name="reissue-register",
    title=N_("补办登记"),
    roles=frozenset({Role.MINISTRY, Role.ASSOCIATION}),
    read=read,
    filters=(QUERY, YEAR, choice("state", tuple(ReissueState), N_("全部状态"))),
    summary=((N_("已补办"), "completed"),),
    sign="back",
    position=100,
    page=ListPage(
        N_("没有符合条件的补办"),
        N_("没有补办申请"),
        N_("证书遗失时，由持证人单位在证书页申请补办。"),
        N_("补办登记，可左右滚动"),
        chips=(ChipRow(N_("按状态"), chips("state", tuple(ReissueState), is_counted=False)),),
    ),
)
