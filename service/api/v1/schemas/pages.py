"""Schemas that several nouns share: pages of rows, and the results of actions on many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from service.api.v1.schemas.base import RequestSchema, ResponseSchema
from service.errors import Message
from service.infrastructure.translation import translate
from service.models.db.pagination import SortOrder
from service.reports.framework.table import PagedTable
from service.validation.fields import Boolean, Integer, List, Text, nested

ETAG = {"ETag": {"description": "这一版。 / This version.", "schema": {"type": "string"}}}
LOCATED = {"Location": {"description": "新增内容的地址。 / Address of what was made.", "schema": {"type": "string"}}}
FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
MAX_ROWS = 200  # of one page
MAX_COUNT = 100_000  # to which totals are counted


class Problem(ResponseSchema):
    """An error (RFC 9457)."""

    type = Text("问题的种类，不随语言变。 / Kind of problem, the same in every language.")
    title = Text("种类的名称。 / Its name.")
    status = Integer("HTTP 状态码。 / HTTP status.", 400, 599)
    detail = Text("出了什么事，该怎么办。 / What happened and what to do.", 2000)
    instance = Text("请求的地址。 / Address asked for.", 2000)
    request_id = Text("请求编号，报障时请告知。 / Quote it to the administrator.", 40)


class FieldProblem(Problem):
    """An error whose fields are told one by one."""

    errors = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "各项的问题。 / What is wrong with each field."},
    )


class PageQuery(RequestSchema):
    """One page of a list."""

    cursor = Text(
        "上一次答复的 next 或 previous；缺省为第一页。 / `next` or `previous` of an answer; the first page without it.",
        500,
    )
    limit = Integer("一页的行数，缺省 50。 / Rows of a page, 50 unless told.", 1, MAX_ROWS, load_default=50)
    total = Boolean("是否计算总数。 / Whether to count all rows.", load_default=False)


class SearchQuery(PageQuery):
    """One page of the rows that hold some words."""

    q = Text("查找的文字。 / Words to search for.", 50, is_written=True, load_default="")


def page_of(row: type[Schema], name: str) -> type[Schema]:
    """Build the schema of a page of such rows."""
    members: dict[str, fields.Field[Any]] = {
        "items": List(nested(row)),
        "next": Text("下一页；没有则为 null。 / Cursor of the next page.", 500, allow_none=True),
        "previous": Text("上一页；没有则为 null。 / Cursor of the page before.", 500, allow_none=True),
        "total": Integer(
            "全部行数，数到十万；未要求则为 null。 / All rows, counted to 100,000; null unless asked.", allow_none=True
        ),
    }
    return type(name, (ResponseSchema,), members)


def many_of(row: type[Schema], name: str) -> type[Schema]:
    """Build the schema of an action on many rows: how many were done, and each with its reason if it was refused."""
    members: dict[str, fields.Field[Any]] = {
        "done": Integer("办成的个数。 / How many were done."),
        "results": List(nested(row), "逐行的结果，顺序同请求。 / Row by row, in the order of the request."),
    }
    return type(name, (ResponseSchema,), members)


def paginated(
    wanted: dict[str, Any], query: Any, order: SortOrder, shape: Callable[[Any], Any] = lambda row: row
) -> dict[str, Any]:
    """Read one page of a query in its order, as ``page_of`` answers it.

    Raises NotFound for a cursor that was not given out here.
    """
    table = PagedTable((), query, order, shape)
    page = table.page(wanted.get("cursor") or None, wanted["limit"])
    total = table.count(MAX_COUNT) if wanted["total"] else None
    return {"items": page.rows, "next": page.after, "previous": page.before, "total": total}


def to_form(given: Mapping[str, Any]) -> dict[str, Any]:
    """Write values as a form would send them: what is empty is ''."""
    return {
        name: "" if value is None else value if isinstance(value, bool) else str(value) for name, value in given.items()
    }


def to_text(message: Message | None) -> str | None:
    """Write a message in the language of the request."""
    return translate(message) if message else None
