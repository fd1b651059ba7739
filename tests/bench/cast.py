"""The people of the benchmark: units, approved persons with photos, classes under way, and the officers who do the work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from sqlalchemy import select

from service.domain.accounts.privacy import VERSION
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person, Photo, QualificationType
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import Organisation, authority_id
from service.workflow.runtime import tasks
from service.workflow.system import reference_data
from service.workflow.versions import path_deployments
from tests.bench.chain import all_cases
from tests.bench.scratch import application

PASSWORD = "Blasting-Caps-2026"
UNITS = 8
PER_CLASS = 40
PROVINCE = "37"


def prepare(ready: Callable[[], object], url: str, persons: int) -> list[UUID]:
    """An installation with ``persons`` enrolments that wait for their province; the ids of their cases."""
    ready()
    with application(url).app_context():
        _install(persons)
        return all_cases()


def _install(persons: int) -> None:
    reference_data.ensure()
    for result in path_deployments.deploy_folder():
        if result.problems:
            raise SystemExit("\n".join(problem.text("en") for problem in result.problems))
    with transaction(Operation("bench")) as session:
        school, units = _organisations()
        session.add_all([school, *units])
        session.flush()
        officers = _officers(school, units[0])
        session.add_all(officers.values())
        kind = session.scalars(select(QualificationType).order_by(QualificationType.code)).first()
        photo = Photo(id=new_id(), jpeg=b"no picture is looked at here", width=295, height=413)
        session.add(photo)
        session.flush()
        people = [_person(n, units[n % UNITS], kind, photo) for n in range(persons)]
        session.add_all(people)
        classes = [_class(n, school, kind) for n in range(-(-persons // PER_CLASS))]
        session.add_all(classes)
    for n, person in enumerate(people):
        data = {
            "class_id": str(classes[n // PER_CLASS].id),
            "person_id": str(person.id),
            "via": "enterprise",
            "on_behalf": False,
        }
        tasks.start(None, "training_enrollment", data, business_key=str(person.id))


def _organisations() -> tuple[Organisation, list[Organisation]]:
    school = Organisation(id=new_id(), kind="training_institution", name="测量培训中心", sort_key="celiang")
    units = [
        Organisation(
            id=new_id(),
            kind="enterprise",
            name=f"测量化工{n}厂",
            sort_key=f"celiang{n}",
            authority_id=authority_id(PROVINCE),
            business="both",
        )
        for n in range(UNITS)
    ]
    return school, units


def _officers(school: Organisation, unit: Organisation) -> dict[str, User]:
    places = {
        "bench-province": ("provincial_authority", authority_id(PROVINCE)),
        "bench-association": ("association", authority_id("association")),
        "bench-ministry": ("ministry", authority_id("ministry")),
        "bench-institution": ("training_institution", school.id),
        "bench-enterprise": ("enterprise", unit.id),
    }
    password = PasswordHasher().hash(PASSWORD)  # as slow to check as a real one
    return {
        login: User(
            id=new_id(),
            login=login,
            role=role,
            organisation_id=place,
            display_name=login,
            password_hash=password,
            must_change=False,
            privacy_version=VERSION,
        )
        for login, (role, place) in places.items()
    }


def _person(n: int, unit: Organisation, kind: Any, photo: Photo) -> Person:
    number = f"37010219800101{n:04d}"
    return Person(
        id=new_id(),
        name=f"测量员{n}",
        id_number=number,
        sex="male",
        birth_date=date(1980, 1, 1),
        unit_id=unit.id,
        qualification_type_id=kind.id,
        photo_id=photo.id,
        state="approved",
        no_criminal_record=True,
        appointed_on=date(2020, 1, 1),
    )


def _class(n: int, school: Organisation, kind: Any) -> TrainingClass:
    day = today()
    return TrainingClass(
        id=new_id(),
        code=f"BENCH-{n}",
        title=f"测量取证班{n}",
        kind="initial",
        organiser_id=authority_id("association"),
        institution_id=school.id,
        place="济南",
        enrol_from=day - timedelta(days=10),
        enrol_until=day,
        starts_on=day,
        ends_on=day,
        hours=48,
        capacity=PER_CLASS,
        qualification_types=[kind.code],
        state="enrolling",
    )
