"""FEEL as DMN 1.5 says: truth tables, decimals, instants, intervals, conversions, bounds, refusals."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.feel import patterns, temporal
from service.engine.feel.compiler import Words
from service.engine.feel.expressions import compile_expression, compile_tests
from service.engine.feel.functions import FUNCTIONS
from service.engine.feel.lexer import SyntaxProblem
from service.engine.feel.types import NAMES, Type
from service.engine.feel.values import DIGITS, Budget, FeelError, Scope, equal, includes, text_of

TRUTHS = ("true", "false", "null", '"no truth"')


def value(text: str, **names: Any) -> Any:
    return compile_expression(text, Words(frozenset(names)))(Scope(names, Budget()))


def said(text: str, **names: Any) -> str:
    return text_of(value(text, **names), inside=True)


def hits(cell: str, given_: Any) -> Any:
    test = compile_tests(cell, Words())
    return True if test is None else test(given_, Scope({}, Budget()))


def refused(text: str) -> SyntaxProblem:
    with pytest.raises(SyntaxProblem) as caught:
        compile_expression(text, Words())
    return caught.value


def three(text: str) -> int | None:
    return {"true": 1, "false": 0}.get(text)


@pytest.mark.parametrize(("a", "b"), list(product(TRUTHS, TRUTHS)))
def test_and_or_not_follow_the_truth_tables_of_clause_10_3_2_10(a: str, b: str) -> None:
    x, y = three(a), three(b)
    both = 0 if 0 in (x, y) else None if None in (x, y) else 1
    either = 1 if 1 in (x, y) else None if None in (x, y) else 0
    names = {1: "true", 0: "false", None: "null"}
    assert said(f"{a} and {b}") == names[both] == said(f"all({a}, {b})") == said(f"every t in [{a}, {b}] satisfies t")
    assert said(f"{a} or {b}") == names[either] == said(f"any({a}, {b})") == said(f"some t in [{a}, {b}] satisfies t")
    assert said(f"not({a})") == names[None if x is None else 1 - x]
    assert said(f"if {a} then 1 else 2") == ("1" if x == 1 else "2")


KINDS = {
    "null": "null",
    "boolean": "true",
    "number": "1",
    "string": '"1"',
    "date": '@"2026-03-01"',
    "time": '@"10:00:00"',
    "date and time": '@"2026-03-01T00:00:00"',
    "days and time duration": '@"P1D"',
    "years and months duration": '@"P1Y"',
    "list": "[1, 2]",
    "context": "{a: 1}",
    "range": "[1..2]",
}


@pytest.mark.parametrize(("one", "other"), list(product(KINDS, KINDS)))
def test_values_of_two_kinds_are_neither_equal_nor_in_order(one: str, other: str) -> None:
    a, b = KINDS[one], KINDS[other]
    same = "true" if one == other else "false" if "null" in (one, other) else "null"
    assert said(f"{a} = {b}") == same
    assert said(f"{a} != {b}") == {"true": "false", "false": "true", "null": "null"}[same]
    has_order = one == other and one not in ("null", "boolean", "list", "context", "range")
    for sign, truth in {"<": "false", "<=": "true", ">": "false", ">=": "true"}.items():
        assert said(f"{a} {sign} {b}") == (truth if has_order else "null")
    assert said(f"{a} between {b} and {b}") == ("true" if has_order else "null")


@pytest.mark.parametrize(("one", "other"), list(product(KINDS, KINDS)))
def test_instance_of_tells_every_kind_from_every_other(one: str, other: str) -> None:
    name = "Null" if other == "null" else other
    if other not in ("list", "context", "range"):
        assert said(f"{KINDS[one]} instance of {name}") == ("true" if one == other else "false")
    assert Type(NAMES[name]).has(value(KINDS[one])) is (one == other)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=6),
    st.decimals(allow_nan=False, places=6, min_value=-999, max_value=999),
)
@settings(max_examples=150, deadline=None)
def test_numbers_are_decimals_of_34_digits(a: Decimal, b: Decimal) -> None:
    a, b = DIGITS.plus(a), DIGITS.plus(b)
    assert equal(value("a + b", a=a, b=b), DIGITS.add(a, b))
    assert equal(value("a - b", a=a, b=b), DIGITS.subtract(a, b))
    assert equal(value("a * b", a=a, b=b), DIGITS.multiply(a, b))
    assert equal(value("a / b", a=a, b=b), DIGITS.divide(a, b)) if b else value("a / b", a=a, b=b) is None
    if b and abs(a) < 10**20:
        rest = value("modulo(a, b)", a=a, b=b)
        assert rest == 0 or (rest < 0) == (b < 0)
        assert abs(rest) < abs(b)
    assert value(text_of(a)) == a


def test_sums_of_cents_are_exact() -> None:
    assert said("0.1 + 0.2 = 0.3") == "true"
    assert said("sum([0.1, 0.2, 0.3]) = 0.6") == "true"
    assert said("1.115 * 100") == "111.5"
    assert said("[0 ** 0, 0 ** -1, 2 ** -1, -3 ** 2]") == "[1, null, 0.5, 9]"
    assert said("2 / 3") == "0." + "6" * 33 + "7"
    assert said("[decimal(0.5, 0), decimal(1.5, 0), decimal(2.5, 0), decimal(1.115, 2)]") == "[0, 2, 2, 1.12]"


ROUNDED = {
    "round up": ("6", "-6"),
    "round down": ("5", "-5"),
    "round half up": ("6", "-6"),
    "round half down": ("5", "-5"),
    "decimal": ("6", "-6"),
    "floor": ("5", "-6"),
    "ceiling": ("6", "-5"),
}


@pytest.mark.parametrize(("name", "scale"), list(product(ROUNDED, (-2, 0, 2))))
def test_rounding_of_a_half_at_every_scale(name: str, scale: int) -> None:
    for number_, wanted in zip(("5.5", "-5.5"), ROUNDED[name], strict=True):
        assert equal(value(f"{name}({number_} * 10 ** {-scale}, {scale})"), value(f"{wanted} * 10 ** {-scale}"))


OFFSETS = (-12, -8, 0, 1, 8, 14)


@pytest.mark.parametrize(("here", "there"), list(product(OFFSETS, OFFSETS)))
def test_the_same_instant_is_equal_in_every_two_offsets(here: int, there: int) -> None:
    def at(hours: int) -> str:
        local = datetime(2026, 3, 1, 12, tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
        return f'date and time("{local.isoformat()}")'

    assert said(f"{at(here)} = {at(there)}") == "true"
    assert said(f"{at(here)} < {at(there)}") == "false"
    assert said(f'{at(here)} < {at(there)} + duration("PT1S")') == "true"
    assert said(f"{at(here)} - {at(there)}") == '@"PT0S"'


def test_the_findings_about_instants_and_dates() -> None:
    fact = value('date and time("2026-01-05T01:00:00+08:00")')
    assert hits('< date and time("2026-01-04T18:00:00Z")', fact) is True
    assert hits('date and time("2026-01-04T17:00:00Z")', fact) is True
    assert value('date("2026-02-30")') is None
    assert value('date("5.1.2026")') is None
    assert said('date and time("2026-01-05T01:00:00") < date and time("2026-01-05T01:00:00Z")') == "null"
    assert hits("not(< 5)", None) is None
    assert hits("not([1..3])", "text") is None
    assert value('"caf\\u00e9\\n\\U01F600"') == "café\n😀"
    assert [hits("(1..3],[5..7)", Decimal(n)) for n in range(1, 8)] == [False, True, True, False, True, True, False]


@given(st.integers(-400 * 366, 4000 * 366))
@settings(max_examples=200, deadline=None)
def test_every_day_has_one_number_and_one_text(ordinal: int) -> None:
    date = temporal.date_of(ordinal)
    assert date is not None
    assert date.ordinal == ordinal
    assert temporal.read_date(str(date)) == date


def test_the_calendar_ends_where_a_month_ends() -> None:
    lengths = {2024: 29, 2023: 28, 1900: 28, 2000: 29, -4: 29}
    for year, february in lengths.items():
        for month in range(1, 13):
            last = february if month == 2 else 30 if month in (4, 6, 9, 11) else 31
            assert temporal.make_date(year, month, last) is not None
            assert temporal.make_date(year, month, last + 1) is None
            assert temporal.make_date(year, month, 0) is None
    assert said('[@"2026-01-31" + @"P1M", @"2024-02-29" + @"P1Y", @"2026-03-31" - @"P1M"]') == (
        '[@"2026-02-28", @"2025-02-28", @"2026-02-28"]'
    )


@given(st.integers(-(10**15), 10**15), st.integers(0, 999_999_999))
@settings(max_examples=100, deadline=None)
def test_durations_are_read_as_they_are_written(seconds: int, nanos: int) -> None:
    for duration in (
        temporal.DaysDuration(seconds * 10**9 + nanos),
        temporal.YearsDuration(seconds % 10**6 - 5 * 10**5),
    ):
        assert temporal.read_duration(str(duration)) == duration


BAD_TEMPORALS = {
    "date": (
        "2026-2-3",
        "2026-02-30",
        "2026-13-01",
        "26-01-01",
        "2026/01/01",
        "2026-01-01T",
        "5.1.2026",
        "",
        "+2026-01-01",
    ),
    "time": ("24:00:00", "10:60:00", "10:00:60", "1:00:00", "10:00", "10:00:00+19:00", "10:00:00@No/Where", ""),
    "date and time": ("2026-02-30T10:00:00", "2026-01-01T25:00:00", "2026-01-01 10:00:00", "T10:00:00", ""),
    "duration": ("P", "PT", "1D", "P1Y1D", "P1DT", "P1H", "P-1D", "P1.5D", ""),
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD_TEMPORALS.items() for text in texts])
def test_what_is_no_date_time_or_duration_is_null_and_told_to_a_table(name: str, text: str) -> None:
    words = Words()
    assert compile_expression(f'{name}("{text}")', words)(Scope({}, Budget())) is None
    assert [problem.column for problem in words.bad_literals] == [len(name) + 2]


@pytest.mark.parametrize(("left", "right"), list(product("[(]", "])[")))
def test_intervals_with_every_pair_of_brackets(left: str, right: str) -> None:
    inside = [Decimal(n) for n in range(5) if hits(f"{left}1..3{right}", Decimal(n))]
    assert inside == [
        Decimal(n) for n in range(5) if (n > 1 or (n == 1 and left == "[")) and (n < 3 or (n == 3 and right == "]"))
    ]
    assert includes(value(f"{left}1..3{right}"), None) is None
    assert said(f"{left}1..3{right} = {left}1..3{right}") == "true"


RELATIONS = ["before", "after", "meets", "met by", "overlaps", "overlaps before", "overlaps after", "finishes"]
RELATIONS += ["finished by", "includes", "during", "starts", "started by", "coincides"]


End = tuple[int, int]  # a number, and whether what is meant lies just behind (1) or before it (-1)


def relation(name: str, a: tuple[End, End], b: tuple[End, End]) -> bool:
    """The relations of intervals, by Allen; an open end is one just beside its number."""
    (p, q), (r, s) = a, b
    found = {
        "before": q < r,
        "meets": q == r,
        "overlaps": p <= s and r <= q,
        "overlaps before": p < r <= q <= s,
        "finishes": q == s and p >= r,
        "includes": p <= r and s <= q,
        "starts": p == r and q <= s,
        "coincides": a == b,
    }
    inverse = {"after": "before", "met by": "meets", "overlaps after": "overlaps before"}
    inverse |= {"finished by": "finishes", "during": "includes", "started by": "starts"}
    return relation(inverse[name], b, a) if name in inverse else found[name]


def written(interval: tuple[End, End]) -> str:
    (low, is_open), (high, ends_open) = interval
    return f"{'(' if is_open else '['}{low}..{high}{')' if ends_open else ']'}"


@pytest.mark.parametrize("name", RELATIONS)
def test_relations_of_all_intervals_between_three_numbers(name: str) -> None:
    pairs = [(low, high) for low, high in product(range(3), range(3)) if low < high]
    all_ = [((low, left), (high, right)) for low, high in pairs for left in (0, 1) for right in (0, -1)]
    for a, b in product(all_, all_):
        assert said(f"{name}({written(a)}, {written(b)})") == str(relation(name, a, b)).lower(), (a, b)


BAD_SOURCES = {
    "1 +": (1, 3),
    "1 + ": (1, 3),
    "(1": (1, 2),
    "1)": (1, 2),
    "[1, 2": (1, 5),
    "{a: 1, a: 2}": (1, 8),
    "{a 1}": (1, 4),
    "x == 1": (1, 4),
    "'text'": (1, 1),
    '"text': (1, 1),
    '"a\\u12"': (1, 1),
    '"\\ud83d"': (1, 1),
    "1 2": (1, 3),
    "if true then 1": (1, 14),
    "for x in [1]": (1, 12),
    "no such function(1)": (1, 4),
    "nothing(1)": (1, 1),
    "1 instance of thing": (1, 15),
    "function() external {java: {}}": (1, 12),
    "1 +\n 2 +\n )": (3, 2),
    "today()": (1, 1),
    "now()": (1, 1),
    "1e9999": (1, 1),
    "__import__('os')": (1, 12),
    "a[1..2]": (1, 4),
    "$x": (1, 1),
}


@pytest.mark.parametrize("text", BAD_SOURCES)
def test_what_cannot_be_read_is_refused_with_its_place(text: str) -> None:
    problem = refused(text)
    assert (problem.line, problem.column) == BAD_SOURCES[text]
    assert problem.zh
    assert problem.en


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_gives_null_for_nothing_and_for_too_much(name: str) -> None:
    """Aggregates of an empty list of arguments are those of no argument: no form fits, null."""
    assert said(f"{name}()") in ("null", "[]")
    many = ", ".join(["{}"] * 9)
    assert said(f"{name}({many})") in ("null", f"[{many}]", "[{}]")


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"concatenate", "union", "append"}))
def test_every_function_is_total_on_every_kind_of_value(name: str) -> None:
    """Whatever the arguments, there is a value or null, never an error."""
    for a in KINDS.values():
        said(f"{name}({a})")
        for b in KINDS.values():
            said(f"{name}({a}, {b})")
            said(f"{name}({a}, {b}, {a})")


ENDLESS = {
    "{f: function(n) f(n + 1), x: f(0)}.x": "40",
    "count(for a in 1..1000, b in 1..1000 return a)": "200000",
    "for a in 1..1000000 return a": "100000",
    '{f: function(t, n) if n = 0 then t else f(t + t, n - 1), x: f("0123456789", 30)}.x': "200000",
    "{f: function(l, n) if n = 0 then l else f([l, l], n - 1), x: count(flatten(f([1], 30)))}.x": "100000",
    "some a in 1..100000, b in 1..100000 satisfies a < 0": "200000",
    f'matches("{"a" * 90}!", "{"(a+)+" * 20}$") and {" and ".join(["true"] * 3)}': "",
}


@pytest.mark.parametrize("text", ENDLESS)
def test_what_would_take_too_long_is_stopped_by_counting(text: str) -> None:
    if not ENDLESS[text]:
        assert value(text) is False
        return
    with pytest.raises(FeelError, match=ENDLESS[text]):
        value(text)


@pytest.mark.parametrize(
    "text", ["(" * 70 + "1" + ")" * 70, "+".join(["1"] * 150), "[" * 300, "-" * 200 + "1", "1" * 30_000]
)
def test_what_is_too_deep_or_too_long_is_refused(text: str) -> None:
    refused(text)


PATTERN_PARTS = (
    "a",
    "b",
    ".",
    "[ab]",
    "[^a]",
    "(a)",
    "(a|bc)",
    "(?:b|c)",
    "a*",
    "b+",
    "c?",
    "a{1,2}",
    "(ab)*?",
    "^",
    "$",
)


@pytest.mark.parametrize("parts", list(permutations(PATTERN_PARTS, 2)))
def test_patterns_find_what_the_library_of_python_finds(parts: tuple[str, str]) -> None:
    pattern = "".join(parts)
    for text in ("", "a", "ab", "abc", "bca", "aab", "cabab", "bb"):
        found = re.search(pattern, text)
        assert patterns.matches(text, pattern, None, Budget()) is (found is not None)
        if not re.search(pattern, ""):
            wanted = re.sub(pattern, "<\\\\g<0>>".replace("\\\\", "\\"), text)
            assert patterns.replace(text, pattern, "<$0>", None, Budget()) == wanted


@pytest.mark.parametrize("text", ["", "aa", "ab", "abab", "xabcabx", "aabb"])
@pytest.mark.parametrize("pattern", [r"(a|b)\1", r"(ab)(c)?\1", r"^(.)(.)\1\2$", r"(.*)x?\1$"])
def test_patterns_refer_back_as_the_library_of_python_does(pattern: str, text: str) -> None:
    assert patterns.matches(text, pattern, None, Budget()) is (re.search(pattern, text) is not None)


def test_names_may_have_blanks_and_signs() -> None:
    assert said("first name + last-name", **{"first name": "a", "last-name": "b"}) == '"ab"'
    assert said("{first name: 1, b: first name + 1}.b") == "2"
    assert said("some one of us in [1, 2] satisfies one of us = 2") == "true"
    assert said("(function(first part, b) first part + b)(first part: 1, b: 2)") == "3"
    assert said("a-b", a=Decimal(3), b=Decimal(1)) == "2"
    assert said("a /* no */ + // not this\n 1", a=Decimal(3)) == "4"
