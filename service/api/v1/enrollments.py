"""Enrolments: list, one, and each step from the confirmation to the check-in, singly and in bulk (R42–R48). Scores: scores.py."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.api.v1.blueprint import Room, user
from service.api.v1.request_parser import IDEMPOTENCY
from service.api.v1.schemas import enrollments as schemas
from service.api.v1.schemas.pages import listed, many_of, page_of
from service.api.v1.task_completion import do, do_many
from service.domain.accounts.permissions import Action
from service.models.db.transaction import expire_session
from service.models.queries.persons.person_history import scores_of
from service.models.queries.training import class_list, enrollment_list
from service.models.queries.training.enrollment_list import EnrollmentFilter
from service.models.tables.training import Enrollment
from service.workflow.training import enrollments, score_corrections

room = Room("enrollments", "报名 / Enrolments")
READERS = [Action.ENROLL, Action.CONFIRM_ENROLLMENT, Action.CHECK_IN]
DONE = many_of(schemas.Done, "DoneMany")


@room.operation(
    "GET",
    "/enrollments",
    "报名列表",
    "Enrolments in scope, the newest first",
    needs=READERS,
    query=schemas.EnrollmentQuery,
    answer=page_of(schemas.Enrollment, "EnrollmentPage"),
    refuses=[404],
)
def list_enrollments(wanted: dict[str, Any]) -> Any:
    chosen = EnrollmentFilter(
        wanted["q"], wanted.get("state", ""), wanted.get("kind", ""), wanted.get("class_id"), wanted.get("person")
    )
    return listed(wanted, enrollment_list.enrollments_query(user(), chosen), enrollment_list.ORDER)


@room.operation(
    "GET", "/enrollments/<uuid:enrollment_id>", "报名", "One enrolment", needs=READERS, answer=schemas.EnrollmentRecord
)
def show_enrollment(enrollment_id: UUID) -> Any:
    return record(enrollment_id)


@room.operation(
    "POST",
    "/enrollments/<uuid:enrollment_id>/confirm",
    "报名确认",
    "Confirm an enrolment, or refuse it",
    needs=[Action.CONFIRM_ENROLLMENT],
    body=schemas.Confirmation,
    answer=schemas.EnrollmentRecord,
    refuses=[409],
)
def confirm_enrollment(enrollment_id: UUID, given: dict[str, Any]) -> Any:
    do(case_of(enrollment_id), "confirm_enrollment", given)
    return record(enrollment_id)


@room.operation(
    "POST",
    "/enrollments/confirm",
    "批量报名确认",
    "Confirm or refuse many enrolments",
    needs=[Action.CONFIRM_ENROLLMENT],
    body=schemas.ManyConfirmations,
    answer=DONE,
    refuses=[404, 409],
    headers=[IDEMPOTENCY],
)
def confirm_enrollments(given: dict[str, Any]) -> Any:
    chosen = given.pop("enrollments")
    return do_many("confirm_enrollment", [(one, given) for one in chosen])


@room.operation(
    "POST",
    "/enrollments/<uuid:enrollment_id>/check-in",
    "报到",
    "Check in",
    needs=[Action.CHECK_IN],
    answer=schemas.EnrollmentRecord,
    refuses=[409, 422],
)
def check_in(enrollment_id: UUID) -> Any:
    do(case_of(enrollment_id), "check_in", {})
    return record(enrollment_id)


@room.operation(
    "POST",
    "/enrollments/check-in",
    "批量报到",
    "Check in many",
    needs=[Action.CHECK_IN],
    body=schemas.Many500,
    answer=DONE,
    refuses=[404, 409],
    headers=[IDEMPOTENCY],
)
def check_in_many(given: dict[str, Any]) -> Any:
    return do_many("check_in", [(one, {}) for one in given["enrollments"]])


@room.operation(
    "POST",
    "/enrollments/<uuid:enrollment_id>/undo-check-in",
    "撤销报到",
    "Take a check-in back",
    needs=[Action.CHECK_IN],
    answer=schemas.EnrollmentRecord,
    refuses=[409],
)
def undo_check_in(enrollment_id: UUID) -> Any:
    score_corrections.undo_check_in(user(), enrollment_id)
    return record(enrollment_id)


@room.operation(
    "POST",
    "/enrollments/<uuid:enrollment_id>/withdraw",
    "撤回报名",
    "Withdraw an enrolment",
    needs=[Action.WITHDRAW_ENROLLMENT],
    body=schemas.WithdrawalReason,
    answer=schemas.EnrollmentRecord,
    refuses=[409],
)
def withdraw_enrollment(enrollment_id: UUID, given: dict[str, Any]) -> Any:
    enrollments.withdraw(user(), enrollment_id, given.get("reason", ""))
    return record(enrollment_id)


def case_of(enrollment_id: UUID) -> UUID:
    """The case of an enrolment in scope."""
    return enrollment_list.visible_enrollment(user(), enrollment_id).case_id


def record(enrollment_id: UUID) -> dict[str, Any]:
    """One enrolment as it now stands."""
    expire_session()
    found: Enrollment = enrollment_list.visible_enrollment(user(), enrollment_id)
    step = class_list.open_tasks(user(), [found.case_id]).get(found.case_id)
    scores = scores_of([found.id]).get(found.id, ())
    own = {name: getattr(found, name) for name in ("id", "state", "reason", "enrolled_on", "kind", "via", "ended_on")}
    return own | {
        "person_id": found.person_id,
        "name": found.person.name,
        "id_number_masked": found.person.id_number_masked,
        "unit_name": found.unit.name,
        "class_id": found.class_id,
        "title": found.training_class.title,
        "starts_on": found.training_class.starts_on,
        "step": step.element.rpartition("/")[2] if step else None,
        "scores": [{"attempt": n, "score": value} for n, value in enumerate(scores, 1)],
    }
