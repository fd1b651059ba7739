"""The need as a ruler: true distances, labels that do not cover each other."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from service.domain.training.training_need import reference_date
from service.web.presenters.date_ruler import (
    LABEL_GAP_PX,
    LEFT,
    RIGHT,
    lay,
)


@pytest.mark.parametrize("days", [-400, -1, 0, 1, 55, 150, 400, 1095])
def test_labels_stand_apart_and_marks_keep_their_distances(days: int) -> None:
    today = date(2026, 11, 18)
    valid_to = today + timedelta(days=days)
    facts = {
        "today": today.isoformat(),
        "valid_to": valid_to.isoformat(),
        "reference_date": reference_date(today).isoformat(),
    }
    ruler = lay(facts)
    assert ruler is not None
    marks = [ruler.today, ruler.valid_to, ruler.reference]
    labels = sorted(mark.label for mark in marks)
    assert all(b - a >= LABEL_GAP_PX for a, b in pairwise(labels))
    assert {min(m.x for m in marks), max(m.x for m in marks)} == {LEFT, RIGHT}
    assert ruler.gap == (reference_date(today) - valid_to).days
    assert ruler.is_expired == (days < 0)


def test_without_a_certificate_there_is_no_ruler() -> None:
    assert lay({"valid_to": None}) is None
