"""Units: list, record, entry, and what changes one as a whole (R3–R11)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.api.v1.blueprint import Room, tagged, user
from service.api.v1.request_parser import IF_MATCH, check_version
from service.api.v1.schemas import units as schemas
from service.api.v1.schemas.pages import (
    ETAG,
    LOCATED,
    listed,
    page_of,
    raw,
)
from service.domain.accounts.permissions import Action
from service.errors import NotFound
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.units import unit_list
from service.models.queries.units.unit_list import UnitFilter
from service.models.tables.organisation import Organisation
from service.workflow.units import unit_changes, units

room = Room("units", "单位 / Units")


@room.operation(
    "GET",
    "/units",
    "单位列表",
    "Units in scope, in the order of pinyin",
    needs=[Action.VIEW_UNITS],
    query=schemas.UnitQuery,
    answer=page_of(schemas.Unit, "UnitPage"),
    refuses=[404],
)
def list_units(wanted: dict[str, Any]) -> Any:
    chosen = UnitFilter(wanted["q"], wanted.get("province"), wanted.get("kind", ""), wanted.get("state", ""))
    return listed(wanted, unit_list.units_query(user(), chosen), unit_list.ORDER)


@room.operation(
    "GET", "/units/<uuid:unit_id>", "单位", "One unit", needs=[Action.VIEW_UNITS], answer=schemas.UnitRecord, gives=ETAG
)
def show_unit(unit_id: UUID) -> Any:
    return _record(_unit(unit_id))


@room.operation(
    "POST",
    "/units",
    "新增单位",
    "Enter a unit",
    needs=[Action.ADD_UNIT, Action.EDIT_ACADEMY],
    body=schemas.NewUnit,
    answer=schemas.UnitRecord,
    status=201,
    refuses=[404, 409],
    gives=ETAG | LOCATED,
)
def create_unit(given: dict[str, Any]) -> Any:
    unit = units.create_unit(user(), raw(given))
    content, headers = _record(unit)
    return content, headers | {"Location": f"/api/v1/units/{unit.id}"}


@room.operation(
    "PATCH",
    "/units/<uuid:unit_id>",
    "修改单位",
    "Change the record of a unit",
    needs=[Action.MODIFY_UNIT],
    body=schemas.UnitChange,
    answer=schemas.UnitRecord,
    refuses=[409, 412],
    headers=[IF_MATCH],
    gives=ETAG,
)
def change_unit(unit_id: UUID, given: dict[str, Any]) -> Any:
    unit = _unit(unit_id)
    check_version(unit.version)
    kept = {name: getattr(unit, name) for name in schemas.KEPT}
    return _record(units.save_unit(user(), unit_id, raw({**kept, **given, "version": unit.version})))


@room.operation(
    "POST",
    "/units/<uuid:unit_id>/delete",
    "删除单位",
    "Delete a unit without persons and branches; it stays in the books",
    needs=[Action.DELETE_UNIT],
    answer=schemas.UnitRecord,
    refuses=[409],
    gives=ETAG,
)
def delete_unit(unit_id: UUID) -> Any:
    return _record(unit_changes.delete_unit(user(), unit_id))


@room.operation(
    "POST",
    "/units/<uuid:unit_id>/rename",
    "变更单位名称",
    "Give a unit another name",
    needs=[Action.RENAME_UNIT],
    body=schemas.NewName,
    answer=schemas.UnitRecord,
    refuses=[409],
    gives=ETAG,
)
def rename_unit(unit_id: UUID, given: dict[str, Any]) -> Any:
    return _record(unit_changes.rename_unit(user(), unit_id, given["name"]))


@room.operation(
    "POST",
    "/units/<uuid:unit_id>/convert",
    "单位转换",
    "Make a unit a branch, a group or an enterprise",
    needs=[Action.CONVERT_UNIT],
    body=schemas.Conversion,
    answer=schemas.UnitRecord,
    refuses=[409],
    gives=ETAG,
)
def convert_unit(unit_id: UUID, given: dict[str, Any]) -> Any:
    return _record(unit_changes.convert_unit(user(), unit_id, given["to"], given.get("group")))


def _unit(unit_id: UUID) -> Organisation:
    unit = get_or_404_in_scope(user(), Organisation, unit_id)
    if not unit.is_unit:
        raise NotFound
    return unit


def _record(unit: Organisation) -> Any:
    names = unit_list.names_of([unit.authority_id, unit.parent_id])
    shown = {name: getattr(unit, name) for name in schemas.SHOWN}
    content = shown | {
        "province": names.get(str(unit.authority_id)),
        "group": names.get(str(unit.parent_id)),
        "persons": unit_list.live_persons(unit.id),
        "missing": units.missing(unit),
    }
    return content, tagged(unit.version)
