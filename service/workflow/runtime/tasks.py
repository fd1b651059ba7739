"""Use cases on cases and tasks: start, claim, complete, correlate a message, reroute. One transaction each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from service import handlers
from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import UserState
from service.engine import Step, StepError
from service.errors import N_, CaseSuspended, Conflict, Message, NotAllowed, NotAsked, NotFound, TaskAlreadyDone
from service.handlers import registry
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.runtime import substitutes
from service.models.queries.runtime.inbox import task_left
from service.models.queries.scope import inbox_addresses, visible_to
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import (
    Task,
    TaskState,
)
from service.models.tables.runtime.case_statements import (
    CLAIM_TASK,
    LOCK_CASE_OF_TASK,
)
from service.models.tables.units.organisation import Organisation
from service.workflow.authorization import act_for, act_on_behalf
from service.workflow.processes import definitions
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import executor, incidents
from service.workflow.runtime.executor import Act, LockedCase
from service.workflow.runtime.jobs import leave_message
from service.workflow.runtime.journal_notes import append_journal_note
from service.workflow.runtime.task_forms import clean_form, clean_start_form

CLAIMED = N_("这项任务已由同事领取，请办理其他任务。")
NATIONAL = ("ministry", "association")  # everybody may put a task before them


@dataclass(frozen=True, slots=True)
class Started:
    """A new case: its id, the ids of the tasks it opened, and its data."""

    case_id: UUID
    tasks: tuple[UUID, ...]
    data: dict[str, Any]
    ended: bool


@dataclass(frozen=True, slots=True)
class Completed:
    """The outcome of a completion. next_task_id: the next task of the same kind in the user's inbox."""

    case_id: UUID
    ended: bool
    opened: tuple[UUID, ...]
    next_task_id: UUID | None = None


def start(
    user: User | None,
    process: str,
    data: Mapping[str, Any],
    *,
    personal: Mapping[str, str] | None = None,
    business_key: str | None = None,
) -> Started:
    """Start a case on the version in force and execute it until people or jobs are needed.

    personal: variables with texts of or about people, which are stored apart.
    Raises NotFound for an unknown process, and whatever a handler refuses with; no case exists then.
    """
    actor = user.id if user else None
    with _use_case(f"start {process}", actor):
        definition = definitions.definition(definitions.current(process).digest)
        case_id, step = executor.create_case(definition, Act("start", actor, data=data), business_key, personal or {})
        return Started(case_id, _ids(case_id, step), step.data, step.ended)


def start_by_key(user: User, process: str, data: Mapping[str, Any], *, business_key: str | None = None) -> Started:
    """Start a case with what a client sends: the fields of the start event's form, cleaned by it.

    Only the roles named by ``camunda:candidateStarterGroups`` may. Variables that say who starts for which organisation
    are set here, by what the process registered (``handlers.registry.start_variables``), and can be named by no client.
    Raises NotAllowed, InvalidInput at a field that the form does not have, and whatever a handler refuses with.
    """
    definition = definitions.definition(definitions.current(process).digest)
    if user.role not in definitions.starters(definition):
        raise NotAllowed(N_("您的角色不能发起这个流程。"))
    cleaned = clean_start_form(definition, data)
    with transaction(Operation(f"start {process}", user.id)):
        variables = cleaned.data | registry.start_variables_of(process, user)
        started = start(user, process, variables, personal=cleaned.personal, business_key=business_key)
        _check_addresses(user, started.tasks)
    return started


def _check_addresses(user: User, task_ids: Sequence[UUID]) -> None:
    """Refuse a start that puts a task before somebody whom the user may not address.

    Addressable are the own organisation and its province, the national bodies, and what lies in the user's scope.
    Raises NotFound: whether such an organisation exists is not told.
    """
    own = or_(
        Organisation.id.in_((user.organisation_id, user.organisation.authority_id)), Organisation.kind.in_(NATIONAL)
    )
    addressed = select(Task.organisation_id).where(Task.id.in_(task_ids), Task.organisation_id.is_not(None))
    found = select(Organisation.id).where(Organisation.id.in_(addressed), or_(own, visible_to(user, Organisation)))
    if set(session().scalars(addressed)) - set(session().scalars(found)):
        raise NotFound(N_("这个流程会把任务交给您无权交办的单位，没有发起。"))


def claim(user: User, task_id: UUID) -> None:
    """Take a task for oneself. Raises TaskAlreadyDone, or Conflict when a colleague was first."""
    with _use_case("claim", user.id):
        held, row = lock_task(user, task_id)
        act_for(user, Action.VIEW_TASKS, row.organisation_id)
        if row.assignee_id == user.id:
            return
        if not User.holds_active(user.id):
            raise NotAllowed
        if row.assignee_id is not None:
            _take_over(user, task_id)
        elif session().execute(CLAIM_TASK, {"task": task_id, "user": user.id}).one_or_none() is None:
            raise Conflict(CLAIMED)
        append_journal_note(
            held, Act("claim", user.id, token=row.token, element=row.element, data={"assignee": str(user.id)})
        )


