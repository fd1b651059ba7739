"""The tools of the studio's editors: what pages draw, in the reader's words, by the keyboard alone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from service.engine.forms import components
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.workflow.versions import drafts
from tests.browser.tab import sign_in
from tests.process.small_process import deploy, person

pytestmark = pytest.mark.browser


def open_studio(page: Page, app: Flask, file: str = "small.bpmn", language: str = "zh") -> None:
    deploy()
    sign_in(page, app, person("drawer", "process_admin")).goto(f"/studio/small?lang={language}")
    page.wait_for_selector("#studio[data-ready]")
    if file != "small.bpmn":
        page.get_by_role("button", name=file, exact=True).click()
        page.wait_for_selector(f'#editor[data-ready="{file}"]')


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is at the first of these."""
    for _ in range(250):
        if page.evaluate("(selector) => document.activeElement === document.querySelector(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the keyboard does not reach {selector}")


def choose(page: Page, selector: str, label: str) -> None:
    """Go down a list until an entry is chosen."""
    tab_to(page, selector)
    for _ in range(40):
        if label in page.evaluate("document.activeElement.selectedOptions[0].text"):
            return
        page.keyboard.press("ArrowDown")
    pytest.fail(f"no {label} in {selector}")


FOREIGN = """() => {
  const found = [], box = document.querySelector("#editor"), isSeen = (part) => part.checkVisibility({ visibilityProperty: true });
  const walk = document.createTreeWalker(box, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, part = node.parentElement;
    const texts = node.nodeType === 3 ? [node.data] : ["title", "placeholder", "aria-label"].map((name) => node.getAttribute(name));
    if (part.closest("svg, script, style") || !isSeen(node.nodeType === 3 ? part.closest("select") ?? part : node)) continue;
    for (const text of texts) if (/[a-z]{2}/i.test(text ?? "")) found.push(text.trim());
  }
  return found;
}"""
UNFOLD = """() => {
  for (const one of document.querySelectorAll(".bio-properties-panel-add-entry")) one.click();
  for (const one of document.querySelectorAll(".bio-properties-panel-group-header:not(.open)")) one.click();
}"""
NAMES = re.compile(r"FEEL|Markdown|bpmn\.io|institutions、qualification_types|key\d|value\d?|label_en|^look$")
"""What is called so in Chinese, too."""


def test_the_form_editor_offers_what_pages_draw_and_speaks_chinese(page: Page, app: Flask, clock: MovingClock) -> None:
    """Each component by Enter: no English word of a tool, no property that the gate refuses, a file that it accepts."""
    open_studio(page, app, "look.form")
    offered = page.locator(".fjs-palette-field")
    kinds = offered.evaluate_all("all => all.map((one) => one.dataset.fieldType)")
    assert set(kinds) == set(components.ATTRIBUTES)
    foreign: dict[str, str] = {}
    for kind in kinds:
        tab_to(page, f'.fjs-palette-field[data-field-type="{kind}"]')
        page.keyboard.press("Enter")
        page.evaluate(UNFOLD)
        page.wait_for_timeout(250)
        foreign |= {text: kind for text in page.evaluate(FOREIGN) if not NAMES.search(text)}
    assert foreign == {}
    form = form_in_draft(page)
    assert [one["type"] for one in form["components"][2:]] == kinds
    expect(page.locator("#preview")).to_have_text(re.compile("：列表应有字段，至多 50 行。"))
    refused = page.locator("#findings .bad").all_inner_texts()
    assert [said.partition("。")[0] for said in refused] == ["列表应有字段，至多 50 行"]


def form_in_draft(page: Page) -> dict[str, Any]:
    expect(page.locator("#saved")).to_contain_text("已自动保存")
    session().rollback()
    found: dict[str, Any] = json.loads(drafts.open_draft("small").files["look.form"])
    return found


def test_the_title_of_a_form_is_written_beside_its_english(page: Page, app: Flask, clock: MovingClock) -> None:
    """What is emptied goes; what the editor does not show stays."""
    open_studio(page, app, "look.form")
    before = json.loads(drafts.open_draft("small").files["look.form"]) | {"schemaVersion": 19}  # the editor's own
    page.get_by_label("表单标题", exact=True).fill("查看情况")
    page.get_by_label("表单标题（英文）").fill("Have a look")
    expect(page.locator("#preview")).to_contain_text("查看情况")
    assert form_in_draft(page) == before | {"title": "查看情况", "title_en": "Have a look"}
    page.get_by_label("表单标题（英文）").fill("")
    page.get_by_label("表单标题", exact=True).fill("看")
    expect(page.locator("#preview")).not_to_contain_text("查看情况")
    assert form_in_draft(page) == {name: value for name, value in before.items() if name != "title_en"} | {
        "title": "看"
    }


