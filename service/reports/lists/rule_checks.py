"""Rules of the trade that auditors check over all cases, each as a list."""

from __future__ import annotations

from functools import partial
from typing import Any

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.persons.case_subjects import shown_subject
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, Message
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime import case_list, rule_checks
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.filters import Control, FilterField, choice
from service.reports.framework.list_page import ListPage
from service.reports.framework.report import CellType, Column, Report, Row, roles_that_may
from service.reports.framework.table import PagedTable


class Rule(Labelled):
    """A rule whose breaches are looked for."""

    SAME_PERSON = "same_person", N_("经办与确认为同一账号")
    WITHIN_A_MINUTE = "within_a_minute", N_("成绩录入后一分钟内确认")
    AT_NIGHT = "at_night", N_("夜间办理（22 时至 6 时）")
    NUMBER_GAPS = "number_gaps", N_("证书编号缺号")


COLUMNS = (
    Column("at", N_("时间"), CellType.INSTANT),
    Column("case_number", N_("案卷编号"), CellType.CODE),
    Column("subject", N_("对象")),
    Column("element", N_("环节"), CellType.LABEL),
    Column("login", N_("办理人"), CellType.CODE),
    Column("first_at", N_("此前一步"), CellType.INSTANT),
    Column("other_login", N_("此前一步办理人"), CellType.CODE),
    Column("told", N_("说明")),
)


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the breaches of a rule, by default the first, latest first."""
    query, order = rule_checks.checked(chosen)
    return PagedTable(COLUMNS, query, order, partial(cells_of, Role(user.role)))


def cells_of(role: Role, row: Any) -> Row:
    """The cells of a row: subjects masked as in the list of cases."""
    own = columns.plain(row, "at", "first_at", "login", "other_login", "element")
    return own | {
        "case_number": str(row.case_id)[-case_list.NUMBER_LENGTH :] if row.case_id else "",
        "subject": shown_subject(role, row.process, row.subject) if row.case_id else "",
        "told": told(row),
    }


def told(row: Any) -> Message | str:
    """The gap of a row about numbers; check digits are left out of the serials."""
    if not row.note:
        return ""
    return Message(N_("从 %(first)s 起缺 %(n)s 个号（不含校验位）"), first=row.note, n=f"{row.number:,}")


LISTS = (
    Report(
        "rule-checks",
        N_("规则核查"),
        roles_that_may(Action.READ_AUDIT),
        read,
        filters=(
            choice("kind", tuple(Rule), "", N_("规则")),
            FilterField("since", Control.DAY, N_("从")),
            FilterField("until", Control.DAY, N_("至")),
        ),
        defaults=lambda _user: {"kind": Rule.SAME_PERSON},
        page=ListPage(
            N_("没有查到"), none_yet_note=N_("换一条规则，或放宽日期再查。"), region=N_("查到的事项，可左右滚动")
        ),
        sign="search",
        is_plain=True,
    ),
)
