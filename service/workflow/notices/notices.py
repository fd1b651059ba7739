"""Reading notices, and reminding units that have not entered their data (S14).

Bulletins: bulletins.py, digest: system/daily_digest.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.notices import notices as notice_rules
from service.domain.notices.notices import NoticeKind, NoticeState
from service.errors import N_, InvalidInput, Message, NotAllowed
from service.handlers import general, process_change
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.transaction import Operation, transaction
from service.models.queries.lease import Lease
from service.models.queries.notices import notice_list
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.units import unit_completeness
from service.models.tables.accounts.user import User
from service.models.tables.notices.notice import Notice, Receipt
from service.models.tables.runtime.process import DefinitionVersion, ProcessChange
from service.models.tables.system import setting
from service.validation.form_reader import FormReader
from service.workflow import outbox
from service.workflow.runtime import jobs

REMINDERS = 20260304  # an advisory lock
REMINDER = N_("请尽快录入单位信息和人员")
URGED = N_("请登录后先完善本单位信息，再录入主要负责人、安全生产管理人员，提交省级主管部门审批。")


def read_notice(user: User, notice_id: UUID) -> Notice:
    """A notice in scope; that the reader has opened it is remembered once."""
    row = get_or_404_in_scope(user, Notice, notice_id)
    if row.state == NoticeState.PUBLISHED:
        _receipt(user, [row.id])
    return row


def read_all(user: User) -> int:
    """Take everything unread as read; returns how many."""
    unread = notice_list.unread_ids(user)
    _receipt(user, unread)
    return len(unread)


def _receipt(user: User, notices: Sequence[UUID]) -> None:
    if not notices:
        return
    with transaction(Operation("read_notice", user.id)) as current:
        rows = [{"notice_id": key, "user_id": user.id, "read_at": now()} for key in notices]
        current.execute(insert(Receipt).values(rows).on_conflict_do_nothing())


@dataclass(frozen=True, slots=True)
class ReminderResult:
    """Numbers of units: reminded ones that have an account, those without one, and those reminded days ago."""

    with_account: int
    without_account: int
    lately: int


def remind(user: User, units: Sequence[UUID], raw: dict[str, Any] | None = None) -> ReminderResult:
    """Remind units of entering their data (S14): of those chosen, the ones in scope that still lack something.

    raw: ``note``, what the authority adds. Those that were reminded a few days ago are left out (setting
    ``reminder_days``); a unit without account reads the reminder once it has one. Raises InvalidInput when
    none is chosen.
    """
    if not may(Role(user.role), Action.ADD_UNIT):
        raise NotAllowed
    if not units:
        raise InvalidInput(text=N_("请先勾选要催报的单位。"))
    entry = FormReader(raw or {})
    note = entry.text("note", 500)
    entry.check()
    with transaction(Operation("remind_units", user.id)) as current:
        current.execute(select(func.pg_advisory_xact_lock(REMINDERS)))  # the second sees whom the first has reminded
        waiting = unit_completeness.unentered_ids(user, units)
        lately = unit_completeness.reminded_since(now() - timedelta(days=setting.number("reminder_days")), waiting)
        due = [key for key in waiting if key not in lately]
        for key in due:
            current.add(
                Notice(
                    id=new_id(),
                    kind=NoticeKind.REMINDER,
                    title=REMINDER,
                    body="\n".join(filter(None, (URGED, note))),
                    author_id=user.organisation_id,
                    organisation_id=key,
                    state=NoticeState.PUBLISHED,
                    published_at=now(),
                )
            )
    reached = unit_completeness.with_account(due)
    return ReminderResult(len(reached), len(due) - len(reached), len(lately))


def _mail(payload: dict[str, Any], lease: Lease) -> None:
    """Order the mails of a notice that a diagram published; each account gets one, however often this runs."""
    with transaction(Operation("mail_notice")) as current:
        notice = current.get_one(Notice, UUID(payload["notice_id"]))
        title = notice_rules.title_of(notice.facts, notice.title)
        said = title.to_json() if isinstance(title, Message) else [title, {}]
        outbox.order(outbox.NOTICE, {key: {"title": said} for key in notice_list.mail_readers(notice)}, str(notice.id))
        lease.complete()


def _mail_proposer(payload: dict[str, Any], lease: Lease) -> None:
    """Order the mail that tells the proposer what became of a change; why it was refused stands on the page alone."""
    with transaction(Operation("mail_change")) as current:
        change = current.get_one(ProcessChange, UUID(payload["change_id"]))
        version = current.get_one(DefinitionVersion, change.definition)
        proposer = User.get(change.proposer_id) if change.proposer_id else None
        if proposer is not None and proposer.mail:
            facts = {"process": change.key, "version": version.number, "state": change.state}
            outbox.order(outbox.CHANGE, {proposer.id: facts}, str(change.id))
        lease.complete()


jobs.SIDE_EFFECTS |= {general.MAIL: _mail, process_change.TELL: _mail_proposer}
