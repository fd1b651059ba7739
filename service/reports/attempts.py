"""Outcomes of enrolments in SQL: participated = took an attempt, passed = a confirmed score reached the mark (§11).

An absence (缺考) is an entry without a value: it took no attempt. Who awaits the make-up has neither passed nor failed.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, select, true
from sqlalchemy.orm import aliased

from service.domain.values.calendar import start_of_day
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.training.training import Enrollment, Score, TrainingClass

CAME = ("checked_in", "scored", "makeup", "certifying", "completed", "failed", "terminated")
CONFIRMED = ("confirmed", "no_show", *CAME)

PASSED = ("certifying", "completed")  # states that only a passed attempt leads to
ENDED = ("failed", "terminated")  # a passed attempt does not show in these: the certificate was voided
TRIED = ("checked_in", "scored", "makeup", "failed", "terminated")  # states that an attempt may have been taken in

First, Second = aliased(Score), aliased(Score)


def _has(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Test for a score of the enrolment. The limit makes the planner look one up instead of reading all."""
    found = select(literal(1)).where(Score.enrollment_id == Enrollment.id, *conditions)
    return found.limit(1).scalar_subquery().is_not(None)


# The state says it for nearly all; scores are looked up for the others alone.
participated: ColumnElement[bool] = case(
    (Enrollment.state.in_(PASSED), true()),
    (Enrollment.state.in_(TRIED), _has(Score.value.is_not(None))),
    else_=false(),
)
judged: ColumnElement[bool] = case(
    (Enrollment.state.in_(PASSED), true()),
    (Enrollment.state.in_(TRIED), _has(Score.value.is_not(None), Score.confirmed_at.is_not(None))),
    else_=false(),
)
"""Took an attempt whose score is confirmed: the whole of a pass rate, which says nothing of the others (R88)."""
passed: ColumnElement[bool] = case(
    (Enrollment.state.in_(PASSED), true()),
    (Enrollment.state.in_(ENDED), _has(Score.confirmed_at.is_not(None), Score.value >= TrainingClass.pass_mark)),
    else_=false(),
)
failed: ColumnElement[bool] = and_(Enrollment.state == "failed", participated, ~passed)


def with_scores(query: Any) -> Any:
    """Join the scores of both attempts to a query of enrolments; each has one row at most."""
    return query.outerjoin(First, and_(First.enrollment_id == Enrollment.id, First.attempt == 1)).outerjoin(
        Second, and_(Second.enrollment_id == Enrollment.id, Second.attempt == 2)
    )


def certified() -> ColumnElement[bool]:
    """Test for an approved certificate of the enrolment; a completed one has it, except refreshers (R54, R57)."""
    made = exists().where(Certificate.enrollment_id == Enrollment.id, Certificate.approval == "approved")
    return case(
        (Enrollment.state == "completed", Enrollment.kind != "refresher"),
        (Enrollment.state == "certifying", made.where(Certificate.state != "void")),
        else_=false(),
    )


def in_year(column: Any, year: int) -> ColumnElement[bool]:
    """Test for a civil date in a year; as a range, whose rows the planner can estimate."""
    return column.between(date(year, 1, 1), date(year, 12, 31))


def made_in_year(column: Any, year: int) -> ColumnElement[bool]:
    """Test for an instant in a civil year of China."""
    begin, end = (start_of_day(date(first, 1, 1)) for first in (year, year + 1))
    return and_(column >= begin, column < end)


def number_of(condition: ColumnElement[bool]) -> Any:
    """Count the rows of a group that fulfil a condition."""
    return func.count().filter(condition)


def flag(condition: ColumnElement[bool]) -> Any:
    """1 where the condition holds, else 0: to be summed."""
    return case((condition, 1), else_=0)
