"""Questions before what cannot be taken back (R87): the object in the title, what follows in the text, a reason if due.

A view that ends something is marked with ``@asks``; sent without an answer it shows the question, which sends all that
was sent once more. So it is asked with and without a script.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.values.validators import parse_reason
from service.errors import N_, InvalidInput, Message, NotAsked
from service.forms import Field
from service.models.queries.runtime import inbox
from service.web.shell.form_errors import refresh_user, refuse
from service.workflow.runtime import bulk_completion

View = TypeVar("View", bound=Callable[..., Any])
PAGE = "pages/layout/question.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Act that is asked about before it is done. names: whom it is about, of many; reason: label of the one due."""

    title: Message
    consequence: Message | str
    verb: Message | str
    way_back: str
    names: Sequence[str] = field(default=())
    reason: str = ""


def asks(question: Callable[..., Question]) -> Callable[[View], View]:
    """Show ``question``, made of the view's arguments, unless the form says that it was asked."""

    def mark(view: View) -> View:
        @wraps(view)
        def run(**arguments: Any) -> ResponseReturnValue:
            return view(**arguments) if is_answered() else ask(question(**arguments))

        run.asks_first = True  # type: ignore[attr-defined]
        return run  # type: ignore[return-value]

    return mark


def is_answered() -> bool:
    """Tell whether the form comes from its question."""
    return bool(request.form.get("asked"))


def ask(question: Question) -> str:
    return render_template(PAGE, question=question)


class Unanswered(Exception):
    """Leads out of a view to its question."""

    def __init__(self, question: Question, status: int = 200) -> None:
        super().__init__()
        self.question, self.status = question, status


def register(app: Flask) -> None:
    app.register_error_handler(Unanswered, lambda found: (ask(found.question), found.status))


def choice_word(field: Field, value: Any) -> str:
    """The label of a choice, '' for one that the form does not offer."""
    return next((option.label for option in field.options if option.value == value), "")


def settle(rows: Sequence[bulk_completion.Row], what: str, way_back: str) -> Sequence[bulk_completion.Row]:
    """Give the completions of a batch back, with the reason if one is due; one that ends something is asked first.

    what: the decision, in words. Raises Unanswered.
    """
    try:
        bulk_completion.ask_first(current_user, rows)
    except NotAsked as found:
        refresh_user()
        question = Question(
            title=Message(N_("%(what)s：%(n)s 件？"), what=Message(what), n=len(rows)),
            names=list(inbox.subjects(current_user, [task_id for task_id, _ in rows]).values()),
            consequence=found.consequence,
            verb=what,
            reason=found.reason,
            way_back=way_back,
        )
        if not is_answered():
            raise Unanswered(question) from None
        return _with_reason(rows, question) if found.reason else rows
    refresh_user()
    return rows


def _with_reason(rows: Sequence[bulk_completion.Row], question: Question) -> Sequence[bulk_completion.Row]:
    try:
        reason = parse_reason(request.form.get("reason"))
    except InvalidInput as error:
        refuse(error)
        raise Unanswered(question, error.status) from None
    return [(task_id, {**raw, "reason": raw.get("reason") or reason}) for task_id, raw in rows]
