"""Read for whom an account stands in, how tasks are held, and what was done for an account (R84)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import aliased

from service.domain.accounts.roles import UserState
from service.domain.accounts.substitutes import Absence, ClaimedTask, behalf_of
from service.models.db.clock import today
from service.models.db.session import session
from service.models.queries.runtime.inbox import TAKEN_FOR
from service.models.queries.scope import visible_to
from service.models.tables.accounts.substitution import Substitution
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import JournalRow, Task
from service.validation.typed_text import as_id

MOST_DONE = 200

_CLAIMED = text(
    f"""
    SELECT task.id, task.kind, task.assignee_id, {TAKEN_FOR}, task.facts ->> 'barred'
    FROM task WHERE task.id = ANY(:ids) AND task.assignee_id IS NOT NULL
    """  # noqa: S608 - a constant
)


def absences(substitute: User) -> list[Absence]:
    """List for whom the account stands in today: colleagues who still share its desk and may work themselves."""
    query = (
        select(User.id, User.display_name, Substitution.kinds)
        .join(User, User.id == Substitution.user_id)
        .where(
            Substitution.substitute_id == substitute.id,
            *_runs(),
            User.organisation_id == substitute.organisation_id,
            User.role == substitute.role,
            User.state != UserState.DISABLED,
            ~User.awaits_assent,
        )
        .order_by(User.display_name, Substitution.id)
    )
    return [Absence(key, name, tuple(kinds)) for key, name, kinds in session().execute(query)]


def _runs() -> tuple[Any, ...]:
    return Substitution.ended_at.is_(None), Substitution.from_day <= today(), Substitution.until_day >= today()


def count_mine(user: User) -> tuple[int, bool]:
    """Count the open tasks that the account has claimed, and tell whether it may stand in for somebody today."""
    claimed = select(func.count()).select_from(Task).where(Task.assignee_id == user.id, Task.state == "open")
    appointed = select(Substitution.id).where(Substitution.substitute_id == user.id, *_runs())
    mine, stands_in = session().execute(select(claimed.scalar_subquery(), appointed.exists())).one()
    return mine, stands_in


def claimed_tasks(task_ids: Collection[UUID]) -> dict[UUID, ClaimedTask]:
    """Tell how those of these tasks are held that somebody has claimed."""
    rows = session().execute(_CLAIMED, {"ids": list(task_ids)}) if task_ids else ()
    return {
        key: ClaimedTask(kind, holder_id, as_id(taken_for or ""), as_id(barred or ""))
        for key, kind, holder_id, taken_for, barred in rows
    }


def behalf_of_tasks(user: User, task_ids: Collection[UUID]) -> dict[UUID, Absence]:
    """Tell for whom the account does each of these tasks; those that it does for itself are left out."""
    held = claimed_tasks(task_ids)
    found = absences(user) if held else []
    told = {key: behalf_of(user.id, task, found) for key, task in held.items()}
    return {key: absence for key, absence in told.items() if absence}


def claimed_by(found: Iterable[Absence]) -> tuple[tuple[UUID, str], ...]:
    """Pair the accounts with each kind of task that is done for them, '' for all: ``inbox.Filter.absent``."""
    return tuple((one.user_id, kind) for one in found for kind in one.kinds or ("",))


def done_for(absent: User) -> list[Any]:
    """List what colleagues did for an account, latest first: instant, input, task, and by whom.

    Only tasks that the account may see now.
    """
    by = aliased(User)
    named = select(Substitution.substitute_id).where(Substitution.user_id == absent.id)
    first = select(func.min(Substitution.created_at)).where(Substitution.user_id == absent.id)
    query = (
        select(
            JournalRow.at,
            JournalRow.kind,
            Task.case_id,
            Task.name,
            Task.subject,
            Task.unit_name,
            by.display_name.label("substitute"),
        )
        .join(Task, (Task.case_id == JournalRow.case_id) & (Task.token == JournalRow.record["token"].astext))
        .join(by, by.id == JournalRow.actor_id)
        .where(
            JournalRow.actor_id.in_(named),
            JournalRow.at >= first.scalar_subquery(),
            JournalRow.record["behalf"].astext == str(absent.id),
            visible_to(absent, Task),
        )
        .order_by(JournalRow.at.desc(), JournalRow.case_id, JournalRow.seq.desc())
        .limit(MOST_DONE)
    )
    return list(session().execute(query))
