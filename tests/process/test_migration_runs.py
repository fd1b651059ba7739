"""Migrations of one process are made one after another: a second waits, a failed one is gone on with or given up, and
one whose process dies has lost no count.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import unescape
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.engine import Plan
from service.errors import Conflict, InvalidInput
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Job
from service.models.tables.runtime.version_change import OPEN, MigrationRun, RunState
from service.workflow.processes import definitions
from service.workflow.runtime import jobs, mends, tasks
from service.workflow.runtime.mends import Mend
from service.workflow.versions import background_runs, backtests, case_migrations, deployments, drafts
from service.workflow.versions.case_migrations import Migration
from service.workflow.versions.deployments import Author
from tests.api.rest_world import HASH, PASSWORD
from tests.builders.approval import require_approval
from tests.builders.world import sign_in
from tests.process.small_process import FORM, deploy, person
from tests.process.test_version_changes import BASE, SECOND, WHY, WITHOUT, case_of, proved, started, task_of


@pytest.fixture
def admin(app: Flask, clock: Any) -> User:
    return person("processes", "process_admin")


@pytest.fixture
def asked(admin: User) -> Migration:
    """A migration of two cases that wait."""
    old = deploy(BASE)
    started(None, None)
    return Migration(old, deploy(SECOND), Plan())


@pytest.mark.parametrize("state", RunState)
def test_a_second_migration_waits_for_the_end_of_the_first(admin: User, asked: Migration, state: RunState) -> None:
    first = case_migrations.begin(admin, asked, WHY)
    background_runs.proceed(first, None, state)
    others = [asked, case_migrations.way_back(first), Migration(asked.target, asked.source, Plan())]
    for other in others:
        if state not in OPEN:
            case_migrations.begin(admin, other, WHY, at_once=True)
            continue
        with pytest.raises(Conflict) as refused:
            case_migrations.begin(admin, other, WHY)
        assert {admin.display_name, 0, 2} <= set(refused.value.message.values.values())
    if state in OPEN:
        background_runs.stop(admin, first)
        assert case_migrations.begin(admin, asked, WHY, at_once=True).moved == 2


def test_of_migrations_that_are_begun_at_once_one_is(app: Flask, admin: User, asked: Migration) -> None:
    ready, user_id = Barrier(4), admin.id

    def begin() -> str:
        with app.app_context():
            user = User.get(user_id)
            ready.wait()
            try:
                return str(case_migrations.begin(user, asked, WHY).id)
            except Conflict:
                return ""

    with ThreadPoolExecutor(4) as pool:
        found = [one.result() for one in [pool.submit(begin) for _ in range(4)]]
    runs = [str(run) for run in session().scalars(select(MigrationRun.id))]
    assert [one for one in found if one] == runs
    assert len(runs) == 1


def test_who_asks_on_a_page_or_as_a_client_is_told_the_same(admin: User, asked: Migration, client: FlaskClient) -> None:
    run = case_migrations.begin(admin, asked, WHY)
    with transaction(Operation("test")):
        session().get_one(User, admin.id).password_hash = HASH
    told = f"{admin.display_name} 于 "
    sign_in(client, admin)
    address = "/processes/small/migrate?version=1&target=2"
    assert f"/migrations/{run.id}" in client.get(address).text
    page = client.post(address, data={"then": "migrate", "reason": "打好的原因"})
    assert (page.status_code, told in page.text, "打好的原因" in page.text) == (409, True, True)
    assert f"/migrations/{run.id}" in page.text
    ids = {f"{which}ProcessDefinitionId": f"small:{n}:{digest}" for which, n, digest in _versions(asked)}
    case_ids = [str(case_id) for case_id in session().scalars(select(Case.id))]
    body = {"migrationPlan": ids | {"instructions": []}, "processInstanceIds": case_ids}
    for way in ("execute", "executeAsync"):
        answer = client.post(f"/engine-rest/migration/{way}", json=body, auth=("processes", PASSWORD))
        assert (answer.status_code, answer.json["type"]) == (409, "OptimisticLockingException")
        assert told in answer.json["message"]
    assert {case_of(one).definition for one in session().scalars(select(Case.id))} == {asked.source}


def _versions(asked: Migration) -> list[tuple[str, int, str]]:
    return [("source", 1, asked.source), ("target", 2, asked.target)]


def test_a_failed_run_is_gone_on_with_by_whoever_may(
    admin: User, asked: Migration, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(case_migrations, "_migrate_all", lambda *_: 1 / 0)
        run = case_migrations.begin(admin, asked, WHY)
        for _ in range(len(jobs.RETRY_DELAYS) + 1):
            with pytest.raises(ZeroDivisionError):
                jobs.run_at_once(run.id)
    assert session().scalars(select(Job.state).where(Job.id == run.id)).one() == "failed"
    sign_in(client, admin)
    page = client.get(f"/migrations/{run.id}")
    assert f"/migrations/{run.id}/resume" in page.text
    assert client.post(f"/migrations/{run.id}/resume").status_code == 302
    jobs.run_all()
    found = case_migrations.find(admin, run.id)
    assert (found.state, found.moved) == (RunState.DONE, 2)
    again = client.post(f"/migrations/{run.id}/resume")
    assert (again.status_code, "不用接着做" in again.text) == (409, True)


class Died(BaseException):
    """The process is gone: nothing after this is done."""


@pytest.mark.parametrize("at", [0, 1])
def test_a_process_that_dies_between_two_cases_has_lost_no_count(
    admin: User, asked: Migration, clock: Any, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    migrate, done = case_migrations.migrate, []

    def die(*of: Any) -> bool:
        if len(done) == at:
            raise Died
        done.append(of[0])
        return migrate(*of)

    run = case_migrations.begin(admin, asked, WHY)
    with monkeypatch.context() as patched:
        patched.setattr(case_migrations, "migrate", die)
        with pytest.raises(Died):
            jobs.run_at_once(run.id)
    session().rollback()
    clock.move(jobs.LEASE * 2)
    jobs.run_all()
    found = case_migrations.find(admin, run.id)
    assert (found.state, found.total, found.done, found.moved) == (RunState.DONE, 2, 2, 2)
    for case_id in session().scalars(select(Case.id)).all():
        assert case_of(case_id).definition == asked.target
        proved(case_id)


def test_no_case_moves_once_a_run_is_given_up(admin: User, asked: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate, run = case_migrations.migrate, case_migrations.begin(admin, asked, WHY)

    def stop_after(*of: Any) -> bool:
        moved = migrate(*of)
        if moved:
            background_runs.stop(admin, background_runs.find(MigrationRun, run.id))
        return moved

    monkeypatch.setattr(case_migrations, "migrate", stop_after)
    jobs.run_all()
    found = case_migrations.find(admin, run.id)
    definitions = [case_of(one).definition for one in session().scalars(select(Case.id)).all()]
    assert (found.state, found.moved) == (RunState.STOPPED, 1)
    assert sorted(definitions) == sorted([asked.source, asked.target])


def test_a_preview_is_a_page_to_reload_with_all_that_was_typed(
    admin: User, client: FlaskClient, asked: Migration
) -> None:
    new = deploy(WITHOUT)
    sign_in(client, admin)
    address = "/processes/small/migrate?version=1&target=3"
    typed = {"version": "1", "target": "3", "to-look": "view", "reason": "先看看", "then": "preview"}
    kept = client.post(address, data=typed)
    assert (kept.status_code, "先看看" in kept.location) == (303, False)
    for _ in range(2):
        page = client.get(kept.location)
        assert (page.status_code, "还没有改动" in page.text, "先看看" in page.text) == (200, True, True)
        assert '<option value="view" selected' in page.text
    wrong = client.post(address, data=typed | {"to-look": "gw"}, follow_redirects=True)
    assert (wrong.status_code, "另一种环节" in wrong.text, "先看看" in wrong.text) == (422, True, True)
    assert "还没有改动" not in client.get(address).text
    client.post(address, data=typed | {"then": "migrate"})
    jobs.run_all()
    assert {case_of(one).definition for one in session().scalars(select(Case.id)).all()} == {new}
    assert "还没有改动" not in client.get(kept.location).text


ENGLISH = (
    "<bpmn:extensionElements><camunda:properties>"
    '<camunda:property name="name_en" value="Take a look"/></camunda:properties></bpmn:extensionElements>'
)


def test_cases_and_elements_are_named_in_the_readers_language(admin: User, client: FlaskClient) -> None:
    drawn = BASE.replace('camunda:formKey="look">', f'camunda:formKey="look">{ENGLISH}').replace("查看", "看一看它")
    old = deploy(drawn)
    (waiting,) = started(None)
    deploy(drawn.replace('id="look"', 'id="view"').replace('Ref="look"', 'Ref="view"').replace("看一看它", "再看一看"))
    with transaction(Operation("test")) as current:
        case = current.get_one(Case, waiting)
        case.subject, case.business_key = "龙某", "G-17"
    sign_in(client, admin, language="en")
    address = "/processes/small/migrate?version=1&target=2"
    shown = client.post(address, data={"then": "preview"}, follow_redirects=True).text
    begun = client.post(address, data={"then": "migrate", "reason": WHY})
    jobs.run_all()
    for page in (shown, client.get(begun.location).text):
        row = page[page.index("G-17") - 400 : page.index("G-17") + 900]
        assert "The case stands at “Take a look”" in row
        assert f"<code>{str(waiting)[-12:]}</code>" in row
        assert "看一看它" not in row
    assert "Take a look" in shown[shown.index("data-names") :]
    files = {"small.bpmn": drawn.replace("看一看它", "还没部署").replace("Take a look", "Not deployed yet").encode()}
    run = backtests.begin(admin, definitions.files(old) | files)
    jobs.run_all()
    page = client.get(f"/backtests/{run.id}").text
    assert "Not deployed yet" in page


def test_what_is_not_in_force_yet_is_tested_first(admin: User, client: FlaskClient) -> None:
    deploy(BASE)
    page, address = sign_in(client, admin), "/processes/small/backtest"

    def chosen() -> str:
        found = re.search(r'<option value="(\w+)" selected', page.get(address).text)
        assert found
        return found[1]

    assert "还没有案卷可测" in page.get(address).text
    assert chosen() == "1"
    empty = page.post(address, data={"version": "1"})
    assert "还没有结果" in page.get(empty.location).text
    jobs.run_all()
    assert "没有案卷可测" in page.get(empty.location).text
    started(None)
    assert "在办 1 件" in page.get(address).text
    require_approval()
    deployments.deploy({"small.bpmn": SECOND.encode(), "look.form": FORM.encode()}, Author("page", admin, note=WHY))
    assert chosen() == "2"
    drafts.save(admin, "small", {"small.bpmn": BASE, "look.form": FORM}, 0)
    assert chosen() == "draft"
    begun = page.post(address, data={"version": "2"})
    jobs.run_all()
    told = page.get(begun.location)
    for link in set(re.findall(r'href="\?(kind=[^#]*)#cases"', told.text)):
        shown = page.get(f"{begun.location}?{unescape(link)}")
        assert f"{begun.location}/cases/" in shown.text, link


# Plans and moments that nobody foresaw


def at_once(asked: Migration, admin: User) -> MigrationRun:
    return case_migrations.begin(admin, asked, WHY, at_once=True)


@pytest.mark.parametrize("which", ["elements of another process", "a task to a gateway", "to nothing", "two to one"])
def test_a_plan_that_fits_nothing_is_refused_in_words_or_names_the_cases(
    admin: User, asked: Migration, client: FlaskClient, which: str
) -> None:
    goes = {
        "elements of another process": {"look": "approve_change"},
        "a task to a gateway": {"look": "gw"},
        "to nothing": {"look": ""},
        "two to one": {"look": "sign", "stopped": "", "late": ""},
    }[which]
    cases = session().scalars(select(Case.id)).all()
    strange = Migration(asked.source, asked.target, Plan(goes))
    refused = case_migrations.check_plan(strange)
    if which in ("elements of another process", "a task to a gateway"):
        assert list(refused) == ["look"]
        with pytest.raises(InvalidInput):
            at_once(strange, admin)
        assert {case_of(one).definition for one in cases} == {asked.source}
    else:
        run = at_once(strange, admin)
        expected = 2 if which == "two to one" else 0
        assert (run.state, run.moved, len(run.refused)) == (RunState.DONE, expected, 2 - expected)
        sign_in(client, admin)
        assert client.get(f"/migrations/{run.id}").status_code == 200
        back = case_migrations.way_back(run)
        told = case_migrations.preview(admin, back)
        assert len(told.problems) == expected  # what two have become must be said: nothing is guessed
        if expected:
            said = replace(back, plan=Plan({"sign": "look"}))
            assert at_once(said, admin).moved == expected
            assert {case_of(one).definition for one in cases} == {asked.source}
    for case_id in cases:
        proved(case_id)


@pytest.mark.parametrize("act", ["completes", "cancels", "moves", "suspends"])
def test_what_people_do_while_a_migration_runs_is_done_or_migrated(
    admin: User, asked: Migration, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """The second case is acted on while the first is migrated."""
    first, second = sorted(session().scalars(select(Case.id)).all())
    officer, migrate = person("officer", "association"), case_migrations.migrate

    def meanwhile(case_id: UUID, *of: Any) -> bool:
        if case_id == second:
            if act == "completes":
                tasks.complete(officer, task_of(second), {"decision": "no"})
            else:
                kind = {"cancels": "cancel", "moves": "move", "suspends": "suspend"}[act]
                place = {"element": "look", "to": "sign"} if act == "moves" else {}
                mends.mend(admin, second, Mend(kind, WHY, **place))
        return migrate(case_id, *of)

    run = case_migrations.begin(admin, asked, WHY)
    monkeypatch.setattr(case_migrations, "migrate", meanwhile)
    jobs.run_all()
    run = case_migrations.find(admin, run.id)
    ended = act in ("completes", "cancels")
    assert (run.state, run.moved, run.refused) == (RunState.DONE, 1 if ended else 2, [])
    assert case_of(second).definition == (asked.source if ended else asked.target)
    for case_id in (first, second):
        proved(case_id)


def test_what_went_on_since_is_taken_back_where_the_old_version_has_a_place(admin: User, asked: Migration) -> None:
    run, officer, minister = at_once(asked, admin), person("officer", "association"), person("minister", "ministry")
    first, second = sorted(session().scalars(select(Case.id)).all())
    tasks.complete(officer, task_of(first), {"decision": "yes"})
    tasks.complete(minister, task_of(first), {})  # at the step that the old version lacks
    back = at_once(case_migrations.way_back(run), admin)
    assert (back.moved, [(case, at) for case, at, _ in back.refused]) == (1, [(str(first), "again")])
    assert [case_of(one).definition for one in (first, second)] == [asked.target, asked.source]
    for case_id in (first, second):
        proved(case_id)


def test_a_run_goes_on_when_its_version_is_replaced_meanwhile(admin: User, asked: Migration) -> None:
    run = case_migrations.begin(admin, asked, WHY)
    deployments.make_current(admin, asked.source, WHY)
    assert definitions.current("small").digest == asked.source
    jobs.run_all()
    run = case_migrations.find(admin, run.id)
    assert (run.state, run.moved, run.refused) == (RunState.DONE, 2, [])
    for case_id in session().scalars(select(Case.id)).all():
        assert case_of(case_id).definition == asked.target
        proved(case_id)
