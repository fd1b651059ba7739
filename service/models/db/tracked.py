"""The columns of a business row whose changes are kept in ``row_change``."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from service.models.db.clock import now
from service.models.db.ids import new_id


class Audited:
    """A business row: who changed it and when stands in ``row_change``.

    ``version`` counts changes, and a change names the version that was read: of two that read the same, the second
    finds no such row (optimistic lock), and nothing of its transaction is written.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version, "version_id_generator": False}  # counted with the history of the row

    __tablename__: str
    __redacted__: frozenset[str] = (
        frozenset()
    )  # columns, beside the encrypted ones, that the history names only by reference
