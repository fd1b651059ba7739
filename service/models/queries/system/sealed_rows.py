"""Rows as leaves of the log: ``kind key digest``.

The digest of a journal row is its own hash, which covers salted digests of payloads; that of another row is over its
columns. Keys hold no more than ids, which are random enough to be salts.
"""

from __future__ import annotations

from sqlalchemy import text

_DIGEST = "encode(sha256(convert_to(jsonb_build_array({columns})::text, 'UTF8')), 'hex')"
_COLUMNS = {
    "row_change": (
        "id, at, use_case, actor_id, behalf_id, case_id, seq, kind, table_name, row_id, before, after,"
        " encode(sealed, 'hex')"
    ),
    "audit_event": "id, at, actor_id, organisation_id, source::text, action, object_type, object_id, outcome, detail",
    "definition_version": "digest, key, number, name, main, source, deployed_at, deployed_by, deployed_as, note",
}


def _rows(condition: str) -> str:
    digests = {table: _DIGEST.format(columns=columns) for table, columns in _COLUMNS.items()}
    return f"""
    SELECT 'journal' AS kind, case_id || '/' || seq AS key, written_in, at, hash AS digest FROM journal {condition}
    UNION ALL SELECT 'row_change', id::text, written_in, at, {digests["row_change"]} FROM row_change {condition}
    UNION ALL SELECT 'audit_event', id::text, written_in, at, {digests["audit_event"]} FROM audit_event {condition}
    UNION ALL SELECT 'photo', id::text, 0, created_at, encode(sha256(sealed), 'hex') FROM photo
    UNION ALL SELECT 'definition', digest, 0, deployed_at, {digests["definition_version"]} FROM definition_version"""  # noqa: S608 - put together from constants


def _hash(rows: str = "") -> str:
    return rf"sha256('\x00'::bytea || convert_to({rows}kind || ' ' || {rows}key || ' ' || {rows}digest, 'UTF8'))"


HORIZON = text(
    "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() AS s"
)
"""Every transaction below the first number has ended; none from the second on has begun."""

APPEND_LEAVES = text(
    f"""
    INSERT INTO seal_leaf (number, kind, key, hash)
    SELECT :size + row_number() OVER (ORDER BY written_in, kind, key) - 1, kind, key, {_hash()}
    FROM (SELECT * FROM ({_rows("WHERE written_in >= :since AND written_in < :until")}) AS rows
        WHERE NOT EXISTS (SELECT FROM seal_leaf l WHERE l.key = rows.key AND l.kind = rows.kind)
        ORDER BY written_in, kind, key LIMIT :most) AS fresh
    RETURNING number, hash
    """  # noqa: S608
)

LEAVES = text("SELECT hash FROM seal_leaf ORDER BY number")

ALTERED = text(
    f"""
    SELECT l.kind, l.key, rows.key IS NULL AS is_missing, l.number
    FROM seal_leaf l LEFT JOIN ({_rows("")}) AS rows ON rows.key = l.key AND rows.kind = l.kind
    WHERE rows.key IS NULL AND l.kind <> 'photo' OR {_hash("rows.")} <> l.hash
    ORDER BY l.number
    """  # noqa: S608
)
"""Leaves whose row is gone, or is another than the one that was sealed; a photo may go, as its history says (R75)."""

UNSEALED = text(
    f"""
    SELECT kind, key, at FROM ({_rows("")}) AS rows
    WHERE NOT EXISTS (SELECT FROM seal_leaf l WHERE l.key = rows.key AND l.kind = rows.kind) ORDER BY at, key
    """  # noqa: S608
)

BACKDATED = text(
    f"""
    SELECT rows.kind, rows.key, rows.at, s.at AS sealed
    FROM ({_rows("")}) AS rows JOIN seal_leaf l ON l.key = rows.key AND l.kind = rows.kind
    CROSS JOIN LATERAL (SELECT at FROM seal WHERE size <= l.number ORDER BY size DESC LIMIT 1) AS s
    WHERE rows.at < s.at - interval '1 hour' ORDER BY l.number
    """  # noqa: S608
)
"""Rows that came into the log although a seal that is an hour younger than they say they are stood before them."""
