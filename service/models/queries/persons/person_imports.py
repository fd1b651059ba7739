"""Rows of imports: made once, locked while they are worked on, and their progress, which is seen before the commit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from service.models.db.session import session
from service.models.queries.lease import Lease
from service.models.tables.persons.person_import import PersonImport


def insert_import(row: dict[str, Any]) -> bool:
    """Write a new import; False when its id is known already: the form was sent twice."""
    put = insert(PersonImport).values(**row).on_conflict_do_nothing().returning(PersonImport.id)
    return session().scalar(put) is not None


def lock_import(import_id: UUID) -> PersonImport | None:
    """The import as it now stands, locked to the end of the transaction."""
    query = select(PersonImport).where(PersonImport.id == import_id).with_for_update()
    return session().scalars(query.execution_options(populate_existing=True)).one_or_none()


def try_exclusive_work(import_id: UUID) -> bool:
    """Take the right to work on the import to the end of the transaction; False when another transaction has it."""
    key = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 72))")
    return bool(session().scalar(key, {"key": str(import_id)}))


def record_progress(import_id: UUID, done: int, lease: Lease) -> None:
    """Write the rows done in a transaction beside the running one, and extend the lease of the job that does it.

    Raises LeaseLost.
    """
    progress = update(PersonImport).where(PersonImport.id == import_id)
    with lease.extended() as connection:
        connection.execute(progress.values(done=func.least(done, PersonImport.total)))
