"""What enrolments come to, in SQL: participated = took an attempt, passed = a confirmed score reached the mark (§11).

An absence (缺考) is an entry without a value: it took no attempt. Who awaits the make-up has neither passed nor failed.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from service.models import Certificate, Enrollment, Score, TrainingClass

CAME = ("checked_in", "scored", "makeup", "certifying", "completed", "failed")
CONFIRMED = ("confirmed", "no_show", *CAME)

First, Second = aliased(Score), aliased(Score)

participated: ColumnElement[bool] = or_(First.value.is_not(None), Second.value.is_not(None))
passed: ColumnElement[bool] = func.coalesce(
    or_(
        and_(First.confirmed_at.is_not(None), First.value >= TrainingClass.pass_mark),
        and_(Second.confirmed_at.is_not(None), Second.value >= TrainingClass.pass_mark),
    ),
    False,
)
failed: ColumnElement[bool] = and_(participated, ~passed, Enrollment.state == "failed")


def with_scores(query: Any) -> Any:
    """Join the scores of both attempts to a query of enrolments; each has one row at most."""
    return query.outerjoin(First, and_(First.enrollment_id == Enrollment.id, First.attempt == 1)).outerjoin(
        Second, and_(Second.enrollment_id == Enrollment.id, Second.attempt == 2)
    )


def certified() -> ColumnElement[bool]:
    """Whether the enrolment has brought an approved certificate."""
    made = select(Certificate.enrollment_id).where(
        Certificate.enrollment_id.is_not(None), Certificate.approval == "approved", Certificate.state != "void"
    )
    return Enrollment.id.in_(made)


def in_year(column: Any, year: int) -> ColumnElement[bool]:
    """Whether a civil date lies in a year; a range, so that the planner knows how many do."""
    return column.between(date(year, 1, 1), date(year, 12, 31))


def number_of(condition: ColumnElement[bool]) -> Any:
    """How many rows of a group fulfil a condition."""
    return func.count().filter(condition)


def flag(condition: ColumnElement[bool]) -> Any:
    """1 where the condition holds, else 0: to be summed."""
    return case((condition, 1), else_=0)