def _take_over(user: User, task_id: UUID) -> None:
    """Take a task from an absent colleague in their place, or back from who took it over for oneself (R84)."""
    if (absence := substitutes.behalf_of_tasks(user, [task_id]).get(task_id)) is not None:
        act_on_behalf(absence.user_id)
    elif substitutes.claimed_tasks([task_id])[task_id].taken_for != user.id:
        raise Conflict(CLAIMED)
    _assign_row(task_id, user.id)


def claim_many(user: User, task_ids: Sequence[UUID]) -> int:
    """Claim those that are still free, one use case each; returns how many the user then has."""
    taken = 0
    for task_id in task_ids:
        try:
            claim(user, task_id)
            taken += 1
        except Exception as error:
            refusal_of(error, "claim_many")
            continue
    return taken


def unclaim(user: User, task_id: UUID) -> None:
    """Give a task back to everybody of the role. Raises NotAllowed when it is a colleague's."""
    with _use_case("unclaim", user.id):
        held, row = lock_task(user, task_id)
        act_for(user, Action.VIEW_TASKS, row.organisation_id)
        if row.assignee_id is None:
            return
        if row.assignee_id != user.id:
            raise NotAllowed(N_("这项任务由同事领取，只有他本人可以退还。"))
        _act_for_absent(user, task_id)
        _assign_row(task_id, None)
        append_journal_note(held, Act("unclaim", user.id, token=row.token, element=row.element))


def release_tasks(user_id: UUID, actor_id: UUID | None) -> None:
    """Give back to their role all tasks that an account has claimed, one use case each: it was disabled (R4)."""
    claimed = select(Task.id).where(Task.assignee_id == user_id, Task.state == TaskState.OPEN).order_by(Task.id)
    for task_id in session().scalars(claimed).all():
        with _use_case("unclaim", actor_id):
            row = LOCK_CASE_OF_TASK.execute({"task": task_id}).one()
            if row.task_state == TaskState.OPEN and row.assignee_id == user_id:
                _assign_row(task_id, None)
                append_journal_note(LockedCase.of(row), Act("unclaim", actor_id, token=row.token, element=row.element))


def assign(user: User, task_id: UUID, assignee_id: UUID) -> None:
    """Hand a task to a colleague of the same organisation and role who may work. Raises NotFound for anybody else."""
    with _use_case("assign", user.id):
        held, row = lock_task(user, task_id)
        act_for(user, Action.VIEW_TASKS, row.organisation_id)
        colleague = session().get(User, assignee_id)
        if colleague is None or not _can_take_over(colleague, user) or not User.holds_active(assignee_id):
            raise NotFound(N_("没有这位同事。"))
        _must_not_be_barred(row, assignee_id, held.process)
        if row.assignee_id is not None:
            _act_for_absent(user, task_id)
        _assign_row(task_id, assignee_id)
        append_journal_note(
            held, Act("assign", user.id, token=row.token, element=row.element, data={"assignee": str(assignee_id)})
        )


def assign_many(user: User, task_ids: Sequence[UUID], assignee_id: UUID) -> dict[UUID, Message]:
    """Hand tasks to a colleague, one use case each; returns why the others were not."""
    refused = {}
    for task_id in task_ids:
        try:
            assign(user, task_id, assignee_id)
        except Exception as error:
            refused[task_id] = refusal_of(error, "assign_many").message
    return refused


def complete(user: User, task_id: UUID, raw: Mapping[str, Any], *, asks: bool = False) -> Completed:
    """Complete a task with what its form says.

    raw: form fields as typed; asks: raise NotAsked before what cannot be taken back (R87). Raises NotFound out of
    scope, TaskAlreadyDone (R74), InvalidInput with an error at each field, and whatever a handler refuses with; nothing
    has changed then.
    """
    with _use_case("complete", user.id):
        held, row = lock_task(user, task_id)
        step = complete_locked(user, task_id, held, row, raw)
        if asks and (ending := handlers.ending_of(step.calls)):
            raise NotAsked(ending.consequence, ending.reason)
        return Completed(held.id, step.ended, _ids(held.id, step))


def complete_and_next(user: User, task_id: UUID, raw: Mapping[str, Any], *, asks: bool = False) -> Completed:
    """Complete a task and name the next open one of the same kind in the user's inbox."""
    task = session().get(Task, task_id)
    done = complete(user, task_id, raw, asks=asks)
    following = task_left(user, task.kind, task.sort_at, task.id) if task else None
    return Completed(done.case_id, done.ended, done.opened, following)


