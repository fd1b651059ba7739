"""Show a refused form again: ``@rerender_on_error(page)`` on the view that takes it.

The only place where a page catches an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID, uuid5

from flask import flash, g, get_flashed_messages, make_response, request
from flask.typing import ResponseReturnValue

from service.errors import AnpeiError, CaseSuspended, InvalidInput, Message
from service.models.db.ids import new_id
from service.models.tables.accounts.user import User
from service.validation.typed_text import as_id
from service.web.shell import form_rows

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class FormError:
    """A form that comes back: what was typed, and why it was refused (None: a row was added or removed); the field
    macros read it. problems: of diagrams.
    """

    message: Message | None
    errors: Mapping[str, Message]
    values: Mapping[str, list[str]]
    problems: tuple[Any, ...] = ()


def rerender_on_error(page: Callable[..., ResponseReturnValue], *errors: type[AnpeiError]) -> Callable[[View], View]:
    """On InvalidInput, CaseSuspended and ``errors`` answer with ``page`` of the same arguments and the error's status.

    The values typed and the errors stand at their fields by themselves: the macros of ``_macros/field.html`` ask
    ``old_value`` and ``field_error``. Put it below the route and the access mark.
    """

    caught: tuple[type[AnpeiError], ...] = (InvalidInput, CaseSuspended, *errors)

    def mark(view: View) -> View:
        @wraps(view)
        def run(**arguments: Any) -> ResponseReturnValue:
            try:
                return view(**arguments)
            except caught as error:
                if isinstance(error, CaseSuspended) and "HX-Request" in request.headers:
                    raise  # a part of a page is told in a line
                refuse(error)
                return make_response(page(**arguments), error.status, headers_of(error))

        return run  # type: ignore[return-value]

    return mark


def refuse(error: AnpeiError) -> None:
    """Let the macros of fields show what was typed and why it was refused."""
    typed = form_rows.numbered(g.get("previewed", request.form).to_dict(flat=False))
    g.refused = FormError(error.message, getattr(error, "fields", {}), typed, getattr(error, "problems", ()))
    refresh_user()


def edits_rows(page: Callable[..., ResponseReturnValue]) -> Callable[[View], View]:
    """Answer a button that adds or removes a row of a list with ``page``, where all that was typed still stands.

    Put it below the route and the access mark.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def run(**arguments: Any) -> ResponseReturnValue:
            typed = form_rows.changed(request.form.to_dict(flat=False))
            if typed is None:
                return view(**arguments)
            g.refused = FormError(None, {}, typed)
            return page(**arguments)

        return run  # type: ignore[return-value]

    return mark


def headers_of(error: AnpeiError) -> dict[str, str]:
    """Headers that go with an error: when to try again."""
    return {"Retry-After": str(error.retry_after)} if error.retry_after else {}


def refresh_user() -> None:
    """Read the account again: the rollback of a refused use case has made all rows forget themselves."""
    if "user_id" in g:
        User.get(g.user_id)


def form_error() -> FormError | None:
    """The error for which the form on this page came back, or None."""
    found: FormError | None = g.get("refused")
    return found


def field_error(name: str) -> Message | None:
    """The error at a field, or None."""
    found = form_error()
    return found.errors.get(name) if found else None


def old_value(name: str, value: Any = "") -> Any:
    """The value that the field shows: what was typed if the form came back, else ``value`` (None shows as '')."""
    found = form_error()
    if found is None:
        return "" if value is None else value
    return found.values.get(name, [""])[-1]


def old_values(name: str, values: list[str]) -> list[str]:
    """Like ``old_value`` for a field that may be chosen several times."""
    found = form_error()
    return found.values.get(name, []) if found else values


def row_count(name: str, otherwise: int) -> int:
    """The rows that a list shows: those that were sent if the form came back."""
    found = form_error()
    return otherwise if found is None else form_rows.count(found.values, name)


def form_id(*typed: str) -> UUID:
    """The id that a form carries (macro ``once``),
    so that sent twice it makes one thing; a new one if there is none.

    typed: where the page stays open, what makes it another thing when it is sent again.
    """
    sent = as_id(request.form.get("form_id", "")) or new_id()
    return uuid5(sent, "\0".join(typed)) if typed else sent


@dataclass(frozen=True, slots=True)
class Flash:
    """A note of what was done on the page before. kind: ok, warn or bad; the rest as ``flash_success`` has it."""

    kind: str
    message: Message
    undo: str | None
    draft: str | None
    file: str | None


def flash_success(
    text: str | Message, undo: str | None = None, draft: str | None = None, kind: str = "ok", file: str | None = None
) -> None:
    """Say on the next page what was done.

    undo: address to which 撤回 posts; draft: task whose draft is no longer needed;
    file: address of a file that came of it.
    """
    message = text if isinstance(text, Message) else Message(text)
    flash({"text": message.text, "values": message.values, "undo": undo, "draft": draft, "file": file}, kind)  # type: ignore[arg-type]


def flashed() -> list[Flash]:
    """Take the notes that ``flash_success`` left for this page; a second call finds none."""
    found: list[tuple[str, dict[str, Any]]] = get_flashed_messages(with_categories=True)  # type: ignore[assignment]
    return [
        Flash(kind, Message(left["text"], **left["values"]), left.get("undo"), left.get("draft"), left.get("file"))
        for kind, left in found
    ]
