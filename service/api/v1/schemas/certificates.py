"""Certificates: rows of the ledger, one edition, prints, and what is sent to end or print one."""

from __future__ import annotations

from service.api.v1.schemas.base import RequestSchema, ResponseSchema
from service.api.v1.schemas.pages import SearchQuery
from service.domain.certificates.certificates import CertificateKind, CertificateState
from service.domain.certificates.faces import FaceLanguage, Layout
from service.domain.persons.persons import PersonState
from service.validation.fields import Boolean, Choice, Date, DateTime, Id, Integer, List, Score, Text, nested

STATES = ("valid", "soon", "expired", *(s for s in CertificateState if s != "valid"))
RESPONSE_FIELDS = (
    "id",
    "number",
    "edition",
    "kind",
    "first_issued_on",
    "issued_on",
    "valid_to",
    "state",
    "approval",
    "printed_count",
    "person_id",
    "void_reason",
    "version",
)


class CertificateQuery(SearchQuery):
    state = Choice(
        "状态；soon：90 天内到期，expired：已过期。 / State; soon and expired follow from the dates.", STATES
    )
    province = Id("省份的 id。 / Id of the province.")
    unit = Id("单位的 id。 / Id of the unit.")
    unprinted = Boolean("只看还没有打印的。 / Only those not printed yet.", load_default=False)


class Certificate(ResponseSchema):
    """One row of the ledger: one edition."""

    id = Id()
    number = Text("证书编号。 / Number.")
    edition = Integer("第几版。 / Edition.", 1)
    kind = Choice("原有或本系统颁发。 / Of former times, or issued here.", CertificateKind)
    issued_on = Date("发证日期。 / Day of issue.")
    valid_to = Date("有效期至。 / Last valid day.")
    state = Choice("状态，过期由 valid_to 得出。 / State; expiry follows from valid_to.", CertificateState)
    approval = Choice("待审批、已批准、不准。 / Approval.", ("pending", "approved", "rejected"))
    printed_count = Integer("打印次数。 / Times printed.")
    person_id = Id("持证人的 id。 / Id of the holder.")
    name = Text("持证人。 / Holder.")
    person_state = Choice("持证人状态。 / State of the holder.", PersonState)
    unit_name = Text("单位。 / Unit.")
    province = Text("省份。 / Province.", allow_none=True)
    type_name = Text("资格类型。 / Qualification type.")


class Print(ResponseSchema):
    """One print of an edition."""

    id = Id()
    created_at = DateTime("打印时间。 / Printed at.")
    reason = Text("再次打印的原因。 / Why it was printed again.")
    layout = Choice("A4 或卡片。 / A4, or a card.", Layout)
    language = Choice("中文或中英对照。 / Chinese, or bilingual.", FaceLanguage)
    received_by = Text("领取人。 / Received by.", allow_none=True)
    received_on = Date("领取日期。 / Received on.", allow_none=True)


class Refresher(ResponseSchema):
    year = Integer("年度。 / Year.", 1900, 9999)
    completed_on = Date("完成日期。 / Completed on.")
    hours = Integer("学时。 / Hours.")
    score = Score("成绩。 / Score.", allow_none=True)
    class_title = Text("班次。 / Class.")


class CertificateRecord(ResponseSchema):
    """One edition with its prints and refreshers."""

    id = Id()
    number = Text("证书编号。 / Number.")
    edition = Integer("第几版。 / Edition.", 1)
    kind = Choice("原有或本系统颁发。 / Of former times, or issued here.", CertificateKind)
    first_issued_on = Date("初次发证日期。 / First issued on.")
    issued_on = Date("发证日期。 / Day of issue.")
    valid_to = Date("有效期至。 / Last valid day.")
    is_expired = Boolean("是否已过期。 / Whether its last day is past.")
    state = Choice("状态。 / State.", CertificateState)
    approval = Choice("审批。 / Approval.", ("pending", "approved", "rejected"))
    void_reason = Text("吊销、作废的原因。 / Why it was revoked or voided.", allow_none=True)
    printed_count = Integer("打印次数。 / Times printed.")
    person_id = Id("持证人的 id。 / Id of the holder.")
    name = Text("持证人。 / Holder.")
    unit_name = Text("现单位。 / Unit as it is now.")
    printed_unit_name = Text("证面上的单位。 / Unit as printed.")
    type_name = Text("资格类型。 / Qualification type.")
    prints = List(nested(Print), "打印和领取。 / Prints and who received them.")
    refreshers = List(nested(Refresher), "再培训记录。 / Refresher records.")
    version = Integer("版本号，即 ETag。 / Version, the same as the ETag.", 1)


class CertificateApproval(RequestSchema):
    decision = Choice("批准或不准。 / Approve, or refuse.", ("approve", "refuse"), required=True)
    reason = Text("不准的原因，此时必填。 / Why it is refused; needed then.", 500, multiline=True)


class PrintReason(RequestSchema):
    reason = Text("再次打印的原因；首次不填。 / Why it is printed again; not for the first time.", 200)
    layout = Choice("A4 或卡片。 / A4, or a card (ID-1).", Layout, load_default=Layout.A4)
    language = Choice("中文或中英对照。 / Chinese, or bilingual.", FaceLanguage, load_default=FaceLanguage.ZH)


class HandOut(RequestSchema):
    received_by = Text("领取人。 / Received by.", 50, min_length=1, required=True)
    received_on = Date("领取日期。 / Received on.", required=True)


class Deregistration(RequestSchema):
    decision = Choice("注销或暂缓。 / Deregister, or postpone.", ("deregister", "postpone"), load_default="deregister")
    reason = Text("原因，暂缓时必填。 / Reason; needed to postpone.", 500, multiline=True)
    until = Date("暂缓至。 / Postponed until.")


class Loss(RequestSchema):
    statement = Text("遗失说明。 / How it was lost.", 500, min_length=1, multiline=True, required=True)


class Begun(ResponseSchema):
    """A case that was started and now waits for others."""

    case = Id("案卷的 id，可在 /engine-rest 查看进度。 / Id of the case; /engine-rest tells how far it is.")
