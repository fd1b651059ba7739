"""Accounts, one's own account, mails and exports in a real Chromium: axe-core, and the width of a telephone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from service.models.db.clock import MovingClock
from service.models.tables.units.organisation import authority_id
from service.workflow.runtime import jobs
from service.workflow.system import exports
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.world import authority_user, make_person, make_unit, make_user

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_of_accounts_are_accessible_and_fit_a_telephone(
    page: Page, app: Flask, clock: MovingClock, language: str
) -> None:
    sysadmin, province = make_user("sys_admin", authority_id("platform")), authority_user()
    unit_user = make_user("enterprise", make_unit().id)
    clock.move(timedelta(days=85))  # the home page warns of the password
    found: list[str] = []
    for user, addresses in (
        (sysadmin, ("/users", f"/users/{unit_user.id}", f"/users/{province.id}/edit", "/account", "/settings")),
        (province, ("/", "/users?state=waiting", "/account", "/password", "/exports")),
    ):
        sign_in(page, app, user, language=language)
        for width, height in ((1366, 768), (360, 780)):
            page.set_viewport_size({"width": width, "height": height})
            for address in addresses:
                page.goto(address)
                page.evaluate(
                    "for (const part of document.querySelectorAll('#session-end, [data-when]')) part.hidden = false"
                )
                found += violations(page) + overflow(page)
    assert found == []


def test_a_large_export_shows_how_far_it_is_and_can_be_given_up(
    page: Page, app: Flask, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 0)
    unit = make_unit()
    for _ in range(3):
        make_person(unit)
    sign_in(page, app, authority_user())
    page.goto("/persons")
    page.get_by_role("button", name="导出 Excel").click()
    expect(page.locator("#progress")).to_contain_text("正在导出：0 / 3 行")
    assert violations(page) == []
    jobs.run_all()
    expect(page.locator("#progress")).to_contain_text("已导出 3 行")  # by itself
    with page.expect_download() as download:
        page.get_by_role("link", name="下载").click()
    assert download.value.suggested_filename.startswith("人员-")
    page.goto("/persons")
    page.get_by_role("button", name="导出 Excel").click()
    page.get_by_role("button", name="取消导出").click()
    expect(page.locator("main")).to_contain_text("导出已取消")
    expect(page.locator("tbody tr").first).to_contain_text("已取消")
