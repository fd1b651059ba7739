"""Reports and lists are declared once: found by themselves, in the menu where they say, with fields that a filter has."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from functools import lru_cache
from uuid import UUID

import pytest

from service.domain.accounts.roles import Role
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports import LISTS, REPORTS, get_report, may_export
from service.reports.framework.filters import Control
from service.reports.framework.report import parse_filter
from service.reports.lists import cases
from service.web.shell.menu import MENU


def test_each_report_has_a_name_and_a_place_of_its_own() -> None:
    names = [report.name for report in (*REPORTS, *LISTS)]
    assert len(names) == len(set(names))
    positions = [report.position for report in REPORTS]
    assert positions == sorted(positions)
    assert len(positions) == len(set(positions))


def test_a_report_that_names_a_section_of_the_menu_stands_in_it() -> None:
    shown = {item.values["name"] for section in MENU for item in section.items if item.endpoint == "reports.show"}
    assert shown == {report.name for report in REPORTS if report.menu_section}


def test_the_fields_of_every_list_are_those_of_the_filter() -> None:
    known = {field.name for field in fields(ReportFilter)}
    for report in (*REPORTS, *LISTS):
        assert set(report.filter_names) <= known, report.name
        assert all(field.label for field in report.filters if field.control in (Control.SEARCH, Control.SELECT)), (
            report.name
        )


def test_what_a_chip_sets_is_a_filter_of_its_list() -> None:
    for report in (*REPORTS, *LISTS):
        for row in report.page.chips if report.page else ():
            for chip in row.chips:
                assert chip.value in {str(one) for one in report.options[chip.name]}, (report.name, chip)
                assert set(row.keeps) <= set(report.filter_names), report.name


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"q": "  李   一 "}, {"q": "李 一"}),
        ({"unit": "x", "state": "nothing", "other": "1"}, {}),
        ({"unit": "00000000-0000-0000-0000-000000000007"}, {"unit": UUID(int=7)}),
        ({"state": "draft", "need": "renewal"}, {"state": "draft", "need": "renewal"}),
    ],
)
def test_unknown_names_and_values_narrow_nothing(given: dict[str, str], read: dict[str, object]) -> None:
    user = User(role="ministry")
    assert parse_filter(get_report("persons"), user, given) == ReportFilter.from_values(read)


def test_a_list_is_exported_by_its_roles_alone() -> None:
    assert may_export("audit-events", Role.AUDIT_ADMIN)
    assert not may_export("audit-events", Role.MINISTRY)
    assert not may_export("nothing", Role.MINISTRY)


def test_outcomes_are_read_from_each_diagram_once_however_many_versions_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: Counter[str] = Counter()

    @lru_cache(maxsize=256)
    def elements_of(digest: str) -> dict[str, tuple[str, str]]:
        asked[digest] += 1
        return {"done": ("已办结", "endEvent"), "look": ("查看", "userTask")}

    monkeypatch.setattr(cases.case_list, "versions", lambda: [(f"version {n}", "small 1") for n in range(1000)])
    monkeypatch.setattr(cases, "elements_of", elements_of)
    [outcome] = [field for report in cases.LISTS for field in report.filters if field.name == "outcome"]
    assert outcome.choices is not None
    for _look in range(3):
        assert outcome.choices(User()) == [("已办结", "已办结")]
    assert set(asked.values()) == {1}
