"""Sessions of the pages stand on the server: signing out ends every copy of a cookie"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'


def upgrade() -> None:
    op.create_table('account_session',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key_digest', sa.LargeBinary(length=32), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('role', sa.String(length=24), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('device', sa.String(length=60), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_account_session_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_session')),
    sa.UniqueConstraint('key_digest', name=op.f('uq_account_session_key_digest'))
    )
    op.create_index(op.f('ix_account_session_created_at'), 'account_session', ['created_at'], unique=False)
    op.create_index(op.f('ix_account_session_user_id'), 'account_session', ['user_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_account_session_user_id'), table_name='account_session')
    op.drop_index(op.f('ix_account_session_created_at'), table_name='account_session')
    op.drop_table('account_session')
