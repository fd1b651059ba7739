"""Whatever the gate lets through breaks no page: 100 bundles changed at random, and a table that does not decide."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from service import engine
from service.config import CHECKOUT
from service.errors import DefinitionRefused
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.models.tables.runtime.process import DeploymentFault
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import authority_id
from service.workflow.processes import definitions
from service.workflow.training import enrollments
from service.workflow.versions import deployments
from tests.api import test_security_forgery as forgery
from tests.builders.mutant_bundles import COMPONENTS, mutants
from tests.builders.open_tasks import holder_of
from tests.builders.world import make_user, sign_in

LET_THROUGH = 100
SEED = int(os.environ.get("LET_THROUGH_SEED", "14"))


OF_A_PROCESS = (
    "/processes",
    "/processes/{key}",
    "/studio/{key}",
    "/studio/{key}/differences",
    "/processes/{key}/backtest",
    "/processes/{key}/migrate",
    "/cases",
    "/incidents",
)
OF_A_HOLDER = ("/", "/inbox", "/inbox?kind={kind}", "/inbox/sheet?kind={kind}", "/tasks/{task}", "/cases/{case}")
OF_AN_AUDITOR = ("/cases/{case}", "/cases/{case}/replay.json", "/cases", "/mining")


def bundles() -> dict[str, dict[str, bytes]]:
    return {path.name: definitions.bundle(path) for path in sorted((CHECKOUT / "processes").glob("*.bpmn"))}


def put_in_force(files: Mapping[str, bytes]) -> tuple[str, list[Task]]:
    """Deploy a bundle and put what is running on it; returns its process and open tasks."""
    version = deployments.deploy(files).version
    assert version is not None
    with transaction(Operation("test")) as current:
        for table in (Case, Task):
            current.execute(update(table).where(table.process == version.key).values(definition=version.digest))
    found = select(Task).where(Task.process == version.key, Task.state == "open")
    return version.key, list(session().scalars(found))


class Pages:
    """The pages that touch a bundle, each asked by somebody who sees it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        platform = authority_id("platform")
        self.clients = {
            role: self.client(make_user(role, platform, login=f"looks-{role}"))
            for role in ("process_admin", "audit_admin")
        }

    def statuses(self, key: str, tasks: list[Task], file: str) -> dict[str, int]:
        """Ask them: of the process, its studio and comparisons; of a task of the form, alone and on its sheet, its case,
        replay and inbox; of the homes, the report of pending work and the audit.
        """
        form = file.removesuffix(".form")
        shown = [task for task in tasks if task.form_key == form] or tasks[:1]
        asked = [("process_admin", path.format(key=key)) for path in OF_A_PROCESS]
        for task in shown[:1]:
            holder = holder_of(task)
            if holder.login not in self.clients:
                self.clients[holder.login] = self.client(holder)
            place = {"task": task.id, "case": task.case_id, "kind": task.kind}
            asked += [(holder.login, path.format(**place)) for path in OF_A_HOLDER]
            asked += [("audit_admin", path.format(**place)) for path in OF_AN_AUDITOR]
        return {path: self.clients[who].get(path, follow_redirects=True).status_code for who, path in asked}

    def client(self, user: Any) -> FlaskClient:
        return sign_in(self.app.test_client(), user)


def test_no_page_fails_with_a_bundle_that_was_let_through(world: Any, clock: Any, app: Flask) -> None:
    world("every_task", lambda: forgery._fill(clock))
    pages, known, count = Pages(app), bundles(), 0
    failed: list[str] = []
    for main, file, files in mutants(known, SEED):
        if files == known[main]:
            continue
        try:
            key, tasks = put_in_force(files)
        except DefinitionRefused:
            continue
        count += 1
        statuses = pages.statuses(key, tasks, file)
        failed += [f"{count} {file}: {path} {code}" for path, code in statuses.items() if code != 200]
        if count == LET_THROUGH:
            break
    assert not failed


def test_every_component_that_is_let_through_is_drawn(world: Any, clock: Any, app: Flask) -> None:
    world("every_task", lambda: forgery._fill(clock))
    files = bundles()["personnel_approval.bpmn"]
    form = json.loads(files["approve_person.form"])
    form["components"] += [one for one in COMPONENTS if one["type"] != "filepicker"]
    _key, tasks = put_in_force({**files, "approve_person.form": json.dumps(form).encode()})
    task = next(one for one in tasks if one.form_key == "approve_person")
    page = sign_in(app.test_client(), holder_of(task)).get(f"/tasks/{task.id}").text
    assert "<h3>标题</h3>" in page
    assert "<strong>粗</strong>" in page
    assert "<h3>分组</h3>" in page
    assert 'type="time"' in page
    assert 'type="datetime-local"' in page
    assert 'name="amount"' not in page
    assert "金额 元" in page
    assert "<script>x" not in page
    assert 'href="javascript' not in page


@pytest.mark.parametrize("text", ["is_expird", "nothing_known + 1"])
def test_a_table_that_does_not_decide_fails_no_page(text: str, world: Any, clock: Any, app: Flask) -> None:
    """F1: a table that was deployed before the gate knew its facts, or that fails on what nobody thought of."""
    world("every_task", lambda: forgery._fill(clock))
    files = bundles()["training_enrollment.bpmn"]
    table = files["training_need.dmn"].replace(b"<text>is_expired</text>", f"<text>{text}</text>".encode())
    with pytest.raises(DefinitionRefused):
        deployments.deploy({**files, "training_need.dmn": table})
    _force({**files, "training_need.dmn": table})
    task = session().scalars(select(Task).where(Task.kind == "training_enrollment/confirm_enrollment")).first()
    assert task is not None
    persons = list(session().scalars(select(Person.id).limit(20)))
    enrollments.refresh_need(persons)
    assert session().scalars(select(DeploymentFault).where(DeploymentFault.file == "training_need.dmn")).first()
    association = make_user("association", authority_id("association"))
    client = sign_in(app.test_client(), association)
    some_class = session().scalars(select(TrainingClass.id)).first()
    for path in (
        "/persons",
        f"/persons/{persons[0]}",
        f"/classes/{some_class}",
        f"/classes/{some_class}/candidates",
        "/",
    ):
        assert client.get(path, follow_redirects=True).status_code < 500, path
    assert sign_in(app.test_client(), holder_of(task)).get(f"/tasks/{task.id}").status_code < 500


def _force(files: dict[str, bytes]) -> None:
    """Put a bundle in force as an earlier gate would have let it through."""
    read = engine.read_definition(files, validate=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(engine, "read_definition", lambda *_given, **_more: read)
        deployments.deploy(files)
