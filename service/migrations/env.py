"""Alembic's entry: runs the revisions on the connection that ``service.migrations`` hands over, in its transaction."""

from alembic import context

from service.migrations import upgrade_history
from service.models import tables  # noqa: F401 - the metadata is filled by importing them
from service.models.db.session import db

connection = context.config.attributes["connection"]
with upgrade_history.recorded(connection) as history:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        transactional_ddl=True,
        on_version_apply=lambda step, **_: history.write_history(step.up_revision_id or step.down_revision_ids[0]),
    )
    context.run_migrations()
