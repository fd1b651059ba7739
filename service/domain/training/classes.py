"""Training classes: who organises which, what a sound one looks like, its windows, and what may still be changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

from service.domain.accounts.roles import Role
from service.domain.training.class_fields import CLASS_FIELDS
from service.domain.training.training_kind import TrainingKind
from service.domain.values.calendar import DAY, start_of_day
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, InvalidInput, Message
from service.validation.record_fields import Place

WARNING_DAYS = 2  # before an unconfirmed enrolment lapses (R45)


class ClassState(Labelled):
    DRAFT = "draft", N_("草稿")
    ENROLLING = "enrolling", N_("报名中")
    ENROLMENT_CLOSED = "enrolment_closed", N_("报名截止")
    RUNNING = "running", N_("开班")  # from the first check-in
    SCORED = "scored", N_("成绩待确认")  # all who checked in are scored and submitted
    CONFIRMED = "confirmed", N_("成绩已确认")
    COMPLETED = "completed", N_("已结班")  # every enrolment has ended
    CANCELLED = "cancelled", N_("已取消")


_S = ClassState
CANCELLABLE = frozenset({_S.DRAFT, _S.ENROLLING, _S.ENROLMENT_CLOSED})  # R37
ENROLLABLE = frozenset({_S.ENROLLING, _S.RUNNING})  # while the enrolment is not closed (R38, R86)

ORGANISES: Mapping[Role, frozenset[TrainingKind]] = {
    Role.ASSOCIATION: frozenset({TrainingKind.INITIAL}),
    Role.PROVINCIAL_AUTHORITY: frozenset({TrainingKind.REFRESHER, TrainingKind.RENEWAL}),
}

MIN_HOURS: Mapping[TrainingKind, int] = {  # the default of a qualification type (domain.md §1.2)
    TrainingKind.INITIAL: 48,
    TrainingKind.REFRESHER: 16,
    TrainingKind.RENEWAL: 16,
}

# What may still change once published (R35); the kind never does (R33).
OPEN_FIELDS = frozenset(CLASS_FIELDS.keys_at(Place.CHANGE))
START_FIELDS = frozenset({"enrol_from", "enrol_until", "starts_on"})


def may_organise(role: Role, kind: TrainingKind) -> bool:
    """Tell whether the role publishes classes of this kind: the association initial ones,
    provinces the others (R33, S49).
    """
    return kind in ORGANISES.get(role, frozenset())


def check_organiser(role: Role, kind: TrainingKind, field: str = "kind") -> None:
    """Raise ``InvalidInput`` unless ``may_organise``."""
    if not may_organise(role, kind):
        raise InvalidInput({field: N_("取证班由协会开班，再培训班和换证班由省级主管部门开班，请重新选择。")})


def check_dates(enrol_from: date, enrol_until: date, starts_on: date, ends_on: date) -> None:
    """Raise ``InvalidInput`` unless enrol_from ≤ enrol_until ≤ starts_on ≤ ends_on (domain.md §7)."""
    wrong: dict[str, str | Message] = {}
    if enrol_until < enrol_from:
        wrong["enrol_until"] = N_("报名截止日不能早于报名开始日。")
    if starts_on < enrol_until:
        wrong["starts_on"] = N_("开班日不能早于报名截止日。")
    if ends_on < starts_on:
        wrong["ends_on"] = N_("结束日不能早于开班日。")
    if wrong:
        raise InvalidInput(wrong)


def check_hours(hours: int, least: Mapping[str, int], field: str = "hours") -> None:
    """Raise ``InvalidInput`` unless the hours reach the minimum of every type admitted (R36).

    least: name of the qualification type → its minimum for the kind of the class.
    """
    for name, minimum in least.items():
        if hours < minimum:
            raise InvalidInput(
                {
                    field: Message(
                        N_("“%(type)s”至少需要 %(least)s 学时，请增加学时。"), type=Message(name), least=minimum
                    )
                }
            )


def check_capacity(capacity: int, taken: int = 0, field: str = "capacity") -> None:
    """Raise ``InvalidInput`` unless there is a seat, and one for everybody already enrolled (R35, R40)."""
    if capacity < max(1, taken):
        raise InvalidInput({field: Message(N_("名额不能少于 %(least)s 人。"), least=max(1, taken))})


def obstacle_to_class_changes(state: ClassState, changed: Iterable[str], has_scores: bool) -> Message | None:
    """Return why these fields cannot be changed now (R33, R35)."""
    fields = set(changed)
    if state is ClassState.DRAFT:
        return None
    if state in (ClassState.COMPLETED, ClassState.CANCELLED):
        return Message(N_("培训班%(state)s，不能再修改。"), state=Message(state.label))
    if fields - OPEN_FIELDS:
        return Message(N_("发布后只能修改地点、日期、名额、联系人和说明；其他内容请取消后重新开班。"))
    if "pass_mark" in fields and has_scores:
        return Message(N_("已有成绩，及格线不能再修改。"))
    return None


def check_moving(changed: Iterable[str], arrived: int) -> None:
    """Raise ``InvalidInput`` at the dates that are past changing: once people have come,
    the class has begun (R35, R48).

    arrived: how many have checked in, or were noted as not having come.
    """
    if arrived and (fixed := START_FIELDS & set(changed)):
        said = Message(N_("已有学员报到或报到已结束，报名期和开班日不能再改；结束日还可以改。"))
        raise InvalidInput(dict.fromkeys(sorted(fixed), said), text=said)


def obstacle_to_cancellation(state: ClassState, checked_in: int) -> Message | None:
    """Return why it cannot be cancelled: somebody has checked in, or it is over (R37)."""
    if checked_in or state not in CANCELLABLE:
        return Message(N_("已有学员报到或培训班已结束，不能取消。"))
    return None


def obstacle_to_window(
    state: ClassState, is_closed: bool, enrol_from: date, enrol_until: date, today: date
) -> Message | None:
    """Return why nobody can be enrolled today: both ends of the window belong to it (R38), whether or not the class
    is running already (R86).

    is_closed: the enrolment was closed, by its organiser or because the window was over.
    """
    if state not in ENROLLABLE:
        return Message(N_("该班当前为“%(state)s”，不接受报名，请选择其他班次。"), state=Message(state.label))
    if today < enrol_from:
        return Message(N_("报名从 %(day)s 开始，请届时再报。"), day=enrol_from.isoformat())
    if today > enrol_until:
        return Message(N_("报名已于 %(day)s 截止，请选择其他班次。"), day=enrol_until.isoformat())
    return Message(N_("报名已提前截止，请选择其他班次。")) if is_closed else None


def is_open_to(authority: UUID, organiser: UUID, organiser_role: Role, to_others: bool) -> bool:
    """Tell whether persons of a province may join: the association's classes are for all, a province's for its own
    unless opened to others (R34, S61).
    """
    return to_others or organiser_role is Role.ASSOCIATION or authority == organiser


def confirm_until(starts_on: date, days_before: int = 0) -> date:
    """The last day on which the province may confirm or refuse; by default the first of the class (R45)."""
    return starts_on - days_before * DAY


def confirmation_lapses_at(last_day: date) -> datetime:
    """The instant at which what is unconfirmed lapses: the end of the last day (R45)."""
    return start_of_day(last_day + DAY)


def confirmation_warning_at(last_day: date) -> datetime:
    """The instant at which the province is warned: two days before the last day begins (R45)."""
    return start_of_day(last_day - WARNING_DAYS * DAY)


def is_check_in_day(starts_on: date, ends_on: date, today: date) -> bool:
    """Tell whether the association may check in today: from the day before the class to its last day (R48)."""
    return first_check_in_day(starts_on) <= today <= ends_on


def first_check_in_day(starts_on: date) -> date:
    """The day before the class begins (R48)."""
    return starts_on - DAY


def refresher_year(ends_on: date) -> int:
    """The calendar year for which a refresher class counts (R54)."""
    return ends_on.year
