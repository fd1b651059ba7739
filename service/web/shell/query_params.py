"""The filters of a list, read from the address: unknown values count as not chosen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from flask import request

from service.errors import NotFound
from service.validation.typed_text import as_id


def text(name: str, longest: int = 50) -> str:
    """The words typed, trimmed."""
    return " ".join(request.args.get(name, "").split())[:longest]


def choice(name: str, allowed: Collection[str]) -> str:
    """One of ``allowed``, else ''."""
    value = request.args.get(name, "")
    return value if value in allowed else ""


def key(name: str) -> UUID | None:
    """An id, else None."""
    return as_id(request.args.get(name, ""))


def cursor() -> str | None:
    """The page asked for."""
    return request.args.get("page") or None


def with_query(**own: Any) -> dict[str, Any]:
    """The filters of the address, to go along to another one; ``own`` takes their place.

    Options of ``url_for`` are left out: nobody's link may choose the scheme or the host of a form.
    """
    asked = request.args.items()
    return {name: value for name, value in asked if not name.startswith("_") and name != "endpoint"} | own


def chosen(name: str, most: int) -> list[UUID]:
    """The ids that a form sends under one name, at most ``most``; raises NotFound for what is no id."""
    return [sent_id(value) for value in request.form.getlist(name)[:most]]


def sent_id(text: str) -> UUID:
    """An id out of a form; raises NotFound for what is none."""
    if (found := as_id(text)) is None:
        raise NotFound
    return found
