"""Units: rows of the list, the record, what may be sent."""

from __future__ import annotations

from marshmallow import fields

from service.api.v1.schemas.base import RequestSchema, ResponseSchema
from service.api.v1.schemas.pages import SearchQuery
from service.api.v1.schemas.record_members import record_members
from service.domain.units.unit_fields import UNIT_FIELDS, Business
from service.domain.units.units import UnitKind, UnitState
from service.validation.fields import Choice, Id, Integer, List, Text
from service.validation.record_fields import Place

PROVINCE = "主管省份的 id，见 GET /provinces。 / Id of the province."
GROUP = "所属集团的 id（分公司必填）。 / Id of the group; branches have one."
RESPONSE_FIELDS = ("id", *UNIT_FIELDS.keys_at(Place.REST_OUT), "state", "names_history", "version")


class UnitQuery(SearchQuery):
    province = Id(PROVINCE)
    kind = Choice("单位类型。 / Kind.", UnitKind)
    state = Choice("状态；缺省不含已删除的。 / State; deleted ones only when asked for.", UnitState)


class Unit(ResponseSchema):
    """One row of the list."""

    id = Id()
    name = Text("单位名称。 / Name.", 100)
    kind = Choice("单位类型：集团、企业、分公司、院校。 / Kind.", UnitKind)
    state = Choice("待完善、正常、已删除。 / State.", UnitState)
    credit_code = Text("统一社会信用代码。 / Unified social credit code.", 18, allow_none=True)
    business = Choice("业务范围。 / Business.", Business, allow_none=True)
    contact = Text("联系人。 / Contact.", 50, allow_none=True)
    province = Text("主管省份；院校可以没有。 / Province.", 100, allow_none=True)
    group = Text("所属集团。 / Group of a branch.", 100, allow_none=True)
    persons = Integer("在册人员数。 / Persons, without drafts and deregistered ones.")


class UnitRecord(Unit):
    """A unit's whole record."""

    class Meta(Unit.Meta):
        include = record_members(UNIT_FIELDS, Place.REST_OUT)

    authority_id = Id("主管省份的 id。 / Id of the province.", allow_none=True)
    parent_id = Id("所属集团的 id。 / Id of the group.", allow_none=True)
    credit_code_reason = Text(
        "校验不符的代码为何仍可用。 / Why a code stands whose check character does not fit.", 500, allow_none=True
    )
    names_history = List(
        fields.Dict(), "曾用名：name、until（用到哪天）。 / Former names, each with the day it was used until."
    )
    missing = List(fields.String(), "还没有填写的必填项。 / Required fields that are empty.")
    version = Integer("版本号，即 ETag。 / Version, the same as the ETag.", 1)


class UnitChange(RequestSchema):
    """A change of a unit's record; a member left out stays, null empties it."""

    class Meta(RequestSchema.Meta):
        include = record_members(UNIT_FIELDS, Place.REST_IN)

    credit_code = Text("统一社会信用代码，18 位。 / Unified social credit code.", 40, is_written=True, allow_none=True)
    credit_code_reason = Text(
        "校验不符的代码为何仍可用，由主管部门填写。 / Why a code stands whose check character does not fit.",
        500,
        multiline=True,
        allow_none=True,
    )


class NewUnit(UnitChange):
    """A new unit: name, kind and province must be there, the unit itself completes the rest."""

    name = Text("单位名称。 / Name.", 100, min_length=1, is_written=True, required=True)
    kind = Choice("单位类型。 / Kind.", UnitKind, required=True)
    authority = Id("主管省份的 id；省级账号不必填，院校可以没有。 / Province; provincial accounts have their own.")
    parent = Id(GROUP)


class NewName(RequestSchema):
    name = Text("新名称。 / The new name.", 100, min_length=1, is_written=True, required=True)


class Conversion(RequestSchema):
    to = Choice("转换为。 / Into what.", (UnitKind.BRANCH, UnitKind.GROUP, UnitKind.ENTERPRISE), required=True)
    group = Id("转为分公司时加入的集团。 / Group that a branch joins.")
