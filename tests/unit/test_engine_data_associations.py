"""Data associations (BPMN 2.0 §10.4.2): whatever takes data in or gives data out copies them where it is drawn."""

from __future__ import annotations

from typing import Any

import pytest

from service.engine.conformance.cases import Cases, Running
from tests.conformance.scenarios import (
    ERROR,
    ESCALATION,
    MESSAGE,
    ROOT,
    SIGNAL,
    around,
    at,
    catch,
    line,
    listening,
    other,
    run,
    script,
    t,
    throw,
    user,
)
from tests.unit.validation_diagrams import process, sub, task

OBJECTS = '<dataObject id="d1" name="box"/><dataObject id="d2" name="copy"/>'
OBJECTS += '<dataObjectReference id="r1" dataObjectRef="d1"/><dataObjectReference id="r2" dataObjectRef="d2"/>'
TOLD = script("told", "trace(str(copy))")


def gives(*, by: str = "event") -> str:
    """The data output ``out`` goes to the data object ``copy``."""
    item, sets = '<dataOutput id="o" name="out"/>', "<outputSet><dataOutputRefs>o</dataOutputRefs></outputSet>"
    to = "<dataOutputAssociation><sourceRef>o</sourceRef><targetRef>r2</targetRef></dataOutputAssociation>"
    return item + to + sets if by == "event" else f"<ioSpecification>{item}<inputSet/>{sets}</ioSpecification>{to}"


def takes(*, by: str = "event") -> str:
    """The data object ``box`` goes to the data input ``seen``."""
    item, sets = '<dataInput id="i" name="seen"/>', "<inputSet><dataInputRefs>i</dataInputRefs></inputSet>"
    from_ = "<dataInputAssociation><sourceRef>r1</sourceRef><targetRef>i</targetRef></dataInputAssociation>"
    return (
        item + from_ + sets if by == "event" else f"<ioSpecification>{item}{sets}<outputSet/></ioSpecification>{from_}"
    )


def started(body: str, data: dict[str, Any], message: str | None = None) -> tuple[Cases, Running]:
    cases = Cases({"m.bpmn": process(body + OBJECTS, ROOT)})
    return cases, cases.start("P", data, message)


CATCHERS = {
    "message": line(catch("c", gives() + MESSAGE), TOLD),
    "signal": line(catch("c", gives() + SIGNAL), TOLD),
    "receive task": line(task("c", "receiveTask", 'messageRef="msg"', gives(by="task")), TOLD),
    "boundary event": line(user("h")) + at("c", "h", gives() + MESSAGE).replace("trace('c_t')", "trace(str(copy))"),
    "event subprocess": line(around("p", line(user("h")), listening("l", gives() + MESSAGE, TOLD))),
    "start event": line(TOLD).replace('<startEvent id="s"/>', f'<startEvent id="s">{gives()}{MESSAGE}</startEvent>'),
}


@pytest.mark.parametrize("catcher", CATCHERS)
def test_what_an_event_brings_goes_where_its_data_output_is_led(catcher: str) -> None:
    if catcher == "start event":
        cases, case = started(CATCHERS[catcher], {"out": 7}, "paid")
    else:
        cases, case = started(CATCHERS[catcher], {})
        kind, name = ("signal", "alarm") if catcher == "signal" else ("message", "paid")
        cases.move(case, kind, element=name, data={"out": 7, "more": 1})
    assert cases.tokens == ["7"], case.incident
    assert cases.audit() == []


@pytest.mark.parametrize("catcher", CATCHERS)
def test_an_output_that_is_not_brought_is_not_copied(catcher: str) -> None:
    cases, case = started(CATCHERS[catcher], {"copy": 1}, "paid" if catcher == "start event" else None)
    if catcher != "start event":
        kind, name = ("signal", "alarm") if catcher == "signal" else ("message", "paid")
        cases.move(case, kind, element=name, data={})
    assert cases.tokens == ["1"], case.incident


