"""Scores: list, recording, confirmation, correction (R49–R53);
what is recorded or confirmed is an enrolment's next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from service.api.v1.blueprint import Blueprint, requires_permission, user
from service.api.v1.enrollments import DONE, complete_step, record
from service.api.v1.request_parser import IDEMPOTENCY_HEADER
from service.api.v1.schemas import enrollments as schemas
from service.api.v1.schemas.pages import page_of, paginated
from service.api.v1.task_completion import complete_tasks
from service.domain.accounts.permissions import Action
from service.models.queries.report_filter import ReportFilter
from service.models.queries.training import score_list
from service.workflow.training import score_corrections

blp = Blueprint("v1_scores", __name__, description="成绩 / Scores")


@blp.get("/scores")
@requires_permission(Action.VIEW_PERSONS)
@blp.arguments(schemas.ScoreQuery, location="query")
@blp.response(200, page_of(schemas.ScoreRow, "ScorePage"))
@blp.alt_response(404, response="PROBLEM_404")
def list_scores(wanted: dict[str, Any]) -> Any:
    """成绩列表 / Scores of the enrolments in scope, the newest first"""
    chosen = ReportFilter.from_values(wanted)
    return paginated(wanted, score_list.scores_query(user(), chosen), score_list.ORDER)


@blp.post("/scores")
@requires_permission(Action.RECORD_SCORE)
@blp.arguments(schemas.ManyScores)
@blp.response(200, DONE)
@blp.alt_response(404, response="PROBLEM_404")
@blp.alt_response(409, response="PROBLEM_409")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
def record_scores(given: dict[str, Any]) -> Any:
    """批量录入成绩 / Record many scores"""
    return complete_tasks("record_score", [(one.pop("enrollment"), _form(one)) for one in given["scores"]])


@blp.post("/scores/confirm")
@requires_permission(Action.CONFIRM_SCORE)
@blp.arguments(schemas.ManyScoreDecisions)
@blp.response(200, DONE)
@blp.alt_response(404, response="PROBLEM_404")
@blp.alt_response(409, response="PROBLEM_409")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
def confirm_scores(given: dict[str, Any]) -> Any:
    """批量确认成绩 / Confirm or return many scores"""
    chosen = given.pop("enrollments")
    return complete_tasks("confirm_score", [(one, given) for one in chosen])


@blp.post("/enrollments/<uuid:enrollment_id>/score")
@requires_permission(Action.RECORD_SCORE)
@blp.arguments(schemas.ScoreEntry)
@blp.response(200, schemas.EnrollmentRecord)
@blp.alt_response(409, response="PROBLEM_409")
def record_score(given: dict[str, Any], enrollment_id: UUID) -> Any:
    """录入成绩 / Record a score"""
    return complete_step(enrollment_id, "record_score", _form(given))


@blp.post("/enrollments/<uuid:enrollment_id>/confirm-score")
@requires_permission(Action.CONFIRM_SCORE)
@blp.arguments(schemas.ScoreDecision)
@blp.response(200, schemas.EnrollmentRecord)
@blp.alt_response(409, response="PROBLEM_409")
def confirm_score(given: dict[str, Any], enrollment_id: UUID) -> Any:
    """确认成绩 / Confirm a score, or return it"""
    return complete_step(enrollment_id, "confirm_score", given)


@blp.post("/enrollments/<uuid:enrollment_id>/correct-score")
@requires_permission(Action.CONFIRM_SCORE)
@blp.arguments(schemas.Correction)
@blp.response(200, schemas.EnrollmentRecord)
@blp.alt_response(409, response="PROBLEM_409")
def correct_score(given: dict[str, Any], enrollment_id: UUID) -> Any:
    """提出更正 / Propose another value for a confirmed score; a second person assents"""
    score = str(given["score"]) if "score" in given else ""
    score_corrections.correct_score(user(), enrollment_id, score, given.get("absent", False), given["reason"])
    return record(enrollment_id)


def _form(given: Mapping[str, Any]) -> dict[str, Any]:
    """As the form ``record_score`` is typed."""
    return {"score": str(given.get("score", ""))} | ({"absent": "true"} if given.get("absent") else {})
