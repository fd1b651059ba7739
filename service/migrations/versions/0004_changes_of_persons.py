"""Changes in the records of persons are listed by time"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    op.create_index('ix_row_change_person', 'row_change', ['at', 'id'], unique=False, postgresql_where=sa.text("table_name = 'person' AND kind = 'update'"))


def downgrade() -> None:
    op.drop_index('ix_row_change_person', table_name='row_change', postgresql_where=sa.text("table_name = 'person' AND kind = 'update'"))
