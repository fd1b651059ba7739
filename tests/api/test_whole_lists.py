"""Many at once: all of a list on all its pages in one request, several returned with one reason (S21, R44, R87)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service import forms
from service.models.db.session import session
from service.models.queries.runtime import inbox
from service.models.tables.runtime.case import Task
from service.workflow.processes import definitions
from tests.builders.open_tasks import stand_at_every_task
from tests.builders.stage import Stage, enroll, make_stage, publish_class
from tests.builders.world import sign_in

KIND = "training_enrollment/confirm_enrollment"
PEOPLE = 5


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    made = make_stage()
    found = publish_class(made)
    for n in range(PEOPLE):
        enroll(made, found, made.person(name=f"刘{'甲乙丙丁戊己庚辛壬癸'[n]}巳"))
    return made


@pytest.fixture
def paged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two rows."""
    original = inbox.read
    monkeypatch.setattr(inbox, "read", lambda *given, size=2: original(*given, size=size))


def open_now() -> int:
    session().expire_all()
    query = select(func.count()).select_from(Task).where(Task.kind == KIND, Task.state == "open")
    return session().scalar(query) or 0


def form_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


@pytest.mark.usefixtures("paged")
def test_all_pages_are_decided_in_one_request(client: FlaskClient, stage: Stage) -> None:
    page = sign_in(client, stage.province).get(f"/inbox?kind={KIND}").text
    assert f"全部 {PEOPLE} 条" in page
    answer = client.post("/inbox/batch", data=form_of(page) | {"all": "1", "decision": "confirm"})
    assert answer.status_code == 302
    assert open_now() == 0
    assert f"已办理 {PEOPLE} 条" in client.get("/inbox").text


@pytest.mark.usefixtures("paged")
def test_all_is_all_of_what_was_looked_for(client: FlaskClient, stage: Stage) -> None:
    page = sign_in(client, stage.province).get(f"/inbox?kind={KIND}&find=刘甲").text
    assert "data-all-pages" not in page
    client.post("/inbox/batch", data=form_of(page) | {"all": "1", "decision": "confirm"})
    assert open_now() == PEOPLE - 1


def test_several_are_refused_with_one_reason_that_each_keeps(client: FlaskClient, stage: Stage) -> None:
    page = sign_in(client, stage.province).get(f"/inbox?kind={KIND}").text
    rows = re.findall(r'name="task" value="([0-9a-f-]{36})"', page)[:3]
    asked = client.post("/inbox/batch", data=form_of(page) | {"task": rows, "decision": "reject"})
    assert "不予确认：3 件？" in asked.text
    assert open_now() == PEOPLE
    form = form_of(asked.text) | {"task": re.findall(r'name="task" value="([0-9a-f-]{36})"', asked.text)}
    assert sorted(form["task"]) == sorted(rows)
    missing = client.post("/inbox/batch", data=form)
    assert (missing.status_code, open_now()) == (422, PEOPLE)
    assert "不予确认：3 件？" in missing.text
    assert client.post("/inbox/batch", data=form | {"reason": "材料不齐，请补交。"}).status_code == 302
    assert open_now() == PEOPLE - 3
    reasons = {task.case_id for task in session().scalars(select(Task).where(Task.id.in_(rows)))}
    assert len(reasons) == 3
    assert client.get("/enrollments").text.count("材料不齐") in (0, 3)


def test_every_choice_of_every_task_is_offered_to_many_or_asks_for_more_than_a_reason(app: Any, clock: Any) -> None:
    """Each choice of each shipped form: plain, with one reason, or with fields that have to be typed a row."""
    stand_at_every_task(make_stage(), clock)
    seen = set()
    for task in session().scalars(select(Task).where(Task.state == "open")):
        form = definitions.form(task.definition, task.form_key)
        asked = forms.choice(form) if form else None
        if form is None or asked is None:
            continue
        plain = {o.value for o in forms.decisions(form)}
        reasoned = {o.value for o in forms.decisions_with_reason(form)}
        assert not plain & reasoned
        for option in asked.options:
            given = {asked.key: option.value}
            others = [
                f for f in forms.fields(form) if f.key and f is not asked and not f.readonly and f.is_shown(given)
            ]
            needed = {f.key for f in others if f.is_required(given) or f.type not in ("textfield", "textarea")}
            expected = plain if not needed else reasoned if needed == {"reason"} else set()
            assert (option.value in expected) == (option.value in plain | reasoned), (task.element, option.value)
            seen.add(task.element.rpartition("/")[2])
    assert {"approve_person", "confirm_enrollment", "confirm_score", "approve_certificate"} <= seen
