"""Each audit event gets the mark of this service when it is written."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.tables.system.audit import AuditEvent


def register() -> None:
    """Mark every event before it is inserted."""
    event.listen(AuditEvent, "before_insert", _mark)


def _mark(_mapper: Any, _connection: Any, told: AuditEvent) -> None:
    """Fill in what the columns would default to, for the mark covers it."""
    told.id, told.at = told.id or new_id(), told.at or now()
    told.outcome, told.detail = told.outcome or "ok", told.detail or {}
    told.mac = AuditEvent.mark_of({name: getattr(told, name) for name in AuditEvent.__marked__})
