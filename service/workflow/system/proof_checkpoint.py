"""The checkpoint of a proof: a file of what was proved, signed slice by slice, so that a killed proof goes on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from service.engine import journal
from service.errors import N_, Conflict
from service.infrastructure.seals import seal_keys
from service.workflow.runtime.verification import Difference


@dataclass(frozen=True, slots=True)
class Slice:
    """Cases that were proved together: their rows, what differs, what the independent game does not play."""

    cases: Sequence[UUID]
    rows: int
    differences: Sequence[Difference]
    unplayed: Counter[str]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Slices in a file, a line each. selection: what is proved; begun: the moment of the database that is seen."""

    path: Path
    selection: Mapping[str, Any]
    begun: datetime

    def kept(self, moved: Mapping[UUID, datetime]) -> tuple[list[Slice], datetime]:
        """The slices that still hold, and since when: none of their cases has moved since, or is gone.

        moved: when each case moved last. A line that was cut off or altered counts as not there. Raises Conflict for
        the file of another proof.
        """
        found, begun = list[Slice](), self.begun
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            body = _signed(line)
            if body is None:
                continue
            if body["selection"] != self.selection or body["engine"] != journal.ENGINE:
                raise Conflict(N_("这个文件属于另一次核验（范围或版本不同），请换一个文件名，或删去它重新开始。"))
            at = datetime.fromisoformat(body["begun"])
            part = _slice(body)
            if all(case in moved and moved[case] < at for case in part.cases):
                found, begun = [*found, part], min(begun, at)
        return found, begun

    def keep(self, part: Slice) -> None:
        """Append a slice."""
        body = {
            "selection": dict(self.selection),
            "engine": journal.ENGINE,
            "begun": self.begun.isoformat(),
            "cases": [str(case) for case in part.cases],
            "rows": part.rows,
            "differences": [[str(one.case_id or ""), one.what, one.detail] for one in part.differences],
            "not_played": dict(part.unplayed),
        }
        with self.path.open("a") as out:
            out.write(json.dumps(seal_keys.sign(body), sort_keys=True, ensure_ascii=False) + "\n")


def _signed(line: str) -> dict[str, Any] | None:
    """The body of a whole line that one of our keys signed."""
    try:
        entry = json.loads(line)
        return dict(entry["body"]) if seal_keys.is_signed(entry) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _slice(body: Mapping[str, Any]) -> Slice:
    differences = [Difference(UUID(key) if key else None, what, detail) for key, what, detail in body["differences"]]
    return Slice([UUID(key) for key in body["cases"]], body["rows"], differences, Counter(body["not_played"]))
