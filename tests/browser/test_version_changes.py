"""A changed diagram in a real browser: back-test with its heat map, a case side by side, migration and the way back."""

from __future__ import annotations

import os
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.workflow.notices import tickets
from service.workflow.processes import definitions
from service.workflow.runtime import jobs
from service.workflow.versions import deployments
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.stage import make_stage
from tests.process.small_process import person

pytestmark = pytest.mark.browser
TICKET = "support_ticket"


def look(page: Page, name: str) -> None:
    """Keep a picture of the page for whoever asks for it; it fits, and axe has nothing to say."""
    for width in (1366, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert overflow(page) == [], (name, width)
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
    assert violations(page) == [], name
    page.set_viewport_size({"width": 1366, "height": 800})


@pytest.fixture
def admin(app: Flask, clock: Any) -> User:
    stage = make_stage()
    tickets.open_ticket(
        stage.enterprise, {"kind": "repair", "subject": "读卡器送修", "device": "读卡器", "body": "读不出。"}
    )
    return person("processes", "process_admin")


def renamed() -> dict[str, bytes]:
    """The bundle in force, its first task under another id and name."""
    files = definitions.files(definitions.current(TICKET).digest)
    first = next(
        it
        for it in definitions.definition(definitions.current(TICKET).digest).elements.values()
        if it.type == "userTask"
    )
    main = definitions.current(TICKET).main
    for attribute in ("id", "sourceRef", "targetRef", "attachedToRef", "bpmnElement"):
        files[main] = files[main].replace(f'{attribute}="{first.id}"'.encode(), f'{attribute}="renamed_step"'.encode())
    files[main] = files[main].replace(f">{first.id}<".encode(), b">renamed_step<")
    return files | {main: files[main].replace(f'name="{first.name}"'.encode(), 'name="换了名的环节"'.encode())}


def test_an_administrator_sees_what_a_change_does_before_and_after(page: Page, app: Flask, admin: User) -> None:
    files, old = renamed(), definitions.current(TICKET)
    sign_in(page, app, admin).goto(f"/processes/{TICKET}")
    page.get_by_role("link", name="回测").click()
    page.set_input_files("#files", [{"name": old.main, "mimeType": "text/xml", "buffer": files[old.main]}])
    look(page, "ask")
    page.get_by_role("button", name="开始回测").click()
    expect(page.get_by_text("正在进行")).to_be_visible()
    jobs.run_all()
    page.reload()
    page.wait_for_selector("#diagram[data-ready]")
    page.wait_for_selector("#diagram-old[data-ready] .count")  # the step that the tested version lacks
    expect(page.get_by_role("cell", name="输入没有去处").first).to_be_visible()
    look(page, "result")
    page.get_by_role("link", name="输入没有去处 1").click()
    page.get_by_role("link", name="对照").first.click()
    expect(page.get_by_role("heading", name="两版对照")).to_be_visible()
    look(page, "compare")

    new = deployments.deploy(files, process=TICKET).version
    assert new is not None
    page.goto(f"/processes/{TICKET}/migrate?version={old.number}")
    page.get_by_role("button", name="预览").click()
    expect(page.get_by_text("不能迁移 1 件")).to_be_visible()
    page.wait_for_selector("#diagram-new[data-ready]")
    look(page, "preview")
    page.locator("select[name^=to-]").first.select_option("renamed_step")
    page.get_by_label("原因").fill("改了环节名")
    page.get_by_role("button", name="迁移", exact=True).click()
    jobs.run_all()
    page.reload()
    expect(page.get_by_text("已完成，看过")).to_be_visible()
    look(page, "migrated")
    assert set(session().scalars(select(Case.definition).where(Case.process == TICKET))) == {new.digest}
    page.get_by_role("link", name="迁回去").click()
    page.get_by_label("原因").fill("再改回来")
    page.get_by_role("button", name="迁移", exact=True).click()
    jobs.run_all()
    session().rollback()
    assert set(session().scalars(select(Case.definition).where(Case.process == TICKET))) == {old.digest}
