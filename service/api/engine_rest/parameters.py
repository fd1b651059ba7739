"""Reads filters, orders and pages by the kinds that a listing names. A wrong one is refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from marshmallow import ValidationError

from service.errors import N_, InvalidInput, Message
from service.models.db.clock import CHINA
from service.models.queries.camunda.listing import (
    ListQuery,
    ListRequest,
    read_definition_id,
)
from service.validation.fields import Boolean, Field, Integer, Text, by_path
from service.validation.messages import NOT_A_LIST
from service.validation.typed_text import as_camunda_instant, as_id

T = TypeVar("T")

MAX_TEXT = 4000  # characters of a filter
MAX_ROWS = 1000  # of one answer, also when the client names no limit
PAGE = ("firstResult", "maxResults", "sortBy", "sortOrder", "sorting")


def read_list_request(listing: ListQuery, given: Mapping[str, Any]) -> ListRequest:
    """Read a request for ``listing``; values may be texts (of an address) or JSON (of a body).

    Raises InvalidInput for an unknown filter or order and for a value of the wrong form.
    """
    values = {}
    for name, value in given.items():
        if name in PAGE or value is None:
            continue
        if name not in listing.criteria:
            raise invalid_parameter(name, N_("不支持这个查询条件。"))
        kind = listing.criteria[name].kind
        if kind == "flag" and _flag(name, value) is None:
            continue  # Camunda's rule: false is the same as not asked
        values[name] = READERS[kind](name, value)
    first = _count(given, "firstResult", 0)
    return ListRequest(
        values, tuple(_orders(listing, given)), first, min(_count(given, "maxResults", MAX_ROWS), MAX_ROWS)
    )


def read_instant(name: str, value: Any) -> datetime:
    """Read an instant such as ``2026-11-24T00:00:00.000+0000``; without offset it is China's time."""
    text = value.replace(" ", "+") if isinstance(value, str) else ""  # an unescaped plus arrives as a space
    at = as_camunda_instant(text)
    try:
        if at is not None:
            return (at if at.tzinfo else at.replace(tzinfo=CHINA)).astimezone(UTC)
    except OverflowError:  # beyond the years 1 and 9999 once in UTC
        pass
    raise invalid_parameter(name, N_("时间格式应如 2026-11-24T00:00:00.000+0000。"))


def invalid_parameter(name: str, text: str) -> InvalidInput:
    """Build the refusal of one parameter."""
    return InvalidInput({name: Message(text)}, N_("请求参数有误。"))


def _orders(listing: ListQuery, given: Mapping[str, Any]) -> list[tuple[str, bool]]:
    if given.get("sorting"):
        wished = [
            (order.get("sortBy"), order.get("sortOrder"))
            for order in _list("sorting", given["sorting"])
            if isinstance(order, dict)
        ]
    elif given.get("sortBy") or given.get("sortOrder"):
        wished = [(given.get("sortBy"), given.get("sortOrder"))]
    else:
        return []
    return [_order(listing, by, direction) for by, direction in wished]


def _order(listing: ListQuery, by: Any, direction: Any) -> tuple[str, bool]:
    if not isinstance(by, str) or by not in listing.orders:
        raise invalid_parameter("sortBy", N_("不支持按此排序；sortBy 与 sortOrder 须同时给出。"))
    if direction not in ("asc", "desc"):
        raise invalid_parameter("sortOrder", N_("sortOrder 只能是 asc 或 desc，且须与 sortBy 同时给出。"))
    return by, direction == "desc"


def _count(given: Mapping[str, Any], name: str, otherwise: int) -> int:
    value = given.get(name)
    return otherwise if value in (None, "") else _number(name, value)


def _number(name: str, value: Any) -> int:
    return _parse(name, Integer(), value)


def _flag(name: str, value: Any) -> bool | None:
    return _parse(name, Boolean(), value.lower() if isinstance(value, str) else value) or None


def read_text(name: str, value: Any, max_length: int = MAX_TEXT) -> str:
    """Read one line of at most ``max_length`` characters."""
    return _parse(name, Text(max_length=max_length), value)


def _parse(name: str, field: Field[T], value: Any) -> T:
    try:
        return field.parse(value)
    except ValidationError as error:
        raise InvalidInput(by_path({name: error.messages}), N_("请求参数有误。")) from error


def _list(name: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        return value.split(",")
    if not isinstance(value, list):
        raise invalid_parameter(name, NOT_A_LIST)
    return value


def _texts(name: str, value: Any) -> list[str]:
    return [read_text(name, part) for part in _list(name, value)]


def _uuids(name: str, value: Any) -> list[UUID]:
    return [key for text in _texts(name, value) if (key := as_id(text))]


READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "text": read_text,
    "texts": _texts,
    "uuid": lambda name, value: as_id(read_text(name, value)),
    "uuids": _uuids,
    "instant": read_instant,
    "number": _number,
    "flag": _flag,
    "definition": lambda name, value: read_definition_id(read_text(name, value)),
}