THROWERS = {
    "message": line(throw("c", takes() + MESSAGE)),
    "signal": line(throw("c", takes() + SIGNAL)),
    "send task": line(task("c", "sendTask", 'messageRef="msg"', takes(by="task"))),
    "message end": line(t("a"), end=takes() + MESSAGE),
    "signal end": line(t("a"), end=takes() + SIGNAL),
}


@pytest.mark.parametrize("thrower", THROWERS)
def test_what_is_thrown_carries_its_data_inputs(thrower: str) -> None:
    cases, _ = started(THROWERS[thrower], {"box": 5, "other": 1})
    assert [sent.data for _, sent in cases.pending] == [{"seen": 5}]


@pytest.mark.parametrize("thrower", THROWERS)
def test_what_is_thrown_carries_all_variables_where_no_inputs_are_drawn(thrower: str) -> None:
    cases, _ = started(THROWERS[thrower].replace(takes(), "").replace(takes(by="task"), ""), {"box": 5, "other": 1})
    assert [sent.data for _, sent in cases.pending] == [{"box": 5, "other": 1}]


@pytest.mark.parametrize(("thrown", "name"), [(ERROR, "error"), (ESCALATION, "escalation")])
def test_an_error_or_escalation_hands_its_data_to_who_catches_it(thrown: str, name: str) -> None:
    inner = sub("p", line(t("a"), end=takes() + thrown))
    output = gives().replace('name="out"', 'name="seen"')
    body = line(inner) + at("c", "p", output + thrown).replace("trace('c_t')", "trace(str(copy))")
    assert run(body + OBJECTS, {"box": 5}) == "5 a", name


ACTIVITIES = {
    "call": ('<callActivity id="c" calledElement="C">{}</callActivity>', line(script("k", "out = seen + 1"))),
    "script": ('<scriptTask id="c">{}<script>out = seen + 1</script></scriptTask>', ""),
}


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_an_activity_works_on_its_inputs_and_hands_back_its_outputs(activity: str) -> None:
    xml, called = ACTIVITIES[activity]
    items = '<dataInput id="i" name="seen"/><dataOutput id="o" name="out"/>'
    sets = (
        "<inputSet><dataInputRefs>i</dataInputRefs></inputSet><outputSet><dataOutputRefs>o</dataOutputRefs></outputSet>"
    )
    ways = "<dataInputAssociation><sourceRef>r1</sourceRef><targetRef>i</targetRef></dataInputAssociation>"
    ways += "<dataOutputAssociation><sourceRef>o</sourceRef><targetRef>r2</targetRef></dataOutputAssociation>"
    drawn = xml.format(f"<ioSpecification>{items}{sets}</ioSpecification>{ways}")
    told = script("told", "trace(str(copy))\ntrace(str(box))")
    assert run(line(drawn, told) + OBJECTS, {"box": 5}, other(called) if called else "") == "5 6"


def test_a_called_process_sees_its_inputs_and_nothing_else() -> None:
    drawn = f'<callActivity id="c" calledElement="C">{takes(by="task")}</callActivity>'
    assert run(line(drawn) + OBJECTS, {"box": 5}, other(line(script("k", "trace(str(seen))")))) == "5"
    assert run(line(drawn) + OBJECTS, {"box": 5}, other(line(script("k", "trace(str(box))")))) == "ERROR_runtime"


def test_a_subprocess_keeps_what_is_copied_into_its_property() -> None:
    """As Camunda's modeler draws associations of activities without inputs, when the property has a name."""
    way = '<property id="i" name="seen"/><dataInputAssociation><sourceRef>r1</sourceRef><targetRef>i</targetRef>'
    inner = sub("p", line(script("k", "seen = seen + 1\ntrace(str(seen))"))).replace(
        "<startEvent", f"{way}</dataInputAssociation><startEvent", 1
    )
    assert run(line(inner, script("told", "trace(str(box))")) + OBJECTS, {"box": 5}) == "5 6"
