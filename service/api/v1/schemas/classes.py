"""Training classes: rows of the list, the whole record, the draft."""

from __future__ import annotations

from marshmallow import fields

from service.api.v1.schemas.base import RequestSchema, ResponseSchema
from service.api.v1.schemas.pages import PageQuery, SearchQuery
from service.api.v1.schemas.record_members import record_members
from service.domain.persons.persons import PersonState
from service.domain.training.class_fields import CLASS_FIELDS
from service.domain.training.classes import ClassState
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import Need
from service.validation.fields import Boolean, Choice, Date, Id, Integer, List, Text
from service.validation.record_fields import Place

KIND = "培训类型；取证班由协会，再培训和换证班由省级开办。 / Kind; initial by the association, others by provinces."
INSTITUTION = "承办机构的 id，见 GET /institutions。 / Id of the training institution."
TYPES = "招收的资格类型代码，见 GET /qualification-types。 / Codes of the qualification types admitted."
OPEN = ("publish", "keep")
RESPONSE_FIELDS = (
    "id",
    "code",
    *CLASS_FIELDS.keys_at(Place.REST_OUT),
    "taken",
    "state",
    "stage",
    "cancel_reason",
    "organiser_id",
    "version",
)


class ClassQuery(SearchQuery):
    kind = Choice("培训类型。 / Kind of training.", TrainingKind)
    state = Choice("状态。 / State.", ClassState)
    year = Integer("开班的年份。 / Year in which it begins.", 1990, 2200)


class TrainingClass(ResponseSchema):
    """One row of the list."""

    id = Id()
    code = Text("编号。 / Code.")
    title = Text("班次名称。 / Title.")
    kind = Choice("取证、再培训、换证。 / Kind of training.", TrainingKind)
    place = Text("地点。 / Place.")
    enrol_from = Date("报名开始。 / Enrolment opens.")
    enrol_until = Date("报名截止。 / Last day of enrolment.")
    starts_on = Date("开班日。 / First day.")
    ends_on = Date("结束日。 / Last day.")
    capacity = Integer("名额。 / Seats.")
    taken = Integer("已报名。 / Seats taken.")
    state = Choice("状态。 / State.", ClassState)
    stage = Text("流程图给这一步的名称；没有则为 null。 / The diagram's own name of it, else null.", allow_none=True)
    organiser = Text("主办。 / Organiser.")
    institution = Text("承办机构。 / Training institution.")


class ClassRecord(TrainingClass):
    """A class's whole record."""

    class Meta(TrainingClass.Meta):
        include = record_members(CLASS_FIELDS, Place.REST_OUT)

    organiser_id = Id("主办的 id。 / Id of the organiser.")
    institution_id = Id("承办机构的 id。 / Id of the institution.")
    qualification_types = List(fields.String(), "招收的资格类型代码。 / Codes of the qualification types admitted.")
    makeup_allowed = Boolean("允许补考一次。 / Whether one make-up is allowed.")
    open_to_other_provinces = Boolean("接受外省人员。 / Open to other provinces.")
    cancel_reason = Text("取消原因。 / Why it was cancelled.", allow_none=True)
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "各状态的报名数。 / Enrolments by state."},
    )
    version = Integer("版本号，即 ETag。 / Version, the same as the ETag.", 1)


class ClassFields(RequestSchema):
    """The fields of a draft."""

    class Meta(RequestSchema.Meta):
        include = record_members(CLASS_FIELDS, Place.REST_IN)

    kind = Choice(KIND, TrainingKind)
    institution_id = Id(INSTITUTION)
    qualification_types = List(Text("", 20), TYPES, 1, 20)
    makeup_allowed = Boolean("允许补考一次。 / Whether one make-up is allowed.")
    open_to_other_provinces = Boolean("接受外省人员。 / Open to other provinces.")


class NewClass(ClassFields):
    """The fields of a new draft."""

    class Meta(RequestSchema.Meta):
        include = record_members(CLASS_FIELDS, Place.REST_IN, is_whole=True)

    kind = Choice(KIND, TrainingKind, required=True)
    institution_id = Id(INSTITUTION, required=True)
    qualification_types = List(Text("", 20), TYPES, 1, 20, required=True)
    decision = Choice(
        "publish：立即开放报名；keep：只存草稿。 / Publish at once, or keep as a draft.", OPEN, load_default="keep"
    )


class ClassChange(ClassFields):
    decision = Choice(
        "publish：开放报名；keep：只存草稿；discard：放弃草稿。 / Publish, keep, or discard the draft.",
        (*OPEN, "discard"),
        load_default="keep",
    )


class Persons(RequestSchema):
    persons = List(Id(), "人员的 id，最多 500。 / Ids of persons, 500 at most.", 1, 500, required=True)


class EnrolledRow(ResponseSchema):
    """The result for one person."""

    person = Id()
    name = Text("姓名；不在范围内的为空。 / Name; empty out of scope.")
    ok = Boolean("是否报上名。 / Whether the person is enrolled.")
    enrollment = Id("报名的 id。 / Id of the enrolment.", allow_none=True)
    message = Text("未能报名的原因。 / Why not.", allow_none=True)


class CandidateQuery(PageQuery):
    q = Text("姓名或拼音。 / Name or pinyin.", 50, is_written=True, load_default="")
    unit = Id("单位的 id。 / Id of the unit.")
    others = Boolean("true：列出不符合的人员及原因。 / Those who do not fit, with reasons.", load_default=False)


class Candidate(ResponseSchema):
    """A person who may be enrolled, or why not."""

    id = Id("人员的 id。 / Id of the person.")
    name = Text("姓名。 / Name.")
    id_number_masked = Text("证件号码，已遮挡。 / Identity number, masked.")
    state = Choice("人员状态。 / State.", PersonState)
    stage = Text("流程图给这一步的名称；没有则为 null。 / The diagram's own name of it, else null.", allow_none=True)
    unit_name = Text("单位。 / Unit.")
    type_name = Text("资格类型。 / Qualification type.")
    need = Choice("应参加的培训。 / Training that is due.", Need)
    has_photo = Boolean("是否有照片，没有不能打印证书。 / Whether there is a photo, without which nothing is printed.")
    obstacles = List(
        fields.String(), "不能报名的原因；空即可报。 / Why the person cannot join; empty if nothing stands in the way."
    )
