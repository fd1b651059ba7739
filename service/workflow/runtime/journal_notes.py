"""Journal rows of inputs that move a task but not its case: claimed, given back, assigned."""

from __future__ import annotations

import os

from service import engine
from service.engine import journal
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import current_operation
from service.models.tables.runtime.case import JournalRow
from service.models.tables.runtime.case_statements import NOTE_CASE
from service.workflow.processes import definitions
from service.workflow.runtime.executor import Act, LockedCase, envelope


def append_journal_note(held: LockedCase, act: Act) -> None:
    """Append the journal row of ``act`` to a locked case; the digests are carried from the row before."""
    before = session().get_one(JournalRow, (held.id, held.seq))
    seq, at = held.seq + 1, now()
    given = engine.Input(act.kind, seq, at, act.token, act.element, None, dict(act.data))
    definition = definitions.definition(held.definition)
    row = journal.note_row(envelope(held, act, os.urandom(16)), definition, given, before.record)
    current_operation().case_id, current_operation().seq = held.id, seq
    session().add(
        JournalRow(
            case_id=held.id,
            seq=seq,
            at=at,
            kind=act.kind,
            actor_id=act.actor_id,
            element=act.element,
            record=row,
            hash=row["hash"],
            mac=JournalRow.mark_of({"case_id": held.id, "seq": seq, "hash": row["hash"]}),
        )
    )
    session().execute(NOTE_CASE, {"case": held.id, "seq": seq, "hash": row["hash"], "at": at})
