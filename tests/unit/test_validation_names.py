"""Names that point out of the file: what is not known is refused, or warned of where somebody else may know it."""

from __future__ import annotations

import json

import pytest

from service.config import CHECKOUT
from service.workflow.processes import definitions
from tests.unit.validation_diagrams import chain, process

FOLDER = CHECKOUT / "processes"
DEAF = (
    '<bpmn:boundaryEvent id="withdrawn_confirmed"',
    "withdrawn_confirmed_to_withdraw_confirmed",
)
Slip = tuple[str, str, str, str, str]
"""The file, what is replaced by what, the severity, the rule."""

SLIPS: dict[str, Slip] = {
    "a role": (
        "training_enrollment.bpmn",
        'candidateGroups="ministry"',
        'candidateGroups="ministri"',
        "refused",
        "roles_are_known",
    ),
    "a task that reaches nobody": (
        "personnel_approval.bpmn",
        'name="scope" value="authority_id"',
        'name="scope" value="unit_id"',
        "refused",
        "tasks_reach_an_organisation",
    ),
    "a topic that is nearly ours": (
        "personnel_approval.bpmn",
        "personnel_approval.approve",
        "personnel_approval.aprove",
        "refused",
        "topics_are_known",
    ),
    "a topic of somebody else": (
        "personnel_approval.bpmn",
        '"personnel_approval.approve"',
        '"send_sms"',
        "warning",
        "topics_are_known",
    ),
    "a variable that nobody writes": (
        "training_enrollment.bpmn",
        ">not needs_confirmation<",
        ">not is_urgent<",
        "refused",
        "variables_are_written",
    ),
    "a variable that is not written on every path": (
        "training_enrollment.bpmn",
        "${confirm_by}",
        "${certificate_number}",
        "warning",
        "variables_are_written",
    ),
    "a value that a form does not offer": (
        "personnel_approval.bpmn",
        'decision == "approve"',
        'decision == "agree"',
        "refused",
        "variables_are_written",
    ),
    "a message that nobody sends": (
        "personnel_approval.bpmn",
        'name="deregister"',
        'name="leave_for_good"',
        "warning",
        "messages_are_sent_and_caught",
    ),
    "a lane of another role": (
        "personnel_approval.bpmn",
        'name="省级主管部门"',
        'name="协会"',
        "warning",
        "lanes_name_their_roles",
    ),
    "a process that nobody can start": (
        "personnel_approval.bpmn",
        '"personnel_approval"',
        '"another_approval"',
        "warning",
        "processes_are_named_as_their_files",
    ),
    "a fact": ("training_need.dmn", "is_expired<", "is_expird<", "refused", "tables_are_used_rightly"),
    "an output": ("training_need.dmn", 'name="need"', 'name="needs"', "refused", "tables_are_used_rightly"),
    "a value of an output": ("training_need.dmn", '"refresher"<', '"refreshr"<', "refused", "tables_are_used_rightly"),
    "an unquoted output": ("training_need.dmn", '>"initial"<', ">initial<", "warning", "tables_are_used_rightly"),
}
DIAGRAM_OF = {"training_need.dmn": "training_enrollment.bpmn"}


@pytest.mark.parametrize("what", SLIPS)
def test_a_slip_is_told_with_rule_element_line_and_remedy(what: str) -> None:
    file, old, new, severity, rule = SLIPS[what]
    files = definitions.bundle(FOLDER / DIAGRAM_OF.get(file, file))
    assert old.encode() in files[file]
    count = -1 if rule == "processes_are_named_as_their_files" else 1
    changed = {**files, file: files[file].replace(old.encode(), new.encode(), count)}
    found = [issue for issue in definitions.examine(changed) if issue.rule == rule]
    assert severity in {issue.severity for issue in found}, [i.text("en") for i in definitions.examine(changed)]
    assert all(issue.zh and issue.en and issue.remedy_zh and issue.remedy_en and issue.line for issue in found)


def _rules(change: str) -> list[str]:
    files = definitions.bundle(FOLDER / "training_enrollment.bpmn")
    table = files["training_need.dmn"].decode()
    start, end = table.index('<rule id="rule_renewal"'), table.index('<rule id="rule_issued_this_year"')
    rule = table[start:end]
    changed = {
        "a rule is missing": table.replace(rule, ""),
        "two rules hit together": table.replace(rule, rule.replace("<text>false</text>", "<text>-</text>")),
        "a rule never hits": table.replace(rule, rule + rule.replace('id="', 'id="again_').replace("UNIQUE", "FIRST")),
    }[change]
    if change == "a rule never hits":
        changed = changed.replace('hitPolicy="UNIQUE"', 'hitPolicy="FIRST"')
    return [i.en for i in definitions.examine({**files, "training_need.dmn": changed.encode()})]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("a rule is missing", "No rule covers: has_certificate = true, is_expired = false"),
        ("two rules hit together", "hit together, and the hit policy is UNIQUE"),
        ("a rule never hits", "The rule again_rule_renewal can never hit"),
    ],
)
def test_gaps_overlaps_and_idle_rules_are_named(change: str, said: str) -> None:
    assert said in " ".join(_rules(change))


