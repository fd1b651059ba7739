"""Changed diagrams and the cases that run: migration of whatever waits, the way back, back-tests; all proved again."""

from __future__ import annotations

import io
import json
import os
import re
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from service.api.engine_rest.schemas import FIELDS
from service.cli.version_changes import migrate
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.engine import Plan, backtest
from service.errors import Conflict, InvalidInput, NotAllowed, NotFound
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Job, JournalRow, Task
from service.models.tables.system.audit import AuditEvent
from service.workflow.processes import definitions
from service.workflow.runtime import history, jobs, mends, tasks
from service.workflow.runtime.mends import Mend
from service.workflow.versions import background_runs, backtests, case_migrations, deployments
from service.workflow.versions.case_migrations import Migration
from tests.api.rest_world import HASH, PASSWORD
from tests.builders.world import sign_in
from tests.process.small_process import DIAGRAM, FORM, deploy, person
from tests.unit.test_engine_mends import PLACES

BASE = re.sub(r"<bpmn:(incoming|outgoing)>[^<]*</bpmn:\1>", "", DIAGRAM)
WHY = "加了一级审批，龘靐"


@pytest.fixture
def admin(app: Flask, clock: Any) -> User:
    return person("processes", "process_admin")


def deployed(files: dict[str, bytes]) -> str:
    version = deployments.deploy(files, process="case").version
    assert version is not None
    return version.digest


def drawn(name: str) -> dict[str, bytes]:
    return {file: text.replace(b"office", b"association") for file, text in PLACES[name][0].files.items()}


def case_of(case_id: UUID) -> Case:
    return session().get_one(Case, case_id, populate_existing=True)


def standing(case_id: UUID) -> list[tuple[str, str, UUID]]:
    query = select(Task.element, Task.definition, Task.id).where(Task.case_id == case_id, Task.state == "open")
    return sorted(map(tuple, session().execute(query)))


def proved(case_id: UUID) -> None:
    assert list(history.verify([case_id])) == []


