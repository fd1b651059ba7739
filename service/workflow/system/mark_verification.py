"""The proof that this service wrote the rows that only grow: each bears its mark, or was there before rows had one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Text, and_, cast, func, select

from service.migrations.upgrade_history import MARKED, UPGRADE
from service.models.db.row_mark import Marked
from service.models.db.session import session
from service.models.tables.runtime.case import JournalRow
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.seal import SealLeaf
from service.workflow.runtime.verification import Difference, not_ours

ROWS = 1000  # read at once


def mark_differences() -> Iterator[Difference]:
    """Audit events with a wrong mark, and rows without one that no upgrade counted, the last of the log first."""
    for event in session().scalars(select(AuditEvent).execution_options(yield_per=ROWS)):
        if event.is_forged():
            yield not_ours(event)
    counted = unmarked()
    for table in MARKED:
        bare = table.mac.is_(None)
        surplus = (session().scalar(select(func.count()).select_from(table).where(bare)) or 0) - counted[_name(table)]
        if surplus > 0:
            for row in session().scalars(_latest(table, surplus)):
                yield not_ours(row)


def _latest(table: Any, count: int) -> Any:
    """Select the rows without a mark that came last into the log, those that are not in it first."""
    key = func.concat(table.case_id, "/", table.seq) if table is JournalRow else cast(table.id, Text)
    leaf = and_(SealLeaf.kind == _name(table), SealLeaf.key == key)
    query = select(table).outerjoin(SealLeaf, leaf).where(table.mac.is_(None))
    return query.order_by(SealLeaf.number.desc().nulls_first(), table.at.desc()).limit(count)


def unmarked() -> Counter[str]:
    """Numbers of rows of each table that the upgrade which began to mark them found without a mark."""
    found: Counter[str] = Counter()
    for event in session().scalars(select(AuditEvent).where(AuditEvent.action == UPGRADE, AuditEvent.mac.is_not(None))):
        if not event.is_forged():
            found.update(event.detail.get("unmarked", {}))
    return found


def _name(table: type[Marked]) -> str:
    return table.__tablename__
