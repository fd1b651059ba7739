"""The history of rows is listed, the latest first"""

from alembic import op

revision = '0027'
down_revision = '0026'


def upgrade() -> None:
    op.create_index(op.f('ix_row_change_at_id'), 'row_change', ['at', 'id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_row_change_at_id'), table_name='row_change')
