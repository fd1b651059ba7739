"""Forms and sheets are kept as one types"""

import sqlalchemy as sa
from alembic import op

revision = '0029'
down_revision = '0028'


def upgrade() -> None:
    op.create_table(
        'form_draft',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('user_id', sa.Uuid(), nullable=False),
        sa.Column('form_digest', sa.String(length=64), nullable=False),
        sa.Column('typed', sa.LargeBinary(), nullable=False),
        sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_form_draft_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_form_draft')),
        sa.UniqueConstraint('user_id', 'form_digest', name=op.f('uq_form_draft_user_id_form_digest')),
    )
    op.create_index(op.f('ix_form_draft_form_digest'), 'form_draft', ['form_digest'], unique=False)
    op.create_index(op.f('ix_form_draft_saved_at'), 'form_draft', ['saved_at'], unique=False)


def downgrade() -> None:
    op.drop_table('form_draft')
