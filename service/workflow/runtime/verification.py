"""The proof of cases: all that follows from a journal is computed again from it, and compared with what stands."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import or_, select
from sqlalchemy.exc import DBAPIError

from service import engine
from service.engine import Definition, journal, replay
from service.evidence import verify as independent
from service.models.db.session import session
from service.models.tables.runtime.case import Case, Incident, Job, JobState, JournalRow, PersonalValue, Task, TaskState
from service.models.tables.runtime.case_statements import role_organisation
from service.models.tables.system.audit import AuditEvent, RowChange
from service.operations.personal_values import is_reference
from service.workflow.processes import definitions
from service.workflow.runtime import erasures, executor

OTHER_ENGINE = (
    "written by engine {others}, this version proves {own} only: "
    "verify with the version that wrote it, or fill an empty database"
)
HOLDS = {"suspend": True, "resume": False, "cancel": False}
ASSIGNMENTS = frozenset({"claim", "unclaim", "assign"})
MIGRATED = ("element", "name", "kind", "definition", "form_key")  # of a task
CASES_AT_ONCE = 50  # read
STARTING = timedelta(minutes=1)  # for the first step, which begins when the row of the case is there
UNDUE = timedelta(days=30)  # after its opening a task without a due date is sorted
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between what stands and what follows from the journal. case_id: None for what is in no case."""

    case_id: UUID | None
    what: str
    detail: str


def not_ours(row: JournalRow | RowChange | AuditEvent) -> Difference:
    """The difference of a row that this service did not write, with what it says."""
    if isinstance(row, JournalRow):
        said = f"{row.case_id}/{row.seq} {row.kind}"
    elif isinstance(row, RowChange):
        said = f"{row.id} {row.use_case} {row.kind} of {row.table_name} {row.row_id}"
    else:
        said = f"{row.id} {row.action}"
    detail = f"{row.__tablename__} {said} of {row.at:%F %H:%M}: not written by this service"
    return Difference(row.case_id if isinstance(row, JournalRow) else None, "mark", detail)


@dataclass(slots=True)
class _Stored:
    """All that stands of one case."""

    case: Case | None = None
    rows: list[JournalRow] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    incidents: int = 0
    has_texts: bool = False


def _read(case_ids: Sequence[UUID]) -> dict[UUID, _Stored]:
    """Read cases with their journals, tasks, jobs and open incidents: one query each."""
    found = {case_id: _Stored() for case_id in case_ids}
    for case in session().scalars(select(Case).where(Case.id.in_(case_ids))):
        found[case.id].case = case
    for row in session().scalars(select(JournalRow).where(JournalRow.case_id.in_(case_ids)).order_by(JournalRow.seq)):
        found[row.case_id].rows.append(row)
    for task in session().scalars(select(Task).where(Task.case_id.in_(case_ids))):
        found[task.case_id].tasks.append(task)
    kinds = Job.kind.in_(("timer", "async", "external"))
    for job in session().scalars(select(Job).where(Job.case_id.in_(case_ids), kinds)):
        if job.case_id is not None:
            found[job.case_id].jobs.append(job)
    open_ones = select(Incident.case_id).where(Incident.case_id.in_(case_ids), Incident.resolved_at.is_(None))
    for case_id in session().scalars(open_ones):
        found[case_id].incidents += 1
    for case_id in session().scalars(select(PersonalValue.case_id).where(PersonalValue.case_id.in_(case_ids))):
        found[case_id].has_texts = True
    return found


