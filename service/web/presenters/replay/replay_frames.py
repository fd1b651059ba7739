"""A case as a film for the page: after each input the tokens, what is done, and the variables with what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import render_template, url_for
from flask_babel import gettext

from service import forms
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.persons.case_subjects import shown_subject
from service.domain.system.row_words import table_word
from service.errors import N_
from service.infrastructure.translation import translate
from service.models.queries.runtime import case_list
from service.models.queries.runtime.object_names import NameHistory, ObjectName, object_names
from service.models.queries.system.row_changes import changes_of_case
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.reports.lists.row_history import ChangeKind
from service.validation.typed_text import as_id
from service.web.presenters import form_answers, variable_labels
from service.web.presenters.formatting import exact, instant_text, whole_instant
from service.web.presenters.replay import timeline
from service.web.presenters.variable_labels import is_id
from service.workflow.processes import definitions
from service.workflow.runtime import history

ABSENT = N_("无")
MAX_VALUE_LENGTH = 200


Links = Mapping[int, Sequence[tuple[str, str]]]
"""Texts with the address that each leads to, by the number of an input."""


def replay_frames(user: User, case: Case, papers: Links | None = None) -> dict[str, Any]:
    """Everything the page's player needs, in one answer. papers: titles of those that each input made.

    case: found in scope.
    """
    moments, inputs = history.replay_of_case(user, case)
    told = timeline.to_timeline(inputs)
    incidents = case_list.open_incidents(case.id) if case.incidents else []
    before: Mapping[str, Any] = {}
    asked: dict[str, forms.Field] = {}
    steps = []
    digests = {moment.definition for moment in moments}
    book, role = NameHistory(user, _ids([moment.data for moment in moments])), Role(user.role)
    may_look = may(role, Action.READ_AUDIT)
    changed = _changed_rows(case.id) if may_look else {}
    versions = {digest: definitions.version(digest).number for digest in digests}
    for moment, given, line in zip(moments, inputs, told, strict=True):
        now = asked | {field.key: field for field in line.fields if field.key}
        then = book.at(line.at)
        rows = variables(moment.definition, asked, now, before, moment.data, _seen(role, then))
        if may_look:
            for row in rows:
                row["link"] = _history_of(moment.data.get(row["name"]), then, line.at)
        steps.append(_step(moment, line, versions[moment.definition], rows))
        steps[-1]["papers"] = (papers or {}).get(moment.seq, [])
        steps[-1]["rows"] = changed.get(moment.seq, [])
        steps[-1]["form"] = _form_then(line, {**moment.data, **given.data}, _seen(role, then))
        before, asked = moment.data, now
    return {
        "steps": steps,
        "diagrams": {digest: url_for("processes.diagram", digest=digest) for digest in digests},
        "incidents": [last(i.element) for i in incidents],
    }


def _step(moment: Any, line: timeline.TimelineEntry, version: int, data: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "seq": moment.seq,
        "definition": moment.definition,
        "version": version,
        "tokens": _visible(moment.tokens),
        "done": _counts(moment.done),
        "flows": moment.flows,
        "ended": moment.ended,
        "at": instant_text(line.at),
        "whole": whole_instant(line.at),
        "what": line.what,
        "who": line.by,
        "given": line.given,
        "sender": _sender(line.sender),
        "data": data,
    }


def _changed_rows(case_id: UUID) -> Links:
    """The business rows that each input changed, attachments and papers with them, each as it stood then."""
    found: dict[int, list[tuple[str, str]]] = {}
    for row in changes_of_case(case_id):
        link = url_for("row_history.show", table=row.table_name, row_id=row.row_id, on=exact(row.at))
        word = f"{translate(table_word(row.table_name))} · {translate(ChangeKind(row.kind).label)}"
        found.setdefault(row.seq, []).append((word, link))
    return found


def _sender(sender: history.MessageSender | None) -> dict[str, str] | None:
    """The origin of a message, with a link to the step of that case."""
    if sender is None:
        return None
    if sender.case_id is None:
        return {"text": sender.actor or gettext("系统"), "link": ""}
    number = str(sender.case_id)[-case_list.NUMBER_LENGTH :]
    where = gettext("案卷 %(number)s 第 %(n)s 步", number=number, n=sender.step)
    link = url_for("cases.show", case_id=sender.case_id, step=sender.step)
    return {"text": " · ".join(filter(None, (where, sender.actor))), "link": link}


def last(path: str) -> str:
    """The id of an element from its path."""
    return path.split("/")[-1]


def _visible(paths: Any) -> list[str]:
    """Ids of the elements with a token, and of the activities that contain or call them."""
    found: dict[str, int] = {}
    for path in paths:
        for part in path.split("/"):
            found[part] = found.get(part, 0) + 1
    return sorted(found)


def _counts(done: Mapping[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for path, times in done.items():
        found[last(path)] = found.get(last(path), 0) + times
    return found


Fields = Mapping[str, forms.Field]


def variables(
    digest: str,
    asked: Fields,
    now: Fields,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    named: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Each variable with its word, and its value before and after; the changed ones first.

    asked, now: before and after the step, the field of the form that was last answered for a variable. Several forms
    ask for a decision, each with choices of its own. named: the names of things by their ids.
    """
    names = named or {}
    known = fields_of(digest)
    rows = []
    for name in sorted(before.keys() | after.keys()):
        was, field = asked.get(name) or known.get(name), now.get(name) or known.get(name)
        word = variable_labels.label(name) or (translate(field.label) if field else "")
        rows.append(
            {
                "name": name,
                "label": word,
                "before": show(name, was, before.get(name), names),
                "after": show(name, field, after.get(name), names),
                "changed": before.get(name) != after.get(name),
            }
        )
    return sorted(rows, key=lambda row: not row["changed"])


