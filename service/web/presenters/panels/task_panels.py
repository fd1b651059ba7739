"""The facts for a decision, beside its form: cards by process, and the options that depend on who decides.

To add one: write ``def f(user, task) -> list[Card]`` that reads through models or reports, put its template under
``templates/pages/cards/`` (one ``panel``), and name it in ``CARDS`` under the process's key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from service.forms import Field
from service.models.queries.system import form_options
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Task
from service.web.presenters import labels
from service.web.presenters.panels import certificate_panels, decision_panels, studio_words
from service.web.presenters.panels.task_panel import TaskPanel

CARDS: dict[str, Callable[[User, Task], list[TaskPanel]]] = {
    "training_enrollment": decision_panels.enrollment_cards,
    "personnel_approval": decision_panels.approval_cards,
    "training_class": decision_panels.class_cards,
    "identity_correction": certificate_panels.correction_cards,
    "certificate_reissue": certificate_panels.reissue_cards,
    "certificate_deregistration": certificate_panels.deregistration_cards,
    "support_ticket": certificate_panels.ticket_cards,
    "process_change": studio_words.change_cards,
}


def for_task(user: User, task: Task) -> list[TaskPanel]:
    """The cards of the task's process; without any, what the inbox row says."""
    make = CARDS.get(task.process)
    return make(user, task) if make else [TaskPanel("pages/cards/facts.html")]


def options(fields: Iterable[Field]) -> dict[str, list[tuple[str, str]]]:
    """The options of those fields whose form leaves them to the page, by field."""
    return {
        f.key: labels.pairs(form_options.choices(f.options_key)) for f in fields if f.options_key in form_options.KEYS
    }
