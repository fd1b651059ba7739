"""Each attribute of each drawn component, written as something else: refused at its field in both languages, or read."""

from __future__ import annotations

import cProfile
import json
from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from service import forms
from service.config import CHECKOUT
from service.engine.forms import components
from service.engine.forms.reader import read_form
from service.web.presenters.form_answers import first_values
from service.workflow.processes import definitions

WRONG: tuple[Any, ...] = (
    *(0, 7, -1.5, 1e300, 10**4000, True, False, "x", "", " a ", "9" * 400, "1e999999999", "-1e-999999999", "99999"),
    *([], ["x"], [[]], [{}], [None], {}, {"x": "y"}, {"hide": 3}, "then", "Meta", "%(x)s {0}", "\u202e", "=x", "="),
    *("=1/0", "=function(x) x", "=[1..2]", "=" + "(" * 3000, "=for i in 1..1000000000 return i", "(a|a)+b", "[a", "{{"),
)
OPTIONS: tuple[Any, ...] = (None, "", " a ", "a\nb", 0, 1.5, True, [], ["a"], {}, {"x": "y"}, "x" * 3000)
LONG = "a" * 199 + "!"
PLAIN: dict[str, Any] = {"label": "字段", "key": "x", "path": "x", "text": "说明"}
CHOICES = [{"label": "甲", "value": "a"}, {"label": "乙", "value": "b"}]
ROW = [{"type": "textfield", "key": "of_row", "label": "行"}]
HELD = [(kind, f"validate.{name}") for kind, names in components.RULES.items() for name in names]
HELD += [(kind, f"appearance.{name}") for kind, names in components.APPEARANCE.items() for name in names]
EACH = [(kind, name) for kind, names in components.ATTRIBUTES.items() for name in names] + HELD


def component(kind: str) -> dict[str, Any]:
    own = {name: value for name, value in PLAIN.items() if name in components.ATTRIBUTES[kind]}
    own |= {"values": CHOICES} if kind in components.CHOICES else {}
    return {"type": kind} | own | ({"components": ROW} if "components" in components.ATTRIBUTES[kind] else {})


def written(*each: dict[str, Any]) -> bytes:
    return json.dumps({"type": "default", "components": each}).encode()


def is_right(name: str, value: Any) -> bool:
    if name in components.OBJECTS:
        return isinstance(value, dict)
    if name in components.LISTS:
        return isinstance(value, list) and all(isinstance(one, dict) for one in value)
    return isinstance(value, str) or name not in components.TEXT


@pytest.mark.parametrize(("kind", "path"), sorted(set(EACH) - {(kind, "type") for kind in components.ATTRIBUTES}))
def test_a_value_of_another_type_is_refused_and_none_is_a_fault_of_the_reader(kind: str, path: str) -> None:
    holder, _, name = path.rpartition(".")
    for value in WRONG:
        given = component(kind) | ({holder: {name: value}} if holder else {name: value})
        content = written(given)
        found = read_form(content)
        assert all(fault.zh and fault.en and "form-js" not in fault.en for fault in found.faults)
        if not is_right(name, value):
            assert [fault for fault in found.faults if name in fault.en and name in fault.zh], value
        if not found.faults:
            for typed in ("a", "5", "2026-12-08", LONG):
                with suppress(forms.InvalidInput):
                    forms.clean(content, {"x": typed})


@pytest.mark.parametrize("kind", components.CHOICES)
def test_each_choice_that_is_let_through_can_be_chosen(kind: str) -> None:
    for label, value in product(OPTIONS, OPTIONS):
        content = written(component(kind) | {"values": [{"label": label, "value": value}]})
        found = read_form(content)
        assert all("form-js" not in fault.en for fault in found.faults)
        if not found.faults:
            [option] = found.fields[0].options
            chosen = [option.value] if kind == "checklist" else option.value
            assert forms.clean(content, {"x": chosen}).data == {"x": chosen}


VALUES = ("a", "c", "5", "5.5", 5, 11, -1, 1e22, True, "true", "TRUE", "on", [], ["a"], ["a", "c"], [["a"]], {"a": 1})
MOMENTS = ("2026-12-08", "2026-02-30", "1026-12-08", "18:00", "25:00", "2026-12-08T18:00", "2026-12-08T18:00Z", "today")
COMPUTED = (
    '="a"',
    '=["a"]',
    '=["a", "c"]',
    '=["b", "a"]',
    '="c"',
    "=5",
    "=1/0",
    "=not(false)",
    "=today()",
    "=now()",
    '=date("2026-12-08")',
    '=time("18:00:00")',
)
ASKED: dict[str, dict[str, Any]] = {
    "number": {"validate": {"min": 1, "max": 10}},
    "textfield": {"validate": {"minLength": 2, "pattern": "[0-9.]+"}},
}
FIELDS = [component(kind) | ASKED.get(kind, {}) for kind in components.INPUTS if kind != "datetime"]
FIELDS += [component("datetime") | {"subtype": subtype} for subtype in components.SUBTYPES]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.get("subtype") or field["type"])
def test_a_field_begins_with_what_can_be_typed_into_it(field: dict[str, Any]) -> None:
    passed = 0
    for value in (*VALUES, *MOMENTS, *COMPUTED):
        content = written(field | {"defaultValue": value})
        found = read_form(content)
        assert all("form-js" not in fault.en and fault.key == "x" for fault in found.faults)
        if found.faults:
            continue
        first = {
            key: list(one) if isinstance(one, tuple) else one for key, one in first_values(found.fields, {}).items()
        }
        passed += bool(first)
        assert forms.clean(content, first).data["x"] is not None or not first, value
    assert passed


