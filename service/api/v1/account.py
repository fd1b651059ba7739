"""The account of the caller, and the short lists from which ids and codes are taken."""

from __future__ import annotations

from typing import Any

from service.api.v1.blueprint import Blueprint, requires_permission, user
from service.api.v1.schemas import account as schemas
from service.domain.accounts.permissions import PERMISSIONS, Action
from service.domain.accounts.roles import Role
from service.errors import Message
from service.infrastructure.translation import translate
from service.models.queries.units import unit_list
from service.models.tables.persons.person import QualificationType

blp = Blueprint("v1_account", __name__, description="账号与参考数据 / Account and reference data")


@blp.get("/me")
@requires_permission(Action.CHANGE_PASSWORD)
@blp.response(200, schemas.Account)
def show_account() -> Any:
    """我的账号 / One's own account and what its role may do"""
    found = user()
    own = found.organisation
    return {
        "login": found.login,
        "display_name": found.display_name,
        "role": found.role,
        "organisation_id": own.id,
        "organisation": own.name,
        "organisation_state": own.state,
        "actions": sorted(PERMISSIONS[Role(found.role)]),
    }


@blp.get("/provinces")
@blp.response(200, schemas.Places)
def list_provinces() -> Any:
    """省份 / The provinces"""
    return {"items": [{"id": key, "name": translate(Message(name))} for key, name in unit_list.provinces()]}


@blp.get("/institutions")
@blp.response(200, schemas.Places)
def list_institutions() -> Any:
    """培训机构 / The training institutions"""
    return {"items": [{"id": key, "name": name} for key, name in unit_list.institutions()]}


@blp.get("/qualification-types")
@blp.response(200, schemas.QualificationTypes)
def list_qualification_types() -> Any:
    """资格类型 / The qualification types in use"""
    ids, codes = QualificationType.choices(), QualificationType.choices(by_code=True)
    rows = [
        {"id": key, "code": code, "name": translate(Message(name))}
        for (key, name), (code, _) in zip(ids, codes, strict=True)
    ]
    return {"items": rows}
