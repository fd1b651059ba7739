"""Every component of a form is drawn in the browser: groups, times, what is only shown, what a choice hides."""

from __future__ import annotations

import json
import os
from typing import Any

from flask import Flask
from playwright.sync_api import Page

from service.models.tables.accounts.user import User
from service.workflow.versions import deployments
from tests.api import test_security_forgery as forgery
from tests.api.rest_world import make_world
from tests.api.test_form_lists import FILES
from tests.api.test_let_through import bundles, put_in_force
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.mutant_bundles import COMPONENTS
from tests.builders.open_tasks import holder_of


def test_groups_times_and_hidden_fields_are_drawn(world: Any, clock: Any, app: Flask, page: Page) -> None:
    world("every_task", lambda: forgery._fill(clock))
    files = bundles()["personnel_approval.bpmn"]
    form = json.loads(files["approve_person.form"])
    group = {
        "type": "group",
        "label": "补充材料",
        "conditional": {"hide": '=decision != "reject"'},
        "components": [{"type": "textfield", "key": "material", "label": "材料名称"}],
    }
    below = {"type": "textfield", "key": "detail", "label": "材料编号", "properties": {"show_if": "material != ''"}}
    form["components"] += [one for one in COMPONENTS if one["type"] != "filepicker"] + [below, group]
    _, tasks = put_in_force({**files, "approve_person.form": json.dumps(form).encode()})
    task = next(one for one in tasks if one.form_key == "approve_person")
    tab = sign_in(page, app, holder_of(task))
    tab.set_viewport_size({"width": 390, "height": 844})
    for language in ("zh", "en"):
        tab.goto(f"/tasks/{task.id}?lang={language}")
        assert not overflow(tab)
        assert not violations(tab)
    assert tab.locator('input[type="time"]').is_visible()
    assert tab.get_by_label("材料名称").is_hidden()
    tab.locator('input[name="decision"][value="reject"]').check(force=True)
    assert tab.get_by_label("材料名称").is_visible()
    tab.get_by_label("材料名称").fill("甲")
    assert tab.get_by_label("材料编号").is_visible()
    tab.locator('input[name="decision"][value="approve"]').check(force=True)
    assert tab.get_by_label("材料编号").is_hidden()  # what it depends on is hidden, and not sent
    assert tab.locator("input[name=amount]").count() == 0


def test_rows_of_a_list_are_added_removed_and_kept_in_a_draft(app: Flask, clock: Any, page: Page) -> None:
    """With the keyboard, on a telephone, in both languages; after a reload all that was typed is there again."""
    association = User.get(make_world().users["association"])
    deployments.deploy(FILES)
    tab = sign_in(page, app, association)
    tab.set_viewport_size({"width": 390, "height": 844})
    for language in ("zh", "en"):
        tab.goto(f"/processes/P/start?lang={language}")
        assert not overflow(tab)
        assert not violations(tab)
    tab.goto("/processes/P/start?lang=zh")
    tab.get_by_label("名称").fill("锤")
    tab.get_by_role("button", name="加一行").focus()
    tab.keyboard.press("Enter")
    tab.keyboard.type("锯")
    assert tab.locator('[name="goods.1.what"]').input_value() == "锯"
    tab.get_by_role("button", name="加一行").click()
    tab.keyboard.type("钳")
    tab.get_by_role("button", name="删去这一行").nth(1).click()
    tab.wait_for_timeout(700)
    tab.reload()
    assert [box.input_value() for box in tab.get_by_label("名称").all()] == ["锤", "钳"]
    if shots := os.environ.get("SHOTS"):
        tab.screenshot(path=shots, full_page=True)
    tab.get_by_label("名称").nth(1).press("Enter")
    tab.wait_for_url("**/tasks/*")
    assert [box.input_value() for box in tab.get_by_label("名称").all()] == ["锤", "钳"]
