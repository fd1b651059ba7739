"""What a published class may still change (R35): written to its row, told to everybody enrolled, followed by their cases."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from service.domain.training import classes
from service.domain.training.class_progress import came
from service.domain.training.classes import CLASS_MOVES, ClassState
from service.domain.training.enrollment_state import LIVE, EnrollmentState
from service.domain.training.scores import write_score
from service.domain.values.state_machine import check_move
from service.errors import N_, Conflict, InvalidInput, Message
from service.models.db.session import session
from service.models.tables.case import Case
from service.models.tables.organisation import Organisation, authority_id
from service.models.tables.training import Enrollment, Score, TrainingClass
from service.operations.context import Context
from service.operations.published_class import (
    class_of,
    counts_of,
    days_of,
    notify,
)

FIELDS = {
    "place": N_("培训地点"),
    "enrol_from": N_("报名开始日"),
    "enrol_until": N_("报名截止日"),
    "starts_on": N_("开班日"),
    "ends_on": N_("结束日"),
    "capacity": N_("名额"),
    "pass_mark": N_("及格线"),
    "contact": N_("联系人及电话"),
    "body": N_("其他说明"),
}
"""The names of ``domain.classes.OPEN_FIELDS``, in the order they are told in."""
DATES = ("enrol_from", "enrol_until", "starts_on", "ends_on")
FOLLOWED = frozenset({"starts_on", "ends_on"})  # what time limits of enrolments are counted from
WAITING = (EnrollmentState.PENDING, EnrollmentState.CONFIRMED)


def change_class(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change a published class and let everything that depends on it follow (R33, R35).

    data: every field of ``FIELDS``; ``seen``: ``mark`` of the class when the form was drawn. Raises Conflict when a
    colleague changed it meanwhile or it can no longer be changed, InvalidInput at the field that is wrong.
    """
    row = class_of(data, lock=True)
    if data["seen"] != mark(row):
        raise Conflict(N_("该班刚被同事修改，您的改动没有保存；请刷新后核对，再重新修改。"))
    before, after = known(row), _wanted(data)
    changed = differences(row, data)
    counts = counts_of(row)
    _check(row, changed, after, counts)
    for name in changed:
        setattr(row, name, after[name])
    stage = _stage(row, changed, data.get("stage"), context.today)
    session().flush()
    _tell(row, context, [_line(name, before[name], after[name]) for name in changed])
    if FOLLOWED & set(changed):
        _let_follow(row, context)
    context.send(context.case_id, "enrollment_changed")
    return {"stage": stage, **days_of(row)}


def known(row: TrainingClass) -> dict[str, Any]:
    """What stands in the fields that may change."""
    return {name: getattr(row, name) for name in FIELDS}


def mark(row: TrainingClass) -> str:
    """By which it shows whether somebody has changed these fields since."""
    said = json.dumps({name: str(value) for name, value in known(row).items()}, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def differences(row: TrainingClass, data: dict[str, Any]) -> list[str]:
    """The fields in which what is wanted differs from what is."""
    before, after = known(row), _wanted(data)
    return [name for name in FIELDS if (before[name] or None) != (after[name] or None)]


def _wanted(data: dict[str, Any]) -> dict[str, Any]:
    return {name: date.fromisoformat(data[name]) if name in DATES else data[name] for name in FIELDS}


def _check(row: TrainingClass, changed: list[str], after: dict[str, Any], counts: dict[EnrollmentState, int]) -> None:
    if obstacle := classes.obstacle_to_class_changes(ClassState(row.state), changed, has_scores(row)):
        raise Conflict(obstacle)
    classes.check_dates(**{name: after[name] for name in DATES})
    classes.check_moving(changed, came(counts) + counts.get(EnrollmentState.NO_SHOW, 0))
    classes.check_capacity(after["capacity"], row.taken)


def has_scores(row: TrainingClass) -> bool:
    """Whether a score has been entered in it, which fixes the pass mark (R35)."""
    query = select(Score.id).join(Enrollment, Enrollment.id == Score.enrollment_id)
    return session().scalar(query.where(Enrollment.class_id == row.id).limit(1)) is not None


def _stage(row: TrainingClass, changed: list[str], stage: str | None, today: date) -> str:
    """Where its case goes on: a window that is prolonged opens again, before anybody has come (R35, R38).

    stage: what the case remembers; one that was migrated from an older diagram does not.
    """
    if row.state == ClassState.ENROLMENT_CLOSED and "enrol_until" in changed and row.enrol_until >= today:
        check_move(CLASS_MOVES, ClassState.ENROLMENT_CLOSED, ClassState.ENROLLING)
        row.state = ClassState.ENROLLING
        return "enrolling"
    return stage or ("enrolling" if row.state == ClassState.ENROLLING else "enrolment_closed")


def _line(name: str, before: Any, after: Any) -> Message:
    what = Message(FIELDS[name])
    if name == "body":
        return Message(N_("%(what)s改为：%(after)s"), what=what, after=after or "—")
    return Message(
        N_("%(what)s：%(before)s → %(after)s"), what=what, before=_said(name, before), after=_said(name, after)
    )


def _said(name: str, value: Any) -> str:
    return write_score(value) if name == "pass_mark" else str(value or "—")


def _tell(row: TrainingClass, context: Context, lines: list[Message]) -> None:
    """One notice to the units that have people in the class, their groups and provinces, the institution, the association."""
    unit, parent = aliased(Organisation), aliased(Organisation)
    query = (
        select(unit.id, unit.authority_id, parent.id)
        .select_from(Enrollment)
        .join(unit, unit.id == Enrollment.unit_id)
        .outerjoin(parent, parent.id == unit.parent_id)
        .where(Enrollment.class_id == row.id, Enrollment.state.in_(tuple(LIVE)))
        .distinct()
    )
    enrolled = session().execute(query).all()
    if not enrolled:
        return
    offices = [row.organiser_id, row.institution_id, authority_id("association")]
    told = sorted({str(key) for key in [*offices, *(key for one in enrolled for key in one)] if key is not None})
    title = Message(N_("班次变更通知：%(title)s"), title=row.title)
    said = Message(N_("%(title)s（%(code)s）有变更，已报名的人员请按新的安排参加："), title=row.title, code=row.code)
    notify(row, context, title, [said, *lines], units=told)


def _let_follow(row: TrainingClass, context: Context) -> None:
    """Tell the enrolments that wait for confirmation or check-in; refused while one of them cannot follow."""
    waiting = Enrollment.class_id == row.id, Enrollment.state.in_(WAITING)
    cases = select(Enrollment.case_id, Case.awaited).join(Case, Case.id == Enrollment.case_id).where(*waiting)
    found = session().execute(cases.order_by(Enrollment.id)).all()
    if deaf := sum("message:class_changed" not in awaited for _, awaited in found):
        said = Message(N_("有 %(n)s 人的报名按较早版本的流程办理，不能随班改期；请流程管理员先迁移这些案卷。"), n=deaf)
        raise InvalidInput(dict.fromkeys(sorted(FOLLOWED), said), text=said)
    for case_id, _ in found:
        context.send(case_id, "class_changed")
