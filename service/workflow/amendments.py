"""What the association puts right after the fact: a check-in that was a mistake, a confirmed score that is wrong."""

from __future__ import annotations

from uuid import UUID

from service.domain.permissions import Action, may
from service.domain.reasons import parse_reason
from service.domain.roles import Role
from service.domain.scores import parse_score
from service.errors import N_, NotAllowed
from service.models import Cause, Enrollment, User, transaction
from service.models.scope import get_visible
from service.workflow import cases


def undo_check_in(user: User, enrollment_id: UUID) -> None:
    """Take a check-in back while there is no score (R48). Raises Conflict when it is too late."""
    with transaction(Cause("undo_check_in", user.id)):
        found = _own(user, enrollment_id, Action.CHECK_IN)
        cases.signal(user, found.case_id, "undo_check_in", otherwise=N_("已有成绩或尚未报到，不能撤销报到。"))


def correct_score(user: User, enrollment_id: UUID, score: str, is_absent: bool, reason: str) -> None:
    """Propose another value for a confirmed score; it holds once a second person assents (R51).

    Raises InvalidInput at ``score`` or ``reason``; Conflict when there is no confirmed score or the certificate is approved.
    """
    with transaction(Cause("correct_score", user.id)):
        found = _own(user, enrollment_id, Action.CONFIRM_SCORE)
        value = None if is_absent else parse_score(score)
        data = {"correction_score": value, "correction_absent": is_absent, "correction_reason": parse_reason(reason)}
        cases.signal(
            user, found.case_id, "correct_score", data, otherwise=N_("成绩未确认、正在更正或证件已审批，不能提出更正。")
        )


def _own(user: User, enrollment_id: UUID, action: Action) -> Enrollment:
    found = get_visible(user, Enrollment, enrollment_id)
    if not may(Role(user.role), action):
        raise NotAllowed
    return found
