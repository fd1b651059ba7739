"""Deployments: who deployed what, files that are proposals, an older version made current again (domain.md §9, R71)."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.cli.processes import bring_up_to_date
from service.config import settings
from service.errors import Conflict, DefinitionRefused, InvalidInput
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.system.audit import AuditEvent
from service.workflow.processes import definitions
from service.workflow.runtime import tasks
from service.workflow.versions import deployments, path_deployments
from service.workflow.versions.deployments import Author
from tests.api.rest_world import PASSWORD, Machine, make_world
from tests.builders.world import sign_in
from tests.process.small_process import DIAGRAM, FORM, person

OTHER = DIAGRAM.replace("小流程", "小流程二")
THIRD = DIAGRAM.replace("小流程", "小流程三")
BROKEN = DIAGRAM.replace('targetRef="look"', 'targetRef="lok"')

UNSAID = re.sub(
    '<bpmn:userTask id="sign"[^>]*>(.*?)</bpmn:userTask>',
    r'<bpmn:serviceTask id="sign" name="签批">\1</bpmn:serviceTask>',
    DIAGRAM,
)
"""A task that does not say what does it."""


def files(diagram: str = DIAGRAM) -> dict[str, bytes]:
    return {"small.bpmn": diagram.encode(), "look.form": FORM.encode()}


def events() -> list[AuditEvent]:
    found = select(AuditEvent).where(
        AuditEvent.object_type == "process", AuditEvent.detail["process"].astext == "small"
    )
    return list(session().scalars(found.order_by(AuditEvent.at, AuditEvent.id)))


def in_force() -> int:
    return definitions.current("small").number


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Path]]:
    """Write the diagram that lies in ``processes/``; the folder is this test's own."""

    def write(diagram: str) -> list[Path]:
        (tmp_path / "small.bpmn").write_text(diagram)
        (tmp_path / "look.form").write_text(FORM)
        return [tmp_path / "small.bpmn"]

    return write


def test_a_version_says_who_deployed_it_how_and_why(app: Flask) -> None:
    user = person("processes", "process_admin")
    for author, told in (
        (Author("file", account={"who": "anpei", "host": "server"}), ("file", None, "anpei@server", "")),
        (Author("cli", account={"who": "li", "host": "desk"}, note="补签批"), ("cli", None, "li@desk", "补签批")),
        (Author("page", user, note="改名"), ("page", user.id, "", "改名")),
        (Author("rest", user), ("rest", user.id, "", "")),
    ):
        diagram = DIAGRAM.replace("小流程", f"小流程 {author.source}")
        version = deployments.deploy(files(diagram), author).version
        assert version is not None
        assert (version.source, version.deployed_by, version.deployed_as, version.note) == told
        assert {one["rule"] for one in version.proof["warnings"]} <= {"texts_have_english"}
        event = events()[-1]
        assert (event.action, event.actor_id) == ("deploy_process", author.user.id if author.user else None)
        assert event.detail["version"] == version.number
        assert (event.detail["way"], event.detail["note"]) == (author.source, author.note)
        assert {name: event.detail.get(name) for name in author.account} == dict(author.account)
    assert [event.detail.get("replaced") for event in events()] == [None, 1, 2, 3]


def test_what_the_gate_warned_of_stays_with_the_version(app: Flask) -> None:
    version = deployments.deploy(files(UNSAID)).version
    assert version is not None
    found = [one for one in version.proof["warnings"] if one["rule"] != "texts_have_english"]
    assert [one["element"] for one in found] == ["sign"]
    assert all(one["zh"] and one["en"] and one["rule"] for one in version.proof["warnings"])


def test_the_same_files_again_leave_no_trace(app: Flask) -> None:
    deployments.deploy(files())
    again = deployments.deploy(files())
    assert (again.is_new, again.replaced, len(events())) == (False, None, 1)


OWN_TESTS = b"- {name: a, waits: [look]}"


