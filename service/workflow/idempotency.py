"""Idempotent create: the id that a form carries is stored with the row it makes, so a form sent twice makes one row."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from service.errors import N_, Conflict
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Submission


def once(user: User, form_id: UUID, use_case: str, make: Callable[[], UUID]) -> UUID:
    """Call ``make`` and return the id of its row; for a form that was sent before, the id of the row it made then.

    use_case: the name of the operation. Raises what ``make`` raises; the form can then be sent again.
    """
    with transaction(Operation(use_case, user.id)) as current:
        take = insert(Submission).values(id=form_id, user_id=user.id, at=now(), result={})
        if current.scalar(take.on_conflict_do_nothing().returning(Submission.id)) is None:
            return _made_before(user, form_id)
        made = make()
        current.get_one(Submission, form_id).result = {"made": str(made)}
    return made


def _made_before(user: User, form_id: UUID) -> UUID:
    known = session().get_one(Submission, form_id, populate_existing=True)
    if known.user_id != user.id or "made" not in known.result:
        raise Conflict(N_("这份表单已经提交过，请刷新页面后重新填写。"))
    return UUID(known.result["made"])
