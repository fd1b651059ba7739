"""Decision tables: cells, hit policies, what is refused, and the rule task that uses them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

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


def parts(row: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """The columns of a row of the guide, without the empty one behind the last bar."""
    found: list[list[tuple[str, str]]] = [[]]
    for each in row:
        if each[1]:
            found.append([])
        else:
            found[-1].append(each)
    return found[:-1]


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


@pytest.mark.parametrize(
    ("policy", "outputs", "shape_"),
    [
        ("FIRST", ["a", "b"], "singleEntry"),
        ("COLLECT", ["a", "b"], "collectEntries"),
        ("COLLECT", ["a"], "singleEntry"),
        ("COLLECT", ["a"], "singleResult"),
        ("RULE ORDER", ["a", "b"], "singleResult"),
    ],
)
def test_a_result_that_does_not_fit_its_shape_fails_the_step(policy: str, outputs: list[str], shape_: str) -> None:
    """The first of several is never taken in silence."""
    data = table(policy, ["x"], outputs, *(("-", *row[: len(outputs)]) for row in (("1", "2"), ("3", "4"))))
    drawn = shape("case", "s start\nd rule level found\nu user\ne end", "s>d>u>e", extra={"level.dmn": data})
    drawn.files["case.bpmn"] = drawn.files["case.bpmn"].replace(
        b'resultVariable="found"', f'resultVariable="found" camunda:mapDecisionResult="{shape_}"'.encode()
    )
    with pytest.raises(StepError, match=shape_):
        Play(drawn).start(x=1)


HITS = {"none": [], "one": [2], "several": [3, 1, 3]}
ORDER = [1, 3, 2]
POLICIES: dict[tuple[str, str], Any] = {
    ("UNIQUE", ""): lambda hits: ValueError if len(hits) > 1 else first(hits),
    ("ANY", ""): lambda hits: ValueError if len(set(hits)) > 1 else first(hits),
    ("FIRST", ""): lambda hits: first(hits),
    ("PRIORITY", ""): lambda hits: first(sorted(hits, key=ORDER.index)),
    ("RULE ORDER", ""): list,
    ("OUTPUT ORDER", ""): lambda hits: sorted(hits, key=ORDER.index),
    ("COLLECT", ""): list,
    ("COLLECT", "SUM"): lambda hits: sum(hits) if hits else None,
    ("COLLECT", "MIN"): lambda hits: min(hits, default=None),
    ("COLLECT", "MAX"): lambda hits: max(hits, default=None),
    ("COLLECT", "COUNT"): len,
}


def first(hits: list[int]) -> int | None:
    return hits[0] if hits else None


@pytest.mark.parametrize("default", [False, True])
@pytest.mark.parametrize("hits", HITS)
@pytest.mark.parametrize(("policy", "aggregation"), list(POLICIES))
def test_every_hit_policy_with_every_aggregation(policy: str, aggregation: str, hits: str, default: bool) -> None:
    """Each with no hit, one, and several; with and without an output by default."""
    rules = [("-" if any(HITS[hits]) else '"never"', str(value)) for value in HITS[hits] or [1]]
    attribute = f'aggregation="{aggregation}"' if aggregation else ""
    clause = "<defaultOutputEntry><text>7</text></defaultOutputEntry>" if default else ""
    clause = "<outputValues><text>1, 3, 2, 7</text></outputValues>" + clause
    data = table(policy, ["x"], ["y"], *rules, attributes=attribute)
    data = data.replace(b'<output name="y"/>', f'<output name="y">{clause}</output>'.encode())
    decision = read_decisions(data, "t.dmn")["level"]
    wanted = POLICIES[policy, aggregation](HITS[hits])
    if default and not HITS[hits]:
        wanted = [7] if decision.gives_several else 7
    if wanted is ValueError:
        with pytest.raises(ValueError, match="命中"):
            evaluate(decision, {"x": 1})
    else:
        assert evaluate(decision, {"x": 1}) == {"y": wanted}


def typed(kind: str, cell: str, inside: str = "") -> Any:
    data = table("UNIQUE", ["x"], ["y"], (cell, "true")).replace(
        b"<inputExpression>", f'<inputExpression typeRef="{kind}">'.encode()
    )
    return read_decisions(data.replace(b"</input>", f"{inside}</input>".encode()), "t.dmn")["level"]


@pytest.mark.parametrize(
    ("kind", "cell", "hits", "misses", "bad"),
    [
        ("date", '< date("2026-03-01")', ["2026-02-28"], ["2026-03-01", None], ["2026-02-30", "1.3.2026", "x"]),
        ("dateTime", '< @"2026-01-04T18:00:00Z"', ["2026-01-05T01:00:00+08:00"], ["2026-01-04T18:00:00Z"], ["x"]),
        ("dateTime", '@"2026-01-04T18:00:00Z"', ["2026-01-05T02:00:00+08:00"], ["2026-01-05T02:00:00"], ["2026"]),
        ("time", '[@"08:00:00"..@"18:00:00"]', ["08:00:00", "12:30:00"], ["18:00:01"], ["8:00", "25:00:00"]),
        ("dayTimeDuration", '>= duration("P2D")', ["PT48H"], ["P1D"], ["2 days"]),
        ("yearMonthDuration", 'duration("P1Y")', ["P12M"], ["P1M"], ["x"]),
        ("number", "> 1.25", ["1.3", 2], ["1.25", 1], []),
        ("string", '"2026-03-01"', ["2026-03-01"], ["2026-03-02", 1], []),
    ],
)
def test_texts_of_a_case_are_read_as_the_type_of_the_column(
    kind: str, cell: str, hits: list[Any], misses: list[Any], bad: list[Any]
) -> None:
    decision = typed(kind, cell)
    assert [value for value in hits if evaluate(decision, {"x": value})["y"] is not True] == []
    assert [value for value in misses if evaluate(decision, {"x": value})["y"] is True] == []
    for value in bad:
        with pytest.raises(ValueError, match="输入 x 的文字不是"):
            evaluate(decision, {"x": value})


def test_a_column_whose_cells_speak_of_one_kind_of_time_reads_texts_as_that_kind() -> None:
    """The finding: instants were compared as text."""
    cell = '< date and time("2026-01-04T18:00:00Z")'
    assert result(cell, "2026-01-05T01:00:00+08:00")
    assert not result(cell, "2026-01-04T18:00:00Z")
    with pytest.raises(ValueError, match="不是日期时间"):
        result(cell, "yesterday")


def test_input_values_are_those_allowed() -> None:
    decision = typed("string", '"a"', '<inputValues><text>"a", "b"</text></inputValues>')
    assert evaluate(decision, {"x": "a"}) == {"y": True}
    assert evaluate(decision, {"x": "b"}) == {"y": None}
    with pytest.raises(ValueError, match="不在允许的值之中"):
        evaluate(decision, {"x": "c"})


def test_results_without_a_form_in_json_are_text() -> None:
    cells = (
        "-",
        "1.5",
        "3 / 2 * 2",
        'date("2026-03-01")',
        'duration("P2D")',
        '@"2026-03-01T10:00:00+08:00"',
        "[1, 0.5]",
    )
    data = table("FIRST", ["x"], ["a", "b", "c", "d", "e", "f"], cells)
    assert evaluate(read_decisions(data, "t.dmn")["level"], {"x": 1}) == {
        "a": "1.5",
        "b": 3,
        "c": "2026-03-01",
        "d": "P2D",
        "e": "2026-03-01T10:00:00+08:00",
        "f": [1, "0.5"],
    }
    interval = table("FIRST", ["x"], ["a"], ("-", "[1..2]"))
    with pytest.raises(ValueError, match="区间"):
        evaluate(read_decisions(interval, "t.dmn")["level"], {"x": 1})


BAD_CELLS = {
    'date("2026-02-30")': 6,
    '< date("5.1.2026")': 8,
    '@"2026-13-01"': 1,
    'duration("2 days")': 10,
    '[time("8:00")..time("18:00:00")]': 7,
    "(1..3": 5,
    '"a\\u12"': 1,
    "< ": 1,
    "not(1": 5,
    "2 days": 3,
    "today()": 1,
}


@pytest.mark.parametrize("cell", BAD_CELLS)
def test_a_bad_cell_is_refused_with_line_and_place(cell: str) -> None:
    """Every cell of a table is told, each with its line: two bad ones are two problems."""
    data = table("UNIQUE", ["x"], ["y"], ("1", "1"), (cell, "2"), ("3", "3"), (cell, "4")).replace(
        b"<rule>", b"\n<rule>"
    )
    found = model.problems(data, "t.dmn")
    assert [(problem.line, problem.element) for problem in found] == [(3, "level"), (5, "level")]
    for problem in found:
        assert f"第 {BAD_CELLS[cell]} 个字符" in problem.zh
        assert f"character {BAD_CELLS[cell]}:" in problem.en


@pytest.mark.parametrize("tag", ["inputExpression", "inputEntry", "outputEntry"])
@pytest.mark.parametrize("language", ["javascript", "juel", "http://www.w3.org/1999/XPath"])
def test_another_language_than_feel_is_refused(tag: str, language: str) -> None:
    data = table("UNIQUE", ["x"], ["y"], ("1", "1")).replace(
        f"<{tag}>".encode(), f'<{tag} expressionLanguage="{language}">'.encode()
    )
    (problem,) = model.problems(data, "t.dmn")
    assert "FEEL" in problem.en


@pytest.mark.parametrize("language", ["feel", "FEEL", "https://www.omg.org/spec/DMN/20191111/FEEL/"])
def test_feel_may_be_named(language: str) -> None:
    data = table("UNIQUE", ["x"], ["y"], ("1", "1")).replace(
        b"<inputEntry>", f'<inputEntry expressionLanguage="{language}">'.encode()
    )
    assert model.problems(data, "t.dmn") == []


CHAIN = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">
<inputData id="i" name="age"><variable name="age" typeRef="number"/></inputData>
<businessKnowledgeModel id="k" name="twice"><encapsulatedLogic><formalParameter name="n" typeRef="number"/>
<literalExpression><text>n * 2</text></literalExpression></encapsulatedLogic></businessKnowledgeModel>
<decision id="first" name="first"><variable name="doubled" typeRef="number"/>
<informationRequirement><requiredInput href="#i"/></informationRequirement>
<knowledgeRequirement><requiredKnowledge href="#k"/></knowledgeRequirement>
<literalExpression><text>twice(age)</text></literalExpression></decision>
<decision id="second" name="second"><variable name="second"/>
<informationRequirement><requiredDecision href="#first"/></informationRequirement>
<context><contextEntry><variable name="limit"/><literalExpression><text>doubled + 1</text></literalExpression></contextEntry>
<contextEntry><variable name="list"/><literalExpression><text>for i in 1..3 return i * limit</text></literalExpression></contextEntry>
</context></decision></definitions>"""


