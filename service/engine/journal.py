"""Rows of a case's journal: one per input, chained by hashes that cover digests and never payloads.

Erasing a payload and its salt leaves the chain, the path and the shape provable. Rows are plain JSON and survive a
round trip through ``jsonb``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from service.engine.definition import Definition
from service.engine.kernel import timers
from service.engine.kernel.canonical_json import DIGEST_VERSION, canonical, digest
from service.engine.kernel.types import (
    Data,
    Input,
    Job,
    Step,
    UserTask,
)

ENGINE = "spiffworkflow-3.2.0/1"

HASHED_FIELDS = [
    "case",
    "seq",
    "kind",
    "actor",
    "behalf",
    "at",
    "element",
    "token",
    "instance",
    "due",
    "definition",
    "to",
    "map",
    "target",
    "trace",
    "opened",
    "closed",
    "jobs",
    "decisions",
    "skel",
    "shape",
    "data_digest",
    "engine",
    "digest_version",
]
"""What the hash covers as it stands; of ``data`` and ``calls`` it covers skeleton and salted digests only."""

Row = dict[str, Any]


def instant(at: datetime) -> str:
    """The text of an instant in rows: ISO 8601, UTC, with ``Z``."""
    return timers.to_text(at)


def salted(salt: bytes, field: str, value: Any) -> str:
    """Hex digest of one field of a row under the row's salt."""
    return hmac.digest(_field_salt(salt, field), canonical(value), "sha256").hex()


def make_row(
    case: str,
    given: Input,
    step: Step | None,
    definition: Definition,
    actor: str | None,
    behalf: str | None,
    prev: str,
    salt: bytes,
    carry: Mapping[str, Any] | None = None,
    target: int | None = None,
) -> Row:
    """The row of an input and what it did. ``prev`` is the hash of the row before, '' for the first.

    ``step`` is None for inputs that move a task but not the case (claim, unclaim, assign): shape and data digest are
    then carried over from ``carry``, the row before. ``target`` is the first row that an undo takes back.
    """
    before = carry or {}
    row: Row = {
        "case": case,
        "seq": given.seq,
        "kind": given.kind,
        "actor": actor,
        "behalf": behalf,
        "at": instant(given.at),
        "element": given.element,
        "token": given.token,
        "instance": None,
        "due": None if given.due is None else instant(given.due),
        "definition": definition.digest,
        "to": None,
        "map": None,
        "target": target,
        "engine": ENGINE,
        "digest_version": DIGEST_VERSION,
        "data": dict(given.data),
        "salt": base64.b64encode(salt).decode(),
        "prev": prev,
    }
    row |= (
        step_fields(step)
        if step
        else EMPTY_STEP_FIELDS | {name: before.get(name, "") for name in ("shape", "data_digest")}
    )
    row["skel"] = _skeleton_digest(row)
    row["digests"] = _digests(row, salt)
    row["hash"] = _hash(row, prev)
    return row


EMPTY_STEP_FIELDS: Row = {"trace": [], "opened": [], "closed": [], "jobs": [], "decisions": "", "calls": []}


def step_fields(step: Step) -> Row:
    """The part of a row that a step tells."""
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
    """What a row says of an opened or readdressed user task: its address; names and summaries may be personal."""
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
    """What a row says of a job that was set."""
    return [job.token, job.element, job.kind, None if job.due is None else instant(job.due), job.topic]


def verify_chain(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """The first fault of a case's rows in order of ``seq``: changed, deleted, inserted, swapped; None when there is none."""
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
        if _hash(row, prev) != row.get("hash"):
            return f"{name}: changed"
        prev, expected = row["hash"], expected + 1
    return None


def erase(row: Mapping[str, Any], fields: Iterable[str] | None = None) -> Row:
    """The row without its payload (all, or ``data.name`` and ``calls.0`` of it) and the salts that could betray it."""
    found = dict(row)
    names = set(row["digests"]) if fields is None else set(fields)
    found["data"] = {k: _skeleton(v) if f"data.{k}" in names else v for k, v in row["data"].items()}
    found["calls"] = [
        [element, topic, _skeleton(value) if f"calls.{n}" in names else value]
        for n, (element, topic, value) in enumerate(row["calls"])
    ]
    found["salt"] = {name: salt.hex() for name, salt in _salts(row).items() if name not in names} or None
    return found


def is_erased(row: Mapping[str, Any]) -> bool:
    """Whether some payload of the row is gone."""
    return not isinstance(row["salt"], str)


def _field_salt(salt: bytes, field: str) -> bytes:
    return hmac.digest(salt, field.encode(), "sha256")


def _payload(row: Mapping[str, Any]) -> Data:
    """Field → value of everything that may be erased."""
    found = {f"data.{name}": value for name, value in row["data"].items()}
    return found | {f"calls.{n}": result for n, (_, _, result) in enumerate(row["calls"])}


def _salts(row: Mapping[str, Any]) -> dict[str, bytes]:
    """Field → the salt that still opens it."""
    salt = row["salt"]
    if isinstance(salt, str):
        whole = base64.b64decode(salt)
        return {name: _field_salt(whole, name) for name in _payload(row)}
    return {name: bytes.fromhex(text) for name, text in (salt or {}).items()}


def _digests(row: Mapping[str, Any], salt: bytes) -> dict[str, str]:
    return {name: salted(salt, name, value) for name, value in _payload(row).items()}


def _payload_fault(row: Mapping[str, Any]) -> str | None:
    """Values against their digests; a value without a salt may only be a skeleton."""
    try:
        payload, salts = _payload(row), _salts(row)
        if _skeleton_digest(row) != row["skel"] or set(payload) != set(row["digests"]):
            return "its payload has another structure"
        for name, value in payload.items():
            salt = salts.get(name)
            if salt is None and value != _skeleton(value):
                return f"{name} changed under cover of erasure"
            if salt is not None and hmac.digest(salt, canonical(value), "sha256").hex() != row["digests"][name]:
                return f"{name} changed"
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return f"not a row of a journal ({error})"
    return None


def _skeleton(value: Any) -> Any:
    """The structure of a value with every leaf gone."""
    if isinstance(value, dict):
        return {name: _skeleton(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_skeleton(item) for item in value]
    return None


def _skeleton_digest(row: Mapping[str, Any]) -> str:
    return digest(
        [_skeleton(row["data"]), [[element, topic, _skeleton(value)] for element, topic, value in row["calls"]]]
    )


def _hash(row: Mapping[str, Any], prev: str) -> str:
    fixed = {name: row[name] for name in HASHED_FIELDS if row.get(name) is not None}
    return hashlib.sha256(prev.encode() + canonical(fixed) + canonical(row["digests"])).hexdigest()
