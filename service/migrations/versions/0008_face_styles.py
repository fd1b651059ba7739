"""layout and language of printed faces"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
TABLES = ('print_batch', 'print_record')


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column('layout', sa.String(length=8), server_default='a4', nullable=False))
        op.add_column(table, sa.Column('language', sa.String(length=10), server_default='zh', nullable=False))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, 'language')
        op.drop_column(table, 'layout')
