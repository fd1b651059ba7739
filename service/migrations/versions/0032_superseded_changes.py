"""A change is superseded where its version came into force without the approval"""

from alembic import op

revision = '0032'
down_revision = '0031'


def upgrade() -> None:
    op.drop_constraint(op.f('ck_process_change_state'), 'process_change')
    op.create_check_constraint(
        op.f('ck_process_change_state'),
        'process_change',
        "state IN ('proposed', 'approved', 'refused', 'withdrawn', 'superseded')",
    )


def downgrade() -> None:
    op.drop_constraint(op.f('ck_process_change_state'), 'process_change')
    op.execute("UPDATE process_change SET state = 'withdrawn' WHERE state = 'superseded'")
    op.create_check_constraint(
        op.f('ck_process_change_state'),
        'process_change',
        "state IN ('proposed', 'approved', 'refused', 'withdrawn')",
    )
