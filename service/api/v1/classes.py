"""Training classes: list, record, draft, cancellation, and enrolling persons (R33–R41)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from service.api.v1.blueprint import Room, tagged, user
from service.api.v1.request_parser import IF_MATCH, check_version
from service.api.v1.schemas import classes as schemas
from service.api.v1.schemas.pages import (
    ETAG,
    LOCATED,
    listed,
    many_of,
    page_of,
    raw,
    told,
)
from service.api.v1.schemas.persons import Reason
from service.api.v1.task_completion import NO_STEP
from service.domain.accounts.permissions import Action
from service.domain.training.classes import OPEN_FIELDS, ClassState, obstacle_to_class_changes
from service.errors import N_, Conflict, InvalidInput
from service.models.db.transaction import expire_session
from service.models.queries.persons.person_list import PersonFilter
from service.models.queries.runtime import task_lookup
from service.models.queries.training import class_list
from service.models.queries.training.class_list import ClassFilter
from service.models.tables.training import TrainingClass
from service.workflow.training import classes, enrollment_eligibility, enrollments

room = Room("classes", "培训班 / Training classes")


@room.operation(
    "GET",
    "/classes",
    "培训班列表",
    "Classes in scope, the latest first",
    needs=[Action.VIEW_CLASSES],
    query=schemas.ClassQuery,
    answer=page_of(schemas.TrainingClass, "ClassPage"),
    refuses=[404],
)
def list_classes(wanted: dict[str, Any]) -> Any:
    chosen = ClassFilter(wanted["q"], wanted.get("kind", ""), wanted.get("state", ""), wanted.get("year"))
    return listed(wanted, class_list.classes_query(user(), chosen), class_list.ORDER)


@room.operation(
    "GET",
    "/classes/<uuid:class_id>",
    "培训班",
    "One class",
    needs=[Action.VIEW_CLASSES],
    answer=schemas.ClassRecord,
    gives=ETAG,
)
def show_class(class_id: UUID) -> Any:
    return _record(class_id)


@room.operation(
    "POST",
    "/classes",
    "拟定班次",
    "Draft a class, and publish it if told so",
    needs=[Action.EDIT_CLASS],
    body=schemas.NewClass,
    answer=schemas.ClassRecord,
    status=201,
    refuses=[409],
    gives=ETAG | LOCATED,
)
def create_class(given: dict[str, Any]) -> Any:
    class_id = classes.draft_class(user(), _form(given))
    content, headers = _record(class_id)
    return content, headers | {"Location": f"/api/v1/classes/{class_id}"}


@room.operation(
    "PATCH",
    "/classes/<uuid:class_id>",
    "修改培训班",
    "Change, publish or discard a draft; change what is open of a published class",
    needs=[Action.EDIT_CLASS],
    body=schemas.ClassChange,
    answer=schemas.ClassRecord,
    refuses=[409, 412],
    headers=[IF_MATCH],
    gives=ETAG,
)
def change_class(class_id: UUID, given: dict[str, Any]) -> Any:
    found = class_list.visible_class(user(), class_id)
    task = task_lookup.step_of_case(user(), found.case_id, "draft_class")
    expire_session()  # what is read after the task is at least as new: a colleague's saving from here on ends the task
    found = class_list.visible_class(user(), class_id)
    check_version(found.version)
    decision = given.pop("decision")
    if found.state == ClassState.DRAFT:
        if task is None:
            raise Conflict(NO_STEP)
        classes.complete_draft(user(), task, _form(_stored(found) | given | {"decision": decision}))
    else:
        _change_published(found, given, decision)
    return _record(class_id)


def _change_published(found: TrainingClass, given: dict[str, Any], decision: str) -> None:
    """R35: the rest stays as it was announced."""
    if decision == "discard":
        raise InvalidInput({"decision": N_("已发布的班次不能放弃，请用 cancel 取消。")})
    state = ClassState(found.state)
    if obstacle := obstacle_to_class_changes(state, (), False):
        raise Conflict(obstacle)
    refusals = {name: obstacle_to_class_changes(state, (name,), False) for name in given}
    if wrong := {name: message for name, message in refusals.items() if message}:
        raise InvalidInput(wrong)
    stored = {name: value for name, value in _stored(found).items() if name in OPEN_FIELDS}
    classes.change_class(user(), found.id, raw(stored | given) | {"seen": classes.mark(found)})


@room.operation(
    "POST",
    "/classes/<uuid:class_id>/cancel",
    "取消培训班",
    "Cancel a class before the first check-in",
    needs=[Action.EDIT_CLASS],
    body=Reason,
    answer=schemas.ClassRecord,
    refuses=[409],
    gives=ETAG,
)
def cancel_class(class_id: UUID, given: dict[str, Any]) -> Any:
    classes.cancel_class(user(), class_id, given["reason"])
    return _record(class_id)


@room.operation(
    "POST",
    "/classes/<uuid:class_id>/close-enrollment",
    "提前截止报名",
    "End the enrolment before its last day",
    needs=[Action.EDIT_CLASS],
    answer=schemas.ClassRecord,
    refuses=[409],
    gives=ETAG,
)
def close_enrollment(class_id: UUID) -> Any:
    classes.close_enrolment(user(), class_id)
    return _record(class_id)


@room.operation(
    "GET",
    "/classes/<uuid:class_id>/candidates",
    "可报名人员",
    "Persons whose need matches, or the others with the reasons",
    needs=[Action.ENROLL],
    query=schemas.CandidateQuery,
    answer=page_of(schemas.Candidate, "CandidatePage"),
)
def list_candidates(class_id: UUID, wanted: dict[str, Any]) -> Any:
    found = class_list.visible_class(user(), class_id)
    chosen = PersonFilter(text=wanted["q"], unit_id=wanted.get("unit"))
    query = class_list.candidates_query(user(), found, chosen, fitting=not wanted["others"])
    page = listed(wanted, query, class_list.CANDIDATES)
    reasons = enrollment_eligibility.obstacles(found, page["items"])
    rows = [{**row._mapping, "obstacles": [told(m) for m in reasons[row.id]]} for row in page["items"]]
    return page | {"items": rows}


@room.operation(
    "POST",
    "/classes/<uuid:class_id>/enrollments",
    "报名",
    "Enrol persons; each refused one is answered with the reason",
    needs=[Action.ENROLL],
    body=schemas.Persons,
    answer=many_of(schemas.EnrolledRow, "Enrolled"),
    refuses=[409],
)
def enroll_persons(class_id: UUID, given: dict[str, Any]) -> Any:
    results = enrollments.enroll(user(), class_id, given["persons"])
    made = task_lookup.enrollments_of_cases([one.case_id for one in results if one.case_id])
    said = [
        {
            "person": one.person_id,
            "name": one.name,
            "ok": one.message is None,
            "message": told(one.message),
            "enrollment": made.get(one.case_id) if one.case_id else None,
        }
        for one in results
    ]
    return {"done": sum(row["ok"] for row in said), "results": said}


def _record(class_id: UUID) -> Any:
    expire_session()
    found = class_list.visible_class(user(), class_id)
    shown = {name: getattr(found, name) for name in schemas.SHOWN}
    content = shown | {
        "organiser": found.organiser.name,
        "institution": found.institution.name,
        "counts": class_list.state_counts(class_id),
    }
    return content, tagged(found.version)


def _stored(found: TrainingClass) -> dict[str, Any]:
    kept = {name: getattr(found, name) for name in schemas.KEPT}
    return kept | {"pass_mark": found.pass_mark / 10}


def _form(given: Mapping[str, Any]) -> dict[str, Any]:
    """As the form ``draft_class`` is typed: lists and ticks stay, everything else is text."""
    return {
        name: value if isinstance(value, list | bool) or value is None else str(value) for name, value in given.items()
    }