def test_decisions_require_others_and_call_knowledge_models() -> None:
    decisions = read_decisions(CHAIN.encode(), "t.dmn")
    assert evaluate(decisions["first"], {"age": 4}) == {"doubled": 8}
    assert evaluate(decisions["second"], {"age": 4}) == {"second": {"limit": 9, "list": [9, 18, 27]}}
    with pytest.raises(ValueError, match="age"):
        evaluate(decisions["second"], {})


def test_what_requires_something_refused_is_not_executed_and_only_the_cause_is_told() -> None:
    broken = model.Model(CHAIN.replace("n * 2", "n *").encode(), "t.dmn")
    assert list(broken.decisions) == []
    assert [(problem.line, problem.element) for problem in broken.problems()] == [(4, "k")]
    round_ = CHAIN.replace('<requiredInput href="#i"/>', '<requiredDecision href="#second"/>')
    assert "requires itself" in model.problems(round_.encode(), "t.dmn")[0].en


def test_a_model_with_any_element_or_attribute_missing_is_read_or_refused() -> None:
    """A foreign file never raises anything but its refusal."""
    count = len(list(etree.fromstring(CHAIN.encode()).iter()))
    for place in range(1, count):
        whole = etree.fromstring(CHAIN.encode())
        node = list(whole.iter())[place]
        for name in list(node.attrib):
            kept = node.attrib.pop(name)
            model.problems(etree.tostring(whole), "t.dmn")
            node.attrib[name] = kept
        node.getparent().remove(node)
        model.problems(etree.tostring(whole), "t.dmn")


