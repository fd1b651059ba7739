"""Back-tests: a version that is not in force yet, run against the journals of running cases and of finished ones.

The engine's part is pure and runs on all cores; only ids of cases and of elements are kept of it.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import zipfile
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, or_, select

from service import engine
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.engine import backtest
from service.engine.comparison import align
from service.engine.tested_case import Kind, Outcome
from service.errors import N_, InvalidInput, NotAllowed, NotFound
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.lease import Lease
from service.models.queries.scope import get_or_404_in_scope, visible_to
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, JournalRow
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.runtime.version_change import BacktestRun, RunState
from service.models.tables.system.audit import AuditEvent
from service.workflow.processes import definitions
from service.workflow.runtime import jobs
from service.workflow.versions import background_runs

EFFECT = "backtest"
CASES_A_SLICE, CASES_IN_TURN = 50, 5  # given to a process at once, and between two lines of progress without others
SECONDS = 5  # between two signs of life of a run whose processes still work
WORTH_PROCESSES = 400  # cases; fewer are done before other processes have begun
AHEAD = 3  # slices read for each process while others are tested
KEPT, KEPT_SAME = 500, 50  # cases that differ, and that do not, of which a run keeps the ids
MAX_SAMPLE = 100_000
Files = Mapping[str, bytes]
Tested = tuple[str, str, str]


@dataclass(slots=True)
class Tally:
    """The outcome of cases by kind and element, some of those that differ, and some that do not."""

    done: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    cases: list[list[str]] = field(default_factory=list)
    same: list[list[str]] = field(default_factory=list)

    def add(self, tested: Sequence[Tested]) -> None:
        """Count cases; of each kind at each element as many are kept as there is room for."""
        for case, kind, element in tested:
            self.done += 1
            self.counts.setdefault(kind, Counter())[element] += 1
            share = KEPT // (4 * len(self.counts)) if len(self.cases) > KEPT // 2 else KEPT
            if kind == Kind.SAME and len(self.same) < KEPT_SAME:
                self.same.append([case, kind, element])
            elif kind != Kind.SAME and len(self.cases) < KEPT and self.counts[kind][element] <= share:
                self.cases.append([case, kind, element])


def cases_of(user: User | None, process: str, since: datetime | None, sample: int | None) -> list[UUID]:
    """The running cases in scope of a process, and with ``since`` those that ended since; of these ``sample``, drawn
    evenly and always the same. user: None for the operator of the machine.
    """
    ended = Case.ended_at.is_not(None) if since is None else Case.ended_at >= since
    chosen = or_(Case.ended_at.is_(None), ended) if since or sample else Case.ended_at.is_(None)
    query = select(Case.id).where(Case.process == process, chosen)
    if user is not None:
        query = query.where(visible_to(user, Case))
    if sample:
        query = query.order_by(func.md5(cast(Case.id, Text))).limit(sample)
    return list(session().scalars(query))


def sizes_of(user: User, process: str, since: datetime) -> tuple[int, int]:
    """Count the cases in scope that run, and those that ended since."""
    counts = select(func.count().filter(Case.ended_at.is_(None)), func.count().filter(Case.ended_at >= since)).where(
        Case.process == process, visible_to(user, Case)
    )
    running, ended = session().execute(counts).one()
    return running, ended


def run_over(definition: engine.Definition, cases: Sequence[UUID], processes: int) -> Iterator[list[Tested]]:
    """Test cases, a slice at a time, over several processes where that is worth it; nothing now and then while they
    work, so that whoever asks can say that it lives. Raises BrokenProcessPool when a process has died.
    """
    prepared = (definition.files, definition.process, _versions(definition.process))
    if processes < 2 or len(cases) < WORTH_PROCESSES:
        backtest.enter(*prepared)
        yield from (backtest.test_slice(_records(one)) for one in _slices(cases, CASES_IN_TURN))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, backtest.enter, prepared) as pool:
        waiting = deque[Future[list[Tested]]]()
        try:
            for one in _slices(cases, CASES_A_SLICE):
                waiting.append(pool.submit(backtest.test_slice, _records(one)))
                if len(waiting) > AHEAD * processes:
                    yield from _awaited(waiting.popleft())
            while waiting:
                yield from _awaited(waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _slices(cases: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (cases[at : at + size] for at in range(0, len(cases), size))


def _awaited(slice: Future[list[Tested]]) -> Iterator[list[Tested]]:
    """The outcome of a slice, and before it nothing, each time that it is waited for in vain."""
    while not wait([slice], SECONDS).done:
        yield []
    yield slice.result()


def _versions(process: str) -> dict[str, tuple[Files, str]]:
    """Every version that a journal of this process may name, with its files."""
    query = select(DefinitionVersion.digest).where(DefinitionVersion.key == process)
    return {digest: (definitions.files(digest), process) for digest in session().scalars(query)}


def _records(cases: Sequence[UUID]) -> list[tuple[str, list[str]]]:
    """The journals of cases as JSON, oldest row first."""
    query = select(JournalRow.case_id, cast(JournalRow.record, Text)).where(JournalRow.case_id.in_(cases))
    rows = session().execute(query.order_by(JournalRow.case_id, JournalRow.seq))
    return [(str(case), [record for _, record in found]) for case, found in groupby(rows, key=lambda row: row[0])]


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def begin(
    user: User, files: Files, since: datetime | None = None, sample: int | None = None, process: str | None = None
) -> BacktestRun:
    """Begin a back-test of a bundle in the background. Raises NotAllowed, DefinitionRefused, InvalidInput."""
    must_test(user)
    if sample is not None and not 0 < sample <= MAX_SAMPLE:
        raise InvalidInput({"sample": N_("抽样件数应在 1 到 100,000 之间。")})
    known = engine.digest_of(files)
    version = next((it.version for it in definitions.listing(process) if it.version.digest == known), None)
    read = definitions.definition(known) if version else definitions.read_checked(files, process)
    run = BacktestRun(
        id=new_id(),
        user_id=user.id,
        process=read.process,
        main=read.main,
        version=version.number if version else None,
        bundle=_packed(read.files),
        since=since,
        sample=sample,
        total=len(cases_of(user, read.process, since, sample)),
    )
    with transaction(Operation("begin_backtest", user.id)) as current:
        current.add(run)
        detail = {"process": run.process, "cases": run.total}
        current.add(AuditEvent.by(user, "backtest_process", "process", run.id, detail=detail))
        current.flush()
        current.add(background_runs.job_of(EFFECT, run))
    return run


def must_test(user: User) -> None:
    """Raise NotAllowed unless the role may edit processes."""
    if not may(Role(user.role), Action.EDIT_PROCESSES):
        raise NotAllowed


def run_job(run_id: UUID, lease: Lease | None = None) -> None:
    """Do a back-test from its beginning; it ends when somebody gives it up."""

    def work(run: BacktestRun, user: User | None) -> None:
        findings, cases = Tally(), cases_of(user, run.process, run.since, run.sample)
        for tested in run_over(definition_of(run), cases, cores()):
            findings.add(tested)
            if not background_runs.proceed(run, lease, total=len(cases), **_told(findings)):
                return
        background_runs.proceed(run, lease, RunState.DONE, total=len(cases), error=None, **_told(findings))

    background_runs.do(BacktestRun, run_id, work)


def _told(findings: Tally) -> dict[str, Any]:
    return {
        "done": findings.done,
        "counts": {kind: dict(found) for kind, found in findings.counts.items()},
        "cases": findings.cases + findings.same,
    }


def _packed(files: Files) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):  # the same files make the same archive
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def files_of(run: BacktestRun) -> dict[str, bytes]:
    """The bundle under test."""
    with zipfile.ZipFile(io.BytesIO(run.bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def diagram_of(run: BacktestRun) -> bytes:
    """The main diagram under test."""
    return files_of(run)[run.main]


def names_of(run: BacktestRun) -> dict[str, str]:
    """Names of the elements under test, by id."""
    return {key: element.name or key for key, element in definition_of(run).elements.items()}


def definition_of(run: BacktestRun) -> engine.Definition:
    """The definition under test; the gate has let it pass."""
    return engine.read_definition(files_of(run), run.process, validate=False)


def find(user: User, run_id: UUID) -> BacktestRun:
    """A back-test, of whomever. Raises NotAllowed, NotFound."""
    must_test(user)
    return background_runs.find(BacktestRun, run_id)


def listing(process: str, most: int = 20) -> list[BacktestRun]:
    """The back-tests of a process, the latest first."""
    query = select(BacktestRun).where(BacktestRun.process == process).order_by(BacktestRun.at.desc())
    return list(session().scalars(query.limit(most)))


def latest_of(process: str, files: Files) -> BacktestRun | None:
    """The last back-test of these very files."""
    query = select(BacktestRun).where(BacktestRun.process == process, BacktestRun.bundle == _packed(files))
    return session().scalars(query.order_by(BacktestRun.at.desc()).limit(1)).one_or_none()


def differing(user: User, run: BacktestRun, kind: str = "", element: str = "") -> list[tuple[Case, str, str]]:
    """Cases in scope that a back-test kept, of one kind and at one element if they are given, else all that differ."""
    kinds = {kind} if kind else {*Kind} - {Kind.SAME}
    wanted = [one for one in run.cases if one[1] in kinds and element in ("", one[2])]
    query = select(Case).where(Case.id.in_([UUID(one[0]) for one in wanted]), visible_to(user, Case))
    found = {str(case.id): case for case in session().scalars(query)}
    return [(found[case], of_kind, at) for case, of_kind, at in wanted if case in found]


def compare(user: User, run: BacktestRun, case_id: UUID) -> Outcome:
    """One case on both versions, way beside way. Raises NotFound out of scope, or of another process."""
    case = get_or_404_in_scope(user, Case, case_id)
    if case.process != run.process:
        raise NotFound
    query = select(JournalRow.record).where(JournalRow.case_id == case_id).order_by(JournalRow.seq)
    return backtest.Backtest(definition_of(run), definitions.definition).test(list(session().scalars(query)))


def ways_of(found: Outcome) -> list[tuple[str, str]]:
    """The way that a case took beside the one that it would take, step by step."""
    return align(found.old, found.new)


jobs.SIDE_EFFECTS[EFFECT] = lambda payload, lease: run_job(UUID(payload["run"]), lease)
