"""What is kept of deregistered persons is erased in time (R75)."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.persons.retention import delete_photos
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person, Photo
from service.models.tables.runtime.case import PersonalValue
from service.models.tables.system import setting
from service.models.tables.system.audit import AuditEvent, RowChange
from service.models.tables.system.setting import Setting
from service.operations.personal_values import erase
from service.worker import daily
from service.workflow.persons.retention import erase_due
from service.workflow.runtime import mends, tasks
from service.workflow.runtime.mends import Mend
from service.workflow.runtime.verification import Verifier
from service.workflow.system.row_verification import row_differences
from tests.builders.world import fresh, make_certificate, make_person, make_photo, make_unit
from tests.process.small_process import DIAGRAM, FORM, deploy, person


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
    assert event.detail == {"rule": "R75", "ended_before": "2023-03-02", "texts": "0"}
    assert (event.object_type, event.object_id) == ("person", ended.id)
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


FORM_WITH_TEXT = FORM.replace('"key": "comment"', '"key": "comment", "properties": {"personal": "true"}')
"""The form of the small process, whose comment is personal."""
WITH_SIGNED_FORM = DIAGRAM.replace(
    '<bpmn:userTask id="sign" name="签批"', '<bpmn:userTask id="sign" name="签批" camunda:formKey="look"'
)


def cases_with_texts() -> dict[str, UUID]:
    """A case for each place and kind of row: started, completed in the middle, last of a running and of an ended case,
    and by each mend that leaves the case running.
    """
    deploy(WITH_SIGNED_FORM, FORM_WITH_TEXT)
    association, ministry, admin = person("a", "association"), person("m", "ministry"), person("p", "process_admin")
    told = {"decision": "yes", "comment": "王某，电话 13912345678"}
    found = {}
    for name in ("first", "suspend", "variables", "middle", "running", "ended"):
        text = {"comment": told["comment"]} if name == "first" else None
        started = tasks.start(association, "small", {}, personal=text)
        found[name] = started.case_id
        if name in ("suspend", "variables"):
            values = {"x": 2} if name == "variables" else {}
            mends.mend(admin, started.case_id, Mend(name, told["comment"], values=values))
        elif name != "first":
            opened = tasks.complete(association, started.tasks[0], told).opened[0]
            if name != "running":
                tasks.complete(ministry, opened, {"decision": "yes"} | (told if name == "ended" else {}))
    return found


def texts_of(case_id: UUID) -> list[PersonalValue]:
    query = select(PersonalValue).where(PersonalValue.case_id == case_id).order_by(PersonalValue.seq)
    return list(session().scalars(query))


def differences(case_id: UUID) -> set[str]:
    return {f"{found.what}: {found.detail}" for found in Verifier().verify([case_id])}


WITHOUT_RIGHT = "was erased without a record, or before it was due (R75)"


def test_a_lawful_erasure_keeps_the_proof_wherever_the_text_stood_and_one_by_SQL_is_found(
    unit: Any, clock: Any
) -> None:
    """In each place: erased by SQL with every choice of columns, then by the rule."""
    gone = left(unit, date(2020, 1, 1)).id
    clock.move(timedelta(minutes=1))
    for place, case_id in cases_with_texts().items():
        assert differences(case_id) == set(), place
        texts = texts_of(case_id)
        assert texts, place
        for key in [text.id for text in texts]:
            kept = session().get_one(PersonalValue, key)
            before = (kept.value, kept.salt)
            for columns in ("value", "salt", "value salt", "value erased_at", "value salt erased_at"):
                with transaction(Operation("test")):
                    for column in columns.split():
                        setattr(kept, column, now() if column == "erased_at" else None)
                assert differences(case_id) == {
                    f"personal: row {kept.seq}: the text of {kept.field} {WITHOUT_RIGHT}"
                }, (place, columns)
                kept = session().get_one(PersonalValue, key)
                with transaction(Operation("test")):
                    (kept.value, kept.salt), kept.erased_at = before, None
            with transaction(Operation("test")) as current:
                assert erase([kept], "R75", now()) == 1
                current.add(AuditEvent(action="erase_personal_data", at=now(), object_type="person", object_id=gone))
            if key == texts_of(case_id)[0].id:  # the case is not about the person yet
                said = f"personal: row {kept.seq}: the text of {kept.field} {WITHOUT_RIGHT}"
                assert differences(case_id) == {said}
                with transaction(Operation("test")) as current:
                    change = {"kind": "update", "table_name": "person", "row_id": gone, "case_id": case_id}
                    current.add(RowChange(at=now(), use_case="test", before={}, after={}, **change))
            assert differences(case_id) == set(), place
            event = session().scalars(select(AuditEvent).where(AuditEvent.object_id == key)).one()
            assert (event.action, event.detail) == ("erase_personal_text", {"rule": "R75"})
            clock.move(timedelta(minutes=1))


def test_R75_texts_in_the_cases_of_a_person_go_with_telephone_and_photo(unit: Any, clock: Any) -> None:
    gone, staying = left(unit, date(2020, 1, 1)), left(unit, date(2025, 1, 1))
    cases = cases_with_texts()
    with transaction(Operation("test")) as current:
        for about, name in ((gone, "ended"), (gone, "first"), (staying, "middle")):
            change = {"kind": "update", "table_name": "person", "row_id": about.id, "case_id": cases[name]}
            current.add(RowChange(at=now(), use_case="test", before={}, after={}, **change))
    clock.move(timedelta(minutes=1))
    assert erase_due() == 1
    left_over = {name: [text.value for text in texts_of(case_id)] for name, case_id in cases.items()}
    assert not any(left_over["ended"] + left_over["first"])
    assert all(left_over["middle"] + left_over["running"])
    assert all(differences(case_id) == set() for case_id in cases.values())
    event = session().scalars(select(AuditEvent).where(AuditEvent.action == "erase_personal_data")).one()
    assert event.detail["texts"] == "3"
    assert erase_due() == 0
    assert told_of_rows() == set()


def told_of_rows() -> set[str]:
    """Differences of business rows, but for what builders make without history."""
    known = {str(key) for key in session().scalars(select(RowChange.row_id))}
    return {found.detail for found in row_differences() if any(key in found.detail for key in known)}


NOT_DUE = {
    "working": ({"state": "approved"}, date(2020, 1, 1)),
    "certificate lasts": ({}, date(2023, 3, 2)),
    "deregistered of late": ({}, None),
}


@pytest.mark.parametrize(("person", "valid_to"), NOT_DUE.values(), ids=NOT_DUE)
def test_R75_an_erasure_with_forged_events_before_it_is_due_is_named(
    unit: Any, clock: Any, person: dict[str, Any], valid_to: date | None
) -> None:
    """Somebody with SQL rights hides texts and photo, with every event and change that the worker writes."""
    hidden = left(unit, valid_to, **person).id
    photo = session().get_one(Person, hidden).photo_id
    case_id = cases_with_texts()["ended"]
    clock.move(timedelta(minutes=1))
    with transaction(Operation("test")) as current:
        change = {"kind": "update", "table_name": "person", "row_id": hidden, "case_id": case_id}
        current.add(RowChange(at=now(), use_case="test", before={}, after={}, **change))
    clock.move(timedelta(minutes=1))
    assert erase_due() == 0
    with transaction(Operation("erase_personal_data")) as current:
        text_of = texts_of(case_id)
        detail = {"rule": "R75", "ended_before": "2023-03-02", "texts": str(erase(text_of, "R75", now()))}
        event = AuditEvent(action="erase_personal_data", object_type="person", object_id=hidden, detail=detail)
        current.add(event)
        row = session().get_one(Person, hidden)
        row.phone = row.photo_id = None
    with transaction(Operation("test")):
        delete_photos([photo])
    said = differences(case_id)
    assert said == {f"personal: row {one.seq}: the text of {one.field} {WITHOUT_RIGHT}" for one in texts_of(case_id)}
    assert {f"{now():%F %H:%M}: the data of person {hidden} were not due (R75)"} < told_of_rows()
    assert any(f"photo {photo}: it is gone" in one for one in told_of_rows())
