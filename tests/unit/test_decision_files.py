"""Whatever stands in a .dmn file is refused with its reason, or decides, or fails with a reason: nothing else."""

from __future__ import annotations

import cProfile
import json
from itertools import product
from typing import Any
from xml.sax.saxutils import escape

import pytest

from service.config import CHECKOUT
from service.engine.dmn import model
from service.engine.dmn.model import MOST_REQUIRED, Model, evaluate
from service.engine.validation.resolution import tables
from service.workflow.processes import definitions

HEAD = '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">'
DEEP = ["(" * 500 + "1" + ")" * 500, "(" * 5000, "[" * 500 + "]" * 500, "-" * 3000 + "1", "1" + "+1" * 3000]
DEEP += ["not(" * 900 + "x" + ")" * 900, "x" + ".a" * 3000, "x" + "[1]" * 3000, "{a:" * 900 + "1" + "}" * 900]
_EXPRESSIONS = r"""
- | 1 | "a" | a | x | x.y.z | x[0] | x[-1] | x[10**400] | 1/0 | 10**1000000000 | x**x | not(x) | '' | 'a' | x y z | ? | ? > 1
date(x) | date() | date(1,2,3,4,5) | date("2026-02-30") | date(99999999999,1,1) | time("25:00") | duration("P1Y1D")
duration("P99999999999999999999Y") + duration("P1Y") | date("999999999-12-31") + duration("P9999999999Y") | @"nothing" | @
date and time("2026-01-01T00:00:00@Europe/Nowhere") | time("00:00:00+99:99") | duration("P1D") / duration("PT0S")
substring("abc", 10**10, 2) | string length() | replace("a", "(", "b") | matches(x, x) | split(x, x) | min() | max(x, x)
sum(x) | mean([]) | stddev([1]) | decimal(1, 10**10) | floor(x, x) | round up(1.5, 10**9) | modulo(1, 0) | sqrt(-1) | log(0)
exp(100000) | sort(x, function(a, b) a < b) | for i in x return i | for i in 1..10**9 return i | some i in x satisfies i
if x then 1 else 2 | x in [1..5] | x in [5..1] | x between 5 and 1 | x instance of foo | {a: 1, a: 2} | [1.. | ]1..2[ | [x..x]
(function(f) f(f))(function(f) f(f)) | get value(x, "a") | context put(x, "a", 1) | flatten(x) | index of(x, x) | range(x)
insert before(x, 10**10, 1) | sublist(x, 0) | string(x) | number("1e400") | number("1", "a", "b") | overlaps(x, x) | 1..2
week of year(x) | years and months duration(date("2020-01-01"), x) | "\uD800" | "\q" | " | 中文 | >5 | < x | != null | null
>= date("x") | 1 = "a" | 1 < "a" | date("2026-01-01") + 1 | time("10:00:00") - time("10:00:00+08:00") | x() | y | level
function(x) external {java: {class: "a"}} | 10e5 | 0x10 | 1_000 | １ | 1. | ..5 | // c | 1;2 | 5 in (x) | [{a: 1}].a.b.c
"""
EXPRESSIONS = [one.strip() for line in _EXPRESSIONS.strip().splitlines() for one in line.split(" | ")] + DEEP
FACTS = [None, 0, 1.5, 10**400, True, "", "a", "2026-02-30", [], [1, "a", None], {"a": 1}]


def file(body: str) -> bytes:
    return f"{HEAD}{body}</definitions>".encode()


def table(*rules: tuple[str, ...], policy: str = 'hitPolicy="UNIQUE"', **places: str) -> bytes:
    def holding(tag: str, attributes: str = "") -> str:
        return f"<{tag}{attributes}><text>{escape(places[tag])}</text></{tag}>" if tag in places else ""

    types = {place: f' typeRef="{places[place]}"' if places.get(place) else "" for place in ("input", "output")}
    places.setdefault("inputExpression", "x")
    columns = f"<input>{holding('inputExpression', types['input'])}{holding('inputValues')}</input>"
    columns += f'<output name="y"{types["output"]}>{holding("outputValues")}{holding("defaultOutputEntry")}</output>'
    for cell, entry in rules:
        columns += f"<rule><inputEntry><text>{escape(cell)}</text></inputEntry>"
        columns += f"<outputEntry><text>{escape(entry)}</text></outputEntry></rule>"
    return file(f'<decision id="level" name="l"><decisionTable {policy}>{columns}</decisionTable></decision>')


def decided(data: bytes) -> str:
    """Read a file and decide over every kind of fact: all that may be raised is a reason."""
    problems = model.problems(data, "t.dmn")
    assert all(one.zh and one.en and one.line for one in problems)
    if problems:
        return "refused"
    for decision, fact in product(Model(data, "t.dmn").decisions.values(), FACTS):
        try:
            json.dumps(evaluate(decision, {"x": fact}), allow_nan=False)
        except ValueError as error:
            if "JSON" in str(error):
                raise
    return "decides"


PLACES: dict[str, Any] = {
    "inputEntry": lambda text: table((text, "1")),
    "outputEntry": lambda text: table(("-", text)),
    "defaultOutputEntry": lambda text: table(("> 5", "1"), defaultOutputEntry=text),
    "inputExpression": lambda text: table(("-", "1"), inputExpression=text),
    "inputValues": lambda text: table(("-", "1"), inputValues=text),
    "outputValues": lambda text: table(("-", "1"), outputValues=text),
}


