"""Worksheets over HTTP: the template and its return, a file's rows found by name and number, a form without a script."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from service.models.db.clock import MovingClock
from service.models.tables.training.training import TrainingClass
from service.workflow.runtime import jobs
from service.workflow.training import enrollments
from tests.builders.stage import at_nine, do, enroll, make_stage, publish_class, scores_of
from tests.builders.world import sign_in

NAMES = ("陈戊辰", "买买提·吐尔逊", "李静", "李静")


class ScoreSheet:
    """A class of four, two of one name, all here; and its sheet in the institution's browser."""

    def __init__(self, client: FlaskClient, clock: MovingClock) -> None:
        stage = make_stage()
        self.client, self.people = client, [stage.person(name=name) for name in NAMES]
        enrollments.refresh_need()
        self.found: TrainingClass = publish_class(stage)
        self.cases = [enroll(stage, self.found, person) for person in self.people]
        for case in self.cases:
            do(stage.province, case, "confirm_enrollment", decision="confirm")
        clock.move_to(at_nine(self.found.starts_on))
        jobs.run_all()
        for case in self.cases:
            do(stage.association, case, "check_in")
        self.stage, self.address = stage, f"/classes/{self.found.id}/scores"
        sign_in(client, stage.institution)

    def template(self) -> list[list[Any]]:
        data = self.client.get(f"{self.address}/template.xlsx").data
        return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()

    def send(self, content: bytes, **typed: str) -> str:
        tasks = re.findall(r'name="task" value="([\w-]+)"', self.client.get(self.address).text)
        form = {"task": tasks, "file": (io.BytesIO(content), "成绩")} | typed
        return self.client.post(f"{self.address}/import", data=form).text

    def values(self, page: str) -> dict[str, str]:
        """Score or 缺考 by name and masked number."""
        rows = re.findall(r'<tr data-row data-name="(.*?)".*?</tr>', page, re.S)
        assert len(rows) == len(NAMES)
        found = {}
        for row in re.findall(r"<tr data-row.*?</tr>", page, re.S):
            name, number = re.search(r'data-name="(.*?)"', row), re.search(r"\d{3}\*+\w{4}", row)
            score = re.search(r'name="score_[\w-]+" value="(.*?)"', row)
            assert name
            assert number
            assert score
            found[name[1] + number[0][-4:]] = "缺考" if re.search(r'type="checkbox"[^>]* checked', row) else score[1]
        return found


@pytest.fixture
def sheet(client: FlaskClient, app: Flask, clock: MovingClock) -> ScoreSheet:
    return ScoreSheet(client, clock)


def xlsx(rows: list[list[Any]]) -> bytes:
    out = io.BytesIO()
    with Workbook(out) as book:
        page = book.add_worksheet()
        for n, cells in enumerate(rows):
            page.write_row(n, 0, cells)
    return out.getvalue()


@pytest.mark.parametrize("form", ["xlsx", "utf-8", "utf-8-sig", "gbk"])
def test_the_template_comes_back_filled_in(sheet: ScoreSheet, form: str) -> None:
    """R49: what stands in the file stands in the sheet, each beside whom it is about, namesakes by their number."""
    rows = sheet.template()
    head = next(n for n, row in enumerate(rows) if row[0] == "姓名")
    place = rows[head].index("成绩")
    wanted = {}
    for row, score in zip(reversed(rows[head + 1 :]), ("81.5", "缺考", "60", "7"), strict=True):
        row[place] = score
        wanted[row[0] + row[1][-4:]] = score
    text = "\n".join(",".join(str(cell) for cell in row) for row in rows)
    content = xlsx(rows) if form == "xlsx" else text.encode(form)
    assert sheet.values(sheet.send(content)) == wanted


