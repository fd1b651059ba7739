"""Persons: rows of the list, the record, what may be sent. Numbers are masked."""

from __future__ import annotations

from service.api.v1.schemas.base import RequestSchema, ResponseSchema
from service.api.v1.schemas.pages import SearchQuery
from service.api.v1.schemas.record_members import record_members
from service.domain.certificates.certificates import CertificateState
from service.domain.persons.identity import IdType, Sex
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.persons.persons import PersonState, PhotoGap
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import Need
from service.validation.fields import Base64, Boolean, Choice, Date, Id, Integer, List, Score, Text, nested
from service.validation.record_fields import Place

TYPE = "资格类型代码，见 GET /qualification-types。 / Code of the qualification type."
REASON = "原因。 / Reason."
RESPONSE_FIELDS = ("id", *PERSON_FIELDS.keys_at(Place.REST_OUT), "version")


class PersonQuery(SearchQuery):
    unit = Id("单位的 id。 / Id of the unit.")
    type = Id("资格类型的 id。 / Id of the qualification type.")
    state = Choice("状态；缺省不含已注销的。 / State; deregistered ones only when asked for.", PersonState)
    need = Choice("应参加的培训。 / Training that is due.", Need)
    photo = Choice("missing：只列缺照片的。 / Those without a photo.", PhotoGap)


class NumberQuery(RequestSchema):
    id_number = Text(
        "完整的证件号码，不进入地址和日志。 / Whole number; it enters no address and no log.",
        40,
        min_length=1,
        is_written=True,
        required=True,
    )


class Person(ResponseSchema):
    """One row of the list."""

    id = Id()
    name = Text("姓名。 / Name.")
    sex = Choice("性别。 / Sex.", Sex)
    id_number_masked = Text("证件号码，已遮挡。 / Identity number, masked.")
    state = Choice("草稿、待审批、已审批、已退回、已注销。 / State.", PersonState)
    stage = Text("流程图给这一步的名称；没有则为 null。 / The diagram's own name of it, else null.", allow_none=True)
    has_photo = Boolean("是否有照片。 / Whether there is a photo.")
    unit_id = Id("单位的 id。 / Id of the unit.")
    unit_name = Text("单位。 / Unit.")
    type_name = Text("资格类型。 / Qualification type.")
    need = Choice("应参加的培训。 / Training that is due.", Need, allow_none=True)
    certificate_id = Id("现行证书的 id。 / Id of the present certificate.", allow_none=True)
    number = Text("证书编号。 / Number of the certificate.", allow_none=True)
    valid_to = Date("有效期至。 / Valid until.", allow_none=True)
    certificate_state = Choice("证书状态。 / State of the certificate.", CertificateState, allow_none=True)


class Training(ResponseSchema):
    """One enrolment of the person."""

    id = Id("报名的 id。 / Id of the enrolment.")
    class_id = Id("培训班的 id。 / Id of the class.")
    title = Text("班次。 / Title of the class.")
    kind = Choice("培训类型。 / Kind of training.", TrainingKind)
    starts_on = Date("开班日。 / First day.")
    ends_on = Date("结束日。 / Last day.")
    hours = Integer("学时。 / Hours.")
    state = Choice("报名状态。 / State.", EnrollmentState)
    stage = Text("流程图给这一步的名称；没有则为 null。 / The diagram's own name of it, else null.", allow_none=True)
    reason = Text(REASON, allow_none=True)
    scores = List(Score(allow_none=True), "各次成绩，null 为缺考。 / Scores of the attempts, null for absent.")


