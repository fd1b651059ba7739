"""The fields of a unit, declared once: its pages, REST, completeness and history read this table.

A further field is a line here, a column of the table with its migration, and its English in the catalogue.
"""

from __future__ import annotations

from service.domain.values.labelled_enum import Labelled
from service.domain.values.validators import parse_phone
from service.errors import N_
from service.validation.record_fields import FieldKind, Place, RecordField, RecordFields, places


class Business(Labelled):
    PRODUCTION = "production", N_("生产")
    SALE = "sale", N_("销售")
    BOTH = "both", N_("生产和销售")


_RULED = places(Place.FORM, Place.REST_OUT, Place.HISTORY)  # read and shown by rules of their own
_EVERYWHERE = places(_RULED, Place.REST_IN, Place.RECORD)

UNIT_FIELDS = RecordFields(
    (
        RecordField(key="name", label=N_("单位名称"), places=_RULED, max_length=100, required=True, has_rule=True),
        RecordField(key="credit_code", label=N_("统一社会信用代码"), places=_RULED, max_length=20, has_rule=True),
        RecordField(
            key="credit_code_reason",
            label=N_("信用代码核实说明"),
            places=places(Place.REST_OUT, Place.HISTORY),
            max_length=500,
            has_rule=True,
            is_optional=True,
            is_personal=True,
        ),
        RecordField(key="kind", label=N_("单位类型"), places=_RULED, required=True, has_rule=True),
        RecordField(key="parent_id", name="parent", label=N_("所属集团"), places=_RULED, has_rule=True),
        RecordField(key="authority_id", name="authority", label=N_("主管省份"), places=_RULED, has_rule=True),
        RecordField(
            key="business",
            label=N_("业务范围"),
            kind=FieldKind.CHOICE,
            choices=Business,
            places=_EVERYWHERE,
            is_brief=True,
        ),
        RecordField(key="legal_rep", label=N_("法定代表人"), places=_EVERYWHERE, max_length=50, is_personal=True),
        RecordField(
            key="contact", label=N_("联系人"), places=_EVERYWHERE, max_length=50, is_brief=True, is_personal=True
        ),
        RecordField(
            key="phone",
            label=N_("联系电话"),
            kind=FieldKind.CODE,
            places=_EVERYWHERE,
            max_length=30,
            parse=parse_phone,
            hint=N_("手机，或带区号的固定电话。"),
            is_brief=True,
            is_personal=True,
        ),
        RecordField(key="address", label=N_("地址"), places=_EVERYWHERE, max_length=200, is_personal=True),
        RecordField(
            key="production_licence", label=N_("生产许可证号"), places=_EVERYWHERE, max_length=40, is_optional=True
        ),
        RecordField(
            key="production_licence_until",
            label=N_("生产许可证有效期至"),
            kind=FieldKind.DATE,
            places=_EVERYWHERE,
            is_optional=True,
        ),
        RecordField(key="sales_licence", label=N_("销售许可证号"), places=_EVERYWHERE, max_length=40, is_optional=True),
        RecordField(
            key="sales_licence_until",
            label=N_("销售许可证有效期至"),
            kind=FieldKind.DATE,
            places=_EVERYWHERE,
            is_optional=True,
        ),
    )
)
