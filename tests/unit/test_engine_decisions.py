"""Decision tables: cells, hit policies, what is refused, and the rule task that uses them."""

from __future__ import annotations

from typing import Any

import pytest

from service.engine import StepError, evaluate_decision, read_definition
from service.engine.dmn import model
from service.engine.dmn.model import evaluate, read_decisions
from tests.unit.engine_play import Play, play
from tests.unit.engine_shapes import shape


def table(
    policy: str, inputs: list[str], outputs: list[str], *rules: tuple[str, ...], inside: str = "", attributes: str = ""
) -> bytes:
    def cell(tag: str, text: str) -> str:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;")
        return f"<{tag}><text>{escaped}</text></{tag}>"

    body = "".join(f"<input>{cell('inputExpression', text)}</input>" for text in inputs)
    body += "".join(f'<output name="{name}"/>' for name in outputs)
    for rule in rules:
        tags = ["inputEntry"] * len(inputs) + ["outputEntry"] * (len(rule) - len(inputs))
        body += f"<rule>{''.join(cell(tag, text) for tag, text in zip(tags, rule, strict=True))}</rule>"
    head = '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">'
    return f'{head}<decision id="level" name="l">{inside}<decisionTable hitPolicy="{policy}" {attributes}>{body}</decisionTable></decision></definitions>'.encode()


def result(cell: str, value: Any, **facts: Any) -> bool:
    found = evaluate(
        read_decisions(table("UNIQUE", ["x"], ["y"], (cell, "true")), "t.dmn")["level"], {"x": value, **facts}
    )
    return found["y"] is True


@pytest.mark.parametrize(
    ("cell", "hits", "misses"),
    [
        ("-", [1, None, "a"], []),
        ("", [1, None], []),
        ('"a"', ["a"], ["b", 1, None]),
        ('"a","b"', ["a", "b"], ["c"]),
        ("5", [5], [6, "5", True, None]),
        ("1", [1], [True]),
        ("true", [True], [False, 1, None]),
        ("false", [False], [True, 0, None]),
        ("null", [None], [0, "", False]),
        ("< 5", [4, -1], [5, "4", None]),
        (">= 5", [5, 6], [4, None]),
        ("!= 5", [4, None], [5, "5"]),
        ("[1..5]", [1, 5], [0, 6, None, "3"]),
        ("(1..5)", [2, 4], [1, 5]),
        ("]1..5[", [2], [1, 5]),
        ("[1..5)", [1], [5]),
        ("not(1, 2)", [3, None], [1, 2, "1"]),
        ('not("a")', ["b"], ["a"]),
        ("< 0, > 10", [-1, 11], [0, 5, 10]),
        ('date("2026-03-01")', ["2026-03-01"], ["2026-03-02"]),
        ('>= date("2026-03-01")', ["2026-03-01", "2026-12-01"], ["2026-02-28"]),
        ('"a, b"', ["a, b"], ["a"]),
        ('"say \\"x\\""', ['say "x"'], ["say x"]),
        ("limit", [9], [8]),
        ("<= limit", [8, 9], [10]),
        ("-3", [-3], [3]),
    ],
)
def test_cells(cell: str, hits: list[Any], misses: list[Any]) -> None:
    assert [value for value in hits if not result(cell, value, limit=9)] == []
    assert [value for value in misses if result(cell, value, limit=9)] == []


def test_outputs_are_literals_names_or_small_expressions() -> None:
    data = table("FIRST", ["x"], ["a", "b", "c", "d"], ("-", '"t"', "x", "x * 2 + 1", "-"))
    assert evaluate(read_decisions(data, "t.dmn")["level"], {"x": 4}) == {"a": "t", "b": 4, "c": 9, "d": None}


def test_hit_policies() -> None:
    rules = (("> 0", "1"), ("> 5", "2"), ("> 9", "1"))

    def decided(policy: str, x: int, *more: tuple[str, ...]) -> Any:
        return evaluate(read_decisions(table(policy, ["x"], ["y"], *rules, *more), "t.dmn")["level"], {"x": x})["y"]

    assert decided("UNIQUE", 3) == 1
    assert decided("UNIQUE", -1) is None
    assert decided("FIRST", 7) == 1
    assert decided("COLLECT", 10) == [1, 2, 1] == decided("RULE ORDER", 10)
    assert decided("COLLECT", -1) == []
    with pytest.raises(ValueError, match="不止一条"):
        decided("UNIQUE", 7)
    with pytest.raises(ValueError, match="不一致"):
        decided("ANY", 7)
    assert decided("ANY", 3, ("3", "1")) == 1


