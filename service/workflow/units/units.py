"""Plain audited changes of units: entering one, its record and completeness (R3, R10, R11)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import UNIT_ROLES, Role
from service.domain.units import units
from service.domain.units.credit_code import is_fit, parse_credit_code
from service.domain.units.unit_fields import UNIT_FIELDS
from service.domain.units.units import UnitKind, UnitState, missing_fields
from service.domain.values.names import unit_name
from service.domain.values.validators import normalise
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation
from service.validation.form_reader import FormReader
from service.validation.record_fields import Place
from service.workflow.authorization import must_have_record, must_reach
from service.workflow.optimistic_lock import check_version

NAME_TAKEN = Message(N_("本省已有同名的单位，请核对。"))
DELETED = N_("该单位已删除，不能再变更。")
CODE_TAKEN = Message(N_("这个统一社会信用代码已属于另一个单位，请核对。"))


def create_unit(user: User, raw: Mapping[str, Any]) -> Organisation:
    """Enter a unit (S31, S67): by its province, or by the association, which also enters academies.

    raw: the fields of ``UNIT_FIELDS``; authority and parent are ids. Only name, kind and authority must be there: the
    unit itself completes the rest (R3). Raises InvalidInput, NotAllowed.
    """
    with transaction(Operation("create_unit", user.id)) as current:
        entry = FormReader(raw)
        kind = entry.choice("kind", list(UnitKind), required=True)
        unit = Organisation(id=new_id(), kind=kind or "enterprise", name="", state="draft", names_history=[])
        unit.name = unit_name(entry.name("name", 100))
        _place(user, unit, entry)
        entry.check()
        must_reach(user, Action.EDIT_ACADEMY if kind == "academy" else Action.ADD_UNIT, unit)
        _fill(unit, entry)
        entry.check()
        unit.state = "draft" if missing(unit) else "complete"
        current.add(unit)
        flush()
    return unit


def save_unit(user: User, unit_id: UUID, raw: Mapping[str, Any]) -> Organisation:
    """Change a unit's record; complete, it opens everything else to its users (R3).

    A unit's own users cannot change what is locked for them (R11). raw may carry ``version``: another one than the
    row's raises Conflict. Raises InvalidInput, NotFound.
    """
    with transaction(Operation("save_unit", user.id)):
        unit = get_or_404_in_scope(user, Organisation, unit_id)
        if not unit.is_unit:
            raise NotFound
        must_reach(user, Action.EDIT_ACADEMY if unit.kind == "academy" else Action.MODIFY_UNIT, unit)
        session().refresh(unit, with_for_update={"key_share": True})  # as it is now: two who save at once take turns
        if unit.state == UnitState.DELETED:
            raise Conflict(DELETED)
        check_version(unit.version, raw)
        entry = FormReader(raw)
        locked = [name for name in ("name", "credit_code", "kind", "authority", "parent") if entry.has(name)]
        if Role(user.role) in UNIT_ROLES:
            # a locked field that is still empty may be filled in, or the record could never be completed
            changed = [n for n in locked if entry.typed(n) and _shown(unit, n) and entry.typed(n) != _shown(unit, n)]
            if obstacle := units.obstacle_to_changes(Role(user.role), changed):
                raise InvalidInput({changed[0]: obstacle})
            _fill(unit, entry, is_own=True)
        else:
            _fill(unit, entry)
        entry.check()
        unit.state = "draft" if missing(unit) else "complete"
        flush()
    return unit


def missing(unit: Organisation) -> list[str]:
    """The fields that its record still lacks, in the order of the form."""
    return missing_fields(UnitKind(unit.kind), record(unit))


def record(unit: Organisation) -> dict[str, object]:
    """The fields of ``UNIT_FIELDS`` of a unit."""
    return {one.input_name: getattr(unit, one.key) for one in UNIT_FIELDS.fields}


def must_be_complete(user: User, action: Action) -> None:
    """Raise Conflict while the user's unit has not completed its record (R3)."""
    must_have_record(user, action)


def _shown(unit: Organisation, name: str) -> str:
    return str(record(unit)[name] or "")


def _place(user: User, unit: Organisation, entry: FormReader) -> None:
    """Province and group of a new unit; a provincial user's are in the user's own province."""
    if user.role == Role.PROVINCIAL_AUTHORITY:
        unit.authority_id = user.organisation_id
        if entry.has("authority") and entry.id("authority") != user.organisation_id:
            entry.refuse("authority", N_("只能登记本省的单位。"))
    else:
        unit.authority_id = entry.id("authority", required=unit.kind != "academy")
    if unit.kind == "branch":
        group = Organisation.hold(entry.id("parent"))
        if group is None or group.kind != "group" or group.state == "deleted":
            entry.refuse("parent", N_("请选择所属集团。"))
        else:
            unit.parent_id = group.id
    if unit.authority_id is not None:
        province = session().get(Organisation, unit.authority_id)
        if province is None or province.kind != "province":
            entry.refuse("authority", N_("请从列表中选择省份。"))


def _fill(unit: Organisation, entry: FormReader, *, is_own: bool = False) -> None:
    """The fields anybody who may modify the unit may change, and the credit code for authorities."""
    if entry.has("credit_code") and not (is_own and unit.credit_code):
        _fill_credit_code(unit, entry, is_own)
    for field in UNIT_FIELDS.plain(Place.FORM):
        setattr(unit, field.key, entry.record_field(field, today()) or None)


def _fill_credit_code(unit: Organisation, entry: FormReader, is_own: bool) -> None:
    """Read the code; one whose check character does not fit stands when an authority says why, and that is kept."""
    code = normalise(entry.typed("credit_code"))
    reason = None if is_own else entry.lines("credit_code_reason", 500)
    if code and code == unit.credit_code:
        unit.credit_code_reason = None if is_fit(code) else reason or unit.credit_code_reason
        return
    unit.credit_code = entry.parse(partial(parse_credit_code, is_vouched=bool(reason)), code) if code else None
    unit.credit_code_reason = reason if unit.credit_code and not is_fit(unit.credit_code) else None


def flush() -> None:
    """Write now, so that a name or code that is taken is told at its field."""
    try:
        session().flush()
    except IntegrityError as error:
        if "uq_organisation_credit_code" in str(error.orig):
            raise InvalidInput({"credit_code": CODE_TAKEN}) from error
        if "uq_organisation_name" in str(error.orig):
            raise InvalidInput({"name": NAME_TAKEN}) from error
        raise
