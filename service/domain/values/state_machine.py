"""The guard every handler passes before it writes a state: a move is drawn in domain.md §8, or it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from service.domain.values.labelled_enum import Labelled
from service.errors import N_, Conflict, Message

State = TypeVar("State", bound=Labelled)
Moves = Mapping[State, frozenset[State]]


def check_move(moves: Moves[State], now: State, to: State) -> None:
    """Raise ``Conflict`` unless ``moves`` leads from ``now`` to ``to``;
    staying put is a move only where it is listed.
    """
    if to not in moves.get(now, frozenset()):
        raise Conflict(
            Message(
                N_("当前状态是“%(now)s”，不能变为“%(to)s”，请刷新页面后再办理。"),
                now=Message(now.label),
                to=Message(to.label),
            )
        )
