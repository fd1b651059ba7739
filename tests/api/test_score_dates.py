"""No score before its class begins, and no pass confirmed before it ends but for a reason of the association,
by whichever way (R76)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.system.audit import AuditEvent
from service.workflow.runtime import jobs, tasks
from tests.api.v1_world import PASSWORD, Machine, make_world
from tests.builders.stage import (
    at_nine,
    certificates_of,
    do,
    enroll,
    enrollment_of,
    open_tasks,
    publish_class,
    task_of,
)
from tests.builders.world import sign_in

Way = Callable[[FlaskClient, User, UUID, str, dict[str, str]], Any]
WHY = "全体学员已修满学时，最后一天只发证。"


def task_page(client: FlaskClient, user: User, case: UUID, step: str, raw: dict[str, str]) -> Any:
    desk, address = sign_in(client, user), f"/tasks/{task_of(case, step).id}"
    [drawn] = re.findall(r'name="form_digest" value="([^"]+)"', desk.get(address).text)
    return desk.post(address, data=raw | {"form_digest": drawn, "asked": "1"})


def inbox(client: FlaskClient, user: User, case: UUID, step: str, raw: dict[str, str]) -> Any:
    """The batch of the inbox takes a decision and nothing else; scores have a sheet of their own."""
    task = str(task_of(case, step).id)
    form = {"task": [task], "submission": str(uuid4())}
    if step == "record_score":
        address, more = f"/classes/{enrollment_of(case).class_id}/scores", {f"score_{task}": raw["score"]}
    else:
        address, more = "/inbox/batch", {"decision": raw["decision"]}
    return sign_in(client, user).post(address, data=form | more, follow_redirects=True)


def rest(client: FlaskClient, user: User, case: UUID, step: str, raw: dict[str, str]) -> Any:
    path = "score" if step == "record_score" else "confirm-score"
    return Machine(client, user).post(f"/enrollments/{enrollment_of(case).id}/{path}", _typed(raw))


def rest_batch(client: FlaskClient, user: User, case: UUID, step: str, raw: dict[str, str]) -> Any:
    key, typed = str(enrollment_of(case).id), _typed(raw)
    if step == "record_score":
        return Machine(client, user).post("/scores", {"scores": [{"enrollment": key, **typed}]})
    return Machine(client, user).post("/scores/confirm", {"enrollments": [key], **typed})


def engine_rest(client: FlaskClient, user: User, case: UUID, step: str, raw: dict[str, str]) -> Any:
    values = {name: {"value": value} for name, value in _typed(raw).items()}
    address = f"/engine-rest/task/{task_of(case, step).id}/complete"
    return client.post(address, json={"variables": values}, auth=(user.login, PASSWORD))


WAYS = (task_page, inbox, rest, rest_batch, engine_rest)


def _typed(raw: dict[str, str]) -> dict[str, Any]:
    return {name: float(value) if name == "score" else value for name, value in raw.items()}


@pytest.mark.parametrize("way", WAYS)
def test_r76_scores_and_passes_keep_to_the_days_of_the_class(client: FlaskClient, clock: Any, way: Way) -> None:
    stage = make_world()
    found = publish_class(stage, ends_on="2026-03-14")
    person = stage.person()
    case = enroll(stage, found, person)
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on - timedelta(days=1)))
    do(stage.association, case, "check_in")
    steps = (
        (stage.institution, "record_score", {"score": "81"}, found.starts_on, "开班后才能录入成绩"),
        (stage.association, "confirm_score", {"decision": "confirm"}, found.ends_on, "提前确认的原因"),
    )
    for user, step, raw, day, said in steps:
        clock.move_to(at_nine(day - timedelta(days=1)))
        jobs.run_all()
        answer = way(client, user, case, step, raw)
        content = json.dumps(answer.json, ensure_ascii=False) if answer.is_json else answer.text
        assert said in content, step
        assert open_tasks(case) == [step]
        clock.move_to(at_nine(day))
        assert way(client, user, case, step, raw).status_code < 400
        jobs.run_all()
        assert step not in open_tasks(case)
    assert [c.state for c in certificates_of(person)] == ["issued"]
    assert session().scalar(select(AuditEvent.id).where(AuditEvent.action == "confirm_score_early")) is None


@pytest.mark.parametrize("way", [way for way in WAYS if way is not inbox])
def test_r76_the_association_makes_an_exception_with_a_reason_that_stands_in_the_audit_trail(
    client: FlaskClient, clock: Any, way: Way
) -> None:
    stage = make_world()
    found = publish_class(stage, ends_on="2026-03-14")
    case = enroll(stage, found, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    do(stage.association, case, "check_in")
    do(stage.institution, case, "record_score", score="81")
    desk = sign_in(client, stage.association).get("/inbox?kind=training_enrollment/confirm_score").text
    assert "2026-03-12 至 2026-03-14" in desk
    raw = {"decision": "confirm", "early_reason": WHY}
    assert way(client, stage.association, case, "confirm_score", raw).status_code < 400
    jobs.run_all()
    assert enrollment_of(case).state == "certifying"
    event = session().scalars(select(AuditEvent).where(AuditEvent.action == "confirm_score_early")).one()
    assert (event.actor_id, event.object_id, event.detail) == (stage.association.id, case, {"ends_on": "2026-03-14"})
    approval = task_of(case, "certification/approve_certificate")
    page = sign_in(client, stage.ministry).get(f"/tasks/{approval.id}").text
    assert {"2026-03-12", "03-14"} <= set(
        re.findall(r"[\d-]+", page)
    )  # who approves sees the days of the class, and why it was not waited for
    assert WHY in page


def test_r76_a_failure_needs_no_reason_and_a_correction_to_a_pass_does(client: FlaskClient, clock: Any) -> None:
    stage = make_world()
    found = publish_class(stage, ends_on="2026-03-14")
    case = enroll(stage, found, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    do(stage.association, case, "check_in")
    do(stage.institution, case, "record_score", score="51")
    do(stage.association, case, "confirm_score", decision="confirm")
    assert enrollment_of(case).state == "makeup"
    asked = {"correction_score": 810, "correction_absent": False, "correction_reason": "看错一行"}
    tasks.correlate_message(stage.association, case, "correct_score", asked)
    jobs.run_all()
    [step] = [step for step in open_tasks(case) if "assent" in step]
    assent = {"decision": "assent"}
    answer = task_page(client, stage.colleague, case, step, assent)
    assert "提前确认的原因" in answer.get_data(as_text=True)
    assert enrollment_of(case).state == "makeup"
    assert task_page(client, stage.colleague, case, step, assent | {"early_reason": WHY}).status_code == 302
    jobs.run_all()
    assert enrollment_of(case).state == "certifying"
