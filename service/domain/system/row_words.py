"""Words for the tables and columns of the history of rows, and for the codes in them: keys of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.accounts.roles import Role, UserState
from service.domain.certificates.certificates import CertificateKind, CertificateState
from service.domain.certificates.faces import FaceLanguage, Layout
from service.domain.certificates.reissues import ReissueState
from service.domain.notices.notices import NoticeKind, NoticeState
from service.domain.notices.tickets import RepairStep, TicketKind, TicketState
from service.domain.persons.corrections import CorrectionKind, CorrectionState
from service.domain.persons.identity import IdType, Sex
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.persons.persons import PersonState
from service.domain.system.deployment_source import DeploymentSource
from service.domain.system.sampling import Finding, SampleState
from service.domain.training.class_fields import CLASS_FIELDS
from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.plan_fields import PLAN_FIELDS
from service.domain.training.plans import PlanState
from service.domain.training.training_kind import TrainingKind
from service.domain.units.unit_fields import UNIT_FIELDS, Business
from service.domain.units.units import UnitKind, UnitState
from service.domain.values.labelled_enum import Labelled
from service.errors import N_

TABLES: Mapping[str, str] = {
    "person": N_("人员"),
    "organisation": N_("单位"),
    "user_account": N_("账号"),
    "training_plan": N_("培训计划"),
    "training_class": N_("培训班"),
    "enrollment": N_("报名"),
    "score": N_("成绩"),
    "certificate": N_("证书"),
    "refresher_record": N_("再培训记录"),
    "print_record": N_("打印记录"),
    "reissue": N_("遗失补办"),
    "identity_correction": N_("身份更正"),
    "identity_correction_file": N_("身份更正附件"),
    "photo": N_("照片"),
    "qualification_type": N_("资格类型"),
    "notice": N_("通知"),
    "notice_attachment": N_("通报附件"),
    "ticket": N_("工单"),
    "ticket_message": N_("工单消息"),
    "ticket_file": N_("工单附件"),
    "setting": N_("设置"),
    "process_change": N_("流程变更"),
    "case_document": N_("案卷文书"),
    "audit_sample": N_("抽查"),
    "sampled_case": N_("抽查的案卷"),
    "job": N_("案卷间的消息"),
}
"""Every table whose rows have a history, and the messages that cases are sent."""

COLUMNS: Mapping[str, str] = {
    "accused_id": N_("被投诉账号"),
    "appointed_on": N_("任职日期"),
    "assignee_id": N_("经办人"),
    "attempt": N_("考次"),
    "authority_id": N_("主管省份"),
    "body": N_("正文"),
    "cancel_reason": N_("取消原因"),
    "capacity": N_("名额"),
    "case_id": N_("案卷"),
    "certificate_id": N_("证书"),
    "class_id": N_("培训班"),
    "code": N_("编号"),
    "comment": N_("意见"),
    "contact": N_("联系人"),
    "correction_id": N_("身份更正"),
    "decided_at": N_("决定时间"),
    "decided_by": N_("决定人"),
    "edition": N_("版次"),
    "enrollment_id": N_("报名"),
    "hours": N_("学时"),
    "institution_id": N_("培训机构"),
    "issued_on": N_("发证日期"),
    "kind": N_("类型"),
    "media_type": N_("文件类型"),
    "message_id": N_("工单消息"),
    "name": N_("名称"),
    "note": N_("说明"),
    "notice_id": N_("通知"),
    "number": N_("编号"),
    "organisation_id": N_("单位"),
    "organiser_id": N_("主办单位"),
    "pass_mark": N_("及格线"),
    "person_id": N_("人员"),
    "phone_masked": N_("手机"),
    "phone_sealed": N_("手机全号"),
    "place": N_("地点"),
    "plan_id": N_("培训计划"),
    "qualification_type_id": N_("资格类型"),
    "reason": N_("原因"),
    "requested_by": N_("申请人"),
    "role": N_("角色"),
    "roles": N_("角色"),
    "score": N_("成绩"),
    "sealed": N_("文件内容"),
    "size": N_("字节"),
    "stage": N_("环节"),
    "state": N_("状态"),
    "statement": N_("说明"),
    "ticket_id": N_("工单"),
    "title": N_("标题"),
    "unit_id": N_("单位"),
    "year": N_("年度"),
    **{key: PERSON_FIELDS.labels[key] for key in ("id_type", "id_number_masked", "sex", "birth_date")},
}
"""Words of columns whatever the table."""

_OF_TABLE: Mapping[str, Mapping[str, str]] = {
    "audit_sample": {
        "seed": N_("随机种子"),
        "chosen": N_("条件"),
        "drawn_at": N_("抽取时间"),
        "population": N_("总体案卷数"),
        "population_digest": N_("总体摘要"),
        "auditor_id": N_("审计员"),
        "conclusion": N_("结论"),
        "signed_at": N_("签署时间"),
        "document": N_("签署的内容"),
    },
    "sampled_case": {
        "sample_id": N_("抽查"),
        "position": N_("序号"),
        "finding": N_("结果"),
        "note": N_("记录"),
    },
    "person": PERSON_FIELDS.labels
    | {"is_photo_approved": N_("照片已审核"), "stage": N_("环节"), "id_number_sealed": N_("证件全号")},
    "organisation": UNIT_FIELDS.labels | {"names_history": N_("曾用名")},
    "training_plan": PLAN_FIELDS.labels | {"owner_id": N_("制定单位")},
    "training_class": CLASS_FIELDS.labels
    | {"taken": N_("已占名额"), "enrolment_closed": N_("报名已截止"), "organiser_id": N_("主办单位")},
    "certificate": {
        "first_issued_on": N_("初次领证日期"),
        "valid_to": N_("有效期至"),
        "approval": N_("审批"),
        "approved_by": N_("审批人"),
        "approved_at": N_("审批时间"),
        "printed_count": N_("打印次数"),
        "last_printed_at": N_("最近打印"),
        "supersedes_id": N_("所替换的证书"),
        "unit_name": N_("证书上的单位"),
        "void_reason": N_("终止原因"),
        "number": N_("证书编号"),
    },
    "enrollment": {
        "via": N_("报名渠道"),
        "enrolled_by": N_("报名人"),
        "enrolled_on": N_("报名日"),
        "kind": N_("培训类型"),
        "needs_confirmation": N_("须省级确认"),
        "attempts": N_("已考次数"),
        "ended_on": N_("结束日"),
        "snapshot": N_("报名日的情况"),
    },
    "score": {
        "value": N_("成绩"),
        "entered_by": N_("录入人"),
        "submitted_at": N_("提交时间"),
        "confirmed_by": N_("确认人"),
        "confirmed_at": N_("确认时间"),
        "return_reason": N_("退回原因"),
    },
    "refresher_record": {"completed_on": N_("完成日期")},
    "print_record": {
        "printed_by": N_("打印人"),
        "layout": N_("版式"),
        "language": N_("语言"),
        "received_by": N_("领取人"),
        "received_on": N_("领取日期"),
        "batch_id": N_("成批打印"),
    },
    "reissue": {"new_certificate_id": N_("新版证书")},
    "identity_correction": {
        "before": N_("更正前的身份"),
        "former_number_sealed": N_("原证件全号"),
        "former_number_masked": N_("原证件号码"),
        "id_number_sealed": N_("证件全号"),
        "name": PERSON_FIELDS.labels["name"],
        "assented_by": N_("复核人"),
        "assented_at": N_("复核时间"),
    },
    "photo": {"width": N_("宽（像素）"), "height": N_("高（像素）"), "sealed": N_("照片")},
    "qualification_type": {
        "initial_hours": N_("取证学时"),
        "refresher_hours": N_("再培训学时"),
        "renewal_hours": N_("换证学时"),
        "active": N_("启用"),
    },
    "notice": {
        "author_id": N_("发布单位"),
        "authorities": N_("收到的省份"),
        "units": N_("收到的单位"),
        "facts": N_("所附数据"),
        "published_at": N_("发布时间"),
        "withdraw_reason": N_("撤回原因"),
    },
    "ticket": {
        "subject": N_("标题"),
        "requester_id": N_("提问人"),
        "desk_role": N_("承办角色"),
        "desk_id": N_("承办单位"),
        "progress": N_("处理进展"),
        "device": N_("设备"),
        "step": N_("报修进度"),
        "expected_on": N_("预计完成"),
        "rating": N_("评分"),
        "resolved_at": N_("解决时间"),
        "closed_at": N_("关闭时间"),
        "number": N_("工单编号"),
    },
    "ticket_message": {"author_id": N_("作者")},
    "setting": {"key": N_("设置"), "value": N_("值")},
    "process_change": {
        "key": N_("所属流程"),
        "definition": N_("流程版本摘要"),
        "replaces": N_("此前流程版本摘要"),
        "source": N_("途径"),
        "proposer_id": N_("提出人"),
        "proposed_as": N_("系统账号"),
    },
    "user_account": {
        "login": N_("登录名"),
        "display_name": N_("姓名"),
        "password_hash": N_("密码"),
        "password_at": N_("密码设定时间"),
        "must_change": N_("须改密码"),
        "locked_until": N_("锁定至"),
        "last_login": N_("最近登录"),
        "preferences": N_("偏好"),
        "awaits_assent": N_("待安全管理员同意"),
        "privacy_version": N_("已阅个人信息告知版本"),
        "mail_sealed": N_("邮箱全址"),
        "mail_masked": N_("邮箱"),
    },
    "case_document": {"seq": N_("流水序号"), "element": N_("图上的环节"), "facts": N_("文书内容")},
    "job": {"name": N_("消息"), "digest": N_("内容摘要")},
}
TECHNICAL = frozenset(
    {
        *("id", "created_at", "updated_at", "version"),
        *("sort_key", "folded_name", "spelling", "id_number_digest"),  # follow from what stands beside them
        *("epoch", "verify_token"),  # mean nothing to people, and are not to be shown
    }
)
"""Columns that have no word and are not shown."""

NAMES = frozenset({("person", "name"), ("identity_correction", "name"), ("ticket", "subject")})
"""Columns with names of persons, of which administrators see the first letter alone (domain.md §9)."""
KEPT_BACK = frozenset(
    {
        *(("person", "birth_date"), ("identity_correction", "birth_date"), ("identity_correction", "before")),
        *(("enrollment", "snapshot"), ("user_account", "preferences"), ("notice", "facts")),
    }
)
"""Columns that are kept in the clear, and not shown to somebody who sees no business."""
TENTHS = frozenset(
    {
        *(("score", "value"), ("refresher_record", "score")),
        *(("training_class", "pass_mark"), ("qualification_type", "pass_mark")),
    }
)


def _words(*enumerations: type[Labelled]) -> dict[str, str]:
    return {member.value: member.label for one in enumerations for member in one}


_DECISIONS = {"pending": N_("待审批"), "approved": N_("同意"), "rejected": N_("不同意")}
_CODES: Mapping[str, Mapping[str, str]] = {
    "role": _words(Role),
    "roles": _words(Role),
    "desk_role": _words(Role),
    "id_type": _words(IdType),
    "sex": _words(Sex),
    "business": _words(Business),
    "layout": _words(Layout),
    "language": _words(FaceLanguage),
    "step": _words(RepairStep),
    "source": _words(DeploymentSource),
    "approval": _DECISIONS,
    "via": {
        "group": Role.GROUP.label,
        "enterprise": Role.ENTERPRISE.label,
        "province": Role.PROVINCIAL_AUTHORITY.label,
        "association": Role.ASSOCIATION.label,
        "institution": Role.TRAINING_INSTITUTION.label,
    },
}
_CODES_OF_TABLE: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("person", "state"): _words(PersonState),
    ("organisation", "state"): _words(UnitState),
    ("organisation", "kind"): _words(UnitKind)
    | {
        "ministry": Role.MINISTRY.label,
        "association": Role.ASSOCIATION.label,
        "province": Role.PROVINCIAL_AUTHORITY.label,
        "training_institution": Role.TRAINING_INSTITUTION.label,
        "platform": N_("平台"),
    },
    ("user_account", "state"): _words(UserState),
    ("training_plan", "state"): _words(PlanState),
    ("training_plan", "kind"): _words(TrainingKind),
    ("training_class", "state"): _words(ClassState),
    ("training_class", "kind"): _words(TrainingKind),
    ("enrollment", "state"): _words(EnrollmentState),
    ("enrollment", "kind"): _words(TrainingKind),
    ("certificate", "state"): _words(CertificateState),
    ("certificate", "kind"): _words(CertificateKind),
    ("reissue", "state"): _words(ReissueState),
    ("identity_correction", "state"): _words(CorrectionState),
    ("identity_correction", "kind"): _words(CorrectionKind),
    ("notice", "state"): _words(NoticeState),
    ("audit_sample", "state"): _words(SampleState),
    ("sampled_case", "finding"): _words(Finding),
    ("notice", "kind"): _words(NoticeKind),
    ("ticket", "state"): _words(TicketState),
    ("ticket", "kind"): _words(TicketKind),
    ("ticket_message", "kind"): {
        "note": N_("说明"),
        "progress": N_("处理进展"),
        "ask": N_("补充提问"),
        "reply": N_("答复"),
        "resolve": N_("解决"),
        "reopen": N_("重新打开"),
        "system": N_("系统"),
    },
    ("process_change", "state"): {
        "proposed": N_("待批准"),
        "approved": N_("已批准"),
        "refused": N_("不同意"),
        "withdrawn": N_("已撤回"),
        "superseded": N_("未经批准已直接生效"),
    },
    ("job", "kind"): {"message": N_("消息"), "signal": N_("信号")},
}


def table_word(table: str) -> str:
    """The word for a table; one that is no more is shown by its name."""
    return TABLES.get(table, table)


def column_word(table: str, column: str) -> str:
    """The word for a column, its table's own first; '' for one that is not shown."""
    if column in TECHNICAL:
        return ""
    return _OF_TABLE.get(table, {}).get(column) or COLUMNS.get(column, column)


def codes_of(table: str, column: str) -> Mapping[str, str]:
    """The words for the codes of a column; empty where its values are none."""
    return _CODES_OF_TABLE.get((table, column)) or _CODES.get(column, {})
