"""A version of a process says who deployed it, why, and what the gate said of it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0016'
down_revision = '0015'


def upgrade() -> None:
    op.add_column('definition_version', sa.Column('deployed_as', sa.String(length=120), server_default='', nullable=False))
    op.add_column('definition_version', sa.Column('note', sa.String(length=500), server_default='', nullable=False))
    op.add_column('definition_version', sa.Column('proof', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False))
    for column in ('deployed_as', 'note', 'proof'):
        op.alter_column('definition_version', column, server_default=None)


def downgrade() -> None:
    for column in ('proof', 'note', 'deployed_as'):
        op.drop_column('definition_version', column)
