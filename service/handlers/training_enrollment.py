"""培训报名到取证, up to the check-in: facts, registration, confirmation, withdrawal and the other ends.

The same diagram goes on in examination.py and certification.py.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from service.domain.accounts.roles import Role
from service.domain.notices.notices import NoticeKind, NoticeState, words
from service.domain.training import enrollments
from service.domain.training.classes import (
    ClassState,
    confirm_until,
    confirmation_lapses_at,
    confirmation_warning_at,
)
from service.domain.training.enrollment_state import EnrollmentState, has_come
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import FACT_NAMES, OUTPUTS, Need
from service.domain.values.calendar import DAY, start_of_day
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.handlers.registry import describe_process, message, start_variables, task_subject, topic
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.queries.training.training_need_facts import facts_of
from service.models.tables.accounts.user import User
from service.models.tables.notices.notice import Notice
from service.models.tables.persons.person import Person
from service.models.tables.system import setting
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import authority_id
from service.operations.certificates import ending_reason, find_unapproved_certificate, void_certificate
from service.operations.context import Context, TaskSubject
from service.operations.enrollment_candidate import build_candidate, build_offer, check_actor
from service.operations.enrollment_subject import describe_enrollment
from service.operations.enrollments import (
    give_reason,
    is_academy,
    load_enrollment,
    load_scores,
    load_trainee,
    notify_class,
    take_seat,
)
from service.operations.personal_values import typed_text
from service.operations.training_classes import publish_class_notice
from service.validation.typed_text import as_id

VIA = {
    Role.GROUP: "group",
    Role.ENTERPRISE: "enterprise",
    Role.PROVINCIAL_AUTHORITY: "province",
    Role.ASSOCIATION: "association",
    Role.TRAINING_INSTITUTION: "institution",
}
"""Values of ``Enrollment.via``."""

TIME_LIMITS = "confirm_until confirm_by warn_at lapse_at check_in_from check_in_by"
"""Names of the limits of confirmation and check-in."""

describe_process(
    "training_enrollment",
    starts_with="class_id person_id",
    starter="via on_behalf",
    messages={
        "withdraw": message("by reason", awaited_throughout=True),
        "class_cancelled": message("reason", awaited_throughout=True),
        "class_changed": message(awaited_throughout=True),
        "no_show": message(),
        "undo_check_in": message(),
        "correct_score": message("correction_score correction_absent correction_reason"),
        "end_training": message(may_give="reason ended_certificate"),
        "face_changed": message(),
    },
)


@task_subject("training_enrollment")
def describe_subject(data: dict[str, Any]) -> TaskSubject:
    """Describe an enrolment by person, unit and class."""
    return describe_enrollment(data)


@start_variables("training_enrollment")
def enroll_by_own_role(user: User) -> dict[str, Any]:
    """The one who enrols, as the enrolment remembers it (R41); a province does so on behalf of the unit (R43)."""
    return {"via": VIA[Role(user.role)], "on_behalf": user.role == Role.PROVINCIAL_AUTHORITY}


@topic(
    "training_enrollment.gather_facts",
    needs="class_id person_id",
    gives="unit_id authority_id institution_id organiser_id kind is_academy needs_confirmation pass_mark"
    f" makeup_allowed enrolled_on attempt {TIME_LIMITS} {' '.join(FACT_NAMES)}",
    values={"kind": TrainingKind},
)
def gather_facts(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Gather unit and authority, the time limits, and the facts the training need is decided from (R22–R29).

    Raises InvalidInput for an unknown class or person, NotFound when the actor may not enrol this person (R41, R44).
    """
    training_class, person = _class(data), _person(data)
    check_actor(training_class, person, context)
    unit = person.unit
    return {
        "unit_id": str(unit.id),
        "authority_id": str(unit.authority_id) if unit.authority_id else None,
        "institution_id": str(training_class.institution_id),
        "organiser_id": str(training_class.organiser_id),
        "kind": training_class.kind,
        "is_academy": is_academy(unit),
        "needs_confirmation": not is_academy(unit),
        "pass_mark": training_class.pass_mark,
        "makeup_allowed": training_class.makeup_allowed,
        "enrolled_on": context.today.isoformat(),
        "attempt": 1,
        **_time_limits(training_class, context.today),
        **facts_of([person.id], context.today)[person.id].facts,
    }


