"""Training plans by their pages: whose kind they are (R33), who sees drafts, the calendar, a class from a plan, cancelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.errors import InvalidInput
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.training.training import TrainingClass, TrainingPlan
from service.workflow.runtime import tasks
from service.workflow.system import daily_digest
from service.workflow.training import plans
from tests.builders.stage import Stage, do, draft, enroll, known, make_stage
from tests.builders.world import authority_user, make_unit, make_user, sign_in

PLAN = {
    "title": "2026年第二期换证班",
    "kind": "renewal",
    "year": "2026",
    "time": "m6",
    "place": "济南",
    "capacity": "80",
    "hours": "16",
}


@pytest.fixture
def province(app: Flask, clock: MovingClock) -> User:
    return known(authority_user())


def write(client: FlaskClient, **fields: str) -> UUID:
    answer = client.post("/plans", data=PLAN | fields)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return UUID(answer.headers["Location"].rpartition("/")[2])


def page(client: FlaskClient, address: str) -> str:
    return client.get(address).get_data(as_text=True)


def plan_of(key: UUID) -> TrainingPlan:
    session().expire_all()
    return session().get_one(TrainingPlan, key)


def test_s106_a_plan_is_drafted_changed_published_and_seen_by_others_only_then(
    client: FlaskClient, app: Flask, province: User
) -> None:
    key = write(sign_in(client, province))
    other = sign_in(app.test_client(), authority_user(code="42"))
    assert other.get(f"/plans/{key}").status_code == 404
    assert PLAN["title"] not in page(other, "/plans")
    client.post(f"/plans/{key}", data=PLAN | {"time": "q3", "capacity": "90", "version": "1"})
    assert (plan_of(key).month, plan_of(key).quarter, plan_of(key).capacity) == (None, 3, 90)
    client.post(f"/plans/{key}/publish")
    assert other.get(f"/plans/{key}").status_code == 200
    assert other.post(f"/plans/{key}", data=PLAN).status_code == 404
    for role in ("ministry", "association"):  # S90
        assert sign_in(app.test_client(), authority_user(role)).get(f"/plans/{key}").status_code == 200
    assert sign_in(app.test_client(), make_user("enterprise", make_unit().id)).get("/plans").status_code == 404


@pytest.mark.parametrize(
    ("role", "kind"), [("provincial_authority", "initial"), ("association", "renewal"), ("association", "refresher")]
)
def test_r33_a_plan_of_a_kind_that_is_anothers_to_organise_is_refused(
    client: FlaskClient, clock: MovingClock, role: str, kind: str
) -> None:
    sign_in(client, authority_user(role))
    answer = client.post("/plans", data=PLAN | {"kind": kind})
    assert answer.status_code == 422
    assert session().scalars(select(TrainingPlan)).all() == []


def test_r33_the_kind_of_a_published_plan_does_not_change(client: FlaskClient, province: User) -> None:
    key = write(sign_in(client, province))
    client.post(f"/plans/{key}/publish")
    answer = client.post(f"/plans/{key}", data=PLAN | {"kind": "refresher"})
    assert answer.status_code == 422
    assert client.post(f"/plans/{key}", data=PLAN | {"place": "青岛"}).status_code == 302
    assert (plan_of(key).kind, plan_of(key).place) == ("renewal", "青岛")


def test_wrong_entries_come_back_at_their_fields_with_what_was_typed(client: FlaskClient, province: User) -> None:
    sign_in(client, province)
    wrong = {"title": "", "year": "2020", "time": "m13", "capacity": "0", "hours": "x", "place": "某地"}
    text = client.post("/plans", data=PLAN | wrong).get_data(as_text=True)
    for name in ("title", "year", "time", "capacity", "hours"):
        assert f'id="{name}-wrong"' in text
    assert 'value="某地"' in text
    past = client.post("/plans", data=PLAN | {"time": "m1"})
    assert "计划的月份已过" in past.get_data(as_text=True)


def test_the_calendar_shows_each_plan_in_its_month_or_quarter(client: FlaskClient, province: User) -> None:
    sign_in(client, province)
    write(client, title="六月的班")
    write(client, title="三季度的班", time="q3")
    write(client, title="未定的班", time="")
    write(client, title="明年的班", year="2027", time="m1")
    text = page(client, "/plans/calendar")
    for name in ("六月的班", "三季度的班", "未定的班", "时间待定"):
        assert name in text
    assert "明年的班" not in text
    assert "明年的班" in page(client, "/plans/calendar?year=2027")
    assert page(client, "/plans?year=2027").count("明年的班") == 1


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


def published(stage: Stage) -> UUID:
    key = plans.save_plan(stage.association, PLAN | {"kind": "initial", "hours": "48"}).id
    plans.publish_plan(stage.association, key)
    return key


def test_a_class_from_a_plan_starts_with_what_was_planned_and_belongs_to_it(client: FlaskClient, stage: Stage) -> None:
    key = published(stage)
    address = sign_in(client, stage.association).post(f"/plans/{key}/classes").headers["Location"]
    text = page(client, address)
    for value in (PLAN["title"], PLAN["place"], "48"):
        assert f'value="{value}"' in text
    task = UUID(address.rpartition("/")[2])
    tasks.complete(stage.association, task, draft(stage))
    found = session().scalars(select(TrainingClass)).one()
    assert found.plan_id == key
    assert found.title in page(client, f"/plans/{key}")


def test_a_class_of_another_kind_than_its_plan_is_refused_at_the_field(client: FlaskClient, stage: Stage) -> None:
    key = plans.save_plan(stage.province, PLAN).id
    plans.publish_plan(stage.province, key)
    task = plans.begin_class(stage.province, key)
    with pytest.raises(InvalidInput, match="类型须与所依据的计划相同"):
        tasks.complete(stage.province, task, draft(stage, "refresher", hours="16"))


def test_no_class_comes_from_a_draft_or_from_anothers_plan(client: FlaskClient, stage: Stage) -> None:
    key = plans.save_plan(stage.province, PLAN).id
    assert sign_in(client, stage.province).post(f"/plans/{key}/classes").status_code == 409
    plans.publish_plan(stage.province, key)
    assert sign_in(client, stage.other_province).post(f"/plans/{key}/classes").status_code == 404


def test_a_plan_is_cancelled_with_a_reason_unless_somebody_has_checked_in(
    client: FlaskClient, stage: Stage, clock: MovingClock
) -> None:
    first, second = published(stage), published(stage)
    task = plans.begin_class(stage.association, second)
    tasks.complete(stage.association, task, draft(stage))
    case = enroll(stage, session().scalars(select(TrainingClass)).one(), stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move(timedelta(days=10))
    do(stage.association, case, "check_in")
    sign_in(client, stage.association)
    assert client.post(f"/plans/{first}/cancel", data={"reason": ""}).status_code == 422
    assert client.post(f"/plans/{first}/cancel", data={"reason": "并入下期"}).status_code == 302
    assert (plan_of(first).state, plan_of(first).cancel_reason) == ("cancelled", "并入下期")
    assert "已有学员报到" in page(client, f"/plans/{second}/cancel")
    assert client.post(f"/plans/{second}/cancel", data={"reason": "并入下期"}).status_code == 409
    assert plan_of(second).state == "published"


def test_with_the_new_year_published_plans_of_the_old_one_are_closed(stage: Stage, clock: MovingClock) -> None:
    key, idle = published(stage), plans.save_plan(stage.province, PLAN).id
    clock.move_to(datetime(2026, 12, 31, 17, tzinfo=UTC))  # past midnight in China
    daily_digest.write_due_digests()
    assert (plan_of(key).state, plan_of(idle).state) == ("closed", "draft")
