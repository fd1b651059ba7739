"""Model tests, try-outs and comparisons: played by the engine alone, without database or handlers (domain.md §9)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from service import engine
from service.engine.comparison import compare
from service.engine.forms.reader import read_form
from service.engine.kernel.cpu_meter import CpuMeter
from service.engine.rehearsal import MOST_STEPS, rehearse
from service.engine.validation.model_tests import ScriptRefused, read_model_tests
from service.errors import InvalidInput
from service.workflow.processes import rehearsals
from service.workflow.processes.definitions import PROCESSES, bundle, examine
from service.workflow.processes.sent_files import accept

KEYS = sorted(path.stem for path in PROCESSES.glob("*.bpmn"))
TESTS = [(key, test) for key in KEYS for test in read_model_tests(rehearsals.model_tests_of(key, {}))]
each_process = pytest.mark.parametrize("key", KEYS)


@each_process
def test_each_shipped_diagram_has_model_tests_and_passes_them(key: str) -> None:
    outcomes = rehearsals.run_tests(key, bundle(PROCESSES / f"{key}.bpmn"))
    assert outcomes
    assert [(one.name, one.en) for one in outcomes if one.en or not one.name_en] == []


@pytest.mark.parametrize(("key", "test"), TESTS, ids=lambda value: value if isinstance(value, str) else value["name"])
def test_a_model_test_that_expects_something_else_fails(key: str, test: dict[str, Any], tmp_path: Path) -> None:
    """Each expectation of each shipped test, altered, is not met."""
    altered: list[dict[str, Any]] = [
        {**test, "path": [*test["path"][:-1], "elsewhere"]},
        {**test, "path": test["path"][:-1]},
        {**test, "path": [*test["path"], "further"]},
        {**test, **({"ends": False} if "ends" in test else {"waits": ["nowhere"]})},
    ]
    altered += [{**test, "steps": [*test.get("steps", []), {"complete": "nothing"}]}]
    altered += [
        {**test, "steps": [{**one, "as": "auditor"}, *test["steps"][1:]]}
        for one in test.get("steps", [])[:1]
        if "complete" in one
    ]
    (tmp_path / f"{key}.yaml").write_text(json.dumps(altered, ensure_ascii=False))
    outcomes = rehearsals.run_tests(key, bundle(PROCESSES / f"{key}.bpmn"), tmp_path)
    assert [one.zh != "" and one.en != "" for one in outcomes] == [True] * len(altered)


def test_a_failing_model_test_is_a_warning_of_the_gate_that_names_it() -> None:
    files = bundle(PROCESSES / "process_change.bpmn")
    changed = files | {
        "process_change.bpmn": files["process_change.bpmn"].replace(b'decision == "approve"', b'decision == "refuse"')
    }
    assert rehearsals.issues(files) == []
    found = rehearsals.issues(changed)
    assert {(issue.rule, issue.severity, issue.file) for issue in found} == {
        ("model_tests", "warning", "tests/process_change.yaml")
    }


@pytest.mark.parametrize("written", ["- a: 1", "x: 1", "3", "- name: [", "- [1]"])
def test_a_file_that_is_no_list_of_tests_is_told(written: str, tmp_path: Path) -> None:
    (tmp_path / "process_change.yaml").write_text(written)
    assert rehearsals.run_tests("process_change", bundle(PROCESSES / "process_change.bpmn"), tmp_path)[0].zh


@each_process
def test_what_is_invented_leads_to_the_first_task(key: str) -> None:
    told = rehearsals.rehearse(key, texts(key), {"start": rehearsals.invent_start(key)})
    assert (told["problem"], bool(told["moments"][-1]["waiting"] or told["ended"])) == ("", True)


WRONG_TESTS = {
    "no YAML": b"- name: [",
    "no UTF-8": b"- name: \xff",
    "no list": b"name: a",
    "a list of lists": b"- [1]",
    "a test without name": b"- {ends: true}",
    "an empty name": b"- {name: ' '}",
    "a name that is none": b"- {name: 3}",
    "a misspelt word": b"- {name: a, wait: [b]}",
    "a path in one line": b"- {name: a, path: started}",
    "steps by name": b"- {name: a, steps: {complete: b}}",
    "data in a list": b"- {name: a, start: [1]}",
    "an end in words": b"- {name: a, ends: maybe}",
    "English that is none": b"- {name: a, name_en: 1}",
    "a day that is no text": b"- {name: a, start: {day: 2026-01-05}}",
    "a set": b"- {name: a, start: {x: !!set {a, b}}}",
    "a number that is none": b"- {name: a, start: {x: .nan}}",
    "an object": b"- !!python/object:os.system {}",
    "a list in itself": b"- &a [*a]",
    "a control character": b"- {name: 'a\x07'}",
}


@pytest.mark.parametrize("written", WRONG_TESTS.values(), ids=WRONG_TESTS)
def test_a_wrong_file_of_model_tests_is_refused_where_it_stands(written: bytes) -> None:
    files = {**bundle(PROCESSES / "process_change.bpmn"), "process_change.yaml": written}
    found = [issue for issue in examine(files) if issue.is_refusal]
    assert {(issue.file, issue.rule) for issue in found} == {("process_change.yaml", "model_tests")}
    assert all(issue.zh and issue.en and issue.remedy_zh and issue.remedy_en for issue in found)


def test_model_tests_of_another_process_are_refused() -> None:
    files = {**bundle(PROCESSES / "process_change.bpmn"), "process_changed.yaml": b"[]"}
    assert [(one.file, one.is_refusal) for one in examine(files)] == [("process_changed.yaml", True)]


def test_the_model_tests_of_a_bundle_go_before_those_beside_the_shipped_diagram() -> None:
    files = bundle(PROCESSES / "process_change.bpmn")
    assert len(rehearsals.run_tests("process_change", files)) > 1
    own = b"- {name: \xe8\x87\xaa\xe5\xb7\xb1\xe7\x9a\x84, name_en: my own, ends: true}"
    (outcome,) = rehearsals.run_tests("process_change", {**files, "process_change.yaml": own})
    assert (outcome.name, outcome.name_en, outcome.en != "") == ("自己的", "my own", True)
    assert [one.rule for one in rehearsals.issues({**files, "process_change.yaml": own})] == ["model_tests"]
    assert rehearsals.run_tests("process_change", {**files, "process_change.yaml": b""}) == []


NESTED = b"- &a0 [x]\n" + b"".join(b"- &a%d [%s]\n" % (n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12))


@pytest.mark.parametrize("written", [NESTED, b"[" * 3000, b"- {name: a, start: {x: " + b"y" * 300_000 + b"}}"])
def test_tests_that_cost_more_than_they_weigh_are_refused_in_the_bounded_child(written: bytes) -> None:
    with pytest.raises(InvalidInput):
        accept({"process_change.yaml": written})


def texts(key: str) -> dict[str, str]:
    return {name: content.decode() for name, content in bundle(PROCESSES / f"{key}.bpmn").items()}


def test_a_table_is_tried_out_and_a_wrong_one_says_why() -> None:
    files = texts("support_ticket")
    tried = rehearsals.decide("support_ticket", files, "ticket_routing", {"ticket_kind": "repair"})
    assert tried["result"]["desk"] == "association"
    assert "problem" in rehearsals.decide("support_ticket", files, "no_table", {})
    assert "problem" in rehearsals.decide("support_ticket", files | {"ticket_routing.dmn": "<x"}, "ticket_routing", {})


@pytest.mark.parametrize(
    "script",
    [
        {},
        {"steps": 3},
        {"steps": [3]},
        {"steps": [{"complete": None}]},
        {"start": []},
        {"topics": 1},
        {"steps": [{"complete": "approve_change", "with": {"strange": 1}}]},
        {"start": {"a": 1.5}},
    ],
)
def test_a_script_of_any_shape_is_played_or_said_to_misfit(script: dict[str, Any]) -> None:
    told = rehearsals.rehearse("process_change", texts("process_change"), script)
    assert isinstance(told["moments"], list)


LOOP = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
<process id="loop" isExecutable="true"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="g"/>
<exclusiveGateway id="g" {where}/><sequenceFlow id="b" sourceRef="g" targetRef="h"/>
<exclusiveGateway id="h" default="c"/><sequenceFlow id="c" sourceRef="h" targetRef="g"/>
<sequenceFlow id="d" sourceRef="h" targetRef="e"><conditionExpression>1 == 2</conditionExpression></sequenceFlow>
<endEvent id="e"/></process></definitions>"""
ENDLESS_TASK = LOOP.replace(
    'exclusiveGateway id="g" {where}', 'userTask id="g" name="g" camunda:candidateGroups="ministry"'
)


