"""Figures of a country come from the projection of needs, from narrow indexes of enrolments and cases"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'


def upgrade() -> None:
    op.create_index('ix_case_instance_incidents', 'case_instance', ['started_at', 'id'], unique=False, postgresql_where='incidents > 0')
    op.create_index('ix_case_instance_started_at_id', 'case_instance', ['started_at', 'id'], unique=False)
    op.create_index('ix_case_instance_subject_characters', 'case_instance', [sa.literal_column('string_to_array(lower(subject), NULL)')], unique=False, postgresql_using='gin')
    op.drop_index('ix_enrollment_class_id_state_id', table_name='enrollment')
    op.create_index('ix_enrollment_class', 'enrollment', ['class_id', 'unit_id', 'authority_id'], unique=False, postgresql_include=['state', 'kind', 'id'])
    op.create_index('ix_print_record_created_at_id', 'print_record', ['created_at', 'id'], unique=False)
    op.add_column('training_need', sa.Column('unit_id', sa.Uuid(), nullable=True))
    op.add_column('training_need', sa.Column('qualification_type_id', sa.Uuid(), nullable=True))
    op.add_column('training_need', sa.Column('state', sa.String(length=14), nullable=True))
    op.execute(
        "UPDATE training_need SET unit_id = p.unit_id, qualification_type_id = p.qualification_type_id, state = p.state "
        "FROM person p WHERE p.id = training_need.person_id"
    )
    for name in ('unit_id', 'qualification_type_id', 'state'):
        op.alter_column('training_need', name, nullable=False)
    op.create_index('ix_training_need_unit_id_state_need', 'training_need', ['unit_id', 'state', 'need'], unique=False)
    op.create_foreign_key('fk_training_need_qualification_type_id', 'training_need', 'qualification_type', ['qualification_type_id'], ['id'])
    op.create_foreign_key('fk_training_need_unit_id', 'training_need', 'organisation', ['unit_id'], ['id'])


def downgrade() -> None:
    op.drop_constraint('fk_training_need_unit_id', 'training_need', type_='foreignkey')
    op.drop_constraint('fk_training_need_qualification_type_id', 'training_need', type_='foreignkey')
    op.drop_index('ix_training_need_unit_id_state_need', table_name='training_need')
    op.drop_column('training_need', 'state')
    op.drop_column('training_need', 'qualification_type_id')
    op.drop_column('training_need', 'unit_id')
    op.drop_index('ix_print_record_created_at_id', table_name='print_record')
    op.drop_index('ix_enrollment_class', table_name='enrollment', postgresql_include=['state', 'kind', 'id'])
    op.create_index('ix_enrollment_class_id_state_id', 'enrollment', ['class_id', 'state', 'id'], unique=False)
    op.drop_index('ix_case_instance_subject_characters', table_name='case_instance', postgresql_using='gin')
    op.drop_index('ix_case_instance_started_at_id', table_name='case_instance')
    op.drop_index('ix_case_instance_incidents', table_name='case_instance', postgresql_where='incidents > 0')
