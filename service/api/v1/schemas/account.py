"""The account of the caller, and the short lists from which ids and codes are taken."""

from __future__ import annotations

from marshmallow import fields

from service.api.v1.schemas.base import ResponseSchema
from service.domain.accounts.roles import Role
from service.domain.units.units import UnitState
from service.validation.fields import Choice, Id, List, Text, nested


class Account(ResponseSchema):
    login = Text("登录名。 / Login.")
    display_name = Text("姓名。 / Name.")
    role = Choice("角色。 / Role.", Role)
    organisation_id = Id("所在单位的 id。 / Id of the organisation.")
    organisation = Text("所在单位。 / Organisation.")
    organisation_state = Choice("待完善的单位只能完善资料。 / A draft unit can but complete its record.", UnitState)
    actions = List(fields.String(), "这个角色能办的事。 / What the role may do.")


class Place(ResponseSchema):
    id = Id()
    name = Text("名称。 / Name.")


class Places(ResponseSchema):
    items = List(nested(Place))


class QualificationType(ResponseSchema):
    id = Id("用于筛选。 / For filters.")
    code = Text("用于人员和培训班。 / For persons and classes.")
    name = Text("名称。 / Name.")


class QualificationTypes(ResponseSchema):
    items = List(nested(QualificationType))
