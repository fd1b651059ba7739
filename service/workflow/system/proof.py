"""The whole proof: cases over all cores, business rows and the log, each part in one moment of the database."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, or_, select, text

from service.engine import journal
from service.infrastructure import garbage
from service.infrastructure.seals import seal_keys
from service.models.db.clock import now
from service.models.db.session import session
from service.models.tables.runtime.case import Case, JournalRow
from service.models.tables.system.seal import Seal, SealLeaf
from service.workflow.runtime.verification import Difference, Verifier
from service.workflow.system.audit_samples import sample_differences
from service.workflow.system.mark_verification import mark_differences, unmarked
from service.workflow.system.proof_checkpoint import Checkpoint, Slice
from service.workflow.system.row_verification import row_differences, taken_over
from service.workflow.system.seal_verification import SealReport, seal_differences

CASES_A_SLICE = 50  # given to a process at once
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
Application = Callable[[], Any]


@dataclass(slots=True)
class Report:
    """The outcome of a proof, and what it covered."""

    cases: int = 0
    rows: int = 0
    differences: list[Difference] = field(default_factory=list)
    unplayed: Counter[str] = field(default_factory=Counter)
    seal: SealReport | None = None
    taken_over: dict[str, int] = field(default_factory=dict)
    begun: datetime = field(default_factory=now)

    def add(self, part: Slice) -> None:
        """Take in cases that were proved."""
        self.cases += len(part.cases)
        self.rows += part.rows
        self.differences += part.differences
        self.unplayed.update(part.unplayed)

    def to_json(self) -> dict[str, Any]:
        """The report as plain values, signed as a head of the log is."""
        seal = self.seal
        covered = None if seal is None or seal.head is None else seal.head["body"]
        body = {
            "cases": self.cases,
            "journal_rows": self.rows,
            "differences": [[str(d.case_id or ""), d.what, d.detail] for d in self.differences],
            "not_played": dict(sorted(self.unplayed.items())),
            "head": covered,
            "taken_over": self.taken_over,
            "unsealed": None if seal is None else seal.unsealed,
            "engine": journal.ENGINE,
            "begun": self.begun.isoformat(),
            "ended": now().isoformat(),
        }
        return seal_keys.sign(body)


def begin_snapshot() -> str:
    """Begin a transaction that sees one moment and only reads; the name under which others see the same."""
    session().rollback()
    session().execute(text(SNAPSHOT))
    return str(session().scalar(text("SELECT pg_export_snapshot()")))


def cases_since(since: datetime | None) -> list[UUID]:
    """The cases that moved since an instant; all without one. Case, journal and log say so, each for itself: who would
    hide a case from a short proof has to alter all three.
    """
    query = select(Case.id).order_by(Case.id)
    if since is not None:
        before = select(func.coalesce(func.max(Seal.size), 0)).where(Seal.at < since).scalar_subquery()
        sealed = select(func.split_part(SealLeaf.key, "/", 1)).where(
            SealLeaf.kind == "journal", SealLeaf.number >= before
        )
        moved = select(JournalRow.case_id).where(JournalRow.at >= since)
        query = query.where(or_(Case.moved_at >= since, Case.id.in_(moved), cast(Case.id, Text).in_(sealed)))
    return list(session().scalars(query))


def prove(
    chosen: Sequence[UUID] | None,
    since: datetime | None,
    processes: int,
    application: Application,
    resume: Path | None = None,
) -> Iterator[Report]:
    """Prove cases (default: all, with business rows and the log), and tell of the report each time it has grown.

    resume: a file of what was proved before this was interrupted, which goes on in it. Raises Conflict for the file
    of another proof.
    """
    seal = SealReport()
    report, name = Report(), begin_snapshot()
    cases = cases_since(since) if chosen is None else list(chosen)
    checkpoint = None if resume is None else _checkpoint(resume, chosen, since, report.begun)
    kept, report.begun = ([], report.begun) if checkpoint is None else checkpoint.kept(_moved(cases))
    for part in kept:
        report.add(part)
    proved = {case for part in kept for case in part.cases}
    for part in _over_processes([case for case in cases if case not in proved], name, processes, application):
        report.add(part)
        if checkpoint is not None:
            checkpoint.keep(part)
        yield report
    if chosen is None:
        report.seal = seal
        report.differences += seal_differences(seal)
        report.differences += row_differences()
        report.differences += mark_differences()
        report.differences += sample_differences()
        report.taken_over = taken_over() | {f"{table} without a mark": n for table, n in unmarked().items() if n}
    session().rollback()
    yield report


def _checkpoint(path: Path, chosen: Sequence[UUID] | None, since: datetime | None, begun: datetime) -> Checkpoint:
    cases = None if chosen is None else sorted(map(str, chosen))
    return Checkpoint(path, {"cases": cases, "since": since.isoformat() if since else None}, begun)


def _moved(cases: Sequence[UUID]) -> dict[UUID, datetime]:
    """The instant at which each of these cases moved last."""
    chosen = set(cases)
    return {row.id: row.moved_at for row in session().execute(select(Case.id, Case.moved_at)) if row.id in chosen}


def _over_processes(cases: Sequence[UUID], snapshot: str, processes: int, application: Application) -> Iterator[Slice]:
    slices = [cases[at : at + CASES_A_SLICE] for at in range(0, len(cases), CASES_A_SLICE)]
    if processes < 2 or len(slices) < 2:
        yield from map(_prove_slice, slices)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _enter, (snapshot, application)) as pool:
        yield from pool.imap_unordered(_prove_slice, slices)


def _enter(snapshot: str, application: Application) -> None:
    """Prepare a process: an application of its own, and the moment that the others see."""
    application().app_context().push()
    garbage.collect_seldom()
    session().execute(text(SNAPSHOT))
    session().execute(text(f"SET TRANSACTION SNAPSHOT '{snapshot}'"))


_verifier = Verifier()


def _prove_slice(cases: Iterable[UUID]) -> Slice:
    verifier = Verifier(_verifier.definitions, _verifier.diagrams, _verifier.altered)
    chosen = list(cases)
    found = list(verifier.verify(chosen))
    return Slice(chosen, verifier.rows, found, verifier.unplayed)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))