def correlate_message(
    user: User | None,
    case_id: UUID,
    message: str,
    data: Mapping[str, Any] | None = None,
    *,
    personal: Mapping[str, str] | None = None,
    otherwise: str = N_("案卷已不在可以这样办理的环节，请刷新后查看。"),
) -> None:
    """Give a case the BPMN message it waits for. Who may do so the caller has decided. Raises Conflict(otherwise).

    personal: data with texts of or about people, which are stored apart.
    """
    actor = user.id if user else None
    with _use_case(f"signal {message}", actor):
        held = executor.lock_case(case_id)
        executor.require_subscription(held, message, otherwise)
        given = Act("message", actor, element=message, data=data or {})
        executor.apply_input(held, executor.with_personal(held, given, personal or {}))


def offer_message(user: User | None, case_id: UUID, message: str) -> bool:
    """Give a case a BPMN message if it waits for it, which a case of an older diagram may not; tell whether it did."""
    actor = user.id if user else None
    with _use_case(f"signal {message}", actor):
        held = executor.lock_case(case_id)
        if not executor.awaits(held, message):
            return False
        if held.suspended_at is not None:
            leave_message(case_id, message, {})  # it arrives when the case is resumed
            return True
        executor.apply_input(held, Act("message", actor, element=message, data={}))
    return True


def reroute_tasks(case_id: UUID, data: Mapping[str, Any], actor_id: UUID | None) -> None:
    """Change what open tasks are addressed by (R42: the unit of a pending enrolment moved to another province)."""
    with _use_case("readdress", actor_id):
        held = executor.lock_case(case_id)
        executor.apply_input(held, Act("readdress", actor_id, data=data))


@contextmanager
def _use_case(name: str, actor_id: UUID | None) -> Iterator[None]:
    """Run one use case in a transaction; a failed step leaves an incident on its case."""
    cause = Operation(name, actor_id)
    try:
        with transaction(cause):
            yield
    except StepError as failed:
        if cause.case_id is not None and cause.seq:
            incidents.record_incident(cause.case_id, failed.element, str(failed))
        raise


def lock_task(user: User, task_id: UUID) -> tuple[LockedCase, Any]:
    """Lock the case of a task that is open and in the user's scope; whom a complaint is about finds none (R69, R70)."""
    row = LOCK_CASE_OF_TASK.execute({"task": task_id}).one_or_none()
    if row is None or (row.organisation_id, row.role) not in inbox_addresses(user) or row.barred == str(user.id):
        raise NotFound
    if row.task_state != TaskState.OPEN or row.ended_at is not None:
        raise TaskAlreadyDone
    if row.suspended_at is not None:
        raise CaseSuspended
    return LockedCase.of(row), row


def _can_take_over(colleague: User, user: User) -> bool:
    shares_inbox = (colleague.organisation_id, colleague.role) == (user.organisation_id, user.role)
    return shares_inbox and colleague.state == UserState.ACTIVE and not colleague.awaits_assent


def _must_not_be_barred(row: Any, user_id: UUID, process: str) -> None:
    """The fact ``barred`` of a task names an account that cannot be handed it: whom a complaint is about (R69)."""
    if row.barred == str(user_id):
        raise NotAllowed(registry.reason_barred(process))


def complete_locked(user: User, task_id: UUID, held: LockedCase, row: Any, raw: Mapping[str, Any]) -> Step:
    if row.organisation_id != user.organisation_id:
        act_for(user, Action.VIEW_TASKS, row.organisation_id)
    if row.assignee_id is not None and not _act_for_absent(user, task_id):
        if row.assignee_id != user.id:
            raise Conflict(N_("这项任务由同事领取，请先由他退还，或办理其他任务。"))
        if substitutes.claimed_tasks([task_id])[task_id].taken_for is not None:
            raise Conflict(N_("代办已经结束，这一条请先退还；仍由您办理的，退还以后再领取。"))
    data = clean_form(held, row, raw)
    return executor.apply_input(held, Act("complete", user.id, token=row.token, element=row.element, data=data))


def _act_for_absent(user: User, task_id: UUID) -> bool:
    """Let what follows be done for the absent colleague whose task it is, if there is one; tell whether there is."""
    absence = substitutes.behalf_of_tasks(user, [task_id]).get(task_id)
    if absence is not None:
        act_on_behalf(absence.user_id)
    return absence is not None


def _assign_row(task_id: UUID, assignee_id: UUID | None) -> None:
    task = session().get(Task, task_id)
    if task is not None:
        task.assignee_id = assignee_id


def _ids(case_id: UUID, step: Step) -> tuple[UUID, ...]:
    return tuple(executor.task_id(case_id, task.token) for task in step.opened)