@topic(
    "training_enrollment.register",
    needs="class_id person_id need via needs_confirmation authority_id valid_to reference_date",
    gives="enrollment_id",
    values={"need": OUTPUTS},
)
def register(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create the enrolment and take a seat; an academy's begins confirmed (R31, R38–R40, R44).

    Raises InvalidInput at person_id with the first obstacle, Conflict when the class is full.
    """
    training_class, person = _class(data), _person(data)
    candidate = build_candidate(person, training_class, Need.of(data["need"]), data)
    for obstacle in enrollments.obstacles_to_enrolling(
        candidate, build_offer(training_class, person.unit.authority_id), context.today
    ):
        raise InvalidInput({"person_id": obstacle}, text=obstacle)
    row = Enrollment(
        id=new_id(),
        class_id=training_class.id,
        person_id=person.id,
        unit_id=person.unit_id,
        authority_id=person.unit.authority_id,
        via=data["via"],
        enrolled_by=context.actor_id,
        enrolled_on=context.today,
        kind=training_class.kind,
        needs_confirmation=data["needs_confirmation"],
        case_id=context.case_id,
        snapshot=_snapshot(person, data),
    )
    _insert(row)
    take_seat(training_class)  # last: the row of the class stays locked until the commit
    notify_class(training_class, context)
    return {"enrollment_id": str(row.id)}


@topic(
    "training_enrollment.follow_class",
    needs="enrollment_id",
    gives=TIME_LIMITS,
)
def follow_class(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Compute the time limits again after the class has moved (R35)."""
    return _time_limits(load_enrollment(data).training_class, context.today)


@topic("training_enrollment.warn_authority", needs="enrollment_id confirm_until")
def warn_authority(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Publish a notice to the province that enrolments lapse soon, once for each last day of a class (R45, R35)."""
    enrollment = load_enrollment(data)
    heading = Message(N_("报名即将过期：%(title)s"), title=enrollment.training_class.title)
    title = str(heading)[:200]
    audience = [str(enrollment.authority_id)]
    body = Message(
        N_("该班仍有报名待确认，%(day)s 之后未确认的将自动失效，请及时在待办中办理。"), day=data["confirm_until"]
    )
    told = select(Notice.body).where(
        Notice.class_id == enrollment.class_id, Notice.title == title, Notice.authorities == audience
    )
    if str(body) not in session().scalars(told):  # the texts are encrypted, and there are few
        session().add(
            Notice(
                id=new_id(),
                kind=NoticeKind.NOTICE,
                title=title,
                body=str(body),
                facts=words(heading, [body]),
                authorities=audience,
                roles=[Role.PROVINCIAL_AUTHORITY],
                class_id=enrollment.class_id,
                state=NoticeState.PUBLISHED,
                published_at=context.at,
            )
        )
    return {}


@topic("training_enrollment.confirm", needs="enrollment_id confirm_until", is_undoable=True)
def confirm(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Confirm after checking R39 again, with the need as of the day of enrolment (R43, R47)."""
    enrollment = load_enrollment(data)
    person, training_class = load_trainee(enrollment), enrollment.training_class
    facts = facts_of([person.id], enrollment.enrolled_on)[person.id].facts
    assert context.decide is not None
    need = Need.of(context.decide("training_need", facts)["need"])
    candidate = build_candidate(person, training_class, need, facts, but=enrollment.id)
    offer, last_day = build_offer(training_class, person.unit.authority_id), date.fromisoformat(data["confirm_until"])
    for obstacle in enrollments.obstacles_to_confirming(candidate, offer, context.today, last_day):
        raise InvalidInput({"decision": obstacle}, text=obstacle)
    return {}


@topic("training_enrollment.reject", needs="enrollment_id", reads="reason", is_undoable=True)
def reject(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Note the reason of who rejects, or that it lapsed when a timer fires (R45)."""
    reason = parse_reason(typed_text(data, "reason")) if context.actor_id else str(enrollments.LAPSED)
    give_reason(load_enrollment(data), reason)
    return {}


@topic("training_enrollment.withdraw", needs="enrollment_id", reads="reason")
def withdraw(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Withdraw the enrolment, as R46 allows."""
    enrollment = load_enrollment(data)
    user = User.get(context.actor_id) if context.actor_id else None
    state, until = EnrollmentState(enrollment.state), enrollment.training_class.enrol_until
    if user and (obstacle := enrollments.obstacle_to_withdrawal(state, Role(user.role), until, context.today)):
        raise Conflict(obstacle)
    must = enrollments.needs_reason_to_withdraw(state, until, context.today)
    reason = parse_reason(typed_text(data, "reason")) if must else (typed_text(data, "reason") or None)
    give_reason(enrollment, reason)
    return {}


@topic("training_enrollment.cancel", needs="enrollment_id", reads="reason")
def cancel(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Cancel the enrolment with its class (R37)."""
    give_reason(load_enrollment(data), typed_text(data, "reason"))
    return {}


@topic(
    "training_enrollment.end_training",
    needs="enrollment_id",
    reads="ended_certificate reason recovered_prints",
    gives="printed came is_approved",
    may_give="certificate_number",
    gives_when={"printed": "True"},
)
def end_training(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """End the enrolment early, with a reason and without record: what the person held has ended, or the association
    ends the training (R80). An unapproved certificate is void; report if printed copies of it are to be recovered.

    Raises Conflict when a person asks for it before the check-in, or once the certificate is approved.
    """
    enrollment, ended = load_enrollment(data), data.get("ended_certificate")
    reason = parse_reason(ending_reason(UUID(ended)) if ended else typed_text(data, "reason"))
    certificate, state = find_unapproved_certificate(enrollment), EnrollmentState(enrollment.state)
    is_approved = state is EnrollmentState.CERTIFYING and certificate is None
    if context.actor_id and (obstacle := enrollments.obstacle_to_ending(state, is_approved)):
        raise Conflict(obstacle)
    if certificate is not None:
        void_certificate(certificate, reason)
    give_reason(enrollment, reason)
    if not is_approved:
        _tell_of_end(enrollment, context, reason)
    given = {"came": has_come(state), "is_approved": is_approved}
    if certificate is None:
        return {"printed": False, **given}
    printed = certificate.printed_count > data.get("recovered_prints", 0)
    return {"printed": printed, "certificate_number": certificate.number, **given}


@topic("training_enrollment.check_in", needs="enrollment_id", is_undoable=True)
def check_in(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Check the person in, from the day before the class to its last day (R48, S53)."""
    enrollment = load_enrollment(data)
    training_class = enrollment.training_class
    if obstacle := enrollments.obstacle_to_check_in(training_class.starts_on, training_class.ends_on, context.today):
        raise Conflict(obstacle)
    if training_class.state == ClassState.CANCELLED:
        raise Conflict(N_("该班已取消，不能办理报到。"))
    return {}


@topic(
    "training_enrollment.undo_check_in",
    needs="enrollment_id",
    gives=TIME_LIMITS,
)
def undo_check_in(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Undo a check-in while there is no score (R48)."""
    enrollment = load_enrollment(data)
    if obstacle := enrollments.obstacle_to_undoing_check_in(has_come=True, has_score=bool(load_scores(enrollment))):
        raise Conflict(obstacle)
    return _time_limits(enrollment.training_class, context.today)


@topic("training_enrollment.record_no_show", needs="enrollment_id")
def record_no_show(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """End the enrolment as a no-show after the check-in was closed (domain.md §8)."""
    starts_on = load_enrollment(data).training_class.starts_on
    if obstacle := enrollments.obstacle_to_no_show(starts_on, context.today):
        raise Conflict(obstacle)
    return {}


def _tell_of_end(enrollment: Enrollment, context: Context, reason: str) -> None:
    """Publish a notice to the unit, its province and group, the organiser, the institution and the association."""
    person, row = load_trainee(enrollment), enrollment.training_class
    concerned = (
        enrollment.unit_id,
        person.unit.parent_id,
        enrollment.authority_id,
        row.organiser_id,
        row.institution_id,
        authority_id("association"),
    )
    title = Message(N_("培训终止：%(name)s，%(title)s"), name=person.name, title=row.title)
    said = Message(
        N_("%(name)s 在“%(title)s”（%(code)s）的培训已终止，不登记培训记录。原因：%(reason)s"),
        name=person.name,
        title=row.title,
        code=row.code,
        reason=reason,
    )
    publish_class_notice(row, context, title, [said], units=sorted({str(key) for key in concerned if key}))


def _class(data: dict[str, Any]) -> TrainingClass:
    query = select(TrainingClass).options(joinedload(TrainingClass.organiser))
    found = session().scalars(query.where(TrainingClass.id == _id(data, "class_id"))).one_or_none()
    if found is None:
        raise NotFound
    return found


def _person(data: dict[str, Any]) -> Person:
    query = select(Person).options(joinedload(Person.unit), joinedload(Person.qualification_type))
    found = session().scalars(query.where(Person.id == _id(data, "person_id"))).one_or_none()
    if found is None:
        raise NotFound
    return found


def _id(data: dict[str, Any], key: str) -> UUID:
    if (found := as_id(data.get(key))) is None:
        raise InvalidInput({key: N_("请从列表中选择。")})
    return found


def _snapshot(person: Person, data: dict[str, Any]) -> dict[str, Any]:
    """Freeze what reports show of the day of enrolment (R42)."""
    return {
        "unit_id": str(person.unit_id),
        "unit_name": person.unit.name,
        "authority_id": data["authority_id"],
        "qualification_type": person.qualification_type.code,
        "need": data["need"],
        "valid_to": data["valid_to"],
        "reference_date": data["reference_date"],
    }


def _insert(row: Enrollment) -> None:
    """Flush now: the unique index decides between two units that enrol one person at the same instant (R39)."""
    session().add(row)
    try:
        session().flush()
    except IntegrityError as error:
        if "uq_enrollment_live_person" in str(error.orig):
            elsewhere = Message(N_("该人员在其他班有在办的报名，请先办结或撤回。"))
            raise InvalidInput({"person_id": elsewhere}, text=elsewhere) from error
        raise


def _time_limits(training_class: TrainingClass, today: date) -> dict[str, str]:
    """Compute the limits of confirmation and check-in (R45, R48); the province always has at least today."""
    last_day = max(today, confirm_until(training_class.starts_on, setting.number("confirm_days_before")))
    return {
        "confirm_until": last_day.isoformat(),
        "confirm_by": _end_of_work(last_day),
        "warn_at": confirmation_warning_at(last_day).isoformat(),
        "lapse_at": confirmation_lapses_at(last_day).isoformat(),
        "check_in_from": start_of_day(training_class.starts_on - DAY).isoformat(),
        "check_in_by": _end_of_work(training_class.ends_on),
    }


def _end_of_work(day: date) -> str:
    return f"{day}T18:00:00"
