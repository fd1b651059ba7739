"""Backups as the audit trail keeps them, and whether the keys at hand open the encrypted columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import LargeBinary, func, literal, select, type_coerce

from service.models.db.encryption import ENCRYPTED_TYPES, blind_index, can_decrypt
from service.models.db.session import Base, session
from service.models.tables.persons.person import Person
from service.models.tables.system.audit import AuditEvent

BACKUP, RESTORE = "backup", "restore"
MAX_KEY_ID_BYTES = 80  # bytes of a key's id and the zero after it


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup: when, by which account of the operating system, on which machine, and the size of its file in bytes."""

    at: datetime
    who: str
    host: str
    bytes: int


def last_backup() -> Backup | None:
    """The latest backup that was finished, or None."""
    query = select(AuditEvent.at, AuditEvent.detail).where(AuditEvent.action == BACKUP, AuditEvent.outcome == "ok")
    row = session().execute(query.order_by(AuditEvent.at.desc(), AuditEvent.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    return Backup(row.at, row.detail.get("who", ""), row.detail.get("host", ""), row.detail.get("bytes", 0))


def closed_columns() -> list[str]:
    """Encrypted columns with a value that the keys at hand do not open,
    as ``table.column (key id)``; [] when all is well.

    One value of each key id is tried in each column; and the digest by which a person is found must be the stored one.
    """
    found = [f"{place} ({name})" for place, name, value in _samples() if not can_decrypt(value)]
    if found:
        return found
    person = session().execute(select(Person.id_number, Person.id_number_digest).limit(1)).one_or_none()
    if person is not None and blind_index(person.id_number) != person.id_number_digest:
        return ["person.id_number_digest (digest)"]
    return []


def _samples() -> Iterator[tuple[str, str, bytes]]:
    """Place, key id and one value, for each key id of each encrypted column."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if not isinstance(column.type, ENCRYPTED_TYPES):
                continue
            stored = type_coerce(column, LargeBinary)
            # a value is the key's id, a zero byte, then what is encrypted; of a photo only the head is read
            head = func.substring(stored, 1, MAX_KEY_ID_BYTES)
            name = func.substring(head, 1, func.position(literal(b"\0").op("IN")(head)) - 1)
            query = select(name.label("name"), stored.label("value")).where(column.is_not(None))
            for row in session().execute(query.distinct(name).order_by(name)):
                yield f"{table.name}.{column.name}", bytes(row.name).decode(errors="replace"), bytes(row.value)
