"""Records of backups and restores; the files are made by PostgreSQL's own programs (cli)."""

from __future__ import annotations

from service.models.db.transaction import Operation, transaction
from service.models.queries.system.backup import BACKUP, RESTORE
from service.models.tables.system.audit import AuditEvent


def record_backup(who: str, host: str, size: int) -> None:
    """Remember a finished backup. who: the account of the operating system; size: of the file, in bytes."""
    _record(BACKUP, {"who": who, "host": host, "bytes": size})


def record_restore(who: str, host: str, size: int) -> None:
    """Remember that the database was put back as a file held it."""
    _record(RESTORE, {"who": who, "host": host, "bytes": size})


def _record(action: str, detail: dict[str, str | int]) -> None:
    with transaction(Operation(action)) as current:
        current.add(AuditEvent(action=action, detail=detail))
