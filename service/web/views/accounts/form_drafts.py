"""Drafts of forms: ``js/keep.js`` sends what is typed and asks for what was left."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import RequestEntityTooLarge

from service.errors import N_, InvalidInput, Message
from service.infrastructure.translation import translate
from service.models.db.clock import CHINA
from service.validation.typed_text import as_json
from service.web.shell.authorization import login_required
from service.web.shell.security_headers import MAX_SENT_BYTES
from service.workflow.accounts import form_drafts

bp = Blueprint("form_drafts", __name__)
MAX_SENT_BYTES["form_drafts.keep"] = 256 * 1024
MOST_FIELDS = 4000
UNREAD = N_("请求有误，请刷新页面。")


@bp.post("/drafts")
@login_required
def keep() -> ResponseReturnValue:
    """Save ``typed`` of ``form``, end the draft if it is empty, read it where nothing is sent; tell who else types."""
    form, typed = _sent()
    if typed is not None:
        form_drafts.save(current_user, form, typed)
    others = form_drafts.colleagues_at_work(current_user, form)
    return jsonify(typed=form_drafts.read(current_user, form) if typed is None else None, others=_told(others))


def _told(others: list[tuple[str, Any]]) -> str:
    if not others:
        return ""
    name, at = others[0]
    said = Message(
        N_("%(name)s 也在填写这张表（%(at)s）；先提交的有效。"), name=name, at=at.astimezone(CHINA).strftime("%H:%M")
    )
    return translate(said)


def _sent() -> tuple[str, list[tuple[str, str]] | None]:
    """Read the address of the form and the pairs. Raises InvalidInput for anything else, RequestEntityTooLarge
    for more than a draft holds: none is cut.
    """
    read = as_json(request.get_data(as_text=True))
    sent = read[0] if read and isinstance(read[0], dict) else {}
    form = sent.get("form")
    if not isinstance(form, str) or not form.startswith("/") or len(form) > 1000:
        raise InvalidInput(text=UNREAD)
    typed = sent.get("typed")
    if typed is None:
        return form, None
    pairs = [tuple(pair) for pair in typed if isinstance(pair, list)] if isinstance(typed, list) else []
    if len(pairs) > MOST_FIELDS:
        raise RequestEntityTooLarge
    if any(len(pair) != 2 or not all(isinstance(text, str) for text in pair) for pair in pairs):
        raise InvalidInput(text=UNREAD)
    return form, [(str(name), str(value)) for name, value in pairs]
