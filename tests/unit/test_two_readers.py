"""The gate and the engine read one text alike: what is let through runs, whatever its blanks, case, signs and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from lxml import etree

from service.config import CHECKOUT
from service.engine import Input, StepError, examine, read_definition, step
from service.engine.validation.camunda_extensions import WRITTEN
from service.workflow.processes import definitions
from service.workflow.processes.vocabulary import vocabulary
from tests.unit.validation_diagrams import chain, process

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GIVEN = '<scriptTask id="z"><script>n = 7\nwho = "ministry"\nday = "2026-03-02"\nlong = "P1D"\nmany = [1, 2]</script></scriptTask>'


def user_task(more: str = "", inner: str = "") -> str:
    role = "" if "candidateGroups" in more else 'camunda:candidateGroups="ministry"'
    return f'<userTask id="u" {role} {more}>{inner}</userTask>'


def extended(inner: str, tag: str = "properties") -> str:
    return f"<extensionElements><camunda:{tag}>{inner}</camunda:{tag}></extensionElements>"


def timer(kind: str) -> str:
    inner = f"<timerEventDefinition id='td'><{kind}>TEXT</{kind}></timerEventDefinition>"
    return f'<intermediateCatchEvent id="u">{inner}</intermediateCatchEvent>'


PLACES = {
    **{
        name: user_task(f"camunda:{name}=ATTRIBUTE")
        for kind, name in WRITTEN
        if kind == "userTask" and name != "formKey"
    },
    **{
        name: user_task(inner=extended(f'<camunda:property name="{name}" value=ATTRIBUTE/>'))
        for name in ("scope", "summary", "batch", "state")
    },
    "input": user_task(inner=extended('<camunda:inputParameter name="i">TEXT</camunda:inputParameter>', "inputOutput")),
    "output": '<scriptTask id="u">'
    + extended('<camunda:outputParameter name="i">TEXT</camunda:outputParameter>', "inputOutput")
    + "<script>y = 1</script></scriptTask>",
    "loopCardinality": user_task(
        inner="<multiInstanceLoopCharacteristics><loopCardinality>TEXT</loopCardinality></multiInstanceLoopCharacteristics>"
    ),
    "collection": user_task(
        inner='<multiInstanceLoopCharacteristics camunda:collection=ATTRIBUTE camunda:elementVariable="one"/>'
    ),
    "condition": '<intermediateCatchEvent id="u"><conditionalEventDefinition id="cd"><condition>TEXT</condition>'
    "</conditionalEventDefinition></intermediateCatchEvent>",
    "timeDate": timer("timeDate"),
    "timeDuration": timer("timeDuration"),
    **{name: user_task(f"{name}=ATTRIBUTE") for name in ("startQuantity", "completionQuantity")},
}
EXPRESSIONS = {
    **{"dueDate": "day", "followUpDate": "long", "assignee": "who", "candidateGroups": "who", "priority": "n"},
    **{"scope": "who", "summary": "who", "batch": "who", "state": "who", "input": "n", "output": "n"},
    **{"loopCardinality": "n", "collection": "many", "condition": "n == 7", "timeDate": "day", "timeDuration": "long"},
}
TEXTS = (
    *("P3D", "p3d", " P3D ", "P0D", "-P3D", "PT0S", "P1.5D", "P3,5D", "P٣D", "P1W", "P9999Y", "P99999M", "P999999D"),
    *(
        "P9999999D",
        "PT90",
        "P",
        "PT",
        "P3DT",
        "P1D\n",
        "\u3000P1D\u3000",
        "P1D\u200b",
        "2026-03-01",
        "2026-03-01T18:00",
    ),
    *("2026-3-1", "20260301", "2026-03-01T18:00Z", "2026-03-01 18:00", "2026-02-30", "9999-12-31", "0001-01-01"),
    *("2026-W10-1", "2026-03-01T24:00", "2026-03-01T18:00+25:00", "0001-01-01T00:00Z", "９", "1e3", "+5", "5.0", " 5 "),
    *("-1", "0", "true", "TRUE", "50", "1_000", "99999999999999999999", "999999999"),
)


def placed(place: str, text: str) -> dict[str, bytes]:
    node = PLACES[place].replace("ATTRIBUTE", quoteattr(text)).replace("TEXT", escape(text))
    return {"m.bpmn": process(chain(GIVEN, node))}


def refused(files: dict[str, bytes]) -> bool:
    return any(issue.is_refusal for issue in examine(files))


def ran(files: dict[str, bytes]) -> tuple[Any, ...]:
    """What the engine makes of a diagram up to its first wait. Raises StepError."""
    done = step(read_definition(files), None, Input("start", 1, NOW), lambda _request: {}, b"s" * 16)
    tasks = [(t.role, t.scope, t.summary, t.batch, t.due, t.follow_up, t.priority, t.assignee) for t in done.opened]
    return tasks, [job.due for job in done.jobs_set], done.reached, done.data.get("i"), done.ended


@pytest.mark.parametrize("place", EXPRESSIONS)
def test_an_expression_of_camunda_means_the_same_with_either_sign(place: str) -> None:
    dollar, hash_sign = (placed(place, f"{sign}{{{EXPRESSIONS[place]}}}") for sign in "$#")
    assert not refused(dollar)
    assert not refused(hash_sign)
    assert ran(hash_sign) == ran(dollar)


@pytest.mark.parametrize("place", ["dueDate", "followUpDate", "priority", "timeDate", "timeDuration", "startQuantity"])
def test_a_time_or_number_that_is_let_through_can_be_executed(place: str) -> None:
    fails, taken = [], 0
    for text in TEXTS:
        files = placed(place, text)
        if not refused(files):
            taken += 1
            try:
                ran(files)
            except StepError as error:
                fails.append((text, str(error)))
    assert fails == []
    assert 1 <= taken < len(TEXTS)


SHIPPED = "personnel_approval.bpmn"
PLAIN = {"id", "sourceRef", "targetRef", "targetNamespace", "exporter", "exporterVersion"}


def other_spellings() -> Iterator[tuple[str, bytes]]:
    """The shipped diagram with one attribute in blanks, or in the other case: once for each kind of attribute."""
    root, seen = etree.fromstring((CHECKOUT / "processes" / SHIPPED).read_bytes()), set()
    for element in root.iter("{*}*"):
        if "DI" in element.tag or "DC" in element.tag:
            continue
        for name, value in element.attrib.items():
            of = element.get("name") if name == "value" else ""
            place = (etree.QName(element).localname, name, of)
            if name not in PLAIN | {"name"} and place not in seen:
                seen.add(place)
                for spelt in {f" {value} ", value.upper(), value.lower()} - {value}:
                    element.set(name, spelt)
                    yield f"{place} {spelt!r}", etree.tostring(root, xml_declaration=True, encoding="UTF-8")
                element.set(name, value)


def test_blanks_and_case_are_read_alike_or_told() -> None:
    """What the gate says nothing of is read as it was."""
    files = definitions.bundle(CHECKOUT / "processes" / SHIPPED)

    def read(changed: dict[str, bytes]) -> list[Any]:
        made = read_definition(changed, vocabulary=vocabulary())
        starters = definitions.starters(made)
        return [{key: repr(one) for key, one in made.attributes.items()}, starters, made.english]

    before, silent, tried = read(files), [], 0
    for place, content in other_spellings():
        changed, tried = files | {SHIPPED: content}, tried + 1
        if not any(issue.is_refusal or issue.is_warning for issue in definitions.examine(changed)):
            silent += [place] if read(changed) != before else []
    assert tried > 20
    assert silent == []
