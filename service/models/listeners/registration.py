"""Listeners of SQLAlchemy's events, all registered here: what happens beside the statements that a caller writes."""

from __future__ import annotations

from functools import cache

from service.models.db import pool, prepared_statements, unit_of_work
from service.models.listeners import event_marks, row_history, training_need_listener


@cache
def register_listeners() -> None:
    """Register them for this process; calling it again changes nothing."""
    pool.register()
    prepared_statements.register()
    unit_of_work.register()
    row_history.register()
    event_marks.register()
    training_need_listener.register()
