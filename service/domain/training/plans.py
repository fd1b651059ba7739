"""Training plans (S18, S90, S106): their states, what a sound one looks like,
and when one may be changed or cancelled.
"""

from __future__ import annotations

from datetime import date

from service.domain.values.labelled_enum import Labelled
from service.errors import N_, InvalidInput, Message

MAX_YEARS_AHEAD = 3  # years that may be planned for


class PlanState(Labelled):
    DRAFT = "draft", N_("草稿")  # seen by its owner, the association and the ministry alone
    PUBLISHED = "published", N_("已发布")
    CLOSED = "closed", N_("已结束")  # its year is over
    CANCELLED = "cancelled", N_("已取消")


def check_year(year: int, today: date, field: str = "year") -> None:
    """Raise ``InvalidInput`` for a year that is over or too far away."""
    if not today.year <= year <= today.year + MAX_YEARS_AHEAD:
        raise InvalidInput(
            {
                field: Message(
                    N_("请填写 %(first)s 至 %(last)s 年。"), first=today.year, last=today.year + MAX_YEARS_AHEAD
                )
            }
        )


def check_time(year: int, month: int | None, today: date, field: str = "month") -> None:
    """Raise ``InvalidInput`` for a month that is over: a plan speaks of what is to come."""
    if month is not None and (year, month) < (today.year, today.month):
        raise InvalidInput({field: N_("计划的月份已过，请选择本月或以后。")})


def quarter_of(month: int | None, quarter: int | None) -> int | None:
    """The quarter in which it lies; None when its time is left open."""
    return (month + 2) // 3 if month else quarter


def obstacle_to_editing(state: PlanState) -> Message | None:
    """Return why it cannot be changed: closed or cancelled. A published one may be; its kind may not (R33)."""
    if state in (PlanState.DRAFT, PlanState.PUBLISHED):
        return None
    return Message(N_("计划%(state)s，不能再修改。"), state=Message(state.label))


def obstacle_to_publication(state: PlanState) -> Message | None:
    """Return why it cannot be published: only a draft can."""
    if state is PlanState.DRAFT:
        return None
    return Message(N_("计划%(state)s，无须再发布。"), state=Message(state.label))


def obstacle_to_cancellation(state: PlanState, checked_in: int) -> Message | None:
    """Return why it cannot be cancelled: it is over, or somebody has checked in at a class of it (domain.md §8)."""
    if state not in (PlanState.DRAFT, PlanState.PUBLISHED):
        return Message(N_("计划%(state)s，不能取消。"), state=Message(state.label))
    if checked_in:
        return Message(N_("该计划的培训班已有学员报到，不能取消。"))
    return None


def obstacle_to_class(state: PlanState) -> Message | None:
    """Return why no class can be opened from it: it is not published."""
    if state is PlanState.PUBLISHED:
        return None
    return Message(N_("计划%(state)s，只有已发布的计划可以开班。"), state=Message(state.label))
