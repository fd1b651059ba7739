"""Worksheets in a real Chromium: keys, pasting, filling down, what is said while typing, a file, what is kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from service.config import CHECKOUT
from service.models.db.clock import MovingClock
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import authority_id
from service.workflow.runtime import jobs
from service.workflow.training import enrollments
from tests.browser.tab import sign_in, violations
from tests.builders.stage import Stage, at_nine, do, enroll, known, make_stage, publish_class
from tests.builders.world import make_certificate, make_unit, make_user

PAGES = CHECKOUT / "templates" / "pages"
pytestmark = pytest.mark.browser
NAMES = ("陈戊辰", "买买提·吐尔逊", "赵丁卯", "孙庚午", "李静", "曾凡")


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


@pytest.fixture
def found(stage: Stage, clock: MovingClock) -> TrainingClass:
    """A class on its first day, all of its people here."""
    people = [stage.person(name=name) for name in NAMES]
    enrollments.refresh_need()
    found = publish_class(stage)
    cases = [enroll(stage, found, person) for person in people]
    for case in cases:
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    jobs.run_all()
    for case in cases:
        do(stage.association, case, "check_in")
    return found


def paste(cell: Locator, text: str) -> None:
    """What Ctrl+V does with text of another program."""
    cell.focus()
    cell.evaluate(
        """(cell, text) => { const data = new DataTransfer(); data.setData('text/plain', text);
        cell.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }""",
        text,
    )


def score(page: Page, name: str) -> Locator:
    return page.get_by_label(f"{name}：成绩", exact=True)


def order(page: Page) -> list[str]:
    names: list[str] = page.locator("tr[data-row]").evaluate_all("rows => rows.map(row => row.dataset.name)")
    return names


def test_a_sheet_of_scores_is_typed_pasted_mended_and_kept(
    page: Page, app: Flask, stage: Stage, found: TrainingClass
) -> None:
    """R49: nothing but the button sends; what is wrong says so at once, and stays when the rest is sent."""
    address = f"/classes/{found.id}/scores"
    sign_in(page, app, stage.institution).goto(address)
    names = order(page)
    score(page, names[0]).focus()
    for typed in ("85", "60", "59.5", "缺考", "101", "88.55"):
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
    assert page.url.endswith(address)
    means = page.locator("[data-means]").all_text_contents()
    assert means == ["合格", "合格", "须补考", "须补考", "", ""]
    expect(page.get_by_label(f"{names[3]}：缺考")).to_be_checked()
    expect(page.locator("[data-sums]")).to_have_text("已填 6 / 6合格 2须补考 2缺考 1有误 2未填 0平均 68.2")
    assert page.locator("tr.bad .why").all_text_contents() == ["须在 0 至 100 之间", "最多 1 位小数"]
    assert violations(page) == []
    page.keyboard.press("F8")
    expect(score(page, names[4])).to_be_focused()
    page.wait_for_timeout(500)
    page.reload()
    assert [score(page, name).input_value() for name in names] == ["85", "60", "59.5", "", "101", "88.55"]
    page.get_by_role("button", name="提交已填的 4 行").click()
    expect(page.get_by_role("status").first).to_contain_text("已提交 4 人的成绩")
    assert order(page) == names[4:]
    assert score(page, names[4]).input_value() == "101"
    expect(page.locator("tr.bad")).to_have_count(2)


def test_a_sheet_is_taken_up_on_another_machine_and_two_on_it_are_told(
    page: Page, app: Flask, stage: Stage, found: TrainingClass
) -> None:
    """R74: what was typed and not sent is there where one signs in next; a colleague on the same sheet sees who types."""
    address = f"/classes/{found.id}/scores"
    colleague = make_user("training_institution", stage.institution.organisation_id)
    sign_in(page, app, stage.institution).goto(address)
    names = order(page)
    with page.expect_response(
        lambda answer: answer.url.endswith("/drafts") and "85" in (answer.request.post_data or "")
    ):
        score(page, names[0]).fill("85")
    browser = page.context.browser
    assert browser
    base = page.url.removesuffix(address)
    for user, value in ((stage.institution, "85"), (colleague, "")):
        other = browser.new_context(base_url=base, locale="zh-CN")
        tab = sign_in(other.new_page(), app, user)
        tab.goto(address)
        if user is colleague:
            expect(tab.locator("[data-others]")).to_contain_text(f"{stage.institution.display_name} 也在填写这张表")
        expect(score(tab, names[0])).to_have_value(value)
        other.close()
    page.get_by_role("button", name="提交已填的 1 行").click()
    with page.expect_response(lambda answer: answer.url.endswith("/drafts")):
        expect(page.get_by_role("status").first).to_contain_text("已提交 1 人的成绩")
    expect(page.locator("[data-others]")).to_be_hidden()


def test_a_column_a_block_and_names_are_pasted_and_taken_back(
    page: Page, app: Flask, stage: Stage, found: TrainingClass
) -> None:
    sign_in(page, app, stage.institution).goto(f"/classes/{found.id}/scores")
    names = order(page)
    values = lambda: [score(page, name).input_value() for name in names]  # noqa: E731
    paste(score(page, names[1]), "88\r\n77.5\r\n缺考\r\n６６\r\n55\r\n44\r\n")
    assert values() == ["", "88", "77.5", "", "66", "55"]
    expect(page.get_by_label(f"{names[3]}：缺考")).to_be_checked()
    expect(page.locator("[data-sheet-said]")).to_have_text("已粘贴 5 格。另有 1 行没有对应的人员，未粘贴。")
    page.keyboard.press("Control+z")
    assert values() == [""] * 6
    paste(score(page, names[0]), "\n".join(f"{name}\t{70 + n}" for n, name in enumerate(reversed(names))))
    assert values() == ["75", "74", "73", "72", "71", "70"]
    page.keyboard.press("Control+z")
    score(page, names[2]).fill("90")
    page.keyboard.press("Control+d")
    assert values() == ["", "", "90", "90", "90", "90"]
    page.keyboard.press("ArrowUp")
    expect(score(page, names[1])).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_label(f"{names[1]}：缺考")).to_be_focused()


def test_a_filled_file_is_read_over_what_was_typed(
    page: Page, app: Flask, stage: Stage, found: TrainingClass, tmp_path: Path
) -> None:
    sign_in(page, app, stage.institution).goto(f"/classes/{found.id}/scores")
    names = order(page)
    score(page, names[5]).fill("91")
    file = tmp_path / "成绩.csv"
    file.write_bytes("姓名,成绩,备注\n买买提.吐尔逊,81,\n不在,70,\n李 静,缺考,\n".encode("gbk"))
    page.get_by_text("导入 Excel").click()
    page.set_input_files("#file", file)
    page.get_by_role("button", name="读入表中").click()
    expect(page.get_by_role("status").first).to_contain_text("已从文件读入 2 行")
    expect(page.get_by_role("status").first).to_contain_text("第 3 行 不在：不在本表")
    assert score(page, "买买提·吐尔逊").input_value() == "81"
    expect(page.get_by_label("李静：缺考")).to_be_checked()
    assert score(page, names[5]).input_value() == "91"


def test_a_kind_of_work_is_decided_as_a_sheet_each_row_as_it_says(page: Page, app: Flask, stage: Stage) -> None:
    """R43: who refuses says why, in the row; the others are done."""
    enrollments_of = [stage.person(name=name) for name in NAMES[:3]]
    enrollments.refresh_need()
    found = publish_class(stage)
    for person in enrollments_of:
        enroll(stage, found, person)
    sign_in(page, app, stage.province).goto("/inbox?kind=training_enrollment/confirm_enrollment")
    page.get_by_role("link", name="整表办理").click()
    names = order(page)
    decision = page.get_by_label(f"{names[0]}：确认意见")
    if not decision.count():
        decision = page.locator("tr[data-row]").first.locator("select")
    decision.focus()
    page.keyboard.press("2")
    expect(page.locator("tr.bad .why")).to_contain_text("请填写")
    page.get_by_role("button", name="未填的都填“同意").click()
    expect(page.get_by_role("button", name="提交已填的 2 行")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="提交已填的").click()
    expect(page.get_by_role("status").first).to_contain_text(f"已办理 2 条：{names[1]}、{names[2]}。")
    assert order(page) == names[:1]
    expect(page.locator("tr.bad")).to_have_count(1)
    page.locator("tr.bad input.form-control").fill("已在他处报名")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status").first).to_contain_text(f"已办理 1 条：{names[0]}。")


DEAD = """
[...document.querySelectorAll("form")].flatMap(form => {
    const shown = part => { const box = part.getBoundingClientRect(); return box.width >= 20 && box.height >= 20 && getComputedStyle(part).visibility !== "hidden" };
    const boxes = [...form.elements].filter(part => part.matches("tbody input[type=checkbox]"));
    return boxes.filter(box => !shown(box)).map(box => box.getAttribute("aria-label"));
})
"""
BATCHES = {  # template with rows to tick → who reads it, and where
    "cases/index.html": ("auditor", "/cases"),
    "certificates/index.html": ("association", "/certificates"),
    "certificates/expired.html": ("ministry", "/certificates/expired"),
    "enrollments/check_in.html": ("association", "/classes/{found.id}/check-in"),
    "unit_actions/unentered.html": ("province", "/units/unentered"),
    "classes/enroll.html": ("enterprise", "/classes/{found.id}/enroll"),
    "printing/new.html": ("association", "/certificates/print?class={found.id}"),
    "printing/register.html": ("association", "/certificates/prints"),
    "inbox/index.html": ("province", "/inbox?kind=training_enrollment/confirm_enrollment"),
}


def test_nothing_is_dead_on_a_telephone(page: Page, app: Flask, stage: Stage, clock: MovingClock) -> None:
    """Whatever can be sent for chosen rows has rows that can be chosen, on each page with such a form."""
    marked = {
        str(path.relative_to(PAGES))
        for path in PAGES.rglob("*.html")
        if 'class="tick"' in (text := path.read_text()) and "<th" in text
    }
    assert marked == set(BATCHES)
    people = [stage.person(name=name) for name in NAMES[:4]]
    make_certificate(people[3])
    make_unit(state="draft", contact=None)
    enrollments.refresh_need()
    found = publish_class(stage)
    cases = [enroll(stage, found, person) for person in people[:2]]
    do(stage.province, cases[0], "confirm_enrollment", decision="confirm")
    page.set_viewport_size({"width": 390, "height": 780})
    dead, empty = {}, set()
    auditor = known(make_user("audit_admin", authority_id("platform")))
    for template, (reader, address) in BATCHES.items():
        sign_in(page, app, auditor if reader == "auditor" else getattr(stage, reader)).goto(address.format(found=found))
        if wrong := page.evaluate(DEAD):
            dead[template] = wrong
        if not page.locator("main tbody input[type=checkbox]").count():
            empty.add(template)
    assert dead == {}
    assert empty <= {"certificates/expired.html", "printing/new.html", "printing/register.html"}
    sign_in(page, app, stage.province).goto(BATCHES["inbox/index.html"][1])
    assert [link.inner_text() for link in page.locator("#kinds a").all() if not link.is_visible()] == []
    page.locator(".pick").first.check()
    page.get_by_role("button", name="同意报名").click()
    expect(page.get_by_role("status").first).to_contain_text("已办理 1 条")


def test_a_check_in_is_found_by_pinyin_tapped_and_taken_back_on_a_telephone(
    page: Page, app: Flask, stage: Stage, clock: MovingClock
) -> None:
    """R48, R83: one tap, named, undone within ten minutes."""
    people = [stage.person(name=name) for name in NAMES[:3]]
    enrollments.refresh_need()
    found = publish_class(stage)
    for person in people:
        do(stage.province, enroll(stage, found, person), "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    jobs.run_all()
    page.set_viewport_size({"width": 390, "height": 780})
    address = f"/classes/{found.id}/check-in"
    sign_in(page, app, stage.association).goto(address)
    page.get_by_label("在名单中查找").fill("cwc")
    rows = page.locator("tr[data-words]:visible")
    expect(rows).to_have_count(1)
    rows.get_by_role("button", name="报到").click()
    expect(page.get_by_role("status").first).to_contain_text("已报到 1 人：陈戊辰。")
    page.get_by_role("button", name="撤回").click()
    expect(page.get_by_role("status").first).to_contain_text("已撤回 1 人的报到。")
    expect(page.locator("tr[data-words]")).to_have_count(3)
    for box in page.locator("tbody input[type=checkbox]").all():
        box.check()
    page.get_by_role("button", name="为勾选的人员报到").click()
    expect(page.get_by_role("status").first).to_contain_text("已报到 3 人：")
    undo = page.locator(".desk-said form").get_attribute("action")
    clock.move(timedelta(minutes=11))
    page.get_by_role("button", name="撤回").click()
    expect(page.locator(".refusal")).to_contain_text("已超过 10 分钟")
    assert undo is not None
