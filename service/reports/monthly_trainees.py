"""近 12 个月培训人次: how many came to classes that ended in each of the last twelve months;
a picture for the first page.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import extract, func, select

from service.errors import N_
from service.models.db.clock import today
from service.models.db.session import session
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.training.training import Enrollment, TrainingClass
from service.reports.attempts import CAME
from service.reports.framework.chart import Bar, Chart

MONTHS = 12


def chart(user: User) -> Chart:
    """A column a month, the present one last."""
    last = today()
    months = [_before(last, n) for n in range(MONTHS - 1, -1, -1)]
    year, month = extract("year", TrainingClass.ends_on), extract("month", TrainingClass.ends_on)
    query = (
        select(year.label("year"), month.label("month"), func.count().label("came"))
        .join(Enrollment, Enrollment.class_id == TrainingClass.id)
        .where(
            TrainingClass.ends_on >= months[0],
            TrainingClass.ends_on < _before(last, -1),
            Enrollment.state.in_(CAME),
            visible_to(user, Enrollment),
        )
        .group_by(year, month)
    )
    found = {(int(row.year), int(row.month)): row.came for row in session().execute(query)}
    bars = tuple(Bar(f"{m.month:02}", (found.get((m.year, m.month), 0),)) for m in months)
    return Chart(N_("近 12 个月培训人次"), bars, kind="columns")


def _before(day: date, months: int) -> date:
    """The first of the month so many months before; negative ones lie ahead."""
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)
