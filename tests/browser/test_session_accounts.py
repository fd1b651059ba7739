"""The end of a session as a reader meets it: warned, prolonged, and back at what he had typed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from service.domain.accounts.privacy import VERSION
from service.models.db.clock import MovingClock
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import administration

pytestmark = pytest.mark.browser
PASSWORD = "Kestrel-mountain-7"


@pytest.fixture
def officer(page: Page, clock: MovingClock) -> User:
    """A province's officer who has just signed in, on a page with a form; browser and server have one clock."""
    user, _ = administration.create_user(
        None,
        login="province-37",
        display_name="张甲子",
        role="provincial_authority",
        organisation_id=authority_id("37"),
        password=PASSWORD,
    )
    with transaction(Operation("test")):
        user.must_change, user.privacy_version = False, VERSION
    page.clock.install(time=clock.instant)
    page.goto("/plans/new")
    enter(page)
    return user


def enter(page: Page) -> None:
    page.get_by_label("登录名").fill("province-37")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/plans/new")


def pass_time(page: Page, clock: MovingClock, **time: int) -> None:
    clock.move(timedelta(**time))
    page.clock.run_for(int(timedelta(**time).total_seconds() * 1000))


def test_two_minutes_before_the_end_the_reader_is_asked_whether_he_is_there(
    page: Page, officer: User, clock: MovingClock
) -> None:
    pass_time(page, clock, minutes=27)
    note = page.locator("#session-end")
    expect(note).to_be_hidden()
    pass_time(page, clock, minutes=1, seconds=30)
    expect(note).to_contain_text("没有操作，将自动退出登录")
    page.get_by_role("button", name="继续").click()
    expect(note).to_be_hidden()
    pass_time(page, clock, minutes=20)
    expect(note).to_be_hidden()


def test_what_was_typed_is_there_again_after_the_next_sign_in(page: Page, officer: User, clock: MovingClock) -> None:
    page.get_by_label("名称").fill("2027年换证计划")
    pass_time(page, clock, minutes=31)
    note = page.locator("#session-end")
    expect(note).to_contain_text("已退出登录")
    note.get_by_role("link", name="重新登录").click()
    enter(page)
    expect(page).to_have_url("/plans/new")
    expect(page.get_by_label("名称")).to_have_value("2027年换证计划")
    expect(note).to_contain_text("已恢复退出前填写的内容")


def test_a_form_sent_after_the_end_is_not_lost_either(page: Page, officer: User, clock: MovingClock) -> None:
    page.get_by_label("名称").fill("2027年换证计划")
    clock.move(timedelta(minutes=31))  # the machine slept: the page does not know yet
    page.evaluate("document.querySelector('main form[method=post]').noValidate = true")  # the rest may stay empty
    page.locator("main form[method=post] button.btn-primary").first.click()
    expect(page.locator("main")).to_contain_text("离开超过 30 分钟，已自动退出")
    enter(page)
    expect(page.get_by_label("名称")).to_have_value("2027年换证计划")


def test_nothing_of_it_is_shown_to_another_reader(page: Page, officer: User, clock: MovingClock) -> None:
    page.get_by_label("名称").fill("2027年换证计划")
    administration.create_user(
        None,
        login="province-42",
        display_name="李乙丑",
        role="provincial_authority",
        organisation_id=authority_id("42"),
        password=PASSWORD,
    )
    other = User.by_login("province-42")
    assert other is not None
    with transaction(Operation("test")):
        other.must_change, other.privacy_version = False, VERSION
    pass_time(page, clock, minutes=31)
    page.locator("#session-end").get_by_role("link", name="重新登录").click()
    page.get_by_label("登录名").fill("province-42")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_label("名称")).to_have_value("")
    assert page.evaluate("sessionStorage.getItem('form:kept')") is None
