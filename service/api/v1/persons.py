"""Persons: list, record, entry, submission and approval, and what else is done to one (R12–R21).

Numbers are masked (§5.2).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from service.api.v1.blueprint import Blueprint, etag, requires_permission, user
from service.api.v1.request_parser import IF_MATCH_HEADER, check_version
from service.api.v1.schemas import persons as schemas
from service.api.v1.schemas.pages import (
    ETAG,
    FILE,
    LOCATED,
    page_of,
    paginated,
    to_form,
    to_text,
)
from service.api.v1.task_completion import complete_task
from service.domain.accounts.permissions import Action
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.training import training_need
from service.domain.values.validators import normalise
from service.errors import N_, NotFound
from service.models.db.clock import today
from service.models.db.transaction import expire_session
from service.models.queries.persons import person_list
from service.models.queries.persons.person_history import trainings_of
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.training.training_need_facts import facts_of
from service.models.tables.persons.person import Person, Photo
from service.validation.record_fields import Place
from service.workflow.persons import person_records, transfers
from service.workflow.training import enrollments

blp = Blueprint("v1_persons", __name__, description="人员 / Persons")
PAGE = page_of(schemas.Person, "PersonPage")
FIRST: dict[str, Any] = {"limit": 50, "total": True}


@blp.get("/persons")
@requires_permission(Action.VIEW_PERSONS)
@blp.arguments(schemas.PersonQuery, location="query")
@blp.response(200, PAGE)
@blp.alt_response(404, response="PROBLEM_404")
def list_persons(wanted: dict[str, Any]) -> Any:
    """人员列表 / Persons in scope, in the order of pinyin"""
    chosen = ReportFilter.from_values(wanted)
    return paginated(wanted, person_list.persons_query(user(), chosen), person_list.ORDER)


@blp.post("/persons/find")
@requires_permission(Action.VIEW_PERSONS)
@blp.arguments(schemas.NumberQuery)
@blp.response(200, PAGE)
def find_person(given: dict[str, Any]) -> Any:
    """按证件号码查找 / Find a person by the whole number"""
    number = normalise(given["id_number"])
    if not number:
        return {"items": [], "next": None, "previous": None, "total": 0}
    return paginated(FIRST, person_list.numbered_query(user(), number), person_list.ORDER)


@blp.post("/persons")
@requires_permission(Action.EDIT_PERSON)
@blp.arguments(schemas.NewPerson)
@blp.response(201, schemas.PersonRecord, headers=ETAG | LOCATED)
@blp.alt_response(404, response="PROBLEM_404")
@blp.alt_response(409, response="PROBLEM_409")
def create_person(given: dict[str, Any]) -> Any:
    """录入人员 / Enter a person"""
    save = person_records.save_and_submit if given.pop("submit") else person_records.save_person
    photo = given.pop("photo", None)
    person = save(user(), None, to_form(given), photo)
    content, headers = _record(person.id)
    return content, headers | {"Location": f"/api/v1/persons/{person.id}"}


@blp.get("/persons/<uuid:person_id>")
@requires_permission(Action.VIEW_PERSONS)
@blp.response(200, schemas.PersonRecord, headers=ETAG)
def show_person(person_id: UUID) -> Any:
    """人员 / One person"""
    return _record(person_id)


@blp.patch("/persons/<uuid:person_id>")
@requires_permission(Action.EDIT_PERSON)
@blp.arguments(schemas.PersonChange)
@blp.response(200, schemas.PersonRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
@blp.alt_response(412, response="PROBLEM_412")
@blp.doc(parameters=[IF_MATCH_HEADER])
def change_person(given: dict[str, Any], person_id: UUID) -> Any:
    """修改人员 / Change a person's record"""
    person = person_records.visible_person(user(), person_id)
    check_version(person.version)
    photo = given.pop("photo", None)
    person_records.save_person(user(), person_id, to_form(_stored(person) | given), photo)
    return _record(person_id)


@blp.delete("/persons/<uuid:person_id>")
@requires_permission(Action.DELETE_DRAFT_PERSON)
@blp.response(204)
@blp.alt_response(409, response="PROBLEM_409")
def delete_person(person_id: UUID) -> Any:
    """删除草稿 / Delete a draft that was never submitted"""
    person_records.delete_draft(user(), person_id)


