"""Files of prints and exports stand in the database, in encrypted pieces"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'


def upgrade() -> None:
    op.create_table(
        'file_piece',
        sa.Column('owner_id', sa.Uuid(), nullable=False),
        sa.Column('name', sa.String(length=40), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('size', sa.Integer(), nullable=False),
        sa.Column('sealed', sa.LargeBinary(), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('owner_id', 'name', 'number', name=op.f('pk_file_piece')),
    )
    op.create_index(op.f('ix_file_piece_expires_at'), 'file_piece', ['expires_at'])


def downgrade() -> None:
    op.drop_table('file_piece')
