"""The studio in a real browser: a step added, marked, mended, tried out, back-tested, approved, migrated to, undone."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service.config import CHECKOUT
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.workflow.notices import tickets
from service.workflow.processes import definitions
from service.workflow.runtime import jobs
from service.workflow.versions import drafts
from tests.browser.tab import overflow, sign_in
from tests.builders.approval import require_approval
from tests.builders.stage import make_stage, open_tasks, task_of
from tests.process.small_process import deploy, person

pytestmark = pytest.mark.browser
TICKET = "support_ticket"


def open_studio(page: Page, app: Flask, key: str, login: str = "proposer") -> None:
    sign_in(page, app, person(login, "process_admin")).goto(f"/studio/{key}")
    page.wait_for_selector("#studio[data-ready]")


def place_of(page: Page, element: str, along: float = 0.5) -> tuple[float, float]:
    """The middle of an element on the screen; of a flow, so far along it."""
    place: list[float] = page.locator(f'.djs-element[data-element-id="{element}"]').first.evaluate(PLACE, along)
    return place[0], place[1]


PLACE = """(element, along) => {
  const line = element.matches(".djs-connection") && element.querySelector(".djs-visual > path"), box = element.getBoundingClientRect();
  if (!line) return [box.x + box.width / 2, box.y + box.height / 2];
  const { x, y } = line.getPointAtLength(line.getTotalLength() * along).matrixTransform(line.getScreenCTM());
  return [x, y];
}"""


def insert(page: Page, tool: str, flow: str, along: float) -> None:
    """Take a tool of the studio and put what it makes on a flow."""
    page.locator(f'[data-action="{tool}"]').click()
    page.mouse.move(*place_of(page, flow, along), steps=5)
    page.mouse.click(*place_of(page, flow, along))
    page.keyboard.press("Escape")


class Recipe:
    """The labels that a recipe of the guide quotes, in its order: ``says`` takes the next one."""

    def __init__(self, title: str) -> None:
        guide = (CHECKOUT / "docs" / "guide-process-administrators.md").read_text()
        self.labels = re.findall("“(.+?)”", guide.partition(f"#### {title}\n")[2].partition("\n#")[0])

    def says(self, label: str) -> str:
        assert self.labels.pop(0) == label
        return label


def drawn_change(page: Page, recipe: Recipe) -> None:
    """Add a review by the ministry of the answer, which takes up again what it does not agree to."""
    insert(page, "create.task", "resolve_to_rate_ticket", 0.3)
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

    outgoing = page.evaluate("draft.editor.modeler.get('elementRegistry').get('review').outgoing[0].id")
    insert(page, "create.exclusive-gateway", outgoing, 0.4)
    page.locator('.djs-context-pad [data-action="connect"]').click()
    page.mouse.move(*place_of(page, "reopen"), steps=5)
    page.mouse.click(*place_of(page, "reopen"))
    page.get_by_label(recipe.says("走这里的条件"), exact=True).fill('decision == "refuse"')
    page.get_by_label("名称", exact=True).fill("退回")
    page.mouse.click(*place_of(page, "receive"))  # the handles of the flow are in the way
    for along in (0.6, 0.4, 0.8):  # the two flows lie close to each other
        page.mouse.click(*place_of(page, page.evaluate(BEFORE_RATING), along))
        if page.evaluate(SELECTED) == page.evaluate(BEFORE_RATING):
            break
    expect(page.get_by_label("名称", exact=True)).to_have_value("")
    page.get_by_label(recipe.says("其他条件都不成立时走这里")).check()
    expect(page.locator("#differences")).to_contain_text("复核")


SELECTED = "draft.editor.modeler.get('selection').get()[0]?.id"
BEFORE_RATING = "draft.editor.modeler.get('elementRegistry').get('rate_ticket').incoming[0].id"


def try_out(page: Page, recipe: Recipe) -> None:
    page.get_by_text(f"{recipe.says('试运行')}：").click()
    page.get_by_role("button", name=recipe.says("从头走")).click()
    offered = page.locator("#choices .offer", has_text="accept_ticket ·")
    offered.get_by_role("button", name="办这一步", exact=True).click()  # nothing is chosen: the form says so
    expect(page.locator("#moments li")).to_have_count(1)
    offered.get_by_role("radio", name=recipe.says("受理工单")).check()  # the form as the role sees it
    expect(page.get_by_label(re.compile("^等待办理: accept_ticket"))).to_have_value('{"decision":"accept"}')
    offered.get_by_role("button", name=recipe.says("办这一步")).click()
    page.get_by_label(re.compile("^等待办理: answer_ticket")).fill('{"decision": "resolve", "message": "已修好"}')
    page.locator("#choices .offer", has_text="answer_ticket ·").get_by_role("button", name="办这一步").click()
    expect(page.locator(".moving-token").first).to_be_attached()
    expect(page.locator("#choices")).to_contain_text("review · 复核 · 工信部")
    expect(page.locator('[data-element-id="answer_ticket"].is-done')).to_have_count(1)
    expect(page.locator('[data-element-id="review"].is-active')).to_have_count(1)
    page.locator("#moments button").first.click()  # as it stood after the first act
    expect(page.locator('[data-element-id="accept_ticket"].is-active')).to_have_count(1)
    expect(page.locator('[data-element-id="review"].is-active')).to_have_count(0)
    page.get_by_label("把走过的路留作模型测试，名称").fill("答复后要复核")
    page.get_by_role("button", name=recipe.says("留作模型测试")).click()
    expect(page.locator("#tests .ok", has_text="答复后要复核")).to_have_count(1)
    assert overflow(page) == []


def approve(page: Page, app: Flask, approver: User, label: str) -> None:
    """Approve what another process administrator has proposed."""
    sign_in(page, app, approver).goto("/inbox")
    page.get_by_role("link", name=re.compile("在线客服")).first.click()
    expect(page.locator("#old-diagram .djs-element").first).to_be_visible()
    page.get_by_text(label).click()
    page.get_by_role("button", name="只提交").click()
    page.locator(".submit .btn-bad").click()  # what cannot be taken back is asked first (R87)
    page.wait_for_url(re.compile("/inbox"))


def work(page: Page, case_id: UUID, element: str, choice: str, message: str = "") -> None:
    """Take a task from the inbox and hand in its form."""
    page.goto("/inbox")
    page.locator(f'a[href*="/tasks/{task_of(case_id, element).id}"]').first.click()
    page.locator("label", has_text=re.compile(rf"^\s*{choice}")).first.click()
    if message:
        page.locator('textarea[name="message"]').fill(message)
    page.get_by_role("button", name="只提交").click()
    expect(page.get_by_text("已提交", exact=False).first).to_be_visible()
    session().rollback()


def migrate(page: Page, label: str) -> None:
    page.get_by_label("原因").fill("复核")
    page.get_by_role("button", name=label, exact=True).click()
    jobs.run_all()
    page.reload()
    expect(page.get_by_text("已完成，看过 2 件案卷。")).to_be_visible()


def versions_of_cases() -> set[int]:
    session().rollback()
    found = session().scalars(select(Case.definition).where(Case.process == TICKET))
    return {definitions.version(digest).number for digest in found}


def test_an_administrator_changes_a_process_and_goes_back(page: Page, app: Flask, clock: MovingClock) -> None:
    stage, proposer = make_stage(), person("proposer", "process_admin")
    asked = {"kind": "repair", "subject": "读卡器送修", "device": "读卡器", "body": "读不出。"}
    cases = [tickets.open_ticket(stage.enterprise, asked).case_id for _ in range(2)]
    require_approval()
    recipe = Recipe("在浏览器里加一道复核")
    sign_in(page, app, proposer).goto(f"/processes/{TICKET}")
    assert recipe.says("流程") in page.title()
    page.get_by_role("link", name=recipe.says("在线设计")).click()
    page.wait_for_selector("#studio[data-ready]")
    page.on("dialog", lambda dialog: dialog.accept("review"))
    drawn_change(page, recipe)
    try_out(page, recipe)

    page.get_by_role("link", name=recipe.says("回测草稿")).click()
    page.get_by_role("button", name=recipe.says("开始回测")).click()
    jobs.run_all()
    page.reload()
    expect(page.get_by_role("row", name="不变 — 2")).to_be_visible()
    page.goto(f"/studio/{TICKET}")
    page.get_by_label(recipe.says("变更说明")).fill("答复之后由工信部复核")
    page.locator("#propose", has_text=recipe.says("送审")).click()
    page.wait_for_url(re.compile(f"/processes/{TICKET}"))
    expect(page.get_by_text("有一版等待批准。")).to_be_visible()
    assert definitions.current(TICKET).number == 1

    approver = person("approver", "process_admin")
    approve(page, app, approver, recipe.says("批准，立即生效"))
    assert definitions.current(TICKET).number == 2
    assert "答复后要复核" in definitions.texts_of(definitions.current(TICKET).digest)[f"{TICKET}.yaml"]
    page.goto(f"/processes/{TICKET}?version=1")
    page.get_by_role("link", name=recipe.says("迁移案卷")).click()
    page.get_by_role("button", name=recipe.says("预览")).click()
    expect(page.get_by_text("在办 2 件，看过 2 件，不能迁移 0 件")).to_be_visible()
    migrate(page, recipe.says("迁移"))
    assert versions_of_cases() == {2}

    sign_in(page, app, stage.association)
    for case_id in cases:
        work(page, case_id, "accept_ticket", "受理工单")
        work(page, case_id, "answer_ticket", "答复并办结", "已修好")
    sign_in(page, app, stage.ministry)
    for case_id, answer, then in zip(cases, ("同意", "不同意"), ("rate_ticket", "answer_ticket"), strict=True):
        work(page, case_id, "review", answer)
        assert open_tasks(case_id) == [then]

    sign_in(page, app, proposer).goto(f"/processes/{TICKET}?version=1")
    page.get_by_role("link", name=recipe.says("恢复为现行版本")).click()
    page.get_by_label("原因").fill("复核太慢")
    page.get_by_role("button", name="恢复为现行版本").click()
    approve(page, app, approver, "批准，立即生效")
    assert definitions.current(TICKET).number == 1
    page.goto(f"/processes/{TICKET}/migrate?version=2")
    page.get_by_role("table").get_by_role("link").last.click()
    page.get_by_role("link", name=recipe.says("迁回去")).click()
    migrate(page, "迁移")
    assert versions_of_cases() == {1}
    assert [open_tasks(case_id) for case_id in cases] == [["rate_ticket"], ["answer_ticket"]]
    assert recipe.labels == []


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


FILLED_IN = """async () => {
  const modeler = new BpmnJS({ container: document.body.appendChild(document.createElement("div")), moddleExtensions: { camunda: dialect } });
  await modeler.createDiagram();
  const get = (name) => modeler.get(name), moddle = get("moddle"), modeling = get("modeling");
  const panel = new Panel(document.createElement("div"), modeler, data, forms), root = get("canvas").getRootElement();
  const element = modeling.createShape(get("elementFactory").createShape({ type: "bpmn:UserTask" }), { x: 300, y: 300 }, root);
  const missing = [];
  for (const [kind, fields] of Object.entries(data.fields)) {
    const $type = `bpmn:${kind[0].toUpperCase()}${kind.slice(1)}`;
    const part = kind === "process" ? root.businessObject : moddle.create($type, { id: `the_${kind}` });
    if (part.$instanceOf("bpmn:FlowNode")) part.get("outgoing").push(moddle.create("bpmn:SequenceFlow", { id: `after_${kind}` }));
    for (const one of fields) {
      const row = panel.field(element, part, one), inputs = [...row.querySelectorAll("input, select, textarea")].slice(-2), [input] = inputs.slice(-1);
      if (input.type === "checkbox") input.checked = !input.checked;
      else if (input.localName === "select") input.value = [...input.options].map((it) => it.value).filter((it) => it && it !== "${")[0];
      else for (const each of one.kind === "parameters" ? inputs : [input]) each.value = "x1";
      input.dispatchEvent(new Event("change"));
      const { xml } = await moddle.toXML(part), name = one.name.replace("camunda:", "");
      if (![`<bpmn:${name}`, `${name}="`, `name="${name}"`, `camunda:${name}`].some((it) => xml.includes(it))) missing.push(`${kind} ${name}: ${xml}`);
    }
  }
  return missing;
}"""


def test_every_property_of_the_panel_is_written_into_the_file(page: Page, app: Flask, clock: MovingClock) -> None:
    open_studio(page, app, "training_enrollment")
    assert page.evaluate(FILLED_IN) == []


def rename(page: Page, element: str, name: str) -> None:
    """Type a name into the panel and go on at another place of the canvas, without leaving the field first."""
    page.locator(f'.djs-shape[data-element-id="{element}"]').click()
    page.get_by_label("名称", exact=True).fill(name)
    page.mouse.click(*place_of(page, "done"))


def saved(name: str) -> bool:
    session().rollback()
    return any(name in text for text in drafts.open_draft("small").files.values())


def test_nothing_typed_is_lost_when_a_save_fails(page: Page, app: Flask, clock: MovingClock) -> None:
    """Offline, with a lost answer, after a fault, signed out: told in words, kept on the page, saved afterwards."""
    deploy()
    open_studio(page, app, "small")
    said, state, address = page.locator("#overtaken"), page.locator("#saved"), "**/studio/small/draft"
    told = {
        "断网": (lambda route: route.abort(), "没有连上服务器"),
        "没有回音": (lambda route: (route.fetch(), route.abort()), "没有连上服务器"),
        "出错": (lambda route: route.fulfill(status=500, body=""), "服务器没有保存"),
    }
    for name, (answer, words) in told.items():
        page.route(address, answer)
        rename(page, "look", name)
        expect(said).to_contain_text(words)
        expect(state).to_have_text("没有保存")
        page.unroute(address)
        rename(page, "sign", f"后来{name}")
        page.evaluate("dispatchEvent(new Event('online'))")
        expect(state).to_contain_text("已自动保存")
        expect(said).to_be_empty()
        assert saved(name)
        assert saved(f"后来{name}")
    page.context.clear_cookies()
    rename(page, "look", "过期")
    expect(said).to_contain_text("登录已过期")
    other = page.context.new_page()
    sign_in(other, app, session().scalars(select(User).where(User.login == "proposer")).one())
    other.close()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(state).to_contain_text("已自动保存")
    assert saved("过期")


def test_several_files_keep_what_was_done_in_each(page: Page, app: Flask, clock: MovingClock) -> None:
    """Changes of each are saved, undone after coming back, and a broken one is mended as a text."""
    deploy()
    texts = drafts.open_draft("small").files
    drafts.save(person("before", "process_admin"), "small", {**texts, "broken.form": "{"}, 0)
    open_studio(page, app, "small")
    rename(page, "look", "细看")
    for _ in range(3):  # quicker than they open
        for name in ("look.form", "broken.form", "small.bpmn", "broken.form"):
            page.get_by_role("button", name=name, exact=True).click(no_wait_after=True)
    page.wait_for_selector('#editor[data-ready="broken.form"]')
    expect(page.locator("#editor > .pane:visible")).to_have_count(1)
    page.locator(".text-editor").fill('{"components": [], "id": "mended"}')
    expect(page.locator("#saved")).to_contain_text("已自动保存")
    assert saved("mended")
    assert saved("细看")
    page.get_by_role("button", name="small.bpmn", exact=True).click()
    page.wait_for_selector('#editor[data-ready="small.bpmn"]')
    page.locator('.djs-shape[data-element-id="sign"]').click()
    page.keyboard.press("Control+z")
    expect(page.locator('.djs-shape[data-element-id="look"]')).to_contain_text("查看")
    expect(page.locator("#saved")).to_contain_text("已自动保存")
    assert not saved("细看")


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
