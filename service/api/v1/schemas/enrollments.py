"""Enrolments and scores: rows of the lists, one of them, and what is sent to do the next step."""

from __future__ import annotations

from marshmallow import fields

from service.api.v1.schemas.base import RequestSchema, ResponseSchema
from service.api.v1.schemas.pages import SearchQuery
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.models.queries.training.score_list import STATES
from service.validation.fields import Boolean, Choice, Date, DateTime, Id, Integer, List, Score, Text, nested

VIA = ("group", "enterprise", "province", "association", "institution")
MARK = "成绩，0 到 100，最多一位小数。 / Score, 0 to 100, at most one decimal."
MAX_ROWS = 500  # of one request


class EnrollmentQuery(SearchQuery):
    state = Choice("状态。 / State.", EnrollmentState)
    kind = Choice("培训类型。 / Kind of training.", TrainingKind)
    class_id = Id("培训班的 id。 / Id of the class.", data_key="class")
    person = Id("人员的 id。 / Id of the person.")


class Enrollment(ResponseSchema):
    """One row of the list."""

    id = Id()
    state = Choice("状态。 / State.", EnrollmentState)
    stage = Text("流程图给这一步的名称；没有则为 null。 / The diagram's own name of it, else null.", allow_none=True)
    reason = Text("不予确认、撤回等的原因。 / Why it was refused, withdrawn …", allow_none=True)
    enrolled_on = Date("报名日期。 / Enrolled on.")
    kind = Choice("培训类型。 / Kind of training.", TrainingKind)
    via = Choice("由谁报名。 / By whom.", VIA)
    person_id = Id("人员的 id。 / Id of the person.")
    name = Text("姓名。 / Name.")
    id_number_masked = Text("证件号码，已遮挡。 / Identity number, masked.")
    unit_name = Text("单位。 / Unit.")
    class_id = Id("培训班的 id。 / Id of the class.")
    title = Text("班次。 / Title of the class.")
    starts_on = Date("开班日。 / First day of the class.")


class Attempt(ResponseSchema):
    attempt = Integer("第几次。 / Which attempt.", 1, 2)
    score = Score("成绩，null 为缺考。 / Score, null for absent.", allow_none=True)


class EnrollmentRecord(Enrollment):
    """One enrolment, its scores, and whose turn it is."""

    ended_on = Date("结束日期。 / Ended on.", allow_none=True)
    scores = List(nested(Attempt), "各次成绩。 / Scores of the attempts.")
    step = Text("您现在可办的一步。 / The step that is yours now.", allow_none=True)


class WithdrawalReason(RequestSchema):
    reason = Text(
        "原因；确认后且报名截止后必填。 / Reason; needed once confirmed and enrolment has closed.", 500, multiline=True
    )


class EndReason(RequestSchema):
    reason = Text("终止的原因。 / Why the training ends.", 500, multiline=True, required=True)


class Confirmation(RequestSchema):
    decision = Choice("确认或不予确认。 / Confirm, or refuse.", ("confirm", "reject"), required=True)
    reason = Text("不予确认的原因，此时必填。 / Why it is refused; needed then.", 500, multiline=True)


class ScoreEntry(RequestSchema):
    score = Score(MARK)
    absent = Boolean("缺考。 / Absent.")


class ScoreDecision(RequestSchema):
    decision = Choice("确认或退回。 / Confirm, or return.", ("confirm", "return"), required=True)
    reason = Text("退回原因，退回时必填。 / Why it is returned; needed then.", 500, multiline=True)
    early_reason = Text(
        "班次结束前确认合格成绩的原因，此时必填。 / Why a pass is confirmed before the class ends; needed then.",
        500,
        multiline=True,
    )


class Correction(ScoreEntry):
    reason = Text("更正的原因。 / Why it is corrected.", 500, min_length=1, multiline=True, required=True)


class ManyEnrollments(RequestSchema):
    enrollments = List(Id(), "报名的 id，最多 500。 / Ids of enrolments, 500 at most.", 1, MAX_ROWS, required=True)


class ManyConfirmations(ManyEnrollments, Confirmation):
    """The same answer for many."""


class ManyScoreDecisions(ManyEnrollments, ScoreDecision):
    """The same answer for many."""


class ScoreOf(ScoreEntry):
    enrollment = Id("报名的 id。 / Id of the enrolment.", required=True)


class ManyScores(RequestSchema):
    scores = List(nested(ScoreOf), "最多 500。 / 500 at most.", 1, MAX_ROWS, required=True)


class Done(ResponseSchema):
    """The result for one of many."""

    enrollment = Id("报名的 id。 / Id of the enrolment.")
    ok = Boolean("是否办成。 / Whether it was done.")
    message = Text("未办成的原因。 / Why it was refused.", allow_none=True)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "各项的问题。 / What is wrong with each field."},
    )


class ScoreQuery(SearchQuery):
    class_id = Id("培训班的 id。 / Id of the class.", data_key="class")
    person = Id("人员的 id。 / Id of the person.")
    state = Choice("待确认、已退回、已确认。 / Submitted, returned, confirmed.", STATES)


class ScoreRow(ResponseSchema):
    """One attempt's score."""

    id = Id()
    enrollment_id = Id("报名的 id。 / Id of the enrolment.")
    enrollment_state = Choice("报名的状态。 / State of the enrolment.", EnrollmentState)
    person_id = Id("人员的 id。 / Id of the person.")
    name = Text("姓名。 / Name.")
    id_number_masked = Text("证件号码，已遮挡。 / Identity number, masked.")
    unit_name = Text("单位。 / Unit.")
    class_id = Id("培训班的 id。 / Id of the class.")
    class_title = Text("班次。 / Title of the class.")
    attempt = Integer("第几次。 / Which attempt.", 1, 2)
    score = Score("成绩，null 为缺考。 / Score, null for absent.", allow_none=True, attribute="value")
    pass_mark = Score("及格线。 / Pass mark.")
    submitted_at = DateTime("录入时间。 / Entered at.")
    confirmed_at = DateTime("确认时间。 / Confirmed at.", allow_none=True)
    return_reason = Text("退回原因。 / Why it was returned.", allow_none=True)
