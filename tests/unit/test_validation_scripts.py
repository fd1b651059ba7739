"""Scripts and expressions are Starlark, call nothing unknown, and read no personal field."""

from __future__ import annotations

import json

import pytest

from tests.unit.validation_diagrams import chain, condition, flow, problems, process, said, script, task, warned

CHOICE = (
    '<startEvent id="s"/><exclusiveGateway id="g" default="g_b"/><task id="a"/><task id="b"/><endEvent id="e"/>'
    + flow("s", "g")
    + flow("g", "b")
    + flow("a", "e")
    + flow("b", "e")
)


def choice(text: str) -> bytes:
    return process(CHOICE + flow("g", "a", condition(text)))


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "\n        x = 1\n        y = 2\n    ",
        "total = 0\nfor n in numbers:\n    total += n",
        "def double(n):\n    return n * 2\nx = double(y)",
        "x = [n for n in y if n != 3]",
        "x = 'a' if b else 'c'",
        "text = '%s: %d' % (name, len(rows))",
    ],
)
def test_starlark_is_accepted(text: str) -> None:
    assert not said(process(chain(script("t", text.replace("<", "&lt;")))))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import os; v = os.getcwd()", "import"),
        ("from os import path", "import"),
        ('v = __import__("os")', "__import__"),
        ("().__class__", "__class__"),
        ("x.__dict__", "__dict__"),
        ("while True:\n    pass", "while"),
        ("try:\n    x = 1\nexcept:\n    pass", "try"),
        ("x = y is None", "is"),
        ("x = 2 ** 100", "**"),
        ("x = 0.5", "decimal"),
        ("x = a / b", "decimal"),
        ("ok = 1 &lt; x &lt; 5", "chained"),
        ("x = true", "True"),
        ("x = a &amp;&amp; b", "and"),
        ("x = open('/etc/passwd')", "no function open"),
        ("x = eval('1')", "no function eval"),
        ("trace('a')", "no function trace"),
        ("x = (", ""),
        ("(" * 60 + "1" + ")" * 60, "complex"),
        ("x = " + "1 + " * 9000 + "1", "complex"),
    ],
)
def test_what_is_no_starlark_of_ours_is_refused(text: str, reason: str) -> None:
    found = problems(process(chain(script("t", text))))
    assert [p.element for p in found] == ["t"]
    assert reason in f"{found[0].en} {found[0].remedy_en}"


def test_host_functions_are_known_only_where_they_are_given() -> None:
    xml = process(chain(script("t", "trace('a')")))
    assert "no function trace" in said(xml)
    assert not problems(xml, functions=("trace",))


def test_conditions_are_checked_too() -> None:
    assert not problems(choice("score == 600 and not late"))
    assert not problems(choice("${decision == 'confirm'}"))
    assert "__import__" in said(choice('__import__("os").getpid() > 0'))
    assert "True" in said(choice("approved == true"))
    assert "no truth value" in said(choice("'yes'"))
    assert not problems(choice(" "))  # how some tools export a flow without condition: a warning
    assert "language" in said(
        process(
            CHOICE + flow("g", "a", condition("x").replace("Expression xsi", 'Expression language="javascript" xsi'))
        )
    )


def test_another_language_is_refused() -> None:
    groovy = task("t", "scriptTask", 'scriptFormat="groovy"', "<script>x = 1</script>")
    assert "groovy" in said(process(chain(groovy)))
    python = groovy.replace("groovy", "python")
    assert not problems(process(chain(python)))


def test_expressions_in_attributes_and_properties_are_checked() -> None:
    assert "import" in said(process(chain(task("u", "userTask", 'camunda:assignee="${__import__(1)}"'))))
    extension = '<extensionElements><camunda:properties><camunda:property name="scope" value="x +"/></camunda:properties></extensionElements>'
    assert problems(process(chain(task("u", "userTask", inner=extension))))


FORM = json.dumps(
    {
        "components": [
            {"type": "textfield", "key": "idno", "properties": {"personal": "true"}},
            {"type": "group", "components": [{"type": "textfield", "key": "phone", "properties": {"personal": True}}]},
            {"type": "number", "key": "score"},
        ]
    }
).encode()


@pytest.mark.parametrize(
    ("text", "refused"), [("idno == '1'", True), ("data['phone'] == '1'", True), ("score == 1", False)]
)
def test_no_expression_reads_a_personal_field(text: str, refused: bool) -> None:
    assert ("personal field" in said(choice(text), person__form=FORM)) is refused


def test_an_executable_process_is_warned_of_expressions_that_are_not_formal() -> None:
    plain = CHOICE + flow("g", "a", "<bpmn:conditionExpression>score == 1</bpmn:conditionExpression>")
    told = [("expressions_are_formal", "g_a")]
    assert warned(process(plain)) == told
    assert warned(process(plain.replace("Expression>", 'Expression xsi:type="bpmn:tExpression">', 1))) == told
    assert warned(process(plain, more="")) == []
