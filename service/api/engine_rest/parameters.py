"""Filters, orders and pages as clients write them, read by the kinds that a listing names. A wrong one is refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from service.errors import N_, InvalidInput, Message
from service.models.db.clock import CHINA
from service.models.queries.camunda.listing import (
    ListQuery,
    ListRequest,
    as_uuid,
    read_definition_id,
)

MOST_ROWS = 1000  # of one answer, also when the client names no limit
INSTANTS = ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
PAGE = ("firstResult", "maxResults", "sortBy", "sortOrder", "sorting")


def read_wanted(listing: ListQuery, given: Mapping[str, Any]) -> ListRequest:
    """What the client asks of ``listing``; values may be texts (of an address) or JSON (of a body).

    Raises InvalidInput for an unknown filter or order and for a value of the wrong form.
    """
    values = {}
    for name, value in given.items():
        if name in PAGE or value is None:
            continue
        if name not in listing.criteria:
            raise wrong(name, N_("不支持这个查询条件。"))
        kind = listing.criteria[name].kind
        if kind == "flag" and _flag(name, value) is None:
            continue  # Camunda's rule: false is the same as not asked
        values[name] = READERS[kind](name, value)
    first = _count(given, "firstResult", 0)
    return ListRequest(
        values, tuple(_orders(listing, given)), first, min(_count(given, "maxResults", MOST_ROWS), MOST_ROWS)
    )


def read_instant(name: str, value: Any) -> datetime:
    """An instant such as ``2026-11-24T00:00:00.000+0000``; without offset it is China's time."""
    text = str(value).replace(" ", "+")  # an unescaped plus in an address arrives as a space
    for form in INSTANTS:
        try:
            at = datetime.strptime(text, form)
        except ValueError:
            continue
        return (at if at.tzinfo else at.replace(tzinfo=CHINA)).astimezone(UTC)
    raise wrong(name, N_("时间格式应如 2026-11-24T00:00:00.000+0000。"))


def wrong(name: str, text: str) -> InvalidInput:
    """The refusal of one parameter."""
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
        raise wrong("sortBy", N_("不支持按此排序；sortBy 与 sortOrder 须同时给出。"))
    if direction not in ("asc", "desc"):
        raise wrong("sortOrder", N_("sortOrder 只能是 asc 或 desc，且须与 sortBy 同时给出。"))
    return by, direction == "desc"


def _count(given: Mapping[str, Any], name: str, otherwise: int) -> int:
    value = given.get(name)
    return otherwise if value in (None, "") else _number(name, value)


def _number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > 9:
        raise wrong(name, N_("须为不小于 0 的整数。"))
    return int(value)


def _flag(name: str, value: Any) -> bool | None:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise wrong(name, N_("只能是 true 或 false。"))
    return True if text == "true" else None


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise wrong(name, N_("须为文本。"))
    return value


def _list(name: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        return value.split(",")
    if not isinstance(value, list):
        raise wrong(name, N_("须为列表。"))
    return value


def _texts(name: str, value: Any) -> list[str]:
    return [_text(name, part) for part in _list(name, value)]


def _uuids(name: str, value: Any) -> list[UUID]:
    return [key for text in _texts(name, value) if (key := as_uuid(text))]


READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "text": _text,
    "texts": _texts,
    "uuid": lambda name, value: as_uuid(_text(name, value)),
    "uuids": _uuids,
    "instant": read_instant,
    "number": _number,
    "flag": _flag,
    "definition": lambda name, value: read_definition_id(_text(name, value)),
}
