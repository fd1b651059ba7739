"""Import of persons in a real Chromium (R72): upload, preview, progress that goes on by itself, axe and the telephone."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from service.models.db.clock import MovingClock
from service.models.tables.accounts.user import User
from service.workflow.persons import person_import
from service.workflow.runtime import jobs
from tests.api.test_pages_person_import import book, cells
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.world import make_unit, make_user

pytestmark = pytest.mark.browser
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def officer(app: Flask, clock: MovingClock) -> User:
    return make_user("enterprise", make_unit(name="泺源民爆器材（示例）公司").id)


def test_R72_a_file_is_looked_at_before_it_is_imported(page: Page, app: Flask, officer: User, tmp_path: Path) -> None:
    file = tmp_path / "人员.xlsx"
    file.write_bytes(book([cells(1), cells(2, name="", phone="12")]))
    sign_in(page, app, officer).goto("/persons")
    page.get_by_role("link", name="Excel 导入").click()
    page.get_by_label("人员表格").set_input_files({"name": "a.xlsx", "mimeType": "text/plain", "buffer": b"\0a"})
    page.get_by_role("button", name="上传并检查").click()
    expect(page.locator("#file-wrong")).to_contain_text("既不是 Excel 文件")
    page.get_by_label("人员表格").set_input_files(file)
    page.get_by_role("button", name="上传并检查").click()
    expect(page.locator(".say.warn:visible")).to_contain_text("1 行通过，1 行未通过")
    with page.expect_download() as fetched:
        page.get_by_role("link", name="下载错误文件").click()
    assert fetched.value.suggested_filename == "人员导入-错误说明.xlsx"
    page.get_by_role("button", name="只导入通过的 1 行").click()
    expect(page.locator(".say.ok").last).to_contain_text("已导入 1 人")


def test_R72_the_progress_of_a_long_file_turns_into_its_preview(
    page: Page, app: Flask, officer: User, tmp_path: Path
) -> None:
    file = tmp_path / "人员.xlsx"
    file.write_bytes(book([cells(n) for n in range(person_import.ROWS_AT_ONCE + 1)]))
    sign_in(page, app, officer).goto("/persons/import")
    page.get_by_label("人员表格").set_input_files(file)
    page.get_by_role("button", name="上传并检查").click()
    expect(page.locator("#progress")).to_contain_text("正在检查")
    assert violations(page) == []
    jobs.run_all()
    expect(page.locator(".say.ok")).to_contain_text(f"{person_import.ROWS_AT_ONCE + 1} 行通过", timeout=10_000)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_R72_axe_finds_nothing_and_no_page_is_wider_than_a_telephone(
    page: Page, app: Flask, officer: User, language: str, tmp_path: Path
) -> None:
    file = tmp_path / "人员.xlsx"
    file.write_bytes(book([cells(1), cells(2, name="", phone="12"), cells(3, qualification_type="经理")], mark=""))
    page.set_viewport_size(PHONE)
    sign_in(page, app, officer, language=language).goto("/persons/import")
    found = violations(page) + overflow(page)
    page.locator("#file").set_input_files(file)
    page.locator("main .btn-primary").last.click()
    expect(page.locator("select").first).to_have_value("name")
    found += violations(page) + overflow(page)
    page.locator("main .btn-primary").last.click()
    expect(page.locator(".say.warn:visible")).to_be_visible()
    found += violations(page) + overflow(page)
    page.locator("#cell-5-name").fill("陈己巳")
    page.locator("#cell-5-phone").fill("13812345678")
    page.locator("#cell-5-phone").press("Enter")
    expect(page.locator("#cell-5-name")).to_have_count(0)
    page.get_by_role("button", name="2").last.click()
    expect(page.locator(".say.ok").last).to_be_visible()
    found += violations(page) + overflow(page)
    assert found == []
