"""Classes by what is to be done in them, and the dictionary of provinces, as lists to export (S53, S54, S107, S118)."""

from __future__ import annotations

from typing import Any

from service.domain.accounts.roles import Role
from service.domain.training.classes import ClassState
from service.domain.training.training_kind import TrainingKind
from service.errors import N_
from service.models.db.clock import today
from service.models.queries.report_filter import ReportFilter
from service.models.queries.training import class_worklists
from service.models.queries.units import province_list
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.filters import hidden
from service.reports.framework.list_page import ChipRow, ListPage, chips
from service.reports.framework.report import BUSINESS, CellType, Column, Report, Row
from service.reports.framework.table import PagedTable, WholeTable

CLASS = (columns.CLASS_CODE, columns.CLASS, columns.TRAINING_KIND)
TIME = (
    Column("starts_on", N_("开始"), CellType.DAY),
    Column("ends_on", N_("结束"), CellType.DAY),
    Column("place", N_("地点")),
    Column("organiser", N_("主办"), CellType.LABEL),
    Column("institution", N_("承办机构")),
    columns.STATE,
)
OFFERS = (
    *CLASS,
    Column("enrol_until", N_("报名截止"), CellType.DAY),
    *TIME,
    Column("taken", N_("报名"), CellType.NUMBER),
    Column("capacity", N_("名额"), CellType.NUMBER),
)
CHECK_IN = (
    *CLASS,
    *TIME,
    Column("expected", N_("应到"), CellType.NUMBER),
    Column("came", N_("已报到"), CellType.NUMBER),
)
TO_SCORE = (
    *CLASS,
    *TIME,
    Column("came", N_("已报到"), CellType.NUMBER),
    Column("to_score", N_("待录入"), CellType.NUMBER),
    Column("scored", N_("待协会确认"), CellType.NUMBER),
)
PROVINCES = (
    Column("code", N_("代码"), CellType.CODE),
    Column("name", N_("名称"), CellType.LABEL),
    Column("accounts", N_("可用账号"), CellType.NUMBER),
    Column("last_login", N_("最近登录"), CellType.INSTANT),
)


def _classes(given: tuple[Column, ...], query: Any) -> PagedTable:
    def cells(row: Any) -> Row:
        own: Row = {column.key: getattr(row, column.key, None) for column in given}
        return own | {
            "class_id": row.id,
            "class_code": row.code,
            "class_title": row.title,
            "kind": TrainingKind(row.kind).label,
            "state": row.stage or ClassState(row.state).label,
        }

    return PagedTable(given, query, class_worklists.SOONEST, cells)


def read_offers(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the classes into which the user can enrol today."""
    return _classes(OFFERS, class_worklists.offers_query(user, today(), chosen.kind))


def read_check_in(user: User, _chosen: ReportFilter) -> PagedTable:
    """Read the classes whose persons come now, or will soon."""
    return _classes(CHECK_IN, class_worklists.check_in_query(user, today()))


def read_to_score(user: User, _chosen: ReportFilter) -> PagedTable:
    """Read the hosted classes without all scores."""
    return _classes(TO_SCORE, class_worklists.score_query(user))


def read_provinces(_user: User, _chosen: ReportFilter) -> WholeTable:
    """Read the provinces with their accounts."""
    return WholeTable(PROVINCES, [dict(row._mapping) for row in province_list.provinces()])


REGION = N_("培训班列表，可左右滚动")
LISTS = (
    Report(
        "offers",
        N_("可报名的培训班"),
        BUSINESS - {Role.MINISTRY},
        read_offers,
        filters=(hidden("kind", tuple(TrainingKind)),),
        sign="cap",
        page=ListPage(
            N_("今天没有可以报名的培训班"),
            none_yet_note=N_(
                "取证班由协会开班，再培训班和换证班由省级主管部门开班；开始报名后会出现在这里，并有通知。"
            ),
            region=REGION,
            note=N_("今天可以报名的培训班"),
            chips=(ChipRow(N_("培训类型"), chips("kind", tuple(TrainingKind), is_counted=False)),),
        ),
    ),
    Report(
        "check-in",
        N_("现场报到"),
        frozenset({Role.ASSOCIATION}),
        read_check_in,
        sign="scan",
        page=ListPage(
            N_("没有要报到的培训班"),
            none_yet_note=N_("有人确认报名的培训班，在开班前两周出现在这里。"),
            region=REGION,
            note=N_("开班前一天至结束当天可以报到；以下为在办和两周内开班的培训班。"),
        ),
    ),
    Report(
        "to-score",
        N_("成绩录入"),
        frozenset({Role.TRAINING_INSTITUTION}),
        read_to_score,
        sign="draft",
        page=ListPage(
            N_("没有要录入的成绩"),
            none_yet_note=N_("承办的培训班有人报到后，会出现在这里。"),
            region=REGION,
            note=N_("承办的培训班中，已报到、成绩未确认的"),
        ),
    ),
    Report("provinces", N_("省份字典"), frozenset({Role.SYS_ADMIN}), read_provinces, sign="unit"),
)
