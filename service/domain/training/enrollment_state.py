"""The states of an enrolment that rules count by (domain.md §8). The diagram alone says which one comes when."""

from __future__ import annotations

from service.domain.values.labelled_enum import Labelled
from service.errors import N_


class EnrollmentState(Labelled):
    PENDING = "pending", N_("待确认")  # waits for the province of the person's unit
    CONFIRMED = "confirmed", N_("已确认")  # academies begin here (R44)
    CHECKED_IN = "checked_in", N_("已报到")
    SCORED = "scored", N_("成绩待确认")  # score submitted, frozen (R51)
    MAKEUP = "makeup", N_("须补考")  # failed once, one attempt left (R52)
    CERTIFYING = "certifying", N_("办证中")  # passed; the certificate is being printed and approved
    COMPLETED = "completed", N_("已完成")
    FAILED = "failed", N_("未合格")
    REJECTED = "rejected", N_("未获确认")  # by the province, or lapsed (R45)
    WITHDRAWN = "withdrawn", N_("已撤回")
    NO_SHOW = "no_show", N_("未报到")
    CANCELLED = "cancelled", N_("已取消")  # with the class, or before the check-in with what the person held (R80)
    TERMINATED = "terminated", N_("已终止")  # after the check-in, without record (R80)


_S = EnrollmentState

# A live enrolment bars every other (R39), and keeps an expired certificate's renewal alive (R25).
LIVE_STATES = frozenset({_S.PENDING, _S.CONFIRMED, _S.CHECKED_IN, _S.SCORED, _S.MAKEUP, _S.CERTIFYING})
HAVE_COME = (_S.CHECKED_IN, _S.SCORED, _S.MAKEUP, _S.CERTIFYING, _S.COMPLETED, _S.FAILED, _S.TERMINATED)


def has_come(state: EnrollmentState) -> bool:
    """Tell whether the person has been checked in: what ends before frees its seat (R80)."""
    return state in HAVE_COME


def takes_seat(state: EnrollmentState) -> bool:
    """Tell whether it counts against the capacity of its class (R40): all but those that ended before check-in."""
    return state not in (_S.REJECTED, _S.WITHDRAWN, _S.CANCELLED)
