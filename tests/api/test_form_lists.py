"""A list in a form: rows on the page with and without a script, errors at their rows, history, replay, REST, no sheet."""

from __future__ import annotations

import json
import re
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Task
from service.workflow.processes import definitions
from service.workflow.runtime import history, tasks, variables
from service.workflow.versions import deployments
from tests.api.rest_world import Machine, make_world
from tests.builders.world import sign_in
from tests.unit.validation_diagrams import chain, process

ROWS = {
    "type": "dynamiclist",
    "path": "goods",
    "label": "物品",
    "properties": {"label_en": "Goods"},
    "components": [
        {
            "type": "textfield",
            "key": "what",
            "label": "名称",
            "validate": {"required": True},
        },
        {"type": "number", "key": "count", "label": "数量", "properties": {"decimals": "1"}},
        {"type": "checkbox", "key": "old", "label": "旧的"},
    ],
}
FILES = {
    "P.bpmn": process(
        chain('<userTask id="check" name="核对" camunda:candidateGroups="association" camunda:formKey="check"/>'),
        more='isExecutable="true" camunda:candidateStarterGroups="association"',
    ).replace(b'id="s"', b'id="s" camunda:formKey="ask"'),
    **{f"{name}.form": json.dumps({"type": "default", "components": [ROWS]}).encode() for name in ("ask", "check")},
}
SENT = {
    "goods.0": "",
    "goods.0.what": "锤",
    "goods.0.count": "1.5",
    "goods.1": "",
    "goods.1.what": "锯",
    "goods.1.old": "true",
}


@pytest.fixture
def association(client: FlaskClient, clock: MovingClock) -> User:
    user = User.get(make_world().users["association"])
    deployments.deploy(FILES)
    sign_in(client, user)
    return user


def shown(page: str) -> dict[str, str]:
    """What stands in the fields of the list, by name; those of the template left out."""
    page = re.sub(r"<template>.*?</template>", "", page, flags=re.DOTALL)
    boxes = [box for box in re.findall(r"<input [^>]*>", page) if 'name="goods.' in box]
    found = {re.search(r'name="([^"]*)"', box)[1]: box for box in boxes}  # type: ignore[index]
    return {
        name: str(" checked" in box) if "checkbox" in box else re.search(r' value="([^"]*)"', box)[1]  # type: ignore[index]
        for name, box in found.items()
        if name.count(".") == 2
    }


def test_rows_are_added_and_taken_away_without_a_script_and_nothing_typed_is_lost(
    client: FlaskClient, association: User
) -> None:
    first = client.get("/processes/P/start").get_data(as_text=True)
    assert shown(first) == {"goods.0.what": "", "goods.0.count": "", "goods.0.old": "False"}
    assert first.index('name="then"') < first.index('value="remove goods 0"')  # what Enter presses sends the form
    more = client.post("/processes/P/start", data=SENT | {"rows": "add goods"})
    assert more.status_code == 200
    assert shown(more.get_data(as_text=True)) == {
        **{"goods.0.what": "锤", "goods.0.count": "1.5", "goods.0.old": "False"},
        **{"goods.1.what": "锯", "goods.1.count": "", "goods.1.old": "True"},
        **{"goods.2.what": "", "goods.2.count": "", "goods.2.old": "False"},
    }
    fewer = client.post("/processes/P/start", data=SENT | {"rows": "remove goods 0"}).get_data(as_text=True)
    assert shown(fewer) == {"goods.0.what": "锯", "goods.0.count": "", "goods.0.old": "True"}
    assert 'class="say bad' not in fewer


def test_what_is_wrong_stands_at_its_row_and_a_gap_is_closed(client: FlaskClient, association: User) -> None:
    sent = {"goods.0": "", "goods.0.what": "锤", "goods.4": "", "goods.4.what": "", "goods.4.count": "1.55"}
    page = client.post("/processes/P/start", data=sent)
    text = page.get_data(as_text=True)
    assert page.status_code == 422
    assert shown(text)["goods.1.count"] == "1.55"
    assert {name for name in ("goods.0.what", "goods.1.what", "goods.1.count") if f'id="{name}-wrong"' in text} == {
        "goods.1.what",
        "goods.1.count",
    }


def test_a_list_goes_on_to_the_next_form_and_stands_in_history_and_replay(
    client: FlaskClient, association: User
) -> None:
    answer = client.post("/processes/P/start", data=SENT)
    task_id = UUID(answer.location.rpartition("/")[2])
    page = client.get(f"/tasks/{task_id}").get_data(as_text=True)
    assert shown(page)["goods.0.count"] == "1.5"
    digest = re.search(r'name="form_digest" value="([^"]*)"', page)[1]  # type: ignore[index]
    done = client.post(f"/tasks/{task_id}", data=SENT | {"form_digest": digest, "goods.1.what": "钳"})
    assert done.status_code == 302
    case = session().get_one(Task, task_id).case_id
    rows = [{"what": "锤", "count": 15, "old": False}, {"what": "钳", "count": None, "old": True}]
    assert variables.present(case)["goods"] == rows
    assert list(history.verify()) == []
    page = client.get(f"/cases/{case}").get_data(as_text=True)
    assert "名称 锤 · 数量 1.5" in page
    step = client.get(f"/cases/{case}/replay.json").json["steps"][1]
    assert shown(step["form"])["goods.1.what"] == "钳"
    [row] = [row for row in step["data"] if row["name"] == "goods"]
    assert (row["before"], row["after"]) == (
        "名称 锤 · 数量 1.5 / 名称 锯 · 旧的 是",
        "名称 锤 · 数量 1.5 / 名称 钳 · 旧的 是",
    )


def test_a_client_sends_rows_as_json_and_a_sheet_says_that_it_cannot(client: FlaskClient, association: User) -> None:
    [task_id] = tasks.start_by_key(association, "P", {}).tasks
    machine = Machine(client, "association")
    wrong = machine.post(
        f"/task/{task_id}/complete", {"variables": {"goods": {"value": '[{"count": 1}]', "type": "Json"}}}
    )
    assert (wrong.status_code, set(wrong.json["fields"])) == (400, {"goods.0.what"})
    sheet = client.get("/inbox/sheet?kind=P/check").get_data(as_text=True)
    assert "这个环节不能整表办理" in sheet
    sent = {"variables": {"goods": {"value": '[{"what": "锤", "count": 1}]', "type": "Json"}}}
    assert machine.post(f"/task/{task_id}/complete", sent).status_code == 204


def test_the_gate_lets_a_list_pass_and_wants_its_english(client: FlaskClient) -> None:
    said = [(issue.severity, issue.element) for issue in definitions.examine(FILES) if issue.file == "ask.form"]
    assert "refused" not in {severity for severity, _ in said}
