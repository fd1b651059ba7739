"""Drafts of processes, and changes that a second person approves"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0023'
down_revision = '0022'


def upgrade() -> None:
    op.create_table('process_draft',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('base', sa.String(length=64), nullable=True),
    sa.Column('files', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('saved_by', sa.Uuid(), nullable=True),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['saved_by'], ['user_account.id'], name=op.f('fk_process_draft_saved_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_process_draft')),
    sa.UniqueConstraint('key', name=op.f('uq_process_draft_key'))
    )
    op.create_table('process_change',
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('definition', sa.String(length=64), nullable=False),
    sa.Column('replaces', sa.String(length=64), nullable=True),
    sa.Column('source', sa.String(length=10), nullable=False),
    sa.Column('note', sa.String(length=500), nullable=False),
    sa.Column('proposer_id', sa.Uuid(), nullable=True),
    sa.Column('proposed_as', sa.String(length=120), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('comment', sa.LargeBinary(), nullable=True),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('case_id', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('proposed', 'approved', 'refused', 'withdrawn')", name=op.f('ck_process_change_state')),
    sa.ForeignKeyConstraint(['case_id'], ['case_instance.id'], name=op.f('fk_process_change_case_id')),
    sa.ForeignKeyConstraint(['definition'], ['definition_version.digest'], name=op.f('fk_process_change_definition')),
    sa.ForeignKeyConstraint(['proposer_id'], ['user_account.id'], name=op.f('fk_process_change_proposer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_process_change'))
    )
    op.create_index(op.f('ix_process_change_case_id'), 'process_change', ['case_id'], unique=False)
    op.create_index('uq_process_change_open', 'process_change', ['definition'], unique=True, postgresql_where=sa.text("state = 'proposed'"))


def downgrade() -> None:
    op.drop_table('process_change')
    op.drop_table('process_draft')
