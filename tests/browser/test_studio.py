"""The studio in a real browser: a step is added, a mistake marked and mended, tried out, approved by another, worked."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from service.config import CHECKOUT
from service.models.db.clock import MovingClock
from service.workflow.processes import definitions
from service.workflow.runtime import drafts, tasks
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.approval import require_approval
from tests.process.small_process import deploy, person

pytestmark = pytest.mark.browser


def open_studio(page: Page, app: Flask, key: str, login: str = "proposer") -> None:
    sign_in(page, app, person(login, "process_admin")).goto(f"/studio/{key}")
    page.wait_for_selector("#studio[data-ready]")


def middle_of(page: Page, element: str) -> tuple[float, float]:
    box = page.locator(f'.djs-element[data-element-id="{element}"]').bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


class Recipe:
    """The labels that a recipe of the guide quotes, in its order: ``says`` takes the next one."""

    def __init__(self, title: str) -> None:
        guide = (CHECKOUT / "docs" / "guide-process-administrators.md").read_text()
        self.labels = re.findall("“(.+?)”", guide.partition(f"#### {title}\n")[2].partition("\n#")[0])

    def says(self, label: str) -> str:
        assert self.labels.pop(0) == label
        return label


def test_an_approval_step_is_added_approved_by_another_person_and_worked(
    page: Page, app: Flask, clock: MovingClock
) -> None:
    deploy()
    require_approval()
    recipe = Recipe("在浏览器里加一道复核")
    sign_in(page, app, person("proposer", "process_admin")).goto("/processes/small")
    assert recipe.says("流程") in page.title()
    page.get_by_role("link", name=recipe.says("在线设计")).click()
    page.wait_for_selector("#studio[data-ready]")  # the file has no drawing: it is laid out
    page.on("dialog", lambda dialog: dialog.accept("review"))
    page.locator('[data-action="create.task"]').click()
    page.mouse.move(*middle_of(page, "f7"), steps=5)
    page.mouse.click(*middle_of(page, "f7"))
    page.keyboard.press("Escape")
    expect(page.locator('[data-element-id^="Activity_"].djs-shape.selected')).to_have_count(1)
    assert page.locator('.djs-context-pad [data-action="replace"]').get_attribute("title") == recipe.says("更改类型")
    page.locator('.djs-context-pad [data-action="replace"]').click()
    expect(page.locator('.djs-popup [data-id="replace-with-user-task"]')).to_contain_text(recipe.says("用户任务"))
    page.locator('.djs-popup [data-id="replace-with-user-task"]').click()
    page.get_by_label(recipe.says("名称"), exact=True).fill("复核")
    page.get_by_label(recipe.says("标识"), exact=True).fill("review")
    page.get_by_label(recipe.says("文字说明"), exact=True).fill("由工信部复核。")
    expect(page.locator(".pin.bad")).to_have_count(1)  # nobody does it yet
    expect(page.locator("#findings")).to_contain_text("定位 review")
    expect(page.locator("#propose")).to_be_disabled()
    page.get_by_label(recipe.says("办理角色"), exact=True).select_option("ministry")
    page.get_by_role("button", name=recipe.says("新建表单")).click()
    expect(page.get_by_role("heading", name=recipe.says("检查结果"))).to_be_visible()
    expect(page.get_by_label("表单", exact=True)).to_have_value("review")
    expect(page.locator(".pin.bad")).to_have_count(0)
    expect(page.locator("#differences")).to_contain_text("复核")

    page.get_by_text(f"{recipe.says('试运行')}：").click()
    page.get_by_role("button", name=recipe.says("从头走")).click()
    page.get_by_label(re.compile("^等待办理: look")).fill('{"decision": "yes"}')
    page.locator("#choices .field", has_text="look ·").get_by_role("button", name=recipe.says("办理")).click()
    page.locator("#choices .field", has_text="sign ·").get_by_role("button", name="办理").click()
    expect(page.locator("#choices")).to_contain_text("review · 工信部")
    expect(page.locator('[data-element-id="look"].is-done')).to_have_count(1)
    expect(page.locator('[data-element-id="review"].is-active')).to_have_count(1)
    assert overflow(page) == []

    page.get_by_label(recipe.says("变更说明")).fill("签批之后由工信部复核")
    page.locator("#propose", has_text=recipe.says("送审")).click()
    page.wait_for_url(re.compile("/processes/small"))
    expect(page.get_by_text("有一版等待批准。")).to_be_visible()
    assert definitions.current("small").number == 1

    sign_in(page, app, person("approver", "process_admin")).goto("/inbox")
    page.get_by_role("link", name=re.compile("小流程")).first.click()
    expect(page.locator("#old-diagram .djs-element").first).to_be_visible()
    expect(page.locator("#new-diagram .is-added").first).to_be_visible()
    expect(page.locator("#drawn-difference ~ section").first).to_contain_text("复核")
    assert violations(page) == []
    page.get_by_text(recipe.says("批准，立即生效")).click()
    assert recipe.labels == []
    page.get_by_role("button", name="只提交").click()
    page.wait_for_url(re.compile("/inbox"))
    assert definitions.current("small").number == 2

    officer, ministry = person("officer", "association"), person("chief", "ministry")
    begun = tasks.start(officer, "small", {})
    signed = tasks.complete(officer, begun.tasks[0], {"decision": "yes"})
    reviewed = tasks.complete(ministry, signed.opened[0], {})
    sign_in(page, app, ministry).goto(f"/tasks/{reviewed.opened[0]}")
    page.get_by_text("同意", exact=True).first.click()
    page.get_by_role("button", name="只提交").click()
    expect(page.get_by_text("已提交", exact=False).first).to_be_visible()


def test_a_table_is_edited_and_tried_out_and_a_form_shown_as_the_role_sees_it(
    page: Page, app: Flask, clock: MovingClock
) -> None:
    open_studio(page, app, "support_ticket")
    page.get_by_role("button", name="ticket_routing.dmn").click()
    page.wait_for_selector('#editor[data-ready="ticket_routing.dmn"]')
    page.get_by_label("ticket_kind").fill("repair")
    page.get_by_role("button", name="结果").click()
    expect(page.locator("#decided")).to_contain_text("association")
    page.get_by_role("button", name="accept_ticket.form").click()
    page.wait_for_selector('#editor[data-ready="accept_ticket.form"]')
    expect(page.locator("#preview")).to_contain_text("工单转为办理中")


def test_two_people_who_work_on_one_draft_are_warned_and_lose_nothing(
    page: Page, app: Flask, clock: MovingClock
) -> None:
    deploy()
    open_studio(page, app, "small")
    colleague = person("colleague", "process_admin")
    drafts.save(colleague, "small", drafts.open_draft("small").files, 0)
    page.locator('[data-element-id="look"].djs-shape').click()
    page.get_by_label("名称", exact=True).fill("细看")
    page.get_by_label("名称", exact=True).blur()
    expect(page.locator("#overtaken")).to_contain_text("colleague")
    expect(page.get_by_label("名称", exact=True)).to_have_value("细看")
    assert "细看" not in drafts.open_draft("small").files["small.bpmn"]
