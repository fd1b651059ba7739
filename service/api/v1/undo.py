"""Undo: what was completed is taken back while nobody has gone on (R83), singly and by the key of a batch."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.api.v1.blueprint import Blueprint, user
from service.api.v1.schemas import undo as schemas
from service.api.v1.schemas.pages import to_text
from service.models.queries.runtime import task_lookup
from service.workflow.runtime import undo

blp = Blueprint("v1_undo", __name__, description="撤回 / Undo")


@blp.post("/tasks/<uuid:task_id>/undo")
@blp.response(204)
@blp.alt_response(403, response="PROBLEM_403")
@blp.alt_response(404, response="PROBLEM_404")
@blp.alt_response(409, response="PROBLEM_409")
def take_back(task_id: UUID) -> None:
    """撤回一项办理 / Take the completion of a task back, as whoever completed it"""
    undo.undo(user(), task_id)


@blp.post("/batches/<uuid:submission_id>/undo")
@blp.response(200, schemas.UndoneMany)
@blp.alt_response(404, response="PROBLEM_404")
def take_back_batch(submission_id: UUID) -> dict[str, Any]:
    """撤回一批办理 / Take back what the request with this Idempotency-Key completed"""
    results = undo.undo_many(user(), submission_id)
    subjects = task_lookup.enrollments_of_tasks([result.task_id for result in results])
    said = [
        {
            "task": result.task_id,
            "enrollment": subjects.get(result.task_id),
            "ok": result.ok,
            "message": to_text(result.message),
        }
        for result in results
    ]
    return {"done": sum(result.ok for result in results), "results": said}
