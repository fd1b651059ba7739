"""The sealed log: the leaves of one append-only Merkle tree, and its signed heads. Nothing in a leaf is readable."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.session import Base


class SealLeaf(Base):
    """One row of another table in the log. hash: of ``kind key digest``, as RFC 9162 hashes a leaf."""

    __tablename__ = "seal_leaf"
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(12))
    key: Mapped[str] = mapped_column(String(80))
    hash: Mapped[bytes]
    __table_args__ = (Index("uq_seal_leaf_key", "key", "kind", unique=True),)


class Seal(Base):
    """A head of the log, signed. size: its leaves; frontier: its whole subtrees; head: what is signed, and by whom.

    horizon: every transaction with a smaller number had ended, and what it wrote is in the log.
    """

    __tablename__ = "seal"
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    root: Mapped[bytes]
    frontier: Mapped[bytes]
    horizon: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[dict[str, Any]] = mapped_column(JSONB)
