"""Closed enrolment as a fact of its own, beside the state of the class, which runs from its first check-in (R86)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'

CAME = "('checked_in', 'scored', 'makeup', 'certifying', 'completed', 'failed', 'terminated')"


def upgrade() -> None:
    op.add_column('training_class', sa.Column('enrolment_closed', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE training_class SET enrolment_closed = state NOT IN ('draft', 'enrolling')")
    op.alter_column('training_class', 'enrolment_closed', server_default=None)
    op.execute(
        "UPDATE training_class SET state = 'running' WHERE state = 'enrolling' AND EXISTS (SELECT 1 FROM enrollment "
        f"WHERE enrollment.class_id = training_class.id AND enrollment.state IN {CAME})"
    )


def downgrade() -> None:
    op.execute("UPDATE training_class SET state = 'enrolling' WHERE state = 'running' AND NOT enrolment_closed")
    op.drop_column('training_class', 'enrolment_closed')
