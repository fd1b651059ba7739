"""Migrations: running cases go on by another version of their process, each in a transaction of its own.

What a migration did stands in each case's journal, as one input; ``anpei verify`` executes it again. A run that is
begun anew goes on with the cases that are still on the old version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update

from service import engine
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.values.validators import parse_reason
from service.engine import MigrationRefused, Plan
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed
from service.models.db.clock import CHINA, now
from service.models.db.errors import DATABASE_ERRORS
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.lease import LEASE, Lease
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, JournalRow
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.runtime.version_change import OPEN, MigrationRun, RunState
from service.models.tables.system.audit import AuditEvent
from service.operations.deployments import was_in_force
from service.workflow.processes import definitions
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import executor, jobs
from service.workflow.runtime.executor import Act
from service.workflow.versions import background_runs, process_changes

EFFECT, AUDITED = "migration", "migrate_cases"
LOCK = 0x6D67  # of the migrations of one process, with the digest of its key
PREVIEWED = 2_000  # running cases that a preview looks at
CASES_AT_ONCE = 50  # between two lines of progress
PASSED_BY = ("startEvent", "endEvent", "exclusiveGateway", "scriptTask", "businessRuleTask")
KEPT = 500  # refused cases, of which a run keeps the reasons
SAME_VERSION = N_("请选择另一个版本。")
FAILED_AFTER = N_("迁移后自动走下去时出错，案卷没有变动。")
OTHER_PROCESS = N_("只能迁移到同一个流程的另一个版本。")
UNFINISHED = N_(
    "%(who)s 于 %(at)s 开始的迁移还没有结束（已看 %(done)s / %(total)s 件）。同一流程一次只做一次迁移："
    "请等它结束，或在“迁移案卷”页的迁移记录里打开它，接着做或取消（接口：/engine-rest/batch）。"
)
NEVER_IN_FORCE = N_("这一版没有经过批准生效，案卷不能迁移到它。")


@dataclass(frozen=True, slots=True)
class Migration:
    """Versions by digest, and the plan by which cases go from one to the other.

    chosen: cases, None for all that run; back_of: the migration whose cases are taken back.
    """

    source: str
    target: str
    plan: Plan
    chosen: tuple[UUID, ...] | None = None
    back_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A case that would not go; element: where it stands, or the join that it could not fill."""

    case_id: UUID
    element: str
    why: Message


@dataclass(slots=True)
class Forecast:
    """Effect of a migration before it is made: running cases, those looked at, and those that would not go.

    here, there: tokens by element, in the old version and in the new one.
    """

    total: int = 0
    looked_at: int = 0
    here: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choice:
    """An element that the new version does not have as it was: where it may go, and where it is proposed to go."""

    element: str
    name: str
    targets: tuple[tuple[str, str], ...]
    proposed: str


def asked_for(source: str, target: str, elements: Mapping[str, str], back_of: UUID | None = None) -> Migration:
    """A migration as it is proposed, but for these elements; of those that were taken back, by the reverse of its plan.

    Raises NotFound.
    """
    if back_of is not None and source == (run := background_runs.find(MigrationRun, back_of)).target:
        proposed = _way_back(run)
    else:
        proposed = engine.propose(definitions.definition(source), definitions.definition(target))
    return Migration(source, target, Plan({**proposed.elements, **elements}), back_of=back_of)


def said(
    source: str,
    target: str,
    elements: Mapping[str, str],
    renewed: Iterable[str],
    chosen: tuple[UUID, ...] | None,
) -> Migration:
    """A migration as somebody says it; renewed: timers that are counted anew."""
    named = {element: to for element, to in elements.items() if element != to}
    return Migration(source, target, Plan(named, frozenset(renewed)), chosen)


def pairs(asked: Migration) -> list[tuple[str, str, bool]]:
    """Every element that goes somewhere, where to, and whether it is an event; not what no token rests at."""
    old, new = definitions.definition(asked.source), definitions.definition(asked.target)
    found = []
    for one in old.elements.values():
        target = asked.plan.target(one.id)
        if one.type.endswith(PASSED_BY) or one.type == "process" or target not in new.elements:
            continue
        if new.elements[target].type == one.type:
            found.append((one.id, target, one.type.endswith("Event")))
    return found


def choices(asked: Migration) -> list[Choice]:
    """The elements of which somebody has to say where they go, with all of their type."""
    old, new = definitions.definition(asked.source), definitions.definition(asked.target)
    found = []
    for one in old.elements.values():
        kept = new.elements.get(one.id)
        if one.type == "process" or (kept is not None and kept.type == one.type and one.id not in asked.plan.elements):
            continue
        alike = tuple((it.id, it.name) for it in new.elements.values() if it.type == one.type)
        found.append(Choice(one.id, one.name, alike, asked.plan.elements.get(one.id, "")))
    return found