def test_rows_that_cannot_be_taken_are_told_and_the_rest_is_read(sheet: ScoreSheet) -> None:
    full = sheet.people[3].id_number
    rows = [
        ["姓名", "身份证号", "成绩"],
        ["不在", "", 70],
        ["李静", "", 71],
        ["李静", full, 72.5],
        ["李静", full, 9],
        ["陈 戊辰", "", "=1+1"],
    ]
    page = sheet.send(xlsx(rows))
    for said in ("第 2 行 不在：不在本表", "第 3 行 李静：有同名", "第 5 行 李静：文件中重复"):
        assert said in page
    found = sheet.values(page)
    assert sorted(found.values()) == ["", "", "#", "72.5"]  # a formula is no score, and the form will say so


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "请选择要上传"), (b"\xd0\xcf\x11\xe0x", "旧版 Excel"), (b"PK\x03\x04x", "已损坏"), (b"\0\1\2", "既不是 Excel"), ("甲,乙\n1,2".encode(), "没有找到表头")],
)  # fmt: skip
def test_another_file_is_refused_at_its_field_and_nothing_typed_is_lost(
    sheet: ScoreSheet, content: bytes, why: str
) -> None:
    task = re.findall(r'name="score_([\w-]+)"', sheet.client.get(sheet.address).text)[0]
    page = sheet.send(content, **{f"score_{task}": "66"})
    assert why in page
    assert "66" in sheet.values(page).values()


def test_without_a_script_absence_may_be_written_where_the_score_stands(sheet: ScoreSheet) -> None:
    """R49"""
    tasks = re.findall(r'name="task" value="([\w-]+)"', sheet.client.get(sheet.address).text)
    typed = {f"score_{task}": text for task, text in zip(tasks, ("缺考", "８８.5", "", "101"), strict=True)}
    page = sheet.client.post(sheet.address, data={"task": tasks} | typed).text
    assert "缺考" not in re.findall(r'value="(.*?)"', page)
    assert sorted(str(scores_of(case)) for case in sheet.cases) == ["[885]", "[None]", "[]", "[]"]
    assert 'value="101"' in page


@pytest.mark.parametrize("spelling", ["陈戊辰", "chenwuchen", "cwc", "陈　戊 辰"])
def test_one_search_finds_what_is_in_scope_and_nothing_else(sheet: ScoreSheet, spelling: str) -> None:
    """R81, R70"""
    page = sign_in(sheet.client, sheet.stage.enterprise).get("/search", query_string={"q": spelling}).text
    assert f'href="/persons/{sheet.people[0].id}"' in page
    foreign = sign_in(sheet.client, sheet.stage.other_province).get("/search", query_string={"q": spelling}).text
    assert str(sheet.people[0].id) not in foreign
    assert "没有找到" in foreign


@pytest.mark.parametrize("reader", ["ministry", "association", "province", "institution", "enterprise"])
def test_the_search_names_persons_classes_units_and_cases(sheet: ScoreSheet, reader: str) -> None:
    user = getattr(sheet.stage, reader)
    found = [
        sign_in(sheet.client, user).get("/search", query_string={"q": words}).text
        for words in ("李静", sheet.found.title)
    ]
    assert "/persons/" in found[0] or reader == "institution"
    assert f'href="/classes/{sheet.found.id}"' in found[1]


def test_who_is_signed_out_elsewhere_is_led_to_the_sign_in_and_back(sheet: ScoreSheet) -> None:
    """A form of the session before is no error of the reader's."""
    app = sheet.client.application
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        sheet.client.post("/sign-out", data={"csrf_token": "x"})
        with sheet.client.session_transaction() as kept:
            kept.clear()
        answer = sheet.client.post(sheet.address, data={}, headers={"Referer": f"http://localhost{sheet.address}"})
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/sign-in?next=/classes/")
        assert "您已退出登录" in sheet.client.get(answer.headers["Location"]).text
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_the_total_of_a_list_is_that_of_its_filter(sheet: ScoreSheet) -> None:
    sign_in(sheet.client, sheet.stage.enterprise)
    shown = {words: sheet.client.get("/persons", query_string={"q": words}).text for words in ("", "李静", "陈戊辰")}
    for words, number in (("", len(NAMES)), ("李静", 2), ("陈戊辰", 1)):
        assert f"共 {number} 人" in shown[words]