def text(expression: str) -> str:
    return f"<literalExpression><text>{expression.replace('<', '&lt;')}</text></literalExpression>"


BOXED = {
    text("n + 1"): 5,
    f"<list>{text('n')}{text('n * 2')}</list>": [4, 8],
    f'<relation><column name="a"/><column name="b" typeRef="string"/><row>{text("n")}{text("n")}</row></relation>': [
        {"a": 4, "b": None}
    ],
    f"<conditional><if>{text('n > 3')}</if><then>{text('1')}</then><else>{text('2')}</else></conditional>": 1,
    f'<for iteratorVariable="i"><in>{text("[1..3]")}</in><return>{text("i * n")}</return></for>': [4, 8, 12],
    f'<some iteratorVariable="i"><in>{text("[1, 4]")}</in><satisfies>{text("i = n")}</satisfies></some>': True,
    f'<every iteratorVariable="i"><in>{text("[1, 4]")}</in><satisfies>{text("i = n")}</satisfies></every>': False,
    f"<filter><in>{text('[3, 4, 5]')}</in><match>{text('item > n')}</match></filter>": [5],
    f'<invocation>{text("thrice")}<binding><parameter name="k"/>{text("n")}</binding></invocation>': 12,
    f"<context><contextEntry><variable name='a b'/>{text('n')}</contextEntry>"
    f"<contextEntry>{text('a b + 1')}</contextEntry></context>": 5,
    f"<context><contextEntry><variable name='f'/><functionDefinition><formalParameter name='x'/>{text('x + n')}"
    f"</functionDefinition></contextEntry><contextEntry>{text('f(1)')}</contextEntry></context>": 5,
    text("service(n)"): 40,
    text("service(m: n)"): 40,
}
MODEL = f"""<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" id="d" name="d" namespace="n">
<inputData id="n" name="n"><variable name="n" typeRef="number"/></inputData>
<inputData id="m" name="m"><variable name="m" typeRef="number"/></inputData>
<businessKnowledgeModel id="k" name="thrice"><encapsulatedLogic><formalParameter name="k"/>{text("k * 3")}
</encapsulatedLogic></businessKnowledgeModel>
<decision id="inner" name="inner"><informationRequirement><requiredInput href="#m"/></informationRequirement>
{text("m * 10")}</decision>
<decisionService id="s" name="service"><outputDecision href="#inner"/><inputData href="#m"/></decisionService>
<decision id="x" name="x"><informationRequirement><requiredInput href="#n"/></informationRequirement>
<knowledgeRequirement><requiredKnowledge href="#k"/></knowledgeRequirement>
<knowledgeRequirement><requiredKnowledge href="#s"/></knowledgeRequirement>BODY</decision></definitions>"""


