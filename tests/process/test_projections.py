"""Projections: every column that one reads is changed, and it is compared with a fresh computation (R22–R29, R81)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import select, update

from service.migrations import rights
from service.models.db.clock import today
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.listeners.training_need_listener import STALE
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment, RefresherRecord, TrainingClass, TrainingNeed
from service.models.tables.training.training_need_statements import READ, REPEATED
from service.models.tables.units.organisation import Organisation
from service.operations.legacy_certificates import relink_certificate
from service.workflow.persons import transfers
from service.workflow.system.data_check import CHECKS, DataDifference, differences
from service.workflow.training.enrollments import refresh_need
from tests.builders.stage import Stage, enroll, make_stage, publish_class
from tests.builders.trained import make_enrollment
from tests.builders.world import make_certificate, make_person, make_unit, qualification

MODELS: dict[str, type[Any]] = {
    "certificate": Certificate,
    "enrollment": Enrollment,
    "refresher_record": RefresherRecord,
}
COLUMNS = [(table, name) for table, names in sorted(READ.items()) for name in sorted(names) if name != "id"]


class Key(NamedTuple):
    """A row, and the person whose need it decides."""

    id: UUID
    person_id: UUID


def wrong(*names: str) -> list[DataDifference]:
    session().rollback()
    return [found for _, found in differences(list(names)) if found is not None]


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_stage()


@pytest.fixture
def people(stage: Stage) -> dict[str, Key]:
    """Two holders, one of them in a renewal, with a refresher on record; and one without anything."""
    first, second, third = (make_person(stage.unit) for _ in range(3))
    held = make_certificate(first, date(2028, 5, 31))
    expiring = make_certificate(second, date(2026, 2, 28))
    taught = publish_class(stage, "renewal")
    renewal = make_enrollment(second, taught, "confirmed", enrolled_on=date(2026, 2, 1))
    refreshed = make_enrollment(first, taught, "completed", 900, kind="refresher")
    with transaction(Operation("test")) as current:
        record = RefresherRecord(
            certificate_id=held.id,
            year=2025,
            enrollment_id=refreshed.id,
            completed_on=date(2025, 6, 1),
            hours=16,
            score=900,
        )
        current.add(record)
    refresh_need()
    return {
        "first": Key(first.id, first.id),
        "third": Key(third.id, third.id),
        "certificate": Key(held.id, first.id),
        "other_certificate": Key(expiring.id, second.id),
        "enrollment": Key(renewal.id, second.id),
        "refresher_record": Key(record.id, first.id),
    }


OTHERS: dict[tuple[str, str], Callable[[dict[str, Key]], Any]] = {
    ("certificate", "person_id"): lambda known: known["third"].id,
    ("certificate", "state"): lambda _: "revoked",
    ("certificate", "valid_to"): lambda _: date(2026, 12, 31),
    ("certificate", "issued_on"): lambda _: date(2026, 1, 5),
    ("certificate", "number"): lambda _: "37200900001",
    ("certificate", "edition"): lambda _: 7,
    ("enrollment", "person_id"): lambda known: known["third"].id,
    ("enrollment", "state"): lambda _: "failed",
    ("enrollment", "kind"): lambda _: "refresher",
    ("enrollment", "enrolled_on"): lambda _: date(2026, 3, 1),
    ("refresher_record", "certificate_id"): lambda known: known["other_certificate"].id,
    ("refresher_record", "year"): lambda _: 2026,
}
"""A value of each column that a need is decided from, by which the decision of somebody changes where it can."""


def test_every_column_that_a_need_is_decided_from_has_another_value_here() -> None:
    assert sorted(OTHERS) == sorted(COLUMNS)
    assert set(READ) == set(MODELS)
    assert {"unit_id", "qualification_type_id", "state"} == REPEATED


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_change_of_any_column_that_is_read_reaches_the_need(people: dict[str, Key], table: str, column: str) -> None:
    """The person to whom the row belonged and the one to whom it now belongs are decided again, by the same worker."""
    assert wrong("training_need") == []
    owners = {people[table].person_id}
    with transaction(Operation("test")) as current:
        row = current.get_one(MODELS[table], people[table].id)
        setattr(row, column, OTHERS[table, column](people))
    if column == "person_id":
        owners.add(people["third"].id)
    if column == "certificate_id":
        owners.add(people["other_certificate"].person_id)
    stale = set(session().scalars(select(TrainingNeed.person_id).where(TrainingNeed.as_of == STALE)))
    assert owners <= stale
    refresh_need()
    assert wrong("training_need") == []


def test_no_row_that_a_need_is_decided_from_can_go() -> None:
    """Else the listener would have to hear of it: the application has no right to delete one."""
    assert {rights.TABLES[table] for table in READ} <= {rights.Kind.KEPT, rights.Kind.APPEND_ONLY}


@pytest.mark.parametrize("column", sorted(REPEATED))
def test_a_column_that_the_projection_repeats_follows_at_once(people: dict[str, Key], column: str) -> None:
    other = {
        "unit_id": make_unit().id,
        "qualification_type_id": qualification("MANAGER_SALE").id,
        "state": "pending",
    }[column]
    with transaction(Operation("test")) as current:
        setattr(current.get_one(Person, people["first"].id), column, other)
    assert wrong("training_need") == []


def test_r17_a_person_entered_again_needs_what_the_certificate_says(stage: Stage) -> None:
    """The foreign key of the certificate moves to the new record; figures of the day follow."""
    former = make_person(stage.unit, state="deregistered")
    make_certificate(former, date(2028, 5, 31))
    again = make_person(stage.unit, number=former.id_number)
    refresh_need()
    assert session().get_one(TrainingNeed, again.id).need == "initial"
    with transaction(Operation("test")) as current:
        relink_certificate(current.get_one(Person, again.id), today())
    refresh_need()
    session().expire_all()
    assert session().get_one(TrainingNeed, again.id).need == "refresher"
    assert wrong("training_need") == []


def test_a_transfer_a_process_and_a_full_class_leave_no_projection_behind(stage: Stage) -> None:
    person = stage.person()
    taught = publish_class(stage)
    enroll(stage, taught, person)
    transfers.transfer_person(stage.association, stage.person().id, make_unit().id)
    refresh_need()
    assert wrong() == []


BREAKS: dict[str, Any] = {
    "training_need": update(TrainingNeed).values(need="expired"),
    "names": update(Person).values(sort_key="zhang"),
    "seats": update(TrainingClass).values(taken=5),
    "prints": update(Certificate).values(printed_count=3),
    "attempts": update(Enrollment).values(attempts=2),
    "records": update(Organisation).where(Organisation.kind == "enterprise").values(state="draft"),
}


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_check_data_finds_what_was_changed_behind_its_back(people: dict[str, Key], name: str) -> None:
    assert wrong(name) == [] or name == "seats"  # the enrolments of this test took no seat
    with transaction(Operation("test")) as current:
        current.execute(BREAKS[name])
    found = wrong(name)
    assert found
    assert all(one.stored != one.computed for one in found)


def test_a_new_table_of_decisions_makes_every_need_stale(people: dict[str, Key], app: Any) -> None:
    from service.models.tables.runtime.process import DefinitionFile, DefinitionVersion
    from service.workflow.processes import definitions
    from service.workflow.versions import deployments

    _, digest = definitions.decision("training_need")
    files = {
        file.name: file.content
        for file in session().scalars(select(DefinitionFile).where(DefinitionFile.definition == digest))
    }
    main = session().get_one(DefinitionVersion, digest).main
    files[main] = files[main] + b"\n<!-- another -->\n"
    deployments.deploy(files)
    assert set(session().scalars(select(TrainingNeed.as_of))) == {STALE}
