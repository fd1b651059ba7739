"""Early ends of 培训报名到取证: withdrawn, cancelled with the class, ended by the association, not come."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.domain.accounts.roles import Role
from service.domain.training import enrollments
from service.domain.training.enrollment_state import EnrollmentState, has_come
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, Message
from service.handlers.registry import topic
from service.models.tables.organisation import authority_id
from service.models.tables.training import Enrollment
from service.models.tables.user import User
from service.operations.certificates import ending_reason, find_unapproved_certificate, void_certificate
from service.operations.context import Context
from service.operations.enrollments import give_reason, load_enrollment, load_trainee
from service.operations.personal_values import typed_text
from service.operations.training_classes import publish_class_notice


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
