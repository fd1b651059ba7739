"""Substitutes: for some days a colleague does what an absent account has claimed (R84)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

MOST_DAYS = 366  # of one substitution
MOST_AHEAD = 12  # substitutions of one account that run or are to come


@dataclass(frozen=True, slots=True)
class Absence:
    """An account that is away today, and the kinds of task (``process/element``) done for it; no kinds: all."""

    user_id: UUID
    name: str
    kinds: tuple[str, ...] = ()

    def covers(self, kind: str) -> bool:
        """Tell whether tasks of the kind are done for the account."""
        process, *_, element = kind.split("/")  # elements of a subprocess have its path between them
        return not self.kinds or f"{process}/{element}" in self.kinds


@dataclass(frozen=True, slots=True)
class ClaimedTask:
    """A task as somebody has claimed it.

    taken_for: the account whose task the holder took over, None for what is held in one's own right;
    barred: the account that it is kept from (R69).
    """

    kind: str
    holder_id: UUID
    taken_for: UUID | None = None
    barred: UUID | None = None


def behalf_of(actor_id: UUID, task: ClaimedTask, absences: Iterable[Absence]) -> Absence | None:
    """Tell for whom an account does a task: the one rule on substitutes, which every page and act asks (R84).

    For an absent colleague it does what that colleague holds in their own right, and what it has taken over from them.
    What the colleague does for a third is not handed on, and nothing is done from which one of the two is barred.
    absences: of those for whom ``actor_id`` stands in today.
    """
    is_holder = task.holder_id == actor_id
    absent_id = task.taken_for if is_holder else task.holder_id
    if absent_id is None or task.barred in (absent_id, actor_id) or not (is_holder or task.taken_for is None):
        return None
    return next((one for one in absences if one.user_id == absent_id and one.covers(task.kind)), None)
