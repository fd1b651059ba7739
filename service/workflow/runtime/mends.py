"""Mends of cases that cannot go on by themselves: who may, why, and what then stands in the journal.

A mend is an input like all others: reason and author stand in its row, and ``anpei verify`` executes it again. What a
case has written into business rows stays: no mend undoes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import any_, func, literal, or_, select

from service import engine, forms
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.values.validators import parse_reason
from service.engine import Standing, Step, StepError
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope, visible_to
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Incident, Job, JobState, Task, TaskState
from service.models.tables.runtime.case_statements import COUNT_INCIDENT, SUSPEND_CASE, WAKE_JOBS
from service.models.tables.system.audit import AuditEvent
from service.validation import messages
from service.validation.characters import is_storable
from service.workflow.processes import definitions
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import executor
from service.workflow.runtime.executor import Act, LockedCase
from service.workflow.runtime.journal_notes import append_journal_note

KINDS = ("variables", "move", "skip", "suspend", "resume", "cancel")
MAX_CASES = 200  # that are mended at once
MAX_LOOKED = 1000  # whose state is read to find them
WITHOUT_ROW = ("intermediateCatchEvent", "receiveTask")
PASSED = ("userTask", "startEvent", "endEvent", "boundaryEvent", "intermediateThrowEvent")


@dataclass(frozen=True, slots=True)
class Mend:
    """An act on a case. token, element: where, of move and skip; to: an element; values: of variables."""

    kind: str
    reason: str
    token: str | None = None
    element: str | None = None
    to: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Effect of a mend that was made or tried. refusal: why it cannot be; opened: names of tasks; served: topics."""

    case_id: UUID
    refusal: Message | None = None
    opened: tuple[str, ...] = ()
    closed: int = 0
    ended: bool = False
    served: tuple[str, ...] = ()


class _Rehearsed(Exception):
    """Undoes what was only tried."""


def preview(user: User, case_id: UUID, given: Mend) -> Outcome:
    """Try a mend and undo it. Raises as ``mend``."""
    found: list[Step | None] = []
    with suppress(_Rehearsed), transaction(Operation("preview mend", user.id)):
        found.append(mend(user, case_id, given))
        raise _Rehearsed
    return outcome_of(case_id, found[0])


def outcome_of(case_id: UUID, step: Step | None) -> Outcome:
    """Tell what a step has made of a case; None where it only stopped or went on."""
    if step is None:
        return Outcome(case_id)
    opened, served = tuple(task.name for task in step.opened), tuple(call.topic for call in step.calls)
    return Outcome(case_id, None, opened, len(step.closed), step.ended, served)


def mend_many(user: User, case_ids: Sequence[UUID], given: Mend, *, is_preview: bool = False) -> list[Outcome]:
    """Mend many cases alike, one use case each: a refused one does not keep the others. Raises NotAllowed."""
    must_mend(user)
    parse_reason(given.reason)
    done = []
    for case_id in case_ids:
        try:
            done.append(
                preview(user, case_id, given) if is_preview else outcome_of(case_id, mend(user, case_id, given))
            )
        except Exception as error:
            done.append(Outcome(case_id, refusal_of(error, "mend_many").first))
    return done


def mend(user: User, case_id: UUID, given: Mend) -> Step | None:
    """Mend a case in scope; the step that it made, None where it only stops or goes on.

    Raises NotAllowed, NotFound out of scope, InvalidInput without a reason or for a variable that cannot be changed,
    and Conflict, with nothing done, where the case cannot be so mended or the diagram cannot go on from there.
    """
    with _locked(user, case_id, given.kind, given.reason) as held:
        if given.kind == "suspend":
            _hold(user, held, given.reason)
        elif given.kind == "resume":
            _let_go(user, held, given.reason)
        else:
            return _moved(user, held, given)
    return None


