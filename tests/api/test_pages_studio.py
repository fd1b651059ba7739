"""The studio's addresses: for process administrators alone, and whatever is sent is answered, never a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service import engine
from service.domain.accounts.roles import Role
from service.engine.validation import validator
from service.infrastructure.translation import catalogue_english
from service.models.tables.accounts.user import User
from service.workflow.processes import definitions
from service.workflow.versions import drafts
from tests.builders.approval import require_approval
from tests.builders.world import sign_in
from tests.process.small_process import deploy, person

OF_UNITS = {Role.PROVINCIAL_AUTHORITY, Role.TRAINING_INSTITUTION, Role.GROUP, Role.ENTERPRISE}
"""Roles whose organisation a test would have to make first; ``test_security_doors.py`` tries theirs."""
PARTS = ("draft", "form", "decision", "rehearsal")
ACTS = ("propose", "discard", "withdraw", "begin")
NESTED = b'{"files": ' + b"[" * 900 + b"]" * 900 + b"}"
BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"\xff\xfe",
    b'{"a": 1.5}',
    b'{"files": 1, "version": 0}',
    b'{"files": {"small.bpmn": null}, "version": 0}',
    b'{"files": {"small.bpmn": "<x"}, "version": true}',
    b'{"files": {"small.bpmn": "<x"}, "version": -1}',
    b'{"files": {"small.bpmn": "<x"}, "version": 99999999999}',
    b'{"files": {"small.bpmn": "<!DOCTYPE a><a/>", "a.form": "[]", "b.dmn": "{"}, "version": 0, "script": {}, "table": "b", "facts": {}}',
    b'{"files": {"small.bpmn": "<x"}, "script": {"steps": {}}, "table": 3, "facts": []}',
    b'{"form": {"a": 1}}',
    b'{"form": "\\ud800"}',
    b'{"form": "[[[["}',
    NESTED,
    b'{"form": "' + b"[" * 100_000 + b'"}',
    b'{"version": 0, "files": {"small.bpmn": "<x/>", "look.form": "' + b'{\\"components\\":[' * 20_000 + b'"}}',
]


@pytest.fixture
def admin(app: Flask) -> User:
    deploy()
    return person("processes", "process_admin")


@pytest.mark.parametrize("part", PARTS)
def test_whatever_is_sent_is_answered(client: FlaskClient, admin: User, part: str) -> None:
    sign_in(client, admin)
    for body in BODIES:
        answer = client.post(f"/studio/small/{part}", data=body, content_type="application/json")
        assert answer.status_code < 500, (part, body)
        page = client.get("/studio/small")
        assert page.status_code == 200, (part, body)
        assert client.get("/studio/small/differences").status_code == 200, (part, body)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_roles_read_as_the_reader_does(client: FlaskClient, admin: User, language: str) -> None:
    """In the panel and in the comparison, every role."""
    sign_in(client, admin)
    client.post("/language", data={"language": language})
    labels = {r.value: catalogue_english(r.label) if language == "en" else r.label for r in Role}
    page = client.get("/studio/small").text
    shown = json.loads(page.partition('id="studio-data">')[2].partition("</script>")[0])
    assert shown["choices"]["roles"] == labels
    text, version = drafts.open_draft("small").files, 0
    for role in set(Role) - {Role.ASSOCIATION}:
        changed = text["small.bpmn"].replace('Groups="association"', f'Groups="{role.value}"')
        sent = {"files": {**text, "small.bpmn": changed}, "version": version}
        told = client.post("/studio/small/draft", json=sent).get_json()
        version = told["version"]
        values = {it["new"] for one in told["differences"] for it in one["details"]}
        assert values == {f"{role.value} · {labels[role.value]}"}


def test_the_gate_runs_once_for_each_save(client: FlaskClient, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what it lets pass, and of what it refuses, each new to it."""
    sign_in(client, admin)
    asked: list[Any] = []
    examine = validator.examine
    monkeypatch.setattr(validator, "examine", lambda *files, **more: asked.append(1) or examine(*files, **more))
    monkeypatch.setattr(engine, "examine", lambda *files, **more: asked.append(1) or examine(*files, **more))
    text = drafts.open_draft("support_ticket").files
    for version, (old, new) in enumerate((("登记工单", "记下工单"), ('id="receive"', 'id="received"'))):
        changed = text | {"support_ticket.bpmn": text["support_ticket.bpmn"].replace(old, new)}
        told = client.post("/studio/support_ticket/draft", json={"files": changed, "version": version}).json
        assert (len(asked), bool(told["tests"])) == (1, version == 0)
        asked.clear()


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.PROCESS_ADMIN, *OF_UNITS}])
def test_for_others_it_does_not_exist(client: FlaskClient, admin: User, role: Role) -> None:
    sign_in(client, person("other", role))
    for address in ("/studio/small", "/studio/small/differences"):
        assert client.get(address).status_code == 404, address
    for part in (*PARTS, *ACTS):
        assert client.post(f"/studio/small/{part}", data=b"{}").status_code == 404, part


def test_what_does_not_exist_is_not_found_and_is_never_made(client: FlaskClient, admin: User) -> None:
    sign_in(client, admin)
    sent: dict[str, Any] = {"files": {"other.bpmn": "<x"}, "version": 0}
    assert client.post("/studio/other/draft", json=sent).status_code == 404
    assert [client.post(f"/studio/other/{act}").status_code for act in ("discard", "withdraw", "begin")] == [404] * 3
    assert client.get("/studio/other").status_code == 404
    assert drafts.open_draft("small").saved_at is None


