"""Corrections by the association: undo a check-in, another value for a score, an early end (R48, R51, R80)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from service.domain.accounts.permissions import may
from service.domain.accounts.roles import Role
from service.domain.training.scores import parse_score
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, Message, NotAllowed, NotFound
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.training.enrollment_facts import facts_of_enrollments
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Submission, Task
from service.models.tables.training.training import Enrollment
from service.workflow.runtime import bulk_completion, tasks
from service.workflow.training.enrollment_actions import (
    NOTHING_TO_CORRECT,
    NOTHING_TO_UNDO,
    REQUIRED_PERMISSIONS,
    EnrollmentAction,
    obstacle,
)

UNDO_TIME = timedelta(minutes=10)  # in which a batch can be taken back as a whole (R83)


def undo_check_in(user: User, enrollment_id: UUID) -> None:
    """Take a check-in back while there is no score (R48). Raises Conflict when it is too late."""
    with transaction(Operation("undo_check_in", user.id)):
        found = enrollment_for(user, enrollment_id, EnrollmentAction.UNDO_CHECK_IN)
        tasks.correlate_message(user, found.case_id, "undo_check_in", otherwise=NOTHING_TO_UNDO)


def undo_check_ins(user: User, class_id: UUID, submission_id: UUID) -> int:
    """Take back those check-ins of a batch that are still free to be (R83); tell how many.

    Raises NotFound for somebody else's batch, Conflict after ``UNDO_TIME``.
    """
    if (sent := session().get(Submission, submission_id)) and sent.at < now() - UNDO_TIME:
        raise Conflict(N_("已超过 10 分钟，不能整批撤回；可在班次页面逐人撤销报到。"))
    done = [row.task_id for row in bulk_completion.recorded(user, submission_id) or [] if row.ok]
    query = select(Enrollment.id).join(Task, Task.case_id == Enrollment.case_id)
    undone = 0
    for enrollment_id in session().scalars(query.where(Task.id.in_(done), Enrollment.class_id == class_id)).all():
        with suppress(Conflict, NotFound):  # gone on, or taken back already: it stays
            undo_check_in(user, enrollment_id)
            undone += 1
    return undone


def correct_score(user: User, enrollment_id: UUID, score: str, is_absent: bool, reason: str) -> None:
    """Propose another value for a confirmed score; it holds once a second person assents (R51).

    Raises InvalidInput at ``score`` or ``reason``;
    Conflict when there is no confirmed score or the certificate is approved.
    """
    with transaction(Operation("correct_score", user.id)):
        found = enrollment_for(user, enrollment_id, EnrollmentAction.CORRECT_SCORE)
        value = None if is_absent else parse_score(score)
        data = {"correction_score": value, "correction_absent": is_absent}
        why = {"correction_reason": parse_reason(reason)}
        tasks.correlate_message(user, found.case_id, "correct_score", data, personal=why, otherwise=NOTHING_TO_CORRECT)


def end_training(user: User, enrollment_id: UUID, reason: str) -> None:
    """End a training after the check-in, with a reason and without record; an unapproved certificate is void (R80).

    Raises InvalidInput at ``reason``, Conflict before the check-in or once the certificate is approved.
    """
    with transaction(Operation("end_training", user.id)):
        found = enrollment_for(user, enrollment_id, EnrollmentAction.END_TRAINING)
        why = {"reason": parse_reason(reason)}
        tasks.correlate_message(user, found.case_id, "end_training", personal=why)


def obstacle_to(user: User, found: Enrollment, act: EnrollmentAction) -> Message | None:
    """Return why the user cannot do this to a visible enrolment whose class is loaded. Raises NotFound out of scope."""
    [facts] = facts_of_enrollments(user, [found.id], [REQUIRED_PERMISSIONS[act]])
    if not facts.actions:
        raise NotFound
    return obstacle(user, act, facts, found.training_class.enrol_until)


def enrollment_for(user: User, enrollment_id: UUID, act: EnrollmentAction) -> Enrollment:
    """Return the enrolment with unit, class and person.

    Raises NotAllowed for a role without the action, NotFound out of scope, Conflict when it is not possible now.
    """
    if not may(Role(user.role), REQUIRED_PERMISSIONS[act]):
        raise NotAllowed
    loaded = joinedload(Enrollment.training_class), joinedload(Enrollment.unit), joinedload(Enrollment.person)
    found = get_or_404_in_scope(user, Enrollment, enrollment_id, *loaded)
    if why := obstacle_to(user, found, act):
        raise Conflict(why)
    return found
