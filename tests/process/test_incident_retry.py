"""Incidents tried again together: a preview that changes nothing, a reason, each by itself, and what became of them."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.errors import InvalidInput, NotAllowed
from service.models.db.clock import MovingClock
from service.models.db.ids import new_id
from service.models.db.pagination import PAGE_SIZE
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Incident, Job, JournalRow
from service.workflow.runtime import history, incident_retry, incidents, jobs, mends, tasks
from service.workflow.runtime.mends import Mend
from service.workflow.versions import deployments
from tests.builders.world import sign_in
from tests.process.small_process import person

WHY = "除数已改正"
DIAGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  id="d" targetNamespace="http://anpei">
  <bpmn:process id="dividing" name="相除" isExecutable="true">
    <bpmn:startEvent id="begun" name="开始"/>
    <bpmn:scriptTask id="given" name="给出" scriptFormat="starlark"><bpmn:script>divisor = 0</bpmn:script></bpmn:scriptTask>
    <bpmn:intermediateCatchEvent id="later" name="稍后"><bpmn:timerEventDefinition id="ted"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
    <bpmn:scriptTask id="divided" name="相除" scriptFormat="starlark"><bpmn:script>quotient = 10 // divisor</bpmn:script></bpmn:scriptTask>
    <bpmn:endEvent id="done" name="完成"/>
    <bpmn:sequenceFlow id="f1" sourceRef="begun" targetRef="given"/>
    <bpmn:sequenceFlow id="f2" sourceRef="given" targetRef="later"/>
    <bpmn:sequenceFlow id="f3" sourceRef="later" targetRef="divided"/>
    <bpmn:sequenceFlow id="f4" sourceRef="divided" targetRef="done"/>
  </bpmn:process>
</bpmn:definitions>
"""


@pytest.fixture
def admin(app: Flask, clock: MovingClock) -> User:
    return person("kong", "process_admin")


@pytest.fixture
def failed(admin: User, clock: MovingClock) -> list[UUID]:
    """Three cases whose timer has failed for good; the first has been mended since, and a submission failed, too."""
    deployments.deploy({"dividing.bpmn": DIAGRAM.encode()})
    cases = [tasks.start(None, "dividing", {}).case_id for _ in range(3)]
    for _ in range(6):
        clock.move(timedelta(hours=2))
        jobs.run_all()
    mends.mend(admin, cases[0], Mend("variables", WHY, values={"divisor": 5}))
    incidents.record_incident(cases[2], "divided", "somebody's click")
    return cases


def open_incidents(cases: list[UUID]) -> list[UUID]:
    query = select(Incident.id).where(Incident.case_id.in_(cases), Incident.resolved_at.is_(None))
    return list(session().scalars(query.order_by(Incident.opened_at, Incident.id)))


def rows() -> int:
    return len(session().scalars(select(JournalRow.seq)).all())


def test_a_preview_tries_each_and_changes_nothing(admin: User, failed: list[UUID]) -> None:
    before, chosen = rows(), open_incidents(failed)
    assert len(chosen) == 4
    told = {one.incident_id: one for one in incident_retry.preview_many(admin, chosen)}
    by_case = {session().get_one(Incident, key).case_id: [] for key in chosen}
    for key in chosen:
        by_case[session().get_one(Incident, key).case_id].append(told[key])
    [good] = by_case[failed[0]]
    assert (good.note.text, good.is_refused, good.outcome.ended) == ("再试会成功。", False, True)
    [bad] = by_case[failed[1]]
    assert bad.is_refused
    assert "再试仍会出错" in bad.note.text
    assert any("办理人的提交" in one.note.text for one in by_case[failed[2]])
    assert (rows(), open_incidents(failed)) == (before, chosen)


