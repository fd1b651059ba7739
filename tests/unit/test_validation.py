"""The one validation: whatever is typed or sent gives a value or a message, never a fault; one fault has one message."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError, missing

from service import forms
from service.domain.values.validators import parse_reason
from service.errors import InvalidInput, Message
from service.validation import fields, messages
from service.validation.fields import (
    EARLIEST,
    Base64,
    Boolean,
    Choice,
    Code,
    Date,
    DateTime,
    Field,
    Id,
    Integer,
    List,
    Number,
    Score,
    Text,
)
from service.validation.form_reader import FormReader

EVERY_FIELD = [
    Text(max_length=20, min_length=1),
    Text(max_length=20, multiline=True),
    Text(form="[A-Z]{2}", hint="两个大写字母"),
    Id(),
    Date(),
    Date(earliest=EARLIEST, latest=date(2026, 11, 24)),
    DateTime(),
    Base64(),
    Choice("", ("a", "b")),
    Code(),
    Boolean(),
    Integer("", 0, 500),
    Number(),
    Number(minimum=Decimal(0), maximum=Decimal(100), decimals=1),
    Number(minimum=Decimal(1)),
    Score(),
]
HOSTILE = [
    "",
    "9" * 5000,
    "000000001" + "0" * 5000,
    "1" + "0" * 400,
    "-1e400",
    "1e-999999999",
    "1e999999999999999999999",
    "NaN",
    "sNaN",
    "a\x00b",
    "\ud800",
    "甲\u200b乙\u202e丙",
    "\ufeff",
    "0001-01-01",
    "9999-12-31",
    "99999999999-1-1",
    "2026-02-30",
    "2026-1_0-1",
    "０２６－１－１",
    "²",
    "٣",
    10**400,
    -(10**5000),
    1e308,
    math.inf,
    math.nan,
    None,
    True,
    [],
    [[]],
    {"a": 1},
    b"\xff",
]
TEXT = st.one_of(
    st.text(st.characters(codec=None)),
    st.text("0123456789-+.eE_／－．０９ \x00\u200b\ud800", max_size=30),
    st.sampled_from([one for one in HOSTILE if isinstance(one, str)]),
)
ANYTHING = st.one_of(
    TEXT,
    st.sampled_from(HOSTILE),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.lists(st.text(max_size=3), max_size=3),
)


def kind(field: Field[Any]) -> str:
    return f"{type(field).__name__}-{EVERY_FIELD.index(field)}"


def outcome(read: Callable[[Any], Any], typed: Any) -> Any:
    """The value, or the messages by path."""
    try:
        return read(typed)
    except ValidationError as error:
        return fields.by_path(error.messages if isinstance(error.messages, dict) else {"x": error.messages})
    except InvalidInput as refused:
        return refused.fields


def check(found: Any) -> None:
    """It is a value that can be stored, or there are messages that can be read."""
    if isinstance(found, dict):
        assert found
        assert all(isinstance(one, Message) and str(one) for one in found.values())
    for one in found if isinstance(found, list) else [found]:
        assert not isinstance(one, str) or "\0" not in one.encode().decode()


@pytest.mark.parametrize("field", EVERY_FIELD, ids=kind)
@settings(max_examples=50)
@given(typed=ANYTHING)
def test_every_field_gives_a_value_or_a_message_for_anything(field: Field[Any], typed: Any) -> None:
    for read in (field.deserialize, field.parse, List(field, max_items=3).parse):
        check(outcome(read, typed))


@pytest.mark.parametrize("field", EVERY_FIELD, ids=kind)
def test_no_field_faults_at_a_hostile_value(field: Field[Any]) -> None:
    for typed in HOSTILE:
        check(outcome(field.deserialize, typed))
        check(outcome(field.parse, typed))


COMPONENTS = [
    {"type": "textfield", "key": "line"},
    {"type": "textarea", "key": "lines"},
    {"type": "number", "key": "number", "properties": {"decimals": "1"}},
    {"type": "select", "key": "select", "values": [{"value": "a", "label": "甲"}]},
    {"type": "radio", "key": "radio", "valuesKey": "known"},
    {"type": "checkbox", "key": "checkbox"},
    {"type": "checklist", "key": "checklist", "values": [{"value": "a", "label": "甲"}]},
    {"type": "datetime", "key": "datetime"},
]
FORM = json.dumps({"components": [{"label": "项", **one} for one in COMPONENTS]}).encode()


@pytest.mark.parametrize("key", [one["key"] for one in COMPONENTS])
@settings(max_examples=50)
@given(typed=ANYTHING)
@example(typed="9" * 5000)
def test_a_task_form_gives_json_or_messages_for_anything(key: str, typed: Any) -> None:
    found = outcome(lambda raw: forms.clean(FORM, {key: raw}), typed)
    if isinstance(found, dict):
        assert set(found) == {key}
        check(found)
    else:
        check(json.dumps(found.data, ensure_ascii=False, allow_nan=False))


@settings(max_examples=50)
@given(typed=TEXT)
@example(typed="99999999999-1-1")
@example(typed="000000001" + "0" * 5000)
def test_a_page_form_gives_values_or_messages_for_anything(typed: Any) -> None:
    reader = FormReader({"x": typed})
    reader.text("x", 50)
    reader.lines("x", 50)
    reader.date("x")
    reader.choice("x", ("a", "b"))
    reader.id("x", required=False)
    reader.integer("x", 0, 500)
    reader.is_ticked("x")
    assert all(str(message) for message in reader.wrong.values())


FAULTS = [
    ({"type": "textfield", "validate": {"maxLength": 5}}, Text(max_length=5), "一二三四五六", messages.TOO_LONG),
    ({"type": "textfield"}, Text(), "a\x00b", messages.NOT_STORABLE),
    ({"type": "datetime"}, Date(), "24.11.2026", messages.NOT_A_DATE),
    ({"type": "number"}, Integer(), "1.5", messages.NOT_AN_INTEGER),
    ({"type": "radio", "values": []}, Choice("", ()), "a", messages.NOT_AN_OPTION),
    ({"type": "textfield", "validate": {"required": True}}, Text(required=True), "", messages.REQUIRED),
]


@pytest.mark.parametrize(("component", "field", "typed", "text"), FAULTS)
def test_one_fault_has_one_message_in_a_task_form_on_a_page_and_in_a_request(
    component: dict[str, Any], field: Field[Any], typed: str, text: str
) -> None:
    form = json.dumps({"components": [{"key": "x", "label": "项", **component}]}).encode()
    with pytest.raises(InvalidInput) as task_form:
        forms.clean(form, {"x": typed})
    page = FormReader({"x": typed})
    page.read("x", field, required=field.required)
    request = outcome(field.deserialize, typed or missing)
    assert task_form.value.fields["x"] == page.wrong["x"] == request["x"]
    assert page.wrong["x"].text == text


@pytest.mark.parametrize("typed", ["2026-1-5", "2026/1/5", " 2026.01.05 ", "２０２６－０１－０５"])
def test_a_date_may_be_typed_and_sent_as_people_write_it(typed: str) -> None:
    assert Date().parse(typed) == Date().deserialize(typed) == date(2026, 1, 5)


def test_a_date_before_1900_is_a_slip_where_the_reader_says_so() -> None:
    with pytest.raises(ValidationError) as error:
        Date(earliest=EARLIEST).parse("0001-01-01")
    assert error.value.messages == [Message(messages.DATE_OUT_OF_RANGE)]


def test_what_is_pasted_along_unseen_falls_away_and_blanks_are_one() -> None:
    assert Text().parse(" 张\u3000\u00a0三\u200b\ufeff ") == "张 三"
    assert Text(multiline=True).parse("一 \r\n　　二\n") == "一\n　　二"


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u2028", "\u0085", "\u00ad"])
def test_marks_that_deceive_the_eye_are_refused(mark: str) -> None:
    with pytest.raises(ValidationError):
        Text().parse(f"a{mark}b")


@settings(max_examples=50)
@given(typed=TEXT)
def test_a_reason_can_be_stored_or_is_refused(typed: str) -> None:
    check(outcome(parse_reason, typed))


@pytest.mark.parametrize(("typed", "text"), [("原" * 501, messages.TOO_LONG), ("照片\x00不清", messages.NOT_STORABLE)])
def test_a_reason_is_refused_with_the_message_of_every_text(typed: str, text: str) -> None:
    assert outcome(parse_reason, typed)["reason"].text == text
    assert parse_reason(" 照片\u200b不清\r\n请重拍 ") == "照片不清\n请重拍"
