"""Badges: every state of every enumeration has a colour and a sign, and its word is the enumeration's label."""

from __future__ import annotations

import pytest

from service.web.presenters.status_badges import BADGES, ENUMERATIONS, status_of


@pytest.mark.parametrize("kind", ENUMERATIONS)
def test_every_state_has_a_badge_with_the_label_of_the_enumeration(kind: str) -> None:
    for state in ENUMERATIONS[kind]:
        assert status_of(kind, state.value) == (*BADGES[ENUMERATIONS[kind]][state], state.label)


def test_a_state_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="unheard"):
        status_of("person", "unheard")
