"""Names are compared in one folded form and found by pinyin and initials; the residence card of foreigners; why a credit code stands"""

import sqlalchemy as sa
from alembic import op

from service.models.db.collation import name_keys

revision = '0012'
down_revision = '0011'

ID_TYPES = "id_type IN ('resident_id', 'hmt_permit', 'passport', 'foreigner_id')"
BATCH = 1000


def upgrade() -> None:
    op.drop_index('ix_person_name_characters', table_name='person', postgresql_using='gin')
    op.drop_index('uq_organisation_name', table_name='organisation', postgresql_where="state <> 'deleted' AND authority_id IS NOT NULL")
    for table, longest in (('person', 200), ('organisation', 400)):
        op.add_column(table, sa.Column('folded_name', sa.String(length=longest), nullable=False, server_default=''))
        op.add_column(table, sa.Column('spelling', sa.String(length=1000), nullable=False, server_default=''))
    op.add_column('organisation', sa.Column('credit_code_reason', sa.String(length=500), nullable=True))
    _fill('person', ('sort_key', 'folded_name', 'spelling'))
    _fill('organisation', ('folded_name', 'spelling'))
    _keep_apart()
    for table in ('person', 'organisation'):
        op.alter_column(table, 'folded_name', server_default=None)
        op.alter_column(table, 'spelling', server_default=None)
    op.create_index('ix_person_name_characters', 'person', [sa.literal_column('string_to_array(folded_name, NULL)')], unique=False, postgresql_using='gin')
    op.create_index('ix_person_spelling', 'person', [sa.literal_column("array_to_tsvector(string_to_array(spelling, ' '::text))")], unique=False, postgresql_using='gin')
    op.create_index('uq_organisation_name', 'organisation', ['authority_id', 'folded_name'], unique=True, postgresql_where="state <> 'deleted' AND authority_id IS NOT NULL")
    op.drop_constraint(op.f('ck_person_id_type'), 'person', type_='check')
    op.create_check_constraint(op.f('ck_person_id_type'), 'person', ID_TYPES)


def downgrade() -> None:
    op.drop_constraint(op.f('ck_person_id_type'), 'person', type_='check')
    op.create_check_constraint(op.f('ck_person_id_type'), 'person', "id_type IN ('resident_id', 'hmt_permit', 'passport')")
    op.drop_index('uq_organisation_name', table_name='organisation', postgresql_where="state <> 'deleted' AND authority_id IS NOT NULL")
    op.drop_index('ix_person_spelling', table_name='person', postgresql_using='gin')
    op.drop_index('ix_person_name_characters', table_name='person', postgresql_using='gin')
    op.drop_column('organisation', 'credit_code_reason')
    for table in ('organisation', 'person'):
        op.drop_column(table, 'spelling')
        op.drop_column(table, 'folded_name')
    op.create_index('uq_organisation_name', 'organisation', ['authority_id', 'name'], unique=True, postgresql_where="state <> 'deleted' AND authority_id IS NOT NULL")
    op.create_index('ix_person_name_characters', 'person', [sa.literal_column('string_to_array(name, NULL)')], unique=False, postgresql_using='gin')


def _fill(table: str, columns: tuple[str, ...]) -> None:
    """Compute the columns that follow the name. The name itself stays as it was typed: it is what history shows."""
    connection = op.get_bind()
    known = connection.execute(sa.text(f'SELECT id, name FROM {table}')).all()  # noqa: S608 - a constant
    change = sa.text(f"UPDATE {table} SET {', '.join(f'{c} = :{c}' for c in columns)} WHERE id = :id")  # noqa: S608
    for start in range(0, len(known), BATCH):
        rows = []
        for row in known[start : start + BATCH]:
            keys = name_keys(row.name, is_person=table == 'person')
            rows.append({'id': row.id} | {column: keys[column] for column in columns})
        connection.execute(change, rows)


def _keep_apart() -> None:
    """Two live units of a province that are one name now: the later keeps its own until somebody renames it."""
    op.execute(
        "UPDATE organisation SET folded_name = left(folded_name, 360) || ' ' || id FROM (SELECT id AS later, row_number() OVER "
        "(PARTITION BY authority_id, folded_name ORDER BY created_at, id) AS place FROM organisation "
        "WHERE state <> 'deleted' AND authority_id IS NOT NULL) twins WHERE twins.later = organisation.id AND place > 1"
    )