@dataclass(slots=True)
class Verifier:
    """Proves cases one after the other in one transaction that reads; knows the definitions it has read from there."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    diagrams: dict[str, independent.Diagram] = field(default_factory=dict)
    altered: dict[str, str] = field(default_factory=dict)
    unplayed: Counter[str] = field(default_factory=Counter)
    rows: int = 0

    def verify(self, case_ids: Sequence[UUID]) -> Iterable[Difference]:
        """Every difference of cases; a row that cannot be read is one of its case, and stops nothing."""
        for at in range(0, len(case_ids), CASES_AT_ONCE):
            chosen = case_ids[at : at + CASES_AT_ONCE]
            stored = _read(chosen)
            for case_id in chosen:
                try:
                    yield from self._verify(case_id, stored[case_id])
                except DBAPIError:
                    raise
                except Exception as error:
                    yield Difference(case_id, "unreadable", f"{type(error).__name__} {error}")
            session().expunge_all()

    def _verify(self, case_id: UUID, stored: _Stored) -> Iterable[Difference]:
        case, rows = stored.case, stored.rows
        self.rows += len(rows)
        if case is None or not rows:
            yield Difference(case_id, "chain", "no case or no journal")
            return
        records = [row.record for row in rows]
        if others := sorted({str(record["engine"]) for record in records if "engine" in record} - {journal.ENGINE}):
            # other fields are hashed from one engine version to the next: what this computes would accuse innocents
            yield Difference(case_id, "engine", OTHER_ENGINE.format(others=", ".join(others), own=journal.ENGINE))
            return
        fault = journal.verify_chain(records)
        if fault:
            yield Difference(case_id, "chain", fault)
        yield from (
            Difference(case_id, "column", f"seq {row.seq}: {name}") for row in rows for name in _wrong_columns(row)
        )
        yield from (not_ours(row) for row in rows if row.is_forged())
        if (case.seq, case.last_hash) != (rows[-1].seq, rows[-1].hash):
            yield Difference(case_id, "chain", "the last row of the journal is not the one the case names")
        found = {self._fault_of(str(record["definition"])) for record in records} - {""}
        yield from (Difference(case_id, "definition", text) for text in sorted(found))
        if not fault and not found:
            yield from self._verify_path(case, records, stored)

    def _verify_path(self, case: Case, records: list[Row], stored: _Stored) -> Iterable[Difference]:
        """The three answers side by side: recorded, our engine, the independent game; and all that follows."""
        executed = list(replay.re_executed(records, self.definitions.__getitem__))
        if wrong := executed[-1][2]:
            yield from (Difference(case.id, "step", text) for text in wrong)
        files = {digest: dict(found.files) for digest, found in self.definitions.items()}
        faults, unplayed = independent.game_faults(records, files, self.diagrams)
        self.unplayed.update(unplayed)
        yield from (Difference(case.id, "game", text) for text in faults)
        if not wrong:
            expected = _Expected(case, records, self.definitions, stored)
            expected.take((row, step) for row, step, _ in executed)
            for what, detail in (*expected.wrong_case(), *expected.wrong_tasks(), *expected.wrong_jobs()):
                yield Difference(case.id, what, detail)
        yield from (
            Difference(case.id, "personal", text) for text in _wrong_personal_values(case.id, records, stored.has_texts)
        )

    def _fault_of(self, digest: str) -> str:
        """Read a definition once, as this transaction sees it; what of it is not what was deployed, '' for nothing."""
        if digest not in self.altered:
            files = definitions.files(digest)
            self.altered[digest] = ""
            if engine.digest_of(files) != digest:
                self.altered[digest] = f"the files of {digest} are not those it is addressed by"
            else:
                self.definitions[digest] = engine.read_definition(
                    files, definitions.version(digest).key, validate=False
                )
        return self.altered[digest]


def _wrong_columns(row: JournalRow) -> list[str]:
    """Columns that repeat the record but differ from it."""
    record = row.record
    pairs = {
        "case_id": (str(row.case_id), record["case"]),
        "seq": (row.seq, record["seq"]),
        "kind": (row.kind, record["kind"]),
        "actor_id": (_text(row.actor_id), record.get("actor")),
        "element": (row.element, record.get("element")),
        "at": (journal.instant(row.at), record["at"]),
        "hash": (row.hash, record["hash"]),
    }
    return [name for name, (column, recorded) in pairs.items() if column != recorded]


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


class _Expected:
    """Case, tasks and jobs as they follow from a journal, against the rows that stand."""

    def __init__(self, case: Case, records: list[Row], known: dict[str, Definition], stored: _Stored) -> None:
        self.stored = stored
        self.case, self.records, self.known = case, records, known
        self.tasks: dict[str, Row] = {}
        self.live: dict[str, list[Any]] = {}
        self.jobs: list[list[Any]] = []
        self.shown: dict[str, tuple[str, str]] = {}
        self.step: engine.Step | None = None
        self.ended_at: str | None = None
        self.ended: str | None = None
        self.is_suspended = False

    def take(self, executed: Iterable[tuple[Mapping[str, Any], engine.Step | None]]) -> None:
        """Let each step of the case do what it does."""
        for row, step in executed:
            self.shown |= {name: (row["salt"], digest) for name, digest in row.get("shown", {}).items()}
            if row["kind"] in HOLDS:
                self.is_suspended = HOLDS[row["kind"]]
            if row["kind"] in ASSIGNMENTS:
                self.tasks[row["token"]]["assignee_id"] = row["data"].get("assignee")
            elif step is not None:
                self._take(row, step)

    def _take(self, row: Mapping[str, Any], step: engine.Step) -> None:
        self.step, at = step, row["at"]
        for token in row["closed"]:
            if token in self.tasks:
                done = row["kind"] == "complete" and token == row["token"]
                state = TaskState.COMPLETED if done else TaskState.CANCELLED
                self.tasks[token] |= {"state": state, "closed_at": at, "closed_by": row["actor"] if done else None}
            self.live.pop(token, None)
        if row["kind"] in ("timer", "job"):
            self.live.pop(row["token"], None)
        for task in step.opened:
            if row["kind"] == replay.UNDO:
                self.tasks[task.token] |= {"state": TaskState.OPEN, "closed_at": None, "closed_by": None}
            else:
                self.tasks[task.token] = self._opened(row, task)
        for task in step.readdressed:
            self._readdress(self.tasks[task.token], task)
            if row["kind"] == "migrate":
                moved = self._opened(row, task)
                self.tasks[task.token] |= {name: moved[name] for name in MIGRATED}
        for job in step.jobs_set:
            if row["kind"] == replay.UNDO:
                self.live[job.token] = [known for known in self.jobs if known[0] == job.token][-1]
                continue
            due = journal.instant(job.due) if job.due else at
            self.live[job.token] = [job.token, job.element, job.kind, job.topic or "", due]
            self.jobs.append(self.live[job.token])
        self.ended_at, self.ended = (at, executor.last_reached(step.trace)) if step.ended else (None, None)

    def _opened(self, row: Mapping[str, Any], task: engine.UserTask) -> Row:
        definition = self.known[row["definition"]]
        return {
            **self._address(task),
            "token": task.token,
            "element": task.element,
            "name": task.name[:100],
            "kind": f"{self.case.process}/{task.element}",
            "process": self.case.process,
            "definition": definition.digest,
            "form_key": task.form_key,
            "assignee_id": task.assignee,
            "opened_at": row["at"],
            "sort_at": journal.instant(task.due or datetime.fromisoformat(row["at"]) + UNDUE),
            "state": TaskState.OPEN,
            "closed_at": None,
            "closed_by": None,
        }

    def _address(self, task: engine.UserTask) -> Row:
        role = task.role or "sys_admin"
        return {
            "role": role,
            "organisation_id": task.scope or str(role_organisation(role)),
            "due_at": journal.instant(task.due) if task.due else None,
            "follow_up_at": journal.instant(task.follow_up) if task.follow_up else None,
            "priority": task.priority,
        }

    def _readdress(self, held: Row, task: engine.UserTask) -> None:
        address = self._address(task)
        if held["organisation_id"] != address["organisation_id"]:
            held["assignee_id"] = None
        held |= address | {"sort_at": address["due_at"] or held["sort_at"]}

    def wrong_case(self) -> Iterator[tuple[str, str]]:
        case, first, last, step = self.case, self.records[0], self.records[-1], self.step
        if step is None:
            return
        if _comparable(bytes(case.state)) != _comparable(step.state):
            yield "state", "the stored state is another than the journal gives"
        pairs = {
            "process": (case.process, self.known[first["definition"]].process),
            "definition": (case.definition, last["definition"]),
            "awaited": (list(case.awaited), list(step.awaited)),
            "started_by": (_text(case.started_by), first["actor"]),
            "moved_at": (journal.instant(case.moved_at), last["at"]),
            "ended_at": (case.ended_at and journal.instant(case.ended_at), self.ended_at),
            "ended": (case.ended, self.ended),
            "suspended": (case.suspended_at is not None, self.is_suspended),
            "incidents": (case.incidents, self.stored.incidents),
        }
        for name, (found, expected) in pairs.items():
            if found != expected:
                yield "case", f"{name} is {found}, by the journal {expected}"
        if not timedelta() <= datetime.fromisoformat(first["at"]) - case.started_at < STARTING:
            yield "case", f"started_at is {case.started_at}, by the journal {first['at']}"
        if self._is_shown_otherwise("case", executor.case_shown(case.business_key, case)):
            yield "case", "business_key, subject, unit, authority, institution or organiser is not what was recorded"

    def _is_shown_otherwise(self, name: str, value: Any) -> bool:
        """Compare with the digest of the last row that recorded it; rows of earlier versions recorded none."""
        salt, digest = self.shown.get(name, ("", ""))
        return bool(digest) and journal.salted(base64.b64decode(salt), f"shown.{name}", value) != digest

    def wrong_tasks(self) -> Iterator[tuple[str, str]]:
        found = {task.token: task for task in self.stored.tasks}
        if missing := sorted(self.tasks.keys() - found.keys()):
            yield "inbox", f"missing {', '.join(missing)}"
        if added := sorted(found.keys() - self.tasks.keys()):
            yield "inbox", f"too many {', '.join(added)}"
        for token, expected in self.tasks.items():
            task = found.get(token)
            if task is None:
                continue
            if task.id != executor.task_id(self.case.id, token):
                yield "inbox", f"{token}: id"
            for name, value in expected.items():
                if _plain(getattr(task, name)) != value:
                    yield "inbox", f"{token} {task.element}: {name} is {_plain(getattr(task, name))}, not {value}"
            if self._is_shown_otherwise(token, executor.task_shown(_columns(task))):
                yield "inbox", f"{token} {task.element}: subject, summary, batch or facts are not what was recorded"

    def wrong_jobs(self) -> Iterator[tuple[str, str]]:
        rows = self.stored.jobs
        shape = {job.id: (job.token, job.element, job.kind, job.name, journal.instant(job.due_at)) for job in rows}
        present, expected = Counter(shape.values()), Counter(map(tuple, self.jobs))
        for job in sorted(expected - present):
            yield "jobs", f"missing {job[2]} {job[1]} {job[0]} of {job[4]}"
        for job in sorted(present - expected, key=str):
            yield "jobs", f"added or altered {job[2]} {job[1]} {job[0]} of {job[4]}"
        waiting = Counter(shape[job.id] for job in rows if job.state in (JobState.PENDING, JobState.FAILED))
        for job in sorted((waiting - Counter(map(tuple, self.live.values()))) & expected, key=str):
            yield "jobs", f"{job[2]} {job[1]} {job[0]} waits, and is over by the journal"
        for job in sorted((Counter(map(tuple, self.live.values())) - waiting) & present, key=str):
            yield "jobs", f"{job[2]} {job[1]} {job[0]} does not wait, and should by the journal"


def _comparable(state: bytes) -> Any:
    """A stored state without the marks that say nothing: of an event that has not come yet."""
    *head, tokens, arrivals = orjson.loads(state)
    for token in tokens:
        token[5] = {name: mark for name, mark in (token[5] or {}).items() if mark is not False}
    return [*head, tokens, arrivals]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return journal.instant(value)
    return str(value) if isinstance(value, UUID) else value


def _columns(task: Task) -> Row:
    """The columns of a task as JSON, as they were recorded."""
    values = {name: getattr(task, name) for name in executor.SHOWN_OF_TASKS}
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value
        for name, value in values.items()
    }


def _wrong_personal_values(case_id: UUID, records: list[Row], has_texts: bool) -> Iterator[str]:
    """Personal texts against the digests in the journal."""
    if not has_texts and not any(is_reference(value) for record in records for value in record["data"].values()):
        return
    referred = {
        value["personal"]: (record["seq"], name, value["digest"])
        for record in records
        for name, value in record["data"].items()
        if is_reference(value)
    }
    query = select(PersonalValue).where(or_(PersonalValue.case_id == case_id, PersonalValue.id.in_(referred)))
    found = {str(row.id): row for row in session().scalars(query)}  # a message hands the texts of another case on
    for key, (seq, name, digest) in referred.items():
        row = found.get(key)
        if row is None:
            yield f"row {seq}: the text of {name} is missing"
        elif row.value is None or row.salt is None:
            is_half = row.value is not None or row.salt is not None
            if is_half or not erasures.is_lawful(row.id, row.case_id, row.erased_at):
                yield f"row {seq}: the text of {name} was erased without a record, or before it was due (R75)"
        elif journal.salted(bytes(row.salt), row.field, row.value) != digest:
            yield f"row {seq}: the text of {name} is another"
    for key in found.keys() - referred.keys():
        yield f"row {found[key].seq}: a text of {found[key].field} that no row refers to"
