"""The shell and the process-facing pages in a real Chromium: walks, keys, drafts, the player, and axe-core everywhere."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Task
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import administration
from service.workflow.runtime import tasks
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.stage import Stage, do, enroll, known, make_stage, publish_class, task_of
from tests.builders.world import make_user

pytestmark = pytest.mark.browser
KIND = "training_enrollment/confirm_enrollment"


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


@pytest.fixture
def waiting(stage: Stage) -> list[Task]:
    """Three confirmations of one class, in the order of the inbox."""
    training_class = publish_class(stage)
    made = [enroll(stage, training_class, stage.person(name=name)) for name in ("赵丁卯", "陈戊辰", "刘己巳")]
    return sorted((task_of(case_id, "confirm_enrollment") for case_id in made), key=lambda t: (t.sort_at, t.id))


def admin(role: str) -> User:
    return known(make_user(role, authority_id("platform")))


def state_of(task_id: UUID) -> str:
    session().rollback()
    session().expire_all()
    return session().get_one(Task, task_id).state


def test_signing_in_by_hand_and_out_again(page: Page, app: Flask) -> None:
    administration.create_user(
        None,
        login="province-37",
        display_name="张甲子",
        role="provincial_authority",
        organisation_id=authority_id("37"),
        password="Kestrel-mountain-7",
    )
    page.goto("/inbox")
    page.get_by_label("登录名").fill("province-37")
    page.get_by_label("密码").fill("wrong")
    page.get_by_label("密码").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("再错 4 次")
    page.get_by_label("密码").fill("Kestrel-mountain-7")
    page.get_by_label("密码").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("修改密码")
    for label, value in (
        ("现在的密码", "Kestrel-mountain-7"),
        ("新密码", "Heron-valley-42"),
        ("再输一次新密码", "Heron-valley-42"),
    ):
        page.get_by_label(label, exact=False).first.fill(value) if label != "新密码" else page.locator("#new").fill(
            value
        )
    page.get_by_role("button", name="修改密码").click()
    expect(page.get_by_role("status")).to_contain_text("密码已修改")
    page.get_by_text("张甲子").click()
    page.get_by_role("button", name="退出登录", exact=True).click()
    expect(page).to_have_url(page.url.split("/sign-in")[0] + "/sign-in")


def test_a_decision_with_its_reason_and_its_draft(page: Page, app: Flask, stage: Stage, waiting: list[Task]) -> None:
    sign_in(page, app, stage.province)
    page.goto(f"/tasks/{waiting[0].id}")
    reason = page.locator("#reason")
    expect(reason).to_be_hidden()
    page.get_by_role("radio", name="不予确认").check()
    expect(reason).to_be_visible()
    reason.fill("照片不清晰，请重拍。")
    expect(page.locator("[data-draft-note]")).to_contain_text("保存在这台电脑上")
    page.reload()
    expect(reason).to_have_value("照片不清晰，请重拍。")
    expect(page.locator("[data-draft-note]")).to_contain_text("已取回")
    page.get_by_role("button", name="提交并看下一条").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(waiting[1].subject)
    assert state_of(waiting[0].id) == "completed"
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('draft:'))") == []


def test_a_decision_without_its_reason_cannot_be_sent(
    page: Page, app: Flask, stage: Stage, waiting: list[Task]
) -> None:
    sign_in(page, app, stage.province)
    page.goto(f"/tasks/{waiting[0].id}")
    page.get_by_role("radio", name="不予确认").check()
    page.get_by_role("button", name="只提交").click()
    expect(page.locator("#reason")).to_be_focused()
    assert state_of(waiting[0].id) == "open"


def test_the_inbox_by_keys_alone(page: Page, app: Flask, stage: Stage, waiting: list[Task]) -> None:
    sign_in(page, app, stage.province)
    page.goto(f"/inbox?kind={KIND}")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.locator(f"#task-{waiting[1].id}")).to_contain_text("我已领取")
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("[data-chosen]")).to_have_text("1")
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.press("Tab")
    page.locator(f"#task-{waiting[1].id} .main a").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(waiting[1].subject)


def test_chosen_rows_are_confirmed_together(page: Page, app: Flask, stage: Stage, waiting: list[Task]) -> None:
    sign_in(page, app, stage.province)
    page.goto(f"/inbox?kind={KIND}")
    expect(page.locator("#batch")).to_be_hidden()
    page.get_by_label("全选本页").check()
    page.get_by_role("button", name="同意报名").click()
    expect(page.get_by_role("status")).to_contain_text("已办理 3 条")
    assert {state_of(task.id) for task in waiting} == {"completed"}


def test_the_list_refreshes_by_itself(page: Page, app: Flask, stage: Stage, waiting: list[Task]) -> None:
    sign_in(page, app, stage.province)
    page.goto(f"/inbox?kind={KIND}")
    expect(page.locator("[data-row]")).to_have_count(3)
    tasks.complete(stage.province, waiting[0].id, {"decision": "confirm"})
    page.evaluate("htmx.trigger('#list', 'refresh')")
    expect(page.locator("[data-row]")).to_have_count(2)


def test_a_late_click_tells_who_was_first(page: Page, app: Flask, stage: Stage, waiting: list[Task]) -> None:
    sign_in(page, app, stage.province)
    page.goto(f"/tasks/{waiting[0].id}")
    page.get_by_label("同意报名").check()
    tasks.complete(stage.province, waiting[0].id, {"decision": "confirm"})
    page.get_by_role("button", name="只提交").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已被处理")
    page.get_by_role("link", name="下一条").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(waiting[1].subject)


def test_the_player_goes_step_by_step(page: Page, app: Flask, stage: Stage, waiting: list[Task]) -> None:
    case_id = waiting[0].case_id
    tasks.claim(stage.province, waiting[0].id)
    do(stage.province, case_id, "confirm_enrollment", decision="confirm")
    sign_in(page, app, stage.province)
    page.goto(f"/cases/{case_id}")
    place = page.locator("#place")
    expect(page.locator("#diagram[data-ready]")).to_be_visible()
    expect(place).to_have_text("3 / 3")
    expect(page.locator('[data-element-id="check_in"].is-active')).to_be_visible()
    page.keyboard.press("Home")
    expect(place).to_have_text("1 / 3")
    expect(page.locator('[data-element-id="confirm_enrollment"].is-active')).to_be_visible()
    expect(page.locator('[data-element-id="check_in"].is-active')).to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(place).to_have_text("2 / 3")
    page.get_by_role("button", name="最后一步").click()
    expect(page.locator("#form-then").get_by_label("同意报名")).to_be_checked()
    expect(page.locator("#variables ins").first).to_be_visible()
    page.locator("#moment").fill("1")
    expect(page.locator(".inputs [aria-current=step]")).to_contain_text("发起")
    page.locator("#play").click()
    expect(place).to_have_text("3 / 3")


def test_definitions_show_where_cases_stand(page: Page, app: Flask, stage: Stage, waiting: list[Task]) -> None:
    sign_in(page, app, admin("process_admin"))
    page.goto("/processes/training_enrollment")
    expect(page.locator('[data-element-id="confirm_enrollment"].heat-5')).to_be_visible()
    expect(page.locator(".pin.count")).to_have_text("3")


def test_english_dark_and_large_by_a_click(page: Page, app: Flask, stage: Stage) -> None:
    sign_in(page, app, stage.province)
    page.goto("/")
    page.get_by_role("button", name="切换深色").click()
    page.get_by_role("button", name="大字").click()
    assert page.evaluate("[document.documentElement.dataset.bsTheme, document.documentElement.dataset.text]") == [
        "dark",
        "large",
    ]
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    assert page.evaluate("[document.documentElement.dataset.bsTheme, document.documentElement.dataset.text]") == [
        "dark",
        "large",
    ]


LOOKS = [(1366, {}), (360, {}), (1366, {"theme": "dark"}), (360, {"language": "en", "text": "large"})]


@pytest.mark.parametrize(("width", "look"), LOOKS, ids=["wide", "telephone", "dark", "large English telephone"])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    page: Page, app: Flask, stage: Stage, waiting: list[Task], width: int, look: dict[str, str]
) -> None:
    task, case_id = waiting[0], waiting[1].case_id
    do(stage.province, case_id, "confirm_enrollment", decision="reject", reason="照片不清晰")
    walks = {
        stage.province: [
            "/",
            "/more",
            "/password",
            "/inbox",
            f"/inbox?kind={KIND}",
            "/inbox?view=done",
            f"/tasks/{task.id}",
            f"/tasks/{waiting[1].id}",
            "/cases",
            f"/cases/{case_id}",
            "/no-such-page",
        ],
        admin("process_admin"): ["/processes", "/processes/training_enrollment"],
    }
    page.set_viewport_size({"width": width, "height": 768})
    page.goto("/sign-in")
    found = violations(page)
    for user, addresses in walks.items():
        sign_in(page, app, user, **look)
        for address in addresses:
            page.goto(address, wait_until="networkidle")
            found += violations(page) + overflow(page)
    assert not found, "\n".join(found)
