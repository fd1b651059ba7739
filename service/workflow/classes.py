"""What people do to a class as a whole: begin one, cancel it, close its enrolment early. Its states its case writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from service.domain.classes import ClassState, obstacle_to_cancellation
from service.domain.permissions import Action, may
from service.domain.reasons import parse_reason
from service.domain.roles import Role
from service.errors import N_, Conflict, NotAllowed, NotFound
from service.models import Cause, TrainingClass, User, class_list, transaction
from service.models.enrollment_list import class_of_case
from service.models.scope import get_visible
from service.models.training import LIVE_ENROLLMENT
from service.workflow import cases

BEFORE_CHECK_IN = frozenset({"pending", "confirmed"})


def begin_class(user: User) -> UUID:
    """Start a class; returns the task in which its organiser drafts and publishes it (R33, S50)."""
    if not may(Role(user.role), Action.EDIT_CLASS):
        raise NotAllowed
    data = {"organiser_id": str(user.organisation_id), "organiser_role": user.role}
    return cases.start(user, "training_class", data).tasks[0]


def draft_class(user: User, raw: Mapping[str, Any]) -> UUID:
    """Begin a class and fill in its draft, both or neither; returns the class's id. raw: the form ``draft_class``."""
    with transaction(Cause("draft_class", user.id)):
        done = cases.complete(user, begin_class(user), raw)
        made = class_of_case(done.case_id)
        if made is None:
            raise Conflict(N_("放弃的草稿不建班次。"))
    return made.id


def cancel_class(user: User, class_id: UUID, reason: str) -> None:
    """Cancel a class before the first check-in (R37); everybody enrolled is told why."""
    with transaction(Cause("cancel_class", user.id)):
        found = _own(user, class_id)
        why = parse_reason(reason)
        if obstacle := obstacle_to_cancellation(ClassState(found.state), checked_in(class_id)):
            raise Conflict(obstacle)
        cases.signal(user, _case(found), "cancel_class", {"reason": why})


def close_enrolment(user: User, class_id: UUID) -> None:
    """End the enrolment before its last day."""
    with transaction(Cause("close_enrolment", user.id)):
        found = _own(user, class_id)
        cases.signal(user, _case(found), "close_enrolment", otherwise=N_("该班已不在报名阶段，无须截止。"))


def checked_in(class_id: UUID) -> int:
    """How many have ever checked in."""
    counts = class_list.state_counts(class_id)
    later = (*(s for s in LIVE_ENROLLMENT if s not in BEFORE_CHECK_IN), "completed", "failed")
    return sum(counts.get(state, 0) for state in later)


def is_organiser(user: User, found: TrainingClass) -> bool:
    """Whether the class is the user's to cancel or close."""
    return may(Role(user.role), Action.EDIT_CLASS) and found.organiser_id == user.organisation_id


def _own(user: User, class_id: UUID) -> TrainingClass:
    found = get_visible(user, TrainingClass, class_id)
    if not is_organiser(user, found):
        raise NotFound
    return found


def _case(found: TrainingClass) -> UUID:
    if found.case_id is None:
        raise Conflict(N_("该班不是由流程开办的，不能这样办理。"))
    return found.case_id
