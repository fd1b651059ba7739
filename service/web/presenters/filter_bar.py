"""The filter bar and the chips of a report or list, from its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from service.domain.accounts.roles import Role
from service.infrastructure.translation import translate
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports.framework.filters import Control, FilterField
from service.reports.framework.list_page import ChipRow
from service.reports.framework.report import Report

Params = dict[str, str]


class ControlView(NamedTuple):
    """A control as the reader has it. options: pairs of value and label."""

    name: str
    control: Control
    label: str
    any_label: str
    placeholder: str
    options: list[tuple[str, str]]
    value: str


class ChipView(NamedTuple):
    """A chip: where it leads, how many it stands for (None for not counted), whether it is on."""

    label: str
    params: Params
    number: int | None
    is_on: bool


class ChipRowView(NamedTuple):
    """Chips side by side."""

    label: str
    chips: list[ChipView]
    is_first: bool


def controls(report: Report, user: User, chosen: ReportFilter) -> list[ControlView]:
    """Build the controls in their order. A select with too little to choose from only passes its value on."""
    given = chosen.arguments()
    found = []
    for field in (field for field in report.filters if Role(user.role) in field.roles):
        options = _options(field, user)
        is_left_out = field.control is Control.SELECT and len(options) < field.least
        found.append(
            ControlView(
                field.name,
                Control.NONE if is_left_out else field.control,
                translate(field.label),
                "" if _is_bound(report, field, chosen) else translate(field.any_label),
                translate(field.placeholder),
                options,
                given.get(field.name, ""),
            )
        )
    return found


def chip_rows(report: Report, user: User, chosen: ReportFilter, counts: Mapping[str, int]) -> list[ChipRowView]:
    """Build the rows of chips that the reader's role has."""
    given, role = chosen.arguments(), Role(user.role)
    rows = report.page.chips if report.page else ()
    return [
        ChipRowView(translate(row.label), _chips(row, given, role, counts), row.is_first)
        for row in rows
        if role in row.roles
    ]


def _chips(row: ChipRow, given: Params, role: Role, counts: Mapping[str, int]) -> list[ChipView]:
    kept = {name: value for name, value in given.items() if name in row.keeps}
    names = {chip.name for chip in row.chips}
    first = ChipView(
        translate(row.any_label), kept, counts.get("total") if _is_counted(row) else None, not names & given.keys()
    )
    return [
        first,
        *(
            ChipView(
                translate(chip.label),
                kept | {chip.name: chip.value},
                counts.get(chip.count_key, 0) if chip.count_key else None,
                given.get(chip.name) == chip.value,
            )
            for chip in row.chips
            if role in chip.roles
            and (not chip.count_key or counts.get(chip.count_key) or given.get(chip.name) == chip.value)
        ),
    ]


def _is_counted(row: ChipRow) -> bool:
    return any(chip.count_key for chip in row.chips)


def narrowing(report: Report, chosen: ReportFilter) -> list[str]:
    """Return the names of the set filters, those left out that say which list is meant."""
    views = {field.name for field in report.filters if field.is_view}
    return [name for name in chosen.arguments() if name not in views]


def labels(report: Report, user: User, chosen: ReportFilter) -> list[str]:
    """Say in words what a paper is narrowed to."""
    words = [dict(one.options).get(one.value) for one in controls(report, user, chosen)]
    return [word for word in (*words, chosen.q) if word]


def _options(field: FilterField, user: User) -> list[tuple[str, str]]:
    if field.options:
        return [(str(option), translate(option.label)) for option in field.options]
    if field.choices and field.control is Control.SELECT:
        return [(str(value), translate(word)) for value, word in field.choices(user)]
    return []


def _is_bound(report: Report, field: FilterField, chosen: ReportFilter) -> bool:
    """Tell whether one value must be chosen: a report that is read a year at a time offers no «all years»."""
    return field.name == "year" and report.is_yearly and not (chosen.q or chosen.class_id)
