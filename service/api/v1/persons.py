"""Persons: list, record, entry, submission and approval, and what else is done to one (R12–R21). Numbers are masked (§5.2)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from service.api.v1.blueprint import Room, tagged, user
from service.api.v1.request_parser import IF_MATCH, check_version
from service.api.v1.schemas import persons as schemas
from service.api.v1.schemas.pages import (
    ETAG,
    LOCATED,
    listed,
    page_of,
    raw,
    told,
)
from service.api.v1.task_completion import do
from service.domain.accounts.permissions import Action
from service.domain.persons.identity import normalise
from service.domain.training import training_need
from service.errors import N_, NotFound
from service.models.db.clock import today
from service.models.db.transaction import expire_session
from service.models.queries.persons import person_list
from service.models.queries.persons.person_history import trainings_of
from service.models.queries.persons.person_list import PersonFilter
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.training.training_need_facts import facts_of
from service.models.tables.person import Person, Photo
from service.workflow.persons import person_records, transfers
from service.workflow.training import enrollments

room = Room("persons", "人员 / Persons")
PAGE = page_of(schemas.Person, "PersonPage")
FIRST: dict[str, Any] = {"limit": 50, "total": True}


@room.operation(
    "GET",
    "/persons",
    "人员列表",
    "Persons in scope, in the order of pinyin",
    needs=[Action.VIEW_PERSONS],
    query=schemas.PersonQuery,
    answer=PAGE,
    refuses=[404],
)
def list_persons(wanted: dict[str, Any]) -> Any:
    chosen = PersonFilter(
        text=wanted["q"],
        unit_id=wanted.get("unit"),
        qualification_type_id=wanted.get("type"),
        state=wanted.get("state", ""),
        need=wanted.get("need", ""),
    )
    return listed(wanted, person_list.persons_query(user(), chosen), person_list.ORDER)


@room.operation(
    "POST",
    "/persons/find",
    "按证件号码查找",
    "Find a person by his whole number",
    needs=[Action.VIEW_PERSONS],
    body=schemas.NumberQuery,
    answer=PAGE,
)
def find_person(given: dict[str, Any]) -> Any:
    number = normalise(given["id_number"])
    if not number:
        return {"items": [], "next": None, "previous": None, "total": 0}
    return listed(FIRST, person_list.persons_query(user(), PersonFilter(id_number=number)), person_list.ORDER)


@room.operation(
    "POST",
    "/persons",
    "录入人员",
    "Enter a person",
    needs=[Action.EDIT_PERSON],
    body=schemas.NewPerson,
    answer=schemas.PersonRecord,
    status=201,
    refuses=[404, 409],
    gives=ETAG | LOCATED,
)
def create_person(given: dict[str, Any]) -> Any:
    save = person_records.save_and_submit if given.pop("submit") else person_records.save_person
    photo = given.pop("photo", None)
    person = save(user(), None, raw(given), photo)
    content, headers = _record(person.id)
    return content, headers | {"Location": f"/api/v1/persons/{person.id}"}


@room.operation(
    "GET",
    "/persons/<uuid:person_id>",
    "人员",
    "One person",
    needs=[Action.VIEW_PERSONS],
    answer=schemas.PersonRecord,
    gives=ETAG,
)
def show_person(person_id: UUID) -> Any:
    return _record(person_id)


@room.operation(
    "PATCH",
    "/persons/<uuid:person_id>",
    "修改人员",
    "Change a person's record",
    needs=[Action.EDIT_PERSON],
    body=schemas.PersonChange,
    answer=schemas.PersonRecord,
    refuses=[409, 412],
    headers=[IF_MATCH],
    gives=ETAG,
)
def change_person(person_id: UUID, given: dict[str, Any]) -> Any:
    person = person_records.visible_person(user(), person_id)
    check_version(person.version)
    photo = given.pop("photo", None)
    person_records.save_person(user(), person_id, raw(_stored(person) | given), photo)
    return _record(person_id)


@room.operation(
    "DELETE",
    "/persons/<uuid:person_id>",
    "删除草稿",
    "Delete a draft that was never submitted",
    needs=[Action.DELETE_DRAFT_PERSON],
    status=204,
    refuses=[409],
)
def delete_person(person_id: UUID) -> Any:
    person_records.delete_draft(user(), person_id)


@room.operation(
    "GET",
    "/persons/<uuid:person_id>/photo",
    "照片",
    "The photo, a JPEG",
    needs=[Action.VIEW_PERSONS],
    file="image/jpeg",
)
def show_photo(person_id: UUID) -> Any:
    person = get_or_404_in_scope(user(), Person, person_id)
    row = Photo.get(person.photo_id) if person.photo_id else None
    if row is None:
        raise NotFound(N_("该人员还没有照片。"))
    return Response(row.jpeg, mimetype="image/jpeg")


@room.operation(
    "POST",
    "/persons/<uuid:person_id>/submit",
    "提交审批",
    "Submit to the province; an academy's person is approved at once",
    needs=[Action.EDIT_PERSON],
    answer=schemas.PersonRecord,
    refuses=[409, 422],
    gives=ETAG,
)
def submit_person(person_id: UUID) -> Any:
    person_records.submit_person(user(), person_id)
    return _record(person_id)


@room.operation(
    "POST",
    "/persons/<uuid:person_id>/approve",
    "审批人员",
    "Approve a person, or send him back",
    needs=[Action.APPROVE_PERSON],
    body=schemas.Approval,
    answer=schemas.PersonRecord,
    refuses=[409],
    gives=ETAG,
)
def approve_person(person_id: UUID, given: dict[str, Any]) -> Any:
    do(person_records.visible_person(user(), person_id).case_id, "approve_person", given)
    return _record(person_id)


@room.operation(
    "POST",
    "/persons/<uuid:person_id>/deregister",
    "注销人员",
    "Deregister a person for ever",
    needs=[Action.DEREGISTER_PERSON],
    body=schemas.Reason,
    answer=schemas.PersonRecord,
    refuses=[409],
    gives=ETAG,
)
def deregister_person(person_id: UUID, given: dict[str, Any]) -> Any:
    person_records.deregister_person(user(), person_id, given["reason"])
    return _record(person_id)


@room.operation(
    "POST",
    "/persons/<uuid:person_id>/transfer",
    "变更单位",
    "Move a person to another unit",
    needs=[Action.TRANSFER_PERSON],
    body=schemas.Transfer,
    answer=schemas.PersonRecord,
    refuses=[409],
    gives=ETAG,
)
def transfer_person(person_id: UUID, given: dict[str, Any]) -> Any:
    transfers.transfer_person(user(), person_id, given["unit"])
    return _record(person_id)


@room.operation(
    "POST",
    "/persons/<uuid:person_id>/change-type",
    "变更资格类型",
    "Change the qualification type",
    needs=[Action.CHANGE_TYPE],
    body=schemas.NewType,
    answer=schemas.PersonRecord,
    refuses=[409],
    gives=ETAG,
)
def change_type(person_id: UUID, given: dict[str, Any]) -> Any:
    transfers.change_type(user(), person_id, given["qualification_type"])
    return _record(person_id)


@room.operation(
    "POST",
    "/persons/<uuid:person_id>/reveal",
    "查看全号",
    "The whole number; the look is audited",
    needs=[Action.REVEAL_NUMBER],
    answer=schemas.WholeNumbers,
    refuses=[409],
)
def reveal_number(person_id: UUID) -> Any:
    return person_records.reveal_number(user(), person_id, request.remote_addr)


def _record(person_id: UUID) -> Any:
    """The record as it now stands, with the training that is due and why."""
    expire_session()
    person = person_records.visible_person(user(), person_id)
    known = facts_of([person.id], today())[person.id]
    need = enrollments.decide(known)
    shown = {name: getattr(person, name) for name in schemas.SHOWN}
    content = shown | {
        "unit_name": person.unit.name,
        "qualification_type": person.qualification_type.code,
        "type_name": person.qualification_type.name,
        "has_photo": person.photo_id is not None,
        "need": need,
        "need_explained": told(training_need.explain(known.facts, need)),
        "trainings": trainings_of(person.id),
    }
    return content, tagged(person.version)


def _stored(person: Person) -> dict[str, Any]:
    """What the form would show; an empty number or telephone keeps what is stored."""
    kept = {name: getattr(person, name) for name in schemas.KEPT}
    return kept | {
        "qualification_type": person.qualification_type.code,
        "version": person.version,
        "certificate_number": person.legacy_number,
        "certificate_issued_on": person.legacy_issued_on,
        "certificate_valid_to": person.legacy_valid_to,
    }
