"""Files that no editor writes and people send all the same: at each door accepted or refused in words, never a fault."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient

from service.models.tables.accounts.user import User
from service.workflow.processes import definitions
from service.workflow.versions import deployments, drafts
from tests.api.rest_world import make_world
from tests.builders.world import sign_in
from tests.process import small_process
from tests.process.small_process import DIAGRAM, FORM
from tests.process.test_deployments import form_data, modeler
from tests.process.test_sent_files import by_page

TABLE = (definitions.PROCESSES / "ticket_routing.dmn").read_text(encoding="utf-8")
RULES = TABLE[TABLE.index("<rule ") : TABLE.rindex("</rule>") + len("</rule>")]
DECISION: dict[str, Any] = json.loads(FORM)["components"][0]


def form(*components: Any, **members: Any) -> str:
    """A form with the conclusion that the diagram reads, and these."""
    whole = {"type": "default", "schemaVersion": 16, "id": "look", "components": [DECISION, *components]}
    return json.dumps(whole | members, ensure_ascii=False)


def listed(path: Any = "many", **members: Any) -> dict[str, Any]:
    inner = [{"type": "textfield", "key": "what", "label": "名称"}]
    return {"type": "dynamiclist", "path": path, "label": "明细", "components": inner} | members


def group(*components: Any, **members: Any) -> dict[str, Any]:
    return {"type": "group", "label": "分组", "components": list(components)} | members


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "textfield", "key": "inner", "label": "内"}
    for _ in range(depth):
        found = group(found)
    return found


def field(kind: str = "textfield", **members: Any) -> dict[str, Any]:
    return {"type": kind, "key": "extra", "label": "另填"} | members


FORMS: dict[str, str] = {
    "nothing": "",
    "not a number": form(field("number", defaultValue=float("nan"))),
    "components null": form(components=None),
    "key a number": form(field(key=1)),
    "odd keys": form(field(key="__class__"), field(key="a.b.0"), field(key="甲 乙"), field(key="a" * 300)),
    "a key twice": form(field(), field()),
    "a member twice": '{"id": "look", "components": [], ' + form()[1:],
    "label a list": form(field(label=["a"])),
    "validate a list": form(field(validate=[])),
    "bad bounds": form(field("number", validate={"min": "a", "max": []})),
    "a bound without end": form(field("number", validate={"min": float("inf")})),
    "a bad pattern": form(field(validate={"pattern": "(((("})),
    "values of lists": form(field("radio", values=[{"label": [], "value": {}}])),
    "nested groups": form(nested(12)),
    "300 groups deep": form(nested(300)),
    "a group of groups of nothing": form(group(group(), group(group()))),
    "a list in a group": form(group(listed())),
    "a group in a list": form(listed(components=[group(field())])),
    "a list as long as it likes": form(listed(defaultRepetitions=10**12)),
    "hidden by a list": form(field(conditional=[])),
    "digits below nothing": form(field("number", decimalDigits=-3, increment="x")),
    "characters that stay hidden": form(field(label="\u202e\u200b\x00")),
}


def table(old: str, new: str) -> str:
    assert old in TABLE, old
    return TABLE.replace(old, new)


TABLES: dict[str, str] = {
    "nothing": "",
    "no rules": table(RULES, ""),
    "hit policy of no kind": table('"UNIQUE"', '"ROUND ROBIN"'),
    "hit policy empty": table('"UNIQUE"', '""'),
    "no table": TABLE.partition("<decisionTable")[0] + "</decision></definitions>",
    "a literal expression": TABLE.partition("<decisionTable")[0]
    + "<literalExpression><text>1</text></literalExpression></decision></definitions>",
    "an id twice": table('id="rule_ordering"', 'id="rule_technical"'),
    "a cell too few": table("<inputEntry", "<annotationEntry").replace("</inputEntry>", "</annotationEntry>"),
    "a cell that calls": table('"P2D"', '__import__("os").system("true")'),
    "a cell that never ends": table('"P2D"', "9**9**9**9"),
    "another DMN": table("20191111/MODEL", "20300101/MODEL"),
}


def diagram(old: str, new: str) -> str:
    assert old in DIAGRAM, old
    return DIAGRAM.replace(old, new)


def deep(depth: int) -> str:
    """Subprocesses within each other."""
    opened = "".join(f'<bpmn:subProcess id="s{n}">' for n in range(depth))
    return diagram("</bpmn:process>", opened + "</bpmn:subProcess>" * depth + "</bpmn:process>")


DI = 'xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
SHAPE = f"""<di:BPMNDiagram {DI} id="g"><di:BPMNPlane id="p" bpmnElement="small"><di:BPMNShape id="s" bpmnElement="look">
<dc:Bounds %s/></di:BPMNShape></di:BPMNPlane></di:BPMNDiagram></bpmn:definitions>"""
DIAGRAMS: dict[str, str] = {
    "nothing": "",
    "an empty process": DIAGRAM.partition("<bpmn:startEvent")[0] + "</bpmn:process></bpmn:definitions>",
    "a name of 3000": diagram("小流程", "小" * 3000),
    "an id twice": diagram('id="done"', 'id="refused"'),
    "300 deep": deep(300),
    "a flow to nowhere": diagram('targetRef="gw"', ""),
    "a timer of no time": diagram("P3D", "soon"),
    "a timer beyond time": diagram("P3D", "P99999999Y"),
    "a condition that does not close": diagram('decision == "yes"', 'decision == "yes'),
    "a condition of nothing": diagram('decision == "yes"', ""),
    "bounds below nothing": diagram("</bpmn:definitions>", SHAPE % 'x="-9e99" y="0" width="-5" height="1e400"'),
    "bounds of nothing": diagram("</bpmn:definitions>", SHAPE % ""),
    "repeated without end": diagram(
        "<bpmn:incoming>f3</bpmn:incoming>",
        "<bpmn:incoming>f3</bpmn:incoming><bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>10**9"
        "</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>",
    ),
}
UTF_16 = "UTF-16"
OF_THE_DRAFT = ("/studio/{key}",)
PAGES = ("/processes/{key}", "/processes/{key}?version=1", *OF_THE_DRAFT, "/studio/{key}/differences")


def strange() -> dict[str, tuple[str, dict[str, bytes]]]:
    """Each with the process it belongs to and the files to send."""
    found: dict[str, tuple[str, dict[str, bytes]]] = {}
    for name, content in FORMS.items():
        found[f"form: {name}"] = "small", {"small.bpmn": DIAGRAM.encode(), "look.form": content.encode()}
    for name, content in DIAGRAMS.items():
        found[f"diagram: {name}"] = "small", {"small.bpmn": content.encode(), "look.form": FORM.encode()}
    for name, content in TABLES.items():
        found[f"table: {name}"] = "support_ticket", {"ticket_routing.dmn": content.encode()}
    found["form: UTF-16"] = "small", {"small.bpmn": DIAGRAM.encode(), "look.form": FORM.encode(UTF_16)}
    told = DIAGRAM.replace("UTF-8", UTF_16)
    found["diagram: UTF-16"] = "small", {"small.bpmn": told.encode(UTF_16), "look.form": FORM.encode()}
    found["diagram: UTF-16 in name alone"] = "small", {"small.bpmn": told.encode(), "look.form": FORM.encode()}
    found["table: UTF-16"] = "support_ticket", {"ticket_routing.dmn": TABLE.replace("UTF-8", UTF_16).encode(UTF_16)}
    return found


def unworded(answer: Any) -> list[Any]:
    """What a refusal of REST leaves without place or sentence."""
    errors = [one for file in (answer.json.get("details") or {}).values() for one in file["errors"]]
    return [one for one in errors or [answer.json] if not one["message"]]


def test_strange_files_are_answered_at_every_door_and_break_no_page(client: FlaskClient) -> None:
    make_world()
    small_process.deploy()
    deployments.deploy(definitions.bundle(definitions.PROCESSES / "support_ticket.bpmn"))
    sign_in(client, User.by_login("processes"))
    wrong: list[Any] = []
    for case, (key, files) in strange().items():
        asked: dict[str, Any] = {}
        asked["REST"] = rest = modeler(client, "/deployment/create", method="POST", data=form_data(files))
        if rest.status_code == 400:
            wrong += [(case, "REST", one) for one in unworded(rest)]
        asked["page"] = page = by_page(client, files)
        if page.status_code not in (302, 400, 422) or (rest.status_code == 200) != (page.status_code == 302):
            wrong.append((case, "page", page.status_code, rest.status_code))
        opened = drafts.open_draft(key)
        texts = opened.files | {name: content.decode(errors="replace") for name, content in files.items()}
        sent = {"files": texts, "version": opened.version}
        asked["studio"] = saved = client.post(f"/studio/{key}/draft", json=sent)
        if saved.status_code == 200:
            wrong += [(case, "studio", one) for one in saved.json["findings"] if not one.get("rule")]
        if case.startswith("form"):
            asked["preview"] = client.post(f"/studio/{key}/form", json={"form": texts["look.form"]})
        shown = PAGES if rest.status_code == 200 else OF_THE_DRAFT
        asked |= {path: client.get(path.format(key=key)) for path in shown}
        wrong += [(case, door, answer.status_code) for door, answer in asked.items() if answer.status_code >= 500]
        if case.endswith(": nothing") and rest.status_code == 200:
            wrong.append((case, "an empty file was taken for the one in force"))
    assert not wrong
