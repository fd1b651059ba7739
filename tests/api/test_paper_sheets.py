"""Every paper, as PDF and as Excel, holds the same rows, in both languages (domain.md §11)."""

from __future__ import annotations

import io
import re
from datetime import date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from service.infrastructure.documents import pdf
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.persons.person import Person
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.export import ExportLog
from service.reports import REPORTS, class_papers
from tests.api.test_reports import everyone, school
from tests.builders.trained import make_enrollment
from tests.builders.world import (
    authority_user,
    make_certificate,
    make_class,
    make_institution,
    make_person,
    make_unit,
    make_user,
    sign_in,
)

TABLE = re.compile(r'<table class="grid.*?</table>', re.DOTALL)
FACTS = re.compile(r'<table class="facts">.*?</table>', re.DOTALL)
ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL)
CELL = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.DOTALL)
LANGUAGES = ("zh", "en")
Rows = list[list[str]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_report_has_the_same_rows_on_paper_and_in_its_sheet(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    school()
    papers, filled = _papers(monkeypatch), set()
    for role, user in everyone().items():
        sign_in(client, user)
        client.post("/language", data={"language": language})
        for report in REPORTS:
            if role not in report.roles:
                continue
            client.get(f"/reports/{report.name}/paper.pdf")
            (sheet,) = _workbook(client, report.name, "")
            heads, *rows = _grid(papers[-1])[0]
            assert [cells[1:] for cells in (heads, *rows)] == _alike(sheet, heads[1:]), (role, report.name)
            assert any("\u4e00" <= c <= "\u9fff" for c in "".join(heads)) == (language == "zh")
            filled |= {report.name} if rows else set()
    assert len(filled) > 5, filled


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [0, 1, 40])
def test_every_paper_of_a_class_has_the_same_rows_on_paper_and_in_its_sheets(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch, language: str, count: int
) -> None:
    found = _class(count)
    sign_in(client, authority_user("association"))
    client.post("/language", data={"language": language})
    papers = _papers(monkeypatch)
    for paper in class_papers.LISTS:
        is_file = paper is class_papers.FILE
        assert client.get(f"/classes/{found}/papers/{'file' if is_file else paper.name}.pdf").status_code == 200
        sheets = _workbook(client, paper.name, f"class_id={found}")
        grids = _grid(papers[-1])
        assert len(grids) == len(sheets) - is_file == max(1, len(paper.parts)), paper.name
        for grid, sheet in zip(grids, sheets[is_file:], strict=True):
            assert [cells[1:] for cells in grid] == _alike(sheet, grid[0][1:]), paper.name
            assert len(grid) == 1 + count
            assert (grid[0][1] == "姓名") == (language == "zh")
        if is_file:
            assert _facts(papers[-1]) == list(zip(*_alike(sheets[0], sheets[0][0]), strict=True))


def test_the_sheets_of_a_class_file_never_hold_a_formula_and_are_logged(client: FlaskClient, clock: Any) -> None:
    """R71: also in the facts of the class"""
    found = _class(3, title="=1+1", place="@济南")
    sign_in(client, user := authority_user("association"))
    first, *rest = _workbook(client, "class-file", f"class_id={found}")
    assert {"'=1+1", "'@济南"} <= set(first[1])
    row = session().scalars(select(ExportLog).where(ExportLog.user_id == user.id)).one()
    assert (row.name, row.total, row.done, row.masked) == ("class-file", 1 + 3 * 3, 1 + 3 * 3, True)
    assert session().scalars(select(AuditEvent.action).where(AuditEvent.object_id == row.id)).all() == ["export"]
    assert "*" in str(rest)


def test_whole_numbers_stand_in_the_tables_of_a_class_file_and_nothing_else_changes(
    client: FlaskClient, clock: Any
) -> None:
    """R71: the row of the class is of no person"""
    found = _class(2)
    sign_in(client, authority_user("association"))
    masked = _workbook(client, "class-file", f"class_id={found}")
    whole = _workbook(client, "class-file", f"class_id={found}", numbers="whole", purpose="核对")
    assert masked[0] == whole[0]
    assert "*" in str(masked[1])
    assert "*" not in str(whole)
    assert [[row[0] for row in sheet] for sheet in masked] == [[row[0] for row in sheet] for sheet in whole]


def test_the_class_file_is_for_its_institution_and_the_association(client: FlaskClient, clock: Any) -> None:
    """R70: as PDF and as Excel, and the page of the class leads to both"""
    centre = make_institution("甲中心")
    found = make_class(institution=centre).id
    ours, others = (make_user("training_institution", one.id) for one in (centre, make_institution("乙中心")))
    for user, status in ((ours, 200), (authority_user("association"), 200), (others, 404)):
        desk = sign_in(client, user)
        assert desk.get(f"/classes/{found}/papers/file.pdf").status_code == status, user.role
        assert desk.get(f"/exports/new/class-file?class_id={found}").status_code == status, user.role
        assert desk.post(f"/exports/new/class-file?class_id={found}").status_code in (303, status), user.role
        page = desk.get(f"/classes/{found}").get_data(as_text=True)
        for address in (f"/classes/{found}/papers/file.pdf", f"/exports/new/class-file?class_id={found}"):
            assert (address in page) == (status == 200), (user.role, address)
    for user in (authority_user("ministry"), authority_user()):
        assert sign_in(client, user).get(f"/exports/new/class-file?class_id={found}").status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [0, 3])
