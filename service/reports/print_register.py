"""打印登记: every print of a certificate, why and by whom, and who received it (§11, R58)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from service.domain.accounts.roles import Role
from service.domain.values.labelled_enum import Labelled
from service.domain.values.validators import normalise
from service.errors import N_
from service.models.db.clock import today
from service.models.db.pagination import SortOrder
from service.models.queries.certificates.print_list import waiting_prints
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.persons.person import Person
from service.reports.attempts import flag, made_in_year
from service.reports.framework import columns
from service.reports.framework.filters import QUERY, YEAR, hidden, search
from service.reports.framework.list_page import Chip, ChipRow, ListPage
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import PagedTable

Printer = aliased(User)


class Received(Labelled):
    """Show only the prints that nobody has received yet."""

    NO = "no", N_("未领取")


COLUMNS = (
    Column("at", N_("打印时间"), CellType.INSTANT),
    columns.NUMBER,
    Column("edition", N_("版本"), CellType.CODE),
    columns.PERSON,
    columns.UNIT,
    Column("printer", N_("打印人")),
    Column("reason", N_("原因"), CellType.LABEL),
    Column("received_by", N_("领取人")),
    Column("received_on", N_("领取日期"), CellType.DAY),
)


def read(user: User, chosen: ReportFilter, shown: tuple[Column, ...] = COLUMNS) -> PagedTable:
    """Read the prints of the certificates in scope, the latest first."""
    query = (
        select(
            PrintRecord.id,
            PrintRecord.created_at.label("at"),
            PrintRecord.reason,
            PrintRecord.received_by,
            PrintRecord.received_on,
            flag(PrintRecord.received_on.is_not(None)).label("received"),
            Certificate.id.label("certificate_id"),
            Certificate.number,
            Certificate.edition,
            Certificate.state,
            Certificate.valid_to,
            Person.id.label("person_id"),
            Person.name,
            Certificate.unit_name,
            Printer.display_name.label("printer"),
        )
        .join(Certificate, Certificate.id == PrintRecord.certificate_id)
        .join(Person, Person.id == Certificate.person_id)
        .outerjoin(Printer, Printer.id == PrintRecord.printed_by)
        .where(visible_to(user, Certificate), *_conditions(chosen))
    )
    order = SortOrder((PrintRecord.created_at, PrintRecord.id), is_descending=True)
    return PagedTable(shown, query, order, _cells, ("received",))


def _conditions(chosen: ReportFilter) -> list[Any]:
    found: list[Any] = []
    if chosen.year:
        found.append(made_in_year(PrintRecord.created_at, chosen.year))
    if chosen.received:
        found.append(PrintRecord.received_on.is_(None))
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
        "printer",
        "reason",
        "received_by",
        "received_on",
    )
    return columns.plain(row, *names) | {"edition": str(row.edition)}


REPORT = Report(
    name="print-register",
    title=N_("打印登记"),
    roles=frozenset({Role.MINISTRY, Role.ASSOCIATION}),
    read=read,
    filters=(QUERY, YEAR),
    defaults=lambda _user: {"year": str(today().year)},
    summary=((N_("已领取"), "received"),),
    sign="print",
    position=90,
)
LISTS = (
    Report(
        name="prints",
        title=N_("打印与领取登记"),
        roles=frozenset({Role.ASSOCIATION}),
        read=read,
        filters=(search(N_("证书编号或姓名"), N_("查找打印")), hidden("received", tuple(Received))),
        sign="print",
        page=ListPage(
            N_("没有符合条件的打印"),
            N_("还没有打印"),
            N_("打印证书后，每次打印都会列在这里，并可登记领取。"),
            N_("打印登记，可左右滚动"),
            chips=(ChipRow(N_("领取"), (Chip("received", Received.NO, Received.NO.label, "waiting"),), keeps=("q",)),),
            counts=lambda user, _chosen: {"waiting": waiting_prints(user)},
        ),
    ),
)
