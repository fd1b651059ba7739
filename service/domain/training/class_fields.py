"""The fields of a training class, declared once: draft, change after publication, REST and page read this table.

``forms/draft_class.form`` asks for the same fields under the same labels; a test holds the two together.
"""

from __future__ import annotations

from service.domain.training.scores import parse_pass_mark
from service.domain.training.training_kind import TrainingKind
from service.errors import N_
from service.validation.record_fields import FieldKind, Place, RecordField, RecordFields, places

_DRAFT = places(Place.FORM, Place.REST_IN, Place.REST_OUT)
_OPEN = places(_DRAFT, Place.CHANGE)  # may still change once published (R35)

CLASS_FIELDS = RecordFields(
    (
        RecordField(key="title", label=N_("班次名称"), places=_DRAFT, max_length=100, required=True),
        RecordField(
            key="kind",
            label=N_("培训类型"),
            kind=FieldKind.CHOICE,
            choices=TrainingKind,
            places=_DRAFT,
            required=True,
            has_rule=True,  # never changes after publication (R33)
        ),
        RecordField(
            key="institution_id",
            label=N_("承办培训机构"),
            kind=FieldKind.CHOICE,
            places=_DRAFT,
            required=True,
            has_rule=True,
        ),
        RecordField(key="place", label=N_("培训地点"), places=_OPEN, max_length=100, required=True),
        RecordField(key="enrol_from", label=N_("报名开始日"), kind=FieldKind.DATE, places=_OPEN, required=True),
        RecordField(key="enrol_until", label=N_("报名截止日"), kind=FieldKind.DATE, places=_OPEN, required=True),
        RecordField(key="starts_on", label=N_("开班日"), kind=FieldKind.DATE, places=_OPEN, required=True),
        RecordField(key="ends_on", label=N_("结束日"), kind=FieldKind.DATE, places=_OPEN, required=True),
        RecordField(
            key="hours",
            label=N_("学时"),
            kind=FieldKind.INTEGER,
            places=_DRAFT,
            minimum=1,
            maximum=500,
            required=True,
            hint=N_("每学时 45 分钟。"),
        ),
        RecordField(
            key="capacity",
            label=N_("名额"),
            kind=FieldKind.INTEGER,
            places=_OPEN,
            minimum=1,
            maximum=2000,
            required=True,
        ),
        RecordField(
            key="qualification_types",
            label=N_("招收的资格类型"),
            kind=FieldKind.CHOICE,
            places=_DRAFT,
            required=True,
            has_rule=True,
        ),
        RecordField(
            key="pass_mark",
            label=N_("及格线"),
            kind=FieldKind.SCORE,
            places=_OPEN,
            required=True,
            parse=parse_pass_mark,
        ),
        RecordField(
            key="makeup_allowed", label=N_("允许补考一次"), kind=FieldKind.BOOLEAN, places=_DRAFT, has_rule=True
        ),
        RecordField(
            key="open_to_other_provinces",
            label=N_("接受外省人员报名"),
            kind=FieldKind.BOOLEAN,
            places=_DRAFT,
            has_rule=True,
        ),
        RecordField(key="contact", label=N_("联系人及电话"), places=_OPEN, max_length=100, is_personal=True),
        RecordField(
            key="body", label=N_("其他说明"), kind=FieldKind.LINES, places=_OPEN, max_length=2000, is_personal=True
        ),
    )
)
DATES = tuple(one.key for one in CLASS_FIELDS.fields if one.kind is FieldKind.DATE)
