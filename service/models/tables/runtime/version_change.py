"""Back-tests of a version, and migrations of running cases to one: what was asked for, how far, what came of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.encryption import PersonalText
from service.models.db.ids import new_id
from service.models.db.session import Base


class RunState(StrEnum):
    """States of a run in the background. stopped: given up by somebody."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


OPEN = (RunState.RUNNING, RunState.FAILED)  # a failed run is tried again, gone on with or given up


class _Run:
    """Columns of what runs in the background. user_id: None for the operator of the machine; total: cases to look at;
    done: looked at so far.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    user_id: Mapped[UUID | None]
    process: Mapped[str] = mapped_column(String(80))
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(8), default=RunState.RUNNING)
    error: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None]


class BacktestRun(_Run, Base):
    """A back-test. bundle: the files under test as a ZIP archive; main: the diagram among them; version: their number,
    None for files that were not deployed. since, sample: which finished cases beside those that run.

    counts: cases by kind of outcome and element; cases: some of each kind, as [case, kind, element].
    """

    __tablename__ = "backtest_run"
    main: Mapped[str] = mapped_column(String(120))
    version: Mapped[int | None]
    bundle: Mapped[bytes]
    since: Mapped[datetime | None]
    sample: Mapped[int | None]
    counts: Mapped[dict[str, dict[str, int]]] = mapped_column(JSONB, default=dict)
    cases: Mapped[list[list[str]]] = mapped_column(JSONB, default=list)
    __table_args__ = (
        CheckConstraint(f"state IN {tuple(map(str, RunState))}", name="state"),
        Index(None, "process", "at"),
    )


class MigrationRun(_Run, Base):
    """A migration of running cases from one version to another. plan: the engine's; reason: of whoever began it.

    chosen: ids of cases, None for all that run. back_of: the migration that this one takes back.
    moved: cases that go on by the new version; refused: those that do not, as [case, element, why].
    """

    __tablename__ = "migration_run"
    source: Mapped[str] = mapped_column(ForeignKey("definition_version.digest"))
    target: Mapped[str] = mapped_column(ForeignKey("definition_version.digest"))
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    reason: Mapped[str | None] = mapped_column(PersonalText)
    chosen: Mapped[list[str] | None] = mapped_column(JSONB)
    back_of: Mapped[UUID | None] = mapped_column(ForeignKey("migration_run.id"))
    moved: Mapped[int] = mapped_column(default=0)
    refused: Mapped[list[list[Any]]] = mapped_column(JSONB, default=list)
    __table_args__ = (
        CheckConstraint(f"state IN {tuple(map(str, RunState))}", name="state"),
        Index(None, "process", "at"),
    )
