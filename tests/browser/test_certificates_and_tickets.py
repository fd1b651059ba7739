"""What follows certificates, and support tickets, in a real Chromium: axe-core, the width of a telephone, progress by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service.models.db.clock import MovingClock, today
from service.models.db.session import session
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.notices.ticket import Ticket
from service.models.tables.runtime.case import Task
from service.workflow.certificates import certificate_expiry, reissues
from service.workflow.notices import tickets
from service.workflow.runtime import jobs
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.stage import Stage, do, make_stage
from tests.builders.world import make_certificate

pytestmark = pytest.mark.browser
PHONE = {"width": 360, "height": 740}


@dataclass(slots=True)
class Scene:
    """Reissues waiting for review and for print, expired certificates, a print, a ticket with a conversation."""

    stage: Stage
    held: Certificate
    ticket: Ticket
    tasks: dict[str, str]


@pytest.fixture
def scene(app: Flask, clock: MovingClock) -> Scene:
    stage = make_stage()
    held, first, second = (make_certificate(stage.person(), printed_count=1) for _ in range(3))
    for certificate in (first, second):
        case = reissues.request_reissue(stage.enterprise, certificate.id, "乘车时遗失，已登报声明作废。")
    do(stage.association, case, "review_reissue", decision="approve")
    for days in (3, 40):
        make_certificate(stage.person(), today() - timedelta(days=days))
    certificate_expiry.start_deregistrations()
    ticket = tickets.open_ticket(
        stage.enterprise, {"kind": "repair", "subject": "读卡器送修", "device": "读卡器", "body": "读不出新版证件。"}
    )
    assert ticket.case_id
    do(stage.association, ticket.case_id, "accept_ticket", decision="accept")
    step = {"decision": "progress", "message": "已收到设备。", "progress": "检测中", "expected_on": "2026-03-20"}
    do(stage.association, ticket.case_id, "answer_ticket", **step)
    rows = session().execute(select(Task.element, Task.id).where(Task.state == "open")).all()
    return Scene(stage, held, ticket, {element: str(task_id) for element, task_id in rows})


PAGES = [
    ("enterprise", "/certificates/{s.held.id}"),
    ("enterprise", "/certificates/{s.held.id}/reissue"),
    ("association", "/reissues"),
    ("association", "/tasks/{s.tasks[review_reissue]}"),
    ("association", "/tasks/{s.tasks[print_certificate]}"),
    ("ministry", "/certificates/{s.held.id}/revoke"),
    ("ministry", "/certificates/expired"),
    ("ministry", "/tasks/{s.tasks[deregister_certificate]}"),
    ("association", "/certificates"),
    ("association", "/certificates/print?c={s.held.id}"),
    ("association", "/certificates/prints"),
    ("enterprise", "/tickets"),
    ("enterprise", "/tickets/new"),
    ("enterprise", "/tickets/{s.ticket.id}"),
    ("association", "/tickets?view=desk"),
    ("association", "/tasks/{s.tasks[answer_ticket]}"),
]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_have_no_faults_and_fit_a_telephone(page: Page, scene: Scene, app: Flask, language: str) -> None:
    found: list[str] = []
    for reader, address in PAGES:
        sign_in(page, app, getattr(scene.stage, reader), language=language)
        for size in ({"width": 1366, "height": 768}, PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.goto(address.format(s=scene))
            found += violations(page) + overflow(page)
    assert found == []


def test_the_progress_of_a_file_is_shown_by_itself(page: Page, scene: Scene, app: Flask) -> None:
    """R58"""
    for _ in range(3):
        make_certificate(scene.stage.person())
    sign_in(page, app, scene.stage.association)
    page.goto("/certificates?print=no")
    page.locator("[data-tick-all]").check()
    page.get_by_role("button", name="打印所选").click()
    page.get_by_role("button", name="排版成一个文件").click()
    expect(page.locator("progress")).to_be_attached()
    jobs.run_all()
    expect(page.get_by_role("link", name="打开文件")).to_be_visible()


def test_whom_a_complaint_is_about_is_asked_for_complaints_only(page: Page, scene: Scene, app: Flask) -> None:
    """R69"""
    sign_in(page, app, scene.stage.enterprise)
    page.goto("/tickets/new")
    accused = page.locator("#accused")
    expect(accused).to_be_hidden()
    page.get_by_text("在线投诉").check()
    expect(accused).to_be_visible()
    page.locator("#subject").fill("答复迟缓")
    page.locator("#body").fill("三周未复。")
    page.get_by_role("button", name="提交工单").click()
    expect(page).to_have_url(re.compile(r"/tickets/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("答复迟缓")
