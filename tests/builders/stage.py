"""A stage for process tests: one user of each role, a unit, an institution; and moving cases as these people do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.models.tables.training.training import Enrollment, Score, TrainingClass
from service.models.tables.units.organisation import Organisation, authority_id
from service.workflow.runtime import jobs, tasks
from tests.builders.world import authority_user, make_institution, make_person, make_photo, make_unit, make_user

TYPES = ["MANAGER_PROD", "MANAGER_SALE", "PRINCIPAL_PROD", "PRINCIPAL_SALE"]


@dataclass(slots=True)
class Stage:
    """The people of Shandong (37) and Beijing, and what they work with."""

    ministry: User
    association: User
    colleague: User  # a second person of the association (R51)
    province: User
    other_province: User  # Henan
    institution: User
    enterprise: User
    unit: Organisation
    centre: Organisation

    def person(self, **more: Any) -> Person:
        """A person of the unit, approved, with a photo."""
        made = make_person(self.unit, **more)
        make_photo(made)
        return made


def make_stage() -> Stage:
    unit, centre = make_unit("enterprise", "37"), make_institution()
    return Stage(
        ministry=known(authority_user("ministry")),
        association=known(authority_user("association")),
        colleague=known(authority_user("association")),
        province=known(authority_user(code="37")),
        other_province=known(authority_user(code="41")),
        institution=known(make_user("training_institution", centre.id)),
        enterprise=known(make_user("enterprise", unit.id)),
        unit=unit,
        centre=centre,
    )


def known(user: User) -> User:
    """The user as a request has him: with his organisation."""
    found = User.get(user.id)
    assert found is not None
    return found


def draft(stage: Stage, kind: str = "initial", **more: Any) -> dict[str, Any]:
    """What an organiser types for a class of one day, in ten days: what it brings can be confirmed at once (R76)."""
    day = today()
    return {
        "title": "2026年第二期取证班（北京）",
        "kind": kind,
        "institution_id": str(stage.centre.id),
        "place": "北京",
        "enrol_from": str(day),
        "enrol_until": str(day + timedelta(days=5)),
        "starts_on": str(day + timedelta(days=10)),
        "ends_on": str(day + timedelta(days=10)),
        "hours": "48",
        "capacity": "40",
        "qualification_types": TYPES,
        "pass_mark": "60",
        "makeup_allowed": "true",
        "contact": "郑丁 010-66668888",
        "body": "",
        "decision": "publish",
    } | more


def publish_class(stage: Stage, kind: str = "initial", **more: Any) -> TrainingClass:
    """A class published by whoever organises its kind: the association, or the province 37."""
    role, code = ("association", "association") if kind == "initial" else ("provincial_authority", "37")
    user = stage.association if kind == "initial" else stage.province
    data = {"organiser_id": str(authority_id(code)), "organiser_role": role}
    started = tasks.start(user, "training_class", data)
    tasks.complete(user, started.tasks[0], draft(stage, kind, **more))
    jobs.run_all()
    return session().scalars(select(TrainingClass).where(TrainingClass.case_id == started.case_id)).one()


def enroll(
    stage: Stage, training_class: TrainingClass, person: Person, user: User | None = None, via: str = "enterprise"
) -> UUID:
    """The case of a new enrolment."""
    data = {"class_id": str(training_class.id), "person_id": str(person.id), "via": via, "on_behalf": via == "province"}
    return tasks.start(user or stage.enterprise, "training_enrollment", data).case_id


def open_tasks(case_id: UUID) -> list[str]:
    """The open elements of a case, by name."""
    query = select(Task.element).where(Task.case_id == case_id, Task.state == "open")
    return sorted(session().scalars(query))


def task_of(case_id: UUID, element: str) -> Task:
    query = select(Task).where(Task.case_id == case_id, Task.state == "open", Task.element == element)
    return session().scalars(query.execution_options(populate_existing=True)).one()


def do(user: User, case_id: UUID, element: str, **raw: Any) -> list[str]:
    """Complete a task as its form is filled, let the worker run, and name what is open then."""
    tasks.complete(user, task_of(case_id, element).id, raw)
    jobs.run_all()
    return open_tasks(case_id)


def enrollment_of(case_id: UUID) -> Enrollment:
    query = select(Enrollment).where(Enrollment.case_id == case_id)
    return session().scalars(query.execution_options(populate_existing=True)).one()


def scores_of(case_id: UUID) -> list[int | None]:
    """The values of all attempts, in tenths."""
    found = enrollment_of(case_id)
    query = select(Score).where(Score.enrollment_id == found.id).order_by(Score.attempt)
    return [s.value for s in session().scalars(query.execution_options(populate_existing=True))]


def certificates_of(person: Person) -> list[Certificate]:
    """All editions of a person, oldest first."""
    query = select(Certificate).where(Certificate.person_id == person.id).order_by(Certificate.edition, Certificate.id)
    return list(session().scalars(query.execution_options(populate_existing=True)))


def class_of(training_class: TrainingClass) -> TrainingClass:
    return session().get_one(TrainingClass, training_class.id, populate_existing=True)


def ended_at(case_id: UUID) -> str | None:
    """The end event at which a case is over, or None while it runs."""
    case = session().get_one(Case, case_id, populate_existing=True)
    return case.ended if case.ended_at else None


def at_nine(day: date) -> Any:
    """The instant of nine in the morning in China, for the clock."""
    from datetime import datetime, time

    from service.domain.values.calendar import ZONE

    return datetime.combine(day, time(9), ZONE)