@pytest.mark.parametrize(
    ("where", "said"),
    [('camunda:asyncBefore="true"', "走不完"), ("", "走不下去")],
)
def test_an_endless_loop_is_said_not_to_end(where: str, said: str) -> None:
    told = rehearsals.rehearse("loop", {"loop.bpmn": LOOP.replace("{where}", where)}, {})
    assert told["problem"][0].startswith(said), told
    assert "循环" in told["problem"][0]


def test_no_try_out_computes_longer_than_its_time() -> None:
    """The meter of all that is played together: with nothing left the next one says so."""
    spent = CpuMeter(1)
    spent.charge(2)
    definition = engine.read_definition(bundle(PROCESSES / "process_change.bpmn"), "process_change")
    played = rehearse(definition, {}, rehearsals.invent, spent)
    assert "走不完" in played.problem[0]
    assert "does not end" in played.problem[1]


def test_more_steps_than_are_played_are_not_left_out_silently() -> None:
    definition = engine.read_definition({"loop.bpmn": ENDLESS_TASK.encode()}, "loop")
    script = {"steps": [{"complete": "g"}] * (MOST_STEPS + 1)}
    played = rehearse(definition, script, rehearsals.invent)
    assert (len(played.moments), str(MOST_STEPS) in played.problem[0]) == (MOST_STEPS + 1, True)


