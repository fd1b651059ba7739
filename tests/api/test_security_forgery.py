"""Whoever completes a task brings what its form asks and nothing else, by whichever door (invariant 7)."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import select

from service.domain.accounts.roles import Role
from service.forms import OF_THE_PAGE, fields
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Task
from service.models.tables.units.organisation import authority_id
from service.web.views.runtime.tasks import digest_of
from service.workflow.processes import definitions
from service.workflow.runtime import variables
from tests.api.v1_world import PASSWORD, give_password
from tests.builders.open_tasks import PROCESSES, holder_of, stand_at_every_task, user_tasks
from tests.builders.stage import make_stage
from tests.builders.stored import digests
from tests.builders.world import make_unit, make_user, sign_in
from tests.conftest import DEMONSTRATED

SERVICE = Path(__file__).parents[2] / "service"
WORD = re.compile(r"[A-Za-z_]\w*")
IN_TEXT = re.compile(r"\$\{([^}]*)\}")
SINGLE_NAMES = 3  # names that a page is sent alone, of each task; the interface tells them apart by itself


@pytest.fixture
def open_tasks(world: Any, clock: Any) -> dict[str, Task]:
    """An open task of each kind, and an account with a password for every role and for strangers."""
    world("every_task", lambda: _fill(clock))
    clock.move_to(DEMONSTRATED + timedelta(days=11))
    rows = session().scalars(select(Task).where(Task.state == "open").order_by(Task.id))
    return {row.kind: row for row in rows}


def _fill(clock: Any) -> None:
    stand_at_every_task(make_stage(), clock)
    for role in ("security_admin", "audit_admin", "process_admin"):
        make_user(role, authority_id("platform"))
    make_user("enterprise", make_unit("enterprise", "41").id)
    make_user("group", make_unit("group", "41").id)
    give_password()


def test_a_case_stands_at_every_user_task_of_the_shipped_diagrams(open_tasks: dict[str, Task]) -> None:
    assert set(open_tasks) == user_tasks()


def variable_names() -> set[str]:
    """Every name of case data: of live cases, of the diagrams' expressions, of what handlers read and write."""
    live = {name for case in session().scalars(select(Case.id)) for name in variables.present(case)}
    return live | set(_names_in_diagrams()) | set(_names_in_handlers())


def _names_in_diagrams() -> Iterator[str]:
    for diagram in PROCESSES.glob("*.bpmn"):
        for node in etree.parse(diagram).iter("{*}*"):
            if etree.QName(node).localname in ("conditionExpression", "script", "timeDate", "timeDuration"):
                yield from WORD.findall(node.text or "")
            for value in (*node.attrib.values(), node.text or ""):
                for expression in IN_TEXT.findall(value):
                    yield from WORD.findall(expression)
            if etree.QName(node).localname == "property":
                yield from WORD.findall(node.get("value", ""))


