"""Random samples of cases for auditors, with findings and signatures"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0030'
down_revision = '0029'


def upgrade() -> None:
    op.create_table('audit_sample',
    sa.Column('title', sa.String(length=100), nullable=False),
    sa.Column('seed', sa.String(length=64), nullable=False),
    sa.Column('chosen', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('drawn_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('population', sa.Integer(), nullable=False),
    sa.Column('population_digest', sa.String(length=64), nullable=False),
    sa.Column('auditor_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('conclusion', sa.LargeBinary(), nullable=True),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('document', sa.LargeBinary(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'signed') = (signed_at IS NOT NULL)", name=op.f('ck_audit_sample_signed')),
    sa.CheckConstraint("state IN ('open', 'signed')", name=op.f('ck_audit_sample_state')),
    sa.ForeignKeyConstraint(['auditor_id'], ['user_account.id'], name=op.f('fk_audit_sample_auditor_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_sample'))
    )
    op.create_index(op.f('ix_audit_sample_drawn_at_id'), 'audit_sample', ['drawn_at', 'id'], unique=False)
    op.create_table('sampled_case',
    sa.Column('sample_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('finding', sa.String(length=8), nullable=False),
    sa.Column('note', sa.LargeBinary(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("finding IN ('pending', 'clear', 'doubt', 'fault')", name=op.f('ck_sampled_case_finding')),
    sa.ForeignKeyConstraint(['case_id'], ['case_instance.id'], name=op.f('fk_sampled_case_case_id')),
    sa.ForeignKeyConstraint(['sample_id'], ['audit_sample.id'], name=op.f('fk_sampled_case_sample_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sampled_case'))
    )
    op.create_index(op.f('ix_sampled_case_case_id'), 'sampled_case', ['case_id'], unique=False)
    op.create_index('uq_sampled_case_position', 'sampled_case', ['sample_id', 'position'], unique=True)


def downgrade() -> None:
    op.drop_index('uq_sampled_case_position', table_name='sampled_case')
    op.drop_index(op.f('ix_sampled_case_case_id'), table_name='sampled_case')
    op.drop_table('sampled_case')
    op.drop_index(op.f('ix_audit_sample_drawn_at_id'), table_name='audit_sample')
    op.drop_table('audit_sample')
