"""Change of a published class in 开班 (R35): written to its row,
published to the units enrolled, followed by their cases.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from service.domain.training import classes
from service.domain.training.class_fields import DATES
from service.domain.training.class_progress import PROGRESS, came, progress
from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import LIVE_STATES, EnrollmentState
from service.domain.training.scores import write_score
from service.errors import N_, Conflict, InvalidInput, Message
from service.handlers.registry import topic
from service.models.db.session import session
from service.models.tables.runtime.case import Case
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation, authority_id
from service.operations.class_change import (
    FIELD_LABELS,
    changed_fields,
    fields_digest,
    has_scores,
    parse_fields,
    read_fields,
)
from service.operations.context import Context
from service.operations.personal_values import with_texts
from service.operations.training_classes import (
    CLASS_DEADLINES,
    compute_deadlines,
    count_enrollments,
    load_class_of_case,
    publish_class_notice,
)

FOLLOWED_FIELDS = frozenset({"starts_on", "ends_on"})  # the time limits of enrolments are counted from these
WAITING = (EnrollmentState.PENDING, EnrollmentState.CONFIRMED)


@topic(
    "class_change.change_class",
    needs=f"seen {' '.join(FIELD_LABELS)}",
    reads="stage",
    gives=f"stage class_state {CLASS_DEADLINES}",
    values={"stage": "enrolling enrolment_closed check_in_closed", "class_state": PROGRESS},
)
def change_class(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change a published class, publish a notice, and let the cases of its enrolments follow (R33, R35).

    data: every field of ``FIELD_LABELS``; ``seen``: ``fields_digest`` of the class when the form was drawn. Raises
    Conflict when a colleague changed it meanwhile or it can no longer change, InvalidInput at the field that is wrong.
    """
    data, row = with_texts(data), load_class_of_case(context, lock=True)
    if data["seen"] != fields_digest(row):
        raise Conflict(N_("该班刚被同事修改，您的改动没有保存；请刷新后核对，再重新修改。"))
    before, after = read_fields(row), parse_fields(data)
    changed = changed_fields(row, data)
    counts = count_enrollments(row)
    _check(row, changed, after, counts)
    for name in changed:
        setattr(row, name, after[name])
    stage = _stage(row, changed, data.get("stage"), context.today)
    session().flush()
    _publish_change(row, context, [_line(name, before[name], after[name]) for name in changed])
    if FOLLOWED_FIELDS & set(changed):
        _message_waiting_enrollments(row, context)
    context.send_message(context.case_id, "enrollment_changed")
    return {"stage": stage, "class_state": progress(row.enrolment_closed, counts).value, **compute_deadlines(row)}


def _check(row: TrainingClass, changed: list[str], after: dict[str, Any], counts: dict[EnrollmentState, int]) -> None:
    if obstacle := classes.obstacle_to_class_changes(ClassState(row.state), changed, has_scores(row)):
        raise Conflict(obstacle)
    classes.check_dates(**{name: after[name] for name in DATES})
    classes.check_moving(changed, came(counts) + counts.get(EnrollmentState.NO_SHOW, 0))
    classes.check_capacity(after["capacity"], row.taken)


def _stage(row: TrainingClass, changed: list[str], stage: str | None, today: date) -> str:
    """Return the stage at which the case goes on; a prolonged window reopens the enrolment (R35, R38).

    stage: the case's variable, None in a case that was migrated from an older diagram.
    """
    if row.enrolment_closed and "enrol_until" in changed and row.enrol_until >= today:
        row.enrolment_closed = False
        return "enrolling"
    return stage or ("enrolment_closed" if row.enrolment_closed else "enrolling")


def _line(name: str, before: Any, after: Any) -> Message:
    what = Message(FIELD_LABELS[name])
    if name == "body":
        return Message(N_("%(what)s改为：%(after)s"), what=what, after=after or "—")
    return Message(
        N_("%(what)s：%(before)s → %(after)s"), what=what, before=_said(name, before), after=_said(name, after)
    )


def _said(name: str, value: Any) -> str:
    return write_score(value) if name == "pass_mark" else str(value or "—")


def _publish_change(row: TrainingClass, context: Context, lines: list[Message]) -> None:
    """Publish one notice to the units enrolled, their groups and provinces, the institution and the association."""
    unit, parent = aliased(Organisation), aliased(Organisation)
    query = (
        select(unit.id, unit.authority_id, parent.id)
        .select_from(Enrollment)
        .join(unit, unit.id == Enrollment.unit_id)
        .outerjoin(parent, parent.id == unit.parent_id)
        .where(Enrollment.class_id == row.id, Enrollment.state.in_(tuple(LIVE_STATES)))
        .distinct()
    )
    enrolled = session().execute(query).all()
    if not enrolled:
        return
    offices = [row.organiser_id, row.institution_id, authority_id("association")]
    told = sorted({str(key) for key in [*offices, *(key for one in enrolled for key in one)] if key is not None})
    title = Message(N_("班次变更通知：%(title)s"), title=row.title)
    said = Message(N_("%(title)s（%(code)s）有变更，已报名的人员请按新的安排参加："), title=row.title, code=row.code)
    publish_class_notice(row, context, title, [said, *lines], units=told)


def _message_waiting_enrollments(row: TrainingClass, context: Context) -> None:
    """Send ``class_changed`` to the enrolments that wait for confirmation or check-in.

    Raises InvalidInput while one of them runs by an older diagram that does not receive it.
    """
    waiting = Enrollment.class_id == row.id, Enrollment.state.in_(WAITING)
    cases = select(Enrollment.case_id, Case.awaited).join(Case, Case.id == Enrollment.case_id).where(*waiting)
    found = session().execute(cases.order_by(Enrollment.id)).all()
    if unaware := sum("message:class_changed" not in awaited for _, awaited in found):
        said = Message(
            N_("有 %(n)s 人的报名按较早版本的流程办理，不能随班改期；请流程管理员先迁移这些案卷。"), n=unaware
        )
        raise InvalidInput(dict.fromkeys(sorted(FOLLOWED_FIELDS), said), text=said)
    for case_id, _ in found:
        context.send_message(case_id, "class_changed")
