"""Persons and enrolments carry the name that a diagram gives their state; versions of definitions their English texts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = '0017'
down_revision = '0016'

TABLES = ('enrollment', 'person')


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column('stage', sa.String(30), nullable=True))
    op.add_column('definition_version', sa.Column('english', JSONB(), server_default='{}', nullable=False))


def downgrade() -> None:
    op.drop_column('definition_version', 'english')
    for table in TABLES:
        op.drop_column(table, 'stage')
