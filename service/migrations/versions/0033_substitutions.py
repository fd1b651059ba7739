"""Colleagues stand in for accounts that are away"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0033'
down_revision = '0032'

ACCOUNTS = ('user_id', 'substitute_id', 'appointed_by')


def upgrade() -> None:
    op.create_table(
        'substitution',
        sa.Column('id', sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ACCOUNTS),
        sa.Column('from_day', sa.Date(), nullable=False),
        sa.Column('until_day', sa.Date(), nullable=False),
        sa.Column('kinds', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint('until_day >= from_day', name=op.f('ck_substitution_days')),
        sa.CheckConstraint('user_id <> substitute_id', name=op.f('ck_substitution_other')),
        *(
            sa.ForeignKeyConstraint([name], ['user_account.id'], name=op.f(f'fk_substitution_{name}'))
            for name in ACCOUNTS
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_substitution')),
    )
    for column in ('substitute_id', 'user_id'):
        op.create_index(op.f(f'ix_substitution_{column}'), 'substitution', [column], unique=False)


def downgrade() -> None:
    op.drop_table('substitution')
