"""The history of a case, from its journal alone: timeline, step-by-step replay, and the proof."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select

from service import engine
from service.domain.accounts.roles import ADMINISTRATORS, Role
from service.engine import replay
from service.models.db.session import session
from service.models.queries.runtime.actors import ActorHistory, CurrentActors
from service.models.queries.runtime.message_senders import Sender, senders_of
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, JournalRow, PersonalValue, Task
from service.operations.personal_values import all_with_texts
from service.validation.typed_text import as_id
from service.workflow.processes import definitions
from service.workflow.runtime.auditor_looks import record_look
from service.workflow.runtime.verification import Difference, Verifier


@dataclass(frozen=True, slots=True)
class MessageSender:
    """The case that sent a message, its step, and who acted there, for those who replay cases."""

    case_id: UUID | None
    process: str
    step: int
    actor: str


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One line of a case's timeline. element_name: as drawn in the version of that moment, '' for what has none;
    actor, organisation, behalf: by the names that they had then.
    """

    seq: int
    at: datetime
    kind: str
    element: str | None
    element_name: str
    actor: str
    organisation: str
    definition: str
    data: dict[str, Any]
    behalf: str = ""
    sender: MessageSender | None = None


def open_case(user: User, case_id: UUID) -> Case:
    """A case in scope, to be looked at; each look of an auditor is remembered (domain.md §9). Raises NotFound."""
    case = get_or_404_in_scope(user, Case, case_id)
    _record_look(user, "open_case", case)
    return case


def _record_look(user: User, action: str, case: Case) -> None:
    session().expunge(case)  # the commit of the look makes all rows of the session forget themselves
    record_look(user, action, "case", case.id)


def is_suspended(rows: Iterable[TimelineRow]) -> bool:
    """Tell by its journal whether a running case is held: it does nothing but be mended."""
    holds = [row.kind for row in rows if row.kind in ("suspend", "resume")]
    return holds[-1:] == ["suspend"]


def timeline(user: User, case_id: UUID) -> list[TimelineRow]:
    """The journal of a case in scope as people read it, oldest first, in two queries.

    Personal texts stand in it for those who do the work; the administrators read the references.
    """
    get_or_404_in_scope(user, Case, case_id)
    return _timeline(Role(user.role), case_id)


def timeline_of_case(user: User, case: Case) -> list[TimelineRow]:
    """The same of a case that was found in scope."""
    return _timeline(Role(user.role), case.id)


def timeline_of_task(user: User, task: Task) -> list[TimelineRow]:
    """The journal behind a task that was found in scope: who does it reads what it rests on, whatever the case's.

    Accounts and organisations have the names of today: the page is for work, the replay for the past.
    """
    return _timeline(Role(user.role), task.case_id, CurrentActors)


def _timeline(reader: Role, case_id: UUID, named: type[ActorHistory] = ActorHistory) -> list[TimelineRow]:
    return _read(reader, case_id, _journal(case_id), named)


def _journal(case_id: UUID) -> list[Any]:
    """The rows of a case's journal, each with the personal texts that came with it."""
    typed = and_(PersonalValue.case_id == JournalRow.case_id, PersonalValue.seq == JournalRow.seq)
    query = (
        select(JournalRow, PersonalValue.id, PersonalValue.value)
        .outerjoin(PersonalValue, typed)
        .where(JournalRow.case_id == case_id)
        .order_by(JournalRow.seq)
    )
    return list(session().execute(query))


def _read(reader: Role, case_id: UUID, rows: list[Any], named: type[ActorHistory]) -> list[TimelineRow]:
    found = _once(rows)
    given = [dict(row.record.get("data") or {}) for row in found]
    texts = {str(key): said for *_, key, said in rows if key is not None}
    if reader in ADMINISTRATORS:  # why a case was mended was written for them
        mends = [n for n, row in enumerate(found) if row.kind in MENDS]
        for n, told in zip(mends, all_with_texts([given[n] for n in mends], texts), strict=True):
            given[n] = told
    else:
        given = all_with_texts(given, texts)
    senders = senders_of(case_id, found) if reader in ADMINISTRATORS else {}
    accounts = {key for key in (*(row.actor_id for row in found), *(one.actor_id for one in senders.values())) if key}
    behalf = {key for row in found if (key := _behalf(row))}
    actors = named(accounts, behalf)
    return [_entry(row, actors, data, senders.get(row.seq)) for row, data in zip(found, given, strict=True)]


def _once(rows: Iterable[Any]) -> list[JournalRow]:
    return list({row.seq: row for row, _key, _text in rows}.values())


def _behalf(row: JournalRow) -> UUID | None:
    return as_id(row.record.get("behalf"))


def _entry(row: JournalRow, actors: ActorHistory, data: dict[str, Any], sent: Sender | None) -> TimelineRow:
    actor, organisation = actors.at(row.actor_id, row.at)
    sender = None
    if sent is not None:
        sender = MessageSender(sent.case_id, sent.process, sent.step, actors.name(sent.actor_id, row.at))
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
        actors.name(_behalf(row), row.at),
        sender,
    )


def replay_frames(user: User, case_id: UUID) -> list[engine.ReplayFrame]:
    """The case after each row of its journal: tokens, done elements and data, by re-execution. Raises NotFound."""
    return replay_of_case(user, get_or_404_in_scope(user, Case, case_id))[0]


def replay_of_case(user: User, case: Case) -> tuple[list[engine.ReplayFrame], list[TimelineRow]]:
    """The same of a case that was found in scope, and its timeline: the journal is read once for both."""
    _record_look(user, "replay_case", case)
    rows = _journal(case.id)
    frames = replay.replay_frames([row.record for row in _once(rows)], definitions.definition)
    return frames, _read(Role(user.role), case.id, rows, ActorHistory)


MENDS = frozenset({"variables", "move", "skip", "suspend", "resume", "cancel", "retry", "resolve", "migrate"})


def verify(case_ids: Iterable[UUID] | None = None) -> Iterable[Difference]:
    """Prove cases (default: all) by their journals, and yield every difference."""
    chosen = list(case_ids) if case_ids is not None else list(session().scalars(select(Case.id).order_by(Case.id)))
    yield from Verifier().verify(chosen)
