"""From the entry of a person to his valid certificate, wholly over ``/api/v1``, each step by the account of the role that does it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.domain.values.calendar import add_months
from service.models.db.clock import today
from service.workflow.runtime import jobs
from service.workflow.training import enrollments
from tests.api.v1_world import Machine, make_world, told
from tests.builders.stage import TYPES, Stage, at_nine
from tests.builders.world import portrait

NUMBER = "370000198001010025"


@pytest.fixture
def stage(client: FlaskClient, clock: Any) -> Stage:
    return make_world()


def new_person(**more: Any) -> dict[str, Any]:
    return {
        "name": "陈戊辰",
        "id_number": NUMBER,
        "qualification_type": "MANAGER_PROD",
        "no_criminal_record": True,
        "submit": True,
        "photo": base64.b64encode(portrait()).decode(),
        **more,
    }


def new_class(stage: Stage, **more: Any) -> dict[str, Any]:
    day = today()
    return {
        "title": "2026年第二期取证班（北京）",
        "kind": "initial",
        "institution_id": str(stage.centre.id),
        "place": "北京",
        "enrol_from": str(day),
        "enrol_until": str(day.replace(day=day.day + 5)),
        "starts_on": str(day.replace(day=day.day + 10)),
        "ends_on": str(day.replace(day=day.day + 10)),
        "hours": 48,
        "capacity": 40,
        "qualification_types": TYPES,
        "pass_mark": 60,
        "makeup_allowed": True,
        "decision": "publish",
        **more,
    }


def approved(client: FlaskClient, stage: Stage) -> str:
    """A person entered by his unit and approved by his province; his id."""
    made = told(Machine(client, stage.enterprise).post("/persons", new_person()), 201)
    assert (made["state"], made["id_number_masked"]) == ("pending", "370***********0025")
    done = told(Machine(client, stage.province).post(f"/persons/{made['id']}/approve", {"decision": "approve"}))
    assert done["state"] == "approved"
    jobs.run_all()
    enrollments.refresh_need()
    return str(made["id"])


def enrolled(client: FlaskClient, stage: Stage, person: str) -> tuple[str, str]:
    """A published class and the person's enrolment in it, confirmed; their ids."""
    made = told(Machine(client, stage.association).post("/classes", new_class(stage)), 201)
    assert made["state"] == "enrolling"
    jobs.run_all()
    unit = Machine(client, stage.enterprise)
    fitting = told(unit.get(f"/classes/{made['id']}/candidates"))["items"]
    assert [(row["id"], row["obstacles"]) for row in fitting] == [(person, [])]
    (row,) = told(unit.post(f"/classes/{made['id']}/enrollments", {"persons": [person]}))["results"]
    assert (row["ok"], row["message"]) == (True, None)
    enrollment = row["enrollment"]
    confirmed = Machine(client, stage.province).post(f"/enrollments/{enrollment}/confirm", {"decision": "confirm"})
    assert told(confirmed)["state"] == "confirmed"
    return str(made["id"]), str(enrollment)


def test_a_safety_officer_goes_from_entry_to_his_certificate_over_rest(
    client: FlaskClient, stage: Stage, clock: Any
) -> None:
    person = approved(client, stage)
    class_id, enrollment = enrolled(client, stage, person)
    association, institution = Machine(client, stage.association), Machine(client, stage.institution)

    clock.move_to(at_nine(stage_day(client, stage, class_id)))
    jobs.run_all()
    waiting = told(association.get(f"/enrollments/{enrollment}"))
    assert waiting["step"] == "check_in"
    assert told(association.post("/enrollments/check-in", {"enrollments": [enrollment]}))["done"] == 1
    jobs.run_all()

    refused = told(institution.post("/scores", {"scores": [{"enrollment": enrollment, "score": 85.55}]}))
    assert (refused["done"], list(refused["results"][0]["errors"])) == (0, ["score"])
    assert told(institution.post("/scores", {"scores": [{"enrollment": enrollment, "score": 85.5}]}))["done"] == 1
    jobs.run_all()
    (score,) = told(association.get("/scores", state="submitted"))["items"]
    assert (score["score"], score["enrollment_id"]) == (85.5, enrollment)
    assert told(association.post("/scores/confirm", {"enrollments": [enrollment], "decision": "confirm"}))["done"] == 1
    jobs.run_all()

    (certificate,) = told(association.get("/certificates"))["items"]
    assert (certificate["state"], certificate["person_id"]) == ("issued", person)
    printed = association.post(f"/certificates/{certificate['id']}/prints", {})
    told(printed, 201)
    file = association.send("GET", printed.headers["Location"].removeprefix("/api/v1"))
    assert (file.mimetype, file.data[:5]) == ("application/pdf", b"%PDF-")
    valid = told(
        Machine(client, stage.ministry).post(f"/certificates/{certificate['id']}/approve", {"decision": "approve"})
    )
    assert (valid["state"], valid["printed_count"]) == ("valid", 1)
    jobs.run_all()
    assert told(association.get(f"/enrollments/{enrollment}"))["state"] == "completed"
    record = told(Machine(client, stage.enterprise).get(f"/persons/{person}"))
    assert [(t["state"], t["scores"]) for t in record["trainings"]] == [("completed", [85.5])]
    assert told(Machine(client, stage.enterprise).get("/persons"))["items"][0]["number"] == valid["number"]
    handed = association.post(
        f"/prints/{valid['prints'][0]['id']}/hand-out", {"received_by": "吴戊", "received_on": str(today())}
    )
    assert told(handed)["prints"][0]["received_by"] == "吴戊"


