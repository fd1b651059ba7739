"""Small expressions in process give what Starlark gives, or leave the work to it."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.engine.kernel.canonical_json import canonical
from service.engine.kernel.cpu_meter import CpuMeter
from service.engine.kernel.juel import as_starlark
from service.engine.starlark.expressions import compile_script, compile_small
from service.engine.starlark.operators import Beyond, ExpressionError, equal
from service.engine.starlark.sandbox import (
    ScriptError,
    clean,
    evaluate,
    execute,
)
from service.engine.starlark.worker_pool import ask

NAMES = {
    "n": 3,
    "m": -2,
    "t": True,
    "f": False,
    "s": "abc",
    "e": "",
    "z": None,
    "l": [1, "a", True],
    "d": {"k": 1, "a": [0]},
}
LITERALS = st.sampled_from(
    ["0", "1", "2", "17", "'a'", '"k"', "''", "True", "False", "None", "[]", "[1, 'a']", "{'k': 1}", *NAMES]
)
EXPRESSIONS = st.recursive(
    LITERALS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"]), inner).map(
            lambda p: f"({p[0]} {p[1]} {p[2]})"
        ),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "and", "or"]), inner).map(
            lambda p: f"({p[0]} {p[1]} {p[2]})"
        ),
        inner.map(lambda p: f"(not {p})"),
        inner.map(lambda p: f"(-{p})"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]}[{p[1]}]"),
        st.tuples(inner, inner, inner).map(lambda p: f"{p[0]}.get({p[1]}, {p[2]})"),
        inner.map(lambda p: f"str({p})"),
        inner.map(lambda p: f"len({p})"),
    ),
    max_leaves=6,
)
DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def starlark(source: str) -> object:
    try:
        return "value", ask(["e", source, NAMES, [], []], None, CpuMeter(2), 2)
    except ScriptError:
        return "error", None


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(EXPRESSIONS)
def test_small_expressions_mean_what_starlark_means(source: str) -> None:
    small = compile_small(source)
    if small is None:
        return
    try:
        mine: object = ("value", small(NAMES))
    except Beyond:
        return
    except ExpressionError:
        mine = ("error", None)
    assert json.dumps(mine) == json.dumps(starlark(source)), source


@pytest.mark.parametrize(
    "source",
    [
        "decision == 'confirm'",
        "not ok",
        "kind in ['a', 'b']",
        "score >= 600 and passed",
        "d.get('k') != None",
        "a[0]",
        "'张三'",
        "x",
        "len(items) > 0",
    ],
)
def test_usual_conditions_stay_in_process(source: str) -> None:
    assert compile_small(source) is not None


@pytest.mark.parametrize(
    "source",
    [
        "1 < x < 5",
        "x is None",
        "2 ** 3",
        "f(x)",
        "x.upper()",
        "x.k",
        "1.5",
        "'a' 'b'",
        "'\\n'",
        "f'{x}'",
        "[i for i in x]",
        "lambda: 1",
        "x if y else z",
        "0x10",
        "1_000",
        "{1: 2}",
        "{'a': 1, 'a': 2}",
        "x[1:2]",
        "(1, 2)",
        "x; y",
        "x := 1",
        "",
        "import os",
        "1 / 2",
        "# c",
        "r'a'",
        "x @ y",
        "~x",
        "x.get(k='a')",
    ],
)
def test_everything_else_goes_to_the_sandbox(source: str) -> None:
    assert compile_small(source) is None


def test_large_products_and_names_that_hide_functions_go_to_the_sandbox() -> None:
    assert evaluate("'ab' * 3", {}) == "ababab"
    with pytest.raises(ScriptError):
        evaluate("len(x)", {"x": "abc", "len": 5})
    with pytest.raises(ScriptError, match="53"):
        evaluate("x * x", {"x": 2**52})


def test_scripts_of_plain_assignments_run_in_process_with_the_same_result() -> None:
    source = "a = x + 1\nb = [a, x]\na = a + len(b)"
    assert compile_script(source) is not None
    assert execute(source, {"x": 1}) == {"a": 4, "b": [2, 1]} == execute(source + "\nfor i in []: pass", {"x": 1})


@pytest.mark.parametrize(
    "source", ["a = b = 1", "a, b = 1, 2", "a += 1", "a.b = 1", "a[0] = 1", "_a = 1", "print(1)", "a = 1 if b else 2"]
)
def test_other_scripts_go_to_the_sandbox(source: str) -> None:
    assert compile_script(source) is None


def test_equal_keeps_kinds_apart() -> None:
    assert not equal(1, True)
    assert not equal([0], [False])
    assert not equal({"a": 1}, {"a": True})
    assert equal({"a": [1, None]}, {"a": [1, None]})


@settings(max_examples=100, deadline=None, derandomize=True)
@given(DATA)
def test_the_canonical_form_is_that_of_the_standard_library(value: object) -> None:
    assert (
        canonical(value)
        == json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    )


@settings(max_examples=100, deadline=None, derandomize=True)
@given(DATA)
def test_clean_data_is_equal_private_and_in_order(value: object) -> None:
    cleaned = clean({"x": value})
    assert equal(cleaned, {"x": value})
    assert canonical(cleaned) == canonical({"x": value})
    assert json.dumps(cleaned) == json.dumps(json.loads(json.dumps(cleaned, sort_keys=True)))


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), 2**53, -(2**53), "a\x00", {"a\x00": 1}, {1: 2}, "\ud800", object(), b"x", {"a": [{"b": 0.5}]}],
)
def test_what_is_no_data_is_refused(value: object) -> None:
    with pytest.raises(ScriptError):
        clean({"x": value})


def test_data_nested_without_end_is_refused() -> None:
    value: list = []
    for _ in range(100):
        value = [value]
    with pytest.raises(ScriptError, match="64"):
        clean(value)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("!done", "not done"),
        ("!done && late", "not done and late"),
        ("! a == b", "(not a) == b"),
        ("!f(x).y[1] || b", "not f(x).y[1] or b"),
        ("!!a", "not (not a)"),
        ("!(a || b) && c", "not (a or b) and c"),
        ("a == true && b != null", "a == True and b != None"),
        ('a == "true && false" || b', "a == 'true && false' or b"),
        ("nrOfCompletedInstances/nrOfInstances >= 0.5", "nrOfCompletedInstances * 2 >= 1 * nrOfInstances"),
        ("(a + 1) / numberOfInstances > 1", "(a + 1) * 1 > 1 * numberOfInstances"),
        (
            "nrOfCompletedInstances/nrOfInstances == 0.1 || !go",
            "nrOfCompletedInstances * 10 == 1 * nrOfInstances or not go",
        ),
        # as it was
        ("a and not b", None),
        ("not a == b", None),
        # means something else, or nothing
        ("a < b == true", None),
        ("a / b > 0.5", None),
        ("a > 0.5", None),
        ("a ? true : false", None),
        ("! ", None),
        ("!a &&", None),
        ("a ! b", None),
        ("f(a) !b", None),
        ("a and !b", "a and not b"),
    ],
)
def test_juel_is_read_as_starlark_where_both_mean_the_same(written: str, read: str | None) -> None:
    got = as_starlark(written)
    assert got is None if read is None else got is not None and ast.dump(ast.parse(got)) == ast.dump(ast.parse(read))
