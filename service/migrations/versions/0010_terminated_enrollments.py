"""An enrolment can be terminated after the check-in: what its person held has ended, or the person left (R80)"""

from alembic import op

revision = '0010'
down_revision = '0009'

LIVE = "'pending', 'confirmed', 'checked_in', 'scored', 'makeup', 'certifying'"
ENDED = "'completed', 'failed', 'rejected', 'withdrawn', 'no_show', 'cancelled'"


def upgrade() -> None:
    op.drop_constraint(op.f('ck_enrollment_state'), 'enrollment', type_='check')
    op.create_check_constraint(op.f('ck_enrollment_state'), 'enrollment', f"state IN ({LIVE}, {ENDED}, 'terminated')")


def downgrade() -> None:
    op.drop_constraint(op.f('ck_enrollment_state'), 'enrollment', type_='check')
    op.create_check_constraint(op.f('ck_enrollment_state'), 'enrollment', f"state IN ({LIVE}, {ENDED})")
