"""Readiness: the database answers and can be written, its tables are of the newest migration, processes are in force,
and the disk has room.
"""

from __future__ import annotations

import contextlib
import shutil

from sqlalchemy import exists, select, text

from service.config import settings
from service.migrations import newest
from service.models.db.errors import DATABASE_ERRORS
from service.models.db.session import session
from service.models.tables.runtime.process import DefinitionVersion

WRITE = text("SELECT pg_logical_emit_message(true, 'anpei', 'readyz')")  # a record of the log of the database, no row
IS_READ_ONLY = text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean")
FULL_BYTES = 64 << 20
NEARLY_FULL_BYTES = 2 << 30
NEARLY_FULL_SHARE = 0.1


def faults() -> list[str]:
    """The obstacles to work, in plain words for the operator; empty when there is none."""
    try:
        is_migrated = session().scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
        applied = set(session().scalars(text("SELECT version_num FROM alembic_version"))) if is_migrated else set()
        found = [] if applied == {newest()} else ["the database is not at the newest migration; run: anpei prepare"]
        if not session().scalar(select(exists().where(DefinitionVersion.current))):
            found.append("no process is in force; run: anpei deploy processes/*.bpmn")
        if session().scalar(IS_READ_ONLY):
            found.append("the database can only be read: a standby?")
        else:
            session().execute(WRITE)
        session().commit()
    except DATABASE_ERRORS as error:
        with contextlib.suppress(*DATABASE_ERRORS):
            session().rollback()
        return [f"the database does not answer: {type(getattr(error, 'orig', error)).__name__}"]
    return found + [text for text, is_fault in _disk() if is_fault]


def warnings() -> list[str]:
    """Obstacles to come, in plain words for the operator."""
    return [text for text, is_fault in _disk() if not is_fault]


def _disk() -> list[tuple[str, bool]]:
    """Words about the disk of the data folder, if there is something to say, and whether it can be written no more."""
    folder = settings().data_dir
    disk = shutil.disk_usage(folder)
    if disk.free < FULL_BYTES:
        return [(f"the disk of {folder} is full", True)]
    if disk.free < min(NEARLY_FULL_BYTES, disk.total * NEARLY_FULL_SHARE):
        return [(f"the disk of {folder} is nearly full: {disk.free >> 20} MB are free", False)]
    return []
