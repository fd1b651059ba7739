"""One search over everything in the reader's scope: persons, certificates, classes, units, cases."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.values.validators import normalise
from service.errors import N_, NotFound
from service.infrastructure.translation import translate
from service.models.queries.persons import person_list
from service.reports import get_report, read_list
from service.web.shell import query_params
from service.web.shell.authorization import login_required
from service.web.shell.navigation import has_permission

bp = Blueprint("search", __name__)

LIKE_A_NUMBER = re.compile(r"\d{15}|\d{17}[\dX]")  # an identity number of a resident, old or new
SHOWN = 8  # of each kind; the list shows the others


@dataclass(frozen=True, slots=True)
class Source:
    """A list that is searched: its name, title, field for words, page, and how a row is told and reached."""

    name: str
    title: str
    field: str
    endpoint: str
    page: str
    argument: str
    text: Callable[[Any], tuple[str, ...]]


SOURCES = (
    Source(
        "persons", N_("人员"), "q", "persons.index", "persons.show", "person_id",
        lambda row: (row.name, row.id_number_masked, row.unit_name, translate(row.type_name)),
    ),
    Source(
        "certificates", N_("证书"), "q", "certificates.index", "certificates.show", "certificate_id",
        lambda row: (row.number, row.name, row.unit_name),
    ),
    Source(
        "classes", N_("培训班"), "q", "classes.index", "classes.show", "class_id",
        lambda row: (row.title, row.code, row.place),
    ),
    Source(
        "units", N_("单位"), "q", "units.index", "units.show", "unit_id",
        lambda row: (row.name, row.credit_code or ""),
    ),
    Source(
        "cases", N_("案卷"), "find", "cases.index", "cases.show", "case_id",
        lambda row: (row.subject or translate(row.process_name), translate(row.process_name)),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hits:
    """The first rows of a list that match: address and texts of each; more: where the others are."""

    title: str
    rows: list[tuple[str, tuple[str, ...]]]
    more: str | None


@bp.get("/search")
@login_required
def index() -> ResponseReturnValue:
    words = query_params.text("q")
    found = [hits for source in SOURCES if words and (hits := _find(source, words)).rows]
    return render_template("pages/search/index.html", words=words, found=found)


@bp.post("/search")
@login_required
def ask() -> ResponseReturnValue:
    """Take the words of the bar by POST: a whole identity number stands in no address and no log."""
    words = " ".join(request.form.get("q", "").split())[:50]
    if has_permission(Action.VIEW_PERSONS) and (number := normalise(words)):
        if found := person_list.find_by_number(current_user, number):
            return redirect(url_for("persons.show", person_id=found), 303)
        if LIKE_A_NUMBER.fullmatch(number):
            raise NotFound(N_("您的管辖范围内没有这个证件号码的人员，请核对。"))
    return redirect(url_for(".index", q=words), 303)


def _find(source: Source, words: str) -> Hits:
    if Role(current_user.role) not in get_report(source.name).roles:
        return Hits(source.title, [], None)
    _report, _chosen, table = read_list(source.name, current_user, {source.field: words})
    page = table.rows_page(None)
    rows = [
        (url_for(source.page, **{source.argument: row.id}), tuple(filter(None, source.text(row))))
        for row in page.rows[:SHOWN]
    ]
    query: dict[str, Any] = {source.field: words}
    more = url_for(source.endpoint, **query) if len(page.rows) > SHOWN else None
    return Hits(source.title, rows, more)
