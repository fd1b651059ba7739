"""Units: list, record, entry, and what changes one as a whole (R3–R11)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.api.v1.blueprint import Blueprint, etag, requires_permission, user
from service.api.v1.request_parser import IF_MATCH_HEADER, check_version
from service.api.v1.schemas import units as schemas
from service.api.v1.schemas.pages import (
    ETAG,
    LOCATED,
    page_of,
    paginated,
    to_form,
)
from service.domain.accounts.permissions import Action
from service.domain.units.unit_fields import UNIT_FIELDS
from service.errors import NotFound
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.units import unit_list
from service.models.tables.units.organisation import Organisation
from service.validation.record_fields import Place
from service.workflow.units import unit_changes, units

blp = Blueprint("v1_units", __name__, description="单位 / Units")


@blp.get("/units")
@requires_permission(Action.VIEW_UNITS)
@blp.arguments(schemas.UnitQuery, location="query")
@blp.response(200, page_of(schemas.Unit, "UnitPage"))
@blp.alt_response(404, response="PROBLEM_404")
def list_units(wanted: dict[str, Any]) -> Any:
    """单位列表 / Units in scope, in the order of pinyin"""
    chosen = ReportFilter.from_values(wanted)
    return paginated(wanted, unit_list.units_query(user(), chosen), unit_list.ORDER)


@blp.get("/units/<uuid:unit_id>")
@requires_permission(Action.VIEW_UNITS)
@blp.response(200, schemas.UnitRecord, headers=ETAG)
def show_unit(unit_id: UUID) -> Any:
    """单位 / One unit"""
    return _record(_unit(unit_id))


@blp.post("/units")
@requires_permission(Action.ADD_UNIT, Action.EDIT_ACADEMY)
@blp.arguments(schemas.NewUnit)
@blp.response(201, schemas.UnitRecord, headers=ETAG | LOCATED)
@blp.alt_response(404, response="PROBLEM_404")
@blp.alt_response(409, response="PROBLEM_409")
def create_unit(given: dict[str, Any]) -> Any:
    """新增单位 / Enter a unit"""
    unit = units.create_unit(user(), to_form(given))
    content, headers = _record(unit)
    return content, headers | {"Location": f"/api/v1/units/{unit.id}"}


@blp.patch("/units/<uuid:unit_id>")
@requires_permission(Action.MODIFY_UNIT)
@blp.arguments(schemas.UnitChange)
@blp.response(200, schemas.UnitRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
@blp.alt_response(412, response="PROBLEM_412")
@blp.doc(parameters=[IF_MATCH_HEADER])
def change_unit(given: dict[str, Any], unit_id: UUID) -> Any:
    """修改单位 / Change the record of a unit"""
    unit = _unit(unit_id)
    check_version(unit.version)
    kept = {one.input_name: getattr(unit, one.key) for one in UNIT_FIELDS.at(Place.REST_IN)}
    return _record(units.save_unit(user(), unit_id, to_form({**kept, **given, "version": unit.version})))


@blp.post("/units/<uuid:unit_id>/delete")
@requires_permission(Action.DELETE_UNIT)
@blp.response(200, schemas.UnitRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def delete_unit(unit_id: UUID) -> Any:
    """删除单位 / Delete a unit without persons and branches; it stays in the books"""
    return _record(unit_changes.delete_unit(user(), unit_id))


@blp.post("/units/<uuid:unit_id>/rename")
@requires_permission(Action.RENAME_UNIT)
@blp.arguments(schemas.NewName)
@blp.response(200, schemas.UnitRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def rename_unit(given: dict[str, Any], unit_id: UUID) -> Any:
    """变更单位名称 / Give a unit another name"""
    return _record(unit_changes.rename_unit(user(), unit_id, given["name"]))


@blp.post("/units/<uuid:unit_id>/convert")
@requires_permission(Action.CONVERT_UNIT)
@blp.arguments(schemas.Conversion)
@blp.response(200, schemas.UnitRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def convert_unit(given: dict[str, Any], unit_id: UUID) -> Any:
    """单位转换 / Make a unit a branch, a group or an enterprise"""
    return _record(unit_changes.convert_unit(user(), unit_id, given["to"], given.get("group")))


def _unit(unit_id: UUID) -> Organisation:
    unit = get_or_404_in_scope(user(), Organisation, unit_id)
    if not unit.is_unit:
        raise NotFound
    return unit


def _record(unit: Organisation) -> Any:
    names = unit_list.names_of([unit.authority_id, unit.parent_id])
    shown = {name: getattr(unit, name) for name in schemas.RESPONSE_FIELDS}
    content = shown | {
        "province": names.get(str(unit.authority_id)),
        "group": names.get(str(unit.parent_id)),
        "persons": unit_list.live_persons(unit.id),
        "missing": units.missing(unit),
    }
    return content, etag(unit.version)
