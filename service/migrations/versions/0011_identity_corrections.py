"""Identities are corrected by an act of its own, with evidence; who owns a number agrees with its holder (R77)"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0011'
down_revision = '0010'


# Until now an edit could change who a holder is without the number following.
FOLLOW = """
    UPDATE certificate_number_owner AS o SET owner = p.id_number_digest
    FROM certificate c JOIN person p ON p.id = c.person_id
    WHERE c.number = o.number AND o.owner <> p.id_number_digest
"""


def upgrade() -> None:
    op.create_table('identity_correction',
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('requested_by', sa.Uuid(), nullable=True),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('statement', sa.String(length=500), nullable=False),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('former_number_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('former_number_masked', sa.String(length=30), nullable=False),
    sa.Column('name', sa.String(length=50), nullable=False),
    sa.Column('id_type', sa.String(length=12), nullable=False),
    sa.Column('id_number_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('id_number_digest', sa.LargeBinary(), nullable=False),
    sa.Column('id_number_masked', sa.String(length=30), nullable=False),
    sa.Column('sex', sa.String(length=6), nullable=False),
    sa.Column('birth_date', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('comment', sa.String(length=500), nullable=True),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('assented_by', sa.Uuid(), nullable=True),
    sa.Column('assented_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('case_id', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('typing', 'document', 'name')", name=op.f('ck_identity_correction_kind')),
    sa.CheckConstraint("state IN ('requested', 'approved', 'applied', 'refused', 'withdrawn', 'lapsed')", name=op.f('ck_identity_correction_state')),
    sa.ForeignKeyConstraint(['case_id'], ['case_instance.id'], name=op.f('fk_identity_correction_case_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_identity_correction_person_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['user_account.id'], name=op.f('fk_identity_correction_requested_by')),
    sa.ForeignKeyConstraint(['unit_id'], ['organisation.id'], name=op.f('fk_identity_correction_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identity_correction'))
    )
    op.create_index(op.f('ix_identity_correction_case_id'), 'identity_correction', ['case_id'], unique=False)
    op.create_index(op.f('ix_identity_correction_person_id_id'), 'identity_correction', ['person_id', 'id'], unique=False)
    op.create_index('uq_identity_correction_live', 'identity_correction', ['person_id'], unique=True, postgresql_where="state IN ('requested', 'approved')")
    op.create_table('identity_correction_file',
    sa.Column('correction_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['correction_id'], ['identity_correction.id'], name=op.f('fk_identity_correction_file_correction_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identity_correction_file'))
    )
    op.create_index(op.f('ix_identity_correction_file_correction_id'), 'identity_correction_file', ['correction_id'], unique=False)

    op.execute("DROP TRIGGER IF EXISTS refuse_change ON certificate_number_owner")  # its rows follow from now on
    op.execute(FOLLOW)


def downgrade() -> None:
    op.drop_index(op.f('ix_identity_correction_file_correction_id'), table_name='identity_correction_file')
    op.drop_table('identity_correction_file')
    op.drop_index('uq_identity_correction_live', table_name='identity_correction', postgresql_where="state IN ('requested', 'approved')")
    op.drop_index(op.f('ix_identity_correction_person_id_id'), table_name='identity_correction')
    op.drop_index(op.f('ix_identity_correction_case_id'), table_name='identity_correction')
    op.drop_table('identity_correction')
