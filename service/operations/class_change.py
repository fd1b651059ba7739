"""Fields of a published class that may change (R35), as use case and handler compare them."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

from sqlalchemy import select

from service.errors import N_
from service.models.db.session import session
from service.models.tables.training import Enrollment, Score, TrainingClass

FIELD_LABELS = {
    "place": N_("培训地点"),
    "enrol_from": N_("报名开始日"),
    "enrol_until": N_("报名截止日"),
    "starts_on": N_("开班日"),
    "ends_on": N_("结束日"),
    "capacity": N_("名额"),
    "pass_mark": N_("及格线"),
    "contact": N_("联系人及电话"),
    "body": N_("其他说明"),
}
"""Labels of ``domain.training.classes.OPEN_FIELDS``, in the order of the notice."""
DATE_FIELDS = ("enrol_from", "enrol_until", "starts_on", "ends_on")


def read_fields(row: TrainingClass) -> dict[str, Any]:
    """Read the fields from the row."""
    return {name: getattr(row, name) for name in FIELD_LABELS}


def fields_digest(row: TrainingClass) -> str:
    """Digest of the fields, to notice a change by a colleague while the form was open."""
    text = json.dumps({name: str(value) for name, value in read_fields(row).items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def changed_fields(row: TrainingClass, data: dict[str, Any]) -> list[str]:
    """Names of the fields whose wanted value differs from the row's."""
    before, after = read_fields(row), parse_fields(data)
    return [name for name in FIELD_LABELS if (before[name] or None) != (after[name] or None)]


def parse_fields(data: dict[str, Any]) -> dict[str, Any]:
    """Read the fields from the data of a message; days are ISO text there."""
    return {name: date.fromisoformat(data[name]) if name in DATE_FIELDS else data[name] for name in FIELD_LABELS}


def has_scores(row: TrainingClass) -> bool:
    """True once a score has been recorded in the class, which fixes the pass mark (R35)."""
    query = select(Score.id).join(Enrollment, Enrollment.id == Score.enrollment_id)
    return session().scalar(query.where(Enrollment.class_id == row.id).limit(1)) is not None
