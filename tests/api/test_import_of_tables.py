"""Tables of other systems (R72): their columns are named on the page, refused cells are mended there, and dates, ticks,
joined cells and hidden rows are read as people write them.
"""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
import xlsxwriter
from flask.testing import FlaskClient
from sqlalchemy import select

from service.errors import Conflict
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import Organisation
from service.workflow.persons import person_import
from service.workflow.persons.import_rows import rows_of
from service.workflow.persons.import_sheet import COLUMNS, find_table
from service.workflow.xlsx_reader import Line
from tests.api.test_pages_person_import import book, cells, count, only_import, text_of, upload, zipped
from tests.builders.world import identity_number, make_user, portrait, sign_in

AT = {column.input_name: n for n, column in enumerate(COLUMNS)}
OWN = [column.label for column in COLUMNS]
FOREIGN = ["序号", *(column.headings[0] if column.headings else column.label for column in COLUMNS)]


def named(*fields: str) -> dict[str, str]:
    """The answer of the page that asks for the columns."""
    return {f"column-{n}": field for n, field in enumerate(fields)}


ALL = named("", *AT)


@pytest.mark.parametrize(
    "data",
    [
        book([cells(1)], mark="人员"),
        book([cells(1)], mark="persons-0"),
        book([cells(1)[1:]], heads=OWN[1:]),
        book([cells(1)], heads=["另一列" if head == "职务" else head for head in OWN]),
        book([[*cells(1), "1"]], heads=[*OWN, "手机"]),
        book([cells(1)], heads=["一", "二", "三"]),
        book([[1, *cells(1)]], heads=FOREIGN, mark=""),
        "\n".join([",".join(OWN), ",".join(str(cell or "") for cell in cells(1))]).encode("gb18030"),
    ],
)
def test_R72_a_table_that_is_not_the_template_asks_for_its_columns(desk: FlaskClient, data: bytes) -> None:
    answer = upload(desk, data)
    assert answer.status_code == 303
    page = desk.get(answer.location).text
    assert "指出各列" in page
    assert identity_number(1) not in page  # of long numbers the middle is hidden
    assert (only_import().state, count()) == ("mapping", 0)
    assert desk.post(answer.location, data={"rows": "all"}).status_code == 409


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.input_name)
def test_R72_each_heading_of_other_systems_proposes_its_field(column: Any) -> None:
    for heading in (column.label, *column.headings):
        lines = [Line(1, ("人员名册", None)), Line(2, ("序号", f" {heading}*")), Line(3, (1, "一"))]
        found = find_table(lines, lambda word: {word})
        assert (dict(found.places), found.is_template) == ({column.input_name: 1}, False), heading


def test_R72_a_table_of_another_system_is_imported_by_the_columns_that_are_named(desk: FlaskClient) -> None:
    address = upload(desk, book([[1, *cells(1)], [2, *cells(2)]], heads=FOREIGN, mark="")).location
    page = desk.get(address).text
    assert all(f'<option value="{name}" selected>' in page for name in AT)
    photos = zipped({"4.jpg": portrait()})
    sent = ALL | {"photos": (io.BytesIO(photos), "照片.zip")}
    assert desk.post(f"{address}/columns", data=sent, content_type="multipart/form-data").status_code == 303
    assert "共 2 行：2 行通过" in text_of(desk.get(address).text)
    assert desk.post(f"{address}/columns", data=ALL).status_code == 303  # the second click
    desk.post(address, data={"rows": "all"})
    people = session().scalars(select(Person).order_by(Person.id_number_masked)).all()
    assert {one.id_number for one in people} == {identity_number(1), identity_number(2)}
    assert [one.photo_id is not None for one in people].count(True) == 1


@pytest.mark.parametrize("column", [one for one in COLUMNS if one.required], ids=lambda column: column.input_name)
def test_R72_a_column_that_must_be_there_is_asked_for_and_the_choice_is_kept(desk: FlaskClient, column: Any) -> None:
    address = upload(desk, book([[1, *cells(1)]], heads=FOREIGN, mark="")).location
    chosen = {key: "" if name == column.input_name else name for key, name in ALL.items()}
    answer = desk.post(f"{address}/columns", data=chosen)
    assert answer.status_code == 422
    assert f"请指出哪一列是“{column.label}”" in answer.text
    twice = desk.post(f"{address}/columns", data=ALL | {"column-0": "name"})
    assert (twice.status_code, only_import().state) == (422, "mapping")
    assert "另一列已经选了这一项" in twice.text


DAY = date(2026, 1, 5)
DATES = [
    "20260105",
    20260105,
    "2026年1月5日",
    "2026.1.5",
    "2026/01/05",
    "２０２６－１－５",
    46027,
    "46027",
    46027.0,
    DAY,
]


