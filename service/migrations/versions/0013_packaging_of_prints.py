"""packaging of prints, cancelled batches"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
BEFORE, NOW = ("'running', 'done', 'failed', 'removed'", "'running', 'done', 'failed', 'cancelled', 'removed'")


def upgrade() -> None:
    op.add_column('print_batch', sa.Column('packaging', sa.String(length=3), server_default='pdf', nullable=False))
    op.alter_column('print_batch', 'state', type_=sa.String(length=9))
    op.drop_constraint(op.f('ck_print_batch_state'), 'print_batch')
    op.create_check_constraint(op.f('ck_print_batch_state'), 'print_batch', f"state IN ({NOW})")


def downgrade() -> None:
    op.execute("UPDATE print_batch SET state = 'removed' WHERE state = 'cancelled'")
    op.drop_constraint(op.f('ck_print_batch_state'), 'print_batch')
    op.create_check_constraint(op.f('ck_print_batch_state'), 'print_batch', f"state IN ({BEFORE})")
    op.alter_column('print_batch', 'state', type_=sa.String(length=8))
    op.drop_column('print_batch', 'packaging')
