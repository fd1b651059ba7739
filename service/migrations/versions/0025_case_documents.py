"""Papers that diagrams make of their cases"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0024'


def upgrade() -> None:
    op.create_table(
        'case_document',
        sa.Column('case_id', sa.Uuid(), nullable=False),
        sa.Column('seq', sa.Integer(), nullable=False),
        sa.Column('element', sa.String(length=200), nullable=False),
        sa.Column('facts', sa.LargeBinary(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['case_id'], ['case_instance.id'], name=op.f('fk_case_document_case_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_case_document')),
    )
    op.create_index(op.f('ix_case_document_case_id'), 'case_document', ['case_id'])


def downgrade() -> None:
    op.drop_table('case_document')
