"""The statements that move a case: lock it, write one step, find subscribed cases. Two round trips a completion."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from sqlalchemy import text

from service.models.db.prepared_statements import PreparedStatement
from service.models.tables.units.organisation import authority_id

LOCK_CASE = text(
    """
    SELECT id, process, definition, business_key, state, seq, last_hash, awaited, ended_at, suspended_at
    FROM case_instance WHERE id = :id FOR NO KEY UPDATE
    """
)

LOCK_CASE_OF_TASK = PreparedStatement(
    "lock_case_of_task",
    """
    SELECT c.id, c.process, c.definition, c.business_key, c.state, c.seq, c.last_hash, c.awaited, c.ended_at,
           c.suspended_at, t.token, t.element, t.form_key,
           t.role, t.organisation_id, t.assignee_id, t.state AS task_state,
           t.closed_at, t.closed_by, t.kind AS task_kind, t.batch, t.sort_at, t.definition AS form_definition,
           t.facts ->> 'barred' AS barred
    FROM task t JOIN case_instance c ON c.id = t.case_id
    WHERE t.id = :task FOR NO KEY UPDATE OF c
    """,
)
"""Lock the case alone, so that there is one order of locks;
the engine's state tells whether the token is still open.
"""

INSERT_CASE = text(
    """
    INSERT INTO case_instance (id, process, definition, business_key, state, seq, last_hash, awaited, subject,
        started_at, started_by, moved_at, incidents)
    VALUES (:id, :process, :definition, :key, '', -1, '', '{}', '', :at, :by, :at, 0)
    """
)

_MOVED = """
    UPDATE case_instance SET state = :state, seq = :seq, last_hash = :hash, awaited = :awaited, moved_at = :at,
        ended_at = CASE WHEN :is_over THEN cast(:at AS timestamptz) END, ended = :ended,
        subject = CASE WHEN :described THEN :subject ELSE subject END,
        unit_id = CASE WHEN :described THEN cast(:unit AS uuid) ELSE unit_id END,
        authority_id = CASE WHEN :described THEN cast(:authority AS uuid) ELSE authority_id END,
        institution_id = CASE WHEN :described THEN cast(:institution AS uuid) ELSE institution_id END,
        organiser_id = CASE WHEN :described THEN cast(:organiser AS uuid) ELSE organiser_id END
    WHERE id = :case"""
_MOVED_MORE = {
    "migrated": "definition = :definition",
    "cleared": "incidents = incidents - (SELECT count(*) FROM settled_part)",
}
"""Columns of a case that some parts of a step change too; an incident whose job nobody needs any more is over."""
_JOURNAL = """
    INSERT INTO journal (case_id, seq, at, kind, actor_id, element, record, hash, mac)
    VALUES (:case, :seq, :at, :kind, :actor, :element, cast(:record AS jsonb), :hash, :mac)"""
_ADDRESS = """role text, organisation_id uuid, due_at timestamptz, follow_up_at timestamptz,
        priority int, subject text, summary text, unit_name text, batch text, batch_title text, facts jsonb"""


def _changed(*more: str) -> str:
    """The addresses of open tasks; ``more``: columns that a migration changes beside them."""
    sets, types = "".join(f"{name} = n.{name}, " for name in more), "".join(f"{name} text, " for name in more)
    return f"""
    UPDATE task SET role = n.role, organisation_id = n.organisation_id, due_at = n.due_at,
        follow_up_at = n.follow_up_at, priority = n.priority, subject = n.subject, summary = n.summary,
        unit_name = n.unit_name, batch = n.batch, batch_title = n.batch_title, facts = n.facts,
        sort_at = coalesce(n.due_at, task.sort_at), {sets}
        assignee_id = CASE WHEN task.organisation_id = n.organisation_id THEN task.assignee_id END
    FROM jsonb_to_recordset(cast(:changed AS jsonb)) AS n(id uuid, {types}{_ADDRESS})
    WHERE task.case_id = :case AND task.id = n.id AND task.state = 'open'"""  # noqa: S608 - put together from constants


PARTS = {
    "closed": """
    UPDATE task SET state = CASE WHEN token = :done THEN 'completed' ELSE 'cancelled' END, closed_at = :at,
        closed_by = CASE WHEN token = :done THEN cast(:actor AS uuid) END
    WHERE id = ANY(cast(:closed AS uuid[])) AND state = 'open'""",
    "cleared": """
    UPDATE job SET state = 'cleared' WHERE case_id = :case AND state IN ('pending', 'failed')
        AND token = ANY(:cleared) RETURNING id""",
    "settled": """
    UPDATE incident SET resolved_at = :at, resolved_by = cast(:actor AS uuid)
    WHERE case_id = :case AND resolved_at IS NULL AND job_id IN (SELECT id FROM cleared_part) RETURNING id""",
    "awaited": """
    UPDATE job SET run_at = :at WHERE case_id = :case AND state = 'pending' AND kind IN ('message', 'signal')
        AND run_at > :at AND retries = 3 AND kind || ':' || name = ANY(:awaited)""",
    "tasks": f"""
    INSERT INTO task (id, case_id, token, kind, element, name, process, definition, form_key, role, organisation_id,
        assignee_id, opened_at, due_at, follow_up_at, sort_at, priority, subject, summary, unit_name, batch,
        batch_title, facts, state)
    SELECT id, :case, token, kind, element, name, process, definition, form_key, role, organisation_id, assignee_id,
        opened_at, due_at, follow_up_at, coalesce(due_at, opened_at + interval '30 days'), priority, subject,
        summary, unit_name, batch, batch_title, facts, 'open'
    FROM jsonb_to_recordset(cast(:tasks AS jsonb)) AS t(id uuid, token text, kind text, element text, name text,
        process text, definition text, form_key text, assignee_id uuid, opened_at timestamptz, {_ADDRESS})""",  # noqa: S608 - put together from constants
    "reopened": """
    UPDATE task SET state = 'open', closed_at = NULL, closed_by = NULL WHERE id = ANY(cast(:reopened AS uuid[]))""",
    "waiting": """
    UPDATE job SET state = 'pending', locked_by = NULL, locked_until = NULL WHERE state = 'cleared' AND id IN (
        SELECT DISTINCT ON (token) id FROM job WHERE case_id = :case AND token = ANY(:waiting)
        ORDER BY token, created_at DESC, id DESC)""",
    "changed": _changed(),
    "migrated": _changed("element", "name", "kind", "definition", "form_key"),
    "jobs": """
    INSERT INTO job (id, case_id, token, element, kind, name, due_at, run_at, payload, coalesce, state, retries,
        created_at)
    SELECT id, case_id, token, element, kind, name, coalesce(due_at, :at), coalesce(due_at, :at),
        coalesce(payload, '{}'), j.coalesce, 'pending', 3, :at
    FROM jsonb_to_recordset(cast(:jobs AS jsonb)) AS j(id uuid, case_id uuid, token text, element text, kind text,
        name text, due_at timestamptz, payload jsonb, coalesce text)""",
    "history": """
    INSERT INTO row_change (id, at, use_case, actor_id, behalf_id, case_id, seq, kind, table_name, row_id, before,
        after, sealed, mac)
    SELECT id, at, use_case, actor_id, behalf_id, case_id, seq, kind, table_name, row_id, before, after, sealed, mac
    FROM jsonb_populate_recordset(NULL::row_change, cast(:history AS jsonb))""",
}
"""Parts of a step beside moving the case and writing its journal row, by the parameter that asks for them."""


@lru_cache
def write_step(parts: frozenset[str]) -> PreparedStatement:
    """Everything one step changes,
    in one statement; parts that have nothing to do are left out, for they are not free.
    """
    more = "".join(f"{column}, " for name, column in _MOVED_MORE.items() if name in parts)
    wanted = parts | {"settled"} if "cleared" in parts else parts
    chosen = {name: sql for name, sql in PARTS.items() if name in wanted}
    chosen["moved"] = _MOVED.replace("SET ", f"SET {more}", 1)
    clauses = ",".join(f"{name}_part AS ({sql})" for name, sql in chosen.items())
    return PreparedStatement("_".join(("write_step", *sorted(parts))), f"WITH {clauses} {_JOURNAL}")


SUBSCRIBED_CASES = text(
    """
    SELECT id FROM case_instance
    WHERE ended_at IS NULL AND id <> :case AND :name = ANY(awaited)
        AND (cast(:key AS text) IS NULL OR business_key = :key)
    ORDER BY id
    """
)

CLAIM_TASK = text(
    "UPDATE task SET assignee_id = :user WHERE id = :task AND state = 'open' AND assignee_id IS NULL RETURNING id"
)


def role_organisation(role: str) -> UUID:
    """The one organisation of a role that has only one: ministry, association, or the platform for administrators."""
    return authority_id(role if role in ("ministry", "association") else "platform")


SUSPEND_CASE = text("UPDATE case_instance SET suspended_at = :at WHERE id = :case")

WAKE_JOBS = text(
    "UPDATE job SET run_at = due_at WHERE case_id = :case AND state = 'pending' AND kind NOT IN ('external', 'effect')"
)
"""Let be done now what was held while a case was suspended."""

NOTE_CASE = text("UPDATE case_instance SET seq = :seq, last_hash = :hash, moved_at = :at WHERE id = :case")

COUNT_INCIDENT = text("UPDATE case_instance SET incidents = greatest(incidents + :by, 0) WHERE id = :case")

CLAIM_JOBS = text(
    """
    UPDATE job SET locked_by = :worker, locked_until = :until WHERE id IN (
        SELECT id FROM job
        WHERE state = 'pending' AND kind <> 'external' AND run_at <= :now
            AND (locked_until IS NULL OR locked_until < :now)
            AND (cast(:pool AS text) IS NULL
                OR CASE WHEN kind <> 'effect' THEN 'case' WHEN name = 'mail' THEN 'mail' ELSE 'document' END = :pool)
        ORDER BY run_at, id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id, case_id, token, element, kind, name, due_at, run_at, payload, coalesce, locked_by
    """
)
"""Take due jobs under a lease, of one pool or of all; workers never wait for each other."""

CLAIM_JOB = text(
    """
    UPDATE job SET locked_by = :worker, locked_until = :until
    WHERE id = :id AND state = 'pending' AND (locked_until IS NULL OR locked_until < :now)
    RETURNING id, case_id, token, element, kind, name, due_at, run_at, payload, coalesce, locked_by
    """
)
"""Take one job under a lease, due or not."""

LOCK_JOB = text("SELECT id FROM job WHERE id = :id AND state = 'pending' AND locked_by = :worker FOR UPDATE")

EXTEND_JOB_LEASE = text(
    "UPDATE job SET locked_until = :until WHERE id = :id AND state = 'pending' AND locked_by = :worker RETURNING id"
)

COMPLETE_JOB = text(
    """
    UPDATE job SET state = 'done', locked_by = NULL, locked_until = NULL, error = NULL
    WHERE id = :id AND state = 'pending' AND locked_by = :worker
    RETURNING id
    """
)

COMPLETE_COALESCED_JOBS = text(
    """
    UPDATE job SET state = 'done', locked_by = NULL, locked_until = NULL WHERE id IN (
        SELECT id FROM job WHERE case_id = :case AND coalesce = :key AND state = 'pending' FOR UPDATE SKIP LOCKED)
    """
)
"""Equal messages that were committed before this one is delivered are delivered with it;
senders never wait for each other.
"""

POSTPONE_JOB = text(
    """
    UPDATE job SET run_at = :at, locked_by = NULL, locked_until = NULL
    WHERE id = :id AND state = 'pending' AND locked_by = :worker
    RETURNING id
    """
)

FAIL_JOB = text(
    """
    UPDATE job SET retries = greatest(retries - 1, 0), error = :error, locked_by = NULL, locked_until = NULL,
        run_at = coalesce(cast(:at AS timestamptz) + (cast(:pauses AS interval[]))[4 - retries], run_at),
        state = CASE WHEN retries = 0 THEN 'failed' ELSE 'pending' END
    WHERE id = :id AND state = 'pending' AND locked_by = :worker RETURNING state
    """
)
"""One try fewer: ``retries`` counts those that are left, from 3; after the last the job has failed."""
