"""Use cases on a class as a whole: begin, change, cancel, close its enrolment; its case writes the states."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.training.class_fields import CLASS_FIELDS, DATES
from service.domain.training.class_progress import came
from service.domain.training.classes import (
    START_FIELDS,
    ClassState,
    check_capacity,
    check_dates,
    obstacle_to_cancellation,
    obstacle_to_class_changes,
)
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, Message, NotAllowed
from service.models.db.clock import today
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.scope_adapters import is_organised_by
from service.models.queries.training import class_list
from service.models.queries.training.enrollment_list import class_of_case
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.training.training import LIVE_ENROLLMENT, TrainingClass
from service.operations import class_change
from service.validation.form_reader import FormReader
from service.validation.record_fields import Place
from service.workflow.processes import definitions
from service.workflow.runtime import tasks

NO_CASE = N_("该班不是由流程开办的，不能这样办理。")
CHANGED_ELSEWHERE = N_("该班已办结、已取消，或还没有发布，不能修改。")
BEFORE_CHECK_IN = frozenset({EnrollmentState.PENDING, EnrollmentState.CONFIRMED})


def begin_class(user: User) -> UUID:
    """Start a class; returns the task in which its organiser drafts and publishes it (R33, S50)."""
    if not may(Role(user.role), Action.EDIT_CLASS):
        raise NotAllowed
    data = {"organiser_id": str(user.organisation_id), "organiser_role": user.role}
    return tasks.start(user, "training_class", data).tasks[0]


def draft_class(user: User, raw: Mapping[str, Any]) -> UUID:
    """Begin a class and fill in its draft, both or neither; returns the class's id. raw: the form ``draft_class``."""
    with transaction(Operation("draft_class", user.id)):
        made = class_of_case(complete_draft(user, begin_class(user), raw))
        if made is None:
            raise Conflict(N_("放弃的草稿不建班次。"))
    return made.id


def complete_draft(user: User, task_id: UUID, raw: Mapping[str, Any]) -> UUID:
    """Complete the task of a draft that could be published as it is; returns its case.

    A page may keep an incomplete draft in its task alone; the REST interface needs the class, so the draft is first
    tried as if published, which reports every gap (R33, R36).
    """
    with transaction(Operation("draft_class", user.id)) as current:
        if raw.get("decision") == "keep":
            trial = current.begin_nested()
            try:
                tasks.complete(user, task_id, {**raw, "decision": "publish"})
            finally:
                trial.rollback()
        return tasks.complete(user, task_id, raw).case_id


def cancel_class(user: User, class_id: UUID, reason: str) -> None:
    """Cancel a class before the first check-in (R37); a notice says why."""
    with transaction(Operation("cancel_class", user.id)):
        found = own_class(user, class_id)
        why = parse_reason(reason)
        if obstacle := obstacle_to_cancellation(ClassState(found.state), checked_in(class_id)):
            raise Conflict(obstacle)
        tasks.correlate_message(user, _case(found), "cancel_class", personal={"reason": why})


def change_class(user: User, class_id: UUID, raw: Mapping[str, str]) -> bool:
    """Change place, dates, seats, pass mark, contact or text of a published class (R35); its people and cases follow.

    raw: the fields of the form, and ``seen``: ``class_change.fields_digest`` of when it was drawn. Returns whether
    anything was different. Raises InvalidInput at the fields,
    Conflict when a colleague was first or the class cannot change any more.
    """
    with transaction(Operation("change_class", user.id)):
        found = own_class(user, class_id)
        if obstacle := obstacle_to_changing(found):
            raise Conflict(obstacle)
        data = _changes(found, raw)
        if data["seen"] == class_change.fields_digest(found) and not class_change.changed_fields(found, data):
            return False
        personal = {name: data.pop(name) for name in class_change.PERSONAL_FIELDS if data[name] is not None}
        tasks.correlate_message(
            user, _case(found), "class_changed", data, personal=personal, otherwise=CHANGED_ELSEWHERE
        )
    return True


def obstacle_to_changing(found: TrainingClass) -> Message | None:
    """Say why its organiser cannot change it: it has ended, or its case runs by an older diagram (R35, invariant 5)."""
    if obstacle := obstacle_to_class_changes(ClassState(found.state), (), False):
        return obstacle
    case = session().get(Case, found.case_id) if found.case_id else None
    if case is None:
        return Message(NO_CASE)
    if case.definition and "class_changed" not in definitions.definition(case.definition).messages:
        return Message(
            N_("该班按较早版本的流程开办，发布后不能修改；请流程管理员把案卷迁移到现行版本，或取消后重新开班。")
        )
    return None


def fields_digest(found: TrainingClass) -> str:
    """Return the digest that the form of a change carries as ``seen``."""
    return class_change.fields_digest(found)


def fixed_fields(found: TrainingClass) -> frozenset[str]:
    """The fields that cannot change any more: the beginning once people have come,
    the pass mark once there is a score.
    """
    counts = {EnrollmentState(state): n for state, n in class_list.state_counts(found.id).items()}
    begun = START_FIELDS if came(counts) or counts.get(EnrollmentState.NO_SHOW) else frozenset()
    return begun | ({"pass_mark"} if class_change.has_scores(found) else frozenset())


def close_enrolment(user: User, class_id: UUID) -> None:
    """End the enrolment before its last day."""
    with transaction(Operation("close_enrolment", user.id)):
        found = own_class(user, class_id)
        tasks.correlate_message(user, _case(found), "close_enrolment", otherwise=N_("该班已不在报名阶段，无须截止。"))


def checked_in(class_id: UUID) -> int:
    """Count the enrolments that have ever been checked in."""
    counts = class_list.state_counts(class_id)
    later = (
        *(s for s in LIVE_ENROLLMENT if s not in BEFORE_CHECK_IN),
        EnrollmentState.COMPLETED,
        EnrollmentState.FAILED,
    )
    return sum(counts.get(state, 0) for state in later)


def is_organiser(user: User, found: TrainingClass) -> bool:
    """Tell whether the user can change, close or cancel the class, in a state that allows it."""
    return is_organised_by(user, Action.EDIT_CLASS, found.organiser_id)


def own_class(user: User, class_id: UUID) -> TrainingClass:
    """Find a class that the user may change. Raises NotFound."""
    return get_or_404_in_scope(user, TrainingClass, class_id, action=Action.EDIT_CLASS)


def _case(found: TrainingClass) -> UUID:
    if found.case_id is None:
        raise Conflict(NO_CASE)
    return found.case_id


def _changes(found: TrainingClass, raw: Mapping[str, str]) -> dict[str, Any]:
    """Read the form into the data of the message ``class_changed``. Raises InvalidInput with all errors at once."""
    entry = FormReader(raw)
    data: dict[str, Any] = {"seen": entry.typed("seen")}
    data |= {field.key: entry.record_field(field, today()) for field in CLASS_FIELDS.plain(Place.CHANGE)}
    days = {name: data[name] for name in DATES if data[name]}
    if len(days) == len(DATES):
        entry.parse(partial(check_dates, **days))
    if data["capacity"] is not None:
        entry.parse(check_capacity, data["capacity"], found.taken)
    entry.check()
    return data | {name: day.isoformat() for name, day in days.items()}