@pytest.mark.parametrize("written", DATES, ids=repr)
def test_R72_dates_are_read_as_they_are_written(desk: FlaskClient, written: Any) -> None:
    address = upload(desk, book([cells(1, appointed_on=written)])).location
    assert "1 行通过，0 行未通过" in text_of(desk.get(address).text)
    desk.post(address, data={"rows": "all"})
    assert session().scalars(select(Person)).one().appointed_on == DAY


@pytest.mark.parametrize("word", ["√", "是", "Y", "y", "yes", "✓", "对", "1", 1, True], ids=repr)
def test_R72_a_tick_is_a_yes(desk: FlaskClient, word: Any) -> None:
    address = upload(desk, book([cells(1, no_criminal_record=word)]), "submit").location
    assert "1 行通过，0 行未通过" in text_of(desk.get(address).text)


def test_R72_hidden_rows_are_read_and_told(desk: FlaskClient) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as written:
        sheet = written.add_worksheet()
        sheet.write_row(0, 0, OWN)
        for n in (1, 2, 3):
            sheet.write_row(n, 0, cells(n))
        sheet.set_row(2, None, None, {"hidden": True})
    address = upload(desk, out.getvalue()).location
    desk.post(f"{address}/columns", data=named(*AT))
    said = text_of(desk.get(address).text)
    assert "共 3 行：3 行通过" in said
    assert "第 3 行在文件里是隐藏的" in said


# A refused cell by its column: what the file has there, and what is typed over it.
MENDS = {
    "name": ("=1", "陈己巳"),
    "id_type": ("驾照", "居民身份证"),
    "id_number": (370000198001010025, identity_number(2)),
    "birth_date": ("80年", ""),
    "sex": ("甲", "男"),
    "phone": ("1381234", "13812345678"),
    "qualification_type": ("厨师", "MANAGER_PROD"),
    "appointed_on": ("去年", "2026年1月5日"),
    "post": ("=A1", "安全科长"),
    "no_criminal_record": ("也许", "是"),
    "certificate_issued_on": ("早先", ""),
}


@pytest.mark.parametrize("field", MENDS)
def test_R72_a_refused_cell_is_mended_on_the_preview(desk: FlaskClient, field: str) -> None:
    wrong, right = MENDS[field]
    address = upload(desk, book([cells(1), cells(2, **{field: wrong})])).location
    page = desk.get(address).text
    assert f'name="cell-5-{field}"' in page
    assert "1 行通过，1 行未通过" in text_of(page)
    still = desk.post(f"{address}/rows", data={f"cell-5-{field}": str(wrong)}, follow_redirects=True)
    if field not in ("id_number", "name", "post"):  # typed, these are texts like others
        assert "1 行通过，1 行未通过" in text_of(still.text)
    assert desk.post(f"{address}/rows", data={f"cell-5-{field}": right}).status_code == 303
    assert "共 2 行：2 行通过" in text_of(desk.get(address).text)
    assert count() == 0
    desk.post(address, data={"rows": "all"})
    assert count() == 2


def test_R72_a_number_typed_twice_is_refused_again_and_other_rows_stay(desk: FlaskClient) -> None:
    address = upload(desk, book([cells(1), cells(2, phone="1"), cells(3, phone="2")])).location
    typed = {"cell-5-id_number": identity_number(1), "cell-5-phone": "13812345678", "cell-99-phone": "1", "cell-x": ""}
    said = text_of(desk.post(f"{address}/rows", data=typed, follow_redirects=True).text)
    assert "1 行通过，2 行未通过" in said
    assert "与第 4 行的证件号码相同" in said
    desk.post(address, data={"rows": "passed"})
    assert desk.post(f"{address}/rows", data=typed).status_code == 409


def test_two_mends_at_once_lose_nothing(desk: FlaskClient, officer: User) -> None:
    upload(desk, book([cells(1, phone="1"), cells(2, phone="2")]))
    key, user_id, starts = only_import().id, officer.id, threading.Barrier(2)
    flask = desk.application

    def mend(row: int) -> bool:
        with flask.app_context():
            user = User.get(user_id)
            assert user is not None
            starts.wait()
            try:
                person_import.mend_rows(user, key, {row: {"phone": "13812345678"}}, lambda word: {word})
            except Conflict:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        done = dict(zip((4, 5), pool.map(mend, (4, 5)), strict=True))
    assert any(done.values())
    assert {one.number for one in rows_of(only_import()) if not one.wrong} == {
        row for row, took in done.items() if took
    }


def test_R72_nobody_else_names_columns_or_mends_rows(desk: FlaskClient, unit: Organisation) -> None:
    address = upload(desk, book([[1, *cells(1)]], heads=FOREIGN, mark="")).location
    other = sign_in(desk, make_user("enterprise", unit.id))
    assert other.post(f"{address}/columns", data=ALL).status_code == 404
    assert other.post(f"{address}/rows", data={}).status_code == 404