@each_process
def test_nothing_differs_from_itself_and_every_removed_element_is_told(key: str) -> None:
    files = bundle(PROCESSES / f"{key}.bpmn")
    assert compare(files, files) == []
    main = f"{key}.bpmn"
    named = files[main].replace(b' name="', b' name="Z')
    told = {one.element for one in compare(files, files | {main: named}) if one.kind == "changed"}
    flow_nodes = {e.id for e in engine.read_definition(files, key).elements.values() if e.type not in ("process",)}
    assert {one.rpartition("/")[2] for one in flow_nodes if f'id="{one}" name=' in files[main].decode()} <= told
    assert {one.kind for one in compare(files, {main: files[main]})} <= {"removed"}
    assert {(one.kind, one.what) for one in compare({}, files)} == {("added", "file")}
    moved = files[main].replace(b'<dc:Bounds x="', b'<dc:Bounds x="9')
    assert {one.kind for one in compare(files, files | {main: moved})} == {"moved"}
    assert compare(files, files | {main: b"<x"})[0].what == "file"


def test_a_rule_of_a_table_and_a_field_of_a_form_are_told_with_before_and_after() -> None:
    files = bundle(PROCESSES / "support_ticket.bpmn")
    table = files | {"ticket_routing.dmn": files["ticket_routing.dmn"].replace(b"P2D", b"P4D")}
    (rule,) = compare(files, table)
    assert (rule.kind, rule.what, rule.details[0][1:]) == ("changed", "rule", ('"P2D"', '"P4D"'))
    form = files | {"rate_ticket.form": files["rate_ticket.form"].replace(b'"key": "rating"', b'"key": "mark"')}
    assert {(one.kind, one.element) for one in compare(files, form)} == {("added", "mark"), ("removed", "rating")}


@pytest.mark.parametrize(
    "sent", ["- &a {name: x}", "- name: &a x", "- {name: x, path: [*a]}", "- *a", "- &a [*a]", "- {&a name: x}"]
)
def test_anchors_and_aliases_are_refused_before_they_are_followed(sent: str) -> None:
    with pytest.raises(ScriptRefused) as refused:
        read_model_tests(f"\n{sent}".encode())
    assert refused.value.line == 2
    assert "锚点" in refused.value.args[0]


WRONG = (
    "：",
    ":",
    "\t",
    "- ",
    "'",
    '"',
    "{",
    "[",
    "}",
    "]",
    "!x ",
    "%",
    "@",
    "`",
    "? ",
    "|",
    ">",
    "2026-01-01",
    "---\n",
    "\n",
    "#",
    "\x00",
)
PARSER = re.compile(
    r"[A-Za-z]+Error|Traceback|Object of type|<unicode|<block|<stream|while (scan|pars)|expected|^None| at 0x"
)
"""The language of Python and its parsers."""


def refusal(text: str) -> ScriptRefused | None:
    try:
        read_model_tests(text.encode())
    except ScriptRefused as misfit:
        return misfit
    return None


def test_whatever_is_mistyped_in_a_model_test_is_told_in_words_at_its_line() -> None:
    """Each sign at many places of a shipped file: sentences of our own, a line of the file."""
    text = (rehearsals.TESTS / "personnel_approval.yaml").read_text()[:600]
    mistyped = [text[:at] + sign + text[at:] for sign in WRONG for at in range(0, len(text), 17)]
    refused = [(one, misfit) for one in mistyped if (misfit := refusal(one))]
    assert len(refused) > 300
    assert [misfit.args for _, misfit in refused if any(PARSER.search(said) for said in misfit.args)] == []
    assert [one for one, misfit in refused if not (0 < misfit.line <= one.count("\n") + 1 or "\x00" in one)] == []


@pytest.mark.parametrize(
    "content",
    [b"{", b'{"components": [,]}', b"[]", b"7", b'{"components": [{"type": "select", "key": "a", "values": [{}]}]}'],
)
def test_a_form_that_cannot_be_read_is_told_without_the_words_of_the_parser(content: bytes) -> None:
    for fault in read_form(content).faults:
        assert not PARSER.search(fault.zh + fault.en), fault
        assert re.search("[\u4e00-\u9fff]", fault.zh)
