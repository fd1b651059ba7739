"""Persons: list, page, entry and edit, photo. What only the province or the association does: person_acts.py."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.persons.identity import IdType, Sex
from service.domain.persons.persons import PersonState, obstacle_to_editing
from service.domain.training import training_need
from service.domain.training.enrollment_state import LIVE_STATES
from service.domain.units.units import UnitKind
from service.domain.values.validators import normalise
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.models.db.clock import today
from service.models.queries.certificates import certificate_list
from service.models.queries.persons import person_list
from service.models.queries.persons.correction_list import corrections_of
from service.models.queries.persons.person_changes import kind_of
from service.models.queries.persons.person_history import trainings_of, versions_of
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.scope_adapters import is_in_scope
from service.models.queries.training.training_need_facts import facts_of
from service.models.queries.units import unit_list
from service.models.tables.persons.person import Person, Photo, QualificationType
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.shell.list_page import render_list
from service.web.shell.navigation import has_permission, set_active_menu_item
from service.web.views.accounts.session import source
from service.workflow.idempotency import once
from service.workflow.persons import corrections, person_records
from service.workflow.training import enrollments

bp = Blueprint("persons", __name__)


@bp.get("/persons")
@requires_permission(Action.VIEW_PERSONS)
def index() -> ResponseReturnValue:
    return render_list("persons", "persons.index", "pages/persons/index.html")


@bp.get("/academies/persons")
@requires_permission(Action.EDIT_ACADEMY)
def academies() -> ResponseReturnValue:
    """List the persons of academies, whom the association looks after (S121)."""
    return render_list("academy-persons", "persons.academies", "pages/persons/index.html")


@bp.get("/persons/changes")
@requires_permission(Action.VIEW_CHANGES)
def changes() -> ResponseReturnValue:
    """List the changes in the records of persons, latest first (S88)."""
    return render_list("person-changes", "persons.changes", "pages/persons/changes.html", kind_of=kind_of)


@bp.post("/persons/find")
@requires_permission(Action.VIEW_PERSONS)
@rerender_on_error(index)
def find() -> ResponseReturnValue:
    """A whole number is looked up by POST, so that it stands in no address and no log."""
    number = normalise(request.form.get("id_number"))
    found = person_list.find_by_number(current_user, number) if number else None
    if found is None:
        raise InvalidInput(
            {"id_number": N_("您的管辖范围内没有这个证件号码的人员，请核对。")}, N_("没有找到这个人员。")
        )
    return redirect(url_for(".show", person_id=found))


@bp.get("/persons/new")
@requires_permission(Action.EDIT_PERSON)
def new() -> ResponseReturnValue:
    return _form(None)


@bp.post("/persons")
@requires_permission(Action.EDIT_PERSON)
@rerender_on_error(new, Conflict)
def create() -> ResponseReturnValue:
    return _save(None)


@bp.get("/persons/<uuid:person_id>")
@requires_permission(Action.VIEW_PERSONS)
def show(person_id: UUID) -> ResponseReturnValue:
    return _page(person_records.visible_person(current_user, person_id))


@bp.post("/persons/<uuid:person_id>/number")
@requires_permission(Action.REVEAL_NUMBER)
def reveal(person_id: UUID) -> ResponseReturnValue:
    """The whole number, once, remembered."""
    person_records.reveal_number(current_user, person_id, source())
    return _page(person_records.visible_person(current_user, person_id), is_revealed=True)


@bp.get("/persons/<uuid:person_id>/edit")
@requires_permission(Action.EDIT_PERSON)
def edit(person_id: UUID) -> ResponseReturnValue:
    person = person_records.visible_person(current_user, person_id)
    if obstacle := obstacle_to_editing(PersonState(person.state)):
        raise Conflict(obstacle)
    return _form(person)


@bp.post("/persons/<uuid:person_id>")
@requires_permission(Action.EDIT_PERSON)
@rerender_on_error(edit, Conflict)
def save(person_id: UUID) -> ResponseReturnValue:
    return _save(person_id)


@bp.post("/persons/<uuid:person_id>/submit")
@requires_permission(Action.EDIT_PERSON)
@rerender_on_error(show, Conflict)
def submit(person_id: UUID) -> ResponseReturnValue:
    person = person_records.submit_person(current_user, person_id)
    flash_success(_sent(person))
    return redirect(url_for(".show", person_id=person_id))


@bp.post("/persons/<uuid:person_id>/take-back")
@requires_permission(Action.EDIT_PERSON)
@rerender_on_error(show, Conflict)
def take_back(person_id: UUID) -> ResponseReturnValue:
    person = person_records.take_back_person(current_user, person_id)
    flash_success(Message(N_("已撤回“%(name)s”的提交，修改后可再次提交。"), name=person.name))
    return redirect(url_for(".show", person_id=person_id))


@bp.get("/persons/<uuid:person_id>/photo")
@requires_permission(Action.VIEW_PERSONS)
def photo(person_id: UUID) -> ResponseReturnValue:
    """The present photo of a person in scope."""
    person = get_or_404_in_scope(current_user, Person, person_id)
    row = Photo.get(person.photo_id) if person.photo_id else None
    if row is None:
        raise NotFound(N_("该人员还没有照片。"))
    return Response(row.jpeg, mimetype="image/jpeg")


def _page(person: Person, is_revealed: bool = False) -> ResponseReturnValue:
    if person.unit.kind == UnitKind.ACADEMY and has_permission(Action.EDIT_ACADEMY):
        set_active_menu_item("persons.academies")
    known = facts_of([person.id], today())[person.id]
    need = enrollments.decide(known)
    trainings, certificates = trainings_of(person.id), certificate_list.certificates_of(person.id)
    is_relied_on = bool(trainings or certificates)  # what nothing relies on is edited, not corrected
    return render_template(
        "pages/persons/show.html",
        person=person,
        number=person.id_number if is_revealed else None,
        need=need,
        explained=training_need.explain(known.facts, need),
        facts=known.facts,
        trainings=trainings,
        certificates=certificates,
        versions=versions_of(person.id),
        today=today(),
        may_edit=_may_edit(person),
        is_locked=bool(certificates) or any(one.state in LIVE_STATES for one in trainings),
        corrected=[row for row in corrections_of(person.id) if row.state == "applied"] if is_relied_on else [],
        obstacle=obstacle_to_editing(PersonState(person.state)),
    )


def _form(person: Person | None) -> ResponseReturnValue:
    choices = unit_list.unit_choices(current_user, action=Action.EDIT_PERSON)
    return render_template(
        "pages/persons/form.html",
        person=person,
        units=choices,
        types=QualificationType.choices(by_code=True),
        id_types=list(IdType),
        sexes=list(Sex),
        is_locked=person is not None and corrections.is_locked(person),
        today=today(),
    )


def _save(person_id: UUID | None) -> ResponseReturnValue:
    upload = request.files.get("photo")
    data = upload.read() if upload and upload.filename else None
    is_sent = request.form.get("act") == "submit"
    save, use_case = (
        (person_records.save_and_submit, "submit_person") if is_sent else (person_records.save_person, "save_person")
    )
    if person_id is None:
        made = once(current_user, form_id(), use_case, lambda: save(current_user, None, request.form, data).id)
        person = person_records.visible_person(current_user, made)
    else:
        was = person_records.visible_person(current_user, person_id).state
        person = save(current_user, person_id, request.form, data)
        is_sent = is_sent or (was == "approved" and person.state == "pending")
    flash_success(_sent(person) if is_sent else Message(N_("“%(name)s”已保存。"), name=person.name))
    return redirect(url_for(".show", person_id=person.id))


def _sent(person: Person) -> Message:
    if person.state == PersonState.APPROVED:
        return Message(N_("“%(name)s”已入册，院校人员无须审批。"), name=person.name)
    return Message(N_("“%(name)s”已提交，等待省级主管部门审批。"), name=person.name)


def _may_edit(person: Person) -> bool:
    """Tell if the page offers editing; the use case decides."""
    return is_in_scope(current_user, Action.EDIT_PERSON, person.unit)
