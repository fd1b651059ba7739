"""Alembic's entry: runs the revisions on the connection that ``service.migrations`` hands over, in its transaction."""

from alembic import context

from service.models import tables  # noqa: F401 - the metadata is filled by importing them
from service.models.db.session import db

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=db.metadata,
    transactional_ddl=True,
)
context.run_migrations()
