"""Forms: what a .form asks becomes clean data, or an error at each field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service import forms
from service.config import CHECKOUT
from service.engine.forms.reader import read_form
from service.errors import InvalidInput, Message
from service.forms import FormError
from service.validation.messages import NO_SUCH_FORM_FIELD, REQUIRED


def form(*components: dict[str, Any]) -> bytes:
    return json.dumps({"type": "default", "schemaVersion": 16, "id": "f", "components": list(components)}).encode()


def field(kind: str, key: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": kind, "key": key, "label": "项", **more}


DECISION = field(
    "radio",
    "decision",
    validate={"required": True},
    values=[{"value": "yes", "label": "同意"}, {"value": "no", "label": "退回"}],
)
REASON = field("textarea", "reason", properties={"show_if": "decision == 'no'", "required_if": "decision == 'no'"})


def wrong(content: bytes, **raw: Any) -> dict[str, Message]:
    with pytest.raises(InvalidInput) as caught:
        forms.clean(content, raw)
    return caught.value.fields


def clean(content: bytes, **raw: Any) -> dict[str, Any]:
    return forms.clean(content, raw).data


@pytest.mark.parametrize(
    ("typed", "value"),
    [("54.5", 545), ("100", 1000), ("0", 0), (" 85 ", 850), (85, 850), (54.5, 545), ("８５．５", 855)],
)
def test_a_number_with_a_decimal_is_counted_in_tenths(typed: Any, value: int) -> None:
    content = form(field("number", validate={"min": 0, "max": 100}, properties={"decimals": "1"}))
    assert clean(content, x=typed) == {"x": value}


@pytest.mark.parametrize("typed", ["101", "-1", "5.55", "abc", "NaN", "1e400", "Infinity", True, {"a": 1}, "1,000"])
def test_a_number_that_is_none_or_out_of_range_is_refused(typed: Any) -> None:
    content = form(field("number", validate={"min": 0, "max": 100}, properties={"decimals": "1"}))
    assert set(wrong(content, x=typed)) == {"x"}


def test_a_whole_number_takes_no_decimals() -> None:
    assert wrong(form(field("number")), x="1.5")["x"].text == "请填写整数。"


def test_a_choice_must_be_one_of_the_options() -> None:
    assert clean(form(DECISION), decision="yes") == {"decision": "yes"}
    assert "decision" in wrong(form(DECISION), decision="maybe")
    assert "decision" in wrong(form(DECISION), decision=["yes", "no"])


def test_what_is_required_must_be_there() -> None:
    assert wrong(form(DECISION))["decision"].text == REQUIRED
    assert wrong(form(field("textfield", validate={"required": True})), x="   ")["x"].text == REQUIRED


def test_an_error_at_one_field_says_nothing_of_those_filled_in_well() -> None:
    content = form(DECISION, field("number", "n", validate={"required": True, "max": 100}))
    assert set(wrong(content, decision="yes", n="101")) == {"n"}
    assert set(wrong(content, n="101")) == {"n", "decision"}


def test_a_field_the_form_does_not_have_is_refused() -> None:
    assert wrong(form(DECISION), decision="yes", role="ministry")["role"].text == NO_SUCH_FORM_FIELD


def test_a_field_that_does_not_show_is_empty_whatever_was_sent() -> None:
    assert clean(form(DECISION, REASON), decision="yes", reason="旧的原因") == {"decision": "yes", "reason": None}


def test_a_condition_makes_a_field_required() -> None:
    assert "reason" in wrong(form(DECISION, REASON), decision="no")
    assert clean(form(DECISION, REASON), decision="no", reason=" 照片不清 ") == {"decision": "no", "reason": "照片不清"}


def test_or_and_and_join_terms() -> None:
    content = form(
        field("textfield", "a"), field("textfield", "b", properties={"show_if": "a == 'x' and a != 'y' or a == 'z'"})
    )
    assert [clean(content, a=a, b="!")["b"] for a in ("x", "y", "z")] == ["!", None, "!"]


def test_a_date_is_a_civil_date() -> None:
    content = form(field("datetime", subtype="date", dateLabel="日期"))
    assert clean(content, x="2026-11-24") == {"x": "2026-11-24"}
    assert "x" in wrong(content, x="2026-02-30")


def test_a_tick_is_true_or_false() -> None:
    content = form(field("checkbox"))
    assert [clean(content, **raw) for raw in ({}, {"x": "true"}, {"x": False}, {"x": "on"})] == [
        {"x": False},
        {"x": True},
        {"x": False},
        {"x": True},
    ]


def test_a_tick_that_is_required_must_be_made() -> None:
    content = form(field("checkbox", validate={"required": True}))
    assert "x" in wrong(content)
    assert "x" in wrong(content, x="false")


def test_several_options_can_be_chosen() -> None:
    content = form(field("checklist", values=[{"value": "a", "label": "甲"}, {"value": "b", "label": "乙"}]))
    assert clean(content, x="a") == {"x": ["a"]}
    assert clean(content, x=["a", "b"]) == {"x": ["a", "b"]}
    assert "x" in wrong(content, x=["a", "c"])


def test_a_text_is_not_too_long_and_holds_nothing_unprintable() -> None:
    content = form(field("textfield", validate={"maxLength": 5}))
    assert wrong(content, x="一二三四五六")["x"].values == {"most": 5, "now": 6}
    assert "x" in wrong(content, x="a\x00b")
    assert "x" in wrong(content, x="a\nb")
    assert clean(form(field("textarea")), x="一\r\n二") == {"x": "一\n二"}


def test_a_pattern_is_held() -> None:
    content = form(field("textfield", validate={"pattern": "[A-Z]{2}"}))
    assert clean(content, x="AB") == {"x": "AB"}
    assert "x" in wrong(content, x="ABC")


def test_personal_fields_are_kept_apart() -> None:
    cleaned = forms.clean(
        form(DECISION, field("textfield", "phone", properties={"personal": "true"})),
        {"decision": "yes", "phone": "138"},
    )
    assert cleaned.data == {"decision": "yes"}
    assert cleaned.personal == {"phone": "138"}


def test_choices_that_need_nothing_else_can_be_made_for_many() -> None:
    assert [o.value for o in forms.decisions(form(DECISION, REASON))] == ["yes"]
    assert [o.value for o in forms.decisions(form({"type": "text", "text": "核对证件"}))] == [""]
    assert forms.decisions(form(field("number", "score"))) == []
    assert forms.decisions(form(DECISION, field("number", "score"))) == []


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", form({"type": "script", "key": "x"}), form(field("textfield", properties={"show_if": "len(a) > 1"}))],
)
def test_a_form_that_cannot_be_understood_is_an_error_of_the_form(content: bytes) -> None:
    with pytest.raises(FormError):
        forms.fields(content)


@pytest.mark.parametrize("path", sorted((CHECKOUT / "forms").glob("*.form")), ids=lambda path: path.stem)
def test_every_shipped_form_can_be_drawn(path: Path) -> None:
    keys = [f.key for f in forms.fields(path.read_bytes()) if f.key]
    assert len(keys) == len(set(keys))
    assert json.loads(path.read_bytes())["id"] == path.stem


HIDDEN = [{"value": "no", "label": "退回"}, {"value": "yes", "label": "同意"}]


def test_a_group_is_its_fields_and_hides_them_together() -> None:
    inner = [field("textfield", "a"), field("textfield", "b", conditional={"hide": '=d != "no" or a = "x"'})]
    content = form(
        field("radio", "d", values=HIDDEN),
        {"type": "group", "label": "退回", "components": inner, "conditional": {"hide": '=d = "yes"'}},
    )
    assert [one.type for one in forms.fields(content)] == ["radio", "group", "textfield", "textfield"]
    assert clean(content, d="yes", a="1", b="2") == {"d": "yes", "a": None, "b": None}
    assert clean(content, d="no", a="1", b="2") == {"d": "no", "a": "1", "b": "2"}
    assert clean(content, d="no", a="x", b="2") == {"d": "no", "a": "x", "b": None}


@pytest.mark.parametrize(
    ("more", "typed", "stored"),
    [
        ({"subtype": "time"}, "18:00", "18:00"),
        ({"subtype": "time"}, "25:00", None),
        ({"subtype": "datetime"}, "2026-03-02T18:00", "2026-03-02T18:00"),
        ({"subtype": "datetime"}, "2026-02-30T18:00", None),
        ({"subtype": "datetime"}, "2026-03-02", None),
    ],
)
def test_times_are_read_as_the_browser_writes_them(more: dict[str, Any], typed: str, stored: str | None) -> None:
    content = form(field("datetime", **more))
    if stored is None:
        assert set(wrong(content, x=typed)) == {"x"}
    else:
        assert clean(content, x=typed) == {"x": stored}


def test_a_field_that_is_only_shown_is_not_read() -> None:
    content = form(field("textfield", "a", readonly=True), field("textfield", "b"))
    assert clean(content, a="forged", b="1") == {"b": "1"}


def test_an_address_is_checked_by_its_type() -> None:
    content = form(field("textfield", validate={"validationType": "email"}))
    assert clean(content, x="a@example.com") == {"x": "a@example.com"}
    assert set(wrong(content, x="a@b")) == {"x"}


def listed(*columns: dict[str, Any], path: str = "items", **more: Any) -> dict[str, Any]:
    return {"type": "dynamiclist", "path": path, "label": "明细", "components": list(columns), **more}


ROWS = listed(
    field("textfield", key="what", validate={"required": True}),
    field("number", key="count", validate={"min": 1}),
    field("checkbox", key="old"),
)


def test_rows_of_a_list_are_read_each_by_the_fields_of_the_list() -> None:
    content = form(ROWS)
    typed = [{"what": " 锤 ", "count": "2"}, {"what": "", "old": False}, {"what": "锯", "old": "true"}]
    assert clean(content, items=typed) == {
        "items": [{"what": "锤", "count": 2, "old": False}, {"what": "锯", "count": None, "old": True}]
    }
    assert clean(content) == clean(content, items=[]) == clean(content, items=[{}]) == {"items": []}


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ([{"what": "锤"}, {}, {"count": "2"}], ["items.2.what"]),
        ([{"what": "锤", "count": "0"}, {"what": "长" * 201}], ["items.0.count", "items.1.what"]),
        ([{"what": "锤", "colour": "红"}], ["items.0.colour"]),
        ([{"what": ["锤", "锯"]}], ["items.0.what"]),
        ("锤", ["items"]),
        (["锤"], ["items"]),
        ({"what": "锤"}, ["items"]),
        ([{"what": "锤"}] * 51, ["items"]),
        ([{"what": [{}]}], ["items.0.what"]),
    ],
    ids=str,
)
def test_what_is_wrong_in_a_list_is_told_at_its_row(sent: Any, at: list[str]) -> None:
    assert sorted(wrong(form(ROWS), items=sent)) == at


def test_a_list_that_is_hidden_is_empty_and_one_without_buttons_has_its_rows() -> None:
    hidden = form(field("textfield", key="d"), ROWS | {"conditional": {"hide": '=d = "a"'}})
    assert clean(hidden, d="a", items=[{"what": "锤"}])["items"] == []
    fixed = form(ROWS | {"allowAddRemove": False, "defaultRepetitions": 2})
    assert set(wrong(fixed, items=[{"what": "锤"}] * 3)) == {"items"}


REFUSED = {
    "personal, misspelt value": field("textfield", properties={"personal": "True"}),
    "personal, misspelt name": field("textfield", properties={"personl": "true"}),
    "a component that is not drawn": {"type": "filepicker", "key": "x"},
    "a list without fields": {"type": "dynamiclist", "path": "x", "components": []},
    "a list in a list": listed(listed(field("textfield"), path="inner")),
    "a list with a group": listed({"type": "group", "label": "组", "components": [field("textfield")]}),
    "a list with a text": listed(field("textfield", key="a"), {"type": "text", "text": "说明"}),
    "a personal field in a list": listed(field("textfield", properties={"personal": "true"})),
    "a condition in a list": listed(
        field("textfield", key="a"), field("textfield", properties={"show_if": "a == 'b'"})
    ),
    "FEEL in a list": listed(field("textfield", defaultValue="=place")),
    "a key twice in a list": listed(field("textfield"), field("number")),
    "a list of too many rows": listed(field("textfield"), defaultRepetitions=51),
    "a list by no name": listed(field("textfield"), path="1a"),
    "a rule that is not known": field("textfield", validate={"maxLenght": 3}),
    "no number": field("number", properties={"decimals": "x"}),
    "a pattern that is none": field("textfield", validate={"pattern": "("}),
    "a pattern that FEEL does not have": field("textfield", validate={"pattern": "(?=a)"}),
    "a condition in another language": field("textfield", properties={"show_if": "a = 'b'"}),
    "a condition on no field": field("textfield", properties={"show_if": "other == 'b'"}),
    "no key": {"type": "textfield", "label": "x"},
    "choices in no place": field("select"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_gate_refuses_is_never_read_otherwise_when_it_runs(name: str) -> None:
    """One reader: what is nearly personal is kept as personal, whatever the gate says of it (F3)."""
    content = form(REFUSED[name])
    found = read_form(content)
    assert found.faults, name
    assert all(fault.zh and fault.en and fault.remedy_zh and fault.remedy_en for fault in found.faults)
    if name == "personal, misspelt value":
        assert found.fields[0].personal
        assert forms.clean(content, {"x": "370102199001011234"}).personal == {"x": "370102199001011234"}
