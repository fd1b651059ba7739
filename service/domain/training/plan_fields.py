"""The fields of a training plan, declared once: its form, page, comparison and history read this table."""

from __future__ import annotations

from service.domain.training.training_kind import TrainingKind
from service.errors import N_
from service.validation.record_fields import FieldKind, Place, RecordField, RecordFields, places

_SHOWN = places(Place.HISTORY)
_EVERYWHERE = places(Place.FORM, Place.HISTORY, Place.RECORD)

PLAN_FIELDS = RecordFields(
    (
        RecordField(key="title", label=N_("名称"), places=_EVERYWHERE, max_length=100, required=True, has_rule=True),
        RecordField(
            key="kind",
            label=N_("类型"),
            kind=FieldKind.CHOICE,
            choices=TrainingKind,
            places=_EVERYWHERE,
            required=True,
            has_rule=True,  # fixed once published (R33)
        ),
        RecordField(
            key="year",
            label=N_("年度"),
            kind=FieldKind.INTEGER,
            places=_EVERYWHERE,
            minimum=2000,
            maximum=2999,
            required=True,
            has_rule=True,
        ),
        RecordField(key="month", label=N_("月份"), kind=FieldKind.INTEGER, places=_SHOWN, has_rule=True),
        RecordField(key="quarter", label=N_("季度"), kind=FieldKind.INTEGER, places=_SHOWN, has_rule=True),
        RecordField(key="place", label=N_("地点"), places=_EVERYWHERE, max_length=100),
        RecordField(
            key="capacity", label=N_("名额"), kind=FieldKind.INTEGER, places=_EVERYWHERE, minimum=1, maximum=2000
        ),
        RecordField(key="hours", label=N_("学时"), kind=FieldKind.INTEGER, places=_EVERYWHERE, minimum=1, maximum=500),
        RecordField(
            key="note", label=N_("说明"), kind=FieldKind.LINES, places=_EVERYWHERE, max_length=500, is_personal=True
        ),
        RecordField(key="state", label=N_("状态"), places=_SHOWN, has_rule=True),
        RecordField(key="cancel_reason", label=N_("取消原因"), places=_SHOWN, has_rule=True, is_personal=True),
    )
)