def test_model_tests_that_are_not_sent_stay_as_they_are_in_force(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "small.bpmn").write_text(OTHER)
    (tmp_path / "look.form").write_text(FORM)
    sent = {
        "page": lambda: deployments.deploy_sent({"small.bpmn": OTHER.encode()}, Author("page")),
        "page, all files": lambda: deployments.deploy_sent(files(OTHER), Author("page")),
        "page, a form": lambda: deployments.deploy_sent({"look.form": FORM.encode() + b" "}, Author("page")),
        "cli": lambda: path_deployments.deploy_paths([tmp_path / "small.bpmn"], Author("cli")),
    }
    for way, send_them in sent.items():
        deployments.deploy({**files(), "small.yaml": OWN_TESTS})
        (done,) = send_them()
        assert done.version is not None
        assert done.version.current, way
        assert definitions.files(done.version.digest).get("small.yaml") == OWN_TESTS, way
    changed = {"small.bpmn": OTHER.encode(), "small.yaml": b"[]"}
    (done,) = deployments.deploy_sent(changed, Author("page"))
    assert done.version is not None
    assert definitions.files(done.version.digest)["small.yaml"] == b"[]"


def test_cases_are_counted_by_process_and_version(app: Flask) -> None:
    started = {"small": (2, 1), "other": (1, 3), "idle": (0, 0)}  # cases of the older version, and of the one in force
    for key, counts in started.items():
        for diagram, number in zip((DIAGRAM, OTHER), counts, strict=True):
            named = diagram.replace('id="small"', f'id="{key}"')
            deployments.deploy({f"{key}.bpmn": named.encode(), "look.form": FORM.encode()})
            for _ in range(number):
                tasks.start(None, key, {})
    counted = {one.version.key: (one.running_elsewhere, one.running) for one in definitions.listing()}
    assert {key: counts for key, counts in counted.items() if any(counts) or key in started} == started
    for key, (before, now) in started.items():
        by_number = {one.version.number: (one.running_elsewhere, one.running) for one in definitions.listing(key)}
        assert by_number == {1: (now, before), 2: (before, now)}


def test_an_older_version_is_made_current_again_with_a_reason_and_cases_keep_theirs(app: Flask) -> None:
    user, first = person("processes", "process_admin"), deployments.deploy(files()).version
    case = tasks.start(None, "small", {})
    deployments.deploy(files(OTHER))
    for _ in range(2):
        tasks.start(None, "small", {})
    counted = {one.version.number: (one.running, one.running_elsewhere) for one in definitions.listing("small")}
    assert counted == {1: (1, 2), 2: (2, 1)}
    assert first is not None
    with pytest.raises(InvalidInput) as refused:
        deployments.make_current(user, first.digest, "  ")
    assert set(refused.value.fields) == {"change_note"}
    assert in_force() == 2
    deployments.make_current(user, first.digest, "第二版的网关画错了")
    assert in_force() == 1
    assert session().get_one(Case, case.case_id).definition == first.digest
    event = events()[-1]
    assert (event.action, event.actor_id, event.detail["replaced"]) == ("restore_process", user.id, 2)
    assert event.detail["note"] == "第二版的网关画错了"
    with pytest.raises(Conflict):
        deployments.make_current(user, first.digest, "又一次")


