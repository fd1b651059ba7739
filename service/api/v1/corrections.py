"""Corrections of identity (R77): asked for with evidence, read, decided by completing their tasks, withdrawn."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from service.api.v1.blueprint import Blueprint, requires_permission, user
from service.api.v1.schemas import corrections as schemas
from service.api.v1.schemas.pages import FILE, LOCATED, to_form
from service.api.v1.task_completion import complete_first_step
from service.domain.accounts.permissions import Action
from service.models.db.transaction import expire_session
from service.models.queries.persons.correction_list import corrections_of
from service.models.tables.persons.identity_correction import CorrectionFile, IdentityCorrection
from service.workflow.persons import corrections, person_records

blp = Blueprint("v1_corrections", __name__, description="身份更正 / Corrections of identity")
STEPS = ("approve_correction", "assent_identity")


@blp.get("/persons/<uuid:person_id>/corrections")
@requires_permission(Action.VIEW_PERSONS)
@blp.response(200, schemas.IdentityCorrectionList)
def list_corrections(person_id: UUID) -> Any:
    """人员的身份更正 / Corrections of one person"""
    person = person_records.visible_person(user(), person_id)
    return {"items": [_shown(row) for row in corrections_of(person.id)]}


@blp.post("/persons/<uuid:person_id>/corrections")
@requires_permission(Action.CORRECT_IDENTITY)
@blp.arguments(schemas.NewCorrection)
@blp.response(201, schemas.IdentityCorrection, headers=LOCATED)
@blp.alt_response(409, response="PROBLEM_409")
def request_correction(given: dict[str, Any], person_id: UUID) -> Any:
    """申请更正身份 / Ask for a correction of identity, with evidence"""
    files = [(file["name"], file["content"]) for file in given.pop("files")]
    kept = {"name": person_records.visible_person(user(), person_id).name}
    row = corrections.request_correction(user(), person_id, to_form(kept | given), files)
    return _record(row.id), {"Location": f"/api/v1/corrections/{row.id}"}


@blp.get("/corrections/<uuid:correction_id>")
@requires_permission(Action.VIEW_PERSONS)
@blp.response(200, schemas.IdentityCorrection)
def show_correction(correction_id: UUID) -> Any:
    """身份更正 / One correction of identity"""
    return _record(correction_id)


@blp.get("/corrections/<uuid:correction_id>/files/<uuid:file_id>")
@requires_permission(Action.VIEW_PERSONS)
@blp.response(200, FILE, content_type="application/octet-stream")
def show_evidence(correction_id: UUID, file_id: UUID) -> Any:
    """证明材料 / A file of the evidence"""
    _, content = corrections.open_file(user(), correction_id, file_id)
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Response(content, mimetype="application/octet-stream", headers=headers)


@blp.post("/corrections/<uuid:correction_id>/decide")
@requires_permission(Action.VIEW_PERSONS)
@blp.arguments(schemas.CorrectionDecision)
@blp.response(200, schemas.IdentityCorrection)
@blp.alt_response(409, response="PROBLEM_409")
def decide_correction(given: dict[str, Any], correction_id: UUID) -> Any:
    """审批或复核更正 / Decide a correction at the step that is yours now"""
    complete_first_step(corrections.visible_correction(user(), correction_id).case_id, STEPS, given)
    return _record(correction_id)


@blp.post("/corrections/<uuid:correction_id>/withdraw")
@requires_permission(Action.CORRECT_IDENTITY)
@blp.response(200, schemas.IdentityCorrection)
@blp.alt_response(409, response="PROBLEM_409")
def withdraw_correction(correction_id: UUID) -> Any:
    """撤回更正申请 / Withdraw a correction that is not decided yet"""
    corrections.withdraw_correction(user(), correction_id)
    return _record(correction_id)


def _record(correction_id: UUID) -> dict[str, Any]:
    expire_session()
    return _shown(corrections.visible_correction(user(), correction_id))


def _shown(row: IdentityCorrection) -> dict[str, Any]:
    names = (
        "id",
        "person_id",
        "kind",
        "state",
        "stage",
        "statement",
        "comment",
        "created_at",
        "decided_at",
        "assented_at",
    )
    changes = [
        {"field": field, "before": before, "after": after} for field, before, after in corrections.changes_of(row)
    ]
    return {name: getattr(row, name) for name in names} | {"changes": changes, "files": CorrectionFile.of(row.id)}