UNTRANSLATED = """async () => {
  const missing = new Set(), translate = ["value", (text) => (toolWords[text] === undefined && missing.add(text), text)];
  const modeler = new BpmnJS({ container: document.body.appendChild(document.createElement("div")), additionalModules: [{ translate }] });
  await modeler.createDiagram();
  const get = (name) => modeler.get(name), root = get("canvas").getRootElement(), task = { type: "bpmn:UserTask" }, shapes = [];
  const draw = (values, parent = root, hints = {}) => {
    const at = parent === root ? { x: 400 * shapes.length, y: 300 } : { x: parent.x + 40, y: parent.y + 40 };
    shapes.push(get("modeling").createShape(get("elementFactory").createShape(values), at, parent, hints));
    return shapes.at(-1);
  };
  const timer = { eventDefinitionType: "bpmn:TimerEventDefinition" };
  for (const name of Object.keys(data.fields)) {
    const type = `bpmn:${name[0].toUpperCase()}${name.slice(1)}`;
    if (/Definition$|Characteristics$|^(process|lane|participant|sequenceFlow|error|escalation|boundaryEvent)$/.test(name)) continue;
    draw({ type });
    if (/Event$/.test(name)) draw({ type, ...timer });
    if (/ubProcess$|transaction/.test(name)) draw({ type: "bpmn:StartEvent" }, draw({ type, isExpanded: true }));
  }
  draw({ type: "bpmn:StartEvent", eventDefinitionType: "bpmn:MessageEventDefinition" }, draw({ type: "bpmn:SubProcess", triggeredByEvent: true, isExpanded: true }));
  for (const isInterrupting of [true, false]) draw({ type: "bpmn:BoundaryEvent", cancelActivity: isInterrupting, ...timer }, shapes.find((one) => one.type === "bpmn:UserTask"), { attach: true });
  const flow = get("modeling").connect(...shapes.filter((one) => one.type === "bpmn:UserTask" || one.type === "bpmn:CallActivity"));
  const everything = [...shapes, flow, get("modeling").createShape(get("elementFactory").createParticipantShape(), { x: 600, y: 900 }, root)];
  get("palette").getEntries();
  for (const element of everything) {
    get("contextPad").getEntries(element);
    for (const provider of get("popupMenu")._getProviders("bpmn-replace")) provider.getPopupMenuEntries(element);
  }
  return [everything.length, [...missing]];
}"""


def test_every_tool_of_a_diagram_has_a_chinese_name(page: Page, app: Flask, clock: MovingClock) -> None:
    """Palette, context pad and types to change to, of each kind of element that the gate accepts."""
    open_studio(page, app)
    drawn, missing = page.evaluate(UNTRANSLATED)
    assert drawn > 35
    assert missing == []


def test_a_step_is_added_named_connected_and_removed_by_the_keyboard_alone(
    page: Page, app: Flask, clock: MovingClock
) -> None:
    """The element from the list, the palette by Tab and Enter, its kind by the pad, a flow from the panel."""
    open_studio(page, app)
    choose(page, "#panel-element", "查看")  # as a list is searched
    expect(page.locator('[data-element-id="look"].selected')).to_have_count(1)
    page.locator("#files button").first.focus()
    tab_to(page, '.djs-palette [data-action="create.task"]')
    page.keyboard.press("Enter")
    added = page.locator('[data-element-id^="Activity_"].djs-shape.selected')
    expect(added).to_have_count(1)
    name = added.get_attribute("data-element-id")
    tab_to(page, '.djs-context-pad [data-action="replace"]')
    page.keyboard.press("Enter")
    page.keyboard.type("用户任务")
    page.keyboard.press("Enter")
    tab_to(page, "#panel-name")
    page.keyboard.type("再看")
    choose(page, "#panel-candidateGroups", "工信部")
    choose(page, "#panel-connect", "签批")
    tab_to(page, "#panel-connect ~ button")
    page.keyboard.press("Enter")
    expect(page.locator("#panel-element option:checked")).to_contain_text("再看 → 签批")
    expect(page.locator("#saved")).to_contain_text("已自动保存")
    session().rollback()
    text = drafts.open_draft("small").files["small.bpmn"]
    assert re.search(f'<bpmn:userTask id="{name}" name="再看" camunda:candidateGroups="ministry"', text)
    assert re.search(f'sourceRef="look" targetRef="{name}"', text)
    assert re.search(f'sourceRef="{name}" targetRef="sign"', text)
    page.locator("#files button").first.focus()
    tab_to(page, '.djs-context-pad [data-action="delete"]')
    page.keyboard.press("Enter")
    expect(page.locator("#panel-connect")).to_have_count(0)


def test_a_finding_leads_to_its_field_its_rule_and_its_line(page: Page, app: Flask, clock: MovingClock) -> None:
    opened = drafts.open_draft("support_ticket")
    texts = opened.files | {
        "accept_ticket.form": opened.files["accept_ticket.form"].replace('"required": true', '"required": "yes"', 1),
        "ticket_routing.dmn": opened.files["ticket_routing.dmn"].replace('"P2D"', '"P2D', 1),
        "support_ticket.yaml": "- name: 受理\n  start: {}\n  wait: []\n",
    }
    drafts.save(person("drawer", "process_admin"), "support_ticket", texts, opened.version)
    sign_in(page, app, person("mender", "process_admin")).goto("/studio/support_ticket")
    page.wait_for_selector("#studio[data-ready]")
    found = page.locator("#findings .say", has_text="accept_ticket.form")
    found.get_by_role("button", name=re.compile("定位")).first.click()
    expect(page.locator(".fjs-properties-panel .bio-properties-panel-header")).to_contain_text("单选")
    page.locator("#findings .say", has_text="ticket_routing.dmn").get_by_role(
        "button", name=re.compile("定位")
    ).first.click()
    expect(page.locator(".is-found")).to_contain_text("P2D")
    page.locator("#findings .say", has_text="support_ticket.yaml").get_by_role(
        "button", name=re.compile("定位")
    ).click()
    chosen = "(box) => box.value.slice(box.selectionStart, box.selectionEnd)"
    expect(page.locator(".text-editor")).to_be_focused()
    assert page.locator(".text-editor").evaluate(chosen) == "- name: 受理"