def fields_of(digest: str) -> dict[str, forms.Field]:
    """The fields of the version's forms, by variable."""
    files = definitions.definition(digest).files
    return {f.key: f for name, form in files.items() if name.endswith(".form") for f in forms.fields(form) if f.key}


def names_in(user: User, data: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The names of the things whose ids stand in the data, as the reader may see them."""
    return _seen(Role(user.role), object_names(user, _ids(data)))


def _ids(data: Iterable[Mapping[str, Any]]) -> set[UUID]:
    return {key for values in data for value in values.values() if (key := as_id(value))}


def _seen(role: Role, names: Mapping[str, ObjectName]) -> dict[str, str]:
    return {
        key: shown_subject(role, "", one.name) if one.is_person or not one.name else translate(one.name)
        for key, one in names.items()
    }


def _history_of(value: Any, names: Mapping[str, ObjectName], at: datetime) -> str:
    """The page of what a value points to, as it stood then; '' for a value that points to nothing."""
    found = names.get(value) if isinstance(value, str) else None
    if found is None:
        return ""
    return url_for("row_history.show", table=found.table, row_id=value, on=exact(at))


def _form_then(line: timeline.TimelineEntry, data: Mapping[str, Any], named: Mapping[str, str]) -> str:
    """The form that was filled in, drawn as it was by the version of then, with all its fields; '' without one."""
    if not line.fields:
        return ""
    values = {f.key: _written(f, data.get(f.key), named) for f in line.fields if f.key}
    shown = [f for f in line.fields if f.show_if is None or f.show_if.holds(data)]
    options = {
        f.key: [(value, named.get(str(value)) or form_answers.answer_text(f, value)) for value in _several(data, f.key)]
        for f in shown
        if f.options_key
    }
    return render_template("pages/cases/_form.html", fields=shown, values=values, options=options)


def _several(data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else [value] if value not in (None, "") else []


def _written(field: forms.Field, value: Any, named: Mapping[str, str]) -> Any:
    """The content of a field: of personal texts, and of what is only shown, as words."""
    if isinstance(value, dict) or (field.readonly and value is not None):
        return show(field.key, field, value, named)
    return form_answers.typed(field, value)


def show(name: str, field: forms.Field | None, value: Any, named: Mapping[str, str]) -> str:
    """A value in words; field: of the form that asked for it; named: the names of things by their ids."""
    if value is None or value == "" or value == []:
        return translate(ABSENT)
    if isinstance(value, str) and is_id(value):
        return named.get(value) or variable_labels.read(name, value)
    if isinstance(value, dict):
        return translate(form_answers.PERSONAL) if "personal" in value else "…"
    if field is not None and name not in variable_labels.FORMATTERS:
        return form_answers.answer_text(field, value)[:MAX_VALUE_LENGTH]
    return variable_labels.read(name, value)[:MAX_VALUE_LENGTH]


def element_names(digest: str) -> dict[str, str]:
    """Names of the elements as drawn, by id."""
    return {key: element.name or key for key, element in definitions.definition(digest).elements.items()}
