"""Plans, notices, accounts, settings and unit changes in a real browser: the editor, the menu of a unit, axe, narrow windows."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.notices.notice import Notice
from service.models.tables.units.organisation import authority_id
from service.workflow.notices import bulletins, notices
from service.workflow.system import daily_digest
from service.workflow.training import plans
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.documents import pdf
from tests.builders.stage import Stage, known, make_stage
from tests.builders.world import make_certificate, make_person, make_unit, make_user, qualification

pytestmark = pytest.mark.browser
PLAN = {
    "title": "2026年第二期换证班（济南）",
    "kind": "renewal",
    "year": "2026",
    "time": "m6",
    "place": "济南",
    "capacity": "80",
    "hours": "16",
}


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


def test_a_bulletin_is_written_marked_up_with_a_file_and_published(page: Page, app: Flask, stage: Stage) -> None:
    sign_in(page, app, stage.province).goto("/bulletins/new")
    page.get_by_label("标题", exact=False).first.fill("关于换证的通报")
    text = page.get_by_role("textbox", name="正文")
    text.click()
    text.press_sequentially("请按时报名")
    text.press("Control+a")
    page.get_by_role("button", name="加粗").click()
    expect(page.get_by_role("button", name="加粗")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="保存草稿").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("通报草稿")
    page.set_input_files("#file", {"name": "名单.pdf", "mimeType": "application/pdf", "buffer": pdf()})
    page.get_by_role("button", name="添加附件").click()
    expect(page.get_by_role("link", name="名单.pdf")).to_be_visible()
    page.get_by_role("button", name="预览并发布").click()
    page.get_by_role("button", name="发布通报").click()
    expect(page.locator(".rich b")).to_have_text("请按时报名")
    row = session().scalars(select(Notice).where(Notice.kind == "bulletin")).one()
    assert row.state == "published"


def test_what_is_pasted_comes_without_foreign_marks(page: Page, app: Flask, stage: Stage) -> None:
    sign_in(page, app, stage.province).goto("/bulletins/new")
    page.get_by_role("textbox", name="正文").click()
    page.evaluate(
        """() => { const data = new DataTransfer(); data.setData('text/html', '<img src=x onerror=alert(1)><i>x</i>');
        data.setData('text/plain', '净文字');
        document.getElementById('page-body').dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }"""
    )
    expect(page.locator("#page-body")).to_have_text("净文字")
    assert page.locator("#page-body img").count() == 0


def test_the_menu_of_a_unit_leads_to_its_conversion(page: Page, app: Flask, stage: Stage) -> None:
    group = make_unit("group", name="鲁中民爆集团（示例）")
    sign_in(page, app, stage.province).goto(f"/units/{stage.unit.id}")
    page.locator("main summary", has_text="更多").click()
    page.get_by_role("link", name="转分公司、集团或企业").click()
    page.locator("input[name=to][value=branch]").check()
    page.get_by_label("所属集团", exact=True).select_option(str(group.id))
    page.get_by_role("button", name="转换单位").click()
    expect(page.get_by_role("status")).to_contain_text("单位已转换")


def test_the_privacy_notice_is_read_and_the_way_goes_on(page: Page, app: Flask, stage: Stage) -> None:
    user = make_user("enterprise", stage.unit.id, privacy_version=0)
    sign_in(page, app, user).goto("/persons")
    page.get_by_role("button", name="我已阅读并遵守").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("人员信息管理")


@pytest.mark.parametrize(
    ("width", "look"),
    [(1366, {}), (360, {}), (1366, {"theme": "dark", "language": "en"}), (360, {"text": "large", "language": "en"})],
)
def test_axe_finds_nothing_and_nothing_is_cut_off(
    page: Page, app: Flask, stage: Stage, width: int, look: dict[str, str]
) -> None:
    sysadmin, secadmin = (known(make_user(role, authority_id("platform"))) for role in ("sys_admin", "security_admin"))
    plan = plans.save_plan(stage.province, PLAN)
    plans.publish_plan(stage.province, plan.id)
    text = {"title": "关于做好2026年度民爆行业安全培训工作的通报", "body": "<h2>一</h2><p>正文</p>", "markup": "1"}
    sent, draft = (bulletins.save_bulletin(stage.association, text) for _ in range(2))
    bulletins.publish_bulletin(stage.association, sent.id)
    gap = make_unit(state="draft", contact=None)
    notices.remind(stage.province, [gap.id])
    make_certificate(make_person(stage.unit))
    daily_digest.write_due_digests()
    page.set_viewport_size({"width": width, "height": 780})
    unit, wrong = stage.unit.id, []
    for user, addresses in (
        (
            stage.province,
            (
                "/plans",
                "/plans/calendar",
                f"/plans/{plan.id}",
                "/plans/new",
                f"/plans/{plan.id}/cancel",
                "/notices",
                "/units/unentered",
                f"/units/{unit}",
                f"/units/{unit}/rename",
                f"/units/{unit}/convert",
                f"/units/{unit}/delete",
            ),
        ),
        (
            stage.association,
            (
                f"/notices/{sent.id}",
                "/bulletins",
                f"/bulletins/{draft.id}",
                f"/bulletins/{draft.id}/publish",
                f"/bulletins/{sent.id}/readers",
                f"/bulletins/{sent.id}/withdraw",
                f"/bulletins/{draft.id}/delete",
            ),
        ),
        (make_user("enterprise", gap.id), (f"/units/{gap.id}/edit", "/privacy")),
        (
            sysadmin,
            (
                "/users",
                f"/users/{stage.province.id}",
                f"/users/{stage.province.id}/disable",
                f"/users/{stage.province.id}/reset",
                f"/users/{stage.province.id}/name",
                "/settings",
                f"/settings/types/{qualification().id}",
                "/settings/types/new",
            ),
        ),
        (secadmin, ("/settings", "/users?state=waiting")),
    ):
        sign_in(page, app, user, **look)
        for address in addresses:
            page.goto(address)
            wrong += violations(page) + overflow(page)
    assert wrong == []
