"""Enrolling beyond the plain case: academies as a whole, a move to another province, and the projection of needs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.clock import today
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.runtime.case import Task
from service.models.tables.training.training import Enrollment, TrainingClass, TrainingNeed
from service.models.tables.units.organisation import AcademyLink, Organisation, authority_id
from service.workflow.persons import person_records, transfers
from service.workflow.training import enrollments
from tests.builders.stage import Stage, enroll, make_stage, publish_class
from tests.builders.world import fresh, make_certificate, make_person, make_unit, sign_in


def academy_of(stage: Stage) -> Organisation:
    """An academy linked to the stage's institution."""
    academy = make_unit("academy", authority_id=None, credit_code=None)
    with transaction(Operation("test")) as current:
        current.add(AcademyLink(academy_id=academy.id, institution_id=stage.centre.id))
    return academy


def state_of(found: TrainingClass) -> list[str]:
    session().expire_all()
    return list(session().scalars(select(Enrollment.state).where(Enrollment.class_id == found.id)))


def needs() -> dict[Any, str]:
    session().expire_all()
    return {row.person_id: row.need for row in session().scalars(select(TrainingNeed))}


def test_an_academy_is_enrolled_as_a_whole_and_needs_no_confirmation(client: FlaskClient, clock: Any) -> None:  # R44
    stage = make_stage()
    academy = academy_of(stage)
    people = [make_person(academy) for _ in range(3)]
    others = make_person(stage.unit)
    enrollments.refresh_need()
    found = publish_class(stage)
    sign_in(client, stage.association)
    page = client.get(f"/classes/{found.id}/enroll").get_data(as_text=True)
    assert others.name + "</a>" not in page
    assert client.post(f"/classes/{found.id}/enroll", data={"all": "true"}).status_code == 302
    assert state_of(found) == ["confirmed"] * len(people)


def test_an_institution_enrols_linked_academies_into_its_own_classes(client: FlaskClient, clock: Any) -> None:  # S62
    stage = make_stage()
    ours, foreign = (
        make_person(academy_of(stage)),
        make_person(make_unit("academy", authority_id=None, credit_code=None)),
    )
    enrollments.refresh_need()
    found = publish_class(stage)
    sign_in(client, stage.institution)
    answer = client.post(f"/classes/{found.id}/enroll", data={"person": [str(ours.id), str(foreign.id)]})
    assert "没有找到" in answer.get_data(as_text=True)
    assert state_of(found) == ["confirmed"]


def test_a_province_enrols_on_behalf_and_still_confirms(client: FlaskClient, clock: Any) -> None:  # R43, C12
    stage = make_stage()
    person = stage.person()
    enrollments.refresh_need()
    found = publish_class(stage)
    sign_in(client, stage.province)
    assert client.post(f"/classes/{found.id}/enroll", data={"person": str(person.id)}).status_code == 302
    assert state_of(found) == ["pending"]
    sign_in(client, stage.other_province)
    assert person.name not in client.get(f"/classes/{found.id}").get_data(as_text=True)


def test_a_pending_enrolment_follows_the_person_to_another_province(client: FlaskClient, clock: Any) -> None:  # R42
    stage = make_stage()
    person = stage.person()
    found = publish_class(stage)
    case_id = enroll(stage, found, person)
    there = make_unit(province="41")
    transfers.transfer_person(stage.association, person.id, there.id)
    session().expire_all()
    task = session().scalars(select(Task).where(Task.case_id == case_id, Task.state == "open")).one()
    assert task.organisation_id == authority_id("41")
    assert session().scalars(select(Enrollment.authority_id)).one() == authority_id("41")
    assert sign_in(client, stage.province).get(f"/tasks/{task.id}").status_code == 404
    assert sign_in(client, stage.other_province).get(f"/tasks/{task.id}").status_code == 200


def test_the_projection_follows_certificates_and_the_calendar(client: FlaskClient, clock: Any) -> None:  # R22–R29
    unit = make_unit()
    person, other = make_person(unit), make_person(unit)
    assert enrollments.refresh_need() == 2
    assert enrollments.refresh_need() == 0  # nothing is stale
    assert needs() == {person.id: "initial", other.id: "initial"}
    certificate = make_certificate(person, today() + timedelta(days=500))
    assert enrollments.refresh_need() == 1
    assert needs()[person.id] == "refresher"
    clock.move(timedelta(days=365))
    assert enrollments.refresh_need() == 2
    assert needs()[person.id] == "renewal"
    clock.move_to(clock.now() + timedelta(days=200))
    enrollments.refresh_need()
    assert needs()[person.id] == "expired"
    with transaction(Operation("test")):
        fresh(certificate).state = "deregistered"
    enrollments.refresh_need()
    assert needs()[person.id] == "initial"


def test_a_deleted_draft_leaves_no_need_behind(client: FlaskClient, clock: Any) -> None:
    stage = make_stage()
    draft = make_person(stage.unit, state="draft")
    person_records.delete_draft(stage.enterprise, draft.id)
    assert needs() == {}
