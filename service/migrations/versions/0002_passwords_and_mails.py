"""Password age and history, mails, stopped exports"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    op.create_table('former_password',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_former_password_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_former_password'))
    )
    op.create_index(op.f('ix_former_password_user_id_at'), 'former_password', ['user_id', 'at'], unique=False)
    op.create_table('mail',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.CheckConstraint("state IN ('waiting', 'sent', 'dropped', 'failed')", name=op.f('ck_mail_state')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_mail_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail')),
    sa.UniqueConstraint('key', name=op.f('uq_mail_key'))
    )
    op.create_index('ix_mail_unsent', 'mail', ['created_at'], unique=False, postgresql_where="state IN ('waiting', 'failed')")
    op.create_index(op.f('ix_mail_user_id_created_at'), 'mail', ['user_id', 'created_at'], unique=False)
    # When present passwords were set is not known: their 90 days begin with this migration.
    op.add_column('user_account', sa.Column('password_at', sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()))
    op.alter_column('user_account', 'password_at', server_default=None)
    op.add_column('user_account', sa.Column('phone_sealed', sa.LargeBinary(), nullable=True))
    op.add_column('user_account', sa.Column('phone_masked', sa.String(length=20), nullable=True))
    op.add_column('user_account', sa.Column('mail_sealed', sa.LargeBinary(), nullable=True))
    op.add_column('user_account', sa.Column('mail_masked', sa.String(length=120), nullable=True))
    op.drop_constraint(op.f('ck_export_log_state'), 'export_log')
    op.create_check_constraint(op.f('ck_export_log_state'), 'export_log', "state IN ('running', 'done', 'failed', 'stopped', 'removed')")


def downgrade() -> None:
    op.execute("UPDATE export_log SET state = 'failed' WHERE state = 'stopped'")
    op.drop_constraint(op.f('ck_export_log_state'), 'export_log')
    op.create_check_constraint(op.f('ck_export_log_state'), 'export_log', "state IN ('running', 'done', 'failed', 'removed')")
    op.drop_column('user_account', 'mail_masked')
    op.drop_column('user_account', 'mail_sealed')
    op.drop_column('user_account', 'phone_masked')
    op.drop_column('user_account', 'phone_sealed')
    op.drop_column('user_account', 'password_at')
    op.drop_index(op.f('ix_mail_user_id_created_at'), table_name='mail')
    op.drop_index('ix_mail_unsent', table_name='mail', postgresql_where="state IN ('waiting', 'failed')")
    op.drop_table('mail')
    op.drop_index(op.f('ix_former_password_user_id_at'), table_name='former_password')
    op.drop_table('former_password')
