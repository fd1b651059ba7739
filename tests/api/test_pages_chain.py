"""From the entry of a person to his printed certificate, each step by the page of the role that does it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Task
from service.models.tables.training.training import Enrollment, TrainingClass
from service.workflow.runtime import jobs
from service.workflow.training import enrollments
from tests.builders.stage import Stage, at_nine, draft, make_stage
from tests.builders.world import fresh, portrait, sign_in


def the(model: type[Any]) -> Any:
    session().expire_all()
    return session().scalars(select(model)).one()


def open_task(element: str) -> Task:
    session().expire_all()
    tasks = session().scalars(select(Task).where(Task.state == "open"))
    return next(task for task in tasks if task.element.rpartition("/")[2] == element)


def answer(client: FlaskClient, user: User, element: str, **form: Any) -> str:
    """Open the one task of this kind, look at it, send its form."""
    task = open_task(element)
    page = sign_in(client, user).get(f"/tasks/{task.id}")
    assert page.status_code == 200, page.get_data(as_text=True)[-2000:]
    digest = re.search(r'name="form_digest" value="(\w*)"', page.get_data(as_text=True))
    done = client.post(f"/tasks/{task.id}", data={"form_digest": digest[1] if digest else "", "asked": "1", **form})
    assert done.status_code in (302, 303), re.findall(r'class="wrong".*?</div>', done.get_data(as_text=True), re.S)
    jobs.run_all()
    return page.get_data(as_text=True)


def enter_person(client: FlaskClient, stage: Stage) -> Person:
    import io

    entry = {
        "name": "陈戊辰",
        "id_type": "resident_id",
        "id_number": "370000198001010025",
        "qualification_type": "MANAGER_PROD",
        "no_criminal_record": "true",
        "photo": (io.BytesIO(portrait()), "a.jpg"),
        "act": "submit",
    }
    assert sign_in(client, stage.enterprise).post("/persons", data=entry).status_code == 302
    query = select(Person).where(Person.name == "陈戊辰", Person.state == "pending")
    return session().scalars(query).one()


def publish(client: FlaskClient, stage: Stage) -> TrainingClass:
    sign_in(client, stage.association).get("/classes/new")
    begun = client.post("/classes")
    assert begun.headers["Location"].startswith("/tasks/")
    answer(client, stage.association, "draft_class", **draft(stage))
    found: TrainingClass = the(TrainingClass)
    return found


def test_a_safety_officer_goes_from_entry_to_his_certificate_by_the_pages(client: FlaskClient, clock: Any) -> None:
    stage = make_stage()
    person = enter_person(client, stage)
    assert person.state == "pending"
    assert "370***********0025" in answer(client, stage.province, "approve_person", decision="approve")
    assert fresh(person).state == "approved"
    enrollments.refresh_need()

    found = publish(client, stage)
    choose = f"/classes/{found.id}/enroll"
    assert "陈戊辰" in sign_in(client, stage.enterprise).get(choose).get_data(as_text=True)
    assert client.post(choose, data={"person": str(person.id)}).status_code == 302
    assert "应取证" in answer(client, stage.province, "confirm_enrollment", decision="confirm")

    clock.move_to(at_nine(found.starts_on))
    jobs.run_all()
    sheet = f"/classes/{found.id}/check-in"
    assert "陈戊辰" in sign_in(client, stage.association).get(sheet).get_data(as_text=True)
    assert client.post(sheet, data={"task_one": open_task("check_in").id}).status_code == 302
    assert the(Enrollment).state == "checked_in"

    scores, task = f"/classes/{found.id}/scores", open_task("record_score").id
    sign_in(client, stage.institution)
    refused = client.post(scores, data={"task": task, f"score_{task}": "101"}).get_data(as_text=True)
    assert 'value="101"' in refused
    assert 'aria-invalid="true"' in refused
    assert client.post(scores, data={"task": task, f"score_{task}": "85.5"}).status_code == 302
    jobs.run_all()
    assert "85.5" in answer(client, stage.association, "confirm_score", decision="confirm")

    certificate: Certificate = the(Certificate)
    assert "待审批" in client.get(f"/verify/{certificate.verify_token}").get_data(as_text=True)
    sign_in(client, stage.association)
    printed = client.post(f"/certificates/{certificate.id}/print")
    assert printed.status_code == 303
    assert client.get(printed.headers["Location"]).data.startswith(b"%PDF-")
    assert (
        session().scalars(select(Task).where(Task.state == "open", Task.element.endswith("print_certificate"))).all()
        == []
    )
    assert certificate.number in answer(client, stage.ministry, "approve_certificate", decision="approve")
    assert the(Enrollment).state == "completed"
    assert fresh(certificate).state == "valid"
    assert "有效" in client.get(f"/verify/{certificate.verify_token}").get_data(as_text=True)
    assert certificate.valid_to > today() + timedelta(days=1000)


def test_what_is_sent_back_is_mended_and_sent_again(client: FlaskClient) -> None:  # R13
    stage = make_stage()
    person = enter_person(client, stage)
    answer(client, stage.province, "approve_person", decision="reject", reason="职务不清")
    assert fresh(person).state == "rejected"
    sign_in(client, stage.enterprise)
    assert "职务不清" in client.get(f"/persons/{person.id}").get_data(as_text=True)
    mended = {
        "name": "陈戊辰",
        "qualification_type": "MANAGER_PROD",
        "post": "安全科长",
        "no_criminal_record": "true",
        "act": "submit",
    }
    assert client.post(f"/persons/{person.id}", data=mended).status_code == 302
    assert fresh(person).state == "pending"
    assert fresh(person).post == "安全科长"


def test_an_effective_change_asks_for_approval_again_and_saving_alike_does_not(client: FlaskClient) -> None:  # R14
    stage = make_stage()
    person = enter_person(client, stage)
    answer(client, stage.province, "approve_person", decision="approve")
    sign_in(client, stage.enterprise)
    same = {"name": "陈戊辰 ", "qualification_type": "MANAGER_PROD", "no_criminal_record": "true", "act": "save"}
    client.post(f"/persons/{person.id}", data=same)
    assert fresh(person).state == "approved"
    client.post(f"/persons/{person.id}", data=same | {"post": "安全总监"})
    assert fresh(person).state == "pending"


def test_the_province_deregisters_with_a_reason(client: FlaskClient) -> None:  # R17
    stage = make_stage()
    person = stage.person()
    sign_in(client, stage.province)
    assert client.post(f"/persons/{person.id}/deregister", data={"reason": " "}).status_code == 422
    assert client.post(f"/persons/{person.id}/deregister", data={"reason": "已调离"}).status_code == 302
    assert fresh(person).state == "deregistered"
    pending = enter_person(client, stage)
    sign_in(client, stage.province)
    assert client.post(f"/persons/{pending.id}/deregister", data={"reason": "录入有误"}).status_code == 302
    assert fresh(pending).state == "deregistered"


def test_who_cannot_be_enrolled_is_told_why(client: FlaskClient, clock: Any) -> None:  # R31, R39
    stage = make_stage()
    from tests.builders.world import make_certificate

    fit, held, waiting = (
        stage.person(name="甲甲"),
        stage.person(name="乙乙"),
        stage.person(name="丙丙", state="pending"),
    )
    make_certificate(held, today() + timedelta(days=800))
    enrollments.refresh_need()
    found = publish(client, stage)
    sign_in(client, stage.enterprise)
    choose = f"/classes/{found.id}/enroll"
    assert "乙乙" not in client.get(choose).get_data(as_text=True)
    others = client.get(choose + "?view=others").get_data(as_text=True)
    assert "甲甲" not in others
    assert "与应参加的培训不符" in others
    answered = client.post(choose, data={"person": [str(fit.id), str(held.id), str(waiting.id)]})
    page = answered.get_data(as_text=True)
    assert answered.status_code == 200
    assert "已报名" in page
    assert "与应参加的培训不符" in page
    assert [e.person_id for e in session().scalars(select(Enrollment))] == [fit.id]


def test_a_withdrawal_frees_the_seat(client: FlaskClient, clock: Any) -> None:  # R46
    stage = make_stage()
    person = stage.person()
    enrollments.refresh_need()
    found = publish(client, stage)
    sign_in(client, stage.enterprise)
    client.post(f"/classes/{found.id}/enroll", data={"person": str(person.id)})
    enrollment = the(Enrollment)
    assert fresh(found).taken == 1
    assert client.post(f"/enrollments/{enrollment.id}/withdraw", data={}).status_code == 302
    assert fresh(enrollment).state == "withdrawn"
    assert fresh(found).taken == 0


def test_the_organiser_cancels_with_a_reason_and_nobody_else(client: FlaskClient, clock: Any) -> None:  # R37
    stage = make_stage()
    person = stage.person()
    enrollments.refresh_need()
    found = publish(client, stage)
    sign_in(client, stage.enterprise)
    client.post(f"/classes/{found.id}/enroll", data={"person": str(person.id)})
    cancel = f"/classes/{found.id}/cancel"
    assert sign_in(client, stage.province).post(cancel, data={"reason": "x"}).status_code == 404
    sign_in(client, stage.association)
    assert client.post(cancel, data={"reason": ""}).status_code == 422
    assert client.post(cancel, data={"reason": "场地不能使用"}).status_code == 302
    jobs.run_all()
    assert fresh(found).state == "cancelled"
    assert the(Enrollment).state == "cancelled"
    assert "场地不能使用" in client.get(f"/classes/{found.id}").get_data(as_text=True)
