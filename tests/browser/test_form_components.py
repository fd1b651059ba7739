"""Every component of a form is drawn in the browser: groups, times, what is only shown, what a choice hides."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask
from playwright.sync_api import Page

from tests.api import test_security_forgery as forgery
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
    form["components"] += [one for one in COMPONENTS if one["type"] != "dynamiclist"] + [group]
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
    assert tab.locator("input[name=amount]").count() == 0
