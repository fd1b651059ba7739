"""How the variables of a case read on its page."""

from __future__ import annotations

import pytest

from service.web.presenters import variable_labels


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("2026-12-17T16:00:00+00:00", "2026-12-18 00:00"),
        ("2026-12-24T18:00:00", "2026-12-24 18:00"),
        ("2026-12-24", "2026-12-24"),
        ("2026-99-99T18:00:00", "2026-99-99T18:00:00"),
        ("01a20cac-fffc-71dd-8cd5-2746e92f00ce", "…2746e92f00ce"),
    ],
)
def test_instants_read_in_the_time_of_china(value: str, seen: str) -> None:
    assert variable_labels.read("check_in_from", value) == seen
