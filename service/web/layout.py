"""What stands around every page: navigation by role, the count at the inbox, theme and text size, and the macros' functions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flask import Flask, current_app, g, request, session, url_for
from flask_login import current_user

from service.domain.permissions import Action, may
from service.domain.roles import ADMINISTRATORS, Role
from service.errors import N_
from service.forms import Option
from service.models import inbox, new_id
from service.models.scope import addresses
from service.web import columns, statuses, submit, texts

CASES = (Action.VIEW_CLASSES, Action.REPLAY_CASES, Action.EDIT_PROCESSES)
STATIC = Path(__file__).parent.parent / "static"


class Place(NamedTuple):
    """An entry of the navigation: endpoint, word, sign, and the actions of which one is needed (none: everyone)."""

    endpoint: str
    word: str
    sign: str
    actions: tuple[Action, ...] = ()


PLACES = (
    Place("home.index", N_("首页"), "home"),
    Place("inbox.index", N_("待办"), "inbox"),
    Place("classes.index", N_("培训班"), "cap", (Action.VIEW_CLASSES,)),
    Place("enrollments.index", N_("报名"), "tick", (Action.ENROLL, Action.CONFIRM_ENROLLMENT, Action.CHECK_IN)),
    Place("persons.index", N_("人员"), "people", (Action.VIEW_PERSONS,)),
    Place("certificates.index", N_("证书"), "cert", (Action.VIEW_CERTIFICATES,)),
    Place("reports.index", N_("报表"), "chart", (Action.VIEW_REPORTS, Action.VIEW_TRAINING_NEED)),
    Place("units.index", N_("单位"), "unit", (Action.VIEW_UNITS,)),
    Place("plans.index", N_("计划"), "calendar", (Action.VIEW_PLANS,)),
    Place("notices.index", N_("通知"), "bell", (Action.READ_NOTICES,)),
    Place("tickets.index", N_("客服"), "chat", (Action.OPEN_TICKET,)),
    Place("users.index", N_("账号"), "key", (Action.MANAGE_USERS, Action.UNLOCK_USER)),
    Place("cases.index", N_("案卷"), "eye", CASES),
    Place("settings.index", N_("设置"), "gear", (Action.CHANGE_SETTINGS, Action.CHANGE_POLICY)),
    Place("processes.index", N_("流程"), "flow", (Action.EDIT_PROCESSES, Action.REPLAY_CASES)),
)


def register(app: Flask) -> None:
    """Give the templates what the layout and the macros ask for."""
    app.jinja_env.filters["for_reader"] = for_reader
    app.jinja_env.globals |= {
        "places": places, "pending": pending, "static": static_url, "status_of": statuses.status_of,
        "may": may_now, "kept": submit.kept, "new_id": new_id, "kept_all": submit.kept_all, "wrong": submit.wrong, "refused": submit.refused,
        "preference": preference, "column_value": columns.value, "repeats": columns.repeats, "fact_columns": lambda facts: columns.of([facts], len(columns.COLUMNS)), "choices_of": choices_of, "pairs_of": pairs_of, "has_page": lambda endpoint: endpoint in current_app.view_functions,
        "is_here": is_here, "current_user": current_user,
    }  # fmt: skip


def places() -> list[Place]:
    """The entries of the navigation for the reader, in their order."""
    known = current_app.view_functions
    return [place for place in PLACES if place.endpoint in known and _is_open(place)]


def _is_open(place: Place) -> bool:
    return not place.actions or any(may_now(action) for action in place.actions)


def may_now(action: Action | str) -> bool:
    """Whether the reader's role may do this somewhere."""
    return bool(current_user.is_authenticated) and may(Role(current_user.role), Action(action))


def counts() -> list[inbox.KindCount]:
    """The kinds of task that wait for the reader; asked once a request."""
    if "inbox_counts" not in g:
        g.inbox_counts = inbox.counts(addresses(current_user), current_user.id)
    found: list[inbox.KindCount] = g.inbox_counts
    return found


def pending() -> int:
    """How many tasks wait for the reader, counted to 1,000 a kind."""
    return sum(kind.count for kind in counts())


def for_reader(subject: str) -> str:
    """What a case is about; administrators who see no business see only the first letter of a name (domain.md §9)."""
    if Role(current_user.role) not in ADMINISTRATORS or not subject:
        return subject
    return subject[0] + "＊" * min(len(subject) - 1, 3)


def choices_of(options: Iterable[Option]) -> list[tuple[str, str, str]]:
    """Options of a form for ``radio``: value, label, note."""
    return [(o.value, texts.translate(o.label), texts.translate(o.note)) for o in options]


def pairs_of(options: Iterable[Option]) -> list[tuple[str, str]]:
    """Options of a form for ``select`` and ``checkboxes``: value, label."""
    return [(o.value, texts.translate(o.label)) for o in options]


def preference(name: str, default: str = "") -> str:
    """A choice of appearance: ``theme`` or ``text``."""
    return str(session.get(name, default))


def is_here(endpoint: str) -> bool:
    """Whether the page belongs to the place of ``endpoint``."""
    return request.endpoint == endpoint or (request.blueprint == endpoint.partition(".")[0] != "home")


def static_url(path: str) -> str:
    """The address of a static file, with a digest of its content so that browsers may keep it for a year."""
    return url_for("static", filename=path, v=_digest(path))


@cache
def _digest(path: str) -> str:
    file = STATIC / path
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else ""