def test_a_missing_fact_is_told_by_name() -> None:
    with pytest.raises(ValueError, match="x"):
        evaluate(read_decisions(table("UNIQUE", ["x"], ["y"], ("1", "1")), "t.dmn")["level"], {})


@pytest.mark.parametrize(
    "data",
    [
        table("PRIORITY", ["x"], ["y"], ("1", "1")),
        table("OUTPUT ORDER", ["x"], ["y"], ("1", "1")),
        table("UNIQUE", ["x"], ["y"], ("1", "1"), attributes='aggregation="SUM"'),
        table("COLLECT", ["x"], ["y"], ("1", "1"), attributes='aggregation="MEAN"'),
        table("COLLECT", ["x"], ["y", "z"], ("1", "1", "2"), attributes='aggregation="SUM"'),
        table("LAST", ["x"], ["y"], ("1", "1")),
        table("UNIQUE", ["x"], ["y"], ("1", "open('x')")),
        table("UNIQUE", ["__import__('os')"], ["y"], ("1", "1")),
        table("UNIQUE", ["x"], ["y z"], ("1", "1")),
        table("UNIQUE", ["x"], ["y", "y"], ("1", "1", "2")),
        table("UNIQUE", ["x"], ["y"], ("1", "1", "2")),
        table("UNIQUE", ["x"], []),
        table(
            "UNIQUE",
            ["x"],
            ["y"],
            ("1", "1"),
            inside='<informationRequirement><requiredDecision href="#z"/></informationRequirement>',
        ),
        b'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"><decision id="l"><literalExpression><text>1 +</text></literalExpression></decision></definitions>',
    ],
    ids=range(14),
)
def test_what_is_not_supported_is_refused_when_read(data: bytes) -> None:
    (problem,) = model.problems(data, "t.dmn")
    assert (problem.file, problem.element in ("level", "l")) == ("t.dmn", True)
    assert problem.zh
    assert problem.en


@pytest.mark.parametrize(
    ("policy", "outputs", "shape_", "expected"),
    [
        ("FIRST", ["a"], None, 1),
        ("FIRST", ["a", "b"], None, {"a": 1, "b": 2}),
        ("COLLECT", ["a"], None, [1, 3]),
        ("COLLECT", ["a", "b"], None, [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
        ("FIRST", ["a"], "singleResult", {"a": 1}),
        ("FIRST", ["a"], "singleEntry", 1),
        ("COLLECT", ["a"], "resultList", [{"a": 1}, {"a": 3}]),
        ("COLLECT", ["a"], "collectEntries", [1, 3]),
    ],
)
def test_the_rule_task_writes_its_result_variable(
    policy: str, outputs: list[str], shape_: str | None, expected: Any
) -> None:
    values = ("1", "2"), ("3", "4")
    data = table(policy, ["x"], outputs, *(("-", *row[: len(outputs)]) for row in values))
    drawn = shape("case", "s start\nd rule level found\nu user\ne end", "s>d>u>e", extra={"level.dmn": data})
    if shape_:
        drawn.files["case.bpmn"] = drawn.files["case.bpmn"].replace(
            b'resultVariable="found"', f'resultVariable="found" camunda:mapDecisionResult="{shape_}"'.encode()
        )
    assert Play(drawn).start(x=1).data == {"x": 1, "found": expected}


def test_a_rule_task_without_its_fact_fails_the_step() -> None:
    case = play(
        "s start\nd rule level found\ne end", "s>d>e", extra={"level.dmn": table("UNIQUE", ["x"], ["y"], ("1", "1"))}
    )
    with pytest.raises(StepError, match="level"):
        case.start()


def test_decide_evaluates_a_decision_of_the_bundle() -> None:
    drawn = shape(
        "case",
        "s start\nd rule level found\nu user\ne end",
        "s>d>u>e",
        extra={"level.dmn": table("UNIQUE", ["x"], ["y"], ("1", '"one"'))},
    )
    definition = read_definition(drawn.files)
    assert evaluate_decision(definition, "level", {"x": 1}) == {"y": "one"}
    assert evaluate_decision(definition, "level", {"x": 2}) == {"y": None}
    for name, facts in (("other", {}), ("level", {}), ("level", {"x": 1.5})):
        with pytest.raises(StepError):
            evaluate_decision(definition, name, facts)
