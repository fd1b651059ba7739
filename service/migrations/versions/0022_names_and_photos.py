"""A photo that its unit has changed waits for its approval; names are compared and found in the forms of today"""

import sqlalchemy as sa
from alembic import op

from service.models.db.collation import name_keys

revision = '0022'
down_revision = '0021'

KEYS = ('sort_key', 'folded_name', 'spelling')
UNIQUE = {'postgresql_where': "state <> 'deleted' AND authority_id IS NOT NULL"}
BATCH = 1000


def upgrade() -> None:
    op.add_column('person', sa.Column('is_photo_approved', sa.Boolean(), server_default='true', nullable=False))
    op.drop_index('uq_organisation_name', table_name='organisation', **UNIQUE)
    _fill('person', "'' AS code")
    _fill('organisation', 'code')
    _keep_apart()
    op.create_index('uq_organisation_name', 'organisation', ['authority_id', 'folded_name'], unique=True, **UNIQUE)


def downgrade() -> None:
    op.drop_column('person', 'is_photo_approved')


def _fill(table: str, code: str) -> None:
    """Compute the columns that follow the name, where they are others now. The name stays as it was typed."""
    connection = op.get_bind()
    known = connection.execute(sa.text(f"SELECT id, name, {code}, {', '.join(KEYS)} FROM {table}")).all()  # noqa: S608 - constants
    change = sa.text(f"UPDATE {table} SET {', '.join(f'{c} = :{c}' for c in KEYS)} WHERE id = :id")  # noqa: S608
    rows = []
    for row in known:
        keys = name_keys(row.name, is_person=table == 'person')
        if row.code:
            keys['sort_key'] = row.code  # authorities stand in the order of GB/T 2260
        if any(getattr(row, column) != keys[column] for column in KEYS):
            rows.append({'id': row.id} | keys)
    for start in range(0, len(rows), BATCH):
        connection.execute(change, rows[start : start + BATCH])


def _keep_apart() -> None:
    """Two live units of a province that are one name now: the later keeps its own until somebody renames it."""
    op.execute(
        "UPDATE organisation SET folded_name = left(folded_name, 360) || ' ' || id FROM (SELECT id AS later, row_number() OVER "
        "(PARTITION BY authority_id, folded_name ORDER BY created_at, id) AS place FROM organisation "
        "WHERE state <> 'deleted' AND authority_id IS NOT NULL) twins WHERE twins.later = organisation.id AND place > 1"
    )
