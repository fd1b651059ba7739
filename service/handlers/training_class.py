"""开班: a class is drafted, published, closed for enrolment, cancelled, or completed; its progress follows its enrolments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.domain.accounts.roles import Role
from service.domain.training import classes
from service.domain.training.class_progress import came, is_closed, progress
from service.domain.training.classes import CLASS_MOVES, ClassState
from service.domain.training.enrollment_state import LIVE, EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.values.reasons import parse_reason
from service.domain.values.state_machine import check_move
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.models.tables.training import TrainingClass
from service.models.tables.user import User
from service.operations.class_draft import write_draft
from service.operations.context import Context, TaskSubject
from service.operations.published_class import (
    class_of,
    counts_of,
    days_of,
    notify,
    tell_enrollments,
)

INVITED = (Role.PROVINCIAL_AUTHORITY, Role.GROUP, Role.ENTERPRISE, Role.TRAINING_INSTITUTION)


def describe(data: dict[str, Any]) -> TaskSubject:
    """What inbox and lists show of a class, and who organises it."""
    if "class_id" not in data:
        title = str(data.get("title") or "")
        return TaskSubject(subject=title, organiser_id=UUID(data["organiser_id"]))
    row = class_of(data)
    return TaskSubject(
        subject=row.title,
        summary=f"{TrainingKind(row.kind).label} · {row.code}",
        unit_name=row.institution.name,
        batch=str(row.id),
        batch_title=row.title,
        facts={
            "kind": row.kind,
            "class_code": row.code,
            "starts_on": row.starts_on.isoformat(),
            "ends_on": row.ends_on.isoformat(),
            "capacity": row.capacity,
            "taken": row.taken,
        },
        institution_id=row.institution_id,
        organiser_id=row.organiser_id,
    )


def save_draft(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Keep what was typed as a draft of the organiser who typed it (R33, R36); to publish it, all must be there and sound.

    A draft that is not yet sound is kept by its task alone, with what was typed; the row of the class, if an earlier one
    has made it, stays as it was last sound.
    """
    user = User.get(context.actor_id) if context.actor_id else None
    if user is None or str(user.organisation_id) != data["organiser_id"]:
        raise NotFound
    if data["decision"] == "discard":
        return {}
    try:
        row = write_draft(data, context, Role(user.role), user.organisation)
    except (InvalidInput, Conflict):
        if data["decision"] == "publish":
            raise
        return {}
    return {"class_id": str(row.id), **days_of(row)}


def discard_draft(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The draft is given up; nobody has seen it."""
    if "class_id" in data:
        _move(class_of(data), ClassState.CANCELLED)
    return {}


def publish(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Open the class for enrolment and tell those who may enrol (R34, S50). Raises InvalidInput once its window is over."""
    row = class_of(data)
    if row.enrol_until < context.today:
        raise InvalidInput({"enrol_until": N_("报名截止日已过，请改为今天或以后。")})
    _move(row, ClassState.ENROLLING)
    _announce(row, context, Message(N_("开班通知：%(title)s"), title=row.title), invitation(row))
    return {}


def close_enrolment(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Nobody may enrol any more: the window is over, or the organiser closed it (R38)."""
    row = class_of(data)
    if row.state == ClassState.ENROLLING:
        _move(row, ClassState.ENROLMENT_CLOSED)
    context.send(context.case_id, "enrollment_changed")  # perhaps nobody has enrolled, and so nobody would say so
    return {}


def close_check_in(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The association closes the check-in: whoever has not come is a no-show (domain.md §8)."""
    row = class_of(data)
    if context.today < row.starts_on:
        raise Conflict(Message(N_("本班 %(day)s 开班，开班后才能结束报到。"), day=row.starts_on.isoformat()))
    if waiting := counts_of(row).get(EnrollmentState.PENDING, 0):
        raise Conflict(Message(N_("还有 %(n)s 人的报名待省级主管部门确认，确认或过期后才能结束报到。"), n=waiting))
    tell_enrollments(row, context, (EnrollmentState.CONFIRMED,), "no_show", {})
    return {}


def cancel_class(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Cancel with a reason, before anybody has checked in; enrolments end with it and people are told (R37)."""
    row = class_of(data)
    reason = parse_reason(data.get("reason"))
    if obstacle := classes.obstacle_to_cancellation(ClassState(row.state), came(counts_of(row))):
        raise Conflict(obstacle)
    _move(row, ClassState.CANCELLED)
    row.cancel_reason = reason
    said = Message(N_("%(title)s（%(code)s）取消。原因：%(reason)s"), title=row.title, code=row.code, reason=reason)
    _announce(row, context, Message(N_("停办通知：%(title)s"), title=row.title), [said])
    tell_enrollments(row, context, tuple(LIVE), "class_cancelled", {"reason": reason})
    return {}


def update_progress(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Compute from its enrolments how far the class is, and whether all of them have ended (domain.md §8)."""
    row = class_of(data)
    counts = counts_of(row)
    reached = progress(ClassState(row.state), counts)
    if reached != row.state:
        row.state = reached
    return {"all_closed": row.state != ClassState.ENROLLING and is_closed(counts)}


def complete(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Every enrolment has ended, and so has the class."""
    _move(class_of(data), ClassState.COMPLETED)
    return {}


def _move(row: TrainingClass, to: ClassState) -> None:
    check_move(CLASS_MOVES, ClassState(row.state), to)
    row.state = to


def _is_for_all(row: TrainingClass) -> bool:
    return row.open_to_other_provinces or row.organiser.kind == "association"


def _announce(row: TrainingClass, context: Context, title: Message, body: list[Message | str]) -> None:
    """Tell those who may enrol: everybody, or the organiser's province."""
    authorities = [] if _is_for_all(row) else [str(row.organiser_id)]
    notify(row, context, title, body, roles=list(INVITED), authorities=authorities)


def invitation(row: TrainingClass) -> list[Message | str]:
    """The text of the notice of a new class; what the organiser adds is in his own words."""
    kind, held_by = Message(TrainingKind(row.kind).label), row.institution.name
    lines = [
        Message(
            N_("%(title)s（%(code)s），%(kind)s班，承办：%(held_by)s。"),
            title=row.title,
            code=row.code,
            kind=kind,
            held_by=held_by,
        ),
        Message(
            N_("报名：%(enrol_from)s 至 %(enrol_until)s；培训：%(starts_on)s 至 %(ends_on)s；地点：%(place)s。"),
            place=row.place,
            **{name: getattr(row, name).isoformat() for name in ("enrol_from", "enrol_until", "starts_on", "ends_on")},
        ),
        Message(N_("学时 %(hours)s，名额 %(capacity)s 人。"), hours=row.hours, capacity=row.capacity),
        Message(N_("联系：%(contact)s。"), contact=row.contact) if row.contact else "",
        row.body or "",
    ]
    return [line for line in lines if line]