def test_a_list_is_no_first_value_but_of_several_choices() -> None:
    begun = [field["type"] for field in FIELDS if not read_form(written(field | {"defaultValue": ["a"]})).faults]
    assert begun == ["checklist"]


PATTERNS = ("(a|a)+b", "([a-z]+ ?)+x", "(a+)+b", "(.*)*=", ".*.*.*.*.*.*.*=", "(a|aa)*$b", "(a?){90}a{90}b")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_pattern_runs_for_ever(pattern: str) -> None:
    content = written(component("textfield") | {"validate": {"pattern": pattern, "maxLength": 999999}})
    assert not read_form(content).faults
    for text in (LONG, "a" * 5000):
        with pytest.raises(forms.InvalidInput):
            forms.clean(content, {"x": text})


def joined(word: str, between: str, count: int) -> str:
    return f" {word} ".join(f'a = "{n}" {between} b = "{n}"' for n in range(count))


@pytest.mark.parametrize("count", [2, 7, 8, 60, 4000])
def test_no_condition_has_more_alternatives_than_a_page_can_hold(count: int) -> None:
    asked = [{"type": "textfield", "key": key, "label": key} for key in "ab"]
    hidden = component("textfield") | {"conditional": {"hide": f"={joined('or', 'and', count)}"}}
    nested = component("textfield")
    for n in range(min(count, 60)):
        hide = f'=a = "{n}" and b = "{n}"'
        nested = {"type": "group", "label": "组", "components": [nested], "conditional": {"hide": hide}}
    for one in (hidden, nested):
        faults = read_form(written(*asked, one)).faults
        assert bool(faults) == (count > 7)
        assert all("more than 200 alternatives" in fault.en for fault in faults)


@pytest.mark.parametrize("other", [*components.INPUTS, "readonly", "itself"])
def test_a_condition_compares_what_can_be_typed_elsewhere(other: str) -> None:
    compared = component("textfield" if other in ("readonly", "itself") else other)
    asked = component("textfield") | {
        "key": "y",
        "properties": {"show_if": f"{'y' if other == 'itself' else 'x'} != ''"},
    }
    compared |= {"readonly": True} if other == "readonly" else {}
    faults = read_form(written(compared, asked)).faults
    assert [fault.key for fault in faults] == (["y"] if other in ("checklist", "readonly", "itself") else [])


@pytest.mark.parametrize("key", sorted(components.OF_THE_PAGE))
def test_a_name_that_the_page_sends_for_itself_is_no_key(key: str) -> None:
    [fault] = read_form(written(component("textfield") | {"key": key})).faults
    assert fault.key == key


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x7f", "\ud800", "\uffff"], ids=ascii)
def test_no_text_holds_signs_that_cannot_be_shown(sign: str) -> None:
    for name, value in {"label": f"字{sign}段", f"la{sign}bel": "x", "values": [{"label": sign, "value": "a"}]}.items():
        [fault] = read_form(written(component("radio") | {name: value})).faults
        assert "control characters" in fault.en


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ('"key" is written twice', '{"components": [{"type": "textfield", "key": "x", "label": "y", "key": "z"}]}'),
        ('"components" is written twice', '{"components": [], "components": []}'),
        ("NaN is no number", '{"components": [{"type": "number", "key": "x", "label": "y", "defaultValue": NaN}]}'),
        ("Infinity is no number", '{"components": [{"type": "number", "key": "x", "validate": {"max": Infinity}}]}'),
    ],
)
def test_what_json_allows_and_a_form_does_not_is_said(said: str, text: str) -> None:
    [fault] = read_form(text.encode()).faults
    assert said in fault.en


@pytest.mark.parametrize(("least", "most"), list(product(["NaN", "Infinity", "-sNaN", 9], [3, "3", "-Infinity"])))
def test_a_range_without_a_value_is_refused(least: object, most: object) -> None:
    assert read_form(written(component("number") | {"validate": {"min": least, "max": most}})).faults
    assert read_form(written(component("textfield") | {"validate": {"minLength": least, "maxLength": most}})).faults


@pytest.mark.parametrize("kind", components.CHOICES)
def test_a_value_of_two_choices_is_refused(kind: str) -> None:
    [fault] = read_form(written(component(kind) | {"values": [*CHOICES, {"label": "丙", "value": "a"}]})).faults
    assert '"a"' in fault.en


@pytest.mark.parametrize(("least", "most"), [(5.1, 5.9), ("5.01", "5.02"), (-0.9, -0.1), (2, 1), (2**53, None)])
def test_some_number_lies_in_a_range(least: Any, most: Any) -> None:
    assert read_form(written(component("number") | {"validate": {"min": least, "max": most}})).faults
    assert not read_form(written(component("number") | {"validate": {"min": 5, "max": 5}})).faults


def test_a_form_is_checked_in_time_that_grows_as_its_fields() -> None:
    """The calls for another 400 fields are about those for the first 400, whatever the machine has to do besides."""
    files = definitions.bundle(CHECKOUT / "processes" / "personnel_approval.bpmn")
    counts = []
    for many in (0, 400, 800):
        form = json.loads(files["approve_person.form"])
        form["components"] += [component("textfield") | {"key": f"field{n}"} for n in range(many)]
        read_form.cache_clear()
        profile = cProfile.Profile()
        said = profile.runcall(definitions.examine, {**files, "approve_person.form": json.dumps(form).encode()})
        assert len(said) >= many
        counts.append(sum(row.callcount for row in profile.getstats()))
    assert counts[2] - counts[1] < 1.2 * (counts[1] - counts[0]), counts
