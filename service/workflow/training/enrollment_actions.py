"""Actions on an enrolment outside its tasks: possible now or not, and why; pages and use cases ask here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from uuid import UUID

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.training import enrollments, scores
from service.domain.training.enrollment_state import EnrollmentState, has_come
from service.errors import N_, Message
from service.models.db.clock import today
from service.models.queries.training.enrollment_facts import EnrollmentFacts, facts_of_enrollments
from service.models.tables.accounts.user import User

NOTHING_TO_UNDO = N_("已有成绩或尚未报到，不能撤销报到。")
NOTHING_TO_CORRECT = N_("成绩未确认、正在更正或证件已审批，不能提出更正。")

NOT_HERE = N_("这一环节不能撤回报名，请等它办完；流程图没有为它画撤回。")
OLDER_DIAGRAM = N_("这份报名按较早版本的流程办理，还不能终止；请流程管理员把案卷迁移到现行版本后再办。")


class EnrollmentAction(StrEnum):
    """Actions on an enrolment outside its tasks; the values are the messages of the diagram."""

    WITHDRAW = "withdraw"
    UNDO_CHECK_IN = "undo_check_in"
    CORRECT_SCORE = "correct_score"
    END_TRAINING = "end_training"


NOT_AWAITED = {
    EnrollmentAction.WITHDRAW: NOT_HERE,
    EnrollmentAction.CORRECT_SCORE: NOTHING_TO_CORRECT,
    EnrollmentAction.END_TRAINING: OLDER_DIAGRAM,
}
REQUIRED_PERMISSIONS = {
    EnrollmentAction.WITHDRAW: Action.WITHDRAW_ENROLLMENT,
    EnrollmentAction.UNDO_CHECK_IN: Action.CHECK_IN,
    EnrollmentAction.CORRECT_SCORE: Action.CONFIRM_SCORE,
    EnrollmentAction.END_TRAINING: Action.END_TRAINING,
}


def possible_actions(user: User, ids: Collection[UUID], enrol_until: date) -> dict[UUID, frozenset[EnrollmentAction]]:
    """For each of these enrolments of one class, all visible to the user, tell what the user can do now."""
    if not any(may(Role(user.role), action) for action in REQUIRED_PERMISSIONS.values()):
        return {}
    return {
        facts.id: frozenset(
            act
            for act in EnrollmentAction
            if REQUIRED_PERMISSIONS[act] in facts.actions and obstacle(user, act, facts, enrol_until) is None
        )
        for facts in facts_of_enrollments(user, ids, tuple(REQUIRED_PERMISSIONS.values()))
    }


def obstacle(user: User, act: EnrollmentAction, facts: EnrollmentFacts, enrol_until: date) -> Message | None:
    """Say why the action is not possible now; the case must also wait for the message (R46, R48, R51)."""
    state = EnrollmentState(facts.state)
    if act is EnrollmentAction.WITHDRAW:
        found = enrollments.obstacle_to_withdrawal(state, Role(user.role), enrol_until, today())
    elif act is EnrollmentAction.UNDO_CHECK_IN:
        found = enrollments.obstacle_to_undoing_check_in(has_come(state), facts.has_score)
    elif act is EnrollmentAction.END_TRAINING:
        is_approved = state is EnrollmentState.CERTIFYING and not facts.is_unapproved
        found = enrollments.obstacle_to_ending(state, is_approved)
    else:
        found = _obstacle_to_correction(state, facts.is_unapproved)
    if found is None and f"message:{act}" not in facts.awaited:
        return Message(NOT_AWAITED.get(act, NOTHING_TO_UNDO))
    return found


def _obstacle_to_correction(state: EnrollmentState, is_unapproved: bool) -> Message | None:
    if state is EnrollmentState.CERTIFYING:
        return scores.obstacle_to_correction(None, (), not is_unapproved)
    return None if state is EnrollmentState.MAKEUP else Message(NOTHING_TO_CORRECT)
