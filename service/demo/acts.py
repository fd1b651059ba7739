"""What the demonstration's people do: always through the use cases, at the task that stands in their inbox."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from service.demo.accounts import Accounts
from service.demo.people import People, picture
from service.models import (
    Case,
    Enrollment,
    MovingClock,
    Organisation,
    Person,
    Task,
    TrainingClass,
    User,
    session,
    today,
)
from service.models.base import CHINA
from service.workflow import cases, classes, jobs, registry, training

TITLES = {"initial": "取证", "refresher": "再培训", "renewal": "换证"}


class Acts:
    """The hands of the demonstration: clock, people and accounts together."""

    def __init__(self, clock: MovingClock, people: People, accounts: Accounts) -> None:
        self.clock, self.people, self.accounts = clock, people, accounts
        self._made = 0

    def at(self, day: date, hour: int = 9, minute: int = 0) -> None:
        """Go on to this time in China and let the worker do what fell due on the way."""
        self.clock.move_to(datetime.combine(day, time(hour, minute), CHINA))
        jobs.run_all()

    def enter(
        self, unit: Organisation, code: str, kind: str, valid_to: date | None = None, *, submit: bool = True
    ) -> UUID:
        """The unit enters a person, with an older certificate if ``valid_to`` is given, and sends it to its province."""
        user = self.accounts["association"] if unit.kind == "academy" else self.accounts.of_unit(unit.id)
        raw = {**self.people.person(code, kind), "unit": str(unit.id)}
        self._made += 1
        if valid_to is not None:
            raw |= self.people.legacy(self._made, code, valid_to)
        act = registry.save_and_submit if submit else registry.save_person
        self.clock.move(timedelta(minutes=1))
        self.acted()
        return act(user, None, raw, picture(self._made % 24)).id

    def acted(self) -> None:
        """Called after each act."""

    def complete(self, case_id: UUID, element: str, user: User, **raw: Any) -> None:
        """Complete the open task ``element`` of a case as ``user``."""
        query = select(Task.id).where(Task.case_id == case_id, _at(element), Task.state == "open")
        cases.complete(user, session().scalars(query).one(), raw)
        self.clock.move(timedelta(seconds=20))
        self.acted()

    def decide_person(self, person_id: UUID, code: str, reason: str = "") -> None:
        """The province approves, or sends back with ``reason``."""
        person = session().get_one(Person, person_id)
        if person.case_id is not None and person.state == "pending":
            raw = {"decision": "reject", "reason": reason} if reason else {"decision": "approve"}
            self.complete(person.case_id, "approve_person", self.accounts.province(code), **raw)

    def draft_class(
        self, organiser: str, kind: str, starts: date, *, place: str, decision: str = "publish", **more: Any
    ) -> UUID:
        """An organiser drafts a class that starts on ``starts`` and publishes it; returns the class."""
        user = self.accounts[organiser]
        hours = 48 if kind == "initial" else 16
        raw = {
            "title": f"{starts.year}年{place}{TITLES[kind]}班（{starts.month}月）", "kind": kind, "place": f"{place}培训基地", "hours": str(hours),
            "institution_id": str(self.accounts["institution-1"].organisation_id), "enrol_from": str(today()),
            "enrol_until": str(starts - timedelta(days=5)), "starts_on": str(starts), "ends_on": str(starts + timedelta(days=hours // 8 - 1)),
            "capacity": "120", "qualification_types": ["PRINCIPAL_PROD", "PRINCIPAL_SALE", "MANAGER_PROD", "MANAGER_SALE"],
            "pass_mark": "60", "makeup_allowed": "true", "open_to_other_provinces": "true", "contact": "张老师 010-8888 0000", "decision": decision, **more,
        }  # fmt: skip
        task = classes.begin_class(user)
        cases.complete(user, task, raw)
        jobs.run_all()
        case_id = session().scalars(select(Task.case_id).where(Task.id == task)).one()
        return session().scalars(select(TrainingClass.id).where(TrainingClass.case_id == case_id)).one()

    def enroll(self, class_id: UUID, person_ids: list[UUID]) -> list[UUID]:
        """Each person is enrolled by his unit; returns the cases of those whose need matches."""
        enrolled = []
        for person_id in person_ids:
            unit = session().get_one(Organisation, session().get_one(Person, person_id).unit_id)
            user = self.accounts["association"] if unit.kind == "academy" else self.accounts.of_unit(unit.id)
            enrolled += [r.case_id for r in training.enroll(user, class_id, [person_id]) if r.case_id]
            self.clock.move(timedelta(seconds=40))
        return enrolled

    def confirm(self, case_ids: list[UUID], refuse_every: int = 0) -> list[UUID]:
        """The provinces confirm; every n-th is refused. Returns the confirmed ones, academies' persons included."""
        confirmed = []
        for n, case_id in enumerate(case_ids, 1):
            row = session().scalars(select(Enrollment).where(Enrollment.case_id == case_id)).one()
            if row.state == "pending":
                is_refused = bool(refuse_every) and n % refuse_every == 0
                raw = (
                    {"decision": "reject", "reason": "本月已安排其参加省内检查，请报下一期。"}
                    if is_refused
                    else {"decision": "confirm"}
                )
                code = session().get_one(Organisation, row.authority_id).code
                self.complete(case_id, "confirm_enrollment", self.accounts.province(code), **raw)
                if is_refused:
                    continue
            confirmed.append(case_id)
        return confirmed

    def check_in(self, case_ids: list[UUID]) -> None:
        """The association checks in."""
        for case_id in case_ids:
            self.complete(case_id, "check_in", self.accounts["association"])

    def score(self, case_ids: list[UUID], weak_every: int = 9) -> None:
        """The institution enters scores; every n-th is below the mark."""
        for n, case_id in enumerate(case_ids, 1):
            value = self.people.spread(420, 590) if n % weak_every == 0 else self.people.spread(600, 985)
            self.complete(case_id, "record_score", self.accounts["institution-1"], score=f"{value // 10}.{value % 10}")

    def return_score(self, case_ids: list[UUID]) -> None:
        """The association sends the first of these scores back, and the institution enters it anew (R51)."""
        for case_id in self.open(case_ids, "confirm_score")[:1]:
            reason = "与签到表不符，请核对后重新录入。"
            self.complete(case_id, "confirm_score", self.accounts["association"], decision="return", reason=reason)
            self.complete(case_id, "record_score", self.accounts["institution-1"], score="81.5")

    def confirm_scores(self, case_ids: list[UUID]) -> None:
        """The association confirms the scores as they are."""
        for case_id in case_ids:
            self.complete(case_id, "confirm_score", self.accounts["association"], decision="confirm")

    def make_up(self, case_ids: list[UUID]) -> None:
        """Who failed takes the make-up: the first fails again, the others pass."""
        for n, case_id in enumerate(self.open(case_ids, "record_score")):
            self.complete(case_id, "record_score", self.accounts["institution-1"], score="55" if n == 0 else "72.5")
            self.complete(case_id, "confirm_score", self.accounts["association"], decision="confirm")

    def certify(self, case_ids: list[UUID], *, refuse: int = 0) -> None:
        """Print and approve what waits for it; the first ``refuse`` are refused and closed as void."""
        for n, case_id in enumerate(self.open(case_ids, "approve_certificate")):
            if n < refuse:
                self.complete(
                    case_id,
                    "approve_certificate",
                    self.accounts["ministry"],
                    decision="refuse",
                    reason="照片与本人不符，请核对。",
                )
                self.complete(
                    case_id,
                    "correct_certificate",
                    self.accounts["association"],
                    decision="void",
                    reason="经核对不是本人参加培训。",
                )
                continue
            self.complete(case_id, "print_certificate", self.accounts["association"])
            self.complete(case_id, "approve_certificate", self.accounts["ministry"], decision="approve")

    def open(self, case_ids: list[UUID], element: str) -> list[UUID]:
        """Those of the cases that have this task open, in the given order."""
        query = select(Task.case_id).where(Task.case_id.in_(case_ids), _at(element), Task.state == "open")
        waiting = set(session().scalars(query))
        return [case_id for case_id in case_ids if case_id in waiting]

    def class_case(self, class_id: UUID) -> Case:
        """The case of a class."""
        return session().get_one(Case, session().get_one(TrainingClass, class_id).case_id)


def _at(element: str) -> ColumnElement[bool]:
    """A task at this element, inside a subprocess or not."""
    return or_(Task.element == element, Task.element.like(f"%/{element}"))