@pytest.mark.parametrize("body", BOXED)
def test_every_boxed_expression_is_executed(body: str) -> None:
    decision = read_decisions(MODEL.replace("BODY", body).encode(), "t.dmn")["x"]
    assert evaluate(decision, {"n": 4}) == {"x": BOXED[body]}


def test_a_typed_result_is_converted_or_null() -> None:
    """Clause 10.3.2.9.4: a list of one for its item, an item for its list, else null."""
    for type_, expression, wanted in (
        ("number", "[n]", 4),
        ("tNumbers", "n", [4]),
        ("number", '"4"', None),
        ("tGrade", '"good"', "good"),
        ("tGrade", '"bad"', None),
    ):
        types = '<itemDefinition name="tNumbers" isCollection="true"><typeRef>number</typeRef></itemDefinition>'
        types += '<itemDefinition name="tGrade"><typeRef>string</typeRef><allowedValues><text>"good"</text></allowedValues></itemDefinition>'
        body = f'<variable name="x" typeRef="{type_}"/>{text(expression)}'
        drawn = MODEL.replace("BODY", body).replace('<inputData id="n"', f'{types}<inputData id="n"')
        assert evaluate(read_decisions(drawn.encode(), "t.dmn")["x"], {"n": 4}) == {"x": wanted}, (type_, expression)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<functionDefinition kind='Java'/>", "Java"),
        ("<functionDefinition kind='PMML'/>", "PMML"),
        ('<variable name="x" typeRef="tNowhere"/>' + text("1"), "tNowhere"),
        ('<informationRequirement><requiredInput href="http://other#n"/></informationRequirement>' + text("1"), "file"),
        ("", "expression"),
        (text("1") + text("2"), "expression"),
    ],
)
def test_what_is_not_executed_is_refused_with_the_reason(body: str, why: str) -> None:
    (problem,) = model.problems(MODEL.replace("BODY", body).encode(), "t.dmn")
    assert problem.element == "x"
    assert problem.line > 0
    assert why in problem.en


GUIDE = (Path(__file__).parents[2] / "docs" / "guide-process-administrators.md").read_text(encoding="utf-8")
ROWS = [
    re.findall(r"`([^`]+)`|(?<= )(\|)(?= |$)", line[1:])
    for line in GUIDE.splitlines()
    if line.startswith("| `") and "`general." not in line
]
CELLS = [[[text for text, _ in part if text] for part in parts(row)] for row in ROWS]


@pytest.mark.parametrize("row", CELLS, ids=str)
def test_the_guide_says_what_is_so(row: list[list[str]]) -> None:
    """Each table of cells, in both languages."""
    (cell,), *columns = row
    if len(columns) > 1:
        assert [hit for hit in columns[0] if not result(cell, json.loads(hit), limit=8)] == []
        assert [miss for miss in columns[1] if result(cell, json.loads(miss), limit=8)] == []
    else:
        data = table("FIRST", ["x"], ["y"], ("-", cell))
        found = evaluate(read_decisions(data, "t.dmn")["level"], {"x": 1, "limit": 8})
        assert found == {"y": json.loads(columns[0][0])}


def test_the_guide_says_it_in_two_languages() -> None:
    assert len(CELLS) == 36
    assert CELLS[:18] == CELLS[18:]


def test_an_expression_beyond_its_budget_is_an_incident_of_its_step() -> None:
    endless = "count(for a in 1..1000, b in 1..1000 return a)"
    data = table("UNIQUE", ["x"], ["y"], ("1", endless))
    case = play("s start\nd rule level found\ne end", "s>d>e", extra={"level.dmn": data})
    with pytest.raises(StepError, match=r"level.*上限"):
        case.start(x=1)


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
