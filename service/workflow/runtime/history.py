"""The history of a case, from its journal alone: timeline, step-by-step replay, and the proof by re-execution."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select

from service import engine
from service.domain.accounts.roles import ADMINISTRATORS, Role
from service.engine import journal, replay
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.audit import AuditEvent
from service.models.tables.case import Case, JournalRow, PersonalValue, Task, TaskState
from service.models.tables.organisation import Organisation
from service.models.tables.user import User
from service.operations.personal_values import all_with_texts
from service.workflow.runtime import definitions, executor


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One line of a case's timeline. element_name: as drawn in the version of that moment, '' for what has none."""

    seq: int
    at: datetime
    kind: str
    element: str | None
    element_name: str
    actor: str
    organisation: str
    definition: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between a case and its journal. what: engine, chain, step, state, inbox or column."""

    case_id: UUID
    what: str
    detail: str


def open_case(user: User, case_id: UUID) -> Case:
    """A case in scope, to be looked at; each look of an auditor is remembered (domain.md §9). Raises NotFound."""
    case = get_or_404_in_scope(user, Case, case_id)
    if user.role == Role.AUDIT_ADMIN:
        with transaction(Operation("open_case", user.id)) as current:
            current.add(
                AuditEvent(
                    action="open_case",
                    actor_id=user.id,
                    organisation_id=user.organisation_id,
                    object_type="case",
                    object_id=case_id,
                )
            )
    return case


def timeline(user: User, case_id: UUID) -> list[TimelineRow]:
    """The journal of a case in scope as people read it, oldest first, in two queries.

    Personal texts stand in it for those who do the work; the administrators read the references.
    """
    get_or_404_in_scope(user, Case, case_id)
    typed = and_(PersonalValue.case_id == JournalRow.case_id, PersonalValue.seq == JournalRow.seq)
    query = (
        select(JournalRow, User.display_name, Organisation.name, PersonalValue.id, PersonalValue.value)
        .outerjoin(User, User.id == JournalRow.actor_id)
        .outerjoin(Organisation, Organisation.id == User.organisation_id)
        .outerjoin(PersonalValue, typed)
        .where(JournalRow.case_id == case_id)
        .order_by(JournalRow.seq)
    )
    rows = list(session().execute(query))
    found = {row.seq: (row, actor or "", organisation or "") for row, actor, organisation, _key, _text in rows}
    given = [dict(row.record.get("data") or {}) for row, _actor, _organisation in found.values()]
    texts = {str(key): said for *_, key, said in rows if key is not None}
    if Role(user.role) in ADMINISTRATORS:  # why a case was mended was written for them
        mends = [n for n, entry in enumerate(found.values()) if entry[0].kind in MENDS]
        for n, told in zip(mends, all_with_texts([given[n] for n in mends], texts), strict=True):
            given[n] = told
    else:
        given = all_with_texts(given, texts)
    return [_entry(*entry, data) for entry, data in zip(found.values(), given, strict=True)]


def _entry(row: JournalRow, actor: str, organisation: str, data: dict[str, Any]) -> TimelineRow:
    element = (row.element or "").split("/")[-1]
    known = definitions.definition(row.record["definition"]).elements.get(element)
    return TimelineRow(
        row.seq,
        row.at,
        row.kind,
        row.element,
        "" if known is None or known.name == element else known.name,
        actor,
        organisation,
        row.record["definition"],
        data,
    )


def replay_frames(user: User, case_id: UUID) -> list[engine.ReplayFrame]:
    """The case after each row of its journal: tokens, done elements and data, by re-execution."""
    get_or_404_in_scope(user, Case, case_id)
    return replay.replay_frames(_records(case_id), definitions.definition)


def _records(case_id: UUID) -> list[dict[str, Any]]:
    query = select(JournalRow.record).where(JournalRow.case_id == case_id).order_by(JournalRow.seq)
    return list(session().scalars(query))


MENDS = frozenset({"variables", "move", "skip", "suspend", "resume", "cancel", "retry", "resolve"})
HOLDS = {"suspend": True, "resume": False, "cancel": False}
OTHER_ENGINE = (
    "written by engine {others}, this version proves {own} only: "
    "verify with the version that wrote it, or fill an empty database"
)


def verify(case_ids: Iterable[UUID] | None = None) -> Iterable[Difference]:
    """Check the chains of cases (default: all), execute them again from their journals, and yield every difference."""
    chosen = list(case_ids) if case_ids is not None else list(session().scalars(select(Case.id).order_by(Case.id)))
    for case_id in chosen:
        yield from _verify_case(case_id)
        session().expunge_all()


def _verify_case(case_id: UUID) -> Iterable[Difference]:
    case = session().get(Case, case_id)
    rows = list(session().scalars(select(JournalRow).where(JournalRow.case_id == case_id).order_by(JournalRow.seq)))
    if case is None or not rows:
        yield Difference(case_id, "chain", "no case or no journal")
        return
    records = [row.record for row in rows]
    if others := sorted({str(record.get("engine")) for record in records} - {journal.ENGINE}):
        # other fields are hashed from one engine version to the next: what this one computes would accuse innocents
        yield Difference(case_id, "engine", OTHER_ENGINE.format(others=", ".join(others), own=journal.ENGINE))
        return
    fault = journal.verify_chain(records)
    if fault:
        yield Difference(case_id, "chain", fault)
    yield from (
        Difference(case_id, "column", f"seq {row.seq}: {name}") for row in rows for name in _wrong_columns(row, case_id)
    )
    if (case.seq, case.last_hash) != (rows[-1].seq, rows[-1].hash):
        yield Difference(case_id, "chain", "the last row of the journal is not the one the case names")
    held = [HOLDS[row.kind] for row in rows if row.kind in HOLDS]
    if (case.suspended_at is not None) is not (held or [False])[-1]:
        yield Difference(case_id, "column", "suspended_at: the journal says otherwise")
    if not fault:
        yield from (Difference(case_id, "step", text) for text in replay.re_execute(records, definitions.definition))
        yield from _wrong_projections(case, records)


def _wrong_columns(row: JournalRow, case_id: UUID) -> list[str]:
    """Columns that repeat the record but differ from it."""
    record = row.record
    pairs = {
        "case_id": (str(case_id), record["case"]),
        "seq": (row.seq, record["seq"]),
        "kind": (row.kind, record["kind"]),
        "actor_id": (str(row.actor_id) if row.actor_id else None, record.get("actor")),
        "element": (row.element, record.get("element")),
        "at": (journal.instant(row.at), record["at"]),
        "hash": (row.hash, record["hash"]),
    }
    return [name for name, (column, recorded) in pairs.items() if column != recorded]


def _wrong_projections(case: Case, records: list[dict[str, Any]]) -> Iterable[Difference]:
    """Stored state and inbox against what re-execution gives."""
    shape, tokens = replay.open_tasks(records, definitions.definition)
    stored = engine.shape(definitions.definition(case.definition), bytes(case.state))
    if stored != shape:
        yield Difference(case.id, "state", "the stored state has another shape than the journal gives")
    expected = {executor.task_id(case.id, token) for token in tokens}
    found = set(session().scalars(select(Task.id).where(Task.case_id == case.id, Task.state == TaskState.OPEN)))
    if expected != found:
        yield Difference(case.id, "inbox", f"missing {len(expected - found)}, too many {len(found - expected)}")
