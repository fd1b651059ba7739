"""Data of cases belong to scopes: states and journals of engine 2 cannot be carried over"""

from alembic import op
from sqlalchemy import text

from service.errors import AnpeiError

revision = '0009'
down_revision = '0008'

REFUSAL = (
    "This database holds cases of engine spiffworkflow-3.2.0/2, whose states and journals this version does not read. "
    "Let the version that wrote them finish and prove them, and give this one an empty database "
    "(another ANPEI_DATABASE_URL or ANPEI_DATA_DIR). Nothing was changed."
)


def upgrade() -> None:
    if op.get_bind().scalar(text("SELECT EXISTS (SELECT 1 FROM case_instance)")):
        raise AnpeiError(REFUSAL)


def downgrade() -> None:
    pass