def test_a_waiting_step_before_others_must_hear_what_they_hear() -> None:
    """F5: a second approval without the boundary messages makes the case deaf to withdrawal, cancellation, change."""
    files = definitions.bundle(FOLDER / "training_enrollment.bpmn")
    text = files["training_enrollment.bpmn"].decode()
    text = text.replace('sourceRef="confirm" targetRef="check_in"', 'sourceRef="confirm" targetRef="second"')
    task = (
        '<bpmn:userTask id="second" name="复审" camunda:formKey="check_in" camunda:candidateGroups="association">'
        "<bpmn:incoming>confirm_to_check_in</bpmn:incoming><bpmn:outgoing>on</bpmn:outgoing></bpmn:userTask>"
        '<bpmn:sequenceFlow id="on" sourceRef="second" targetRef="check_in"/>'
    )
    text = text.replace(
        '<bpmn:sequenceFlow id="enrolled_to_gather_facts"', task + '<bpmn:sequenceFlow id="enrolled_to_gather_facts"'
    )
    text = text.replace("<bpmn:incoming>confirm_to_check_in</bpmn:incoming>", "<bpmn:incoming>on</bpmn:incoming>", 1)
    text = text.replace(task.replace("confirm_to_check_in", "on", 1), task)
    found = definitions.examine({**files, "training_enrollment.bpmn": text.encode()})
    told = [i for i in found if i.rule == "waiting_steps_hear"]
    assert {i.element for i in told} == {"second"}, [i.text("en") for i in found]
    assert {name for i in told for name in ("withdraw", "class_cancelled", "class_changed") if name in i.en} == {
        "withdraw",
        "class_cancelled",
        "class_changed",
    }


def test_a_field_that_only_people_read_is_a_note() -> None:
    files = definitions.bundle(FOLDER / "personnel_approval.bpmn")
    form = json.loads(files["approve_person.form"])
    form["components"].append({"type": "textfield", "key": "file_number", "label": "档案号"})
    found = definitions.examine({**files, "approve_person.form": json.dumps(form).encode()})
    read = [i for i in found if (i.rule, i.file) == ("variables_are_written", "approve_person.form")]
    assert [(i.severity, i.element) for i in read] == [("note", "file_number")]


def test_an_id_that_is_used_twice_is_called_that_and_nothing_else_is_said() -> None:
    """F14: the cause alone, with the line of the first."""
    files = definitions.bundle(FOLDER / "personnel_approval.bpmn")
    text = files["personnel_approval.bpmn"].replace(b'<bpmn:endEvent id="approved"', b'<bpmn:endEvent id="approve"')
    found = definitions.examine({**files, "personnel_approval.bpmn": text})
    assert [(i.rule, i.element) for i in found] == [("ids_are_used_once", "approve")]
    assert "used twice, first in line" in found[0].en


@pytest.mark.parametrize("vendor", ["http://flowable.org/bpmn", "http://camunda.org/schema/zeebe/1.0"])
def test_a_foreign_dialect_is_said_once_with_what_to_write_instead(vendor: str) -> None:
    files = definitions.bundle(FOLDER / "personnel_approval.bpmn")
    text = (
        files["personnel_approval.bpmn"]
        .decode()
        .replace("<bpmn:definitions ", f'<bpmn:definitions xmlns:o="{vendor}" ')
    )
    for kind in ("serviceTask", "userTask"):
        text = text.replace(f"<bpmn:{kind} ", f'<bpmn:{kind} o:skipExpression="x" o:delegateExpression="y" ')
    found = [i for i in definitions.examine({**files, "personnel_approval.bpmn": text.encode()}) if i.is_refusal]
    assert [i.rule for i in found] == ["dialect_is_ours"]
    assert "camunda:topic" in found[0].remedy_en


def test_a_called_process_needs_no_starter() -> None:
    """A process is told that nobody can start, but for one that this bundle calls, and those that the service starts."""
    body = '<startEvent id="b"/><endEvent id="d"/><sequenceFlow id="f" sourceRef="b" targetRef="d"/>'
    inner = process(body).replace(b'id="P"', b'id="inner"')
    call = '<callActivity id="call" calledElement="inner"/>'
    outer = process(chain(call), more='isExecutable="true" camunda:candidateStarterGroups="ministry"')

    def told(files: dict[str, bytes]) -> list[str]:
        return [issue.element for issue in definitions.examine(files) if issue.rule == "processes_can_be_started"]

    assert told({"P.bpmn": outer, "inner.bpmn": inner}) == []
    assert told({"inner.bpmn": inner}) == ["inner"]
    assert told({"P.bpmn": process(chain(call)), "inner.bpmn": inner}) == ["P"]