def must_migrate(user: User | None) -> None:
    """Raise NotAllowed unless the role has the action; None is the operator of the machine."""
    if user is not None and not may(Role(user.role), Action.MIGRATE_CASES):
        raise NotAllowed


def check_plan(asked: Migration) -> dict[str, Message]:
    """Elements of a plan that cannot go where it says. Raises NotFound, InvalidInput for versions of two processes."""
    old, new = definitions.definition(asked.source), definitions.definition(asked.target)
    if asked.source == asked.target:
        raise InvalidInput({"target": SAME_VERSION})
    if old.process != new.process:
        raise InvalidInput({"target": OTHER_PROCESS})
    if not was_in_force(definitions.version(asked.target)):
        raise InvalidInput({"target": NEVER_IN_FORCE})
    return {
        element: Message(why, name=engine.name_of(old, element), to=engine.name_of(new, asked.plan.target(element)))
        for element, why in engine.problems_of_plan(old, new, asked.plan).items()
    }


def preview(user: User | None, asked: Migration) -> Forecast:
    """Try a migration on the running cases in scope, without changing anything. Raises as ``check_plan``."""
    must_migrate(user)
    _must_be_sound(check_plan(asked))
    old, new, at = definitions.definition(asked.source), definitions.definition(asked.target), now()
    found, query = Forecast(_count(user, asked)), _running(user, asked)
    for case_id, stored in session().execute(query.with_only_columns(Case.id, Case.state).limit(PREVIEWED)):
        found.looked_at += 1
        found.here.update(engine.places(bytes(stored)))
        try:
            found.there.update(engine.places(engine.migrated(old, new, bytes(stored), asked.plan, at)))
        except Exception as error:
            found.problems.append(Problem(case_id, getattr(error, "element", ""), _why(error)))
    return found


def _count(user: User | None, asked: Migration) -> int:
    return session().scalar(_running(user, asked).with_only_columns(func.count()).order_by(None)) or 0


def _must_be_sound(problems: Mapping[str, Message]) -> None:
    if problems:
        raise InvalidInput({f"to-{element}": why for element, why in problems.items()})


def _running(user: User | None, asked: Migration) -> Select[Any]:
    """The running cases of a version in scope: those chosen, or that another migration has moved."""
    query = select(Case).where(Case.definition == asked.source, Case.ended_at.is_(None))
    if user is not None:
        query = query.where(visible_to(user, Case))
    if asked.chosen is not None:
        query = query.where(Case.id.in_(asked.chosen))
    if asked.back_of is not None:
        moved = select(JournalRow.record["data"]["migration"].astext)
        moved = moved.where(JournalRow.case_id == Case.id, JournalRow.kind == "migrate")
        last = moved.order_by(JournalRow.seq.desc()).limit(1).scalar_subquery()
        query = query.where(last == str(asked.back_of))
    return query.order_by(Case.id)


def begin(
    user: User | None, asked: Migration, reason: str, *, account: Mapping[str, str] | None = None, at_once: bool = False
) -> MigrationRun:
    """Begin a migration in the background, or do it at once. Raises NotAllowed, NotFound, InvalidInput, and Conflict
    while another one of the process has not ended.

    account: user and machine of the operating system, as the audit trail keeps them, where nobody signed in.
    """
    must_migrate(user)
    _must_be_sound(check_plan(asked))
    run = MigrationRun(
        id=new_id(),
        user_id=user.id if user else None,
        process=definitions.version(asked.source).key,
        source=asked.source,
        target=asked.target,
        plan=asked.plan.to_data(),
        reason=parse_reason(reason),
        chosen=None if asked.chosen is None else [str(case) for case in asked.chosen],
        back_of=asked.back_of,
        total=_count(user, asked),
    )
    with transaction(Operation("begin_migration", run.user_id)) as current:
        current.execute(select(func.pg_advisory_xact_lock(LOCK, func.hashtext(run.process))))
        if other := unfinished(run.process):
            raise Conflict(_unfinished(other))
        current.add(run)
        current.add(_event(user, run, account or {}))
        current.flush()
        job = background_runs.job_of(EFFECT, run)
        if at_once:
            job.run_at += LEASE  # the worker does it when this process has died before
        current.add(job)
    if at_once:
        jobs.run_at_once(run.id)
    return background_runs.find(MigrationRun, run.id)


def unfinished(process: str) -> MigrationRun | None:
    """The migration of a process that has not ended."""
    query = select(MigrationRun).where(MigrationRun.process == process, MigrationRun.state.in_(OPEN))
    return session().scalars(query.order_by(MigrationRun.at).limit(1)).one_or_none()


def _unfinished(run: MigrationRun) -> Message:
    who = process_changes.name_of(run.user_id) or Message(N_("命令行"))
    at = f"{run.at.astimezone(CHINA):%Y-%m-%d %H:%M}"
    return Message(UNFINISHED, who=who, at=at, done=run.done, total=run.total)


