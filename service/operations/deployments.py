"""Put a version of a process in force: new cases take it, and the audit trail tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import func, select, update

from service.models.db.session import session
from service.models.listeners.training_need_listener import STALE
from service.models.queries.system import diagram_english, versions_in_force
from service.models.tables.accounts.user import User
from service.models.tables.runtime.process import DefinitionFile, DefinitionVersion, ProcessChange
from service.models.tables.system.audit import AuditEvent
from service.models.tables.training.training import TrainingNeed

DEPLOY, RESTORE = "deploy_process", "restore_process"


LOCK = 0x616E7065  # of deployments: machines that start together deploy one after the other, approvals too


gates: list[Callable[[Mapping[str, bytes]], bool]] = []
"""Of the layer above, which knows names and diagrams: each tells whether a bundle may not come into force today."""


proofs: list[Callable[[DefinitionVersion, Mapping[str, bytes]], dict[str, Any]]] = []
"""Of the layer above: each gives a part of the proof that is kept with a version that comes into force."""


def is_refused_now(version: DefinitionVersion) -> bool:
    """Tell whether the gate refuses a stored version: names may have changed since it was proposed."""
    files = _files(version)
    return any(gate(files) for gate in gates)


def _files(version: DefinitionVersion) -> dict[str, bytes]:
    rows = session().execute(
        select(DefinitionFile.name, DefinitionFile.content).where(DefinitionFile.definition == version.digest)
    )
    return {name: bytes(content) for name, content in rows}


def lock_deployments() -> None:
    """Let nobody else put a version in force before the commit."""
    session().execute(select(func.pg_advisory_xact_lock(LOCK)))


def put_in_force(version: DefinitionVersion) -> int | None:
    """Let new cases take this version; the number of the one that they took until now."""
    unit, of_key = session(), DefinitionVersion.key == version.key
    replaced = unit.scalar(select(DefinitionVersion.number).where(of_key, DefinitionVersion.current))
    unit.execute(update(DefinitionVersion).where(of_key).values(current=False))
    version.current = True
    files = _files(version)
    for proof in proofs:
        version.proof = version.proof | proof(version, files)
    unit.flush()
    if "training_need.dmn" in files:
        unit.execute(update(TrainingNeed).values(as_of=STALE))  # decided again by the new table
    diagram_english.forget()
    versions_in_force.forget()
    return replaced


def was_in_force(version: DefinitionVersion) -> bool:
    """Tell whether cases may take a version: it is or was in force. What was only proposed never was."""
    proposed = select(ProcessChange.id).where(ProcessChange.definition == version.digest)
    approved = proposed.where(ProcessChange.state == "approved")
    event = select(AuditEvent.id).where(
        AuditEvent.action.in_((DEPLOY, RESTORE)),
        AuditEvent.detail["process"].astext == version.key,
        AuditEvent.detail["version"].as_integer() == version.number,
    )
    unit = session()
    return (
        version.current
        or unit.scalar(proposed.limit(1)) is None
        or any(unit.scalar(query.limit(1)) is not None for query in (approved, event))
    )


def deployment_event(
    action: str, version: DefinitionVersion, replaced: int | None, told: Mapping[str, str], user: User | None
) -> AuditEvent:
    """The entry of the audit trail. told: the way it came, the note, and who, where no account did it."""
    detail = {"process": version.key, "version": version.number, "replaced": replaced, **told}
    said = {name: value for name, value in detail.items() if value is not None}
    return AuditEvent.by(user, action, "process", detail=said)
