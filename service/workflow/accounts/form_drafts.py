"""Drafts of forms and sheets, kept as one types: taken up on any machine, told to whoever fills in the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.dialects.postgresql import insert

from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.form_draft import FormDraft

LIFETIME = timedelta(days=7)
MOST_KEPT = 50  # drafts of an account
AT_WORK = timedelta(minutes=15)  # so long after what was typed last somebody counts as filling in
Typed = Sequence[tuple[str, str]]


def save(user: User, form: str, typed: Typed) -> None:
    """Keep what is typed into the form that is sent to this address; nothing typed ends the draft.

    Of an account's drafts the newest are kept.
    """
    with transaction(Operation("save_form_draft", user.id)) as current:
        if not typed:
            current.execute(delete(FormDraft).where(_own(user, form)))
            return
        values = {"typed": [list(pair) for pair in typed], "saved_at": now()}
        new = insert(FormDraft).values(id=new_id(), user_id=user.id, form_digest=_digest(form), **values)
        current.execute(new.on_conflict_do_update(index_elements=["user_id", "form_digest"], set_=values))
        newest = select(FormDraft.id).where(FormDraft.user_id == user.id)
        older = newest.order_by(FormDraft.saved_at.desc(), FormDraft.id.desc()).offset(MOST_KEPT)
        current.execute(delete(FormDraft).where(FormDraft.id.in_(older)))


def read(user: User, form: str) -> list[list[str]]:
    """Return what the user typed and did not send, as pairs; [] where there is nothing."""
    found: list[list[str]] | None = session().scalar(select(FormDraft.typed).where(_own(user, form)))
    return found or []


def colleagues_at_work(user: User, form: str) -> list[tuple[str, datetime]]:
    """Name colleagues who are filling in the same form now, and when they last typed."""
    query = (
        select(User.display_name, FormDraft.saved_at)
        .join(User, User.id == FormDraft.user_id)
        .where(FormDraft.form_digest == _digest(form), FormDraft.saved_at > now() - AT_WORK, User.id != user.id)
        .where(User.organisation_id == user.organisation_id, User.role == user.role)
    )
    return [(name, at) for name, at in session().execute(query.order_by(FormDraft.saved_at.desc()))]


def sweep() -> None:
    """Delete drafts that nobody has touched for a week."""
    with transaction(Operation("sweep_form_drafts")) as current:
        current.execute(delete(FormDraft).where(FormDraft.saved_at < now() - LIFETIME))


def _own(user: User, form: str) -> ColumnElement[bool]:
    return and_(FormDraft.user_id == user.id, FormDraft.form_digest == _digest(form))


def _digest(form: str) -> str:
    """The address may hold words that were looked for: only its digest is stored."""
    return hashlib.sha256(form.encode()).hexdigest()
