"""Files sent to deploy that cost more than they weigh: refused at their place by page and REST, memory bounded."""

from __future__ import annotations

import io
import resource
import sys
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.process import DefinitionVersion
from tests.api.rest_world import Machine, make_world
from tests.builders.world import sign_in
from tests.process.small_process import DIAGRAM, FORM

MB = 1 << 20
LAUGHS = b'<!DOCTYPE d [<!ENTITY a "ha">%s]><d>&t;</d>' % b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, (b"&%c;" % (97 + n)) * 10) for n in range(19)
)
DECLARED = b"<?xml version='1.0' encoding='%s'?>"
HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "billion laughs": ("small.bpmn", LAUGHS, "DOCTYPE"),
    "laughs in a table": ("training_need.dmn", LAUGHS, ""),
    "deep": ("small.bpmn", b"<a>" * 400_000, "small.bpmn"),
    "deep and closed": ("small.bpmn", b"<a>" * 240 + b"</a>" * 240, "嵌套过深"),
    "many elements": ("small.bpmn", b"<d>" + b"<a/>" * 200_000 + b"</d>", "元素过多"),
    "many in a table": ("training_need.dmn", b"<d>" + b"<a/>" * 200_000 + b"</d>", "元素过多"),
    "many, in GB 18030": ("small.bpmn", DECLARED % b"gb18030" + b"<d>" + b"<a/>" * 200_000 + b"</d>", "元素过多"),
    "many, in UTF-16": ("small.bpmn", ("<d>" + "<a/>" * 100_000 + "</d>").encode("utf-16"), "元素过多"),
    "many attributes": ("small.bpmn", b"<d " + b" ".join(b'a%d=""' % n for n in range(400_000)) + b"/>", "限度"),
    "a long text": ("small.bpmn", b"<d>" + b"a" * 300_000 + b"</d>", "文字过长"),
    "another encoding": ("small.bpmn", DECLARED % b"utf-8" + b"<d>\xff\xfe\xfa</d>", "utf-8"),
    "an unknown encoding": ("small.bpmn", DECLARED % b"utf-7" + b"<d/>", "utf-7"),
    "a deep form": ("look.form", b"[" * 2_000_000, "嵌套过深"),
    "a form of many": ("look.form", b"[" + b"[]," * 200_000 + b"[]]", "元素过多"),
    "a long number in a form": ("look.form", b'{"components": [' + b"9" * 400_000 + b"]}", ""),
    "6 MB": ("small.bpmn", b" " * 6_000_000, "5 MB"),
    "no file of ours": ("small.exe", b"MZ", ".bpmn"),
}


@pytest.fixture
def world(app: Flask, clock: Any) -> Any:
    return make_world()


def versions() -> int:
    return session().scalar(select(func.count()).select_from(DefinitionVersion)) or 0


def by_page(client: FlaskClient, files: dict[str, bytes]) -> Any:
    sent = [(io.BytesIO(content), name) for name, content in files.items()]
    return closed(client.post("/processes", data={"files": sent}, content_type="multipart/form-data"))


def by_rest(client: FlaskClient, files: dict[str, bytes]) -> Any:
    sent = {name: (io.BytesIO(content), name) for name, content in files.items()}
    machine, data = Machine(client, "processes"), {"deployment-name": "x", **sent}
    return closed(machine.post("/deployment/create", data=data, content_type="multipart/form-data"))


def closed(answer: Any) -> Any:
    """The test client leaves the file open from which it has sent a long request."""
    answer.request.environ["wsgi.input"].close()
    return answer


def by_backtest(client: FlaskClient, files: dict[str, bytes]) -> Any:
    sent = [(io.BytesIO(content), name) for name, content in files.items()]
    return closed(client.post("/processes/small/backtest", data={"files": sent}, content_type="multipart/form-data"))


SMALL = {"small.bpmn": DIAGRAM.encode(), "look.form": FORM.encode()}
ROUTES = {"page": by_page, "REST": by_rest, "back-test": by_backtest}
STUDIO_ACTS = ("propose", "discard", "withdraw", "begin")
STUDIO = ("draft", "decision", "rehearsal")
"""Parts of the studio to which texts are sent."""


def test_every_upload_of_files_to_deploy_is_among_these(app: Flask) -> None:
    """A new way by which diagrams come has to be listed here, too."""
    words = ("deploy", "studio.", "begin_backtest")
    named = [r for r in app.url_map.iter_rules() if "POST" in (r.methods or ()) and any(w in r.endpoint for w in words)]
    without_files = {"/processes/<key>/restore", "/studio", *(f"/studio/<key>/{act}" for act in STUDIO_ACTS)}
    studio = {f"/studio/<key>/{part}" for part in (*STUDIO, "form")}
    uploads = {"/processes", "/engine-rest/deployment/create", "/processes/<key>/backtest"}
    assert {r.rule for r in named} - without_files == uploads | studio


COSTLY = ("嵌套过深", "元素过多", "文字过长", "限度", "5 MB")


def test_costly_texts_are_refused_by_every_part_of_the_studio(client: FlaskClient, world: Any) -> None:
    """What is cheap to read and wrong is kept as a draft, and the gate says so."""
    sign_in(client, User.get(world.users["processes"]))
    by_page(client, SMALL)
    tried = 0
    for case, (name, content, said) in HOSTILE.items():
        try:
            text = content.decode()
        except UnicodeDecodeError:
            continue  # what a browser cannot send
        files = {name: content.decode() for name, content in SMALL.items()} | {name: text}
        for part in STUDIO:
            sent = {"files": files, "version": 0, "table": "t", "facts": {}, "script": {}}
            answer = client.post(f"/studio/small/{part}", json=sent)
            assert answer.status_code in ((413, 422) if said in COSTLY else (200, 400, 409, 413, 422)), (case, part)
            tried += 1
        answer = client.post("/studio/small/form", json={"form": text})
        assert answer.status_code in (200, 400, 413, 422), (case, answer.status_code)
    assert tried > 30


def test_hostile_files_are_refused_at_their_place_with_bounded_memory(client: FlaskClient, world: Any) -> None:
    sign_in(client, User.get(world.users["processes"]))
    by_page(client, SMALL)
    before, n = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, versions()
    for case, (name, content, said) in HOSTILE.items():
        whole = {name: content} if name.endswith(".dmn") else SMALL | {name: content}
        for route, send in ROUTES.items() if case != "many attributes" else [("page", by_page)]:
            answer = send(client, whole)
            assert answer.status_code in (400, 422), (case, route, answer.status_code)
            text = str(answer.json) if route == "REST" else answer.text
            assert said in text, (case, route, text[-600:])
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 150 * MB
    assert versions() == n


def test_what_is_longer_than_a_request_may_be_is_told(client: FlaskClient, world: Any) -> None:
    sign_in(client, User.get(world.users["processes"]))
    for route, send in ROUTES.items():
        answer = send(client, {"small.bpmn": b" " * (9 * MB)})
        assert answer.status_code == 413, route


def test_more_files_than_a_deployment_has_are_refused(client: FlaskClient, world: Any) -> None:
    sign_in(client, User.get(world.users["processes"]))
    answer = by_page(client, {f"p{n}.bpmn": b"<a/>" for n in range(101)})
    assert answer.status_code == 422
    assert "100" in answer.text


def test_a_file_that_no_diagram_uses_is_named(client: FlaskClient, world: Any) -> None:
    sign_in(client, User.get(world.users["processes"]))
    answer = by_page(client, SMALL | {"other.dmn": b"<a/>"})
    assert answer.status_code == 302, answer.text
    assert "“other.dmn”没有部署" in client.get(answer.location).text
