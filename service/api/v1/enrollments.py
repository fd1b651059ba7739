"""Enrolments: list, one, and each step from the confirmation to the check-in, singly and in bulk (R42–R48).

Scores: scores.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from service.api.v1.blueprint import Blueprint, requires_permission, user
from service.api.v1.request_parser import IDEMPOTENCY_HEADER
from service.api.v1.schemas import enrollments as schemas
from service.api.v1.schemas.pages import many_of, page_of, paginated
from service.api.v1.task_completion import complete_task, complete_tasks
from service.domain.accounts.permissions import Action
from service.models.db.transaction import expire_session
from service.models.queries.persons.person_history import scores_of
from service.models.queries.report_filter import ReportFilter
from service.models.queries.training import class_list, enrollment_list
from service.models.tables.training.training import Enrollment
from service.workflow.training import enrollments, score_corrections

blp = Blueprint("v1_enrollments", __name__, description="报名 / Enrolments")
READERS = [Action.ENROLL, Action.CONFIRM_ENROLLMENT, Action.CHECK_IN]
DONE = many_of(schemas.Done, "DoneMany")


@blp.get("/enrollments")
@requires_permission(*READERS)
@blp.arguments(schemas.EnrollmentQuery, location="query")
@blp.response(200, page_of(schemas.Enrollment, "EnrollmentPage"))
@blp.alt_response(404, response="PROBLEM_404")
def list_enrollments(wanted: dict[str, Any]) -> Any:
    """报名列表 / Enrolments in scope, the newest first"""
    chosen = ReportFilter.from_values(wanted)
    return paginated(wanted, enrollment_list.enrollments_query(user(), chosen), enrollment_list.ORDER)


@blp.get("/enrollments/<uuid:enrollment_id>")
@requires_permission(*READERS)
@blp.response(200, schemas.EnrollmentRecord)
def show_enrollment(enrollment_id: UUID) -> Any:
    """报名 / One enrolment"""
    return record(enrollment_id)


@blp.post("/enrollments/<uuid:enrollment_id>/confirm")
@requires_permission(Action.CONFIRM_ENROLLMENT)
@blp.arguments(schemas.Confirmation)
@blp.response(200, schemas.EnrollmentRecord)
@blp.alt_response(409, response="PROBLEM_409")
def confirm_enrollment(given: dict[str, Any], enrollment_id: UUID) -> Any:
    """报名确认 / Confirm an enrolment, or refuse it"""
    return complete_step(enrollment_id, "confirm_enrollment", given)


@blp.post("/enrollments/confirm")
@requires_permission(Action.CONFIRM_ENROLLMENT)
@blp.arguments(schemas.ManyConfirmations)
@blp.response(200, DONE)
@blp.alt_response(404, response="PROBLEM_404")
@blp.alt_response(409, response="PROBLEM_409")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
def confirm_enrollments(given: dict[str, Any]) -> Any:
    """批量报名确认 / Confirm or refuse many enrolments"""
    chosen = given.pop("enrollments")
    return complete_tasks("confirm_enrollment", [(one, given) for one in chosen])


@blp.post("/enrollments/<uuid:enrollment_id>/check-in")
@requires_permission(Action.CHECK_IN)
@blp.response(200, schemas.EnrollmentRecord)
@blp.alt_response(409, response="PROBLEM_409")
@blp.alt_response(422, response="PROBLEM_422")
def check_in(enrollment_id: UUID) -> Any:
    """报到 / Check in"""
    return complete_step(enrollment_id, "check_in", {})


@blp.post("/enrollments/check-in")
@requires_permission(Action.CHECK_IN)
@blp.arguments(schemas.ManyEnrollments)
@blp.response(200, DONE)
@blp.alt_response(404, response="PROBLEM_404")
@blp.alt_response(409, response="PROBLEM_409")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
def check_in_many(given: dict[str, Any]) -> Any:
    """批量报到 / Check in many"""
    return complete_tasks("check_in", [(one, {}) for one in given["enrollments"]])


@blp.post("/enrollments/<uuid:enrollment_id>/undo-check-in")
@requires_permission(Action.CHECK_IN)
@blp.response(200, schemas.EnrollmentRecord)
@blp.alt_response(409, response="PROBLEM_409")
def undo_check_in(enrollment_id: UUID) -> Any:
    """撤销报到 / Take a check-in back"""
    score_corrections.undo_check_in(user(), enrollment_id)
    return record(enrollment_id)


@blp.post("/enrollments/<uuid:enrollment_id>/withdraw")
@requires_permission(Action.WITHDRAW_ENROLLMENT)
@blp.arguments(schemas.WithdrawalReason)
@blp.response(200, schemas.EnrollmentRecord)
@blp.alt_response(409, response="PROBLEM_409")
def withdraw_enrollment(given: dict[str, Any], enrollment_id: UUID) -> Any:
    """撤回报名 / Withdraw an enrolment"""
    enrollments.withdraw(user(), enrollment_id, given.get("reason", ""))
    return record(enrollment_id)


@blp.post("/enrollments/<uuid:enrollment_id>/end")
@requires_permission(Action.END_TRAINING)
@blp.arguments(schemas.EndReason)
@blp.response(200, schemas.EnrollmentRecord)
@blp.alt_response(409, response="PROBLEM_409")
@blp.alt_response(422, response="PROBLEM_422")
def end_training(given: dict[str, Any], enrollment_id: UUID) -> Any:
    """终止培训 / End a training after the check-in, without record"""
    score_corrections.end_training(user(), enrollment_id, given["reason"])
    return record(enrollment_id)


def complete_step(enrollment_id: UUID, element: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the user's open task of this element of an enrolment in scope;
    returns the enrolment as it then stands.
    """
    complete_task(enrollment_list.visible_enrollment(user(), enrollment_id).case_id, element, raw)
    return record(enrollment_id)


def record(enrollment_id: UUID) -> dict[str, Any]:
    """Return one enrolment as it now stands."""
    expire_session()
    found: Enrollment = enrollment_list.visible_enrollment(user(), enrollment_id)
    step = class_list.open_tasks(user(), [found.case_id]).get(found.case_id)
    scores = scores_of([found.id]).get(found.id, ())
    names = ("id", "state", "stage", "reason", "enrolled_on", "kind", "via", "ended_on")
    own = {name: getattr(found, name) for name in names}
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
