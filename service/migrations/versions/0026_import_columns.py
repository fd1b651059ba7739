"""An import of persons may wait for the columns of its table to be named"""

from __future__ import annotations

from alembic import op

revision = '0026'
down_revision = '0025'

STATES = ('mapping', 'checking', 'checked', 'importing', 'done', 'removed')


def upgrade() -> None:
    _constrain(STATES)


def downgrade() -> None:
    op.execute("UPDATE person_import SET state = 'removed', sealed = NULL WHERE state = 'mapping'")
    _constrain(STATES[1:])


def _constrain(states: tuple[str, ...]) -> None:
    op.drop_constraint(op.f('ck_person_import_state'), 'person_import')
    op.create_check_constraint(op.f('ck_person_import_state'), 'person_import', f"state IN {states}")
