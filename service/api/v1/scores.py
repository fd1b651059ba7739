"""Scores: list, recording, confirmation, correction (R49–R53); what is recorded or confirmed is an enrolment's next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from service.api.v1.blueprint import Room, user
from service.api.v1.enrollments import DONE, case_of, record
from service.api.v1.request_parser import IDEMPOTENCY
from service.api.v1.schemas import enrollments as schemas
from service.api.v1.schemas.pages import listed, page_of
from service.api.v1.task_completion import do, do_many
from service.domain.accounts.permissions import Action
from service.models.queries.training import score_list
from service.models.queries.training.score_list import ScoreFilter
from service.workflow.training import score_corrections

room = Room("scores", "成绩 / Scores")


@room.operation(
    "GET",
    "/scores",
    "成绩列表",
    "Scores of the enrolments in scope, the newest first",
    needs=[Action.VIEW_PERSONS],
    query=schemas.ScoreQuery,
    answer=page_of(schemas.ScoreRow, "ScorePage"),
    refuses=[404],
)
def list_scores(wanted: dict[str, Any]) -> Any:
    chosen = ScoreFilter(wanted["q"], wanted.get("class_id"), wanted.get("person"), wanted.get("state", ""))
    return listed(wanted, score_list.scores_query(user(), chosen), score_list.ORDER)


@room.operation(
    "POST",
    "/scores",
    "批量录入成绩",
    "Record many scores",
    needs=[Action.RECORD_SCORE],
    body=schemas.ManyScores,
    answer=DONE,
    refuses=[404, 409],
    headers=[IDEMPOTENCY],
)
def record_scores(given: dict[str, Any]) -> Any:
    return do_many("record_score", [(one.pop("enrollment"), _form(one)) for one in given["scores"]])


@room.operation(
    "POST",
    "/scores/confirm",
    "批量确认成绩",
    "Confirm or return many scores",
    needs=[Action.CONFIRM_SCORE],
    body=schemas.ManyScoreDecisions,
    answer=DONE,
    refuses=[404, 409],
    headers=[IDEMPOTENCY],
)
def confirm_scores(given: dict[str, Any]) -> Any:
    chosen = given.pop("enrollments")
    return do_many("confirm_score", [(one, given) for one in chosen])


@room.operation(
    "POST",
    "/enrollments/<uuid:enrollment_id>/score",
    "录入成绩",
    "Record a score",
    needs=[Action.RECORD_SCORE],
    body=schemas.ScoreEntry,
    answer=schemas.EnrollmentRecord,
    refuses=[409],
)
def record_score(enrollment_id: UUID, given: dict[str, Any]) -> Any:
    do(case_of(enrollment_id), "record_score", _form(given))
    return record(enrollment_id)


@room.operation(
    "POST",
    "/enrollments/<uuid:enrollment_id>/confirm-score",
    "确认成绩",
    "Confirm a score, or return it",
    needs=[Action.CONFIRM_SCORE],
    body=schemas.ScoreDecision,
    answer=schemas.EnrollmentRecord,
    refuses=[409],
)
def confirm_score(enrollment_id: UUID, given: dict[str, Any]) -> Any:
    do(case_of(enrollment_id), "confirm_score", given)
    return record(enrollment_id)


@room.operation(
    "POST",
    "/enrollments/<uuid:enrollment_id>/correct-score",
    "提出更正",
    "Propose another value for a confirmed score; a second person assents",
    needs=[Action.CONFIRM_SCORE],
    body=schemas.Correction,
    answer=schemas.EnrollmentRecord,
    refuses=[409],
)
def correct_score(enrollment_id: UUID, given: dict[str, Any]) -> Any:
    score = str(given["score"]) if "score" in given else ""
    score_corrections.correct_score(user(), enrollment_id, score, given.get("absent", False), given["reason"])
    return record(enrollment_id)


def _form(given: Mapping[str, Any]) -> dict[str, Any]:
    """As the form ``record_score`` is typed."""
    return {"score": str(given.get("score", ""))} | ({"absent": "true"} if given.get("absent") else {})
