"""Every component and property that the shipped form editor writes is drawn with an effect, or refused by name (F3)."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from flask import Flask, render_template_string

from service import forms
from service.config import CHECKOUT
from service.engine.forms import components
from service.engine.forms.reader import read_form
from service.errors import InvalidInput
from service.web.presenters.form_answers import first_values

EDITOR = CHECKOUT / "service" / "static" / "vendor" / "form-js" / "form-editor.umd.js"
CHOICES = [{"value": "a", "label": "甲"}, {"value": "b", "label": "乙"}]
DRAW = """{% from "pages/_macros/form.html" import form_fields %}{{ form_fields(fields, values, {}) }}"""
PLAIN: dict[str, dict[str, Any]] = {
    **{kind: {"key": "x", "label": "项"} for kind in ("textfield", "textarea", "number", "checkbox", "datetime")},
    **{kind: {"key": "x", "label": "项", "values": CHOICES} for kind in components.CHOICES},
    "text": {"text": "说明"},
    "dynamiclist": {
        "path": "x",
        "label": "明细",
        "components": [{"type": "textfield", "key": "what", "label": "名称"}],
    },
    "group": {"label": "组", "components": [{"type": "textfield", "key": "y", "label": "内"}]},
}
SAMPLES: dict[str, Any] = {
    "key": "z",
    "label": "另一项",
    "description": "怎样填写",
    "readonly": True,
    "disabled": True,
    "values": [{"value": "c", "label": "丙"}],
    "valuesKey": "institutions",
    "text": "# 另外",
    "components": [{"type": "textfield", "key": "other", "label": "别的"}],
    "path": "z",
    "allowAddRemove": False,
    "defaultRepetitions": 3,
    "showOutline": True,
    "decimalDigits": 1,
    "timeInterval": 15,
    "subtype": "datetime",
    "dateLabel": "哪一天",
    "timeLabel": "几点",
    "properties": {"show_if": "d == 'a'"},
    "validate.required": True,
    "validate.min": 7,
    "validate.max": 7,
    "validate.minLength": 9,
    "validate.maxLength": 3,
    "validate.pattern": "[0-9]{2}",
    "validate.validationType": "email",
    "appearance.prefixAdorner": "约",
    "appearance.suffixAdorner": "元",
    "conditional.hide": '=d = "a"',
}
DEFAULTS = {"checkbox": True, "checklist": ["b"], "select": "b", "radio": "b", "number": 6, "datetime": "2026-12-08"}
AS_DONE = {name: value for name, (value, _zh, _en) in components.ALWAYS.items()}
"""Properties that may only say what is done anyway: any other value is refused."""
TYPED = {"number": ["5", "8", "5.5"], "datetime": ["2026-12-08", "2026-12-08T10:00"], "checkbox": ["true"]}


@cache
def written_by_the_editor() -> tuple[frozenset[str], frozenset[str]]:
    """Types of components and names of properties in the program of the shipped editor."""
    program = EDITOR.read_text(encoding="utf-8")
    types = set(re.findall(r"const type(?:\$\w+)? = '(\w+)';", program))
    single = re.findall(r"\bpath(?:\$\w+)?\s*[=:]\s*\[\s*'(\w+)'\s*\]", program)
    constants = re.findall(r"\b[A-Z_]+_PATH(?:\$\w+)? = \[\s*'(\w+)'\s*\]", program)
    return frozenset(types), frozenset(single) | frozenset(constants)


def test_everything_that_the_shipped_editor_writes_is_known() -> None:
    types, properties = written_by_the_editor()
    assert len(types) >= 20
    assert len(properties) >= 25
    assert types <= components.ATTRIBUTES.keys() | components.INSTEAD.keys()
    assert properties - components.FORM_JS[""] - components.TOP == set()


def form(kind: str, given: dict[str, Any]) -> bytes:
    decides = {"type": "radio", "key": "d", "label": "结论", "values": CHOICES}
    return json.dumps({"type": "default", "components": [decides, {"type": kind, **given}]}).encode()


def with_property(kind: str, path: str, value: Any) -> dict[str, Any]:
    given, (holder, _, name) = dict(PLAIN[kind]), path.rpartition(".")
    if holder:
        return given | {holder: {name: value}}
    if path == "valuesKey":
        given.pop("values", None)
    if path in ("dateLabel", "timeLabel"):
        given = {"key": "x", "subtype": path.removesuffix("Label")}
    if path == "timeInterval":
        given |= {"subtype": "time"}  # a date has none: test_a_date_has_no_interval
    return given | {path: value}


def paths() -> list[str]:
    found = [f"{holder}.{name}" if holder else name for holder, names in components.FORM_JS.items() for name in names]
    return sorted(set(found) - components.EDITOR - components.FORM_JS.keys())


def told(kind: str, given: dict[str, Any]) -> str:
    """What a page shows of a form, and what becomes of what is typed into it."""
    content = form(kind, given)
    fields = forms.fields(content)
    page = render_template_string(DRAW, fields=fields, values=first_values(fields, {}))
    return page + "".join(_cleaned(content, typed) for typed in TYPED.get(kind, ["a", "abcdefgh"]))


def _cleaned(content: bytes, typed: str) -> str:
    try:
        return str(forms.clean(content, {"x": typed}).data)
    except InvalidInput as refused:
        return str({name: str(said) for name, said in refused.fields.items()})


@pytest.mark.parametrize("kind", sorted(PLAIN))
def test_a_property_has_an_effect_or_is_refused(app: Flask, kind: str) -> None:
    assert PLAIN.keys() == components.ATTRIBUTES.keys()
    silent, unsaid = [], []
    with app.test_request_context():
        for path in paths():
            if not components.is_drawn(kind, path):
                faults = read_form(form(kind, with_property(kind, path, "1"))).faults
                names = [f'"{name}"' for name in path.split(".")]
                unsaid += [] if any(name in fault.en for fault in faults for name in names) else [path]
                unsaid += [f"{path}: no remedy" for fault in faults if not (fault.remedy_zh and fault.remedy_en)]
            elif path in AS_DONE:
                given = with_property(kind, path, AS_DONE[path])
                assert read_form(form(kind, given)).faults == []
                assert read_form(form(kind, given | {path: "otherwise"})).faults
            else:
                value = DEFAULTS.get(kind, "abc") if path == "defaultValue" else SAMPLES[path]
                given = with_property(kind, path, value)
                assert read_form(form(kind, given)).faults == [], (path, read_form(form(kind, given)).faults)
                plain = PLAIN[kind] | ({"subtype": "time"} if path == "timeInterval" else {})
                silent += [path] if told(kind, given) == told(kind, plain) else []
    assert (silent, unsaid) == ([], [])


def test_a_date_has_no_interval() -> None:
    for subtype in ({}, {"subtype": "date"}):
        (fault,) = read_form(form("datetime", {**PLAIN["datetime"], **subtype, "timeInterval": 15})).faults
        assert "timeInterval" in fault.en


@pytest.mark.parametrize("kind", sorted(components.INSTEAD))
def test_a_component_that_is_not_drawn_is_refused_with_what_to_write(kind: str) -> None:
    faults = read_form(form(kind, {"key": "x"})).faults
    assert [fault.is_fatal for fault in faults] == [True]
    assert (faults[0].remedy_zh, faults[0].remedy_en) == components.INSTEAD[kind]


@pytest.mark.parametrize(
    "given",
    [
        {"readonly": "true"},
        {"validate": {"required": "true"}},
        {"label": "=name"},
        {"description": "{{name}}"},
        {"validate": {"maxLength": "=limit"}},
        {"conditional": {"show": "=d"}},
        {"defaultValue": "=d +"},
        {"defaultValue": ["a"]},
    ],
    ids=str,
)
def test_what_is_written_as_the_form_cannot_read_it_is_refused(given: dict[str, Any]) -> None:
    assert read_form(form("textfield", PLAIN["textfield"] | given)).faults


@pytest.mark.parametrize(
    ("kind", "default", "data", "value"),
    [
        ("number", "=attendants * 2", {"attendants": 21}, "42"),
        ("textfield", '=if place = null then "兰州" else place', {}, "兰州"),
        ("textfield", "=place", {"place": "天水"}, "天水"),
        ("textfield", "=place + 1", {"place": "天水"}, None),
        ("datetime", '=string(date(day) + duration("P7D"))', {"day": "2026-12-08"}, "2026-12-15"),
        ("radio", "=before", {"before": "b"}, "b"),
    ],
)
def test_a_default_in_feel_is_computed_from_the_case(kind: str, default: str, data: Any, value: str | None) -> None:
    content = form(kind, PLAIN[kind] | {"defaultValue": default})
    assert read_form(content).faults == []
    assert first_values(forms.fields(content), data).get("x") == value
