"""Enrolments: who may be enrolled, confirmed, withdrawn, checked in, scored. Their states: enrollment_state.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.accounts.scopes import (
    Actor,
    ScopedObject,
    includes,
    scope_of,
)
from service.domain.persons.persons import PersonState
from service.domain.training.classes import ClassState, is_check_in_day, obstacle_to_window
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import Facts, Need, explain
from service.errors import N_, Message

FULL = Message(N_("该班名额已满，请选择其他班次。"))  # R40: said by whoever takes the seat
ENDABLE = frozenset(
    {EnrollmentState.CHECKED_IN, EnrollmentState.SCORED, EnrollmentState.MAKEUP, EnrollmentState.CERTIFYING}
)
"""States in which the association can end a training with a reason (R80)."""
LAPSED = Message(N_("过期未确认"))  # R45: the reason recorded when time confirms nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A person on the day in question. need and facts: of that day; is_in_class, is_enrolled_elsewhere: live ones."""

    state: PersonState
    qualification_type: str
    need: Need
    facts: Facts
    is_in_class: bool = False
    is_enrolled_elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOffer:
    """A class as it is offered. is_closed: no longer to anybody; qualification_types: codes admitted;
    is_open: to the province of the person's unit.
    """

    kind: TrainingKind
    state: ClassState
    is_closed: bool
    enrol_from: date
    enrol_until: date
    qualification_types: frozenset[str]
    is_open: bool


def may_enroll(actor: Actor, unit: ScopedObject, host: UUID | None) -> bool:
    """Tell whether the actor may enrol persons of this unit into a class of this host (R41, R44).

    A group for itself and its branches, an enterprise for itself, a province on behalf of its units (C12), the
    association for academies, an institution for academies linked to it and into classes it hosts (C7).
    """
    if actor.role is Role.TRAINING_INSTITUTION and host != actor.organisation:
        return False
    return includes(scope_of(actor, Action.ENROLL), unit)


def obstacles_to_enrolling(candidate: Candidate, offer: ClassOffer, today: date) -> list[Message]:
    """Every reason why the person cannot join today, the class's first;
    with none the person may, if a seat is left (R38–R40).
    """
    found = [
        obstacle_to_window(offer.state, offer.is_closed, offer.enrol_from, offer.enrol_until, today),
        None if offer.is_open else Message(N_("该班不接受外省人员，请选择本省或面向全国的班次。")),
        Message(N_("该人员已报名本班，不必重复报名。")) if candidate.is_in_class else None,
        *_eligibility(candidate, offer),
    ]
    return [obstacle for obstacle in found if obstacle is not None]


def obstacles_to_confirming(candidate: Candidate, offer: ClassOffer, today: date, last_day: date) -> list[Message]:
    """Every reason why the province cannot confirm today (R45, R47).

    The candidate is as of today, but ``need`` and ``facts`` are those of the day of the enrolment; the enrolment
    itself does not count as another one. last_day: ``classes.confirm_until``.
    """
    late = Message(N_("确认期限 %(day)s 已过。"), day=last_day.isoformat()) if today > last_day else None
    return [obstacle for obstacle in (late, *_eligibility(candidate, offer)) if obstacle is not None]


def obstacle_to_kind(kind: TrainingKind, need: Need, facts: Facts) -> Message | None:
    """Return why a class of this kind is the wrong one: the need, the dates compared, the next step (R31)."""
    if need.kind is kind:
        return None
    return Message(
        N_("本班为%(kind)s班，与应参加的培训不符。%(why)s"), kind=Message(kind.label), why=explain(facts, need)
    )


def obstacle_to_withdrawal(state: EnrollmentState, role: Role, enrol_until: date, today: date) -> Message | None:
    """Return why it cannot be withdrawn: freely while pending; confirmed, until enrolment closes, later only by the
    province (for academies the association) with a reason (R46).
    """
    if state is EnrollmentState.PENDING:
        return None
    if state is not EnrollmentState.CONFIRMED:
        return Message(N_("报名当前为“%(state)s”，不能撤回。"), state=Message(state.label))
    if today > enrol_until and role not in (Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION):
        return Message(N_("报名已于 %(day)s 截止，请联系省级主管部门撤回。"), day=enrol_until.isoformat())
    return None


def needs_reason_to_withdraw(state: EnrollmentState, enrol_until: date, today: date) -> bool:
    """Tell whether the one who withdraws must say why: after the confirmation and the end of enrolment (R46)."""
    return state is EnrollmentState.CONFIRMED and today > enrol_until


def obstacle_to_check_in(starts_on: date, ends_on: date, today: date) -> Message | None:
    """Return why the person cannot be checked in today (R48, S53)."""
    if not is_check_in_day(starts_on, ends_on, today):
        return Message(
            N_("报到在开班前一天至结束日办理，本班为 %(starts_on)s 至 %(ends_on)s。"),
            starts_on=starts_on.isoformat(),
            ends_on=ends_on.isoformat(),
        )
    return None


def obstacle_to_undoing_check_in(has_come: bool, has_score: bool) -> Message | None:
    """Return why a check-in cannot be undone: there is none, or a score (R48)."""
    if has_come and not has_score:
        return None
    return Message(N_("已有成绩或尚未报到，不能撤销报到。"))


def obstacle_to_ending(state: EnrollmentState, is_approved: bool) -> Message | None:
    """Return why the association cannot end the training: it has not begun, is over, or brought a certificate (R80)."""
    if state not in ENDABLE:
        return Message(N_("报名当前为“%(state)s”，不能终止；报到前请撤回报名。"), state=Message(state.label))
    if is_approved:
        return Message(N_("证件已审批，不能终止培训；确需终止请由工信部吊销证书。"))
    return None


def obstacle_to_no_show(starts_on: date, today: date) -> Message | None:
    """Return why the association cannot close it as a no-show: the class has not begun (domain.md §8)."""
    if today < starts_on:
        return Message(N_("本班 %(day)s 开班，开班后才能登记未报到。"), day=starts_on.isoformat())
    return None


def obstacle_to_recording(starts_on: date, today: date) -> Message | None:
    """Return why no score can be recorded: the class has not begun (R76)."""
    if today < starts_on:
        return Message(N_("本班 %(day)s 开班，开班后才能录入成绩。"), day=starts_on.isoformat())
    return None


def obstacle_to_early_pass(ends_on: date, today: date, reason: str | None) -> Message | None:
    """Return why a score that passes cannot be confirmed: before the last day of the class its hours have not been
    held, unless the association writes why it makes an exception (R76).
    """
    if today >= ends_on or (reason and reason.strip()):
        return None
    return Message(N_("本班 %(day)s 结束，此前确认合格成绩，须单独办理并填写提前确认的原因。"), day=ends_on.isoformat())


def _eligibility(candidate: Candidate, offer: ClassOffer) -> list[Message | None]:
    """Check what must hold both when enrolling and when confirming (R39, R47)."""
    approved = candidate.state is PersonState.APPROVED
    admitted = candidate.qualification_type in offer.qualification_types
    return [
        None
        if approved
        else Message(N_("该人员当前为“%(state)s”，审批通过后才能报名。"), state=Message(candidate.state.label)),
        None if admitted else Message(N_("本班不招收该人员的资格类型，请选择其他班次。")),
        Message(N_("该人员在其他班有在办的报名，请先办结或撤回。")) if candidate.is_enrolled_elsewhere else None,
        obstacle_to_kind(offer.kind, candidate.need, candidate.facts),
    ]
