"""Versions are tested against past cases, and running cases migrated to them, in the background"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0021'
down_revision = '0020'
STATES = "state IN ('running', 'done', 'failed', 'stopped')"


def _run() -> list[sa.Column]:
    return [
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('user_id', sa.Uuid(), nullable=True),
        sa.Column('process', sa.String(length=80), nullable=False),
        sa.Column('total', sa.Integer(), nullable=False),
        sa.Column('done', sa.Integer(), nullable=False),
        sa.Column('state', sa.String(length=8), nullable=False),
        sa.Column('error', sa.Text(), nullable=True),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        'backtest_run',
        *_run(),
        sa.Column('main', sa.String(length=120), nullable=False),
        sa.Column('version', sa.Integer(), nullable=True),
        sa.Column('bundle', sa.LargeBinary(), nullable=False),
        sa.Column('since', sa.DateTime(timezone=True), nullable=True),
        sa.Column('sample', sa.Integer(), nullable=True),
        sa.Column('counts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('cases', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(STATES, name=op.f('ck_backtest_run_state')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_backtest_run')),
    )
    op.create_index(op.f('ix_backtest_run_process_at'), 'backtest_run', ['process', 'at'], unique=False)
    op.create_table(
        'migration_run',
        *_run(),
        sa.Column('source', sa.String(length=64), nullable=False),
        sa.Column('target', sa.String(length=64), nullable=False),
        sa.Column('plan', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('reason', sa.LargeBinary(), nullable=True),
        sa.Column('chosen', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column('back_of', sa.Uuid(), nullable=True),
        sa.Column('moved', sa.Integer(), nullable=False),
        sa.Column('refused', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(STATES, name=op.f('ck_migration_run_state')),
        sa.ForeignKeyConstraint(['back_of'], ['migration_run.id'], name=op.f('fk_migration_run_back_of')),
        sa.ForeignKeyConstraint(['source'], ['definition_version.digest'], name=op.f('fk_migration_run_source')),
        sa.ForeignKeyConstraint(['target'], ['definition_version.digest'], name=op.f('fk_migration_run_target')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_migration_run')),
    )
    op.create_index(op.f('ix_migration_run_process_at'), 'migration_run', ['process', 'at'], unique=False)


def downgrade() -> None:
    op.drop_table('migration_run')
    op.drop_table('backtest_run')