def _event(user: User | None, run: MigrationRun, account: Mapping[str, str]) -> AuditEvent:
    replaced, number = (definitions.version(digest).number for digest in (run.source, run.target))
    detail = {"process": run.process, "replaced": replaced, "version": number, "cases": run.total} | dict(account)
    return AuditEvent.by(user, AUDITED, "process", run.id, detail=detail)


def asked_of(run: MigrationRun) -> Migration:
    """The migration that a run was begun with."""
    chosen = None if run.chosen is None else tuple(UUID(case) for case in run.chosen)
    return Migration(run.source, run.target, Plan.of(run.plan), chosen, run.back_of)


def way_back(run: MigrationRun) -> Migration:
    """The migration that takes the cases back which a run has moved."""
    return Migration(run.target, run.source, _way_back(run), back_of=run.id)


def _way_back(run: MigrationRun) -> Plan:
    return Plan.of(run.plan).reversed(definitions.definition(run.source))


def run_job(run_id: UUID, lease: Lease | None = None) -> None:
    """Migrate the cases that are still on the old version; those that cannot go are named, and keep no other back."""

    def work(run: MigrationRun, user: User | None) -> None:
        state = RunState.DONE if _migrate_all(user, run, lease) else RunState.STOPPED
        background_runs.proceed(run, lease, state)

    background_runs.do(MigrationRun, run_id, work)


def _migrate_all(user: User | None, run: MigrationRun, lease: Lease | None) -> bool:
    """Migrate case by case; False when somebody gave it up."""
    asked = asked_of(run)
    waiting = list(session().scalars(_running(user, asked).with_only_columns(Case.id)))
    refused, begun = list[list[Any]](), run.moved
    reason, keep = run.reason or "", background_runs.keep_alive(lease)
    for at in range(0, len(waiting), CASES_AT_ONCE):
        for case_id in waiting[at : at + CASES_AT_ONCE]:
            try:
                migrate(case_id, run, asked, reason)
            except Exception as error:
                session().rollback()
                refused.append([str(case_id), getattr(error, "element", ""), _why(error).to_json()])
            keep()
        done = begun + min(at + CASES_AT_ONCE, len(waiting))
        total = begun + len(waiting)
        if not background_runs.proceed(run, lease, total=total, done=done, refused=refused[:KEPT]):
            return False
    return True


def _why(error: Exception) -> Message:
    """Reason why a case does not go, without what handlers and scripts say: that may be personal."""
    if isinstance(error, MigrationRefused):
        return error.message
    found = refusal_of(error, "migrate")  # a fault is logged
    is_busy = isinstance(error, DATABASE_ERRORS) and not found.fault
    return found.message if is_busy else Message(FAILED_AFTER)


def migrate(case_id: UUID, run: MigrationRun, asked: Migration, reason: str) -> bool:
    """Migrate one case and count it; False when it has gone on meanwhile, by another version or to its end, or the run
    was given up.

    Raises MigrationRefused and what the first automatic step may raise; the case is as it was then.
    """
    with transaction(Operation("migrate case", run.user_id)):
        try:
            held = executor.lock_case(case_id)
        except Conflict:
            return False
        if held.definition != asked.source or not _count_moved(run):
            return False
        act = Act("migrate", run.user_id, data=asked.plan.to_data() | {"migration": str(run.id)}, to=asked.target)
        executor.apply_input(held, executor.with_personal(held, act, {"reason": reason}))
    return True


def _count_moved(run: MigrationRun) -> bool:
    """Count a case in the transaction that moves it, so that a process that dies has lost no count."""
    query = update(MigrationRun).where(MigrationRun.id == run.id, MigrationRun.state.in_(OPEN))
    return session().execute(query.values(moved=MigrationRun.moved + 1).returning(MigrationRun.id)).first() is not None


def named(user: User, case_ids: Sequence[UUID]) -> dict[str, Case]:
    """Cases in scope by id, to name them."""
    query = select(Case).where(Case.id.in_(case_ids), visible_to(user, Case))
    return {str(case.id): case for case in session().scalars(query)} if case_ids else {}


def find(user: User | None, run_id: UUID) -> MigrationRun:
    """A migration, of whomever. Raises NotAllowed, NotFound."""
    must_migrate(user)
    return background_runs.find(MigrationRun, run_id)


def listing(process: str, most: int = 20) -> list[MigrationRun]:
    """The migrations of a process, the latest first."""
    query = select(MigrationRun).where(MigrationRun.process == process).order_by(MigrationRun.at.desc())
    return list(session().scalars(query.limit(most)))


def versions_of(run: MigrationRun) -> tuple[DefinitionVersion, DefinitionVersion]:
    """The version that cases leave, and the one that they go to."""
    return definitions.version(run.source), definitions.version(run.target)


jobs.SIDE_EFFECTS[EFFECT] = lambda payload, lease: run_job(UUID(payload["run"]), lease)
