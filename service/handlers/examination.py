"""Scores in 培训报名到取证: recorded by the institution, confirmed by the association,
corrected by two of its people.
"""

from __future__ import annotations

from typing import Any

from service.domain.training import enrollments, scores
from service.domain.training.classes import refresher_year
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, InvalidInput, Message
from service.handlers.registry import Ending, topic
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.system.audit import AuditEvent
from service.models.tables.training.training import Enrollment, RefresherRecord, Score
from service.operations.certificates import find_approved_certificate, find_unapproved_certificate, void_certificate
from service.operations.context import Context
from service.operations.enrollments import give_reason, load_enrollment, load_scores
from service.operations.personal_values import typed_text


@topic("examination.record_score", needs="enrollment_id attempt", reads="score absent", gives="score", is_undoable=True)
def record_score(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Record a score of 0 to 100 in tenths, or absence; the institution cannot change it afterwards (R49, R51)."""
    enrollment = load_enrollment(data)
    if obstacle := enrollments.obstacle_to_recording(enrollment.training_class.starts_on, context.today):
        raise Conflict(obstacle)
    value = _typed(data.get("score"), is_absent=bool(data.get("absent")), field="score")
    attempt = data["attempt"]
    score = load_scores(enrollment).get(attempt)
    if score is None:
        score = Score(id=new_id(), enrollment_id=enrollment.id, attempt=attempt)
        session().add(score)
    score.value, score.entered_by, score.submitted_at = value, context.actor_id, context.at
    enrollment.attempts = attempt
    return {"score": value}


@topic("examination.return_score", needs="enrollment_id attempt", reads="reason", is_undoable=True)
def return_score(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Return a score with a reason; the institution records it again (R51)."""
    enrollment, attempt = load_enrollment(data), data["attempt"]
    load_scores(enrollment)[attempt].return_reason = parse_reason(typed_text(data, "reason"))
    return {}


@topic(
    "examination.confirm_score",
    needs="enrollment_id attempt",
    reads="early_reason",
    gives="passed makeup_left",
    is_undoable=True,
)
def confirm_score(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Confirm a score and report if it passes (R50) and if an attempt is left (R52). The organisation that confirms is
    not the one that recorded it (R53). Raises InvalidInput for a pass before the class ends, without a reason (R76)."""
    enrollment = load_enrollment(data)
    score = load_scores(enrollment)[data["attempt"]]
    score.confirmed_by, score.confirmed_at, score.return_reason = context.actor_id, context.at, None
    outcome = _outcome(enrollment, score)
    if outcome["passed"]:
        _check_held(enrollment, data, context)
    return outcome


@topic("examination.open_makeup", needs="enrollment_id", gives="attempt", is_undoable=True)
def open_makeup(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Open the one make-up after a failure (R52)."""
    return {"attempt": 2}


@topic("examination.fail", needs="enrollment_id", is_undoable=True)
def fail(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """End the enrolment as failed; a new one may follow, with a new decision of the need (R52)."""
    return {}


@topic("examination.record_refresher", needs="enrollment_id attempt", gives="is_recorded", may_give="certificate_id")
def record_refresher(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Record a passed refresher on the certificate held, once a calendar year (R54); without one, end it so (R80)."""
    enrollment = load_enrollment(data)
    held = find_approved_certificate(enrollment.person_id)
    if held is None:  # it has ended meanwhile: the message is on its way, or an earlier diagram does not receive it
        give_reason(enrollment, str(Message(N_("培训期间证书已终止，不登记再培训。"))))
        return {"is_recorded": False}
    training_class, last = enrollment.training_class, load_scores(enrollment)[data["attempt"]]
    session().add(
        RefresherRecord(
            id=new_id(),
            certificate_id=held.id,
            year=refresher_year(training_class.ends_on),
            enrollment_id=enrollment.id,
            completed_on=context.today,
            hours=training_class.hours,
            score=last.value,
        )
    )
    return {"certificate_id": str(held.id), "is_recorded": True}


@topic(
    "examination.propose_correction",
    needs="enrollment_id correction_reason",
    reads="correction_score correction_absent",
    gives="correction_score correction_reason correction_attempt correction_by",
)
def propose_correction(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Propose a correction of the last confirmed score; a second person must assent (R51)."""
    enrollment = load_enrollment(data)
    confirmed = [s for s in load_scores(enrollment).values() if s.confirmed_at]
    if not confirmed:
        raise Conflict(N_("还没有已确认的成绩，不需要更正；请由培训机构录入。"))
    _check_unapproved(enrollment)
    value = _typed(
        data.get("correction_score"), is_absent=bool(data.get("correction_absent")), field="correction_score"
    )
    parse_reason(typed_text(data, "correction_reason"), "correction_reason")
    return {
        "correction_score": value,
        "correction_reason": data["correction_reason"],
        "correction_attempt": max(s.attempt for s in confirmed),
        "correction_by": str(context.actor_id) if context.actor_id else None,
    }


@topic(
    "examination.settle_correction",
    needs="enrollment_id correction_attempt correction_score",
    reads="decision correction_by recovered recovered_prints correction_reason early_reason",
    gives="passed makeup_left attempt score",
    tells_apart={"decision": "assent"},
    ends=Ending(N_("更正就此了结：同意的成绩随即改变，不同意的不变。不能撤回，有误只能再次提出更正。")),
)
def settle_correction(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Apply a correction to which a second person assents; without assent nothing changes (R51)."""
    enrollment = load_enrollment(data)
    score = load_scores(enrollment)[data["correction_attempt"]]
    if data.get("decision") == "assent":
        _check_unapproved(enrollment, data.get("correction_by"), context)
        score.value = data["correction_score"]
    outcome = _outcome(enrollment, score)
    if not outcome["passed"]:
        _void_certificate(enrollment, data)
    elif data.get("decision") == "assent":
        _check_held(enrollment, data, context)
    return {**outcome, "attempt": score.attempt, "score": score.value}


def _typed(value: Any, *, is_absent: bool, field: str) -> scores.Tenths | None:
    """Return a score in tenths, None for absence. Raises InvalidInput when neither is given."""
    if is_absent:
        return None
    if type(value) is not int or not 0 <= value <= scores.MAX_SCORE:
        raise InvalidInput({field: N_("请填写 0 至 100 的成绩，最多一位小数；未参加考试请勾选“缺考”。")})
    return value


def _outcome(enrollment: Enrollment, score: Score) -> dict[str, Any]:
    pass_mark, may_make_up = enrollment.training_class.pass_mark, enrollment.training_class.makeup_allowed
    return {
        "passed": scores.is_pass(score.value, pass_mark),
        "makeup_left": scores.has_makeup(score.attempt, may_make_up),
    }


def _check_held(enrollment: Enrollment, data: dict[str, Any], context: Context) -> None:
    """Raise InvalidInput for a pass before the class ends; with a reason it stands in the audit trail (R76)."""
    ends_on, reason = enrollment.training_class.ends_on, typed_text(data, "early_reason")
    if obstacle := enrollments.obstacle_to_early_pass(ends_on, context.today, reason):
        raise InvalidInput({"early_reason": obstacle}, text=obstacle)
    if context.today >= ends_on:
        return
    parse_reason(reason, "early_reason")
    actor = User.get(context.actor_id) if context.actor_id else None
    detail = {"ends_on": ends_on.isoformat()}  # the reason stands encrypted in the case
    session().add(AuditEvent.by(actor, "confirm_score_early", "case", context.case_id, detail=detail))


def _check_unapproved(enrollment: Enrollment, corrected_by: str | None = None, context: Context | None = None) -> None:
    """Raise InvalidInput for the same person twice, Conflict once the certificate is approved (R51)."""
    makes_certificate = enrollment.state == EnrollmentState.CERTIFYING
    approved = makes_certificate and find_unapproved_certificate(enrollment) is None
    assented_by = {str(key) for key in context.doers} if context else set()
    if obstacle := scores.obstacle_to_correction(corrected_by, assented_by, approved):
        raise Conflict(obstacle) if approved else InvalidInput({"decision": obstacle}, text=obstacle)


def _void_certificate(enrollment: Enrollment, data: dict[str, Any]) -> None:
    """Void the certificate that a wrong score brought. Raises InvalidInput while a printed copy is not recovered."""
    certificate = find_unapproved_certificate(enrollment)
    if certificate is None:
        return
    if certificate.printed_count > data.get("recovered_prints", 0) and not data.get("recovered"):
        raise InvalidInput({"recovered": Message(N_("更正后不合格，已打印的证书须先收回，收回后请勾选。"))})
    void_certificate(certificate, typed_text(data, "correction_reason") or "")
