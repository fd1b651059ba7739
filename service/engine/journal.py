"""Rows of a case's journal: one per input, chained by hashes that cover digests of payloads, not the payloads.

Rows are plain JSON and survive a round trip through ``jsonb``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.engine.definition import Definition
from service.engine.kernel import timers
from service.engine.kernel.canonical_json import DIGEST_VERSION, canonical
from service.engine.kernel.types import (
    Input,
    Job,
    Step,
    UserTask,
)

ENGINE = "spiffworkflow-3.2.0/3"

HASHED_FIELDS = [
    "case",
    "seq",
    "kind",
    "actor",
    "behalf",
    "at",
    "element",
    "token",
    "due",
    "definition",
    "trace",
    "opened",
    "closed",
    "jobs",
    "decisions",
    "shape",
    "shown",
    "data_digest",
    "engine",
    "digest_version",
]
"""Fields that the hash covers as they stand, if they are there; of ``data`` and ``calls`` it covers salted digests."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Case and author of a row, and its place in the chain.

    case, actor, behalf: ids as text; prev: hash of the row before, '' for the first; salt: 16 random bytes.
    """

    case: str
    actor: str | None
    prev: str
    salt: bytes
    behalf: str | None = None


def instant(at: datetime) -> str:
    """Write an instant as rows do: ISO 8601, UTC, with ``Z``."""
    return timers.to_text(at)


def salted(salt: bytes, field: str, value: Any) -> str:
    """Return the hex digest of one field of a row under the row's salt."""
    return hmac.digest(_field_salt(salt, field), canonical(value), "sha256").hex()


def step_row(
    envelope: Envelope, definition: Definition, given: Input, step: Step, shown: Mapping[str, Any] | None = None
) -> Row:
    """Make the row of an input that moved the case.

    shown: what lists show of case and tasks beyond what follows from the journal; the row holds salted digests of it.
    """
    digests = {name: salted(envelope.salt, f"shown.{name}", value) for name, value in (shown or {}).items()}
    return _row(envelope, definition, given, step_fields(step) | ({"shown": digests} if digests else {}))


def note_row(envelope: Envelope, definition: Definition, given: Input, before: Mapping[str, Any]) -> Row:
    """Make the row of an input that moves a task but not the case (claim, unclaim, assign).

    Shape and data digest are those of ``before``, the row before it.
    """
    carried = {"shape": before["shape"], "data_digest": before["data_digest"]}
    return _row(envelope, definition, given, EMPTY_STEP_FIELDS | carried)


def _row(envelope: Envelope, definition: Definition, given: Input, done: Row) -> Row:
    row: Row = {
        "case": envelope.case,
        "seq": given.seq,
        "kind": given.kind,
        "actor": envelope.actor,
        "behalf": envelope.behalf,
        "at": instant(given.at),
        "element": given.element,
        "token": given.token,
        "due": None if given.due is None else instant(given.due),
        "definition": definition.digest,
        "engine": ENGINE,
        "digest_version": DIGEST_VERSION,
        "data": dict(given.data),
        "salt": base64.b64encode(envelope.salt).decode(),
        "prev": envelope.prev,
        **done,
    }
    row["digests"] = _digests(row, envelope.salt)
    row["hash"] = _hash(row)
    return row


EMPTY_STEP_FIELDS: Row = {"trace": [], "opened": [], "closed": [], "jobs": [], "decisions": "", "calls": []}


def step_fields(step: Step) -> Row:
    """Return the fields of a row that a step fills."""
    return {
        "trace": list(step.trace),
        "opened": [task_fields(task) for task in (*step.opened, *step.readdressed)],
        "closed": [*step.closed, *step.jobs_cleared],
        "jobs": [job_fields(job) for job in step.jobs_set],
        "decisions": step.decisions,
        "calls": [[call.element, call.topic, call.result] for call in step.calls],
        "shape": step.shape,
        "data_digest": step.data_digest,
    }


def task_fields(task: UserTask) -> list[Any]:
    """List the address of an opened or readdressed user task, without its name and summary, which may be personal."""
    return [
        task.token,
        task.element,
        task.role,
        task.scope,
        task.form_key,
        task.assignee,
        None if task.due is None else instant(task.due),
        None if task.follow_up is None else instant(task.follow_up),
        task.priority,
        task.batch,
        task.instance,
    ]


def job_fields(job: Job) -> list[Any]:
    """List the fields of a job that was set."""
    return [job.token, job.element, job.kind, None if job.due is None else instant(job.due), job.topic]


def verify_chain(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Name the first row, in order of ``seq``,
    that was changed, deleted, inserted or swapped; None when all are whole.
    """
    prev, expected = "", 0
    for row in rows:
        name = f"{row.get('case')}/{row.get('seq')}"
        if row.get("seq") != expected:
            return f"{name}: a row is missing, inserted or out of place (expected {expected})"
        fault = _payload_fault(row)
        if fault:
            return f"{name}: {fault}"
        if row.get("prev") != prev:
            return f"{name}: does not follow the row before"
        if _hash(row) != row.get("hash"):
            return f"{name}: changed"
        prev, expected = row["hash"], expected + 1
    return None


def _field_salt(salt: bytes, field: str) -> bytes:
    return hmac.digest(salt, field.encode(), "sha256")


def _digests(row: Mapping[str, Any], salt: bytes) -> dict[str, str]:
    """Digest each value of ``data``, and each call with its element and topic, under a salt of its own."""
    values = {f"data.{name}": value for name, value in row["data"].items()}
    values |= {f"calls.{n}": call for n, call in enumerate(row["calls"])}
    return {name: salted(salt, name, value) for name, value in values.items()}


def _payload_fault(row: Mapping[str, Any]) -> str | None:
    """Compare values with their digests."""
    try:
        found, told = _digests(row, base64.b64decode(row["salt"])), row["digests"]
        changed = sorted(name for name in {*found, *told} if found.get(name) != told.get(name))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return f"not a row of a journal ({error})"
    return f"{changed[0]} changed" if changed else None


def _hash(row: Mapping[str, Any]) -> str:
    fields = {name: row[name] for name in HASHED_FIELDS if row.get(name) is not None}
    return hashlib.sha256(row["prev"].encode() + canonical(fields) + canonical(row["digests"])).hexdigest()
