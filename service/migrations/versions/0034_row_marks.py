"""Rows of journal, row history and audit trail bear the mark of the service that wrote them"""

import sqlalchemy as sa
from alembic import op

revision = '0034'
down_revision = '0033'
TABLES = ('journal', 'row_change', 'audit_event')


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column('mac', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, 'mac')
