"""Messages that a case leaves for another: what the history says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.engine import journal
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.transaction import Operation
from service.models.tables.system.audit import RowChange


def message_change(cause: Operation, job: Mapping[str, Any]) -> dict[str, Any]:
    """The history of a message that is left for a case: who sent it, and a digest of what it says."""
    after = {name: str(job[name]) for name in ("case_id", "kind", "name")} | {"digest": message_digest(job)}
    row = {
        "id": new_id(),
        "at": now(),
        "use_case": cause.use_case,
        "actor_id": cause.actor_id,
        "behalf_id": cause.behalf_id,
        "case_id": cause.case_id,
        "seq": cause.seq,
        "kind": "insert",
        "table_name": "job",
        "row_id": job["id"],
        "before": None,
        "after": after,
        "sealed": None,
    }
    return row | {"mac": RowChange.mark_of(row)}


def message_digest(job: Mapping[str, Any]) -> str:
    """The digest of a message; its id, which nobody guesses, is the salt."""
    said = [str(job["case_id"]), job["kind"], job["name"], job["payload"]]
    return journal.salted(str(job["id"]).encode(), "message", said)