def renamed(files: dict[str, bytes]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The same diagrams with every id of a node another one, and where each goes."""
    ids = sorted(definitions.read_checked(files, "case").elements.keys() - {"case", "checked"}, key=len, reverse=True)
    for name in ids:
        for kind in ("id", "sourceRef", "targetRef", "attachedToRef"):
            was, now = f'{kind}="{name}"'.encode(), f'{kind}="{name}_new"'.encode()
            files = {file: text.replace(b" " + was, b" " + now) for file, text in files.items()}
    return files, {name: name + "_new" for name in ids}


@pytest.mark.parametrize("name", PLACES)
def test_whatever_a_case_waits_for_goes_on_by_the_new_version_and_comes_back(admin: User, name: str) -> None:
    old = deployed(drawn(name))
    case_id = tasks.start(None, "case", {"x": 1}).case_id
    before, waiting = standing(case_id), jobs_of(case_id)
    files, goes = renamed(drawn(name))
    new = deployed(files)
    asked = Migration(old, new, Plan(goes))
    told = case_migrations.preview(admin, asked)
    assert (told.total, told.looked_at, told.problems) == (1, 1, [])
    assert told.there == {place + "_new": count for place, count in told.here.items()}
    assert case_of(case_id).definition == old
    run = case_migrations.begin(admin, asked, WHY, at_once=True)
    assert (run.state, run.total, run.done, run.moved, run.refused) == ("done", 1, 1, 1, [])
    assert case_of(case_id).definition == new
    assert standing(case_id) == [(mapped(element), new, key) for element, _, key in before]
    assert [(mapped(element), due) for element, due in waiting] == jobs_of(case_id)
    proved(case_id)
    back = case_migrations.begin(admin, case_migrations.way_back(run), "退回", at_once=True)
    assert (back.moved, back.refused, case_of(case_id).definition) == (1, [], old)
    assert (standing(case_id), jobs_of(case_id)) == (before, waiting)
    proved(case_id)


def mapped(path: str) -> str:
    return "/".join(f"{name}_new" for name in path.split("/"))


def jobs_of(case_id: UUID) -> list[tuple[str, Any]]:
    query = select(Job.element, Job.due_at).where(Job.case_id == case_id, Job.state == "pending")
    return sorted(map(tuple, session().execute(query)))


SECOND = BASE.replace(
    '<bpmn:sequenceFlow id="f7" sourceRef="sign" targetRef="done"/>',
    '<bpmn:sequenceFlow id="f7" sourceRef="sign" targetRef="again"/>'
    '<bpmn:userTask id="again" name="复核" camunda:candidateGroups="ministry"/>'
    '<bpmn:sequenceFlow id="f8" sourceRef="again" targetRef="done"/>',
)
WITHOUT = BASE.replace('id="look" name="查看"', 'id="view" name="看一看"').replace('Ref="look"', 'Ref="view"')


def started(*decisions: str | None) -> list[UUID]:
    """Cases of the small process; of each what was decided, None for one that still waits."""
    found = []
    for decision in decisions:
        begun = tasks.start(None, "small", {})
        found.append(begun.case_id)
        if decision:
            officer = User.by_login("officer") or person("officer", "association")
            tasks.complete(officer, task_of(begun.case_id), {"decision": decision})
    return found


def task_of(case_id: UUID) -> UUID:
    return session().scalars(select(Task.id).where(Task.case_id == case_id, Task.state == "open")).one()


def test_a_migrated_case_does_the_step_that_was_added(admin: User) -> None:
    old = deploy(BASE)
    yes, waiting = started("yes", None)
    new = deploy(SECOND)
    run = case_migrations.begin(admin, Migration(old, new, Plan()), WHY)
    jobs.run_all()
    run = case_migrations.find(admin, run.id)
    assert (run.state, run.total, run.done, run.moved, run.refused) == ("done", 2, 2, 2, [])
    minister = person("minister", "ministry")
    tasks.complete(minister, task_of(yes), {})
    assert [element for element, _, _ in standing(yes)] == ["again"]
    tasks.complete(minister, task_of(yes), {})
    assert case_of(yes).ended == "done"
    for case_id in (yes, waiting):
        proved(case_id)
    told = history.timeline(person("auditor", "audit_admin"), waiting)[-1]
    assert (told.kind, told.data["reason"]) == ("migrate", WHY)
    assert WHY not in json.dumps(
        session().scalars(select(JournalRow.record).where(JournalRow.case_id == waiting)).all()
    )
    event = session().scalars(select(AuditEvent).where(AuditEvent.action == case_migrations.AUDITED)).one()
    assert event.detail == {"process": "small", "replaced": 1, "version": 2, "cases": 2}
    again = case_migrations.begin(admin, Migration(old, new, Plan()), WHY, at_once=True)
    assert (again.total, again.moved) == (0, 0)


def test_cases_that_cannot_go_are_named_and_keep_no_other_back(admin: User) -> None:
    old = deploy(BASE)
    yes, waiting = started("yes", None)
    new = deploy(WITHOUT)
    asked = Migration(old, new, Plan())
    told = case_migrations.preview(admin, asked)
    assert [(one.case_id, one.element) for one in told.problems] == [(waiting, "look")]
    run = case_migrations.begin(admin, asked, WHY, at_once=True)
    assert (run.moved, [case for case, _, _ in run.refused]) == (1, [str(waiting)])
    assert (case_of(yes).definition, case_of(waiting).definition) == (new, old)
    mended = case_migrations.begin(admin, Migration(old, new, Plan({"look": "view"})), WHY, at_once=True)
    assert (mended.moved, mended.refused, case_of(waiting).definition) == (1, [], new)
    for case_id in (yes, waiting):
        proved(case_id)


def test_a_suspended_case_is_migrated_and_stays_suspended(admin: User) -> None:
    old = deploy(BASE)
    (waiting,) = started(None)
    mends.mend(admin, waiting, Mend("suspend", WHY))
    run = case_migrations.begin(admin, Migration(old, deploy(SECOND), Plan()), WHY, at_once=True)
    assert (run.moved, case_of(waiting).suspended_at is not None) == (1, True)
    proved(waiting)


def test_a_plan_that_cannot_be_is_refused_at_its_element(admin: User) -> None:
    old, new = deploy(BASE), deploy(SECOND)
    for goes, field in (
        ({"look": "nothing"}, "to-look"),
        ({"nothing": "look"}, "to-nothing"),
        ({"look": "gw"}, "to-look"),
    ):
        with pytest.raises(InvalidInput) as refused:
            case_migrations.begin(admin, Migration(old, new, Plan(goes)), WHY)
        assert list(refused.value.fields) == [field]
    other = deployed(drawn("timer"))
    for target in (old, other):
        with pytest.raises(InvalidInput) as refused:
            case_migrations.begin(admin, Migration(old, target, Plan()), WHY)
        assert list(refused.value.fields) == ["target"]
    with pytest.raises(NotFound):
        case_migrations.begin(admin, Migration(old, "0" * 64, Plan()), WHY)
    with pytest.raises(InvalidInput):
        case_migrations.begin(admin, Migration(old, new, Plan()), " ")


@pytest.mark.parametrize("role", Role)
def test_only_who_may_migrates_and_tests(admin: User, role: Role) -> None:
    old, new = deploy(BASE), deploy(SECOND)
    user = person("somebody", role) if role != Role.PROCESS_ADMIN else admin
    assert may(role, Action.MIGRATE_CASES) is (role == Role.PROCESS_ADMIN)
    if role == Role.PROCESS_ADMIN:
        return
    with pytest.raises(NotAllowed):
        case_migrations.preview(user, Migration(old, new, Plan()))
    with pytest.raises(NotAllowed):
        case_migrations.begin(user, Migration(old, new, Plan()), WHY)
    with pytest.raises(NotAllowed):
        backtests.begin(user, definitions.files(new))


# Back-tests


def found_by(admin: User, diagram: str, **asked: Any) -> dict[str, dict[str, int]]:
    files = {"small.bpmn": diagram.encode(), "look.form": FORM.encode()}
    run = backtests.begin(admin, files, **asked)
    jobs.run_all()
    run = backtests.find(admin, run.id)
    assert (run.state, run.done) == ("done", run.total)
    return run.counts


def test_a_changed_gateway_names_exactly_the_cases_that_differ(admin: User) -> None:
    deploy(BASE)
    yes, no, waiting, *_ = started("yes", "no", None, "yes", "no")
    changed = BASE.replace('decision == "yes"', 'decision == "no"')
    assert found_by(admin, changed) == {"path": {"refused": 2}, "same": {"": 1}}  # those that ended are not asked for
    assert found_by(admin, changed, sample=100) == {"path": {"refused": 2, "sign": 2}, "same": {"": 1}}
    run = backtests.listing("small")[0]
    assert {case.id for case, kind, _ in backtests.differing(admin, run, "path", "sign")} >= {no}
    for kind, counted in run.counts.items():
        assert len(backtests.differing(admin, run, kind)) == sum(counted.values()), kind
    assert {kind for _, kind, _ in backtests.differing(admin, run)} == {"path"}
    told = backtests.compare(admin, run, yes)
    assert (told.kind, told.element, told.old[-1], told.new[-1]) == ("path", "refused", "?sign", "+refused")
    assert backtests.compare(admin, run, waiting).kind == "same"
    assert {case_of(case_id).seq for case_id in (yes, no)} == {1}


OUTCOMES = {
    "itself": (BASE, {"same": {"": 3}}),
    "a step more": (SECOND, {"same": {"": 3}}),  # nobody has signed yet
    "another name of a step": (WITHOUT, {"no_place": {"look": 3}}),
    "the same step by another id": (
        BASE.replace('id="look"', 'id="view"').replace('Ref="look"', 'Ref="view"'),
        {"same": {"": 3}},
    ),
    "a step before": (
        BASE.replace(
            'id="f1" sourceRef="begun" targetRef="look"', 'id="f1" sourceRef="begun" targetRef="first"'
        ).replace(
            '<bpmn:userTask id="look"',
            '<bpmn:userTask id="first" name="初审" camunda:candidateGroups="association"/>'
            '<bpmn:sequenceFlow id="f9" sourceRef="first" targetRef="look"/><bpmn:userTask id="look"',
        ),
        {"stuck": {"first": 3}},
    ),
    "a condition that fails": (
        BASE.replace('decision == "yes"', 'decision.none == "yes"'),
        {"error": {"gw": 2}, "same": {"": 1}},
    ),
    "a topic of which history says nothing": (
        BASE.replace('sourceRef="gw" targetRef="sign"', 'sourceRef="gw" targetRef="told"').replace(
            '<bpmn:userTask id="sign"',
            '<bpmn:serviceTask id="told" name="告知" camunda:type="external" camunda:topic="far.tell"/>'
            '<bpmn:sequenceFlow id="f9" sourceRef="told" targetRef="sign"/><bpmn:userTask id="sign"',
        ),
        {"no_result": {"told": 2}, "same": {"": 1}},
    ),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_each_outcome_is_told_with_its_element(admin: User, name: str) -> None:
    deploy(BASE)
    started("yes", "yes", None)
    diagram, expected = OUTCOMES[name]
    assert found_by(admin, diagram) == expected


def test_a_shorter_timer_and_a_migrated_case(admin: User, clock: Any) -> None:
    old = deploy(BASE)
    (waiting,) = started(None)
    clock.move_to(now() + timedelta(days=2))
    (decided,) = started("yes")
    officer = User.by_login("officer")
    tasks.complete(officer, task_of(waiting), {"decision": "yes"})
    shorter = BASE.replace("P3D", "P1D")
    assert found_by(admin, shorter) == {"timing": {"late": 1}, "same": {"": 1}}
    case_migrations.begin(admin, Migration(old, deploy(SECOND), Plan()), WHY, at_once=True)
    assert found_by(admin, shorter) == {"same": {"": 2}}  # tested from where the migration left them
    minister = person("minister", "ministry")
    tasks.complete(minister, task_of(decided), {})
    assert found_by(admin, shorter) == {"no_place": {"again": 1}, "same": {"": 1}}


def test_a_back_test_can_be_given_up(admin: User) -> None:
    deploy(BASE)
    started(None)
    run = backtests.begin(admin, {"small.bpmn": BASE.encode(), "look.form": FORM.encode()})
    background_runs.stop(admin, run)
    jobs.run_all()
    run = backtests.find(admin, run.id)
    assert (run.state, run.done) == ("stopped", 0)
    with pytest.raises(Conflict):
        background_runs.stop(admin, run)


def test_processes_share_the_cases(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = deploy(BASE)
    cases = started(*["yes", None] * 3)
    monkeypatch.setattr(backtests, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(backtests, "CASES_A_SLICE", 2)
    found = backtests.Tally()
    for tested in backtests.run_over(definitions.definition(digest), cases, 2):
        found.add(tested)
    assert found.counts == {"same": {"": 6}}


def die(_cases: Any) -> None:
    os._exit(1)


def test_a_process_that_dies_ends_the_run(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = deploy(BASE)
    cases = started("yes")
    monkeypatch.setattr(backtests, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(backtest, "test_slice", die)
    with pytest.raises(BrokenProcessPool):
        list(backtests.run_over(definitions.definition(digest), cases, 2))


@pytest.mark.parametrize("pair", ["look", "=look", "", "look:view"])
def test_a_pair_of_elements_that_is_none_is_refused(pair: str) -> None:
    done = CliRunner().invoke(migrate, ["small:1", "--map", pair])
    assert (done.exit_code, "OLD=NEW" in done.output) == (2, True)


# Runs that are interrupted, taken back, refused


def test_only_what_a_migration_moved_last_is_taken_back_by_it(admin: User) -> None:
    old = deploy(BASE)
    one, other = started(None, None)
    new = deploy(SECOND)
    there = Migration(old, new, Plan())
    first = case_migrations.begin(admin, there, WHY, at_once=True)
    case_migrations.begin(admin, case_migrations.way_back(first), WHY, at_once=True)
    second = case_migrations.begin(admin, replace(there, chosen=(one,)), WHY, at_once=True)
    third = case_migrations.begin(admin, there, WHY, at_once=True)
    for run, case_id in ((first, None), (second, one), (third, other)):
        told = case_migrations.preview(admin, case_migrations.way_back(run))
        assert told.total == (0 if case_id is None else 1)
    case_migrations.begin(admin, case_migrations.way_back(second), WHY, at_once=True)
    assert (case_of(one).definition, case_of(other).definition) == (old, new)


def test_a_migration_at_once_that_is_cut_off_is_gone_on_with(
    admin: User, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = deploy(BASE)
    (waiting,) = started(None)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "run_at_once", lambda _job: None)  # the process dies
        run = case_migrations.begin(admin, Migration(old, deploy(SECOND), Plan()), WHY, at_once=True)
    assert jobs.run_due() == 0  # it may yet be at it
    clock.move(timedelta(minutes=2))
    jobs.run_all()
    assert (case_migrations.find(admin, run.id).moved, case_of(waiting).definition) == (1, run.target)


def test_a_long_run_keeps_its_lease_between_two_cases(admin: User, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    old = deploy(BASE)
    started(*[None] * 5)
    migrate, left = case_migrations.migrate, []

    def slow(*of: Any) -> bool:
        clock.move(timedelta(seconds=25))
        until = session().scalars(select(Job.locked_until).where(Job.id == run.id)).one()
        left.append(until > now())
        return migrate(*of)

    monkeypatch.setattr(case_migrations, "migrate", slow)
    run = case_migrations.begin(admin, Migration(old, deploy(SECOND), Plan()), WHY)
    jobs.run_all()
    assert (left, case_migrations.find(admin, run.id).moved) == ([True] * 5, 5)


def test_a_case_that_somebody_holds_is_told_as_busy(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Migration(deploy(BASE), "", Plan())
    started(None)
    asked = replace(asked, target=deploy(SECOND))
    timeout = type("LockTimeout", (psycopg2.OperationalError,), {"pgcode": "55P03"})
    held = OperationalError("", {}, timeout())
    for error, busy in ((held, True), (ValueError("secret"), False)):
        monkeypatch.setattr(case_migrations, "migrate", lambda *_of, error=error: (_ for _ in ()).throw(error))
        run = case_migrations.begin(admin, asked, WHY, at_once=True)
        [[_, _, why]] = run.refused
        assert (why[0] != case_migrations.FAILED_AFTER) is busy, why


# Pages and REST


def test_an_administrator_tests_previews_migrates_and_takes_back_on_the_pages(admin: User, client: FlaskClient) -> None:
    deploy(BASE)
    yes, waiting = started("yes", None)
    sign_in(client, admin)
    sent = {"files": [(io.BytesIO(SECOND.encode()), "small.bpmn")], "sample": "50"}
    begun = client.post("/processes/small/backtest", data=sent)
    jobs.run_all()
    page = client.get(begun.location)
    assert (begun.status_code, page.status_code) == (302, 200)
    assert client.get(begun.location + ".bpmn").data == SECOND.encode()
    assert client.get(f"{begun.location}/cases/{waiting}").status_code == 200
    new = deploy(WITHOUT)
    address = "/processes/small/migrate?version=1&target=2"
    preview = client.post(address, data={"then": "preview", "to-look": ""}, follow_redirects=True)
    assert (preview.status_code, str(waiting) in preview.text, case_of(yes).definition == new) == (200, True, False)
    without = client.post(address, data={"then": "migrate", "to-look": "view", "reason": ""})
    assert without.status_code == 422
    done = client.post(address, data={"then": "migrate", "to-look": "view", "reason": WHY})
    jobs.run_all()
    assert client.get(done.location).status_code == 200
    assert [case_of(case_id).definition for case_id in (yes, waiting)] == [new, new]
    run = case_migrations.listing("small")[0]
    back = f"/processes/small/migrate?version=2&target=1&back_of={run.id}"
    assert client.get(back).status_code == 200
    client.post(back, data={"then": "migrate", "to-view": "look", "reason": "退回"})
    jobs.run_all()
    assert {case_of(case_id).definition for case_id in (yes, waiting)}.isdisjoint({new})
    proved(waiting)


def test_camunda_clients_generate_validate_and_execute_a_migration(admin: User, client: FlaskClient) -> None:
    old = deploy(BASE)
    yes, waiting = started("yes", None)
    new = deploy(WITHOUT)
    names = {which: f"small:{number}:{digest}" for which, number, digest in (("source", 1, old), ("target", 2, new))}
    ids = {f"{which}ProcessDefinitionId": name for which, name in names.items()}
    with transaction(Operation("test")):
        session().get_one(User, admin.id).password_hash = HASH
    ask = partial(client.post, auth=("processes", PASSWORD))
    plan = ask("/engine-rest/migration/generate", json=ids).json
    moves = {one["sourceActivityIds"][0]: one["targetActivityIds"][0] for one in plan["instructions"]}
    assert moves == {"sign": "sign", "stopped": "stopped", "late": "late"}
    wrong = ids | {"instructions": [{"sourceActivityIds": ["look"], "targetActivityIds": ["gw"]}]}
    report = ask("/engine-rest/migration/validate", json=wrong).json
    assert [one["instruction"]["sourceActivityIds"] for one in report["instructionReports"]] == [["look"]]
    plan["instructions"].append(
        {"sourceActivityIds": ["look"], "targetActivityIds": ["view"], "updateEventTrigger": False}
    )
    sent = {"migrationPlan": plan, "processInstanceIds": [str(yes)]}
    assert ask("/engine-rest/migration/execute", json=sent).status_code == 204
    assert (case_of(yes).definition, case_of(waiting).definition) == (new, old)
    batch = ask("/engine-rest/migration/executeAsync", json=sent | {"processInstanceIds": [str(waiting)]})
    tell = partial(client.get, auth=("processes", PASSWORD))
    place = f"/engine-rest/batch/{batch.json['id']}"
    assert tell(place).json == batch.json
    (progress,) = tell("/engine-rest/batch/statistics").json
    assert (progress["remainingJobs"], set(progress)) == (1, set(FIELDS["BatchStatisticsDto"]))
    jobs.run_all()
    assert (tell(place).status_code, tell("/engine-rest/batch").json) == (404, [])
    past = tell("/engine-rest/history/batch", query_string={"batchId": batch.json["id"], "completed": "true"}).json
    assert [(one["id"], one["endTime"] is None, set(one)) for one in past] == [
        (batch.json["id"], False, set(FIELDS["HistoricBatchDto"]))
    ]
    assert client.delete(place, auth=("processes", PASSWORD)).status_code == 404
    assert (batch.json["type"], batch.json["totalJobs"], case_of(waiting).definition) == ("instance-migration", 1, new)
    back = {
        "sourceProcessDefinitionId": names["target"],
        "targetProcessDefinitionId": names["source"],
        "instructions": [{"sourceActivityIds": ["sign"], "targetActivityIds": ["sign"]}],
    }
    refused = ask(
        "/engine-rest/migration/execute", json={"migrationPlan": back, "processInstanceIds": [str(yes), str(waiting)]}
    )
    assert (refused.status_code, str(waiting) in refused.get_data(as_text=True)) == (400, True)
    assert {case_of(yes).definition, case_of(waiting).definition} == {new}
    for wrong_body in ({}, {"migrationPlan": plan}, sent | {"migrationPlan": ids | {"instructions": [{}]}}):
        assert ask("/engine-rest/migration/execute", json=wrong_body).status_code == 400
    assert (
        ask("/engine-rest/migration/generate", json=ids | {"sourceProcessDefinitionId": "small:9:none"}).status_code
        == 404
    )
    proved(yes)
