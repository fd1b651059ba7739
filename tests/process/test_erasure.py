"""What is kept of deregistered persons is erased in time (R75)."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables import setting
from service.models.tables.audit import AuditEvent
from service.models.tables.certificate import Certificate
from service.models.tables.person import Person, Photo
from service.models.tables.setting import Setting
from service.worker import daily
from service.workflow.persons.retention import erase_due
from tests.builders.world import fresh, make_certificate, make_person, make_photo, make_unit


@pytest.fixture
def unit(app: Any, clock: Any) -> Any:
    return make_unit()


def left(unit: Any, valid_to: date | None = None, state: str = "deregistered", **more: Any) -> Person:
    person = make_person(unit, state=state)
    make_photo(person)
    if valid_to is not None:
        make_certificate(person, valid_to, **more)
    return person


def has_data(person: Person) -> bool:
    row = fresh(person)
    return bool(row.phone and row.phone_masked and row.photo_id)


def test_R75_telephone_and_photo_go_three_years_after_the_last_certificate_ended(unit: Any) -> None:
    ended, lasting = left(unit, date(2023, 3, 1)), left(unit, date(2023, 3, 2))
    renewed = left(unit)
    make_certificate(renewed, date(2020, 1, 1), state="superseded")
    make_certificate(renewed, date(2024, 1, 1))
    working = left(unit, date(2020, 1, 1), state="approved")
    first = fresh(ended).photo_id
    make_photo(ended)
    assert erase_due() == 1
    assert [has_data(p) for p in (ended, lasting, renewed, working)] == [False, True, True, True]
    row = fresh(ended)
    assert (row.phone, row.phone_masked, row.photo_id) == (None, None, None)
    assert row.id_number  # kept as long as the ledger
    assert session().get(Photo, first) is None  # the replaced one too
    assert len(session().scalars(select(Photo)).all()) == 3
    event = session().scalars(select(AuditEvent).where(AuditEvent.action == "erase_personal_data")).one()
    assert event.detail == {"persons": 1, "ended_before": "2023-03-02"}
    assert erase_due() == 0


def test_R75_a_certificate_that_was_taken_away_ended_that_day(unit: Any, clock: Any) -> None:
    person = left(unit, date(2027, 1, 1))
    with transaction(Operation("test")):
        session().scalars(select(Certificate).where(Certificate.person_id == person.id)).one().state = "revoked"
    clock.move(timedelta(days=3 * 365 + 1))
    assert erase_due() == 0  # three years to the day
    clock.move(timedelta(days=1))
    assert erase_due() == 1


def test_R75_without_a_certificate_the_deregistration_counts(unit: Any, clock: Any) -> None:
    person = left(unit)
    clock.move(timedelta(days=3 * 365 + 1))
    assert erase_due() == 0
    clock.move(timedelta(days=1))
    assert erase_due() == 1
    assert not has_data(person)


def test_R75_the_years_are_a_setting_and_the_worker_does_it_daily(app: Any, unit: Any) -> None:
    person = left(unit, date(2022, 1, 1))
    with transaction(Operation("test")) as current:
        current.add(Setting(id=new_id(), key="erasure_years", value="5"))
    setting.forget()
    assert erase_due() == 0
    with transaction(Operation("test")):
        session().scalars(select(Setting)).one().value = "4"
    setting.forget()
    daily(app, threading.Event())
    assert not has_data(person)


def test_R75_a_photo_that_another_record_names_stays(unit: Any) -> None:
    person, other = left(unit, date(2020, 1, 1)), make_person(unit)
    with transaction(Operation("test")):
        session().get_one(Person, other.id).photo_id = fresh(person).photo_id
    assert erase_due() == 1
    assert has_data(other)
