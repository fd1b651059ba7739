"""Classes, reissues, corrections and tickets carry the name that a diagram gives their state"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'

TABLES = ('training_class', 'reissue', 'identity_correction', 'ticket')


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column('stage', sa.String(30), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, 'stage')
