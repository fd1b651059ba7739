"""Fields of a published class that may change (R35), as use case and handler compare them."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

from sqlalchemy import select

from service.domain.training.class_fields import CLASS_FIELDS, DATES
from service.models.db.session import session
from service.models.tables.training.training import Enrollment, Score, TrainingClass
from service.validation.record_fields import Place

FIELD_LABELS = {one.key: one.label for one in CLASS_FIELDS.at(Place.CHANGE)}
"""Labels of the fields that may change after publication (R35), in the order of the notice."""

PERSONAL_FIELDS = tuple(one.key for one in CLASS_FIELDS.at(Place.CHANGE) if one.is_personal)
"""Those of them whose values the case refers to only."""


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
    return {name: date.fromisoformat(data[name]) if name in DATES else data[name] for name in FIELD_LABELS}


def has_scores(row: TrainingClass) -> bool:
    """True once a score has been recorded in the class, which fixes the pass mark (R35)."""
    query = select(Score.id).join(Enrollment, Enrollment.id == Score.enrollment_id)
    return session().scalar(query.where(Enrollment.class_id == row.id).limit(1)) is not None
