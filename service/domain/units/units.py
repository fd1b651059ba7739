"""Units: groups, enterprises, branches, academies. What makes one complete, and when it may be changed or deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import UNIT_ROLES, Role
from service.domain.units.unit_fields import UNIT_FIELDS
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, Message


class UnitKind(Labelled):
    GROUP = "group", N_("集团")  # may have branches
    ENTERPRISE = "enterprise", N_("企业")
    BRANCH = "branch", N_("分公司")  # of a group, with a province of its own (R9)
    ACADEMY = "academy", N_("院校")  # kept by the association, outside approval and confirmation


class UnitState(Labelled):
    DRAFT = "draft", N_("待完善")  # the account exists, the record is incomplete
    COMPLETE = "complete", N_("正常")
    DELETED = "deleted", N_("已删除")


REQUIRED_FIELDS = tuple(one.input_name for one in UNIT_FIELDS.fields if not one.is_optional)
"""The fields of a complete record (R3), by their names in the form and in its order."""
OPEN_BEFORE_RECORD = frozenset({Action.MODIFY_UNIT, Action.VIEW_UNITS, Action.CHANGE_PASSWORD})
"""The actions open to a group or enterprise whose unit record is incomplete (R3)."""
LOCKED_FIELDS = frozenset({"name", "credit_code", "authority", "kind", "parent"})  # for the unit itself (R11, C6)


def required_fields(kind: UnitKind) -> frozenset[str]:
    """The fields of a complete record of this kind (R3);
    branches and academies may lack a credit code (domain.md §2).
    """
    if kind is UnitKind.ACADEMY:
        return frozenset({"name", "kind", "authority", "contact", "phone"})
    if kind is UnitKind.BRANCH:
        return frozenset(REQUIRED_FIELDS) - {"credit_code"}
    return frozenset(REQUIRED_FIELDS) - {"parent"}


def missing_fields(kind: UnitKind, record: Mapping[str, object]) -> list[str]:
    """The required fields that are empty,
    in the order of the form; none: the record is complete, whoever filled it (C18).
    """
    required = required_fields(kind)
    return [field for field in REQUIRED_FIELDS if field in required and not record.get(field)]


def obstacle_to_work(role: Role, state: UnitState, actions: Collection[Action]) -> Message | None:
    """Refuse a group or enterprise everything but ``OPEN_BEFORE_RECORD`` until its unit record is complete (R3, S30).

    Args:
        actions: what a page or operation needs, any of them; empty when it is open to every account.
    """
    if role not in UNIT_ROLES or (actions and OPEN_BEFORE_RECORD.issuperset(actions)):
        return None
    if state is UnitState.DRAFT:
        return Message(N_("请先完善本单位信息，保存后即可办理其他业务。"))
    if state is UnitState.DELETED:
        return Message(N_("本单位已删除，不能再办理业务，请联系省级主管部门。"))
    return None


def obstacle_to_changes(role: Role, changed: Iterable[str]) -> Message | None:
    """Return why these fields cannot be changed: some are locked for the unit itself (R11)."""
    locked = [field for field in REQUIRED_FIELDS if field in LOCKED_FIELDS and field in set(changed)]
    if role not in UNIT_ROLES or not locked:
        return None
    return Message(
        N_("“%(field)s”由省级主管部门维护，请联系其变更。"), field=Message(UNIT_FIELDS.input_labels[locked[0]])
    )


def obstacle_to_deletion(persons: int, branches: int) -> Message | None:
    """Return why it cannot be deleted (R6, S34). persons: neither draft nor deregistered; branches: not deleted."""
    if persons:
        return Message(N_("该单位下有人员，无法删除；请先变更其单位或由省级主管部门注销。"))
    if branches:
        return Message(N_("该单位下有分公司，无法删除；请先将其转出。"))
    return None


def obstacle_to_conversion(
    kind: UnitKind, to: UnitKind, branches: int, target: UnitKind | None = None, target_is_self: bool = False
) -> Message | None:
    """Return why it cannot become another kind (R7, R8). branches: its live ones; target: of the group it would join.

    To a branch from a unit without branches, under a live group other than itself; from a branch to a group or
    enterprise freely; a group becomes an enterprise only without branches.
    """
    if UnitKind.ACADEMY in (kind, to) or kind is to:
        return Message(N_("不能从“%(kind)s”转为“%(to)s”。"), kind=Message(kind.label), to=Message(to.label))
    if branches and to is not UnitKind.GROUP:
        return Message(N_("该集团下有分公司，不能转换；请先将其转出。"))
    if to is UnitKind.BRANCH and (target is not UnitKind.GROUP or target_is_self):
        return Message(N_("请选择另一家集团作为所属集团。"))
    return None