def stage_day(client: FlaskClient, stage: Stage, class_id: str) -> Any:
    from datetime import date

    return date.fromisoformat(told(Machine(client, stage.association).get(f"/classes/{class_id}"))["starts_on"])


def test_what_is_sent_back_is_mended_and_sent_again(client: FlaskClient, stage: Stage) -> None:  # R13
    unit, province = Machine(client, stage.enterprise), Machine(client, stage.province)
    made = told(unit.post("/persons", new_person()), 201)
    refused = province.post(f"/persons/{made['id']}/approve", {"decision": "reject"})
    assert list(told(refused, 422)["errors"]) == ["reason"]
    back = told(province.post(f"/persons/{made['id']}/approve", {"decision": "reject", "reason": "职务不清"}))
    assert (back["state"], back["decision_comment"]) == ("rejected", "职务不清")
    assert told(province.post(f"/persons/{made['id']}/approve", {"decision": "approve"}), 409)
    mended = told(unit.patch(f"/persons/{made['id']}", {"post": "安全科长"}))
    assert (mended["post"], mended["name"], mended["no_criminal_record"]) == ("安全科长", "陈戊辰", True)
    assert told(unit.post(f"/persons/{made['id']}/submit"))["state"] == "pending"


def test_a_draft_is_kept_changed_and_published(client: FlaskClient, stage: Stage) -> None:  # R33
    association = Machine(client, stage.association)
    made = told(association.post("/classes", new_class(stage, decision="keep")), 201)
    assert made["state"] == "draft"
    changed = told(association.patch(f"/classes/{made['id']}", {"capacity": 12, "decision": "publish"}))
    assert (changed["state"], changed["capacity"], changed["pass_mark"], changed["title"]) == (
        "enrolling",
        12,
        60,
        made["title"],
    )
    assert told(association.patch(f"/classes/{made['id']}", {"capacity": 13}))["capacity"] == 13  # R35
    announced = told(association.patch(f"/classes/{made['id']}", {"hours": 60}), 422)
    assert list(announced["errors"]) == ["hours"]
    for decision in ("keep", "publish"):
        wrong = told(association.post("/classes", new_class(stage, hours=8, decision=decision)), 422)
        assert list(wrong["errors"]) == ["hours"]
    assert told(association.get("/classes", total="true"))["total"] == 1
    kept = told(association.post("/classes", new_class(stage, decision="keep")), 201)
    assert list(told(association.patch(f"/classes/{kept['id']}", {"hours": 8}), 422)["errors"]) == ["hours"]
    cancelled = told(association.post(f"/classes/{made['id']}/cancel", {"reason": "场地不能使用"}))
    assert (cancelled["state"], cancelled["cancel_reason"]) == ("cancelled", "场地不能使用")


def test_each_refused_person_comes_with_his_reason(client: FlaskClient, stage: Stage) -> None:  # R31, R70
    person = approved(client, stage)
    class_id, enrollment = enrolled(client, stage, person)
    stranger = "0190b5a0-0000-7000-8000-000000000000"
    rows = told(
        Machine(client, stage.enterprise, "en").post(
            f"/classes/{class_id}/enrollments", {"persons": [person, stranger]}
        )
    )
    assert rows["done"] == 0
    assert [(row["ok"], row["enrollment"]) for row in rows["results"]] == [(False, None)] * 2
    assert all(row["message"].isascii() for row in rows["results"])
    withdrawn = told(Machine(client, stage.enterprise).post(f"/enrollments/{enrollment}/withdraw", {}))
    assert withdrawn["state"] == "withdrawn"


def test_a_batch_sent_twice_is_done_once(client: FlaskClient, stage: Stage) -> None:  # R74
    person = approved(client, stage)
    _, enrollment = enrolled(client, stage, person)
    key = "0190b5a0-0000-7000-8000-00000000000a"
    association = Machine(client, stage.association)
    early = told(association.post("/enrollments/check-in", {"enrollments": [enrollment]}, Idempotency_Key=key))
    assert early["done"] == 0
    again = told(association.post("/enrollments/check-in", {"enrollments": [enrollment]}, Idempotency_Key=key))
    assert again == early
    assert told(
        Machine(client, stage.colleague).post(
            "/enrollments/check-in", {"enrollments": [enrollment]}, Idempotency_Key=key
        ),
        404,
    )
    bad = association.post("/enrollments/check-in", {"enrollments": [enrollment]}, Idempotency_Key="x")
    assert list(told(bad, 422)["errors"]) == ["Idempotency-Key"]


def test_a_certificate_is_revoked_with_a_reason_by_the_ministry_alone(client: FlaskClient, stage: Stage) -> None:  # R62
    from tests.builders.world import make_certificate

    certificate = make_certificate(stage.person(), add_months(today(), 20))
    path = f"/certificates/{certificate.id}/revoke"
    assert told(Machine(client, stage.province).post(path, {"reason": "事故"}), 403)
    ministry = Machine(client, stage.ministry)
    assert list(told(ministry.post(path, {"reason": ""}), 422)["errors"]) == ["reason"]
    gone = told(ministry.post(path, {"reason": "责任事故"}))
    assert (gone["state"], gone["void_reason"]) == ("revoked", "责任事故")
    assert told(ministry.post(path, {"reason": "责任事故"}), 409)
