"""Files that were made for somebody to fetch: in the database, so that every machine has them and any sweeps them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.encryption import EncryptedBytes
from service.models.db.session import Base


class FilePiece(Base):
    """A piece of the file of a print batch or export, encrypted, kept until it expires.

    owner_id: of the batch or export; name: '' for its file, else that of a part of which the file is made;
    number: from 0; size: in bytes, before the encryption.
    """

    __tablename__ = "file_piece"
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column("sealed", EncryptedBytes)
    expires_at: Mapped[datetime] = mapped_column(index=True)
