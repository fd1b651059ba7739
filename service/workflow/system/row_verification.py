"""The proof of business rows: each is what its history makes of it, and each message was sent by somebody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.domain.notices.notices import NoticeKind
from service.domain.system.row_states import apply_change
from service.migrations.upgrade_history import PREFIX, REWRITTEN, TAKEN_OVER, UPGRADE, wrong_columns
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.listeners.row_history import UNKNOWN, column_names, default_of, sealed_columns, told_value
from service.models.tables.notices.notice import Notice
from service.models.tables.runtime.case import Job
from service.models.tables.system.audit import AuditEvent, RowChange, values_of
from service.workflow.runtime import erasures
from service.workflow.runtime.sent_messages import message_digest
from service.workflow.runtime.verification import Difference, not_ours

ROWS = 1000  # read at once
NOT_IN_HISTORY = {"version", "updated_at", "created_at", "taken", "printed_count", "attempts"}
"""Columns that follow from the change itself or count: guarded updates write them without history."""
REFERENCE = {"organisation", "qualification_type"}  # with rows that each installation is born with
Values = dict[str, Any]


def row_differences() -> Iterator[Difference]:
    """Every business row that is not what its history says, table by table."""
    yield from upgrade_differences()
    for event in erasures.undue_events():
        detail = f"{event.at:%F %H:%M}: the data of person {event.object_id} were not due (R75)"
        yield Difference(None, "erasure", detail)
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Audited):
            yield from _table_differences(mapper)
    yield from _message_differences()


@dataclass(slots=True)
class _History:
    """A row as its changes make it: its columns, None once it is deleted; which of them a step of an upgrade gave it
    last, and what the row was before. forged: changes that bear a wrong mark.
    """

    row_id: UUID
    values: Values | None = None
    rewritten: dict[str, tuple[str, Values]] = field(default_factory=dict)
    forged: list[Difference] = field(default_factory=list)

    def take(self, change: RowChange) -> None:
        if change.is_forged():
            self.forged.append(not_ours(change))
        before, after = self.values or {}, values_of(change)[1]
        self.values = apply_change(self.values, change.kind, after)
        step = change.use_case.removeprefix(PREFIX) if change.use_case.startswith(PREFIX) else ""
        for name in after:
            self.rewritten.pop(name, None)
            if step:
                self.rewritten[name] = (step, before)

    def wrong_rewrites(self, table: str) -> Iterator[str]:
        """Tell what a step is said to have rewritten, and cannot have."""
        for name, (step, before) in self.rewritten.items():
            if wrong_columns(step, table, self.row_id, before, {name: (self.values or {}).get(name)}):
                yield f"{name} is said to come from step {step} of an upgrade, which gives no such value"


def _histories(table: str) -> Iterator[_History]:
    """Make each row that the history knows from it."""
    query = (
        select(RowChange).where(RowChange.table_name == table).order_by(RowChange.row_id, RowChange.at, RowChange.id)
    )
    found: _History | None = None
    for change in session().scalars(query.execution_options(yield_per=ROWS)):
        if found is None or change.row_id != found.row_id:
            if found is not None:
                yield found
            found = _History(change.row_id)
        found.take(change)
    if found is not None:
        yield found


def _table_differences(mapper: Any) -> Iterator[Difference]:
    table = mapper.class_.__tablename__
    expected = {}
    for history in _histories(table):
        expected[history.row_id] = history.values
        yield from history.forged
        yield from (
            Difference(None, "row", f"{table} {history.row_id}: {text}") for text in history.wrong_rewrites(table)
        )
    for row in session().scalars(select(mapper.class_).execution_options(yield_per=ROWS)):
        values = expected.pop(row.id, None)
        if values is None:
            if table not in REFERENCE and not _is_digest(row):
                yield Difference(None, "row", f"{table} {row.id}: there is no history of it")
            continue
        for name in _wrong_columns(mapper, row, values):
            yield Difference(None, "row", f"{table} {row.id}: {name} is not what its history says")
    erased = erasures.erased_photos() if table == "photo" else set[UUID]()
    for row_id, values in expected.items():
        if values is not None and row_id not in erased:
            yield Difference(None, "row", f"{table} {row_id}: it is gone, and its history does not say so")


def _is_digest(row: Any) -> bool:
    """Tell the daily figures of an organisation (R66): made anew each day from what is proved, they have no history."""
    return isinstance(row, Notice) and row.kind == NoticeKind.DIGEST


def upgrades() -> list[AuditEvent]:
    """The upgrades of the database, oldest first."""
    return list(session().scalars(select(AuditEvent).where(AuditEvent.action == UPGRADE).order_by(AuditEvent.at)))


def taken_over() -> dict[str, int]:
    """Columns that an earlier version wrote without a note, with how many rows an upgrade took as they were."""
    found: Counter[str] = Counter()
    for upgrade in upgrades():
        found.update(upgrade.detail["rewritten"].get(TAKEN_OVER, {}))
    return dict(sorted(found.items()))


def upgrade_differences() -> Iterator[Difference]:
    """Steps that ran twice, and rows that say a step rewrote them, other than its upgrade counted."""
    events, reached = upgrades(), ""
    told: Counter[tuple[int, str, str]] = Counter()
    for number, found in enumerate(events):
        if number and found.detail["since"] != reached:
            yield Difference(None, "upgrade", f"{found.at:%F %H:%M}: from step {found.detail['since']}, not {reached}")
        reached = found.detail["until"]
        for step, columns in found.detail["rewritten"].items():
            told.update({(found.written_in, step, column): count for column, count in columns.items()})
    counted = Counter({(row.written_in, row.step, row.what): row.count for row in session().execute(REWRITTEN)})
    for written_in, step, what in sorted(told.keys() | counted.keys()):
        key = (written_in, step, what)
        if told[key] != counted[key]:
            detail = f"step {step}: {what}: {counted[key]} rows say it rewrote them, its upgrade counted {told[key]}"
            yield Difference(None, "upgrade", detail)


def _wrong_columns(mapper: Any, row: Any, values: Values) -> list[str]:
    """Columns that differ; of those that the history names only by reference, whether they hold something."""
    sealed = set(sealed_columns(mapper).values())
    wrong = []
    for key, name in column_names(mapper).items():
        if name in NOT_IN_HISTORY:
            continue
        found = getattr(row, key)
        told = found if name in sealed else told_value(mapper, name, found)
        default = default_of(mapper.columns[key])
        default = found if default is UNKNOWN else default
        default = default if name in sealed else told_value(mapper, name, default)
        known = values.get(name, default)
        if name in sealed and known == "hidden":
            known = ""  # of an empty text nothing is kept
        if told != known:
            wrong.append(name)
    return wrong


def _message_differences() -> Iterator[Difference]:
    """Messages that wait for a case, or were delivered to it, and that nobody sent; changes of no business row."""
    query = select(Job).where(Job.kind.in_(("message", "signal")))
    audited = [m.class_.__tablename__ for m in Base.registry.mappers if issubclass(m.class_, Audited)]
    sent: dict[UUID, Any] = {}
    others = select(RowChange).where(RowChange.table_name.not_in(audited)).execution_options(yield_per=ROWS)
    for change in session().scalars(others):
        if change.is_forged():
            yield not_ours(change)
        if change.table_name == "job":
            sent[change.row_id] = change.after
    for job in session().scalars(query.execution_options(yield_per=ROWS)):
        told = (sent.get(job.id) or {}).get("digest")
        said = {"id": job.id, "case_id": job.case_id, "kind": job.kind, "name": job.name, "payload": job.payload}
        if told is None:
            yield Difference(job.case_id, "jobs", f"{job.kind} {job.name}: nobody sent it")
        elif told != message_digest(said):
            yield Difference(job.case_id, "jobs", f"{job.kind} {job.name}: it was sent otherwise")
