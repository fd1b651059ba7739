"""The studio: a process edited in the browser as a draft, with what the gate says of it, and sent for approval."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from marshmallow import RAISE, Schema, ValidationError, fields
from marshmallow.validate import Range

from service import forms
from service.domain.accounts.permissions import Action
from service.errors import N_, Conflict, DefinitionRefused, InvalidInput, Message, NotFound
from service.validation.typed_text import as_json, as_whole
from service.web.presenters import form_answers, formatting
from service.web.presenters.panels import studio_panel, studio_words
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.web.shell.questions import Question, asks
from service.web.views.runtime.processes import index
from service.workflow.processes import definitions, rehearsals
from service.workflow.versions import backtests, drafts, process_changes

bp = Blueprint("studio", __name__)

MAX_VERSION = 10**9


class Sent(Schema):
    """All that the page of the studio sends as JSON."""

    files = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    version = fields.Integer(strict=True, validate=Range(0, MAX_VERSION), required=True)
    base = fields.String(allow_none=True)
    form = fields.String(required=True)
    table = fields.String(required=True)
    facts = fields.Dict(required=True)
    script = fields.Dict(required=True)


@bp.get("/studio/<key>")
@requires_permission(Action.EDIT_PROCESSES)
def show(key: str) -> ResponseReturnValue:
    opened = drafts.open_draft(key)
    return render_template(
        "pages/studio/show.html",
        opened=opened,
        drawn=drafts.drawn(opened.files),
        versions=definitions.listing(key),
        change=process_changes.open_change(key),
        told=told(opened),
        choices=studio_panel.choices(key),
        fields=studio_panel.offered(),
        form_parts=studio_panel.form_parts(),
        words=studio_words.panel_words(),
        start=rehearsals.invent_start(key),
        tests={"name": f"{key}.yaml", "text": rehearsals.model_tests_of(key, opened.files).decode(errors="replace")},
    )


def told(opened: drafts.Opened) -> dict[str, Any]:
    """Everything beside a draft: what the gate says, what the model tests say, what differs."""
    base = definitions.files(opened.base.digest) if opened.base else {}
    findings, tests = drafts.judge(opened.key, opened.files)
    return {
        "version": opened.version,
        "base": opened.base.digest if opened.base else None,
        "saved": formatting.instant_text(opened.saved_at) if opened.saved_at else "",
        "who": opened.saved_by,
        "backtest": _backtest(opened),
        "findings": [studio_words.finding(issue) for issue in studio_words.gravest_first(findings)],
        "differences": [studio_words.difference(one) for one in drafts.differences(base, opened.files)],
        "tests": [studio_words.outcome(one) for one in tests],
    }


def _backtest(opened: drafts.Opened) -> dict[str, str] | None:
    """The last back-test of these very files, and where its heat map is."""
    run = backtests.latest_of(opened.key, {name: text.encode() for name, text in opened.files.items()})
    if run is None:
        return None
    return studio_words.backtest(run) | {"address": url_for("version_changes.show_backtest", backtest_id=run.id)}


@bp.post("/studio")
@requires_permission(Action.EDIT_PROCESSES)
@rerender_on_error(index, Conflict)
def begin() -> ResponseReturnValue:
    return redirect(url_for(".show", key=drafts.begin(current_user, request.form)))


@bp.get("/studio/<key>/differences")
@requires_permission(Action.EDIT_PROCESSES)
def differences(key: str) -> ResponseReturnValue:
    opened = drafts.open_draft(key)
    old = definitions.texts_of(opened.base.digest) if opened.base else {}
    number = opened.base.number if opened.base else 0
    shown = studio_words.beside(
        old, opened.files, opened.main, Message(N_("版本 %(n)s"), n=number), Message(N_("草稿"))
    )
    return render_template("pages/studio/differences.html", opened=opened, shown=shown)


@bp.post("/studio/<key>/draft")
@requires_permission(Action.EDIT_PROCESSES)
def save(key: str) -> Response:
    """Save, and say what the gate says of it. Somebody else's draft is never written over (409)."""
    sent = _sent("files", "version", "base")
    return jsonify(told(drafts.save(current_user, key, sent["files"], sent["version"], sent.get("base"))))


@bp.post("/studio/<key>/form")
@requires_permission(Action.EDIT_PROCESSES)
def preview(key: str) -> ResponseReturnValue:
    """A form as the role will see it."""
    form = drafts.read_files({"preview.form": _sent("form")["form"]})["preview.form"].encode()
    try:
        shown, wrong = forms.fields(form), ""
    except forms.FormError as error:
        shown, wrong = (), error.zh if formatting.language() == "zh" else str(error)
    values = form_answers.first_values(shown, {})
    told = {"fields": shown, "values": values, "wrong": wrong, "title": forms.title(form)}
    return render_template("pages/studio/preview.html", **told)