@contextmanager
def _locked(user: User, case_id: UUID, kind: str, reason: str) -> Iterator[LockedCase]:
    """A case that this user may mend, locked until all is written."""
    must_mend(user)
    get_or_404_in_scope(user, Case, case_id)
    parse_reason(reason)
    try:
        with transaction(Operation(f"mend {kind}", user.id)) as current:
            yield executor.lock_case(case_id)
            current.add(AuditEvent.by(user, "mend_case", "case", case_id, detail={"what": kind}))
    except StepError as failed:
        where = f"{failed.element}: {failed}" if failed.element else str(failed)
        raise Conflict(N_("没有修复，案卷没有变动；从那里走下去会出错：%(why)s"), why=where) from failed


def must_mend(user: User) -> None:
    """Raise NotAllowed unless the role has the action."""
    if not may(Role(user.role), Action.MEND_CASES):
        raise NotAllowed


def _moved(user: User, held: LockedCase, given: Mend) -> Step:
    data: dict[str, Any] = {"to": given.to} if given.kind == "move" else {}
    if given.kind == "variables":
        check_values(held.definition, given.values)
        data = {"values": dict(given.values)}
    token, element = _place(held, given) if given.kind in ("move", "skip") else (None, None)
    act = Act(given.kind, user.id, token=token, element=element, data=data)
    step = executor.apply_input(held, executor.with_personal(held, act, {"reason": parse_reason(given.reason)}))
    if given.kind == "cancel":
        session().execute(SUSPEND_CASE, {"case": held.id, "at": None})
    return step


def _place(held: LockedCase, given: Mend) -> tuple[str | None, str]:
    """Token and path of the place that a mend names, by its token, else by its element: of what repeats the whole."""
    found = [
        one
        for one in engine.standing(definitions.definition(held.definition), held.state, now())
        if (one.token == given.token if given.token else given.element in (one.element, one.element.split("/")[-1]))
    ]
    chosen = next((one for one in found if one.kind == "loop"), found[0] if found else None)
    if chosen is None:
        raise Conflict(N_("案卷已不在这个环节，请刷新后查看。"))
    return chosen.token or None, chosen.element


def check_values(digest: str, values: Mapping[str, Any]) -> None:
    """Raise InvalidInput for a variable whose name is none, or that holds a personal text: its form takes that."""
    personal = {
        asked.key
        for name, form in definitions.definition(digest).files.items()
        if name.endswith(".form")
        for asked in forms.fields(form)
        if asked.personal
    }
    if not values:
        raise InvalidInput({"variable": messages.REQUIRED})
    for name, value in values.items():
        if not name.isidentifier() or not is_storable(name):
            raise InvalidInput({"variable": N_("变量名由字母、数字和下划线组成，不以数字开头。")})
        if name in personal or (isinstance(value, dict) and "personal" in value):
            raise InvalidInput({"variable": N_("这一项是个人信息，只能由办理人在表单里填写。")})
        if not all(map(is_storable, _texts(value))):
            raise InvalidInput({"variable_value": messages.NOT_STORABLE})


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.items() if isinstance(value, dict) else value:
            yield from _texts(list(one) if isinstance(one, tuple) else one)


def _note(user: User, held: LockedCase, kind: str, reason: str, element: str | None = None) -> None:
    act = Act(kind, user.id, element=element)
    append_journal_note(held, executor.with_personal(held, act, {"reason": parse_reason(reason)}))


def _hold(user: User, held: LockedCase, reason: str) -> None:
    if held.suspended_at is not None:
        raise Conflict(N_("这个案卷已经暂停。"))
    session().execute(SUSPEND_CASE, {"case": held.id, "at": now()})
    _note(user, held, "suspend", reason)


def _let_go(user: User, held: LockedCase, reason: str) -> None:
    """Resume a case; timers that fell due and messages that came meanwhile are done now."""
    if held.suspended_at is None:
        raise Conflict(N_("这个案卷没有暂停。"))
    session().execute(SUSPEND_CASE, {"case": held.id, "at": None})
    session().execute(WAKE_JOBS, {"case": held.id})
    _note(user, held, "resume", reason)


