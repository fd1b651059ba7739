"""Papers of the trade with 1, 40 and 300 rows: heads, page numbers, columns, numbers, frames and the last page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel

from service.config import CHECKOUT
from service.infrastructure.documents import pdf
from service.reports import (
    REPORTS,
    annual_classes,
    certificate_ledger,
    class_papers,
    class_trainees,
    due_persons,
    due_training,
    expiry_warnings,
    hand_out_register,
    pending_work,
    print_register,
    reissue_register,
    renewal_trainees,
    unit_summary,
)
from service.reports.framework import columns
from service.reports.framework.report import CellType, Column, Ratio, Row
from service.web.presenters.papers import paper_tables
from tests.builders import laid_out
from tests.documents.test_certificate_faces import UYGHUR

SNAPSHOTS = CHECKOUT / "tests" / "documents" / "snapshots"
ROWS = (1, 40, 300)
PAPERS: dict[str, tuple[Column, ...]] = {
    "class-roster": class_papers.ROSTER,
    "class-sign-in": class_papers.SIGN_IN,
    "class-scores": class_papers.SCORES,
    "certificate-ledger": (*certificate_ledger._COLUMNS, *certificate_ledger._HANDED_OUT),
    "print-register": print_register.COLUMNS,
    "hand-out-register": hand_out_register.COLUMNS,
    "reissue-register": reissue_register.COLUMNS,
}
STATISTICS: dict[str, tuple[Column, ...]] = {
    "annual-classes": annual_classes.COLUMNS,
    "class-trainees": class_trainees.COLUMNS,
    "due-persons": due_persons.COLUMNS,
    "due-training": (columns.UNIT, *due_training._FIGURES),
    "pending-work": pending_work.COLUMNS,
    "renewal-trainees": renewal_trainees.COLUMNS,
    "unit-summary": unit_summary.COLUMNS,
    "warnings": expiry_warnings.COLUMNS,
}
CLASS, TYPE = "2026年第五期再培训班（临沂）", "安全生产管理人员（生产）"
LONG = (
    "济南",
    "山东省临沂市兰山区通达路培训中心",
    "2026年第五期民用爆炸物品生产企业安全生产管理人员取证培训班（临沂）",
)
LEAST_ROWS = 3  # of a page
SMALLEST = 6.0  # points
NAMES = ("张三", "欧阳娜娜", "买买提·吐尔逊", "李四", UYGHUR)
UNITS = (
    "泉城化工有限公司（示例）",
    "莱芜生产场点（示例）",
    "新疆维吾尔自治区民用爆炸物品生产经营集团股份有限公司乌恰县分公司",
)
SCORES = (950, 550, 608, None)


@pytest.fixture(autouse=True)
def words() -> Iterator[None]:
    """The words of tables are asked of the catalogue."""
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield


def test_every_paper_of_a_report_is_looked_at() -> None:
    assert {report.name for report in REPORTS} <= PAPERS.keys() | STATISTICS.keys()


@pytest.mark.parametrize("name", [*PAPERS, *STATISTICS])
def test_no_word_is_broken_and_free_text_has_room(name: str) -> None:
    """Issue 9 (papers): with many columns the type is smaller; dates, numbers and names of types stand on one line"""
    given = (PAPERS | STATISTICS)[name]
    rows = [_row(given, n) for n in range(40)]
    table = paper_tables.lay_out(given, rows)
    assert sum(column.width for column in table.columns) <= (271 if table.is_wide else 178) + 0.1
    assert table.size >= SMALLEST, table.size
    for at, column in enumerate(given, 1):
        lines = [str(cells[at]).split("<br>") for cells in table.rows]
        if column.kind not in paper_tables.FREE:
            assert max(map(len, lines)) == 1, (column.key, lines)
        elif max(len("".join(one)) for one in lines) > 7:
            assert max(len(line) for one in lines for line in one) >= 6, (column.key, lines)
    for column in table.columns:
        assert len(str(column.word).split("<br>")) <= 2, column.word
    assert len(_pages(name, 40)) <= (8 if name == "due-persons" else 6)


@pytest.mark.parametrize("name", PAPERS)
@pytest.mark.parametrize("count", ROWS)
def test_a_paper_is_whole_on_every_page(name: str, count: int) -> None:
    """Issue 9 (papers, F 18): title, class and page n of m; every row once; none alone on the last page; words fit"""
    pages = [laid_out.root(page) for page in _pages(name, count)]
    rows = [_rows(page) for page in pages]
    assert [int(_cells(row)[0]) for page in rows for row in page] == list(range(1, count + 1))
    assert all(len(page) >= min(LEAST_ROWS, count) for page in rows)
    for number, page in enumerate(pages, 1):
        words = laid_out.words_of(page)
        assert f"第 {number} 页，共 {len(pages)} 页" in words
        assert CLASS in words
        assert name in words
        assert _inside(page)
        assert "资格类型" in words or "资格类型" not in [c.word for c in PAPERS[name]]
    assert _snapshot(pages, rows) == _kept(name, count, _snapshot(pages, rows))


@pytest.mark.parametrize("name", [name for name, columns in PAPERS.items() if "资格类型" in {c.word for c in columns}])
def test_a_qualification_type_stands_on_one_line(name: str) -> None:
    """F 18: 安全生产管理人员（生产） stood on three lines"""
    for page in _pages(name, 40):
        for row in _rows(laid_out.root(page)):
            assert TYPE in [text.words for text in laid_out.texts_of(row)]


def test_numbers_stand_under_numbers() -> None:
    """F 18: «95», «55» and «60.8» end their whole part at the same place"""
    ends = set()
    for page in _pages("class-scores", 40):
        for row in _rows(laid_out.root(page)):
            ends |= {round(t.right, 1) for t in laid_out.texts_of(row) if t.words in ("95", "55", "60")}
    assert len(ends) == 2  # of the score, and of the make-up


@pytest.mark.parametrize("name", PAPERS)
def test_every_cell_has_its_own_frame(name: str) -> None:
    """F 18: no frame is left open at the end of a page, and none is drawn twice"""
    for page in _pages(name, 40):
        for at, row in enumerate(_rows(laid_out.root(page))):
            for n, cell in enumerate(_cell_boxes(row)):
                widths = [cell.style[f"border_{side}_width"] > 0 for side in ("top", "right", "bottom", "left")]
                assert widths == [False, True, True, n == 0], (at, n)


def _pages(name: str, count: int) -> list[Any]:
    given = (PAPERS | STATISTICS)[name]
    table = paper_tables.lay_out(given, [_row(given, n) for n in range(count)])
    section = {"heading": "", "facts": [], "table": table, "notes": []}
    paper = {
        "title": name,
        "subject": CLASS,
        "about": [f"共 {count} 人"],
        "sections": [section],
        "language": "zh-CN",
        "words": {"page": "第 ", "of": " 页，共 ", "pages": " 页"},
        "foot": "协会 打印于 2026-11-29",
    }
    return laid_out.lay_out(pdf.render("documents/paper.html", {"paper": paper}), "documents/paper.css")


def _row(given: tuple[Column, ...], n: int) -> Row:
    own = {
        "name": NAMES[n % 3] if n % 9 else NAMES[4],
        "unit_name": UNITS[n % 2] if n % 8 else UNITS[2],
        "type_name": TYPE,
        "score": SCORES[n % 4],
        "makeup": 600 if n % 2 else None,
        "statement": "乘车时遗失，已在报纸上声明作废。",
    }
    return {c.key: own[c.key] if c.key in own else _value(c, n) for c in given}


def _value(column: Column, n: int) -> Any:
    match column.kind:
        case CellType.CODE:
            return f"3720240000{n:04d}"
        case CellType.NUMBER:
            return n
        case CellType.INSTANT:
            return datetime(2025, 9, 24, 9, tzinfo=UTC)
        case CellType.DAY:
            return "2026-09-24"
        case CellType.EMPTY:
            return None
        case CellType.RATIO:
            return Ratio(n, 40)
        case CellType.SCORE:
            return SCORES[n % 4]
        case CellType.TEXT if column.key in ("class_title", "place", "institution"):
            return LONG[n % 3]
        case _:
            return "已确认"


def _rows(page: Any) -> list[Any]:
    bodies = [box for box in laid_out.boxes(page) if type(box).__name__ == "TableRowGroupBox" and not box.is_header]
    return [row for body in bodies for row in body.children]


def _cell_boxes(row: Any) -> list[Any]:
    return [box for box in row.children if type(box).__name__ == "TableCellBox"]


def _cells(row: Any) -> list[str]:
    return [laid_out.words_of(cell) for cell in _cell_boxes(row)]


def _inside(page: Any) -> bool:
    """Every text of a table stands within its cell."""
    cells = [box for box in laid_out.boxes(page) if type(box).__name__ == "TableCellBox"]
    return all(
        cell.position_x <= text.left and text.right <= cell.position_x + cell.border_width() + 0.5
        for cell in cells
        for text in laid_out.texts_of(cell)
    )


def _snapshot(pages: list[Any], rows: list[list[Any]]) -> list[dict[str, Any]]:
    """The structure of each page: its sheet in millimetres, its columns, and its first and last row."""
    return [
        {
            "sheet": [round(page.margin_width() * 25.4 / 96), round(page.margin_height() * 25.4 / 96)],
            "rows": len(found),
            "columns": [round(cell.border_width() * 25.4 / 96) for cell in _cell_boxes(found[0])],
            "first": _cells(found[0]),
            "last": _cells(found[-1]),
        }
        for page, found in zip(pages, rows, strict=True)
    ]


def _kept(name: str, count: int, found: list[dict[str, Any]]) -> Any:
    """The snapshot of the last time. One that is missing is written, to be looked at and committed, and fails the test."""
    path = SNAPSHOTS / f"{name}-{count}.json"
    is_missing = not path.exists()
    if is_missing:
        path.parent.mkdir(exist_ok=True)
        text = json.dumps(found, ensure_ascii=False, indent=1)
        path.write_text(
            re.sub(r"\[\n\s+([^\[\]{}]*?)\n\s+\]", lambda m: "[" + re.sub(r"\n\s+", " ", m[1]) + "]", text) + "\n"
        )
    assert not is_missing, f"look at {path.name} and commit it"
    return json.loads(path.read_text())
