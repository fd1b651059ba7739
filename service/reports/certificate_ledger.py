"""证件台账 with prints and hand-outs (§11), and the list of certificates as it is exported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import select

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.certificates.certificates import CertificateState, warns_until
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.models.db.clock import today
from service.models.queries.certificates import certificate_list
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.reports.framework import columns
from service.reports.framework.filters import PROVINCE, QUERY, choice, hidden, search
from service.reports.framework.list_page import Chip, ChipRow, ListPage, chips
from service.reports.framework.report import OFFICIAL, UNITS, CellType, Column, Report, Row, roles_that_may
from service.reports.framework.table import PagedTable


class Shown(Labelled):
    """The states of the ledger, with what the last day makes of a valid one."""

    VALID = "valid", N_("有效")
    SOON = "soon", N_("将到期")
    EXPIRED = "expired", N_("已过期")
    ISSUED = "issued", N_("待审批")
    SUPERSEDED = "superseded", N_("已换新版")
    DEREGISTERED = "deregistered", N_("已注销")
    REVOKED = "revoked", N_("已吊销")
    VOID = "void", N_("已作废")


class Printed(Labelled):
    """Show only what was never printed."""

    NO = "no", N_("未打印")


_COLUMNS = (
    columns.NUMBER,
    Column("edition", N_("版本"), CellType.CODE),
    columns.PERSON,
    columns.UNIT,
    columns.PROVINCE,
    columns.TYPE,
    Column("issued_on", N_("发证日期"), CellType.DAY),
    columns.VALID_TO,
    columns.STATE,
    Column("printed_count", N_("打印次数"), CellType.NUMBER),
)
_HANDED_OUT = (Column("received_by", N_("领取人")), Column("received_on", N_("领取日期"), CellType.DAY, is_minor=True))


def read_list(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the certificates, the newest first."""
    query = certificate_list.certificates_query(user, chosen)
    counted = certificate_list.counted_query(user, chosen)
    return PagedTable(_COLUMNS, query, certificate_list.ORDER, _cells, counted=counted)


def read_ledger(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the certificates with who received the last print."""
    last = (
        select(PrintRecord.received_by, PrintRecord.received_on)
        .where(PrintRecord.certificate_id == Certificate.id, PrintRecord.received_on.is_not(None))
        .order_by(PrintRecord.created_at.desc())
        .limit(1)
        .lateral("last")
    )
    query = certificate_list.certificates_query(user, chosen).add_columns(last.c.received_by, last.c.received_on)
    query = query.outerjoin(last, Certificate.id.is_not(None))
    cells: Callable[[Any], Row] = lambda row: _cells(row) | columns.plain(row, "received_by", "received_on")  # noqa: E731
    counted = certificate_list.counted_query(user, chosen)
    return PagedTable(
        (*_COLUMNS, *_HANDED_OUT), query, certificate_list.ORDER, cells, ("printed_count",), counted=counted
    )


def shown_state(state: str, valid_to: date) -> Shown:
    """The word for a certificate: as stored, but for a valid one what its last day makes of it today (R24, R66)."""
    if state != CertificateState.VALID or valid_to > warns_until(today()):
        return Shown(state)
    return Shown.SOON if valid_to >= today() else Shown.EXPIRED


def _cells(row: Any) -> Row:
    shown = shown_state(row.state, row.valid_to)
    own = columns.plain(
        row,
        "number",
        "person_id",
        "name",
        "unit_name",
        "province",
        "type_name",
        "issued_on",
        "valid_to",
        "printed_count",
    )
    return own | {"certificate_id": row.id, "edition": str(row.edition), "state": shown.label, "state_code": str(shown)}


REPORT = Report(
    name="certificate-ledger",
    title=N_("证件台账"),
    roles=frozenset({Role.MINISTRY, Role.ASSOCIATION}),
    read=read_ledger,
    filters=(
        QUERY,
        choice("state", tuple(Shown), N_("全部状态")),
        PROVINCE,
        choice("print", tuple(Printed), N_("打印不限")),
    ),
    summary=((N_("打印次数"), "printed_count"),),
    sign="cert",
    position=80,
)
LISTS = (
    Report(
        name="certificates",
        title=N_("证书"),
        roles=OFFICIAL | UNITS,
        read=read_list,
        filters=(
            search(N_("证书编号、姓名或拼音"), N_("查找证书")),
            PROVINCE,
            hidden("state", tuple(Shown)),
            hidden("unit"),
            hidden("print", tuple(Printed)),
        ),
        sign="cert",
        page=ListPage(
            N_("没有符合条件的证书"),
            N_("还没有证书"),
            N_("取证、换证成绩确认合格后生成证书，会出现在这里。"),
            N_("证书列表，可左右滚动"),
            N_("共 %(n)s 件"),
            chips=(
                ChipRow(
                    N_("按状态"),
                    (
                        *chips("state", tuple(Shown)),
                        Chip("print", Printed.NO, Printed.NO.label, roles=roles_that_may(Action.PRINT_CERTIFICATE)),
                    ),
                ),
            ),
            counts=lambda user, _chosen: certificate_list.certificate_counts(user),
        ),
    ),
)
