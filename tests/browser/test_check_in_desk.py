"""The check-in desk on a telephone: taps without a net, lost answers, colleagues, sessions that end, codes (R48, R83)."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page, Route, expect
from sqlalchemy import delete

from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.accounts.account_session import AccountSession
from service.models.tables.training.training import TrainingClass
from service.workflow.runtime import jobs
from service.workflow.training import enrollments
from tests.browser.tab import sign_in, violations
from tests.builders.stage import Stage, at_nine, do, enroll, enrollment_of, make_stage, publish_class

pytestmark = pytest.mark.browser
NAMES = tuple(f"{surname}{given}" for surname in "陈赵孙李曾" for given in ("戊辰", "丁卯", "庚午", "辛未"))


class Desk:
    """A class on its first day, nobody here yet, and its desk on a telephone."""

    def __init__(self, page: Page, app: Flask, stage: Stage, found: TrainingClass, cases: dict[str, UUID]) -> None:
        self.page, self.app, self.stage, self.cases = page, app, stage, cases
        self.address = f"/classes/{found.id}/check-in"
        page.set_viewport_size({"width": 390, "height": 780})
        self.sign_in()

    def sign_in(self) -> None:
        sign_in(self.page, self.app, self.stage.association).goto(self.address)

    def tap(self, *names: str) -> None:
        for name in names:
            self.page.get_by_role("button", name=f"报到：{name}", exact=True).click()

    def expect_here(self, *names: str) -> None:
        """These and no others are here: on the page, and for the server."""
        expect(self.page.locator("[data-came]")).to_have_text(str(len(names)))
        expect(self.page.locator("[data-unseen]")).to_have_text(str(len(self.cases) - len(names)))
        session().expire_all()
        states = {name: enrollment_of(case).state for name, case in self.cases.items()}
        assert {name for name, state in states.items() if state == "checked_in"} == set(names)

    def expect_unsent(self, n: int, words: str) -> None:
        expect(self.page.locator(".desk-said .warn [data-when]:visible")).to_contain_text(words)
        expect(self.page.locator(".desk-said .warn [data-when]:visible [data-n]")).to_have_text(str(n))


@pytest.fixture
def desk(page: Page, app: Flask, clock: MovingClock) -> Desk:
    stage = make_stage()
    people = [stage.person(name=name) for name in NAMES]
    enrollments.refresh_need()
    found = publish_class(stage)
    cases = {person.name: enroll(stage, found, person) for person in people}
    for case in cases.values():
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    jobs.run_all()
    return Desk(page, app, stage, found, cases)


def test_twenty_are_checked_in_with_the_net_cut_in_the_middle(desk: Desk) -> None:
    """What is tapped without a net is kept over a reload, sent when it is back, and what a colleague did is told."""
    page, (first, middle, last) = desk.page, (NAMES[:6], NAMES[6:14], NAMES[14:])
    desk.tap(*first)
    expect(page.locator(".desk-said .ok")).to_be_visible()
    desk.expect_here(*first)

    page.context.set_offline(True)
    desk.tap(*middle)
    desk.expect_unsent(len(middle), "连不上服务器")
    assert violations(page) == []
    desk.tap(last[0])
    page.get_by_role("button", name=f"撤回：{last[0]}", exact=True).click()
    desk.expect_unsent(len(middle), "连不上服务器")
    desk.expect_here(*first)
    do(desk.stage.association, desk.cases[middle[0]], "check_in")  # by a colleague, at another desk
    page.context.set_offline(False)
    expect(page.locator(".desk-said .bad")).to_contain_text(middle[0])
    expect(page.locator(".desk-said .ok")).to_contain_text(f"已报到 {len(middle) - 1} 人")

    page.reload()
    desk.expect_here(*first, *middle)
    for box in page.locator("tbody input[type=checkbox]").all():
        box.check()
    page.get_by_role("button", name="为勾选的人员报到").click()
    expect(page.locator(".desk-said .ok")).to_contain_text(f"已报到 {len(last)} 人")
    desk.expect_here(*NAMES)
    page.locator(".desk-said").get_by_role("button", name="撤回").click()
    expect(page.locator(".flash")).to_contain_text(f"已撤回 {len(last)} 人的报到。")
    desk.expect_here(*first, *middle)


def test_a_lost_answer_is_no_second_check_in(desk: Desk) -> None:
    """The server did it, its answer is lost, the page is opened anew: sent again by the same id, it is done once."""
    lost: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        lost.append(route.request.post_data or "")
        route.fetch()
        return route.abort()

    desk.page.route(f"**{desk.address}", lose)
    desk.tap(NAMES[0])
    desk.expect_unsent(1, "连不上服务器")
    desk.page.unroute(f"**{desk.address}")
    desk.page.on("dialog", lambda asked: asked.accept())
    with desk.page.expect_request(lambda sent: sent.method == "POST" and sent.url.endswith(desk.address)) as again:
        desk.page.goto(desk.address)
    assert again.value.post_data == lost[-1]
    expect(desk.page.locator(".desk-said .ok")).to_contain_text(f"已报到 1 人：{NAMES[0]}。")
    expect(desk.page.locator(".desk-said .bad")).to_be_hidden()
    desk.page.goto(desk.address)
    desk.expect_here(NAMES[0])


def test_what_is_tapped_after_the_session_has_ended_is_sent_after_the_next_sign_in(desk: Desk) -> None:
    session().execute(delete(AccountSession))
    session().commit()
    desk.tap(*NAMES[:2])
    desk.expect_unsent(2, "已退出登录")
    desk.page.on("dialog", lambda asked: asked.accept())
    desk.sign_in()
    expect(desk.page.locator(".desk-said .ok")).to_contain_text("已报到")
    desk.page.goto(desk.address)
    desk.expect_here(*NAMES[:2])


def test_another_user_of_the_telephone_sends_nothing_of_the_first(desk: Desk) -> None:
    desk.page.context.set_offline(True)
    desk.tap(NAMES[0])
    desk.expect_unsent(1, "连不上服务器")
    desk.page.on("dialog", lambda asked: asked.accept())
    desk.page.route("**/check-in", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    desk.page.context.set_offline(False)
    sign_in(desk.page, desk.app, desk.stage.ministry).goto("/")
    desk.page.unroute("**/check-in")
    desk.page.goto(desk.address)
    desk.sign_in()
    expect(desk.page.locator(".desk-said .ok")).to_contain_text(f"已报到 1 人：{NAMES[0]}。")


READS = """
globalThis.BarcodeDetector = class { async detect() { return [{rawValue: globalThis.code}]; } };
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  setInterval(() => canvas.getContext("2d").fillRect(0, 0, 9, 9), 50);
  return canvas.captureStream(20);
};
"""


@pytest.mark.parametrize("code", ["slip", "another class", "here already", "no address", "javascript:alert(1)"])
def test_a_code_leads_to_its_row_and_nowhere_else(desk: Desk, code: str) -> None:
    name = NAMES[3]
    here = f"{desk.page.url.partition('/classes')[0]}{desk.address}"
    do(desk.stage.association, desk.cases[NAMES[4]], "check_in")
    codes = {
        "slip": f"{here}#{desk.cases[name]}",
        "another class": f"{here.replace(desk.address[9:20], 'ffffffff-ff')}#{desk.cases[name]}",
        "here already": f"{here}#{desk.cases[NAMES[4]]}",
        "no address": "6901234567892",
    }
    desk.page.add_init_script(f"globalThis.code = {codes.get(code, code)!r};{READS}")
    desk.page.goto(desk.address)
    desk.page.get_by_role("button", name="扫准考证二维码").click()
    if code != "slip":
        expect(desk.page.get_by_text("这个二维码不是本班未报到的人员。")).to_be_visible()
        expect(desk.page.locator("tr.at")).to_have_count(0)
        return
    expect(desk.page.locator("tr.at")).to_contain_text(name)
    desk.page.keyboard.press("Enter")  # the button of the row has the focus
    expect(desk.page.locator(".desk-said .ok")).to_contain_text(f"已报到 1 人：{name}。")
