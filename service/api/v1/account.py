"""Who one is here, and the short lists from which ids and codes are taken."""

from __future__ import annotations

from typing import Any

from service.api.http.errors import say
from service.api.v1.blueprint import Room, user
from service.api.v1.schemas import account as schemas
from service.domain.accounts.permissions import PERMISSIONS, Action
from service.domain.accounts.roles import Role
from service.errors import Message
from service.models.queries.units import unit_list
from service.models.tables.person import QualificationType

room = Room("account", "账号与参考数据 / Account and reference data")


@room.operation(
    "GET",
    "/me",
    "我的账号",
    "One's own account and what its role may do",
    needs=[Action.CHANGE_PASSWORD],
    answer=schemas.Account,
)
def show_account() -> Any:
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


@room.operation("GET", "/provinces", "省份", "The provinces", answer=schemas.Places)
def list_provinces() -> Any:
    return {"items": [{"id": key, "name": say(Message(name))} for key, name in unit_list.provinces()]}


@room.operation("GET", "/institutions", "培训机构", "The training institutions", answer=schemas.Places)
def list_institutions() -> Any:
    return {"items": [{"id": key, "name": name} for key, name in unit_list.institutions()]}


@room.operation(
    "GET", "/qualification-types", "资格类型", "The qualification types in use", answer=schemas.QualificationTypes
)
def list_qualification_types() -> Any:
    ids, codes = QualificationType.choices(), QualificationType.choices(by_code=True)
    rows = [
        {"id": key, "code": code, "name": say(Message(name))} for (key, name), (code, _) in zip(ids, codes, strict=True)
    ]
    return {"items": rows}
