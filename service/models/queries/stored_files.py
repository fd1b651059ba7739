"""Files in the database: written whole or not at all, read and written piece by piece, gone after their lifetime."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import IO
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select

from service.models.db.clock import now
from service.models.db.session import db, session
from service.models.db.unit_of_work import UnitOfWork
from service.models.tables.system.stored_file import FilePiece

PIECE_BYTES = 1 << 20  # of a file that are in memory at once, some four times: plain, encrypted, and as they are sent
LIFETIME = timedelta(days=1)


def write_file(current: UnitOfWork | Connection, owner_id: UUID, content: IO[bytes], name: str = "") -> None:
    """Write a file, or write it anew, in the transaction given: with its commit it is there."""
    delete_file(current, owner_id, name)
    expires_at = now() + LIFETIME
    for number, piece in enumerate(iter(lambda: content.read(PIECE_BYTES), b"")):
        row = {"owner_id": owner_id, "name": name, "number": number, "size": len(piece)}
        current.execute(insert(FilePiece).values(**row, content=piece, expires_at=expires_at))


def read_file(owner_id: UUID, name: str = "") -> Iterator[bytes]:
    """The pieces of a file, each read when it is its turn: whoever takes them slowly keeps no transaction open."""
    for number in count():
        piece = select(FilePiece.content).where(
            FilePiece.owner_id == owner_id, FilePiece.name == name, FilePiece.number == number
        )
        with db.engine.connect() as connection:
            found = connection.scalar(piece)
        if found is None:
            return
        yield found


def file_sizes(owner_id: UUID) -> dict[str, int]:
    """The files of an owner: name → bytes."""
    query = select(FilePiece.name, func.sum(FilePiece.size)).where(FilePiece.owner_id == owner_id)
    return {name: int(size) for name, size in session().execute(query.group_by(FilePiece.name))}


def delete_file(current: UnitOfWork | Connection, owner_id: UUID, name: str = "") -> None:
    """Delete one file of an owner."""
    current.execute(delete(FilePiece).where(FilePiece.owner_id == owner_id, FilePiece.name == name))


def delete_parts(current: UnitOfWork | Connection, owner_id: UUID) -> None:
    """Delete what the file of an owner is made of."""
    current.execute(delete(FilePiece).where(FilePiece.owner_id == owner_id, FilePiece.name != ""))


def delete_expired() -> None:
    """Delete what nobody has deleted in its lifetime; in the session's transaction."""
    session().execute(delete(FilePiece).where(FilePiece.expires_at < now()))
