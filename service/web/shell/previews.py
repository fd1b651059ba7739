"""Previews of a form: what was typed is kept on the server, and its effect is a page to reload and to go back to."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import g, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from service.validation.typed_text import as_whole
from service.web.shell.form_errors import FormError
from service.workflow.accounts import form_drafts

Typed = MultiDict[str, str]


def keep() -> ResponseReturnValue:
    """Keep what was sent, and lead to the same address by GET, which shows its effect."""
    typed = [pair for pair in request.form.items(multi=True) if pair[0] != "csrf_token"]
    form_drafts.save(current_user, _address(), typed)
    return redirect(_address("1"), 303)


def recall() -> Typed | None:
    """Read what was kept for this page, if it is to show an effect, into its fields."""
    if as_whole(request.args.get("preview", ""), 1, 1) is None:
        return None
    kept = form_drafts.read(current_user, _address())
    if not kept:
        return None
    g.previewed = MultiDict((name, value) for name, value in kept)
    g.refused = FormError(None, {}, g.previewed.to_dict(flat=False))
    return typed()


def typed() -> Typed:
    """Return the fields sent, or those kept for a preview."""
    found: Typed = g.get("previewed", request.form)
    return found


def forget() -> None:
    """End what was kept: it is done."""
    form_drafts.save(current_user, _address(), [])


def _address(preview: str = "") -> str:
    """Return the address of the form, without what asks for a preview, or with it."""
    given = [pair for pair in request.args.items(multi=True) if pair[0] != "preview"]
    query = urlencode([*given, *([("preview", preview)] if preview else [])])
    return f"{request.path}?{query}" if query else request.path
