"""开班: a class is drafted, published, closed for enrolment, cancelled,
or completed; its progress follows its enrolments.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.domain.accounts.roles import Role
from service.domain.training import classes
from service.domain.training.class_fields import CLASS_FIELDS
from service.domain.training.class_progress import PROGRESS, came, is_closed, progress
from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import LIVE_STATES, EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.handlers.registry import Ending, describe_process, message, start_variables, task_subject, topic
from service.models.tables.accounts.user import User
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import authority_id
from service.operations.class_change import FIELD_LABELS
from service.operations.class_draft import write_draft
from service.operations.context import Context, TaskSubject
from service.operations.personal_values import typed_text, with_texts
from service.operations.training_classes import (
    CLASS_DEADLINES,
    compute_deadlines,
    count_enrollments,
    load_class,
    load_class_of_case,
    message_enrollments,
    publish_class_notice,
)

CLASS_FIELD_NAMES = [one.key for one in CLASS_FIELDS.fields]
describe_process(
    "training_class",
    starter="organiser_id organiser_role",
    may_start_with="plan_id title kind place capacity hours",
    messages={
        "enrollment_changed": message(recomputes=True),
        "close_enrolment": message(),
        "cancel_class": message("reason"),
        "class_changed": message(f"seen {' '.join(FIELD_LABELS)}"),
    },
)

INVITED_ROLES = (Role.PROVINCIAL_AUTHORITY, Role.GROUP, Role.ENTERPRISE, Role.TRAINING_INSTITUTION)


@task_subject("training_class")
def describe_subject(data: dict[str, Any]) -> TaskSubject:
    """Describe a class by title, institution and seats."""
    if "class_id" not in data:
        title = str(data.get("title") or "")
        return TaskSubject(subject=title, organiser_id=UUID(data["organiser_id"]))
    row = load_class(UUID(data["class_id"]))
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
        institution_id=row.institution_id if _was_published(row) else None,
        organiser_id=row.organiser_id,
    )


@start_variables("training_class")
def draft_for_own_organisation(user: User) -> dict[str, Any]:
    """A class is drafted by, and for, the organisation of who starts it (R33)."""
    return {"organiser_id": str(user.organisation_id), "organiser_role": user.role}


@topic(
    "training_class.save_draft",
    needs="organiser_id decision",
    reads=f"{' '.join(CLASS_FIELD_NAMES)} class_id plan_id",
    may_give=f"class_id {CLASS_DEADLINES}",
    gives_when={"decision": "publish"},
    values={"kind": TrainingKind},
    tells_apart={"decision": "publish discard"},
    is_undoable=True,
)
def save_draft(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Write the draft to the row of the class (R33, R36). To publish it, every required field must be valid.

    An incomplete draft is kept by its task alone; the row, if an earlier draft has created it, is unchanged.
    """
    user = User.get(context.actor_id) if context.actor_id else None
    if user is None or str(user.organisation_id) != data["organiser_id"]:
        raise NotFound
    if data["decision"] == "discard":
        return {}
    try:
        row = write_draft(with_texts(data), context, Role(user.role), user.organisation)
    except (InvalidInput, Conflict):
        if data["decision"] == "publish":
            raise
        return {}
    return {"class_id": str(row.id), **compute_deadlines(row)}


@topic("training_class.discard_draft", reads="class_id", is_undoable=True)
def discard_draft(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Give up a draft that was never published; its row, if there is one, is kept."""
    return {}


@topic("training_class.publish", ends=Ending(N_("开班通知随即发给各单位，可以报名。此后只能修改或取消，不能收回。")))
def publish(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Open the class for enrolment and publish the notice of it (R34, S50).

    Raises InvalidInput once the window is over.
    """
    row = load_class_of_case(context)
    if row.enrol_until < context.today:
        raise InvalidInput({"enrol_until": N_("报名截止日已过，请改为今天或以后。")})
    _announce(row, context, Message(N_("开班通知：%(title)s"), title=row.title), invitation_lines(row))
    return {}


@topic("training_class.close_enrolment", gives="class_state", values={"class_state": PROGRESS})
def close_enrolment(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Close the enrolment: the window is over, or the organiser ends it (R38)."""
    row = load_class_of_case(context)
    row.enrolment_closed = True
    context.send_message(context.case_id, "enrollment_changed")  # without an enrolment nothing else would send it
    return {"class_state": progress(row.enrolment_closed, count_enrollments(row)).value}


@topic("training_class.close_check_in", ends=Ending(N_("尚未报到的人员登记为未到，他们的报名随之结束。不能恢复。")))
def close_check_in(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Close the check-in: confirmed enrolments become no-shows (domain.md §8)."""
    row = load_class_of_case(context)
    if context.today < row.starts_on:
        raise Conflict(Message(N_("本班 %(day)s 开班，开班后才能结束报到。"), day=row.starts_on.isoformat()))
    if waiting := count_enrollments(row).get(EnrollmentState.PENDING, 0):
        raise Conflict(Message(N_("还有 %(n)s 人的报名待省级主管部门确认，确认或过期后才能结束报到。"), n=waiting))
    message_enrollments(row, context, (EnrollmentState.CONFIRMED,), "no_show", {})
    return {}


@topic("training_class.cancel_class", needs="reason")
def cancel_class(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Cancel with a reason before the first check-in; its enrolments end and a notice is published (R37)."""
    row = load_class_of_case(context)
    reason = parse_reason(typed_text(data, "reason"))
    if obstacle := classes.obstacle_to_cancellation(ClassState(row.state), came(count_enrollments(row))):
        raise Conflict(obstacle)
    row.cancel_reason = reason
    said = Message(N_("%(title)s（%(code)s）取消。原因：%(reason)s"), title=row.title, code=row.code, reason=reason)
    _announce(row, context, Message(N_("停办通知：%(title)s"), title=row.title), [said])
    message_enrollments(row, context, tuple(LIVE_STATES), "class_cancelled", {"reason": data["reason"]})
    return {}


@topic("training_class.update_progress", gives="all_closed class_state", values={"class_state": PROGRESS})
def update_progress(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Derive the state of the class from its enrolments, and report if all of them have ended (domain.md §8)."""
    row = load_class_of_case(context)
    counts = count_enrollments(row)
    return {
        "all_closed": row.enrolment_closed and is_closed(counts),
        "class_state": progress(row.enrolment_closed, counts).value,
    }


@topic("training_class.complete")
def complete(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Complete the class once every enrolment has ended: the diagram says that it has."""
    return {}


def _was_published(row: TrainingClass) -> bool:
    """Tell whether the class ever left its organiser; a class that is cancelled later carries a reason (R37)."""
    return row.state != ClassState.DRAFT and (row.state != ClassState.CANCELLED or row.cancel_reason is not None)


def _is_open_to_all(row: TrainingClass) -> bool:
    return row.open_to_other_provinces or row.organiser_id == authority_id("association")


def _announce(row: TrainingClass, context: Context, title: Message, body: list[Message | str]) -> None:
    """Publish a notice to those who may enrol: all provinces, or the organiser's."""
    authorities = [] if _is_open_to_all(row) else [str(row.organiser_id)]
    publish_class_notice(row, context, title, body, roles=list(INVITED_ROLES), authorities=authorities)


def invitation_lines(row: TrainingClass) -> list[Message | str]:
    """Compose the lines of the notice of a new class; the organiser's own text comes last."""
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
