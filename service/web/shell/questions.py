"""Questions before what cannot be taken back (R87): the object in the title, what follows in the text, a reason if due.

A view that ends something is marked with ``@asks``; sent without an answer it shows the question, which sends all that
was sent once more. So it is asked with and without a script.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.values.validators import parse_reason
from service.errors import N_, InvalidInput, Message, NotAsked
from service.forms import Field
from service.models.queries.runtime import inbox
from service.web.shell.form_errors import refresh_user, refuse
from service.workflow.runtime import bulk_completion
from service.workflow.runtime.bulk_completion import Row

View = TypeVar("View", bound=Callable[..., Any])
TOGETHER = N_("所选各件都按这个原因办理；哪一件没有办成，会写明为什么。")
PAGE = "pages/layout/question.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Act that is asked about before it is done. names, task_ids: of many; reason: label of the one due."""

    title: Message
    consequence: Message | str
    verb: Message | str
    way_back: str
    names: Sequence[str] = field(default=())
    reason: str = ""
    task_ids: Sequence[UUID] = field(default=())


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


def settle(rows: Sequence[Row], what: str, way_back: str, reason: str = "") -> Sequence[Row]:
    """Give the completions of a batch back, with the reason if one is due; one that ends something is asked first.

    what: the decision, in words; reason: the label of the one that the decision asks for. Raises Unanswered.
    """
    consequence = TOGETHER if reason else ""
    try:
        bulk_completion.ask_first(current_user, _reasoned(rows, what) if reason else rows)
    except NotAsked as found:
        consequence, reason = found.consequence, reason or found.reason
    refresh_user()
    if not consequence:
        return rows
    question = Question(
        title=Message(N_("%(what)s：%(n)s 件？"), what=Message(what), n=len(rows)),
        names=list(inbox.subjects(current_user, [task_id for task_id, _ in rows]).values()),
        consequence=consequence,
        verb=what,
        reason=reason,
        way_back=way_back,
        task_ids=[task_id for task_id, _ in rows],
    )
    if not is_answered():
        raise Unanswered(question)
    return _with_reason(rows, question) if reason else rows


def _with_reason(rows: Sequence[Row], question: Question) -> Sequence[Row]:
    try:
        reason = parse_reason(request.form.get("reason"))
    except InvalidInput as error:
        refuse(error)
        raise Unanswered(question, error.status) from None
    return _reasoned(rows, reason)


def _reasoned(rows: Sequence[Row], reason: str) -> list[Row]:
    return [(task_id, {**raw, "reason": raw.get("reason") or reason}) for task_id, raw in rows]
