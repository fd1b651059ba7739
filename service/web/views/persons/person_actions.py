"""Actions on a person: deleting a draft, deregistration, transfer, change of type."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.persons.persons import (
    PersonState,
    obstacle_to_deletion,
    obstacle_to_deregistration,
    warning_of_deregistration,
)
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.models.db.clock import today
from service.models.queries.certificates import certificate_list
from service.models.queries.persons.person_history import (
    HISTORY_FIELDS,
    Version,
    records_of,
    versions_of,
)
from service.models.queries.persons.retention import photos_of
from service.models.queries.units import unit_list
from service.models.tables.persons.person import Person, Photo, QualificationType
from service.validation.form_reader import FormReader
from service.validation.typed_text import as_whole
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.workflow.persons import person_records, transfers

bp = Blueprint("person_actions", __name__)


@bp.get("/persons/<uuid:person_id>/delete")
@requires_permission(Action.DELETE_DRAFT_PERSON)
def confirm_deletion(person_id: UUID) -> ResponseReturnValue:
    person = person_records.visible_person(current_user, person_id)
    if obstacle := obstacle_to_deletion(PersonState(person.state)):
        raise Conflict(obstacle)
    return render_template("pages/persons/delete.html", person=person)


@bp.post("/persons/<uuid:person_id>/delete")
@requires_permission(Action.DELETE_DRAFT_PERSON)
def delete(person_id: UUID) -> ResponseReturnValue:
    person_records.delete_draft(current_user, person_id)
    flash_success(N_("草稿已删除。"))
    return redirect(url_for("persons.index"))


@bp.get("/persons/<uuid:person_id>/deregister")
@requires_permission(Action.DEREGISTER_PERSON)
def confirm_deregistration(person_id: UUID) -> ResponseReturnValue:
    person = person_records.visible_person(current_user, person_id)
    valid = next(
        (c for c in certificate_list.certificates_of(person_id) if c.state == "valid" and c.valid_to >= today()), None
    )
    return render_template(
        "pages/persons/deregister.html",
        person=person,
        obstacle=obstacle_to_deregistration(PersonState(person.state), person_records.has_live_enrollment(person_id)),
        warning=warning_of_deregistration(valid.number, valid.valid_to) if valid else None,
    )


@bp.post("/persons/<uuid:person_id>/deregister")
@requires_permission(Action.DEREGISTER_PERSON)
@rerender_on_error(confirm_deregistration, Conflict)
def deregister(person_id: UUID) -> ResponseReturnValue:
    person = person_records.deregister_person(current_user, person_id, request.form.get("reason", ""))
    flash_success(Message(N_("“%(name)s”已注销。"), name=person.name))
    return redirect(url_for("persons.show", person_id=person_id))


@bp.get("/persons/<uuid:person_id>/versions")
@requires_permission(Action.VIEW_PERSONS)
def versions(person_id: UUID) -> ResponseReturnValue:
    """Two versions of the record side by side (S88): unless chosen otherwise the newest, and the one before it, or the
    last one that was approved while what changed since waits for approval (R14).
    """
    person = person_records.visible_person(current_user, person_id)
    known = versions_of(person.id)
    records = records_of(known, _record(person))
    newer, older = (
        _chosen("newer", len(known), 0),
        _chosen("older", len(known), min(_compared(known, person.state), len(known) - 1)),
    )
    return render_template(
        "pages/persons/versions.html",
        person=person,
        versions=known,
        fields=HISTORY_FIELDS,
        newer=newer,
        older=older,
        after=records[newer] if known else {},
        before=records[older] if known else {},
    )


@bp.get("/persons/<uuid:person_id>/photos/<uuid:photo_id>")
@requires_permission(Action.VIEW_PERSONS)
def photo(person_id: UUID, photo_id: UUID) -> ResponseReturnValue:
    """A photo that the record of a person in scope has, or had."""
    person = person_records.visible_person(current_user, person_id)
    row = Photo.get(photo_id) if photo_id in photos_of(person.id) | {person.photo_id} else None
    if row is None:
        raise NotFound(N_("该人员还没有照片。"))
    return Response(row.jpeg, mimetype="image/jpeg")


def _record(person: Person) -> dict[str, object]:
    """The record as it stands, with names in the place of ids."""
    found = {name: getattr(person, name) for name in HISTORY_FIELDS}
    return found | {"unit_id": person.unit.name, "qualification_type_id": person.qualification_type.name}


def _compared(versions: list[Version], state: str) -> int:
    """With which version the newest is compared first."""
    approving = (
        n
        for n, version in enumerate(versions)
        for change in version.changes
        if n and change.field == "state" and change.after == PersonState.APPROVED
    )
    is_waiting = state in (PersonState.PENDING, PersonState.REJECTED)
    return next(approving, 1) if is_waiting else 1


def _chosen(name: str, count: int, default: int) -> int:
    """The place of a version in the list, 0 the newest."""
    place = as_whole(request.args.get(name, ""), 0, count - 1)
    return max(default, 0) if place is None else place


@bp.get("/persons/<uuid:person_id>/transfer")
@requires_permission(Action.TRANSFER_PERSON)
def choose_unit(person_id: UUID) -> ResponseReturnValue:
    person = person_records.visible_person(current_user, person_id)
    return render_template("pages/persons/transfer.html", person=person, units=unit_list.unit_choices(current_user))


@bp.post("/persons/<uuid:person_id>/transfer")
@requires_permission(Action.TRANSFER_PERSON)
@rerender_on_error(choose_unit, Conflict)
def transfer(person_id: UUID) -> ResponseReturnValue:
    entry = FormReader(request.form)
    unit_id = entry.id("unit")
    entry.check()
    if unit_id is None:
        raise InvalidInput({"unit": N_("请选择要转入的单位。")})
    person = transfers.transfer_person(current_user, person_id, unit_id)
    flash_success(Message(N_("“%(name)s”已变更单位，证书编号和有效期不变。"), name=person.name))
    return redirect(url_for("persons.show", person_id=person_id))


@bp.get("/persons/<uuid:person_id>/type")
@requires_permission(Action.CHANGE_TYPE)
def choose_type(person_id: UUID) -> ResponseReturnValue:
    person = person_records.visible_person(current_user, person_id)
    return render_template("pages/persons/type.html", person=person, types=QualificationType.choices(by_code=True))


@bp.post("/persons/<uuid:person_id>/type")
@requires_permission(Action.CHANGE_TYPE)
@rerender_on_error(choose_type, Conflict)
def change_type(person_id: UUID) -> ResponseReturnValue:
    person = transfers.change_type(current_user, person_id, request.form.get("qualification_type", ""))
    flash_success(Message(N_("“%(name)s”的资格类型已变更，新版证书待打印。"), name=person.name))
    return redirect(url_for("persons.show", person_id=person_id))
