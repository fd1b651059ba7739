"""Views of lists are saved and shared"""

import sqlalchemy as sa
from alembic import op

revision = '0031'
down_revision = '0030'


def upgrade() -> None:
    op.create_table(
        'saved_view',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('user_id', sa.Uuid(), nullable=False),
        sa.Column('organisation_id', sa.Uuid(), nullable=False),
        sa.Column('role', sa.String(length=24), nullable=False),
        sa.Column('list_name', sa.String(length=40), nullable=False),
        sa.Column('name', sa.LargeBinary(), nullable=False),
        sa.Column('arguments', sa.LargeBinary(), nullable=False),
        sa.Column('is_shared', sa.Boolean(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_saved_view_organisation_id')),
        sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_saved_view_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_view')),
    )
    op.create_index(
        op.f('ix_saved_view_organisation_id_role_list_name'),
        'saved_view',
        ['organisation_id', 'role', 'list_name'],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table('saved_view')
