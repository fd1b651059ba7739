"""开班: a class is drafted, published, closed for enrolment, cancelled, or completed; its progress follows its enrolments."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from service.domain import classes
from service.domain.calendar import DAY, start_of_day
from service.domain.class_progress import came, is_closed, progress
from service.domain.classes import CLASS_MOVES, ClassState
from service.domain.enrollment_state import LIVE, EnrollmentState
from service.domain.lifecycle import check_move
from service.domain.notices import words
from service.domain.reasons import parse_reason
from service.domain.roles import Role
from service.domain.training_kind import TrainingKind
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.handlers.class_draft import write_draft
from service.handlers.context import Context, Description
from service.models import Enrollment, Notice, TrainingClass, User, new_id, session


def describe(data: dict[str, Any]) -> Description:
    """What inbox and lists show of a class, and who organises it."""
    if "class_id" not in data:
        return Description(summary=str(data.get("title") or ""), organiser_id=UUID(data["organiser_id"]))
    row = _class(data)
    return Description(
        subject=row.title,
        summary=f"{TrainingKind(row.kind).label} · {row.code}",
        unit_name=row.institution.name,
        batch=str(row.id),
        batch_title=row.title,
        facts={"kind": row.kind, "class_code": row.code, "starts_on": row.starts_on.isoformat(), "ends_on": row.ends_on.isoformat(),
               "capacity": row.capacity, "taken": row.taken},
        institution_id=row.institution_id,
        organiser_id=row.organiser_id,
    )  # fmt: skip


def save_draft(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Keep what was typed as a draft of the organiser who typed it (R33, R36); wrong entries come back at their fields.

    A draft to be given up need not be sound.
    """
    user = User.get(context.actor_id) if context.actor_id else None
    if user is None or str(user.organisation_id) != data["organiser_id"]:
        raise NotFound
    if data["decision"] == "discard":
        return {}
    row = write_draft(data, context, Role(user.role), user.organisation)
    return {
        "class_id": str(row.id),
        "enrol_ends_at": start_of_day(row.enrol_until + DAY).isoformat(),
        "starts_at": start_of_day(row.starts_on).isoformat(),
        "check_in_by": f"{row.ends_on}T18:00:00",
    }


