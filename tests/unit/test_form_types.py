"""Each attribute of each drawn component, written as something else: refused at its field in both languages, or read."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from service import forms
from service.engine.forms import components
from service.engine.forms.reader import read_form

WRONG: tuple[Any, ...] = (0, 7, -1.5, True, "x", "", [], ["x"], [[]], [{}], {}, {"x": "y"}, {"hide": 3}, "9" * 400)
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
        assert all(fault.zh and fault.en for fault in found.faults)
        if not is_right(name, value):
            assert [fault for fault in found.faults if name in fault.en and name in fault.zh], value
        if not found.faults:
            for typed in ("a", "5", "2026-12-08"):
                try:
                    forms.clean(content, {"x": typed})
                except forms.InvalidInput:
                    continue


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