def test_a_new_process_begins_as_a_draft_and_is_sent(client: FlaskClient, admin: User) -> None:
    sign_in(client, admin)
    for key, name in (("a", "短"), ("New", "大写"), ("small", "已有"), ("fresh", ""), ("../x", "x")):
        assert client.post("/studio", data={"key": key, "name": name}).status_code in (409, 422), key
    named = '新<流程>&"一"'
    assert client.post("/studio", data={"key": "fresh", "name": named}).location == "/studio/fresh"
    again = client.post("/studio", data={"key": "fresh", "name": named})
    assert again.status_code == 409
    assert "已有这个标识的流程或草稿" in again.text.partition("部署文件")[0]
    assert client.get("/studio/fresh").status_code == client.get("/studio/fresh/differences").status_code == 200
    assert "fresh" in client.get("/processes").get_data(as_text=True)
    opened = drafts.open_draft("fresh")
    assert [issue.element for issue in drafts.examine(opened.files) if issue.is_refusal] == ["work"]
    main = opened.files["fresh.bpmn"].replace('id="work"', 'id="work" camunda:candidateGroups="ministry"')
    drafts.save(admin, "fresh", {"fresh.bpmn": main}, 1)
    assert client.post("/studio/fresh/propose", data={"version": "2", "change_note": "新流程"}).status_code == 302
    assert definitions.current("fresh").name == named


def test_a_version_is_worked_on_further_whatever_became_of_it(client: FlaskClient, admin: User) -> None:
    """One that was taken back or refused is not lost to the studio, and nobody's draft is replaced unasked."""
    sign_in(client, admin)
    files = drafts.open_draft("small").files
    changed = files | {"small.bpmn": files["small.bpmn"].replace('name="完成"', 'name="办完"')}
    drafts.save(admin, "small", changed, 0)
    require_approval()
    drafts.propose(admin, "small", 1, "改名")
    drafts.save(admin, "small", files | {"small.yaml": "[]"}, 2)
    assert "从这一版开始草稿" in client.get("/processes/small?version=2").text
    assert "从这一版开始草稿" not in client.get("/processes/small").text
    sent = {"number": "2", "version": "3"}
    asked = client.post("/studio/small/begin", data=sent)
    assert (asked.status_code, "现有的草稿（processes 保存）被换掉" in asked.text) == (200, True)
    assert "small.yaml" in drafts.open_draft("small").files
    for wrong, status in (({"number": "9"}, 404), ({"number": ""}, 404), ({"version": "2"}, 409)):
        assert client.post("/studio/small/begin", data={**sent, **wrong, "asked": "1"}).status_code == status, wrong
    assert "small.yaml" in drafts.open_draft("small").files
    assert client.post("/studio/small/begin", data={**sent, "asked": "1"}).location == "/studio/small"
    opened = drafts.open_draft("small")
    assert (opened.files, opened.version, opened.base and opened.base.number) == (changed, 4, 1)


def test_a_draft_is_saved_and_answered_with_findings_differences_and_tests(client: FlaskClient, admin: User) -> None:
    sign_in(client, admin)
    files = drafts.open_draft("small").files
    changed = (
        files["small.bpmn"].replace('camunda:candidateGroups="ministry"', "").replace('name="完成"', 'name="办完"')
    )
    told = client.post("/studio/small/draft", json={"files": files | {"small.bpmn": changed}, "version": 0}).json
    assert told["version"] == 1
    assert any(one["element"] == "sign" and one["severity"] == "refused" for one in told["findings"])
    assert {(one["element"], one["kind"]) for one in told["differences"]} == {("sign", "changed"), ("done", "changed")}
    again = client.post("/studio/small/draft", json={"files": files, "version": 0})
    assert again.status_code == 409
    assert "processes" in again.get_data(as_text=True)
    page = client.post("/studio/small/propose", data={"version": "1", "change_note": "去掉角色"})
    assert page.status_code == 400
    assert "sign" in page.get_data(as_text=True)
    assert client.post("/studio/small/discard", data={"asked": "1"}).status_code == 409
    assert client.post("/studio/small/discard", data={"version": "1", "asked": "1"}).status_code == 302
    assert drafts.open_draft("small").saved_at is None


def test_drafts_and_sent_changes_have_their_place_and_say_what_to_do(client: FlaskClient, admin: User) -> None:
    """Without any, the way to begin; a draft with who saved it; the inbox leads to what was sent (domain.md §9)."""
    sign_in(client, admin)
    assert 'href="/processes#own-changes"' in client.get("/inbox").text
    page = client.get("/processes").text
    assert "没有在写的草稿" in page
    assert "还没有送审过" in page
    drafts.save(person("writer", "process_admin"), "small", drafts.open_draft("small").files, 0)
    listed = client.get("/processes").text.partition('id="drafts"')[2].partition("</section>")[0]
    assert 'href="/studio/small"' in listed
    assert "writer" in listed
    require_approval()
    files = drafts.open_draft("small").files
    changed = {**files, "small.bpmn": files["small.bpmn"].replace("签批", "批准")}
    drafts.save(admin, "small", changed, drafts.version_of("small"))
    sent = {"version": str(drafts.version_of("small")), "change_note": "试一试"}
    assert client.post("/studio/small/propose", data=sent).status_code == 302
    page = client.get("/processes").text
    assert "没有在写的草稿" in page
    assert 'href="/processes/small?version=2"' in page.partition('id="own-changes"')[2].partition("</section>")[0]