def test_many_are_tried_again_each_by_itself(client: FlaskClient, admin: User, failed: list[UUID]) -> None:
    chosen = open_incidents(failed)
    with pytest.raises(InvalidInput):
        incident_retry.retry_many(admin, chosen, " ")
    with pytest.raises(NotAllowed):
        incident_retry.retry_many(person("other", "association"), chosen, WHY)
    gone = new_id()
    told = incident_retry.retry_many(admin, [*chosen, gone], WHY)
    assert [one.is_refused for one in told] == [False] * 4 + [True]
    assert open_incidents(failed) == []
    sign_in(client, admin)
    assert "等待 3 件" in client.get("/incidents").text
    jobs.run_all()
    assert session().get_one(Case, failed[0], populate_existing=True).ended == "done"
    kinds = session().scalars(select(JournalRow.kind).where(JournalRow.case_id == failed[2])).all()
    assert {"retry", "resolve"} <= set(kinds)
    assert "办成 1 件" in client.get("/incidents").text
    assert list(history.verify(failed)) == []


def test_the_page_keeps_what_was_chosen_and_typed(client: FlaskClient, admin: User, failed: list[UUID]) -> None:
    sign_in(client, admin)
    chosen = [str(key) for key in open_incidents(failed)[:2]]
    shown = client.post(
        "/incidents", data={"incident": chosen, "reason": WHY, "then": "preview"}, follow_redirects=True
    ).text
    assert (shown.count(" checked"), WHY in shown, "再试" in shown) == (2, True, True)
    assert client.post("/incidents", data={"reason": WHY, "then": "retry"}).status_code == 422
    refused = client.post("/incidents", data={"incident": chosen, "then": "retry"})
    assert (refused.status_code, refused.text.count(" checked")) == (422, 2)
    done = client.post("/incidents", data={"incident": chosen, "reason": WHY, "then": "retry"})
    assert done.status_code == 200
    assert len(open_incidents(failed)) == 2
    sign_in(client, person("asso", "association"))
    assert client.get("/incidents").status_code in (403, 404)


def test_an_effect_is_not_tried_beforehand(admin: User, failed: list[UUID]) -> None:
    with transaction(Operation("test")) as current:
        job = current.get_one(Job, current.get_one(Incident, open_incidents(failed)[0]).job_id)
        job.kind = "effect"
    [told, *_] = incident_retry.preview_many(admin, open_incidents(failed))
    assert "不预先试做" in told.note.text


@pytest.mark.parametrize("kind", ["move", "skip", "cancel"])
def test_a_failed_job_that_a_mend_ends_leaves_no_incident(admin: User, failed: list[UUID], kind: str) -> None:
    *others, case_id = failed
    mends.mend(admin, case_id, Mend("variables", WHY, values={"divisor": 5}))
    assert len(open_incidents([case_id])) == 2
    mends.mend(admin, case_id, Mend(kind, WHY, element="later", to="divided" if kind == "move" else None))
    [left] = open_incidents([case_id])
    assert session().get_one(Incident, left).message == "somebody's click"
    case = session().get_one(Case, case_id, populate_existing=True)
    assert (case.incidents, case.ended_at is not None) == (1, True)
    assert (len(open_incidents(others)), list(history.verify([case_id]))) == (2, [])


def test_many_incidents_are_paged_and_no_more_than_may_be_are_taken(
    client: FlaskClient, admin: User, failed: list[UUID]
) -> None:
    """Each stands on one page; what is too much at once is refused, not cut off in silence."""
    for n in range(PAGE_SIZE):
        incidents.record_incident(failed[0], "divided", f"again {n}")
    every, seen, address = open_incidents(failed), [], "/incidents"
    sign_in(client, admin)
    while address:
        shown = client.get(address).text
        assert f"共 {len(every)} 件故障" in shown
        seen.append(re.findall(r'name="incident" value="([^"]+)"', shown))
        following = re.search(r'rel="next" href="([^"]+)"', shown)
        address = following[1] if following else ""
    assert [len(one) for one in seen] == [PAGE_SIZE, len(every) - PAGE_SIZE]
    assert [key for one in seen for key in one] == [str(key) for key in every]
    too_many = [str(new_id()) for _ in range(incident_retry.MAX_INCIDENTS + 1)]
    refused = client.post("/incidents", data={"incident": too_many, "reason": WHY, "then": "retry"})
    assert refused.status_code == 422
    assert "一次至多处理 200 件故障" in refused.text
    assert client.get("/incidents?page=nonsense").status_code == 404