def test_the_training_record_has_a_sheet_for_each_table_of_its_paper(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch, language: str, count: int
) -> None:
    """domain.md §11, S12: who the person is, every training, every certificate, every change"""
    person = make_person(make_unit("enterprise", "37"))
    for n in range(count):
        with transaction(Operation("transfer_person")):
            session().get_one(Person, person.id, populate_existing=True).post = f"安全科长{n}"
        make_enrollment(person, make_class("initial", title=f"第{n}期"), "failed", 550, None)
    if count:
        make_certificate(person)
    sign_in(client, authority_user("association"))
    assert f"/exports/new/training-record?person={person.id}" in client.get(f"/persons/{person.id}/record").text
    client.post("/language", data={"language": language})
    papers = _papers(monkeypatch)
    client.get(f"/persons/{person.id}/record.pdf")
    who, *sheets = _workbook(client, "training-record", f"person={person.id}")
    grids = _grid(papers[-1])
    assert len(sheets) == len(grids) == 3
    assert (len(who), person.name in who[1], person.id_number_masked in who[1]) == (2, True, True)
    assert [len(sheet) - 1 for sheet in sheets] == [count, min(count, 1), count + 1]
    for grid, sheet in zip(grids, sheets, strict=True):
        if len(sheet) > 1:
            assert len(grid) == len(sheet)
            assert [cells[0] for cells in grid[1:]] == [cells[0] for cells in _alike(sheet[1:], sheet[0])]
    if count:
        assert {f"第{n}期" for n in range(count)} == {row[0] for row in sheets[0][1:]}
        assert {"55", "缺考" if language == "zh" else "Absent"} <= set(sheets[0][1])
        assert "安全科长2" in str(sheets[2][-1])


def test_a_training_record_is_for_those_who_may_read_it(client: FlaskClient, clock: Any) -> None:
    """R70"""
    ours, others = make_unit("enterprise", "37"), make_unit("enterprise", "41")
    person = make_person(ours)
    readers = {
        make_user("enterprise", ours.id): 200,
        make_user("enterprise", others.id): 404,
        authority_user(code="37"): 200,
        authority_user(code="41"): 404,
        authority_user("ministry"): 200,
        make_user("training_institution", make_institution().id): 404,
    }
    for user, status in readers.items():
        desk = sign_in(client, user)
        for address in (f"/persons/{person.id}/record.pdf", f"/exports/new/training-record?person={person.id}"):
            assert desk.get(address).status_code == status, (user.role, address)
    assert desk.get("/exports/new/training-record").status_code == 404


def _class(count: int, **more: Any) -> Any:
    found = make_class("initial", **more)
    unit = make_unit()
    for n in range(count):
        person = make_person(unit)
        make_enrollment(person, found, "completed" if n % 2 else "failed", 608 if n % 2 else 550)
        make_certificate(person)
    return found.id


def _papers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The papers that are asked for from now on, as they go to the printer of pages."""
    seen: list[str] = []

    def keep(html: str, **_: Any) -> bytes:
        seen.append(html)
        return b"%PDF"

    monkeypatch.setattr(pdf, "print_pdf", keep)
    return seen


def _grid(html: str) -> list[Rows]:
    return [[_cells(row) for row in ROW.findall(table)] for table in TABLE.findall(html)]


def _facts(html: str) -> list[tuple[str, ...]]:
    cells = [cell for row in ROW.findall(FACTS.findall(html)[0]) for cell in _cells(row)]
    return [pair for pair in zip(cells[::2], cells[1::2], strict=True) if pair[0]]


def _cells(row: str) -> list[str]:
    return [_plain(re.sub(r"<[^>]+>", "", cell)) for cell in CELL.findall(row)]


def _workbook(client: FlaskClient, name: str, query: str, **form: str) -> list[list[list[Any]]]:
    """The sheets of an exported file, each from its heads on."""
    answer = client.post(f"/exports/new/{name}?{query}", data=form, follow_redirects=True, buffered=True)
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    sheets = [book.get_sheet_by_index(at).to_python() for at in range(len(book.sheet_names))]
    return [rows[next(n for n, row in enumerate(rows) if sum(c != "" for c in row) > 1) :] for rows in sheets]


def _alike(sheet: list[list[Any]], heads: list[Any]) -> Rows:
    """The rows as a paper writes them."""
    return [[_plain(_written(cell)) for cell in (*row, *[""] * (len(heads) - len(row)))] for row in sheet]


def _written(cell: Any) -> str:
    match cell:
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M}"
        case date():
            return cell.isoformat()
        case float():
            return f"{round(cell, 3):.10g}"
    return str(cell)


def _plain(text: str) -> str:
    """Without the breaks of lines, the signs of thousands and of nothing; shares as fractions."""
    text = re.sub(r"\s|&#\d+;|^—$|^'", "", text)
    if share := re.fullmatch(r"([\d.]+)%", text):
        return f"{float(share[1]) / 100:.10g}"
    return text.replace(",", "") if re.fullmatch(r"[\d,.]+", text) else text
