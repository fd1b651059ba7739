"""Changes of processes: versions that somebody proposed, who did, and what became of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.errors import NotFound
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.runtime.process import DefinitionVersion, ProcessChange
from service.operations.deployments import was_in_force
from service.workflow.processes import definitions
from service.workflow.runtime import tasks


def open_change(key: str, proposer_id: UUID | None = None) -> ProcessChange | None:
    """The proposed version of a process that waits for approval, the latest first; of anybody, or of this account."""
    waiting = select(ProcessChange).join(Case, Case.id == ProcessChange.case_id)
    waiting = waiting.where(ProcessChange.key == key, ProcessChange.state == "proposed", Case.ended_at.is_(None))
    if proposer_id is not None:
        waiting = waiting.where(ProcessChange.proposer_id == proposer_id)
    return session().scalars(waiting.order_by(ProcessChange.id.desc())).first()


def of_version(digest: str) -> ProcessChange | None:
    """The change by which a version came, or was to come, into force; the latest of several."""
    proposed = select(ProcessChange).where(ProcessChange.definition == digest)
    return session().scalars(proposed.order_by(ProcessChange.id.desc())).first()


def standing(version: DefinitionVersion, running: int) -> str:
    """Tell what a version is: current, running (cases only), retired; of one that was never in force, what became of
    its proposal.
    """
    if version.current:
        return "current"
    if was_in_force(version):
        return "running" if running else "retired"
    change = of_version(version.digest)
    waiting = change is not None and change.state == "proposed" and not session().get_one(Case, change.case_id).ended_at
    return "proposed" if waiting else "refused" if change and change.state == "refused" else "withdrawn"


def name_of(user_id: UUID | None) -> str:
    """Name an account; '' for none."""
    found = User.get(user_id) if user_id else None
    return found.display_name if found else ""


def of_case(case_id: Any) -> ProcessChange | None:
    """The change that a case of ``process_change`` is about."""
    return session().scalars(select(ProcessChange).where(ProcessChange.case_id == case_id)).one_or_none()


def own(user: User, most: int = 5) -> list[tuple[ProcessChange, DefinitionVersion]]:
    """The last changes that an account proposed, with their versions."""
    query = select(ProcessChange, DefinitionVersion).join(
        DefinitionVersion, DefinitionVersion.digest == ProcessChange.definition
    )
    query = query.where(ProcessChange.proposer_id == user.id).order_by(ProcessChange.id.desc()).limit(most)
    return [(change, version) for change, version in session().execute(query)]


def proposer_of(change: ProcessChange) -> str:
    """Name the proposer: an account, else user and machine of the operating system."""
    return name_of(change.proposer_id) or change.proposed_as


def withdraw(user: User, key: str) -> DefinitionVersion:
    """Take the own change back before it is decided; its version. Raises NotFound for anybody else's."""
    change = open_change(key, user.id)
    if change is None or change.case_id is None:
        raise NotFound
    tasks.correlate_message(user, change.case_id, "withdraw_change")
    return definitions.version(change.definition)
