"""R84: for whom an account does a task, over every way in which it may be held."""

from __future__ import annotations

from itertools import product
from uuid import UUID

import pytest

from service.domain.accounts.substitutes import Absence, ClaimedTask, behalf_of

ACTOR, AWAY, THIRD = (UUID(int=n) for n in (1, 2, 3))
KINDS = ("correction/assent", "correction/inner/assent", "correction/approve", "other/assent")


@pytest.mark.parametrize("limit", [(), ("correction/assent",)])
@pytest.mark.parametrize("kind", KINDS)
def test_r84_only_what_the_absent_one_holds_or_what_was_taken_over_from_them(limit: tuple[str, ...], kind: str) -> None:
    absence = Absence(AWAY, "张三", limit)
    is_covered = not limit or kind in KINDS[:2]
    for holder, taken_for, barred in product(
        (ACTOR, AWAY, THIRD), (None, ACTOR, AWAY, THIRD), (None, ACTOR, AWAY, THIRD)
    ):
        found = behalf_of(ACTOR, ClaimedTask(kind, holder, taken_for, barred), [absence])
        of_absent = (holder, taken_for) in ((AWAY, None), (ACTOR, AWAY))
        expected = absence if is_covered and of_absent and barred not in (ACTOR, AWAY) else None
        assert found == expected, (holder, taken_for, barred)
        assert behalf_of(ACTOR, ClaimedTask(kind, holder, taken_for, barred), []) is None
