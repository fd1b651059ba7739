"""Corrections of identity: what is asked for with its evidence, and what becomes of it."""

from __future__ import annotations

from service.api.v1.schemas.base import RequestSchema, ResponseSchema
from service.domain.persons.corrections import LOCKED, CorrectionKind, CorrectionState
from service.domain.persons.identity import IdType, Sex
from service.validation.fields import Base64, Choice, Date, DateTime, Id, Integer, List, Text, nested

MAX_FILES = 20  # of the document; the setting of the installation may allow fewer


class Evidence(RequestSchema):
    name = Text("文件名，含扩展名。 / Name of the file with its ending.", 200, min_length=1, required=True)
    content = Base64("内容，PNG、JPEG 或 PDF，base64。 / Content, PNG, JPEG or PDF, in base64.", required=True)


class NewCorrection(RequestSchema):
    """The identity as it should be; a member left out stays as it is."""

    kind = Choice("更正的原因。 / Why it is corrected.", CorrectionKind, required=True)
    statement = Text("情况说明。 / What happened.", 500, min_length=1, multiline=True, required=True)
    name = Text("姓名。 / Name.", 50, min_length=1, is_written=True)
    id_type = Choice("证件类型。 / Kind of document.", IdType)
    id_number = Text("证件号码。 / Identity number.", 40, min_length=1, is_written=True)
    sex = Choice("性别。 / Sex.", Sex)
    birth_date = Date("出生日期。 / Day of birth.")
    files = List(nested(Evidence), "证明材料。 / Evidence.", 1, MAX_FILES, required=True)


class CorrectionDecision(RequestSchema):
    decision = Choice(
        "省级同意、协会同意，或不同意。 / Approve as the province, assent as the association, or refuse.",
        ("approve", "assent", "refuse"),
        required=True,
    )
    reason = Text("不同意的理由，此时必填。 / Why it is refused; needed then.", 500, multiline=True)


class FieldCorrection(ResponseSchema):
    field = Choice("更正的项。 / Field that is corrected.", LOCKED)
    before = Text("更正前，证件号码已遮挡。 / As it stood; numbers masked.", allow_none=True)
    after = Text("更正后。 / As it should be.", allow_none=True)


class EvidenceFile(ResponseSchema):
    id = Id()
    name = Text("文件名。 / Name of the file.")
    media_type = Text("媒体类型。 / Media type.")
    size = Integer("字节数。 / Size in bytes.")


class IdentityCorrection(ResponseSchema):
    """One application with what it changes, its evidence and its outcome."""

    id = Id()
    person_id = Id("人员的 id。 / Id of the person.")
    kind = Choice("更正的原因。 / Why it is corrected.", CorrectionKind)
    state = Choice("办理状态。 / State.", CorrectionState)
    stage = Text("流程图给这一步的名称；没有则为 null。 / The diagram's own name of it, else null.", allow_none=True)
    statement = Text("情况说明。 / What happened.")
    comment = Text("不同意的理由。 / Why it was refused.", allow_none=True)
    changes = List(nested(FieldCorrection), "逐项的更正。 / What changes, field by field.")
    files = List(nested(EvidenceFile), "证明材料。 / Evidence.")
    created_at = DateTime("申请时间。 / Asked for at.")
    decided_at = DateTime("省级审批时间。 / Decided by the province at.", allow_none=True)
    assented_at = DateTime("协会复核时间。 / Assented by the association at.", allow_none=True)


class IdentityCorrectionList(ResponseSchema):
    items = List(nested(IdentityCorrection), "新的在前。 / The newest first.")
