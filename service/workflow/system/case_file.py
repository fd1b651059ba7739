"""The file of a case for an auditor: what its journal tells, with the hashes of its rows and the last seal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from service.config import settings
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.errors import NotAllowed
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, CaseDocument, JournalRow
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.seal import Seal, SealLeaf
from service.workflow.runtime import history
from service.workflow.runtime.history import TimelineRow


@dataclass(frozen=True, slots=True)
class LastFrame:
    """The end of a case in the diagram of one version: paths of elements done and with a token, and flows taken."""

    done: frozenset[str]
    tokens: frozenset[str]
    flows: frozenset[str]


@dataclass(frozen=True, slots=True)
class SealOfCase:
    """The last seal, and how many of the case's rows are under it."""

    size: int
    at: datetime
    root: str
    rows: int


@dataclass(frozen=True, slots=True)
class CaseEvidence:
    """A case as its journal tells it. hashes: of its rows; moments: the last of each version, by digest."""

    rows: Sequence[TimelineRow]
    hashes: Sequence[str]
    moments: Mapping[str, LastFrame]
    documents: Sequence[CaseDocument]
    seal: SealOfCase | None


def case_file(user: User, case_id: UUID, print_case: Callable[[Case, CaseEvidence], bytes]) -> bytes:
    """Print the file of a case; that it was taken is remembered with its digest. Raises NotAllowed, NotFound."""
    if not may(Role(user.role), Action.READ_AUDIT):
        raise NotAllowed
    case = get_or_404_in_scope(user, Case, case_id)
    content = print_case(case, _evidence_of(user, case_id))
    digest = hashlib.sha256(content).hexdigest()
    with transaction(Operation("export_case_file", user.id)) as current:
        current.add(AuditEvent.by(user, "export_case_file", "case", case_id, detail={"sha256": digest}))
    return content


def case_address(case_id: UUID) -> str:
    """The address of the page of a case."""
    return f"{settings().address}/cases/{case_id}"


def _evidence_of(user: User, case_id: UUID) -> CaseEvidence:
    query = select(JournalRow.hash).where(JournalRow.case_id == case_id).order_by(JournalRow.seq)
    return CaseEvidence(
        history.timeline(user, case_id),
        list(session().scalars(query)),
        _last_moments(history.replay_frames(user, case_id)),
        CaseDocument.of(case_id),
        _seal_of(case_id),
    )


def _last_moments(frames: Sequence[Any]) -> dict[str, LastFrame]:
    found: dict[str, LastFrame] = {}
    for frame in frames:
        before = found.get(frame.definition)
        flows = frozenset(frame.flows) | (before.flows if before else frozenset())
        found[frame.definition] = LastFrame(frozenset(frame.done), frozenset(frame.tokens), flows)
    return found


def _seal_of(case_id: UUID) -> SealOfCase | None:
    newest = session().scalars(select(Seal).order_by(Seal.size.desc()).limit(1)).first()
    if newest is None:
        return None
    own = SealLeaf.key.between(f"{case_id}/", f"{case_id}0")
    sealed = select(func.count()).where(SealLeaf.kind == "journal", own, SealLeaf.number < newest.size)
    return SealOfCase(newest.size, newest.at, bytes(newest.root).hex(), session().scalar(sealed) or 0)
