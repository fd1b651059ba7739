"""Training classes: list, record, draft, cancellation, and enrolling persons (R33–R41)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from service.api.v1.blueprint import Blueprint, etag, requires_permission, user
from service.api.v1.request_parser import IF_MATCH_HEADER, check_version
from service.api.v1.schemas import classes as schemas
from service.api.v1.schemas.pages import (
    ETAG,
    LOCATED,
    many_of,
    page_of,
    paginated,
    to_form,
    to_text,
)
from service.api.v1.schemas.persons import Reason
from service.api.v1.task_completion import NO_STEP
from service.domain.accounts.permissions import Action
from service.domain.training.class_fields import CLASS_FIELDS
from service.domain.training.classes import OPEN_FIELDS, ClassState, obstacle_to_class_changes
from service.errors import N_, Conflict, InvalidInput
from service.models.db.transaction import expire_session
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime import task_lookup
from service.models.queries.training import class_list
from service.models.tables.training.training import TrainingClass
from service.validation.record_fields import Place
from service.workflow.training import classes, enrollment_eligibility, enrollments

blp = Blueprint("v1_classes", __name__, description="培训班 / Training classes")


@blp.get("/classes")
@requires_permission(Action.VIEW_CLASSES)
@blp.arguments(schemas.ClassQuery, location="query")
@blp.response(200, page_of(schemas.TrainingClass, "ClassPage"))
@blp.alt_response(404, response="PROBLEM_404")
def list_classes(wanted: dict[str, Any]) -> Any:
    """培训班列表 / Classes in scope, the latest first"""
    chosen = ReportFilter.from_values(wanted)
    return paginated(wanted, class_list.classes_query(user(), chosen), class_list.ORDER)


@blp.get("/classes/<uuid:class_id>")
@requires_permission(Action.VIEW_CLASSES)
@blp.response(200, schemas.ClassRecord, headers=ETAG)
def show_class(class_id: UUID) -> Any:
    """培训班 / One class"""
    return _record(class_id)


@blp.post("/classes")
@requires_permission(Action.EDIT_CLASS)
@blp.arguments(schemas.NewClass)
@blp.response(201, schemas.ClassRecord, headers=ETAG | LOCATED)
@blp.alt_response(409, response="PROBLEM_409")
def create_class(given: dict[str, Any]) -> Any:
    """拟定班次 / Draft a class, and publish it if told so"""
    class_id = classes.draft_class(user(), _form(given))
    content, headers = _record(class_id)
    return content, headers | {"Location": f"/api/v1/classes/{class_id}"}


@blp.patch("/classes/<uuid:class_id>")
@requires_permission(Action.EDIT_CLASS)
@blp.arguments(schemas.ClassChange)
@blp.response(200, schemas.ClassRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
@blp.alt_response(412, response="PROBLEM_412")
@blp.doc(parameters=[IF_MATCH_HEADER])
def change_class(given: dict[str, Any], class_id: UUID) -> Any:
    """修改培训班 / Change, publish or discard a draft; change what is open of a published class"""
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
    classes.change_class(user(), found.id, to_form(stored | given) | {"seen": classes.fields_digest(found)})


@blp.post("/classes/<uuid:class_id>/cancel")
@requires_permission(Action.EDIT_CLASS)
@blp.arguments(Reason)
@blp.response(200, schemas.ClassRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def cancel_class(given: dict[str, Any], class_id: UUID) -> Any:
    """取消培训班 / Cancel a class before the first check-in"""
    classes.cancel_class(user(), class_id, given["reason"])
    return _record(class_id)


@blp.post("/classes/<uuid:class_id>/close-enrollment")
@requires_permission(Action.EDIT_CLASS)
@blp.response(200, schemas.ClassRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def close_enrollment(class_id: UUID) -> Any:
    """提前截止报名 / End the enrolment before its last day"""
    classes.close_enrolment(user(), class_id)
    return _record(class_id)


@blp.get("/classes/<uuid:class_id>/candidates")
@requires_permission(Action.ENROLL)
@blp.arguments(schemas.CandidateQuery, location="query")
@blp.response(200, page_of(schemas.Candidate, "CandidatePage"))
def list_candidates(wanted: dict[str, Any], class_id: UUID) -> Any:
    """可报名人员 / Persons whose need matches, or the others with the reasons"""
    found = class_list.visible_class(user(), class_id)
    chosen = ReportFilter(q=wanted["q"], unit=wanted.get("unit"))
    query = class_list.candidates_query(user(), found, chosen, fitting=not wanted["others"])
    page = paginated(wanted, query, class_list.CANDIDATES)
    reasons = enrollment_eligibility.obstacles(found, page["items"])
    rows = [{**row._mapping, "obstacles": [to_text(m) for m in reasons[row.id]]} for row in page["items"]]
    return page | {"items": rows}


@blp.post("/classes/<uuid:class_id>/enrollments")
@requires_permission(Action.ENROLL)
@blp.arguments(schemas.Persons)
@blp.response(200, many_of(schemas.EnrolledRow, "Enrolled"))
@blp.alt_response(409, response="PROBLEM_409")
def enroll_persons(given: dict[str, Any], class_id: UUID) -> Any:
    """报名 / Enrol persons; each refused one is answered with the reason"""
    results = enrollments.enroll(user(), class_id, given["persons"])
    made = task_lookup.enrollments_of_cases([one.case_id for one in results if one.case_id])
    said = [
        {
            "person": one.person_id,
            "name": one.name,
            "ok": one.message is None,
            "message": to_text(one.message),
            "enrollment": made.get(one.case_id) if one.case_id else None,
        }
        for one in results
    ]
    return {"done": sum(row["ok"] for row in said), "results": said}


def _record(class_id: UUID) -> Any:
    expire_session()
    found = class_list.visible_class(user(), class_id)
    shown = {name: getattr(found, name) for name in schemas.RESPONSE_FIELDS}
    content = shown | {
        "organiser": found.organiser.name,
        "institution": found.institution.name,
        "counts": class_list.state_counts(class_id),
    }
    return content, etag(found.version)


def _stored(found: TrainingClass) -> dict[str, Any]:
    kept = {one.input_name: getattr(found, one.key) for one in CLASS_FIELDS.at(Place.REST_IN)}
    return kept | {"pass_mark": found.pass_mark / 10}


def _form(given: Mapping[str, Any]) -> dict[str, Any]:
    """As the form ``draft_class`` is typed: lists and ticks stay, everything else is text."""
    return {
        name: value if isinstance(value, list | bool) or value is None else str(value) for name, value in given.items()
    }
