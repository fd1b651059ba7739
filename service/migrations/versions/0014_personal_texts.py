"""Texts of and about people are encrypted wherever they are kept; the history of rows keeps theirs apart"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.config import InvalidSetting
from service.models.db.encryption import EncryptedText, PersonalJson, PersonalText, can_decrypt

revision = '0014'
down_revision = '0013'

ROWS = 1000  # read and written at once

# table → columns with the length that they had (None: without a limit), and whether they are always there
TEXTS: dict[str, dict[str, tuple[int | None, bool]]] = {
    'certificate': {'void_reason': (500, False)},
    'enrollment': {'reason': (500, False)},
    'export_log': {'purpose': (200, False)},
    'identity_correction': {'statement': (500, True), 'comment': (500, False)},
    'identity_correction_file': {'name': (120, True)},
    'notice': {'body': (None, True), 'withdraw_reason': (500, False)},
    'notice_attachment': {'name': (120, True)},
    'organisation': {'credit_code_reason': (500, False), 'legal_rep': (50, False), 'contact': (50, False), 'phone': (30, False), 'address': (200, False)},
    'person': {'post': (50, False), 'education': (30, False), 'title': (50, False), 'decision_comment': (500, False)},
    'print_batch': {'title': (200, True), 'reason': (200, True)},
    'print_record': {'reason': (200, True), 'received_by': (50, False)},
    'reissue': {'statement': (500, True), 'comment': (500, False)},
    'score': {'return_reason': (500, False)},
    'ticket': {'body': (None, True), 'progress': (100, True), 'device': (100, False)},
    'ticket_file': {'name': (120, True)},
    'ticket_message': {'body': (None, True)},
    'training_class': {'contact': (100, False), 'body': (None, False), 'cancel_reason': (500, False)},
    'training_plan': {'note': (500, False), 'cancel_reason': (500, False)},
}
NOT_AUDITED = ('export_log', 'print_batch')  # their changes are not kept in the history of rows
MAINTENANCE = "SET LOCAL anpei.maintenance = 'on'"  # history of rows and audit trail hold even their owner (rights.py)
HIDDEN = 'hidden'
SAMPLES = (('person', 'id_number_sealed'), ('user_account', 'mail_sealed'), ('personal_value', 'sealed'))


def upgrade() -> None:
    _check_keys()
    op.execute(MAINTENANCE)
    op.drop_constraint(op.f('ck_export_log_purpose'), 'export_log')
    op.alter_column('export_log', 'purpose', nullable=True)
    op.execute("UPDATE export_log SET purpose = NULL WHERE purpose = ''")
    for table, columns in TEXTS.items():
        for name, (_length, is_needed) in columns.items():
            _replace(table, name, sa.Text(), PersonalText(), is_needed)
    _replace('notice', 'facts', postgresql.JSONB(), PersonalJson(), True)
    op.create_check_constraint(op.f('ck_export_log_purpose'), 'export_log', 'masked OR purpose IS NOT NULL')
    op.add_column('row_change', sa.Column('sealed', sa.LargeBinary(), nullable=True))
    _seal_history()
    # what stood there twice stands in the row that is meant
    op.execute("UPDATE audit_event SET detail = detail - 'purpose' - 'reason' WHERE detail ?| ARRAY['purpose', 'reason']")
    op.execute(
        "UPDATE task SET facts = facts - 'previous_comment' - 'post' - 'progress' "
        "WHERE facts ?| ARRAY['previous_comment', 'post', 'progress']"
    )


def downgrade() -> None:
    _check_keys()
    op.execute(MAINTENANCE)
    _open_history()
    op.drop_column('row_change', 'sealed')
    op.drop_constraint(op.f('ck_export_log_purpose'), 'export_log')
    _replace('notice', 'facts', PersonalJson(), postgresql.JSONB(), True)
    op.alter_column('notice', 'facts', server_default='{}')
    for table, columns in TEXTS.items():
        for name, (length, is_needed) in columns.items():
            _replace(table, name, PersonalText(), sa.String(length) if length else sa.Text(), is_needed)
    op.execute("UPDATE export_log SET purpose = '' WHERE purpose IS NULL")
    op.alter_column('export_log', 'purpose', nullable=False)
    op.create_check_constraint(op.f('ck_export_log_purpose'), 'export_log', "masked OR purpose <> ''")


def _check_keys() -> None:
    """Refuse wrong keys: what they encrypted now, the right ones could not open later."""
    for table, name in SAMPLES:
        column = sa.table(table, sa.column(name, sa.LargeBinary())).c[name]
        value = op.get_bind().scalar(sa.select(column).where(column.is_not(None), column != b'').limit(1))
        if value is not None and not can_decrypt(bytes(value)):
            raise InvalidSetting("ANPEI_KEYS: the keys at hand do not open the personal data of this database")


def _replace(table: str, name: str, old: Any, new: Any, is_needed: bool) -> None:
    """Put a column of another type in the place of one, with the values it holds."""
    stored = sa.LargeBinary() if isinstance(new, (EncryptedText, PersonalJson)) else new
    op.alter_column(table, name, new_column_name=f'{name}_before', server_default=None)
    op.add_column(table, sa.Column(name, stored, nullable=True))
    rows = sa.table(table, sa.column('id', sa.Uuid()), sa.column(f'{name}_before', old), sa.column(name, new))
    before, after = rows.c[f'{name}_before'], rows.c[name]
    change = sa.update(rows).where(rows.c.id == sa.bindparam('row')).values({name: sa.bindparam('value', type_=new)})
    for found in _pages(sa.select(rows.c.id, before).where(before.is_not(None)), rows.c.id):
        op.get_bind().execute(change, [{'row': key, 'value': value} for key, value in found])
    op.drop_column(table, f'{name}_before')
    if is_needed:
        op.alter_column(table, name, nullable=False)


def _pages(query: Any, key: Any) -> Iterator[Any]:
    """The rows of a query, page by page in the order of their key, which is their first column."""
    last = None
    while found := op.get_bind().execute((query if last is None else query.where(key > last)).order_by(key).limit(ROWS)).all():
        yield found
        last = found[-1][0]


def _history() -> Any:
    return sa.table(
        'row_change',
        sa.column('id', sa.Uuid()),
        sa.column('table_name', sa.Text()),
        sa.column('before', postgresql.JSONB(none_as_null=True)),
        sa.column('after', postgresql.JSONB(none_as_null=True)),
        sa.column('sealed', PersonalJson()),
    )


def _columns() -> dict[str, list[str]]:
    """The columns whose history is sealed, by table."""
    found = {table: list(columns) for table, columns in TEXTS.items() if table not in NOT_AUDITED}
    return {**found, 'notice': [*found['notice'], 'facts']}


def _write_history(rows: Any, changes: list[dict[str, Any]]) -> None:
    change = sa.update(rows).where(rows.c.id == sa.bindparam('row'))
    values = {name: sa.bindparam(f'new_{name}', type_=rows.c[name].type) for name in ('before', 'after', 'sealed')}
    if changes:
        op.get_bind().execute(change.values(values), changes)


def _seal_history() -> None:
    """Take the texts out of before and after."""
    rows, columns = _history(), _columns()
    query = sa.select(rows.c.id, rows.c.table_name, rows.c.before, rows.c.after)
    for found in _pages(query.where(rows.c.table_name.in_(list(columns))), rows.c.id):
        changes = []
        for key, table, before, after in found:
            sides, kept = {'before': before, 'after': after}, {}
            for side, values in sides.items():
                kept[side] = {name: values[name] for name in columns[table] if name in (values or {})}
                if values is not None:
                    hidden = {name: None if value is None else HIDDEN for name, value in kept[side].items()}
                    sides[side] = {**values, **hidden}
            if any(value is not None for texts in kept.values() for value in texts.values()):
                sealed = {side: texts for side, texts in kept.items() if sides[side] is not None}
                changes.append({'row': key, 'new_before': sides['before'], 'new_after': sides['after'], 'new_sealed': sealed})
        _write_history(rows, changes)


def _open_history() -> None:
    """Put the texts back."""
    rows = _history()
    query = sa.select(rows.c.id, rows.c.before, rows.c.after, rows.c.sealed).where(rows.c.sealed.is_not(None))
    for found in _pages(query, rows.c.id):
        changes = []
        for key, before, after, sealed in found:
            sides = {'before': before, 'after': after}
            for side, texts in sealed.items():
                sides[side] = {**(sides[side] or {}), **texts}
            changes.append({'row': key, 'new_before': sides['before'], 'new_after': sides['after'], 'new_sealed': None})
        _write_history(rows, changes)
