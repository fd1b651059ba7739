"""The number of the transaction that wrote a row: who reads the newest rows by it passes over no late one."""

from __future__ import annotations

from sqlalchemy import BigInteger, text
from sqlalchemy.orm import Mapped, mapped_column


class WrittenIn:
    """A row of a table that only grows. The database fills the column; nobody asks for it after an insert."""

    written_in: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint"), deferred=True
    )
    __mapper_args__ = {"eager_defaults": False}
