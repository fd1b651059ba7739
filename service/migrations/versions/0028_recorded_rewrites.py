"""Rewritten rows and sent messages of the time before either was noted are noted, once; cases are found by their number"""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from service.engine import journal
from service.models.db.collation import name_keys

revision = '0028'
down_revision = '0027'

# the value of a column by the history of the row: NULL for a row without one, JSON null where it is not named
KNOWN = "coalesce((SELECT c.after -> '{0}' FROM row_change c WHERE c.row_id = t.id AND c.after ? '{0}' ORDER BY c.at DESC, c.id DESC LIMIT 1), 'null')"
WITH_HISTORY = "EXISTS (SELECT FROM row_change c WHERE c.row_id = t.id)"
NOTE = sa.text("INSERT INTO pg_temp.rewritten (table_name, row_id, before, after) VALUES (:table, :id, CAST(:before AS jsonb), CAST(:after AS jsonb))")
NAME_KEYS = ('sort_key', 'folded_name', 'spelling')


def upgrade() -> None:
    op.create_index('ix_case_instance_number', 'case_instance', [sa.text('"right"(id::text, 12)')], unique=False)
    for table, code in (('person', "''"), ('organisation', 't.code')):
        _note_names(table, code)
    _note_classes()
    _note_messages()


def downgrade() -> None:
    op.drop_index('ix_case_instance_number', table_name='case_instance')


def _rows(table: str, columns: tuple[str, ...], more: str) -> list[Any]:
    known = ', '.join(f"{KNOWN.format(name)} AS known_{name}" for name in columns)
    query = f"SELECT t.id, {', '.join(f't.{name}' for name in columns)}, {known}, {more} FROM {table} t WHERE {WITH_HISTORY}"  # noqa: S608 - constants
    return list(op.get_bind().execute(sa.text(query)).all())


def _note(table: str, row_id: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    values = {'table': table, 'id': row_id, 'before': orjson.dumps(before).decode(), 'after': orjson.dumps(after).decode()}
    op.get_bind().execute(NOTE, values)


def _note_names(table: str, code: str) -> None:
    """Columns that follow the name (steps 0012 and 0022), where they are what the name gives and nothing else."""
    for row in _rows(table, NAME_KEYS, f't.name, {code} AS code'):
        keys = name_keys(row.name, is_person=table == 'person')
        allowed = {name: {keys[name]} for name in NAME_KEYS}
        if table == 'organisation':
            allowed['sort_key'].add(row.code)
            allowed['folded_name'].add(f"{keys['folded_name'][:360]} {row.id}")
        present = {name: getattr(row, name) for name in NAME_KEYS}
        known = {name: getattr(row, f'known_{name}') for name in NAME_KEYS}
        after = {name: value for name, value in present.items() if value != known[name] and value in allowed[name]}
        if after:
            _note(table, row.id, {name: known[name] for name in after}, after)


def _note_classes() -> None:
    """Closed enrolment and the state of a class that runs (step 0015)."""
    for row in _rows('training_class', ('enrolment_closed', 'state'), '1'):
        after: dict[str, Any] = {}
        if row.enrolment_closed and not row.known_enrolment_closed and row.known_state not in ('draft', 'enrolling'):
            after['enrolment_closed'] = True
        if (row.state, row.known_state) == ('running', 'enrolling'):
            after['state'] = 'running'
        if after:
            _note('training_class', row.id, {name: getattr(row, f'known_{name}') for name in after}, after)


def _note_messages() -> None:
    """Messages of the time before their sender was noted: from now on none of them changes, and none is added."""
    query = (
        "SELECT t.id, t.case_id, t.kind, t.name, t.payload FROM job t WHERE t.kind IN ('message', 'signal')"
        f" AND NOT {WITH_HISTORY}"  # noqa: S608
    )
    for job in op.get_bind().execute(sa.text(query)).all():
        said = journal.salted(str(job.id).encode(), 'message', [str(job.case_id), job.kind, job.name, job.payload])
        _note('job', job.id, {}, {'case_id': str(job.case_id), 'kind': job.kind, 'name': job.name, 'digest': said})