def _names_in_handlers() -> Iterator[str]:
    for file in (*(SERVICE / "handlers").glob("*.py"), *(SERVICE / "operations").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Dict):
                keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                keys = [node.slice.value]
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get" and node.args:
                keys = [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
            else:
                continue
            yield from (key for key in keys if isinstance(key, str) and key.isidentifier())


def forged(task: Task, names: set[str]) -> dict[str, str]:
    """Values for all names that the task's form does not ask: whom a case concerns becomes somebody else."""
    form = definitions.form(task.definition, task.form_key)
    asked = {field.key for field in fields(form)} if form else set()
    foreign = str(authority_id("41"))
    return {name: foreign if name.endswith("_id") else "association" for name in sorted(names - asked)}


def rest(client: FlaskClient, user: User, path: str, content: Any) -> Any:
    return client.post(f"/engine-rest{path}", json=content, auth=(user.login, PASSWORD))


def typed(values: dict[str, Any]) -> dict[str, Any]:
    return {"variables": {name: {"value": value} for name, value in values.items()}}


def test_no_task_takes_a_variable_that_its_form_does_not_ask(open_tasks: dict[str, Task], client: FlaskClient) -> None:
    """Each name is refused by itself, of each task and by each way; nothing has changed then."""
    names = variable_names()
    assert {"organiser_id", "class_id", "unit_id", "asker_role", "desk_id", "requester_id", "need", "kind"} <= names
    before = digests()
    for kind, task in open_tasks.items():
        holder, sent = holder_of(task), forged(task, names)
        for way in ("complete", "submit-form"):
            answer = rest(client, holder, f"/task/{task.id}/{way}", typed(sent))
            assert answer.status_code == 400, (kind, answer.json)
            assert set(sent) <= set(answer.json["fields"]), (kind, set(sent) - set(answer.json["fields"]))
        _try_the_page(client, task, holder, sent)
    assert digests() == before


def _try_the_page(client: FlaskClient, task: Task, holder: User, sent: dict[str, str]) -> None:
    """All names together, and some alone: the ids, which decide whom a case concerns, come first."""
    sign_in(client, holder)
    page = {"form_digest": digest_of(definitions.form(task.definition, task.form_key))}
    by_weight = sorted(sent, key=lambda name: (not name.endswith("_id"), str(task.id) + name))
    alone = [name for name in by_weight if name not in OF_THE_PAGE]
    for tried in (sent, *({name: sent[name]} for name in alone[:SINGLE_NAMES])):
        answer = client.post(f"/tasks/{task.id}", data=page | tried)
        assert answer.status_code == 422, (task.kind, tried, answer.status_code)
        assert "表单里没有这一项" in answer.text, task.kind


def everybody() -> list[User]:
    """One account of each role and place."""
    found = {(user.role, user.organisation_id): user for user in session().scalars(select(User).order_by(User.id))}
    assert {role for role, _ in found} == {role.value for role in Role}
    return [User.get(user.id) or user for user in found.values()]


def doors(task: Task, turn: int) -> Iterator[tuple[str, Callable[[FlaskClient, User], Any]]]:
    """The ways to do something to one task: to move it each time, to whom it belongs by turns."""
    known = f"/task/{task.id}"
    page = {
        "form_digest": digest_of(definitions.form(task.definition, task.form_key)),
        "decision": "approve",
        "asked": "1",
    }
    yield "complete", lambda c, u: rest(c, u, f"{known}/complete", typed({"decision": "approve"}))
    yield "page", lambda c, _: c.post(f"/tasks/{task.id}", data=page)
    by_turns: list[tuple[str, Callable[[FlaskClient, User], Any]]] = [
        ("submit-form", lambda c, u: rest(c, u, f"{known}/submit-form", {})),
        ("claim", lambda c, u: rest(c, u, f"{known}/claim", {})),
        ("claim for", lambda c, u: rest(c, u, f"{known}/claim", {"userId": u.login})),
        ("assignee", lambda c, u: rest(c, u, f"{known}/assignee", {"userId": u.login})),
        ("unclaim", lambda c, u: rest(c, u, f"{known}/unclaim", {})),
        ("page claim", lambda c, _: c.post(f"/tasks/{task.id}/claim")),
        ("page unclaim", lambda c, _: c.post(f"/tasks/{task.id}/unclaim")),
        ("page assign", lambda c, u: c.post(f"/tasks/{task.id}/assign", data={"assignee": str(u.id)})),
        ("page undo", lambda c, _: c.post(f"/tasks/{task.id}/undo")),
        ("undo", lambda c, u: c.post(f"/api/v1/tasks/{task.id}/undo", auth=(u.login, PASSWORD))),
    ]
    yield from (by_turns[(turn + more) % len(by_turns)] for more in (0, 3))


def test_every_way_to_a_task_is_among_those_tried(app: Flask) -> None:
    """A new address under a task stands in ``doors`` or is read only."""
    unsafe = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if re.search(r"/(task|tasks|inbox)/", rule.rule) and "POST" in (rule.methods or ())
    }
    rest_ways = {f"/engine-rest/task/<id>/{way}" for way in ("complete", "submit-form", "claim", "assignee", "unclaim")}
    pages = {f"/tasks/<uuid:task_id>{way}" for way in ("", "/claim", "/unclaim", "/assign", "/undo")}
    lists = {"/inbox/assign", "/inbox/batch", "/inbox/claim", "/inbox/sheet", "/engine-rest/task/count"}
    assert unsafe == rest_ways | pages | lists | {"/api/v1/tasks/<uuid:task_id>/undo"}


def test_nobody_does_anything_to_a_task_of_others(open_tasks: dict[str, Task], client: FlaskClient) -> None:
    """Role × task × way: not found, nothing has changed, and the subject of the task is not told."""
    asked = everybody()
    colleagues = [
        make_user(user.role, user.organisation_id, login=f"colleague-{n}").id for n, user in enumerate(asked)
    ]  # to whom each may hand over
    before = digests()
    for place, user in enumerate(asked):
        sign_in(client, user)
        mine = (user.organisation_id, user.id)
        others = [one for one in open_tasks.values() if one.role != user.role or one.organisation_id not in mine]
        for turn, task in enumerate(others):
            for way, knock in doors(task, place + turn):
                answer = knock(client, user)
                assert answer.status_code in (403, 404, 422), (user.role, task.kind, way, answer.status_code)
                assert not task.subject or task.subject not in answer.text, (user.role, task.kind, way)
        batch = {"task": [str(task.id) for task in others], "decision": "approve", "submission": str(new_id())}
        client.post("/inbox/claim", data=batch)
        client.post("/inbox/batch", data=batch)
        client.post("/inbox/assign", data=batch | {"assignee": str(colleagues[place])})
        typed = {f"{name}_{task.id}": "approve" for task in others for name in ("decision", "reason", "score")}
        for kind in {task.kind for task in open_tasks.values()}:
            client.post("/inbox/sheet", query_string={"kind": kind}, data=batch | typed | {"submission": str(new_id())})
    after = digests()
    assert {table for table in before if before[table] != after[table]} <= {"submission"}


def test_no_act_of_v1_takes_a_member_that_its_schema_does_not_have(
    open_tasks: dict[str, Task], client: FlaskClient
) -> None:
    """Every operation with a body, as every role that may: each name of case data is refused by itself."""
    document = client.get("/api/openapi.json").json
    names, before, reached = variable_names(), digests(), set()
    operations = [
        (path, method, set(_members(document, operation)))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict) and "requestBody" in operation
    ]
    for user in everybody():
        for path, method, members in operations:
            address = re.sub(r"\{\w+\}", str(UUID(int=7)), path)
            sent = dict.fromkeys(sorted(names - members), "association")
            answer = client.open(address, method=method.upper(), json=sent, auth=(user.login, PASSWORD))
            if answer.status_code != 422:
                assert answer.status_code in (403, 404), (user.role, method, path, answer.text)
                continue
            assert set(sent) <= set(answer.json["errors"]), (method, path, set(sent) - set(answer.json["errors"]))
            reached.add((path, method))
    assert {(path, method) for path, method, _ in operations} == reached
    assert digests() == before


def _members(document: Any, operation: Any) -> Iterator[str]:
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    yield from schema.get("properties", ())
