"""Corrections of identity (R77): which fields are locked, and why one is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.persons.persons import PersonState
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, Message

LOCKED = {
    "name": N_("姓名"),
    "id_type": N_("证件类型"),
    "id_number": N_("证件号码"),
    "birth_date": N_("出生日期"),
    "sex": N_("性别"),
}
"""The fields that say who a person is, by their name on forms; locked while a certificate or live enrolment stands."""

IDENTITY_LOCKED = Message(
    N_("该人员有证书或在办的报名，身份信息不能直接修改；录错、换证件或更名请办理“更正身份”，并附证明材料。")
)
OTHER_IDENTITY = Message(
    N_("这个证件号码以前登记的身份与此不同，且有证书；请按原登记填写，录入并审批后再办理“更正身份”。")
)


class CorrectionKind(Labelled):
    """The reason of a correction."""

    TYPING = "typing", N_("录入有误")
    DOCUMENT = "document", N_("换了证件")
    NAME = "name", N_("更改姓名")


class CorrectionState(Labelled):
    REQUESTED = "requested", N_("待省级主管部门审批")
    APPROVED = "approved", N_("待协会复核")
    APPLIED = "applied", N_("已更正")
    REFUSED = "refused", N_("未获准")
    WITHDRAWN = "withdrawn", N_("已撤回")
    LAPSED = "lapsed", N_("已终止")  # the person was deregistered meanwhile


def changed_fields(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """Name the locked fields whose values differ, in the order of the form."""
    return tuple(field for field in LOCKED if before[field] != after[field])


def obstacle_to_correction(state: PersonState, is_locked: bool, is_under_way: bool) -> Message | None:
    """Return why no correction can be asked for: it is simpler, impossible, or asked for already (R77)."""
    if state is PersonState.DEREGISTERED:
        return Message(N_("该人员已注销，不能更正。"))
    if is_under_way:
        return Message(N_("该人员的身份更正正在办理，请等待结论。"))
    if not is_locked:
        return Message(N_("该人员没有证书和在办的报名，可以直接修改资料。"))
    return None


def obstacle_to_kind(kind: CorrectionKind, changed: tuple[str, ...]) -> Message | None:
    """Return why the reason does not fit what changes: a change of name leaves the document's number as it is."""
    if not changed:
        return Message(N_("填写的身份与现在登记的相同，没有要更正的内容。"))
    if kind is CorrectionKind.NAME and changed != ("name",):
        return Message(N_("更改姓名时只能改姓名；证件也换了的，请选“换了证件”。"))
    if kind is CorrectionKind.DOCUMENT and "id_number" not in changed:
        return Message(N_("换了证件的，证件号码应有变化；请核对，或选其他原因。"))
    return None
