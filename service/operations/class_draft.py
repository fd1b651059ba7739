"""Draft of a class: typed fields checked and written to its row, with its code."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.domain.accounts.roles import Role
from service.domain.training import classes, plans
from service.domain.training.class_fields import CLASS_FIELDS, DATES
from service.domain.training.classes import ClassState
from service.domain.training.plans import PlanState
from service.domain.training.training_kind import TrainingKind
from service.domain.units.units import UnitState
from service.errors import N_, Conflict, InvalidInput, Message
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.persons.person import QualificationType
from service.models.tables.training.training import TrainingClass, TrainingPlan
from service.models.tables.units.organisation import Organisation
from service.operations.context import Context
from service.operations.training_classes import load_class_of_case
from service.validation.record_fields import Place
from service.validation.typed_text import as_id

REQUIRED_FIELDS = tuple(one.key for one in CLASS_FIELDS.fields if one.required)
"""Fields without which a draft has no row; the form requires them when the class is published."""
CODE_LETTERS = {TrainingKind.INITIAL: "QZ", TrainingKind.REFRESHER: "ZX", TrainingKind.RENEWAL: "HZ"}


def write_draft(data: dict[str, Any], context: Context, role: Role, organiser: Organisation) -> TrainingClass:
    """Create or change the draft of a case (domain.md §7, R33, R36).

    Raises InvalidInput at the field that is wrong or missing, before anything is changed.
    """
    if missing := [name for name in REQUIRED_FIELDS if data.get(name) in (None, "", [])]:
        raise InvalidInput(dict.fromkeys(missing, Message(N_("这一项必填。"))))
    kind = TrainingKind(data["kind"])
    classes.check_organiser(role, kind)
    days = {name: date.fromisoformat(data[name]) for name in DATES}
    classes.check_dates(**days)
    classes.check_hours(data["hours"], _minimum_hours(data["qualification_types"], kind))
    classes.check_capacity(data["capacity"])
    plan_id, institution_id = _plan(data, kind, organiser), _institution(data["institution_id"])
    row = _row(data, context, kind, organiser, days["starts_on"].year)
    row.plan_id, row.kind, row.institution_id = plan_id, kind, institution_id
    for field in CLASS_FIELDS.plain(Place.FORM):
        setattr(row, field.key, days.get(field.key, data[field.key]))
    row.qualification_types = sorted(data["qualification_types"])
    row.makeup_allowed = bool(data["makeup_allowed"])
    row.open_to_other_provinces = bool(data["open_to_other_provinces"])
    session().add(row)
    session().flush()
    return row


def _row(
    data: dict[str, Any], context: Context, kind: TrainingKind, organiser: Organisation, year: int
) -> TrainingClass:
    if "class_id" not in data:
        code = _code(kind, organiser, year)
        return TrainingClass(
            id=new_id(),
            code=code,
            organiser_id=organiser.id,
            state=ClassState.DRAFT,
            case_id=context.case_id,
            taken=0,
            enrolment_closed=False,
        )
    row = load_class_of_case(context)
    if row.state != ClassState.DRAFT:
        raise Conflict(N_("这个班已经发布，不能再按草稿修改。"))
    return row


def _code(kind: TrainingKind, organiser: Organisation, year: int) -> str:
    """Return the next code, such as ``2026QZ00-003``: year, kind, province (00: association), serial.

    The organiser's row is locked, so that two drafts do not get the same serial.
    """
    session().execute(select(Organisation.id).where(Organisation.id == organiser.id).with_for_update())
    stem = f"{year}{CODE_LETTERS[kind]}{organiser.code if organiser.kind == 'province' else '00'}-"
    codes = set(session().scalars(select(TrainingClass.code).where(TrainingClass.code.startswith(stem))))
    given = [int(serial) for code in codes if (serial := code.removeprefix(stem)).isdecimal()]
    return f"{stem}{max(given, default=0) + 1:03d}"


def _minimum_hours(codes: list[str], kind: TrainingKind) -> dict[str, int]:
    """Return the minimum hours of each admitted type by its name (R36). Raises InvalidInput for an unknown type."""
    found = session().scalars(
        select(QualificationType).where(QualificationType.code.in_(codes), QualificationType.active)
    )
    types = list(found)
    if not types or len(types) != len(set(codes)):
        raise InvalidInput({"qualification_types": N_("请从列表中选择招收的资格类型。")})
    return {t.name: int(getattr(t, f"{kind}_hours")) for t in types}


def _plan(data: dict[str, Any], kind: TrainingKind, organiser: Organisation) -> UUID | None:
    """Return the organiser's plan that the class fulfils, if any (R33). Raises InvalidInput for a plan of another
    organiser or kind, Conflict for one that is not in force."""
    if not data.get("plan_id"):
        return None
    plan = session().get(TrainingPlan, UUID(data["plan_id"]))
    if plan is None or plan.owner_id != organiser.id:
        raise InvalidInput({"plan_id": N_("请从本单位已发布的计划开班。")})
    if obstacle := plans.obstacle_to_class(PlanState(plan.state)):
        raise Conflict(obstacle)
    if plan.kind != kind:
        raise InvalidInput({"kind": N_("类型须与所依据的计划相同。")})
    return plan.id


def _institution(value: str) -> UUID:
    key = as_id(value)
    found = session().get(Organisation, key) if key else None
    if found is None or found.kind != "training_institution" or found.state == UnitState.DELETED:
        raise InvalidInput({"institution_id": N_("请从列表中选择承办的培训机构。")})
    return found.id