@pytest.mark.parametrize("place", PLACES)
def test_whatever_stands_in_a_cell_is_refused_or_decides(place: str) -> None:
    assert {decided(PLACES[place](text)) for text in EXPRESSIONS} == {"refused", "decides"}


POLICIES = ["UNIQUE", "ANY", "FIRST", "PRIORITY", "COLLECT", "RULE ORDER", "OUTPUT ORDER", "", "unique", "ALL"]
TYPES = ["", "number", "string", "boolean", "date", "date and time", "yearMonthDuration", "Any", "foo", "list"]
CELLS = [("-", "1"), ("-", "x"), ('"a"', '"a"'), ("1", "null"), ("-", 'date("2026-01-01")')]


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_with_every_aggregation_and_type_is_refused_or_decides(policy: str) -> None:
    for aggregation, type_, values in product(["", "SUM", "MIN", "COUNT", "AVG"], TYPES, ["", '"a","b"', "1,2"]):
        said = f'hitPolicy="{policy}"' + (f' aggregation="{aggregation}"' if aggregation else "")
        decided(table(*CELLS, policy=said, output=type_, input=type_, outputValues=values))


def decision(name: str, *requires: str, text: str = "1") -> str:
    needs = "".join(
        f'<informationRequirement><requiredDecision href="{one}"/></informationRequirement>' for one in requires
    )
    logic = f"<literalExpression><text>{text}</text></literalExpression>"
    return f'<decision id="{name}" name="{name}">{needs}{logic}</decision>'


def chain(length: int) -> str:
    linked = [decision(f"d{n}", f"#d{n + 1}", text=f"d{n + 1} + 1") for n in range(length)]
    return "".join(linked) + decision(f"d{length}")


def knowledge(name: str, calls: str, requires: str = "") -> str:
    needs = f'<knowledgeRequirement><requiredKnowledge href="#{requires}"/></knowledgeRequirement>' if requires else ""
    logic = f"<encapsulatedLogic><literalExpression><text>{calls}</text></literalExpression></encapsulatedLogic>"
    return f'<businessKnowledgeModel id="{name}" name="{name}">{logic}{needs}</businessKnowledgeModel>'


CALL = '<knowledgeRequirement><requiredKnowledge href="#f"/></knowledgeRequirement>'
TYPE = '<itemDefinition name="T" isCollection="true"><typeRef>T</typeRef></itemDefinition>'
IMPORTED = '<import namespace="q" importType="x" locationURI="q.dmn" name="q"/>'
MODELS = {
    "itself": (decision("a", "#a"), "refused"),
    "a circle": (decision("a", "#b") + decision("b", "#c") + decision("c", "#a"), "refused"),
    "nothing": (decision("a", "#zz"), "refused"),
    "no reference": (decision("a", ""), "refused"),
    "of another file": (IMPORTED + decision("a", "q#b"), "refused"),
    "an id twice": (decision("a") + decision("a", text="2"), "refused"),
    "an input and a decision of one id": (decision("a") + '<inputData id="a" name="a"/>', "refused"),
    "a long chain": (chain(MOST_REQUIRED - 1), "decides"),
    "too long a chain": (chain(MOST_REQUIRED), "refused"),
    "far too long a chain": (chain(2000), "refused"),
    "each twice": ("".join(decision(f"d{n}", *[f"#d{n + 1}"] * 2) for n in range(40)) + decision("d40"), "decides"),
    "a function that calls itself": (
        f'{knowledge("f", "f()")}<decision id="a" name="a">{CALL}'
        "<literalExpression><text>f()</text></literalExpression></decision>",
        "decides",
    ),
    "functions in a circle": (knowledge("f", "g()", "g") + knowledge("g", "f()", "f") + decision("a"), "refused"),
    "a type of itself": (TYPE + '<inputData id="i" name="x"><variable name="x" typeRef="T"/></inputData>', "refused"),
    "no logic": ('<decision id="a" name="a"/>', "refused"),
    "two tables": ('<decision id="a" name="a"><decisionTable/><decisionTable/></decision>', "refused"),
    "an empty table": ('<decision id="a" name="a"><decisionTable/></decision>', "refused"),
    "nothing at all": ("", "decides"),
}


@pytest.mark.parametrize("name", MODELS)
def test_whatever_a_decision_requires_is_refused_or_decides(name: str) -> None:
    body, becomes = MODELS[name]
    assert decided(file(body)) == becomes


def lines(many: int) -> bytes:
    return table(*((str(n), str(n)) for n in range(many)))


def test_a_table_is_read_in_time_that_grows_as_its_rules() -> None:
    counts = []
    for many in (0, 200, 400):
        profile = cProfile.Profile()
        assert profile.runcall(model.problems, lines(many), "t.dmn") == []
        counts.append(sum(row.callcount for row in profile.getstats()))
    assert counts[2] - counts[1] < 1.2 * (counts[1] - counts[0]), counts


def test_a_table_that_is_too_large_to_be_held_against_samples_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not looked for is said, and no rule of a large table is said never to hit."""
    files = definitions.bundle(CHECKOUT / "processes" / "training_enrollment.bpmn")
    before = definitions.examine(files)
    monkeypatch.setattr(tables, "MAX_TESTS", 10)
    added = [issue for issue in definitions.examine(files) if issue not in before]
    assert [(issue.file, issue.severity) for issue in added] == [("training_need.dmn", "note")]
    assert "too large" in added[0].en