@blp.get("/persons/<uuid:person_id>/photo")
@requires_permission(Action.VIEW_PERSONS)
@blp.response(200, FILE, content_type="image/jpeg")
def show_photo(person_id: UUID) -> Any:
    """照片 / The photo, a JPEG"""
    person = get_or_404_in_scope(user(), Person, person_id)
    row = Photo.get(person.photo_id) if person.photo_id else None
    if row is None:
        raise NotFound(N_("该人员还没有照片。"))
    return Response(row.jpeg, mimetype="image/jpeg")


@blp.post("/persons/<uuid:person_id>/submit")
@requires_permission(Action.EDIT_PERSON)
@blp.response(200, schemas.PersonRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
@blp.alt_response(422, response="PROBLEM_422")
def submit_person(person_id: UUID) -> Any:
    """提交审批 / Submit to the province; an academy's person is approved at once"""
    person_records.submit_person(user(), person_id)
    return _record(person_id)


@blp.post("/persons/<uuid:person_id>/approve")
@requires_permission(Action.APPROVE_PERSON)
@blp.arguments(schemas.Approval)
@blp.response(200, schemas.PersonRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def approve_person(given: dict[str, Any], person_id: UUID) -> Any:
    """审批人员 / Approve a person, or send the record back"""
    complete_task(person_records.visible_person(user(), person_id).case_id, "approve_person", given)
    return _record(person_id)


@blp.post("/persons/<uuid:person_id>/deregister")
@requires_permission(Action.DEREGISTER_PERSON)
@blp.arguments(schemas.Reason)
@blp.response(200, schemas.PersonRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def deregister_person(given: dict[str, Any], person_id: UUID) -> Any:
    """注销人员 / Deregister a person for ever"""
    person_records.deregister_person(user(), person_id, given["reason"])
    return _record(person_id)


@blp.post("/persons/<uuid:person_id>/transfer")
@requires_permission(Action.TRANSFER_PERSON)
@blp.arguments(schemas.Transfer)
@blp.response(200, schemas.PersonRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def transfer_person(given: dict[str, Any], person_id: UUID) -> Any:
    """变更单位 / Move a person to another unit"""
    transfers.transfer_person(user(), person_id, given["unit"])
    return _record(person_id)


@blp.post("/persons/<uuid:person_id>/change-type")
@requires_permission(Action.CHANGE_TYPE)
@blp.arguments(schemas.NewType)
@blp.response(200, schemas.PersonRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def change_type(given: dict[str, Any], person_id: UUID) -> Any:
    """变更资格类型 / Change the qualification type"""
    transfers.change_type(user(), person_id, given["qualification_type"])
    return _record(person_id)


@blp.post("/persons/<uuid:person_id>/reveal")
@requires_permission(Action.REVEAL_NUMBER)
@blp.response(200, schemas.WholeNumbers)
@blp.alt_response(409, response="PROBLEM_409")
def reveal_number(person_id: UUID) -> Any:
    """查看全号 / The whole number; the look is audited"""
    return person_records.reveal_number(user(), person_id, request.remote_addr)


def _record(person_id: UUID) -> Any:
    """Return the record as it now stands, with the training that is due and why."""
    expire_session()
    person = person_records.visible_person(user(), person_id)
    known = facts_of([person.id], today())[person.id]
    need = enrollments.decide(known)
    shown = {name: getattr(person, name) for name in schemas.RESPONSE_FIELDS}
    content = shown | {
        "unit_name": person.unit.name,
        "qualification_type": person.qualification_type.code,
        "type_name": person.qualification_type.name,
        "stage": person.stage,
        "has_photo": person.photo_id is not None,
        "need": need,
        "need_explained": to_text(training_need.explain(known.facts, need)),
        "trainings": trainings_of(person.id),
    }
    return content, etag(person.version)


def _stored(person: Person) -> dict[str, Any]:
    """Return the fields as the form would show them, without the numbers: an empty one keeps what is stored."""
    sent = [one for one in PERSON_FIELDS.at(Place.REST_IN) if one.compared is None]
    kept = {one.input_name: getattr(person, one.key) for one in sent}
    return kept | {"qualification_type": person.qualification_type.code, "version": person.version}
