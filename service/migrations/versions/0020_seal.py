"""One append-only Merkle log over journal, row history, audit trail and definitions, with signed heads"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0020'
down_revision = '0019'
GROWING = ('journal', 'row_change', 'audit_event')


def upgrade() -> None:
    op.create_table('seal',
    sa.Column('size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('root', sa.LargeBinary(), nullable=False),
    sa.Column('frontier', sa.LargeBinary(), nullable=False),
    sa.Column('horizon', sa.BigInteger(), nullable=False),
    sa.Column('head', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('size', name=op.f('pk_seal'))
    )
    op.create_table('seal_leaf',
    sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_seal_leaf'))
    )
    op.create_index('uq_seal_leaf_key', 'seal_leaf', ['key', 'kind'], unique=True)
    for table in GROWING:  # what is there gets this transaction's number, and is sealed first
        default = sa.text('(pg_current_xact_id()::text)::bigint')
        op.add_column(table, sa.Column('written_in', sa.BigInteger(), server_default=default, nullable=False))
        op.create_index(op.f(f'ix_{table}_written_in'), table, ['written_in'], unique=False, postgresql_using='brin')


def downgrade() -> None:
    for table in GROWING:
        op.drop_index(op.f(f'ix_{table}_written_in'), table_name=table)
        op.drop_column(table, 'written_in')
    op.drop_table('seal_leaf')
    op.drop_table('seal')