def standing_at(user: User, digest: str, element: str) -> list[Case]:
    """The running cases in scope of a version that stand at an element, or in it.

    Tasks, jobs and incidents tell where by a row; where others wait, for a message or at a join, their states do.
    """
    open_rows: dict[Any, Any] = {
        Task: Task.state == TaskState.OPEN,
        Job: Job.state.in_((JobState.PENDING, JobState.FAILED)),
        Incident: Incident.resolved_at.is_(None),
    }
    is_there = or_(
        *(
            Case.id.in_(select(row.case_id).where(is_open, literal(element) == _segment(row)))
            for row, is_open in open_rows.items()
        )
    )
    running = select(Case).where(Case.definition == digest, Case.ended_at.is_(None), visible_to(user, Case))
    running = running.order_by(Case.started_at, Case.id)
    found = list(session().scalars(running.where(is_there).limit(MAX_CASES)))
    if element in resting_places(definitions.definition(digest))[1]:
        others = session().scalars(running.where(~is_there).limit(MAX_LOOKED))
        found += [case for case in others if element in {one.element.split("/")[-1] for one in places(case)}]
    return found[:MAX_CASES]


def _segment(row: Any) -> Any:
    """Any of the elements on the path to a row's own."""
    return any_(func.string_to_array(row.element, "/"))


def resting_places(definition: engine.Definition) -> tuple[list[engine.Element], set[str]]:
    """The elements, user tasks aside, at which a token may stand; and the ids of those that no row tells of."""
    found = [
        one for one in definition.elements.values() if one.type not in PASSED and one.process == definition.process
    ]
    return found, {
        one.id.rpartition("/")[2] for one in found if one.type in WITHOUT_ROW or one.type.endswith("Gateway")
    }


def places(case: Case) -> tuple[Standing, ...]:
    """The places where a running case stands, with what mends may do there."""
    if case.ended_at is not None:
        return ()
    with suppress(StepError):  # a state that another version of the engine wrote is not mended by this one
        return engine.standing(definitions.definition(case.definition), bytes(case.state), now())
    return ()


def resolve_incident(user: User, incident_id: UUID, reason: str) -> bool:
    """Resolve an incident of a case in scope; tell whether its job is tried again.

    What a person's click raised has no job: nothing is run, that person has to act again. Raises NotFound, InvalidInput
    without a reason, and Conflict when it is resolved already.
    """
    must_mend(user)
    incident = session().get(Incident, incident_id)
    if incident is not None:
        get_or_404_in_scope(user, Case, incident.case_id)
    parse_reason(reason)
    with transaction(Operation("retry incident", user.id)) as current:
        incident = current.get(Incident, incident_id, with_for_update=True, populate_existing=True)
        if incident is None or incident.resolved_at is not None:
            raise Conflict(N_("这个故障已经处理过了。"))
        incident.resolved_at, incident.resolved_by = now(), user.id
        current.execute(COUNT_INCIDENT, {"case": incident.case_id, "by": -1})
        job = current.get(Job, incident.job_id) if incident.job_id else None
        retries = job is not None and job.state == JobState.FAILED
        if job is not None and retries:
            job.state, job.retries, job.run_at = JobState.PENDING, 3, now()
        what = "retry" if retries else "resolve"
        current.add(AuditEvent.by(user, "mend_case", "case", incident.case_id, detail={"what": what}))
        if current.get_one(Case, incident.case_id).ended_at is None:
            held = executor.lock_case(incident.case_id)
            _note(user, held, what, reason, incident.element[:200] or None)
    return retries


def retry_job(user: User, job_id: UUID, reason: str) -> None:
    """Try again the failed job of a case in scope; one that is still tried by itself is left to that."""
    must_mend(user)
    open_incident = select(Incident.id).where(Incident.job_id == job_id, Incident.resolved_at.is_(None))
    if found := session().scalars(open_incident).first():
        resolve_incident(user, found, reason)
