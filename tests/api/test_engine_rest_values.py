"""Typed variables, filters and instants: what real clients send, and what must be refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.api.engine_rest.parameters import read_instant, read_list_request
from service.api.engine_rest.serializers import activity, instant
from service.api.engine_rest.variable_values import read_variables, write_variables
from service.errors import InvalidInput
from service.models.queries.camunda.listing import DefinitionId, read_definition_id
from service.models.queries.camunda.runtime import TASKS


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"value": "x", "type": "String"}, "x"),
        ({"value": "x", "type": "string"}, "x"),
        ({"value": "x"}, "x"),
        ({"value": 7, "type": "Integer"}, 7),
        ({"value": "7", "type": "Long"}, 7),
        ({"value": 85.5, "type": "Double"}, "85.5"),
        ({"value": 85.5}, "85.5"),
        ({"value": 85.0, "type": "Double"}, 85),
        ({"value": True, "type": "Boolean"}, True),
        ({"value": "false", "type": "Boolean"}, False),
        ({"value": None, "type": "String"}, None),
        ({"value": None, "type": "Null"}, None),
        ({"value": '{"a": [1]}', "type": "Json"}, {"a": [1]}),
        ({"value": "2026-11-23T16:00:00.000+0000", "type": "Date"}, "2026-11-24"),
        ({"value": "2026-11-24T00:00:00.000+0800", "type": "Date", "valueInfo": {}}, "2026-11-24"),
    ],
)
def test_a_typed_variable_becomes_plain_data(given: dict[str, object], plain: object) -> None:
    (value,) = read_variables({"v": given}).values()
    assert value == plain
    assert type(value) is type(plain)


@pytest.mark.parametrize(
    "given",
    [
        "x",
        ["x"],
        {"value": "x", "type": "Integer"},
        {"value": 1.5, "type": "Integer"},
        {"value": True, "type": "Long"},
        {"value": 2**53, "type": "Long"},
        {"value": "NaN", "type": "Double"},
        {"value": "yes", "type": "Boolean"},
        {"value": 1, "type": "String"},
        {"value": "{", "type": "Json"},
        {"value": '{"a": 1.5}', "type": "Json"},
        {"value": "yesterday", "type": "Date"},
        {"value": "x", "type": "Bytes"},
        {"value": "x", "type": 3},
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused_at_its_name(given: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_variables({"v": given})
    assert set(refused.value.fields) == {"v"}


def test_variables_must_be_an_object() -> None:
    with pytest.raises(InvalidInput):
        read_variables([1])
    assert read_variables(None) == {}


def test_case_data_goes_out_with_types() -> None:
    written = write_variables({"a": "x", "b": 1, "c": 2**40, "d": True, "e": None, "f": [1, {"g": 2}]})
    assert {name: (value["type"], value["value"]) for name, value in written.items()} == {
        "a": ("String", "x"),
        "b": ("Integer", 1),
        "c": ("Long", 2**40),
        "d": ("Boolean", True),
        "e": ("Null", None),
        "f": ("Json", '[1,{"g":2}]'),
    }
    assert all(value["valueInfo"] == {} for value in written.values())


def test_instants_are_written_as_camunda_does() -> None:
    assert instant(datetime(2026, 11, 24, 0, 0, 0, 7000, tzinfo=UTC)) == "2026-11-24T00:00:00.007+0000"
    assert instant(None) is None


@pytest.mark.parametrize(
    "text",
    ["2026-11-24T08:00:00.000+0800", "2026-11-24T00:00:00.000 0000", "2026-11-24T00:00:00Z", "2026-11-24T08:00:00"],
)
def test_an_instant_is_read_with_or_without_offset(text: str) -> None:
    assert read_instant("at", text) == datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [
        {"nobodyKnowsThis": "1"},
        {"sortBy": "created"},
        {"sortOrder": "asc"},
        {"sortBy": "created", "sortOrder": "down"},
        {"sortBy": "colour", "sortOrder": "asc"},
        {"maxResults": "-1"},
        {"firstResult": "many"},
        {"unassigned": "perhaps"},
        {"createdAfter": "yesterday"},
        {"priority": "high"},
        {"name": ["a"]},
        {"taskIdIn": {"a": 1}},
        {"nameLike": "a\0b"},
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused_and_not_ignored(given: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        read_list_request(TASKS, given)


def test_null_filters_and_false_flags_count_as_not_asked() -> None:
    assert read_list_request(TASKS, {"name": None, "unassigned": "false", "sorting": None}).values == {}


def test_a_sorting_of_several_orders_is_read_from_a_body() -> None:
    orders = [{"sortBy": "priority", "sortOrder": "desc"}, {"sortBy": "created", "sortOrder": "asc"}]
    assert read_list_request(TASKS, {"sorting": orders}).order == (("priority", True), ("created", False))


def test_a_definition_id_is_read_back() -> None:
    assert read_definition_id("personnel_approval:3:0a1b2c") == DefinitionId("personnel_approval", 3, "0a1b2c")
    assert [read_definition_id(text) for text in ("", "a", "a:1", "a:x:y", "a:1:")] == [None] * 5


def test_an_activity_is_named_by_its_own_id() -> None:
    assert activity("check_in") == "check_in"
    assert activity("training/exam/check_in") == "check_in"