def discard_draft(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The draft is given up; nobody has seen it."""
    if "class_id" in data:
        _move(_class(data), ClassState.CANCELLED)
    return {}


def publish(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Open the class for enrolment and tell those who may enrol (R34, S50). Raises InvalidInput once its window is over."""
    row = _class(data)
    if row.enrol_until < context.today:
        raise InvalidInput({"enrol_until": N_("报名截止日已过，请改为今天或以后。")})
    _move(row, ClassState.ENROLLING)
    audience = [] if _is_for_all(row) else [str(row.organiser_id)]
    _notify(row, context, Message(N_("开班通知：%(title)s"), title=row.title), invitation(row), audience)
    return {}


def close_enrolment(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Nobody may enrol any more: the window is over, or the organiser closed it (R38)."""
    row = _class(data)
    if row.state == ClassState.ENROLLING:
        _move(row, ClassState.ENROLMENT_CLOSED)
    context.send(context.case_id, "enrollment_changed")  # perhaps nobody has enrolled, and so nobody would say so
    return {}


def close_check_in(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The association closes the check-in: whoever has not come is a no-show (domain.md §8)."""
    row = _class(data)
    if context.today < row.starts_on:
        raise Conflict(Message(N_("本班 %(day)s 开班，开班后才能结束报到。"), day=row.starts_on.isoformat()))
    if waiting := _counts(row).get(EnrollmentState.PENDING, 0):
        raise Conflict(Message(N_("还有 %(n)s 人的报名待省级主管部门确认，确认或过期后才能结束报到。"), n=waiting))
    _tell(row, context, (EnrollmentState.CONFIRMED,), "no_show", {})
    return {}


def cancel_class(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Cancel with a reason, before anybody has checked in; enrolments end with it and people are told (R37)."""
    row = _class(data)
    reason = parse_reason(data.get("reason"))
    if obstacle := classes.obstacle_to_cancellation(ClassState(row.state), came(_counts(row))):
        raise Conflict(obstacle)
    _move(row, ClassState.CANCELLED)
    row.cancel_reason = reason
    audience = [] if _is_for_all(row) else [str(row.organiser_id)]
    said = Message(N_("%(title)s（%(code)s）取消。原因：%(reason)s"), title=row.title, code=row.code, reason=reason)
    _notify(row, context, Message(N_("停办通知：%(title)s"), title=row.title), [said], audience)
    _tell(row, context, tuple(LIVE), "class_cancelled", {"reason": reason})
    return {}


def update_progress(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Compute from its enrolments how far the class is, and whether all of them have ended (domain.md §8)."""
    row = _class(data)
    counts = _counts(row)
    reached = progress(ClassState(row.state), counts)
    if reached != row.state:
        row.state = reached
    return {"all_closed": row.state != ClassState.ENROLLING and is_closed(counts)}


def complete(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Every enrolment has ended, and so has the class."""
    _move(_class(data), ClassState.COMPLETED)
    return {}


def _class(data: dict[str, Any]) -> TrainingClass:
    query = select(TrainingClass).options(joinedload(TrainingClass.organiser), joinedload(TrainingClass.institution))
    query = query.where(TrainingClass.id == UUID(data["class_id"]))
    return session().scalars(query).one()


def _move(row: TrainingClass, to: ClassState) -> None:
    check_move(CLASS_MOVES, ClassState(row.state), to)
    row.state = to


def _counts(row: TrainingClass) -> dict[EnrollmentState, int]:
    query = select(Enrollment.state, func.count()).where(Enrollment.class_id == row.id).group_by(Enrollment.state)
    return {EnrollmentState(state): count for state, count in session().execute(query)}


def _tell(
    row: TrainingClass, context: Context, states: tuple[EnrollmentState, ...], message: str, payload: dict[str, Any]
) -> None:
    """Send a message to every enrolment of the class in these states."""
    query = select(Enrollment.case_id).where(Enrollment.class_id == row.id, Enrollment.state.in_(states))
    for case_id in session().scalars(query.order_by(Enrollment.id)):
        context.send(case_id, message, payload)


def _is_for_all(row: TrainingClass) -> bool:
    return row.open_to_other_provinces or row.organiser.kind == "association"


def _notify(
    row: TrainingClass, context: Context, title: Message, body: list[Message | str], authorities: list[str]
) -> None:
    roles = [Role.PROVINCIAL_AUTHORITY, Role.GROUP, Role.ENTERPRISE, Role.TRAINING_INSTITUTION]
    session().add(
        Notice(id=new_id(), kind="notice", title=str(title)[:200], body="\n".join(map(str, body)), facts=words(title, body),
               author_id=row.organiser_id, authorities=authorities, roles=roles, class_id=row.id, state="published",
               published_at=context.at)
    )  # fmt: skip


def invitation(row: TrainingClass) -> list[Message | str]:
    """The text of the notice of a new class; what the organiser adds is in his own words."""
    kind, held_by = Message(TrainingKind(row.kind).label), row.institution.name
    lines = [
        Message(N_("%(title)s（%(code)s），%(kind)s班，承办：%(held_by)s。"), title=row.title, code=row.code, kind=kind, held_by=held_by),
        Message(
            N_("报名：%(enrol_from)s 至 %(enrol_until)s；培训：%(starts_on)s 至 %(ends_on)s；地点：%(place)s。"), place=row.place,
            **{name: getattr(row, name).isoformat() for name in ("enrol_from", "enrol_until", "starts_on", "ends_on")},
        ),
        Message(N_("学时 %(hours)s，名额 %(capacity)s 人。"), hours=row.hours, capacity=row.capacity),
        Message(N_("联系：%(contact)s。"), contact=row.contact) if row.contact else "",
        row.body or "",
    ]  # fmt: skip
    return [line for line in lines if line]
