"""Rows of business tables that a step rewrites: written to their history like any other change, and counted in the
event of the upgrade, so that the proof knows them from an alteration.

Whatever a step says to such a table is noted by a trigger that is there as long as the upgrade lasts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, DateTime, event, func, insert, select, text

from service.models.db.clock import now
from service.models.db.collation import name_keys
from service.models.db.ids import new_id
from service.models.db.row_mark import SINCE, Marked
from service.models.db.session import Base
from service.models.db.tracked import Audited
from service.models.listeners.row_history import column_names, redacted_columns, told_value
from service.models.tables.runtime.case import JournalRow
from service.models.tables.system.audit import AuditEvent, RowChange

UPGRADE = "upgrade_database"  # the event: from which step to which, and how many rows of which column each rewrote
PREFIX = "migration "  # of the use case, before the step
TAKEN_OVER = "0028"  # the step that notes what earlier versions had rewritten or sent without a note
MARKED: tuple[type[JournalRow | RowChange | AuditEvent], ...] = (JournalRow, RowChange, AuditEvent)
"""Tables whose rows bear the mark of the service; the upgrade that began it counts those that came before."""
Values = Mapping[str, Any]

_NOTES = text(
    "CREATE TEMP TABLE rewritten (n serial, table_name text, row_id uuid, before jsonb, after jsonb) ON COMMIT DROP"
)
_NOTE = text(
    r"""
    CREATE FUNCTION pg_temp.note_rewrite() RETURNS trigger LANGUAGE plpgsql AS $body$
    DECLARE was jsonb \:= to_jsonb(OLD); is_now jsonb \:= to_jsonb(NEW);
    BEGIN
        INSERT INTO pg_temp.rewritten (table_name, row_id, before, after)
            SELECT TG_TABLE_NAME, coalesce(NEW.id, OLD.id),
            (SELECT jsonb_object_agg(key, value) FROM jsonb_each(was) WHERE is_now -> key IS DISTINCT FROM value),
            (SELECT jsonb_object_agg(key, value) FROM jsonb_each(is_now) WHERE was -> key IS DISTINCT FROM value);
        RETURN NULL;
    END $body$
    """
)
_TAKE = text("WITH taken AS (DELETE FROM pg_temp.rewritten RETURNING *) SELECT * FROM taken ORDER BY n")
REWRITTEN = text(
    f"""
    SELECT written_in, step, table_name || '.' || name AS what, count(*) AS count FROM (
        SELECT written_in, substr(use_case, {len(PREFIX) + 1}) AS step, table_name, name
        FROM row_change CROSS JOIN LATERAL (
            SELECT jsonb_object_keys(after) AS name WHERE kind = 'update' UNION ALL SELECT kind WHERE kind <> 'update'
        ) AS names WHERE use_case LIKE '{PREFIX}%') AS changes
    GROUP BY written_in, step, what
    """  # noqa: S608 - constants
)
"""Rows of which the history says that a step rewrote them, by transaction, step and column."""
_WRITES = re.compile(r'\b(?:UPDATE|INSERT INTO|DELETE FROM)\s+(?:ONLY\s+)?"?(\w+)', re.IGNORECASE)


class UpgradeHistory:
    """Notes what the steps of one upgrade rewrite."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.mappers = {m.class_.__tablename__: m for m in Base.registry.mappers if issubclass(m.class_, Audited)}
        self.noted: set[str] = set()
        self.counts: dict[str, Counter[str]] = {}

    def watch(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        """Put the trigger on a table before a step first writes to it."""
        for name in self.tables_written(statement) - self.noted:
            self.noted.add(name)
            self.connection.exec_driver_sql(
                f"CREATE TRIGGER note_rewrite AFTER INSERT OR UPDATE OR DELETE ON {name}"
                " FOR EACH ROW EXECUTE FUNCTION pg_temp.note_rewrite()"
            )

    def tables_written(self, statement: str) -> set[str]:
        """The tables of business rows that a statement writes to."""
        return {found.lower() for found in _WRITES.findall(statement)} & self.mappers.keys()

    def write_history(self, step: str) -> None:
        """Write what a step rewrote to the history of the rows, one change a row."""
        before: dict[tuple[str, UUID], dict[str, Any]] = {}
        after: dict[tuple[str, UUID], Any] = {}
        for note in self.connection.execute(_TAKE).all():
            key = (note.table_name, note.row_id)
            before[key] = {**(note.before or {}), **before.get(key, {})}
            after[key] = (
                None if note.after is None and note.before else {**(after.get(key) or {}), **(note.after or {})}
            )
        tracked = self._with_history(key[1] for key in before)
        rows = [
            row
            for key in before
            if (key[1] in tracked or not before[key]) and (row := self._change(step, *key, before[key], after[key]))
        ]
        if rows:
            self.connection.execute(insert(RowChange), rows)

    def _with_history(self, row_ids: Iterable[UUID]) -> set[UUID]:
        """Rows of which there is a history to go on with; reference data have none."""
        query = text("SELECT DISTINCT row_id FROM row_change WHERE row_id = ANY(:ids)")
        return set(self.connection.scalars(query, {"ids": list(row_ids)}))

    def _change(
        self, step: str, table: str, row_id: UUID, before: Values, after: Values | None
    ) -> dict[str, Any] | None:
        kind = "delete" if after is None else "update" if before else "insert"
        was, told = self._told(table, before), self._told(table, after or {})
        if kind == "update":
            told = {name: value for name, value in told.items() if name not in was or was[name] != value}
            was = {name: value for name, value in was.items() if name in told}
            if not told:
                return None
        self.counts.setdefault(step, Counter()).update(
            f"{table}.{name}" for name in (told if kind == "update" else [kind])
        )
        row = {
            "id": new_id(),
            "at": now(),
            "use_case": f"{PREFIX}{step}",
            "kind": kind,
            "table_name": table,
            "row_id": row_id,
            "before": None if kind == "insert" else was,
            "after": None if kind == "delete" else told,
        }
        return row | {"mac": RowChange.mark_of(row)} if step > SINCE else row

    def _told(self, table: str, values: Values) -> dict[str, Any]:
        """Columns as the history tells them; an encrypted one is hidden before and after, and so no change."""
        mapper = self.mappers.get(table)
        if mapper is None:
            return dict(values)
        hidden = redacted_columns(mapper)
        dated = {name for key, name in column_names(mapper).items() if isinstance(mapper.columns[key].type, DateTime)}
        return {
            name: told_value(mapper, name, datetime.fromisoformat(value) if name in dated and value else value)
            for name, value in values.items()
            if name not in hidden
        }


@contextmanager
def recorded(connection: Connection) -> Iterator[UpgradeHistory]:
    """Record what the steps inside rewrite, and that the database went from one step to another."""
    history, since = UpgradeHistory(connection), _step(connection)
    connection.execute(_NOTES)
    connection.execute(_NOTE)
    event.listen(connection, "before_cursor_execute", history.watch)
    try:
        yield history
    finally:
        event.remove(connection, "before_cursor_execute", history.watch)
    connection.exec_driver_sql("DROP FUNCTION pg_temp.note_rewrite() CASCADE")
    connection.exec_driver_sql("DROP TABLE pg_temp.rewritten")
    until = _step(connection)
    if until and until != since:
        detail = {"since": since, "until": until, "rewritten": {k: dict(v) for k, v in history.counts.items()}}
        if since < SINCE <= until:
            detail["unmarked"] = {table.__tablename__: _unmarked(connection, table) for table in MARKED}
        row = {"id": new_id(), "at": now(), "action": UPGRADE, "outcome": "ok", "detail": detail}
        row |= {"mac": AuditEvent.mark_of(row)} if until >= SINCE else {}
        connection.execute(insert(AuditEvent), [row])


def _unmarked(connection: Connection, table: type[Marked]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(table.mac.is_(None))) or 0


def _step(connection: Connection) -> str:
    if not connection.scalar(text("SELECT to_regclass('public.alembic_version') IS NOT NULL")):
        return ""
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")


def wrong_columns(step: str, table: str, row_id: UUID, before: Values, after: Values) -> list[str]:
    """Columns to which this step cannot have given these values; before: the whole row."""
    if table in ("person", "organisation") and step in ("0012", "0022", TAKEN_OVER):
        allowed = _name_columns(table, row_id, before)
    elif table == "training_class" and step in ("0015", TAKEN_OVER):
        allowed = {"enrolment_closed": {before.get("state") not in ("draft", "enrolling")}}
        if before.get("state") == "enrolling":
            allowed["state"] = {"running"}
    else:
        allowed = {}
    return [name for name, value in after.items() if value not in allowed.get(name, ())]


def _name_columns(table: str, row_id: UUID, row: Values) -> dict[str, set[Any]]:
    keys = name_keys(str(row.get("name", "")), is_person=table == "person")
    allowed: dict[str, set[Any]] = {name: {value} for name, value in keys.items()}
    if table == "organisation":  # authorities stand by their code; twins of one name are kept apart by their id
        allowed["sort_key"].add(row.get("code"))
        allowed["folded_name"].add(f"{keys['folded_name'][:360]} {row_id}")
    return allowed
