"""Spreadsheets: text stays text, numbers are numbers, and nothing becomes a formula (R71)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from service.infrastructure.xlsx import (
    DANGEROUS,
    MAX_CELL_LENGTH,
    Head,
    Sheet,
    neutralise,
)


def read(path: Path) -> list[list[Any]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()


@pytest.mark.parametrize("text", ["=1+1", "+86", "-2", "@SUM(A1)", "\tx", "\rx", "＝1", '=HYPERLINK("http://x","y")'])
def test_what_could_begin_a_formula_gets_an_apostrophe(text: str) -> None:  # R71
    assert neutralise(text) == "'" + text


@pytest.mark.parametrize("text", ["", "赵大", "370***********0025", "37202600000019", "a=b", "1-2"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert neutralise(text) == text


@given(st.text())
def test_no_text_ever_begins_dangerously_or_grows_too_long(text: str) -> None:
    safe = neutralise(text)
    assert not safe.startswith(DANGEROUS)
    assert len(safe) <= MAX_CELL_LENGTH


def test_a_sheet_holds_title_facts_heads_rows_and_sums(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    heads = [
        Head("证书编号"),
        Head("人数", "number"),
        Head("率", "share"),
        Head("成绩", "score"),
        Head("日期", "day"),
        Head("时间", "instant"),
    ]
    with Sheet(path, "台账/2026?", ["甲导出"], heads) as sheet:
        sheet.add(
            [
                ["37202600000019", 3, 0.75, 88.5, date(2026, 3, 1), datetime(2026, 3, 1, 9, 30)],
                ["=1+1", 0, "—", "缺考", None, None],
            ]
        )
        sheet.add([["合计", 3, 0.75, None, None, None]], is_sum=True)
    rows = read(path)
    assert rows[0][0] == "台账/2026?"
    assert rows[1][0] == "甲导出"
    assert rows[2] == ["证书编号", "人数", "率", "成绩", "日期", "时间"]
    assert rows[3] == ["37202600000019", 3.0, 0.75, 88.5, date(2026, 3, 1), datetime(2026, 3, 1, 9, 30)]
    assert rows[4][:4] == ["'=1+1", 0.0, "—", "缺考"]
    assert rows[5][:3] == ["合计", 3.0, 0.75]
