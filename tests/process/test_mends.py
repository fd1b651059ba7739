"""Mends of running cases: who may, what stands in the journal, what is held while a case is suspended; proved again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.engine import StepError
from service.errors import Conflict, InvalidInput, NotAllowed
from service.handlers import SUBJECTS
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Incident, Job, JournalRow, PersonalValue, Task
from service.models.tables.system.audit import AuditEvent
from service.workflow.runtime import executor, history, jobs, mends, tasks
from service.workflow.runtime.mends import KINDS, Mend
from service.workflow.versions import deployments
from tests.api.rest_world import PASSWORD, make_world
from tests.builders.world import sign_in
from tests.process.small_process import FORM, deploy, person
from tests.unit.test_engine_mends import PLACES

WHY = "表格里少了一行，龘靐"


@pytest.fixture
def admin(app: Flask, clock: Any) -> User:
    return person("processes", "process_admin")


def started(process: str = "small") -> UUID:
    return tasks.start(None, process, {}).case_id


def case_of(case_id: UUID) -> Case:
    return session().get_one(Case, case_id, populate_existing=True)


def open_elements(case_id: UUID) -> list[str]:
    query = select(Task.element).where(Task.case_id == case_id, Task.state == "open")
    return sorted(session().scalars(query))


def rows(case_id: UUID) -> list[JournalRow]:
    query = select(JournalRow).where(JournalRow.case_id == case_id).order_by(JournalRow.seq)
    return list(session().scalars(query))


def proved(case_id: UUID) -> None:
    assert list(history.verify([case_id])) == []


def mend_of(kind: str, **more: Any) -> Mend:
    given: dict[str, Any] = {
        "variables": {"values": {"decision": "no"}},
        "move": {"element": "look", "to": "sign"},
        "skip": {"element": "look"},
    }.get(kind, {})
    return Mend(kind, WHY, **(given | more))


# Every mend at every kind of place, by the use case


@pytest.mark.parametrize("kind", ["variables", "move", "skip", "suspend", "cancel"])
@pytest.mark.parametrize("name", PLACES)
def test_each_mend_at_each_place_is_recorded_and_proved(admin: User, kind: str, name: str) -> None:
    drawn, element, _ = PLACES[name]
    files = {name: content.replace(b"office", b"association") for name, content in drawn.files.items()}
    deployments.deploy(files, process="case")
    case_id = tasks.start(None, "case", {"x": 1}).case_id
    before = open_elements(case_id)
    target = next(one.targets[0] for one in mends.places(case_of(case_id)) if one.element == element and one.targets)
    given = Mend(kind, WHY, element=element, to=target, values={"x": 2} if kind == "variables" else {})
    [found] = mends.standing_at(admin, case_of(case_id).definition, element.rpartition("/")[2])
    [told] = mends.mend_many(admin, [found.id], given, is_preview=True)
    assert told == mends.preview(admin, case_id, given)
    assert (open_elements(case_id), len(rows(case_id)), case_of(case_id).suspended_at) == (before, 1, None)
    mends.mend(admin, case_id, given)
    row, case = rows(case_id)[-1], case_of(case_id)
    assert (row.kind, row.actor_id, row.seq) == (kind, admin.id, 1)
    assert told.ended is (case.ended_at is not None)
    assert (case.suspended_at is not None) is (kind == "suspend")
    if kind in ("variables", "suspend"):
        assert open_elements(case_id) == before
    if kind == "cancel":
        assert (open_elements(case_id), case.ended) == ([], None)
        assert set(session().scalars(select(Job.state).where(Job.case_id == case_id))) <= {"cleared"}
    proved(case_id)


def test_a_reason_is_sealed_and_read_by_administrators_and_auditors(admin: User) -> None:
    deploy()
    case_id = started()
    mends.mend(admin, case_id, mend_of("move"))
    (sealed,) = session().scalars(select(PersonalValue).where(PersonalValue.case_id == case_id))
    assert (sealed.field, sealed.value) == ("reason", WHY)
    assert WHY not in str(rows(case_id)[-1].record)
    for reader in (admin, person("auditor", "audit_admin")):
        assert history.timeline(reader, case_id)[-1].data == {"to": "sign", "reason": WHY}
    event = session().scalars(select(AuditEvent).where(AuditEvent.object_id == case_id)).one()
    assert (event.action, event.actor_id, event.detail) == ("mend_case", admin.id, {"what": "move"})
    proved(case_id)


@pytest.mark.parametrize("kind", KINDS)
def test_no_mend_without_a_reason(admin: User, kind: str) -> None:
    deploy()
    case_id = started()
    for reason in ("", "  ", "长" * 501):
        with pytest.raises(InvalidInput) as refused:
            mends.mend(admin, case_id, Mend(kind, reason))
        assert set(refused.value.fields) == {"reason"}
    assert len(rows(case_id)) == 1


@pytest.mark.parametrize("role", [role for role in Role if not may(role, Action.MEND_CASES)])
@pytest.mark.parametrize("kind", KINDS)
def test_whoever_has_no_right_mends_nothing(admin: User, kind: str, role: Role) -> None:
    deploy()
    case_id = started()
    user = person("other", role)
    with pytest.raises(NotAllowed):
        mends.mend(user, case_id, mend_of(kind))
    with pytest.raises(NotAllowed):
        mends.mend_many(user, [case_id], mend_of(kind))
    assert len(rows(case_id)) == 1


def test_only_process_administrators_mend() -> None:
    assert [role for role in Role if may(role, Action.MEND_CASES)] == [Role.PROCESS_ADMIN]


# Suspended


def test_a_suspended_case_does_nothing_and_loses_nothing(admin: User, clock: Any) -> None:
    deploy()
    case_id, officer = started(), person("a", "association")
    task = session().scalars(select(Task.id).where(Task.case_id == case_id)).one()
    mends.mend(admin, case_id, mend_of("suspend"))
    acts: list[Callable[[], object]] = [
        lambda: tasks.claim(officer, task),
        lambda: tasks.complete(officer, task, {"decision": "yes"}),
        lambda: tasks.correlate_message(officer, case_id, "stop"),
        lambda: mends.mend(admin, case_id, mend_of("suspend")),
    ]
    for act in acts:
        with pytest.raises(Conflict, match="暂停"):
            act()
    clock.move(timedelta(days=4))  # the timer at its border fell due
    jobs.run_all()
    with transaction(Operation("test")):
        jobs.leave_message(case_id, "stop", {})
    jobs.run_all()
    assert [row.kind for row in rows(case_id)] == ["start", "suspend"]
    mends.mend(admin, case_id, mend_of("resume"))
    jobs.run_all()
    assert [row.kind for row in rows(case_id)] == ["start", "suspend", "resume", "timer"]
    assert case_of(case_id).ended == "lapsed"
    proved(case_id)


@pytest.mark.parametrize("is_offered", [False, True])
def test_a_message_that_came_while_suspended_arrives_when_it_is_resumed(admin: User, is_offered: bool) -> None:
    deploy()
    case_id = started()
    mends.mend(admin, case_id, mend_of("suspend"))
    if is_offered:
        assert tasks.offer_message(None, case_id, "stop")
    else:
        with transaction(Operation("test")):
            jobs.leave_message(case_id, "stop", {})
    jobs.run_all()
    assert case_of(case_id).ended_at is None
    mends.mend(admin, case_id, mend_of("resume"))
    jobs.run_all()
    assert case_of(case_id).ended == "halted"
    proved(case_id)


def test_a_suspended_case_is_mended_and_then_goes_on(admin: User) -> None:
    deploy()
    case_id = started()
    for kind in ("suspend", "variables", "move", "resume"):
        mends.mend(admin, case_id, mend_of(kind))
    assert open_elements(case_id) == ["sign"]
    proved(case_id)


def test_who_changes_the_mark_of_a_suspended_case_is_found(admin: User) -> None:
    deploy()
    case_id = started()
    mends.mend(admin, case_id, mend_of("suspend"))
    session().execute(update(Case).where(Case.id == case_id).values(suspended_at=None))
    session().commit()
    assert [one.what for one in history.verify([case_id])] == ["case"]


# What is refused


def test_a_step_that_fails_from_there_leaves_the_case_as_it_was(admin: User) -> None:
    deploy()
    case_id = started()
    with pytest.raises(Conflict, match="gw"):  # nothing has decided: the condition behind it cannot be asked
        mends.mend(admin, case_id, mend_of("skip"))
    assert (open_elements(case_id), len(rows(case_id)), case_of(case_id).incidents) == (["look"], 1, 0)
    mends.mend(admin, case_id, mend_of("variables", values={"decision": "yes"}))
    mends.mend(admin, case_id, mend_of("skip"))
    assert open_elements(case_id) == ["sign"]
    proved(case_id)


@pytest.mark.parametrize("values", [{}, {"a b": 1}, {"1x": 1}, {"x": {"personal": "1", "digest": "2"}}])
def test_variables_that_cannot_be_changed(admin: User, values: dict[str, Any]) -> None:
    deploy()
    case_id = started()
    with pytest.raises(InvalidInput):
        mends.mend(admin, case_id, mend_of("variables", values=values))


def test_a_personal_variable_is_left_to_its_form(admin: User) -> None:
    from tests.process.small_process import FORM

    deploy(form=FORM.replace('"label": "意见"', '"label": "意见", "properties": {"personal": "true"}'))
    case_id = started()
    with pytest.raises(InvalidInput):
        mends.mend(admin, case_id, mend_of("variables", values={"comment": "张三"}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_that_is_over_is_not_mended(admin: User, kind: str) -> None:
    deploy()
    case_id = started()
    mends.mend(admin, case_id, mend_of("cancel"))
    with pytest.raises(Conflict):
        mends.mend(admin, case_id, mend_of(kind))


# Many cases at once


def test_many_are_mended_alike_each_by_itself(admin: User) -> None:
    deploy()
    cases = [started() for _ in range(3)]
    mends.mend(admin, cases[1], mend_of("cancel"))
    tried = mends.mend_many(admin, cases, mend_of("move"), is_preview=True)
    assert [open_elements(case) for case in cases] == [["look"], [], ["look"]]
    done = mends.mend_many(admin, cases, mend_of("move"))
    assert [one.refusal is None for one in done] == [one.refusal is None for one in tried] == [True, False, True]
    assert [one.opened for one in done] == [("签批",), (), ("签批",)]
    assert [open_elements(case) for case in cases] == [["sign"], [], ["sign"]]
    for case in cases:
        proved(case)
    assert mends.standing_at(admin, case_of(cases[0]).definition, "look") == []
    assert {case.id for case in mends.standing_at(admin, case_of(cases[0]).definition, "sign")} == {cases[0], cases[2]}


# Incidents


def test_an_incident_of_a_person_s_click_is_not_pretended_to_have_run(
    admin: User, client: FlaskClient, monkeypatch: Any
) -> None:
    deploy()
    case_id, officer = started(), person("a", "association")
    task = session().scalars(select(Task.id).where(Task.case_id == case_id)).one()

    def fail(*_: Any, **__: Any) -> None:
        raise StepError("x", "look")

    with monkeypatch.context() as broken:
        broken.setattr(executor.engine, "step", fail)
        with pytest.raises(StepError):
            tasks.complete(officer, task, {"decision": "yes"})
    incident = session().scalars(select(Incident)).one()
    page = sign_in(client, admin)
    shown = page.get(f"/cases/{case_id}").text
    assert "标为已处理" in shown
    answer = page.post(
        f"/incidents/{incident.id}/resolve", data={"case": case_id, "reason": WHY}, follow_redirects=True
    )
    assert "请办理人重新提交" in answer.text
    assert "已重新安排" not in answer.text
    assert [row.kind for row in rows(case_id)] == ["start", "resolve"]
    assert open_elements(case_id) == ["look"]
    proved(case_id)


# The pages


def test_the_page_shows_what_a_case_waits_for_and_mends_it(client: FlaskClient, admin: User) -> None:
    deploy()
    case_id = started()
    page = sign_in(client, admin)
    shown = page.get(f"/cases/{case_id}").text
    for word in ("在等什么", "查看", "协会", "定时", "消息", "跳过", "移动"):
        assert word in shown, word
    place = next(f"{one.token} {one.element}" for one in mends.places(case_of(case_id)))
    for kind in KINDS:
        assert page.get(f"/cases/{case_id}/mend?kind={kind}").status_code == 200
    form = {"kind": "move", "place": place, "to": "sign", "reason": WHY}
    tried = page.post(f"/cases/{case_id}/mend", data=form | {"then": "preview"}, follow_redirects=True)
    assert "开出待办：签批" in tried.text
    assert WHY in tried.text
    assert open_elements(case_id) == ["look"]
    assert page.post(f"/cases/{case_id}/mend", data=form | {"then": "mend", "reason": ""}).status_code == 422
    assert page.post(f"/cases/{case_id}/mend", data=form | {"then": "mend", "to": "begun"}).status_code == 409
    assert page.post(f"/cases/{case_id}/mend", data=form | {"then": "mend"}).status_code == 302
    assert open_elements(case_id) == ["sign"]
    told = page.get(f"/cases/{case_id}").text
    assert "修复：移动" in told
    assert WHY[:10] in told
    for typed, value in (("whole", "x"), ("boolean", "maybe"), ("json", "[1.5]"), ("json", "{"), ("", "1")):
        wrong = {"kind": "variables", "variable": "n", "type": typed, "variable_value": value, "reason": WHY}
        assert page.post(f"/cases/{case_id}/mend", data=wrong | {"then": "mend"}).status_code == 422
    right = {"kind": "variables", "variable": "n", "type": "json", "variable_value": '["a", 1]', "reason": WHY}
    assert page.post(f"/cases/{case_id}/mend", data=right | {"then": "mend"}).status_code == 302
    assert rows(case_id)[-1].record["data"]["values"] == {"n": ["a", 1]}
    proved(case_id)


# Over REST, by Camunda's calls


def camunda(client: FlaskClient, method: str, path: str, content: Any = None, login: str = "processes") -> Any:
    return client.open(f"/engine-rest{path}", method=method, json=content, auth=(login, PASSWORD))


def test_camunda_s_calls_mend_a_case(client: FlaskClient, clock: Any) -> None:
    make_world()
    deploy()
    case_id = started()
    at = f"/process-instance/{case_id}"
    calls: list[tuple[str, str, Any, str]] = [
        ("PUT", f"{at}/suspended", {"suspended": True}, "suspend"),
        ("PUT", f"{at}/suspended", {"suspended": False}, "resume"),
        ("POST", f"{at}/variables", {"modifications": {"decision": {"value": "yes", "type": "String"}}}, "variables"),
        ("PUT", f"{at}/variables/n", {"value": 3, "type": "Integer"}, "variables"),
        (
            "POST",
            f"{at}/modification",
            {
                "instructions": [
                    {"type": "cancel", "activityId": "look"},
                    {"type": "startBeforeActivity", "activityId": "sign"},
                ],
                "annotation": WHY,
            },
            "move",
        ),
        (
            "POST",
            f"{at}/modification",
            {
                "instructions": [
                    {"type": "cancel", "activityId": "sign"},
                    {"type": "startBeforeActivity", "activityId": "look"},
                ]
            },
            "move",
        ),
        ("DELETE", at, None, "cancel"),
    ]
    for method, path, content, kind in calls:
        for stranger in ("association", "auditor", "accounts"):
            assert camunda(client, method, path, content, stranger).status_code == 403
        assert camunda(client, method, path, content).status_code == 204, (method, path)
        assert rows(case_id)[-1].kind == kind
        suspended = kind == "suspend"
        if kind != "cancel":
            assert camunda(client, "GET", at).json["suspended"] is suspended
            assert len(camunda(client, "GET", "/process-instance?suspended=true").json) == suspended
    assert camunda(client, "POST", f"{at}/modification", {"instructions": []}).status_code == 400
    assert camunda(client, "PUT", f"{at}/suspended", {}).status_code == 400
    proved(case_id)


def test_a_failed_job_is_tried_again_by_its_retries(client: FlaskClient, clock: Any, monkeypatch: Any) -> None:
    make_world()
    deploy()
    case_id = started()
    clock.move(timedelta(days=3))

    def fail(*_: Any, **__: Any) -> None:
        raise StepError("x", "late")

    with monkeypatch.context() as broken:
        broken.setattr(executor, "apply_input", fail)
        for pause in (*jobs.RETRY_DELAYS, timedelta(0)):
            jobs.run_due()
            clock.move(pause)
    job = session().scalars(select(Job.id).where(Job.state == "failed")).one()
    assert camunda(client, "PUT", f"/job/{job}/retries", {"retries": 1}, "association").status_code == 403
    assert camunda(client, "PUT", f"/job/{job}/retries", {"retries": 1}).status_code == 204
    jobs.run_all()
    assert [row.kind for row in rows(case_id)] == ["start", "retry", "timer"]
    assert case_of(case_id).incidents == 0
    proved(case_id)


def test_the_page_of_a_process_mends_many(client: FlaskClient, admin: User) -> None:
    deploy()
    cases = [started() for _ in range(3)]
    page, at = sign_in(client, admin), "/processes/small/mend?element=look"
    shown = page.get("/processes/small").text
    offered = re.search(r'<select[^>]*name="element".*?</select>', shown, re.DOTALL)
    assert offered
    others = re.findall(r'<option value="(\w+)"', offered[0])
    assert {page.get(f"/processes/small/mend?element={one}").status_code for one in others} == {200}
    assert page.get("/processes/small/mend?element=nothing").status_code == 200
    assert page.get("/processes/nothing/mend?element=look").status_code == 404
    form = {"case": [str(case) for case in cases[:2]], "kind": "move", "to": "sign", "reason": WHY}
    tried = page.post(at, data=form | {"then": "preview"}, follow_redirects=True).text
    assert tried.count("开出待办：签批") == 2
    assert [open_elements(case) for case in cases] == [["look"]] * 3
    for missing in ({"reason": ""}, {"to": ""}, {"case": []}):
        assert page.post(at, data=form | {"then": "mend"} | missing).status_code == 422
    told = page.post(at, data=form | {"then": "mend"}, follow_redirects=True).text
    assert "已修复 2 件" in told
    assert [open_elements(case) for case in cases] == [["sign"], ["sign"], ["look"]]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PROCESS_ADMIN])
def test_no_other_role_reaches_a_page_that_deploys_or_mends(client: FlaskClient, admin: User, role: Role) -> None:
    deploy()
    case_id = started()
    page = sign_in(client, person("other", role))
    reads = [f"/cases/{case_id}/mend", "/processes/small/mend?element=look", "/processes/small/restore?version=1"]
    writes = [*reads, "/processes", f"/incidents/{case_id}/resolve"]
    for way, addresses in (("GET", reads), ("POST", writes)):
        for address in addresses:
            answer = page.open(address, method=way, data={"kind": "cancel", "reason": WHY, "then": "mend"})
            assert answer.status_code in (403, 404), (way, address)
    assert [row.kind for row in rows(case_id)] == ["start"]


@pytest.mark.parametrize("process", SUBJECTS)
def test_nobody_puts_another_subject_under_a_case(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch, process: str
) -> None:
    make_world()
    monkeypatch.setitem(SUBJECTS, "small", SUBJECTS[process])
    name = SUBJECTS[process].variable
    told = json.loads(FORM)
    told["components"].append({"type": "textfield", "key": name, "label": "编号"})
    deploy(form=json.dumps(told))
    case_id, other = started(), str(new_id())
    admin, officer = (User.by_login(login) for login in ("processes", "association"))
    assert admin
    assert officer
    (task_id,) = session().scalars(select(Task.id).where(Task.case_id == case_id))
    ways: list[tuple[str, Callable[[], Any]]] = [
        ("variable", lambda: mends.mend(admin, case_id, Mend("variables", WHY, values={name: other}))),
        ("variable", lambda: mends.preview(admin, case_id, Mend("variables", WHY, values={"n": 1, name: None}))),
        (name, lambda: tasks.complete(officer, task_id, {"decision": "yes", name: other})),
        (name, lambda: tasks.correlate_message(None, case_id, "stop", {name: other})),
    ]
    for field, way in ways:
        with pytest.raises(InvalidInput) as refused:
            way()
        assert list(refused.value.fields) == [field]
    at = f"/process-instance/{case_id}/variables"
    for method, path, content in (
        ("POST", at, {"modifications": {name: {"value": other, "type": "String"}}}),
        ("PUT", f"{at}/{name}", {"value": other, "type": "String"}),
    ):
        assert camunda(client, method, path, content).status_code == 400
    leave = Operation("test", case_id=case_id)
    with transaction(leave):
        jobs.leave_message(case_id, "stop", {name: other})
    jobs.run_all()
    assert (len(rows(case_id)), open_elements(case_id)) == (1, ["look"])
