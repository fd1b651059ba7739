"""The proof that a version passed stands with it, by whatever way it came into force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.config import CHECKOUT
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.runtime.case import Task
from service.models.tables.runtime.version_change import BacktestRun
from service.workflow.processes import definitions
from service.workflow.runtime import tasks
from service.workflow.versions import backtests, deployments, path_deployments
from service.workflow.versions.deployments import Author
from tests.api.rest_world import make_world
from tests.builders.approval import require_approval
from tests.builders.world import sign_in
from tests.process.small_process import person
from tests.process.test_deployments import form_data, modeler, send

KEY = "personnel_approval"
SHIPPED = definitions.bundle(CHECKOUT / "processes" / f"{KEY}.bpmn")
Files = Mapping[str, bytes]


def changed(*pairs: tuple[str, str]) -> dict[str, bytes]:
    text = SHIPPED[f"{KEY}.bpmn"].decode()
    for old, new in pairs or [('name="人员审批" isExecutable', 'name="人员审核" isExecutable')]:
        assert old in text
        text = text.replace(old, new)
    return {**SHIPPED, f"{KEY}.bpmn": text.encode()}


def back_tested(files: Files, same: int = 7) -> None:
    """A back-test of these files that is done."""
    run = BacktestRun(
        id=new_id(),
        process=KEY,
        main=f"{KEY}.bpmn",
        bundle=backtests._packed(files),
        total=10,
        done=10,
        state="done",
        counts={"same": {"": same}, "another way": {"approve_person": 10 - same}},
    )
    with transaction(Operation("test")) as current:
        current.add(run)


def by_start(client: FlaskClient, files: Files, folder: Path) -> None:
    path_deployments.deploy_proposals(
        written(files, folder), Author("file", account={"who": "anpei", "host": "server"})
    )


def by_command(client: FlaskClient, files: Files, folder: Path) -> None:
    path_deployments.deploy_paths(written(files, folder), Author("cli", account={"who": "li", "host": "desk"}))


def by_page(client: FlaskClient, files: Files, folder: Path) -> None:
    assert send(sign_in(client, person("processes", "process_admin")), dict(files), "改名").status_code == 302


def by_modeler(client: FlaskClient, files: Files, folder: Path) -> None:
    make_world()
    answer = modeler(client, "/deployment/create", method="POST", data=form_data(dict(files)))
    shown = modeler(client, f"/deployment/{answer.json['id']}").json["proof"]
    assert (shown["backtest"]["done"], len(shown["tests"])) == (10, 3)


def by_studio(client: FlaskClient, files: Files, folder: Path) -> None:
    """A proposal has its proof; a back-test that is made before the approval is in that of the version in force."""
    require_approval()
    change = deployments.deploy(files, Author("studio", person("proposer", "process_admin"))).change
    assert change is not None
    assert definitions.version(change.definition).proof["backtest"]["done"] == 10
    back_tested(files, same=9)
    task = select(Task.id).where(Task.case_id == change.case_id, Task.state == "open")
    tasks.complete(person("approver", "process_admin"), session().scalars(task).one(), {"decision": "approve"})


WAYS: dict[str, Callable[[FlaskClient, Files, Path], None]] = {
    "file": by_start,
    "cli": by_command,
    "page": by_page,
    "rest": by_modeler,
    "studio": by_studio,
}


def written(files: Files, folder: Path) -> list[Path]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / f"{KEY}.bpmn"]


@pytest.mark.parametrize("way", WAYS)
def test_gate_model_tests_and_back_test_stand_with_the_version(way: str, client: FlaskClient, tmp_path: Path) -> None:
    files = changed()
    back_tested(files)
    WAYS[way](client, files, tmp_path)
    version = definitions.current(KEY)
    assert (version.source, version.number) == (way, 2)
    assert [one["zh"] for one in version.proof["tests"]] == ["", "", ""]
    same = 9 if way == "studio" else 7
    assert version.proof["backtest"]["counts"] == {"another way": 10 - same, "same": same}
    assert {one["rule"] for one in version.proof["warnings"]} == {"texts_have_english"}  # the new name has none
    sign_in(client, person("reader", "process_admin"))
    page = client.get(f"/processes/{KEY}").get_data(as_text=True)
    assert "3 / 3 通过" in page
    assert f"回测 10 件案卷，{10 - same} 件不同" in page
    assert f"/backtests/{version.proof['backtest']['id']}" in page


def test_a_model_test_that_fails_and_a_back_test_that_was_not_made_are_told(client: FlaskClient) -> None:
    places = ('id="{}"', 'targetRef="{}"', 'bpmnElement="{}"', ">{}<")
    deployments.deploy(changed(*((one.format("approved"), one.format("approved_now")) for one in places)))
    version = definitions.current(KEY)
    assert version.proof["backtest"] is None
    failed = [one for one in version.proof["tests"] if one["zh"]]
    assert failed
    assert all(one["en"] for one in failed)
    sign_in(client, person("reader", "process_admin"))
    page = client.get(f"/processes/{KEY}").get_data(as_text=True)
    assert "生效前没有回测" in page
    assert failed[0]["name"] in page


def test_the_version_that_was_shipped_has_its_proof(client: FlaskClient) -> None:
    assert all({"warnings", "tests", "backtest"} <= set(one.version.proof) for one in definitions.listing())
