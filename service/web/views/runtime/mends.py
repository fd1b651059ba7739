"""Mends: one case or many cases that stand at one element, each act with a preview and a reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.system.mend_kind import MendKind
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.models.tables.runtime.case import Case
from service.validation.fields import MAX_INTEGER
from service.validation.typed_text import as_json, as_whole
from service.web.presenters.replay import replay_frames
from service.web.shell import previews, query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, refresh_user, rerender_on_error
from service.workflow.processes import definitions
from service.workflow.runtime import history, mends, variables
from service.workflow.runtime.mends import Mend

bp = Blueprint("mends", __name__)

MAX_WHOLE, MAX_TEXT = 2**53 - 1, 200
TYPES = {"text": N_("文字"), "whole": N_("整数"), "boolean": N_("真假"), "json": "JSON"}
LABELS = {kind: MendKind(kind).label for kind in mends.KINDS}


def _choose(case_id: UUID) -> ResponseReturnValue:
    return _page(history.open_case(current_user, case_id))


@bp.get("/cases/<uuid:case_id>/mend")
@requires_permission(Action.MEND_CASES)
@rerender_on_error(_choose, Conflict)
def choose(case_id: UUID) -> ResponseReturnValue:
    if previews.recall() is None:
        return _choose(case_id)
    found = mends.preview(current_user, case_id, _given())
    refresh_user()
    return _page(history.open_case(current_user, case_id), found)


def _page(case: Case, preview: mends.Outcome | None = None) -> str:
    asked = previews.typed().get("kind") or request.args.get("kind", "")
    kind = asked if asked in _offered(case) else _offered(case)[0]
    names = replay_frames.element_names(case.definition)
    return render_template(
        "pages/cases/mend.html",
        case=case,
        kind=kind,
        kinds={name: LABELS[name] for name in _offered(case)},
        places=mends.places(case),
        names=names,
        types=TYPES,
        variables=variables.of_case(current_user, case.id),
        preview=preview,
    )


def _offered(case: Case) -> list[str]:
    """The kinds of mend that fit a case: one that is suspended can be resumed, another suspended. Raises Conflict."""
    if case.ended_at is not None:
        raise Conflict(N_("这个案卷已经办结，不能再变动。"))
    return [kind for kind in mends.KINDS if kind != ("resume" if case.suspended_at is None else "suspend")]


@bp.post("/cases/<uuid:case_id>/mend")
@requires_permission(Action.MEND_CASES)
@rerender_on_error(_choose, Conflict)
def mend(case_id: UUID) -> ResponseReturnValue:
    if request.form.get("then") != "mend":
        return previews.keep()
    mends.mend(current_user, case_id, _given())
    previews.forget()
    flash_success(N_("已修复，原因记入案卷经过。"))
    return redirect(url_for("cases.show", case_id=case_id))


def _choose_many(key: str) -> ResponseReturnValue:
    return _page_of_many(key)


@bp.get("/processes/<key>/mend")
@requires_permission(Action.MEND_CASES)
@rerender_on_error(_choose_many)
def choose_many(key: str) -> ResponseReturnValue:
    if previews.recall() is None:
        return _choose_many(key)
    told = mends.mend_many(current_user, *_given_for_many(), is_preview=True)
    refresh_user()
    return _page_of_many(key, told)


def _page_of_many(key: str, told: list[mends.Outcome] | None = None) -> str:
    """The cases of a version that stand at one element, and the act; told: what it would make of each."""
    number = as_whole(request.args.get("version", ""), 1, MAX_INTEGER)
    found = definitions.listing(key)
    version = next(
        (it.version for it in found if (it.version.number == number if number else it.version.current)), None
    )
    if version is None:
        raise NotFound
    element = request.args.get("element", "")
    cases = mends.standing_at(current_user, version.digest, element)
    standing = [one for one in mends.places(cases[0]) if one.element.split("/")[-1] == element] if cases else []
    return render_template(
        "pages/processes/mend.html",
        version=version,
        element=element,
        cases=cases,
        targets=standing[0].targets if standing else (),
        kinds=LABELS,
        names=replay_frames.element_names(version.digest),
        types=TYPES,
        told={one.case_id: one for one in told or ()},
        chosen=set(previews.typed().getlist("case")) or {str(case.id) for case in cases},
    )


@bp.post("/processes/<key>/mend")
@requires_permission(Action.MEND_CASES)
@rerender_on_error(_choose_many)
def mend_many(key: str) -> ResponseReturnValue:
    if request.form.get("then") != "mend":
        return previews.keep()
    told = mends.mend_many(current_user, *_given_for_many())
    refresh_user()
    previews.forget()
    refused = [one for one in told if one.refusal]
    flash_success(Message(N_("已修复 %(n)s 件，原因记入案卷经过。"), n=len(told) - len(refused)))
    for one in refused:
        flash_success(
            Message(N_("案卷 %(id)s 没有修复：%(why)s"), id=str(one.case_id)[-12:], why=one.refusal), kind="bad"
        )
    return redirect(url_for("processes.show", key=key, version=request.args.get("version")))


def _given_for_many() -> tuple[list[UUID], Mend]:
    """The cases that were chosen, and the mend. Raises InvalidInput."""
    given = _given(request.args.get("element"))
    cases = [query_params.sent_id(text) for text in previews.typed().getlist("case")[: mends.MAX_CASES]]
    if not cases:
        raise InvalidInput(text=N_("请先选择要修复的案卷。"))
    return cases, given


def _given(at: str | None = None) -> Mend:
    """The mend that the form describes; at: the element, where the address says it. Raises InvalidInput."""
    form = previews.typed()
    kind = form.get("kind", "")
    if kind not in mends.KINDS:
        raise NotFound
    token, _, element = ("", "", at) if at else form.get("place", "").partition(" ")
    if kind in ("move", "skip") and not element:
        raise InvalidInput({"place": N_("请选择停在哪里的令牌。")})
    if kind == "move" and not form.get("to"):
        raise InvalidInput({"to": N_("请选择移到哪里。")})
    values = {form.get("variable", "").strip(): _value(form)} if kind == "variables" else {}
    return Mend(kind, form.get("reason", ""), token or None, element or None, form.get("to"), values)


def _value(form: Any) -> Any:
    """The new value of a variable by the type that was chosen. Raises InvalidInput."""
    kind, text = form.get("type", ""), form.get("variable_value", "").strip()
    number = as_whole(text, -MAX_WHOLE, MAX_WHOLE)
    if kind == "text" and len(text) <= MAX_TEXT:
        return text
    if kind == "whole" and number is not None:
        return number
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "json" and (read := as_json(text)):
        return read[0]
    raise InvalidInput({"variable_value": N_("值与所选的类型不符：整数写数字，真假写 true 或 false，JSON 不含小数。")})


@bp.post("/incidents/<uuid:incident_id>/resolve")
@requires_permission(Action.MEND_CASES)
def resolve(incident_id: UUID) -> ResponseReturnValue:
    case_id = request.form["case"]
    if mends.resolve_incident(current_user, incident_id, request.form.get("reason", "")):
        flash_success(N_("出错的作业已重新安排，稍后自动执行；结果见案卷经过。"))
    else:
        flash_success(N_("已标为已处理。出错的是办理人的提交，系统没有代办：请办理人重新提交。"))
    return redirect(url_for("cases.show", case_id=case_id))
