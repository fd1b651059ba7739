"""Context of every template: navigation by role, the count at the inbox, theme and text size,
and the macros' functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, MutableMapping
from functools import cache
from typing import Any

from flask import Flask, current_app, g, request, session, url_for
from flask.templating import Environment
from flask_login import current_user
from markupsafe import Markup

from service.config import CHECKOUT
from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.persons.case_subjects import shown_subject
from service.forms import Option
from service.infrastructure import rich_text
from service.infrastructure.translation import translate
from service.models.db.ids import new_id
from service.models.queries.runtime import inbox
from service.models.queries.scope import inbox_addresses
from service.web.presenters import status_badges, task_columns
from service.web.shell import form_errors, navigation, query_params
from service.web.shell.navigation import has_permission

CASES = (Action.VIEW_CLASSES, Action.REPLAY_CASES, Action.EDIT_PROCESSES)
STATIC = CHECKOUT / "service" / "static"


class Templates(Environment):
    """Jinja whose templates all share one mapping of globals.

    Two chained ones, as Jinja makes them, are compared name by name at each import of a macro, in every row of a list.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template; those of the environment, unless it is loaded with more."""
        return self.globals if d is None else super().make_globals(d)


def register(app: Flask) -> None:
    """Give the templates what the layout and the macros ask for."""
    app.jinja_env.filters["for_reader"] = for_reader
    app.jinja_env.filters["markdown"] = lambda text: Markup(rich_text.from_markdown(text))  # noqa: S704 - cleaned
    app.jinja_env.globals |= {
        "with_query": query_params.with_query,
        "menu": navigation.menu,
        "operations": navigation.operations,
        "page_heading": navigation.page_heading,
        "pending": pending,
        "static": static_url,
        "status_of": status_badges.status_of,
        "may": has_permission,
        "old_value": form_errors.old_value,
        "row_count": form_errors.row_count,
        "new_id": new_id,
        "old_values": form_errors.old_values,
        "field_error": form_errors.field_error,
        "form_error": form_errors.form_error,
        "flashed": form_errors.flashed,
        "preference": preference,
        "column_value": task_columns.value,
        "repeats": task_columns.repeats,
        "fact_columns": lambda facts: task_columns.of([facts], len(task_columns.COLUMNS)),
        "choices_of": choices_of,
        "pairs_of": pairs_of,
        "has_page": lambda endpoint: endpoint in current_app.view_functions,
        "current_user": current_user,
    }


def counts() -> list[inbox.KindCount]:
    """The kinds of task that wait for the reader; asked once a request."""
    if "inbox_counts" not in g:
        g.inbox_counts = inbox.counts(inbox_addresses(current_user), current_user.id)
    found: list[inbox.KindCount] = g.inbox_counts
    return found


def pending() -> int:
    """Count the tasks that wait for the user, to 1,000 a kind."""
    return sum(kind.count for kind in counts())


def for_reader(subject: str, process: str) -> str:
    """The subject of a case of a process, as the reader may see it."""
    return shown_subject(Role(current_user.role), process, subject)


def choices_of(options: Iterable[Option]) -> list[tuple[str, str, str]]:
    """Options of a form for ``radio``: value, label, note."""
    return [(o.value, translate(o.label), translate(o.note)) for o in options]


def pairs_of(options: Iterable[Option]) -> list[tuple[str, str]]:
    """Options of a form for ``select`` and ``checkboxes``: value, label."""
    return [(o.value, translate(o.label)) for o in options]


def preference(name: str, default: str = "") -> str:
    """A choice of appearance: ``theme`` or ``text``."""
    return str(session.get(name, default))


def static_url(path: str) -> str:
    """The address of a static file, with a digest of its content so that browsers may keep it for a year."""
    return _static_url(path, request.script_root)


@cache
def _static_url(path: str, _script_root: str) -> str:
    return url_for("static", filename=path, v=_digest(path))


@cache
def _digest(path: str) -> str:
    file = STATIC / path
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else ""
