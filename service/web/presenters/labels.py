"""The words people read for columns, use cases and coded values, in histories and filters. Keys of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Flask

from service.domain.accounts.roles import Role, UserState
from service.domain.certificates.certificates import CertificateKind
from service.domain.certificates.faces import FaceLanguage, Layout, Packaging
from service.domain.notices.notices import NoticeKind
from service.domain.notices.tickets import RepairStep, TicketKind
from service.domain.persons.corrections import CorrectionKind
from service.domain.persons.identity import IdType, Sex
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.persons.persons import PersonState
from service.domain.system.deployment_source import DeploymentSource
from service.domain.training.plan_fields import PLAN_FIELDS
from service.domain.training.plans import PlanState
from service.domain.training.scores import ABSENT, write_score
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import Need
from service.domain.units.unit_fields import UNIT_FIELDS, Business
from service.domain.units.units import (
    UnitKind,
    UnitState,
)
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.infrastructure.translation import translate

FIELD_LABELS = {
    **PERSON_FIELDS.labels,
    **UNIT_FIELDS.labels,
    "state": N_("状态"),
}
TABLE_FIELD_LABELS = {  # where a table calls a column otherwise
    ("person", "name"): PERSON_FIELDS.labels["name"],
    **{("plan", key): label for key, label in PLAN_FIELDS.labels.items()},
    ("user", "display_name"): N_("姓名"),
    ("user", "role"): N_("角色"),
    ("user", "awaits_assent"): N_("待安全管理员同意"),
    ("user", "organisation_id"): N_("单位"),
    ("user", "mail_masked"): N_("邮箱"),
    ("type", "name"): N_("名称"),
    ("type", "initial_hours"): N_("取证学时"),
    ("type", "refresher_hours"): N_("再培训学时"),
    ("type", "renewal_hours"): N_("换证学时"),
    ("type", "pass_mark"): N_("及格线"),
    ("type", "active"): N_("启用"),
}

USE_CASES = {
    "request_correction": N_("申请更正身份"),
    "withdraw_correction": N_("撤回更正申请"),
    "revoke_certificate": N_("吊销"),
    "hand_out": N_("登记领取"),
    "import_persons": N_("导入"),
    "save_person": N_("修改"),
    "submit_person": N_("提交审批"),
    "deregister_person": N_("注销"),
    "transfer_person": N_("变更单位"),
    "change_qualification_type": N_("变更资格类型"),
    "create_unit": N_("新增"),
    "save_unit": N_("修改"),
    "rename_unit": N_("变更名称"),
    "convert_unit": N_("单位转换"),
    "delete_unit": N_("删除"),
    "save_plan": N_("修改"),
    "publish_plan": N_("发布"),
    "cancel_plan": N_("取消"),
    "close_plans": N_("年度结束"),
    "create_user": N_("新增"),
    "modify_user": N_("修改账号"),
    "save_own_account": N_("本人修改"),
    "disable_user": N_("停用"),
    "enable_user": N_("恢复"),
    "assent_user": N_("同意"),
    "refuse_user": N_("不同意"),
    "reset_password": N_("重置密码"),
    "unlock": N_("解锁"),
    "save_settings": N_("修改设置"),
    "save_qualification_type": N_("修改字典"),
}

ENUMERATIONS: dict[str, type[Labelled]] = {
    "id_type": IdType,
    "sex": Sex,
    "state": PersonState,
    "unit_state": UnitState,
    "kind": UnitKind,
    "business": Business,
    "need": Need,
    "training_kind": TrainingKind,
    "ticket_kind": TicketKind,
    "correction_kind": CorrectionKind,
    "repair_step": RepairStep,
    "certificate_kind": CertificateKind,
    "notice": NoticeKind,
    "deployment_source": DeploymentSource,
}
TABLE_ENUMERATIONS: dict[tuple[str, str], type[Labelled]] = {
    ("unit", "state"): UnitState,
    ("plan", "state"): PlanState,
    ("plan", "kind"): TrainingKind,
    ("user", "state"): UserState,
    ("user", "role"): Role,
}


def enum_label(enumeration: str, value: str | None) -> str:
    """The word for a coded value: ``enum_label('sex', 'male')`` is 男; None gives —."""
    return translate(ENUMERATIONS[enumeration](value).label) if value else "—"


def field_label(field: str, table: str = "person") -> str:
    """The word for a column."""
    return translate(TABLE_FIELD_LABELS.get((table, field)) or FIELD_LABELS.get(field, field))


def value_label(field: str, value: Any, table: str = "person") -> str:
    """Show a column's value in a history."""
    if value is None or value == "":
        return "—"
    if field == "photo_id":
        return translate(N_("有"))
    if isinstance(value, bool):
        return translate(N_("是") if value else N_("否"))
    if (table, field) == ("type", "pass_mark"):
        return write_score(value)
    enumeration = TABLE_ENUMERATIONS.get((table, field)) or ENUMERATIONS.get(field)
    return member_label(enumeration, str(value)) if enumeration else str(value)


def member_label(enumeration: type[Labelled], value: str) -> str:
    """The word for a value of an enumeration; a value it does not know is shown as it is."""
    found = next((member for member in enumeration if member.value == value), None)
    return translate(found.label) if found else value


def use_case_label(use_case: str, kind: str) -> str:
    """The heading of a change in a history; for cases it is the name of the task."""
    if kind == "insert":
        return translate(N_("录入"))
    if use_case.startswith("migration "):
        return translate(N_("升级数据库"))
    return translate(USE_CASES.get(use_case, N_("流程办理")))


def score_label(tenths: int | None) -> str:
    """A score as people read it; None is 缺考 (R49)."""
    return translate(ABSENT) if tenths is None else write_score(tenths)


def options(members: Iterable[Labelled]) -> list[tuple[str, str]]:
    """Pairs for a select: code and word."""
    return [(member.value, translate(member.label)) for member in members]


def pairs(rows: Iterable[tuple[Any, str]]) -> list[tuple[str, str]]:
    """Pairs for a select from ids and names that the catalogue may know."""
    return [(str(key), translate(name)) for key, name in rows]


def register(app: Flask) -> None:
    """Give the templates these words."""
    app.jinja_env.globals |= {
        "enum_label": enum_label,
        "field_label": field_label,
        "person_fields": PERSON_FIELDS,
        "unit_fields": UNIT_FIELDS,
        "plan_fields": PLAN_FIELDS,
        "value_label": value_label,
        "use_case_label": use_case_label,
        "options": options,
        "face_layouts": tuple(Layout),
        "face_languages": tuple(FaceLanguage),
        "face_packagings": tuple(Packaging),
        "pairs": pairs,
        "score_label": score_label,
    }