# A start with what lies in processes/, by what was deployed before: (deployed before, lies there, in force after).
STARTS: dict[str, tuple[list[str], str, int | None]] = {
    "nothing was deployed": ([], DIAGRAM, 1),
    "the same is in force": ([DIAGRAM], DIAGRAM, 1),
    "a file never deployed": ([DIAGRAM], OTHER, 2),
    "an older file": ([DIAGRAM, OTHER], DIAGRAM, 2),
    "the oldest of three": ([DIAGRAM, OTHER, THIRD], DIAGRAM, 3),
    "a file that is refused": ([DIAGRAM], BROKEN, 1),
    "nothing, and the file is refused": ([], BROKEN, None),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_start_never_takes_back_what_was_deployed(
    app: Flask,
    folder: Callable[[str], list[Path]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    before, lies_there, after = STARTS[name]
    for diagram in before:
        deployments.deploy(files(diagram), Author("rest"))
    paths = folder(lies_there)
    monkeypatch.setattr("service.cli.processes._diagrams", lambda _files: paths)
    for _ in range(2):  # the second start has nothing to change
        bring_up_to_date(app, settings())
    said = capsys.readouterr()
    if after is None:
        assert "small" not in {it.version.key for it in definitions.listing()}
    else:
        assert in_force() == after
    known, deployed = lies_there in before, lies_there != BROKEN and lies_there not in before
    assert said.out.count("is new") == deployed
    assert said.out.count("not in force and stays so") == (2 if known and before[-1] != lies_there else 0)
    assert ("lok" in said.err) is (lies_there == BROKEN)
    assert len(events()) == len(before) + deployed
    if deployed:
        assert set(events()[-1].detail) >= {"who", "host"}
        assert events()[-1].detail["way"] == "file"
    different = {one.file: one for one in path_deployments.proposals(paths[0].parent)}
    is_in_force = lies_there if deployed else (before or [None])[-1]
    assert ("small.bpmn" in different) is (lies_there != is_in_force)


def test_the_page_and_the_console_say_what_differs(
    client: FlaskClient, folder: Callable[[str], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployments.deploy(files())
    deployments.deploy(files(OTHER))
    path = folder(DIAGRAM)[0].parent
    page = sign_in(client, person("processes", "process_admin"))
    show = path_deployments.proposals
    monkeypatch.setattr(path_deployments, "proposals", lambda: show(path))
    told = page.get("/processes").text
    assert "processes 文件夹与现行版本不同" in told
    assert "不会自动生效" in told
    folder(THIRD)
    assert "从未部署" in page.get("/processes").text
    folder(OTHER)
    assert "processes 文件夹与现行版本不同" not in page.get("/processes").text


def test_files_named_at_the_command_line_are_put_in_force_even_when_they_are_older(
    app: Flask, folder: Callable[[str], list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    deployments.deploy(files())
    deployments.deploy(files(OTHER))
    bring_up_to_date(app, settings(), tuple(folder(DIAGRAM)), note="退回", is_chatty=True)
    assert in_force() == 1
    assert "small.bpmn: version 1 is in force again; it replaces version 2" in capsys.readouterr().out
    event = events()[-1]
    assert (event.detail["way"], event.detail["note"]) == ("cli", "退回")
    assert event.detail["who"]


# The page


def send(client: FlaskClient, sent: dict[str, bytes], note: str = "") -> Any:
    data = {"files": [(io.BytesIO(content), name) for name, content in sent.items()], "change_note": note}
    return client.post("/processes", data=data, content_type="multipart/form-data")


def test_the_page_deploys_downloads_and_restores(client: FlaskClient) -> None:
    page = sign_in(client, person("processes", "process_admin"))
    assert send(page, files(), "第一版").status_code == 302
    assert send(page, {"small.bpmn": OTHER.encode()}, "只改图").status_code == 302  # its form stays as in force
    assert in_force() == 2
    assert page.get("/processes/small/files?version=1&file=small.bpmn").data == DIAGRAM.encode()
    assert page.get("/processes/small/files?version=2&file=look.form").data == FORM.encode()
    packed = page.get("/processes/small/files?version=2")
    assert (packed.mimetype, packed.data[:2]) == ("application/zip", b"PK")
    assert page.get("/processes/small/files?file=../secret").status_code == 404
    told = page.get("/processes/small?version=1").text
    assert "恢复为现行版本" in told
    assert "第一版" in told
    assert "只改图" in told
    refused = page.post("/processes/small/restore?version=1", data={"change_note": ""})
    assert refused.status_code == 422
    assert page.post("/processes/small/restore?version=1", data={"change_note": "画错"}).status_code == 302
    assert in_force() == 1
    assert page.post("/processes/small/restore?version=1", data={"change_note": "画错"}).status_code == 409


def test_what_is_refused_is_told_by_element_and_nothing_is_deployed(client: FlaskClient) -> None:
    page = sign_in(client, person("processes", "process_admin"))
    answer = send(page, {**files(BROKEN), "other.bpmn": THIRD.replace('"small"', '"other"').encode()})
    assert answer.status_code == 400
    assert "lok" in answer.text
    assert {it.version.key for it in definitions.listing()} & {"small", "other"} == set()
    assert send(page, {"readme.txt": b"x"}).status_code == 422
    assert send(page, {}).status_code == 422
    assert send(page, {"nobody.form": FORM.encode()}).status_code == 422


def test_a_form_alone_changes_the_processes_that_have_it(client: FlaskClient) -> None:
    page = sign_in(client, person("processes", "process_admin"))
    send(page, files())
    assert send(page, {"look.form": FORM.replace("意见", "说明").encode()}).status_code == 302
    assert in_force() == 2
    assert definitions.files(definitions.current("small").digest)["small.bpmn"] == DIAGRAM.encode()


# Camunda Modeler, call by call as it sends them


def modeler(client: FlaskClient, path: str, login: str = "processes", **options: Any) -> Any:
    headers = {"Origin": "file://", "Sec-Fetch-Site": "cross-site", "Accept": "application/json"}
    return client.open(f"/engine-rest{path}", headers=headers, auth=(login, PASSWORD), **options)


def form_data(sent: dict[str, bytes], name: str = "小流程") -> dict[str, Any]:
    data: dict[str, Any] = {name: (io.BytesIO(content), name, "text/xml") for name, content in sent.items()}
    return data | {
        "deployment-name": name,
        "deployment-source": "Camunda Modeler",
        "enable-duplicate-filtering": "true",
    }


def test_camunda_modeler_deploys(client: FlaskClient) -> None:
    make_world()
    preflight = client.options("/engine-rest/deployment/create", headers={"Origin": "file://"})
    assert preflight.status_code == 204
    assert client.get("/engine-rest/deployment?maxResults=0").status_code == 401
    assert modeler(client, "/deployment?maxResults=0").json == []
    assert modeler(client, "/version").json == {"version": "7.24.0"}
    for _ in range(2):  # the second time nothing changes
        answer = modeler(client, "/deployment/create", method="POST", data=form_data(files()))
        assert answer.status_code == 200, answer.json
        ((key, made),) = answer.json["deployedProcessDefinitions"].items()
        assert (made["id"], made["key"], made["version"], made["resource"]) == (key, "small", 1, "small.bpmn")
    assert modeler(client, f"/process-definition/{key}/xml").json["bpmn20Xml"] == DIAGRAM
    version = definitions.current("small")
    assert (version.source, version.note) == ("rest", "小流程")
    digest = answer.json["id"]
    resources = modeler(client, f"/deployment/{digest}/resources").json
    assert {one["name"] for one in resources} == set(files())
    assert modeler(client, f"/deployment/{digest}/resources/look.form/data").data == FORM.encode()
    assert modeler(client, f"/deployment/{digest}/resources/x/data").status_code == 404
    assert modeler(client, "/deployment/nothing").status_code == 404
    for query, found in ((f"id={digest}", 1), ("name=小流程", 1), ("nameLike=小%25", 1), ("name=x", 0)):
        assert len(modeler(client, f"/deployment?{query}").json) == found, query
        assert modeler(client, f"/deployment/count?{query}").json == {"count": found}
    assert modeler(client, "/deployment?nonsense=1").status_code == 400


def test_warnings_stand_in_the_answer_on_the_page_and_in_the_studio(client: FlaskClient) -> None:
    make_world()
    warned = files(UNSAID)
    answer = modeler(client, "/deployment/create", method="POST", data=form_data(warned))
    expected = {issue.rule for issue in definitions.examine(warned) if issue.is_warning}
    assert expected
    assert {one["rule"] for one in answer.json["warnings"]} == expected
    assert all(one["zh"] and one["en"] and one["file"] for one in answer.json["warnings"])
    assert {one["rule"] for one in definitions.current("small").proof["warnings"]} == expected
    sign_in(client, User.by_login("processes"))
    shown = client.get("/processes/small").text
    studio = client.get("/studio/small").text
    for one in answer.json["warnings"]:
        assert one["zh"][:12] in shown
        assert one["rule"] in studio


def test_the_modeler_is_told_what_was_refused_by_element(client: FlaskClient) -> None:
    make_world()
    answer = modeler(client, "/deployment/create", method="POST", data=form_data(files(BROKEN)))
    assert (answer.status_code, answer.json["type"], answer.json["code"]) == (400, "ParseException", 0)
    assert answer.json["message"].startswith("ENGINE-09005 Could not parse BPMN process.")
    errors = answer.json["details"]["small.bpmn"]["errors"]
    assert any(one["mainElementId"] == "f1" and one["line"] == 7 and one["elementIds"] == ["f1"] for one in errors)
    assert events() == []


def part(content: bytes, filename: str) -> tuple[io.BytesIO, str, str]:
    return io.BytesIO(content), filename, "text/xml"


QUIRKS: dict[str, tuple[dict[str, Any], int]] = {
    "as the Modeler names its parts": (
        {"small.bpmn": part(DIAGRAM.encode(), "small.bpmn")},
        400,
    ),  # its form is lacking
    "parts by any name": ({"a": part(DIAGRAM.encode(), "small.bpmn"), "b": part(FORM.encode(), "look.form")}, 200),
    "several parts of one name": (
        {"data": [part(DIAGRAM.encode(), "small.bpmn"), part(FORM.encode(), "look.form")]},
        200,
    ),
    "a mark of byte order": (
        {"a": part(b"\xef\xbb\xbf" + DIAGRAM.encode(), "small.bpmn"), "b": part(FORM.encode(), "look.form")},
        200,
    ),
    "an empty tenant": (
        {"a": part(DIAGRAM.encode(), "small.bpmn"), "b": part(FORM.encode(), "look.form"), "tenant-id": ""},
        200,
    ),
    "a tenant": (
        {"a": part(DIAGRAM.encode(), "small.bpmn"), "b": part(FORM.encode(), "look.form"), "tenant-id": "one"},
        400,
    ),
    "a file without a name": ({"a": part(DIAGRAM.encode(), "")}, 400),
    "an empty file": ({"a": part(b"", "small.bpmn")}, 400),
    "no XML": ({"a": part(b"\xff\xfe<", "small.bpmn")}, 400),
    "another kind of file": ({"a": part(b"x", "notes.txt")}, 400),
    "a path": ({"a": part(DIAGRAM.encode(), "../small.bpmn"), "b": part(FORM.encode(), "look.form")}, 200),
    "one name twice": (
        {"a": part(DIAGRAM.encode(), "small.bpmn"), "b": part(BROKEN.encode(), "small.bpmn")},
        400,
    ),
}
"""What clients send, and the answer."""


def test_each_way_of_sending_files_is_answered(client: FlaskClient) -> None:
    """Never with 5xx; a refusal is Camunda's, with type, message and code, and deploys nothing."""
    make_world()
    fields = {"deployment-name": "小流程", "deployment-source": "Camunda Modeler", "enable-duplicate-filtering": "true"}
    told = {}
    for quirk, (parts, expected) in QUIRKS.items():
        answer = modeler(client, "/deployment/create", method="POST", data=fields | parts)
        told[quirk] = answer.status_code
        if expected == 200 and answer.status_code == 200:
            assert {"id", "name", "source", "deploymentTime", "tenantId", "links"} <= answer.json.keys(), quirk
            assert [one["resource"] for one in answer.json["deployedProcessDefinitions"].values()] == ["small.bpmn"]
        elif answer.status_code != 200:
            assert {"type", "message", "code"} <= answer.json.keys(), quirk
    assert told == {quirk: expected for quirk, (_, expected) in QUIRKS.items()}


@pytest.mark.parametrize("login", ["ministry", "association", "enterprise", "auditor", "accounts", "officer-a"])
def test_nobody_else_deploys(client: FlaskClient, login: str) -> None:
    make_world()
    answer = modeler(client, "/deployment/create", login, method="POST", data=form_data(files()))
    assert (answer.status_code, answer.json["type"]) == (403, "AuthorizationException")
    assert events() == []


def test_no_page_of_another_site_deploys(client: FlaskClient) -> None:
    """A form that a browser sends with the password it remembers; of origins only a file's is not a site's."""
    make_world()
    for origin in ("null", "https://example.org"):
        headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        answer = client.post(
            "/engine-rest/deployment/create", data=form_data(files()), headers=headers, auth=("processes", PASSWORD)
        )
        assert answer.status_code == 403
    assert Machine(client, "processes").post("/deployment/create", {"a": 1}).status_code == 415
    assert events() == []


def test_one_refused_diagram_refuses_all(app: Flask) -> None:
    sent = files() | {"other.bpmn": BROKEN.replace('"small"', '"other"').encode()}
    with pytest.raises(DefinitionRefused):
        deployments.deploy_sent(sent, Author("rest"))
    assert session().scalars(select(DefinitionVersion).where(DefinitionVersion.key == "small")).all() == []
