"""What a decision needs to know, beside its form: cards by process, and the options that depend on who decides.

To add one: write ``def f(user, task) -> list[Card]`` that reads through models or reports, put its template under
``templates/pages/cards/`` (one ``panel``), and name it in ``CARDS`` under the process's key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from service.forms import Field
from service.models import Task, User, choices
from service.web import certificate_cards, decision_cards, wording
from service.web.card import Card

CARDS: dict[str, Callable[[User, Task], list[Card]]] = {
    "training_enrollment": decision_cards.enrollment_cards,
    "personnel_approval": decision_cards.approval_cards,
    "training_class": decision_cards.class_cards,
    "certificate_reissue": certificate_cards.reissue_cards,
    "certificate_deregistration": certificate_cards.deregistration_cards,
    "support_ticket": certificate_cards.ticket_cards,
}


def for_task(user: User, task: Task) -> list[Card]:
    """The cards of the task's process; without any, what the inbox row says."""
    make = CARDS.get(task.process)
    return make(user, task) if make else [Card("pages/cards/facts.html")]


def options(fields: Iterable[Field]) -> dict[str, list[tuple[str, str]]]:
    """The options of those fields whose form leaves them to the page, by field."""
    return {f.key: wording.pairs(choices.choices(f.options_key)) for f in fields if f.options_key in choices.KEYS}
