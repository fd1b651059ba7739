"""Completes the open task of a case through its subject: one, or many at once with each refusal told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from service.api.v1.blueprint import user
from service.api.v1.request_parser import idempotency_key
from service.api.v1.schemas.pages import to_text
from service.errors import N_, Conflict, InvalidInput, Message
from service.models.db.transaction import expire_session
from service.models.queries.runtime import task_lookup
from service.workflow.runtime import bulk_completion, tasks

NO_STEP = N_("现在没有这一步可办：可能已经办理，还没有到这一步，或由别的单位办理。请刷新后核对。")
Raw = Mapping[str, Any]


def complete_task(case_id: UUID | None, element: str, raw: Raw) -> None:
    """Complete the user's open task of this element in a case. Raises Conflict when the user has none."""
    task = task_lookup.step_of_case(user(), case_id, element)
    if task is None:
        raise Conflict(NO_STEP)
    tasks.complete(user(), task, raw)
    expire_session()


def complete_first_task(case_ids: Sequence[UUID], element: str, raw: Raw) -> None:
    """Complete the user's open task of this element in whichever of the cases has it. Raises Conflict."""
    waiting = [case_id for case_id in case_ids if task_lookup.step_of_case(user(), case_id, element)]
    complete_task(waiting[0] if waiting else None, element, raw)


def complete_first_step(case_id: UUID | None, elements: Sequence[str], raw: Raw) -> None:
    """Complete whichever of these steps of a case is the user's now. Raises Conflict when none is."""
    waiting = [element for element in elements if task_lookup.step_of_case(user(), case_id, element)]
    complete_task(case_id if waiting else None, next(iter(waiting), ""), raw)


def complete_tasks(element: str, rows: Sequence[tuple[UUID, Raw]]) -> dict[str, Any]:
    """Complete one step of many enrolments, each a use case of its own; a request sent before is answered again."""
    named = [enrollment for enrollment, _ in rows]
    if len(set(named)) < len(named):
        raise InvalidInput({"enrollments": N_("同一份报名不能出现两次。")})
    key = idempotency_key()
    results = bulk_completion.recorded(user(), key)
    if results is None:
        found = task_lookup.steps_of_enrollments(user(), [enrollment for enrollment, _ in rows], element)
        ready = [(found[enrollment], raw) for enrollment, raw in rows if enrollment in found]
        results = bulk_completion.complete_many(user(), key, ready)
    subjects = task_lookup.enrollments_of_tasks([result.task_id for result in results])
    answers = {subjects[result.task_id]: result for result in results if result.task_id in subjects}
    said = [_row(enrollment, answers.get(enrollment)) for enrollment, _ in rows]
    return {"done": sum(row["ok"] for row in said), "results": said}


def _row(enrollment: UUID, result: bulk_completion.RowResult | None) -> dict[str, Any]:
    if result is None:
        return {"enrollment": enrollment, "ok": False, "message": to_text(Message(NO_STEP)), "errors": {}}
    errors = {name: to_text(message) for name, message in result.fields.items()}
    return {"enrollment": enrollment, "ok": result.ok, "message": to_text(result.message), "errors": errors}
