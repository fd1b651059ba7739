"""Migrations of one process are made one after another: a second waits, a failed one is gone on with or given up, and
one whose process dies has lost no count.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.engine import Plan
from service.errors import Conflict
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Job
from service.models.tables.runtime.version_change import OPEN, MigrationRun, RunState
from service.workflow.runtime import jobs
from service.workflow.versions import background_runs, case_migrations
from service.workflow.versions.case_migrations import Migration
from tests.api.rest_world import HASH, PASSWORD
from tests.builders.world import sign_in
from tests.process.small_process import deploy, person
from tests.process.test_version_changes import BASE, SECOND, WHY, case_of, proved, started


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
    case_ids = [str(case_id) for case_id in session().scalars(select(case_migrations.Case.id))]
    body = {"migrationPlan": ids | {"instructions": []}, "processInstanceIds": case_ids}
    for way in ("execute", "executeAsync"):
        answer = client.post(f"/engine-rest/migration/{way}", json=body, auth=("processes", PASSWORD))
        assert (answer.status_code, answer.json["type"]) == (409, "OptimisticLockingException")
        assert told in answer.json["message"]
    assert {case_of(one).definition for one in session().scalars(select(case_migrations.Case.id))} == {asked.source}


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
    for case_id in session().scalars(select(case_migrations.Case.id)).all():
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
    definitions = [case_of(one).definition for one in session().scalars(select(case_migrations.Case.id)).all()]
    assert (found.state, found.moved) == (RunState.STOPPED, 1)
    assert sorted(definitions) == sorted([asked.source, asked.target])
