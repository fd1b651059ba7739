"""Units: list, page, record. A unit's own users begin here (R3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import UNIT_ROLES, Role
from service.domain.units.unit_fields import UNIT_FIELDS
from service.domain.units.units import (
    UnitKind,
    UnitState,
    required_fields,
)
from service.errors import N_, Conflict, Message, NotFound
from service.models.queries.persons.person_history import versions_of
from service.models.queries.scope import get_or_404_in_scope, is_unscoped
from service.models.queries.scope_adapters import is_in_scope
from service.models.queries.units import unit_list
from service.models.tables.units.organisation import Organisation
from service.validation.record_fields import Place
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.shell.list_page import render_list
from service.web.shell.navigation import set_active_menu_item
from service.workflow.idempotency import once
from service.workflow.units import units

bp = Blueprint("units", __name__)

LEAVES = {"branch": "units.branches", "academy": "units.academies"}  # of the menu, where a unit is no enterprise
HISTORY = (*UNIT_FIELDS.keys_at(Place.HISTORY), "state")


@bp.get("/units")
@requires_permission(Action.VIEW_UNITS)
def index() -> ResponseReturnValue:
    if request.args.get("kind") == UnitKind.BRANCH:
        return redirect(url_for(".branches", **query_params.with_query()))
    return render_list("units", "units.index", "pages/units/index.html")


@bp.get("/branches")
@requires_permission(Action.VIEW_UNITS)
def branches() -> ResponseReturnValue:
    """List the branches, apart from the units (S87, S102, S116, S124)."""
    return render_list("branches", "units.branches", "pages/units/index.html")


@bp.get("/academies")
@requires_permission(Action.EDIT_ACADEMY)
def academies() -> ResponseReturnValue:
    """List the academies, which the association keeps (S121)."""
    return render_list("academies", "units.academies", "pages/units/index.html")


@bp.get("/units/own")
@requires_permission(Action.MODIFY_UNIT)
def own() -> ResponseReturnValue:
    """The reader's own unit: its record while it is incomplete, its page afterwards."""
    if not current_user.organisation.is_unit:
        return redirect(url_for(".index"))
    page = ".edit" if current_user.organisation.state == UnitState.DRAFT else ".show"
    return redirect(url_for(page, unit_id=current_user.organisation_id))


@bp.get("/units/new")
@requires_permission(Action.ADD_UNIT)
def new() -> ResponseReturnValue:
    return _entry("units", UnitKind.ENTERPRISE, UnitKind.GROUP)


@bp.post("/units")
@requires_permission(Action.ADD_UNIT)
@rerender_on_error(new)
def create() -> ResponseReturnValue:
    return _create()


@bp.get("/branches/new")
@requires_permission(Action.ADD_UNIT)
def new_branch() -> ResponseReturnValue:
    return _entry("branches", UnitKind.BRANCH)


@bp.post("/branches")
@requires_permission(Action.ADD_UNIT)
@rerender_on_error(new_branch)
def create_branch() -> ResponseReturnValue:
    return _create(UnitKind.BRANCH)


@bp.get("/academies/new")
@requires_permission(Action.EDIT_ACADEMY)
def new_academy() -> ResponseReturnValue:
    return _entry("academies", UnitKind.ACADEMY)


@bp.post("/academies")
@requires_permission(Action.EDIT_ACADEMY)
@rerender_on_error(new_academy)
def create_academy() -> ResponseReturnValue:
    return _create(UnitKind.ACADEMY)


def _entry(register: str, *kinds: UnitKind) -> ResponseReturnValue:
    """The form of a new unit of one of these kinds."""
    groups = unit_list.groups() if UnitKind.BRANCH in kinds else []
    return render_template(
        "pages/units/new.html",
        register=register,
        kinds=kinds,
        provinces=_provinces(),
        groups=groups,
    )


def _create(kind: UnitKind | None = None) -> ResponseReturnValue:
    typed = {**request.form, **({"kind": kind.value} if kind else {})}
    unit = _unit(once(current_user, form_id(), "create_unit", lambda: units.create_unit(current_user, typed).id))
    flash_success(Message(N_("已新增“%(name)s”。"), name=unit.name))
    return redirect(url_for(".show", unit_id=unit.id))


@bp.get("/units/<uuid:unit_id>")
@requires_permission(Action.VIEW_UNITS)
def show(unit_id: UUID) -> ResponseReturnValue:
    unit = _unit(unit_id)
    return render_template(
        "pages/units/show.html",
        unit=unit,
        fields=UNIT_FIELDS.input_labels,
        names=_names(unit),
        **_progress(unit),
        branches=unit_list.branches_of(current_user, unit.id) if unit.kind == "group" else [],
        persons=unit_list.live_persons(unit.id),
        versions=versions_of(unit.id, HISTORY)[:20],
        may_edit=_may_edit(unit),
    )


@bp.get("/units/<uuid:unit_id>/edit")
@requires_permission(Action.MODIFY_UNIT)
def edit(unit_id: UUID) -> ResponseReturnValue:
    unit = _unit(unit_id)
    if not _may_edit(unit):
        raise NotFound
    return render_template(
        "pages/units/edit.html",
        unit=unit,
        fields=UNIT_FIELDS.input_labels,
        names=_names(unit),
        is_own=Role(current_user.role) in UNIT_ROLES,
        **_progress(unit),
    )


@bp.post("/units/<uuid:unit_id>")
@requires_permission(Action.MODIFY_UNIT)
@rerender_on_error(edit, Conflict)
def save(unit_id: UUID) -> ResponseReturnValue:
    was = _unit(unit_id).state
    unit = units.save_unit(current_user, unit_id, request.form)
    if unit.state == UnitState.DRAFT:
        flash_success(N_("已保存。带 * 的项填齐后即可办理其他业务。"), kind="warn")
        return redirect(url_for(".edit", unit_id=unit.id))
    opened = was == UnitState.DRAFT and Role(current_user.role) in UNIT_ROLES
    flash_success(N_("单位信息已完善，现在可以录入人员、为人员报名。") if opened else N_("单位信息已保存。"))
    return redirect(url_for(".show", unit_id=unit.id))


def _progress(unit: Organisation) -> dict[str, Any]:
    """Count how far the record is filled in."""
    required, missing = required_fields(UnitKind(unit.kind)), units.missing(unit)
    return {"missing": missing, "required": required, "filled": len(required) - len(missing)}


def _unit(unit_id: UUID) -> Organisation:
    unit = get_or_404_in_scope(current_user, Organisation, unit_id)
    if not unit.is_unit:
        raise NotFound
    if unit.kind in LEAVES:
        set_active_menu_item(LEAVES[unit.kind])
    return unit


def _may_edit(unit: Organisation) -> bool:
    """Tell if the page offers editing; the use case decides."""
    action = Action.EDIT_ACADEMY if unit.kind == UnitKind.ACADEMY else Action.MODIFY_UNIT
    return unit.state != UnitState.DELETED and is_in_scope(current_user, action, unit)


def _names(unit: Organisation) -> dict[str, str]:
    """Province and group by name."""
    return unit_list.names_of([unit.authority_id, unit.parent_id])


def _provinces() -> list[tuple[UUID, str]]:
    """The provinces to filter by or choose from; none for a user who sees one province."""
    return unit_list.provinces() if is_unscoped(current_user, Action.VIEW_UNITS) else []
