"""Units addressed by a bulletin; devices, steps and files of tickets; photos of an import"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    op.create_table('person_import_photo',
    sa.Column('import_id', sa.Uuid(), nullable=False),
    sa.Column('row', sa.Integer(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['import_id'], ['person_import.id'], name=op.f('fk_person_import_photo_import_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('import_id', 'row', name=op.f('pk_person_import_photo'))
    )
    op.create_table('ticket_file',
    sa.Column('ticket_id', sa.Uuid(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=True),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['message_id'], ['ticket_message.id'], name=op.f('fk_ticket_file_message_id')),
    sa.ForeignKeyConstraint(['ticket_id'], ['ticket.id'], name=op.f('fk_ticket_file_ticket_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ticket_file'))
    )
    op.create_index(op.f('ix_ticket_file_ticket_id'), 'ticket_file', ['ticket_id'], unique=False)
    op.add_column('notice', sa.Column('units', postgresql.ARRAY(sa.String(length=36)), server_default='{}', nullable=False))
    op.add_column('person_import', sa.Column('photos', sa.Integer(), server_default='0', nullable=False))
    op.add_column('ticket', sa.Column('device', sa.String(length=100), nullable=True))
    op.add_column('ticket', sa.Column('step', sa.String(length=12), nullable=True))
    op.create_check_constraint(op.f('ck_ticket_step'), 'ticket', "step IN ('received', 'inspecting', 'repairing', 'testing', 'returned')")


def downgrade() -> None:
    op.drop_constraint(op.f('ck_ticket_step'), 'ticket')
    op.drop_column('ticket', 'step')
    op.drop_column('ticket', 'device')
    op.drop_column('person_import', 'photos')
    op.drop_column('notice', 'units')
    op.drop_index(op.f('ix_ticket_file_ticket_id'), table_name='ticket_file')
    op.drop_table('ticket_file')
    op.drop_table('person_import_photo')