@bp.post("/studio/<key>/decision")
@requires_permission(Action.EDIT_PROCESSES)
def decide(key: str) -> Response:
    """Try a table out on facts."""
    sent = _sent("files", "table", "facts")
    return jsonify(rehearsals.decide(key, drafts.read_files(sent["files"]), sent["table"], sent["facts"]))


@bp.post("/studio/<key>/rehearsal")
@requires_permission(Action.EDIT_PROCESSES)
def rehearse(key: str) -> Response:
    """Try the whole diagram out with invented people: nothing is written, no handler runs."""
    sent = _sent("files", "script")
    return jsonify(rehearsals.rehearse(key, drafts.read_files(sent["files"]), sent["script"]))


@bp.post("/studio/<key>/propose")
@requires_permission(Action.EDIT_PROCESSES)
@rerender_on_error(show, DefinitionRefused, Conflict)
def propose(key: str) -> ResponseReturnValue:
    version = _number("version")
    done = drafts.propose(current_user, key, version, request.form.get("change_note", ""))
    number = done.version.number if done.version else 0
    text = (
        N_("版本 %(n)s 已送审，由另一位流程管理员批准后生效。")
        if done.change
        else N_("版本 %(n)s 已生效，新案卷用它；在办案卷不变。")
    )
    flash_success(Message(text, n=number))
    return redirect(url_for("processes.show", key=key, version=number))


def _beginning(key: str) -> Question:
    opened = drafts.open_draft(key)
    replaced = Message(N_("现有的草稿（%(who)s 保存）被换掉，不能恢复。"), who=opened.saved_by)
    return Question(
        title=Message(N_("从版本 %(n)s 开始“%(name)s”的草稿？"), n=_number("number"), name=opened.name),
        consequence=replaced if opened.saved_at else N_("现行版本和送审的版本都不变。"),
        verb=N_("开始草稿"),
        way_back=url_for("processes.show", key=key),
    )


@bp.post("/studio/<key>/begin")
@requires_permission(Action.EDIT_PROCESSES)
@rerender_on_error(show, Conflict)
@asks(_beginning)
def begin_from(key: str) -> ResponseReturnValue:
    """Begin the draft with a version: one that was taken back or refused is worked on further."""
    drafts.begin_from(current_user, key, _number("number"), _number("version"))
    flash_success(N_("草稿已从所选版本开始。"))
    return redirect(url_for(".show", key=key))


def _number(name: str) -> int:
    return as_whole(request.form.get(name, ""), 0, MAX_VERSION) or 0


def _discarding(key: str) -> Question:
    return Question(
        title=Message(N_("放弃“%(name)s”的草稿？"), name=drafts.open_draft(key).name),
        consequence=N_("草稿里的改动不能恢复；现行版本不变。"),
        verb=N_("放弃草稿"),
        way_back=url_for(".show", key=key),
    )


@bp.post("/studio/<key>/discard")
@requires_permission(Action.EDIT_PROCESSES)
@rerender_on_error(show, Conflict)
@asks(_discarding)
def discard(key: str) -> ResponseReturnValue:
    version = _number("version")
    drafts.discard(current_user, key, version)
    flash_success(N_("草稿已放弃。"))
    return redirect(url_for("processes.index"))


def _withdrawal(key: str) -> Question:
    if process_changes.open_change(key, current_user.id) is None:
        raise NotFound
    return Question(
        title=Message(N_("撤回“%(name)s”的送审？"), name=drafts.open_draft(key).name),
        consequence=N_("这次变更就此结束，现行版本不变；需要时可以重新送审。"),
        verb=N_("撤回送审"),
        way_back=url_for("processes.index"),
    )


@bp.post("/studio/<key>/withdraw")
@requires_permission(Action.EDIT_PROCESSES)
@asks(_withdrawal)
def withdraw(key: str) -> ResponseReturnValue:
    version = process_changes.withdraw(current_user, key)
    flash_success(N_("已撤回送审，现行版本不变。"))
    return redirect(url_for("processes.show", key=key, version=version.number))


def _sent(*wanted: str) -> dict[str, Any]:
    """Read these fields, and no others, of what the page sent. Raises InvalidInput for anything else."""
    read = as_json(request.get_data(as_text=True))
    try:
        return dict(Sent(only=wanted, unknown=RAISE).load(read[0] if read else {}))
    except ValidationError as error:
        raise InvalidInput(text=N_("请求有误，请刷新页面。")) from error
