"""Scores in 培训报名到取证: recorded by the institution, confirmed by the association, corrected by two of its people."""

from __future__ import annotations

from typing import Any

from service.domain.certificates.certificates import CERTIFICATE_MOVES, CertificateState
from service.domain.training import enrollments, scores
from service.domain.training.classes import refresher_year
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.values.reasons import parse_reason
from service.domain.values.state_machine import check_move
from service.errors import N_, Conflict, InvalidInput, Message
from service.handlers.certification import certificate_held
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.training import Enrollment, RefresherRecord, Score
from service.operations.context import Context
from service.operations.enrollment_row import (
    certificate_in_making,
    enrollment_of,
    move,
    scores_of,
)


def record_score(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The institution submits a score of 0 to 100 in tenths, or absence; it is frozen then (R49, R51)."""
    enrollment = enrollment_of(data)
    if obstacle := enrollments.obstacle_to_recording(EnrollmentState(enrollment.state)):
        raise Conflict(obstacle)
    value = _typed(data.get("score"), is_absent=bool(data.get("absent")), field="score")
    attempt = data["attempt"]
    score = scores_of(enrollment).get(attempt)
    if score is None:
        score = Score(id=new_id(), enrollment_id=enrollment.id, attempt=attempt)
        session().add(score)
    score.value, score.entered_by, score.submitted_at = value, context.actor_id, context.at
    enrollment.attempts = attempt
    move(enrollment, EnrollmentState.SCORED, context)
    return {"score": value}


def return_score(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The association returns a score with a reason; the institution enters it anew (R51)."""
    enrollment, attempt = enrollment_of(data), data["attempt"]
    scores_of(enrollment)[attempt].return_reason = parse_reason(data.get("reason"))
    move(enrollment, EnrollmentState.CHECKED_IN if attempt == 1 else EnrollmentState.MAKEUP, context)
    return {}


def confirm_score(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The association confirms: whether it passes (R50), and whether an attempt is left (R52). Enterer and confirmer
    are different organisations (R53)."""
    enrollment = enrollment_of(data)
    score = scores_of(enrollment)[data["attempt"]]
    score.confirmed_by, score.confirmed_at, score.return_reason = context.actor_id, context.at, None
    return _outcome(enrollment, score)


def open_makeup(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """He failed and sits the one make-up (R52)."""
    enrollment = enrollment_of(data)
    if enrollment.state != EnrollmentState.MAKEUP:
        move(enrollment, EnrollmentState.MAKEUP, context)
    return {"attempt": 2}


def fail(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """He failed for good and may enrol again; the need is decided anew then (R52)."""
    move(enrollment_of(data), EnrollmentState.FAILED, context)
    return {}


def record_refresher(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """A passed refresher is noted on the certificate, once a calendar year (R54); no new certificate."""
    enrollment = enrollment_of(data)
    held = certificate_held(enrollment.person_id)
    if held is None:
        raise Conflict(N_("该人员已没有有效证书，不能登记再培训；请联系工信部核实。"))
    training_class, last = enrollment.training_class, scores_of(enrollment)[data["attempt"]]
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
    move(enrollment, EnrollmentState.COMPLETED, context)
    return {"certificate_id": str(held.id)}


def propose_correction(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The association asks to correct the last confirmed score; another of its people must assent (R51)."""
    enrollment = enrollment_of(data)
    confirmed = [s for s in scores_of(enrollment).values() if s.confirmed_at]
    if not confirmed:
        raise Conflict(N_("还没有已确认的成绩，不需要更正；请由培训机构录入。"))
    _check_unapproved(enrollment)
    value = _typed(
        data.get("correction_score"), is_absent=bool(data.get("correction_absent")), field="correction_score"
    )
    return {
        "correction_score": value,
        "correction_reason": parse_reason(data.get("correction_reason"), "correction_reason"),
        "correction_attempt": max(s.attempt for s in confirmed),
        "correction_by": str(context.actor_id) if context.actor_id else None,
    }


def settle_correction(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """A second person assents, and the score counts anew; or he does not, and everything stays (R51)."""
    enrollment = enrollment_of(data)
    score = scores_of(enrollment)[data["correction_attempt"]]
    if data.get("decision") == "assent":
        _check_unapproved(enrollment, data.get("correction_by"), context)
        score.value = data["correction_score"]
    outcome = _outcome(enrollment, score)
    if not outcome["passed"]:
        _void_certificate(enrollment, data)
    return {**outcome, "attempt": score.attempt, "score": score.value}


def _typed(value: Any, *, is_absent: bool, field: str) -> scores.Tenths | None:
    """A score in tenths, None for absence; InvalidInput when neither or an impossible one was given."""
    if is_absent:
        return None
    if type(value) is not int or not 0 <= value <= scores.HIGHEST:
        raise InvalidInput({field: N_("请填写 0 至 100 的成绩，最多一位小数；未参加考试请勾选“缺考”。")})
    return value


def _outcome(enrollment: Enrollment, score: Score) -> dict[str, Any]:
    pass_mark, may_make_up = enrollment.training_class.pass_mark, enrollment.training_class.makeup_allowed
    return {
        "passed": scores.is_pass(score.value, pass_mark),
        "makeup_left": scores.has_makeup(score.attempt, may_make_up),
    }


def _check_unapproved(enrollment: Enrollment, corrected_by: str | None = None, context: Context | None = None) -> None:
    """Raise InvalidInput for the same person twice, Conflict once the certificate is approved (R51)."""
    makes_certificate = enrollment.state == EnrollmentState.CERTIFYING
    approved = makes_certificate and certificate_in_making(enrollment) is None
    assented_by = str(context.actor_id) if context else ""
    if obstacle := scores.obstacle_to_correction(corrected_by, assented_by, approved):
        raise Conflict(obstacle) if approved else InvalidInput({"decision": obstacle}, text=obstacle)


def _void_certificate(enrollment: Enrollment, data: dict[str, Any]) -> None:
    """What the wrong score brought has no ground any more; a printed copy must be back first."""
    certificate = certificate_in_making(enrollment)
    if certificate is None:
        return
    if certificate.printed_count > data.get("recovered_prints", 0) and not data.get("recovered"):
        raise InvalidInput({"recovered": Message(N_("更正后不合格，已打印的证书须先收回，收回后请勾选。"))})
    check_move(CERTIFICATE_MOVES, CertificateState(certificate.state), CertificateState.VOID)
    certificate.state, certificate.approval = CertificateState.VOID, "rejected"
    certificate.void_reason = data.get("correction_reason")
