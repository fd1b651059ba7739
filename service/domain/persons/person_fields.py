"""The fields of a person, declared once: entry form, import sheet, REST, comparison,
history and papers read this table.

A further field is a line here, a column of the table with its migration, and its English in the catalogue.
"""

from __future__ import annotations

from service.domain.persons.identity import ID_TYPE_WORDS, SEX_WORDS, IdType, Sex
from service.errors import N_
from service.validation.record_fields import NO_WORDS, YES_WORDS, FieldKind, Place, RecordField, RecordFields, places

_INPUT = places(Place.FORM, Place.SHEET, Place.REST_IN)
_SHOWN = places(Place.REST_OUT, Place.HISTORY)
_EVERYWHERE = places(_INPUT, _SHOWN, Place.RECORD)

IDENTITY, EMPLOYMENT, LEGACY, DECLARATION = "identity", "employment", "legacy", "declaration"  # parts of the form

PERSON_FIELDS = RecordFields(
    (
        RecordField(
            key="name",
            label=N_("姓名"),
            places=_EVERYWHERE,
            section=IDENTITY,
            max_length=50,
            required=True,
            has_rule=True,
        ),
        RecordField(
            key="unit_id",
            name="unit",
            label=N_("单位"),
            kind=FieldKind.CHOICE,
            places=_EVERYWHERE,
            section=EMPLOYMENT,
            has_rule=True,
            width=30,
        ),
        RecordField(
            key="id_type",
            label=N_("证件类型"),
            kind=FieldKind.CHOICE,
            choices=IdType,
            synonyms=ID_TYPE_WORDS,
            places=_EVERYWHERE,
            section=IDENTITY,
            has_rule=True,
            width=24,
        ),
        RecordField(
            key="id_number_masked",
            name="id_number",
            label=N_("证件号码"),
            kind=FieldKind.CODE,
            places=_EVERYWHERE,
            section=IDENTITY,
            max_length=40,
            required=True,
            has_rule=True,
            compared="id_number_digest",
            is_personal=True,
            width=24,
        ),
        RecordField(
            key="birth_date",
            label=N_("出生日期"),
            kind=FieldKind.DATE,
            places=_EVERYWHERE,
            section=IDENTITY,
            has_rule=True,  # follows from an identity number (R18)
        ),
        RecordField(
            key="sex",
            label=N_("性别"),
            kind=FieldKind.CHOICE,
            choices=Sex,
            synonyms=SEX_WORDS,
            places=_EVERYWHERE,
            section=IDENTITY,
            has_rule=True,
            width=8,
        ),
        RecordField(
            key="phone_masked",
            name="phone",
            label=N_("手机"),
            kind=FieldKind.CODE,
            places=_EVERYWHERE,
            section=IDENTITY,
            max_length=30,
            has_rule=True,
            compared="phone_digest",
            is_personal=True,
            width=16,
        ),
        RecordField(
            key="qualification_type_id",
            name="qualification_type",
            label=N_("资格类型"),
            kind=FieldKind.CHOICE,
            places=places(_INPUT, Place.HISTORY, Place.RECORD),
            section=EMPLOYMENT,
            max_length=20,
            required=True,
            has_rule=True,
            width=28,
        ),
        RecordField(
            key="post",
            label=N_("职务"),
            places=_EVERYWHERE,
            section=EMPLOYMENT,
            max_length=50,
            is_brief=True,
            is_personal=True,
        ),
        RecordField(
            key="appointed_on",
            label=N_("任职日期"),
            kind=FieldKind.DATE,
            places=_EVERYWHERE,
            section=EMPLOYMENT,
            not_after_today=True,
            hint=N_("任职 6 个月内须取证。"),
            is_brief=True,
        ),
        RecordField(
            key="education",
            label=N_("学历"),
            places=_EVERYWHERE,
            section=EMPLOYMENT,
            max_length=30,
            is_personal=True,
        ),
        RecordField(
            key="title", label=N_("职称"), places=_EVERYWHERE, section=EMPLOYMENT, max_length=50, is_personal=True
        ),
        RecordField(
            key="photo_id",
            name="photo",
            label=N_("照片"),
            places=places(Place.FORM, Place.HISTORY),
            has_rule=True,
        ),
        RecordField(
            key="legacy_number",
            name="certificate_number",
            label=N_("原证书编号"),
            kind=FieldKind.CODE,
            places=_EVERYWHERE,
            section=LEGACY,
            max_length=20,
            has_rule=True,
            width=18,
        ),
        RecordField(
            key="legacy_issued_on",
            name="certificate_issued_on",
            label=N_("原证书发证日期"),
            kind=FieldKind.DATE,
            places=_EVERYWHERE,
            section=LEGACY,
            has_rule=True,
            width=16,
        ),
        RecordField(
            key="legacy_valid_to",
            name="certificate_valid_to",
            label=N_("原证书有效期至"),
            kind=FieldKind.DATE,
            places=_EVERYWHERE,
            section=LEGACY,
            has_rule=True,
            width=16,
        ),
        RecordField(
            key="no_criminal_record",
            label=N_("无刑事处罚声明"),
            kind=FieldKind.BOOLEAN,
            synonyms={
                "true": (*YES_WORDS, "无刑事处罚", "没有刑事处罚"),
                "": NO_WORDS,
            },  # 无 alone: no penalty, or no word?
            places=_EVERYWHERE,
            section=DECLARATION,
            has_rule=True,
            width=18,
        ),
        RecordField(key="state", label=N_("状态"), places=_SHOWN, has_rule=True, compared=""),
        RecordField(
            key="decision_comment",
            label=N_("审批意见"),
            places=_SHOWN,
            has_rule=True,
            compared="",
            is_personal=True,
        ),
    )
)
