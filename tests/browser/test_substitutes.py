"""A substitute's fortnight (R84): appointed before a holiday, worked for, seen on return, and over by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from service.models.db.clock import MovingClock
from service.models.tables.units.organisation import authority_id
from service.workflow.runtime import tasks
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.stage import enroll, known, make_stage, publish_class, task_of
from tests.builders.world import make_user

pytestmark = pytest.mark.browser
ADDRESS = "/account/substitutes"


def check_page(page: Page) -> None:
    for width in (1366, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert violations(page) + overflow(page) == []
    page.set_viewport_size({"width": 1366, "height": 800})


def test_a_substitutes_fortnight(page: Page, app: Flask, clock: MovingClock) -> None:
    stage = make_stage()
    absent, colleague = (
        known(make_user("provincial_authority", authority_id("37"), display_name=name)) for name in ("周在外", "吴代劳")
    )
    case = enroll(stage, publish_class(stage), stage.person(name="陈戊辰"))
    task = task_of(case, "confirm_enrollment").id

    sign_in(page, app, absent).goto(f"/tasks/{task}")
    page.get_by_role("button", name="先领取").click()
    page.goto(ADDRESS)
    expect(page.locator("#own")).to_contain_text("没有指定代办人")
    check_page(page)
    page.get_by_label("代办人").select_option(label="吴代劳")
    page.get_by_label("至").fill("昨天")
    page.get_by_role("button", name="指定代办人").click()
    expect(page.locator("#until_day-wrong")).to_be_visible()
    expect(page.get_by_label("代办人")).to_have_value(str(colleague.id))
    page.get_by_label("至").fill((clock.now() + timedelta(days=13)).strftime("%Y-%m-%d"))
    page.get_by_role("button", name="指定代办人").click()
    expect(page.locator("#own")).to_contain_text("吴代劳")
    check_page(page)

    sign_in(page, app, colleague).goto("/inbox")
    page.get_by_role("link", name="我代办的").click()
    page.get_by_role("link", name="陈戊辰").first.click()
    expect(page.get_by_role("region", name="办理")).to_contain_text("周在外 请您代办")
    check_page(page)
    page.get_by_label("同意报名").check()
    page.get_by_role("button", name="只提交").click()
    page.goto(f"/cases/{case}")
    expect(page.locator("main")).to_contain_text("代 周在外")

    clock.move(timedelta(days=14))
    late = enroll(stage, publish_class(stage), stage.person(name="何己巳"))
    tasks.claim(absent, task_of(late, "confirm_enrollment").id)
    sign_in(page, app, colleague).goto("/inbox")
    expect(page.get_by_role("link", name="我代办的")).to_have_count(0)
    page.goto(f"/tasks/{task_of(late, 'confirm_enrollment').id}")
    expect(page.get_by_role("region", name="办理")).to_contain_text("他退还以后才能由您办理")

    sign_in(page, app, absent).goto("/inbox")
    page.get_by_role("link", name="替我办理的").click()
    expect(page.locator("#done")).to_contain_text("陈戊辰")
    expect(page.locator("#done")).to_contain_text("吴代劳 代 周在外")
    check_page(page)