class PersonRecord(ResponseSchema):
    """A person's record with the trainings."""

    class Meta(ResponseSchema.Meta):
        include = record_members(PERSON_FIELDS, Place.REST_OUT)

    id = Id()
    name = Text("姓名。 / Name.")
    sex = Choice("性别。 / Sex.", Sex)
    birth_date = Date("出生日期。 / Day of birth.")
    id_type = Choice("证件类型。 / Kind of document.", IdType)
    id_number_masked = Text("证件号码，已遮挡。 / Identity number, masked.")
    phone_masked = Text("手机，已遮挡。 / Telephone, masked.", allow_none=True)
    state = Choice("状态。 / State.", PersonState)
    stage = Text("流程图给这一步的名称；没有则为 null。 / The diagram's own name of it, else null.", allow_none=True)
    decision_comment = Text("退回意见或注销原因。 / Why it was sent back or deregistered.", allow_none=True)
    unit_id = Id("单位的 id。 / Id of the unit.")
    unit_name = Text("单位。 / Unit.")
    qualification_type = Text(TYPE)
    type_name = Text("资格类型。 / Qualification type.")
    no_criminal_record = Boolean("无刑事处罚声明。 / Declaration of no criminal record.")
    has_photo = Boolean("是否有照片。 / Whether there is a photo.")
    legacy_number = Text("原有证书编号。 / Number of the certificate of former times.", allow_none=True)
    legacy_issued_on = Date("原有证书发证日期。 / Its day of issue.", allow_none=True)
    legacy_valid_to = Date("原有证书有效期至。 / Its last valid day.", allow_none=True)
    need = Choice("应参加的培训。 / Training that is due.", Need)
    need_explained = Text("为什么。 / Why.")
    trainings = List(nested(Training), "培训经历，新的在前。 / Trainings, newest first.")
    version = Integer("版本号，即 ETag。 / Version, the same as the ETag.", 1)


class PersonFields(RequestSchema):
    """The fields of a person's record; a member left out stays, null empties it."""

    class Meta(RequestSchema.Meta):
        include = record_members(PERSON_FIELDS, Place.REST_IN)

    id_type = Choice("证件类型，缺省居民身份证。 / Kind of document; resident identity card unless told.", IdType)
    sex = Choice("性别；身份证可不填。 / Sex; an identity card tells it.", Sex)
    birth_date = Date("出生日期；身份证可不填。 / Day of birth; an identity card tells it.")
    phone = Text("手机。 / Telephone.", 30, is_written=True)
    no_criminal_record = Boolean(
        "无刑事处罚声明，提交时须为 true。 / Declaration of no criminal record; true to be submitted."
    )
    photo = Base64("照片，JPEG 或 PNG，base64。 / Photo, JPEG or PNG, in base64.")
    certificate_number = Text(
        "原有证书编号。 / Number of a certificate of former times.", 20, is_written=True, allow_none=True
    )
    certificate_issued_on = Date("原有证书发证日期。 / Its day of issue.", allow_none=True)
    certificate_valid_to = Date("原有证书有效期至。 / Its last valid day.", allow_none=True)


class PersonChange(PersonFields):
    name = Text("姓名。 / Name.", 50, min_length=1, is_written=True)
    id_number = Text("证件号码。 / Identity number.", 40, min_length=1, is_written=True)
    qualification_type = Text(TYPE, 20, min_length=1)


class NewPerson(PersonFields):
    name = Text("姓名。 / Name.", 50, min_length=1, required=True, is_written=True)
    id_number = Text("证件号码。 / Identity number.", 40, min_length=1, required=True, is_written=True)
    qualification_type = Text(TYPE, 20, min_length=1, required=True)
    unit = Id("单位的 id，缺省本单位。 / Id of the unit; one's own unless told.")
    submit = Boolean("保存后即提交审批。 / Submit for approval at once.", load_default=False)


class Reason(RequestSchema):
    reason = Text(REASON, 500, min_length=1, multiline=True, required=True)


class Approval(RequestSchema):
    decision = Choice("通过或退回。 / Approve, or send back.", ("approve", "reject"), required=True)
    reason = Text("退回意见，退回时必填。 / Why it is sent back.", 500, multiline=True)


class Transfer(RequestSchema):
    unit = Id("转入单位的 id。 / Id of the unit to move to.", required=True)


class NewType(RequestSchema):
    qualification_type = Text(TYPE, 20, min_length=1, required=True)


class WholeNumbers(ResponseSchema):
    """Numbers that are masked elsewhere; the look is audited."""

    id_number = Text("证件号码。 / Identity number.")
