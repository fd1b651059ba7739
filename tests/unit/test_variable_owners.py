"""A variable that names what a case is about is kept by whoever gives it: each way to write it is refused."""

from __future__ import annotations

import json

import pytest

from service import handlers
from service.engine import examine
from service.errors import InvalidInput
from service.handlers.subjects import SUBJECTS, keep_subject
from service.workflow.processes import definitions
from service.workflow.processes.vocabulary import vocabulary
from tests.unit.validation_diagrams import chain, flow, process

RULE = "variables_keep_their_owner"
WAYS = {
    "field": '<userTask id="field" camunda:candidateGroups="ministry" camunda:formKey="asked"/>',
    "script": '<scriptTask id="script" scriptFormat="starlark"><script>{name} = "x"</script></scriptTask>',
    "decided": '<businessRuleTask id="decided" camunda:decisionRef="choose" camunda:resultVariable="{name}"/>',
    "given": '<userTask id="given" camunda:candidateGroups="ministry"><extensionElements><camunda:inputOutput>'
    '<camunda:inputParameter name="{name}">x</camunda:inputParameter></camunda:inputOutput></extensionElements>'
    "</userTask>",
    "taken": '<userTask id="taken" camunda:candidateGroups="ministry"><extensionElements><camunda:inputOutput>'
    '<camunda:outputParameter name="{name}">x</camunda:outputParameter></camunda:inputOutput></extensionElements>'
    "</userTask>",
    "repeated": '<userTask id="repeated" camunda:candidateGroups="ministry"><multiInstanceLoopCharacteristics '
    'camunda:collection="${{[1, 2]}}" camunda:elementVariable="{name}"/></userTask>',
    "copied": '<userTask id="copied" camunda:candidateGroups="ministry"><dataOutputAssociation id="association">'
    "<sourceRef>ours</sourceRef><targetRef>theirs</targetRef></dataOutputAssociation></userTask>",
    "called": '<callActivity id="called" calledElement="inner"><extensionElements><camunda:inputOutput>'
    '<camunda:outputParameter name="{name}">${{word}}</camunda:outputParameter></camunda:inputOutput>'
    "</extensionElements></callActivity>",
}
TABLE = (
    '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="urn:t">'
    '<decision id="choose" name="choose"><variable id="v" name="choose" typeRef="string"/>'
    '<literalExpression id="e"><text>"x"</text></literalExpression></decision></definitions>'
)


def given(key: str) -> list[str]:
    """Every variable that a process gets from its subject, from whoever starts it, and as ids from its topics."""
    described = handlers.declared_processes().get(key)
    found = {SUBJECTS[key].variable} if key in SUBJECTS else set()
    found |= described.starter if described else set(handlers.STARTER.split())
    names = set(described.starts_with) if described else set()
    for topic, one in handlers.declared_topics().items():
        names |= one.gives | one.may_give if topic.startswith(f"{key}.") else set()
    return sorted(found | {name for name in names if name.endswith(("_id", "_role"))})


PROCESSES = sorted({*SUBJECTS, *handlers.declared_processes(), "leave"})
PAIRS = [(key, name) for key in PROCESSES for name in given(key)]


def bundle(key: str, name: str, written: str) -> dict[str, bytes]:
    """A process that gets ``name`` and writes ``written`` in every way there is."""
    topics = [t for t, one in handlers.declared_topics().items() if t.startswith(f"{key}.")]
    served = [t for t in topics if name in handlers.declared_topics()[t].gives | handlers.declared_topics()[t].may_give]
    nodes = [f'<serviceTask id="s{at}" camunda:type="external" camunda:topic="{t}"/>' for at, t in enumerate(served)]
    data = f'<dataObject id="theirs" name="{written}"/><dataObject id="ours" name="word"/>'
    body = chain(*nodes, *(way.format(name=written) for way in WAYS.values()))
    inside = f'<scriptTask id="inside" scriptFormat="starlark"><script>{written} = "x"</script></scriptTask>'
    called = '<startEvent id="is"/>' + inside + '<endEvent id="ie"/>' + flow("is", "inside") + flow("inside", "ie")
    field = {"type": "textfield", "key": written, "label": "字"}
    form = {"type": "default", "schemaVersion": 16, "components": [field]}
    return {
        f"{key}.bpmn": process(data + body).replace(b'id="P"', f'id="{key}"'.encode()),
        "inner.bpmn": process(called).replace(b'id="P"', b'id="inner"'),
        "choose.dmn": TABLE.encode(),
        "asked.form": json.dumps(form, ensure_ascii=False, indent=1).encode(),
    }


@pytest.mark.parametrize(("key", "name"), PAIRS)
def test_each_way_to_write_what_a_process_gets_is_refused(key: str, name: str) -> None:
    said = examine(bundle(key, name, name), vocabulary=vocabulary())
    found = [issue for issue in said if issue.rule == RULE]
    assert {issue.element for issue in found} == {*WAYS, "inside", name} - {"field"}, [i.text("en") for i in said]
    assert all(issue.is_refusal and issue.line and issue.remedy_zh and issue.remedy_en for issue in found)


@pytest.mark.parametrize(("key", "name"), PAIRS)
def test_a_name_of_its_own_is_not_refused(key: str, name: str) -> None:
    said = examine(bundle(key, name, "word_of_ours"), vocabulary=vocabulary())
    assert not [issue.text("en") for issue in said if issue.is_refusal]


def test_what_a_case_begins_with_may_be_asked_by_the_form_of_its_start() -> None:
    """The shipped ones do so; who starts, and what a topic finds out later, nobody types in."""
    for path in sorted(definitions.PROCESSES.glob("*.bpmn")):
        files = definitions.bundle(path)
        assert RULE not in {issue.rule for issue in definitions.examine(files)}
        if (start := f"start_{path.stem}.form") not in files:
            continue
        form = json.loads(files[start])
        described = handlers.declared_processes()[path.stem]
        asked = [name for name in given(path.stem) if name not in described.starts_with]
        form["components"] += [{"type": "textfield", "key": name, "label": "字"} for name in asked]
        said = definitions.examine(files | {start: json.dumps(form, indent=1).encode()})
        assert {issue.element for issue in said if issue.rule == RULE} == set(asked)


@pytest.mark.parametrize("key", SUBJECTS)
def test_what_is_refused_when_a_task_is_completed_is_refused_at_the_gate(key: str) -> None:
    name = SUBJECTS[key].variable
    assert name in given(key)
    with pytest.raises(InvalidInput):
        keep_subject(key, "complete", {name: "1"})
