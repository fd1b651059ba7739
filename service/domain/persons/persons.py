"""Persons: who may be entered, what a change means, and when one may be deleted or deregistered."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from datetime import date

from service.domain.accounts.roles import UNIT_ROLES, Role
from service.domain.persons.identity import (
    EARLIEST_BIRTH_DATE,
    Identity,
    IdType,
    Sex,
    is_old_foreigner_id,
    parse_document_number,
    parse_foreigner_id,
    parse_resident_id,
)
from service.domain.values.calendar import add_years
from service.domain.values.labelled_enum import Labelled
from service.domain.values.names import is_han, person_name
from service.errors import N_, InvalidInput, Message

ADULT_AGE = 18


class PersonState(Labelled):
    DRAFT = "draft", N_("草稿")  # never submitted
    PENDING = "pending", N_("待审批")  # at the province of the unit (R12)
    APPROVED = "approved", N_("已审批")
    REJECTED = "rejected", N_("已退回")  # with a comment, to be mended and sent again (R13)
    DEREGISTERED = "deregistered", N_("已注销")  # for ever; the number may be entered again (R17)


class PhotoGap(Labelled):
    """Gap that keeps a person's certificate from being printed (R58, R82)."""

    MISSING = "missing", N_("缺照片")


ALREADY_ENTERED = Message(N_("该人员已存在于其他单位，请联系协会变更单位。"))  # R19: without saying which


def is_adult(birth_date: date, today: date) -> bool:
    """Tell whether the 18th birthday has come; that of 29 February falls on 1 March (R20)."""
    return add_years(birth_date, ADULT_AGE) <= today


def parse_name(text: str | None, field: str = "name") -> str:
    """Read a person's name of 2 to 50 characters in its normal form (R81): letters of any script, 〇, inner spaces and
    the dot · of many peoples.
    """
    name = person_name(text)
    if not 2 <= len(name) <= 50:
        raise InvalidInput({field: N_("请填写 2 至 50 个字的姓名。")})
    if not all(c.isalpha() or is_han(c) or c in " ·.-’" or unicodedata.category(c).startswith("M") for c in name):
        raise InvalidInput({field: N_("姓名只能由文字、空格和间隔号“·”组成，请核对。")})
    return name


def identify(
    id_type: IdType, number: str | None, birth_date: date | None, sex: Sex | None, today: date, field: str = "id_number"
) -> Identity:
    """Read the identity of a person. Birth date and sex follow from an identity number, whatever was typed (R18);
    with a permit, a passport or an old permanent residence card both are required.
    Under 18, or born before 1900: ``InvalidInput`` (R20).
    """
    if id_type is IdType.RESIDENT_ID:
        identity, source = parse_resident_id(number, today, field), field
    elif id_type is IdType.FOREIGNER_ID and not is_old_foreigner_id(number):
        identity, source = parse_foreigner_id(number, today, field), field
    else:
        identity, source = _from_permit(id_type, number, birth_date, sex, field), "birth_date"
    if not EARLIEST_BIRTH_DATE <= identity.birth_date <= today:
        raise InvalidInput({source: N_("出生日期早于 1900 年或晚于今天，请核对。")})
    if not is_adult(identity.birth_date, today):
        raise InvalidInput({source: N_("该人员未满 18 周岁，不能录入。")})
    return identity


def check_declaration(no_criminal_record: bool, field: str = "no_criminal_record") -> None:
    """Raise ``InvalidInput`` unless the unit declares that the person had no criminal penalty (R20, 条例 art. 6)."""
    if not no_criminal_record:
        raise InvalidInput(
            {field: N_("请先核实该人员未受过刑事处罚并勾选声明；受过刑事处罚的人员不得从事民爆生产、销售。")}
        )


def effective_changes(before: Mapping[str, object], after: Mapping[str, object]) -> frozenset[str]:
    """The fields of ``after`` whose value differs; blanks around a text and empty against None do not count (R14)."""
    return frozenset(field for field, value in after.items() if _plain(value) != _plain(before.get(field)))


def needs_new_approval(state: PersonState, role: Role, changes: Collection[str]) -> bool:
    """Tell whether this edit sends an approved person back to pending:
    an effective one by the unit (R14), none other (R15).
    """
    return state is PersonState.APPROVED and role in UNIT_ROLES and bool(changes)


def obstacle_to_editing(state: PersonState) -> Message | None:
    """Return why the unit cannot edit: with the province, or deregistered (domain.md §8)."""
    if state is PersonState.PENDING:
        return Message(N_("该人员正在等待省级主管部门审批，审批后才能修改。"))
    if state is PersonState.DEREGISTERED:
        return Message(N_("该人员已注销；如需恢复，请按新人员重新录入。"))
    return None


def obstacle_to_deletion(state: PersonState) -> Message | None:
    """Return why the unit cannot delete: only a draft never submitted can be (R16, S43, C4)."""
    if state is PersonState.DRAFT:
        return None
    return Message(N_("该人员已提交过审批，只能修改；确需移除请联系省级主管部门注销。"))


def obstacle_to_deregistration(state: PersonState, has_live_enrollment: bool) -> Message | None:
    """Return why the province cannot deregister; a valid certificate is no obstacle (R17).

    The reason: ``parse_reason``.
    """
    if state in (PersonState.DRAFT, PersonState.DEREGISTERED):
        return Message(N_("该人员当前为“%(state)s”，无须注销。"), state=Message(state.label))
    if has_live_enrollment:
        return Message(N_("该人员有在办的报名，请先撤回或不予确认（已报到的请协会终止培训），再注销。"))
    return None


def warning_of_deregistration(certificate_number: str, valid_to: date) -> Message:
    """The warning before deregistering someone whose certificate is in force (R17, D14)."""
    return Message(
        N_("该人员持有有效证书 %(number)s，至 %(valid_to)s。注销后证书留在台账，查验显示“持证人已注销”，不能撤销。"),
        number=certificate_number,
        valid_to=valid_to.isoformat(),
    )


def _from_permit(id_type: IdType, number: str | None, birth_date: date | None, sex: Sex | None, field: str) -> Identity:
    cleaned = parse_document_number(id_type, number, field)
    missing: dict[str, str | Message] = {}
    if birth_date is None:
        missing["birth_date"] = N_("请按证件填写出生日期。")
    if sex is None:
        missing["sex"] = N_("请按证件选择性别。")
    if birth_date is None or sex is None:
        raise InvalidInput(missing)
    return Identity(cleaned, birth_date, sex)


def _plain(value: object) -> object:
    text = value.strip() if isinstance(value, str) else value
    return None if text == "" else text
