"""General topics: their templates for Modeler, what the gate says of them and of states, and calls to outside."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from service import handlers
from service.config import CHECKOUT, InvalidSetting, OutboundHosts, read_networks, read_outbound
from service.domain.accounts.roles import Role
from service.domain.training.enrollment_state import EnrollmentState
from service.handlers import general
from service.infrastructure import outbound_http
from service.infrastructure.outbound_http import CallFailed, CallRefused, call
from service.workflow.processes import definitions
from service.workflow.processes.diagram_states import states_said

ENROLLMENT = CHECKOUT / "processes" / "training_enrollment.bpmn"
TEMPLATES = json.loads((CHECKOUT / "processes" / "element-templates" / "anpei.json").read_text(encoding="utf-8"))


def bound(template: dict[str, object], kind: str) -> dict[str, dict[str, object]]:
    """The properties of a template that are bound in one way, by the name they are bound to."""
    listed: list[dict[str, dict[str, object]]] = template["properties"]  # type: ignore[assignment]
    return {str(one["binding"]["name"]): one for one in listed if one["binding"]["type"] == kind}


def test_each_general_topic_has_a_template_with_its_parameters() -> None:
    drawn = {str(bound(t, "property")["camunda:topic"]["value"]): t for t in TEMPLATES[:-1]}
    assert drawn.keys() == general.INPUTS.keys() <= handlers.topics().keys()
    for topic, template in drawn.items():
        parameters = bound(template, "camunda:inputParameter")
        needed = {name for name, one in parameters.items() if "constraints" in one}
        assert parameters.keys() == general.INPUTS[topic].keys()
        assert needed == {name for name, is_needed in general.INPUTS[topic].items() if is_needed}
    for one in (
        bound(TEMPLATES[-1], "property")["camunda:candidateGroups"],
        bound(TEMPLATES[1], "camunda:inputParameter")["to_role"],
    ):
        offered = {choice["value"] for choice in one["choices"]}  # type: ignore[attr-defined]
        assert offered - {""} == {role.value for role in Role}


def said(old: str, new: str) -> str:
    """What the gate says of the enrolment after one replacement."""
    files = definitions.bundle(ENROLLMENT)
    before = files[ENROLLMENT.name].decode()
    assert old in before
    return "\n".join(
        issue.text("en")
        for issue in definitions.examine(files | {ENROLLMENT.name: before.replace(old, new, 1).encode()})
    )


STATE = '<camunda:property name="state" value="withdrawn" />'
WARN = 'camunda:topic="training_enrollment.warn_authority">'


def given(**inputs: str) -> str:
    """A service task that notifies, in the place of the shipped warning."""
    drawn = "".join(
        f'<camunda:inputParameter name="{name}">{text}</camunda:inputParameter>' for name, text in inputs.items()
    )
    return (
        'camunda:topic="general.notify"><bpmn:extensionElements><camunda:inputOutput>'
        f"{drawn}</camunda:inputOutput></bpmn:extensionElements>"
    )


def started(process: str, variable: str) -> str:
    """A service task that starts a case of another process."""
    task = given(process=process, variables=f'${{{{"{variable}": person_id}}}}')
    return task.replace("general.notify", "general.start_case")


DOCUMENTED = WARN + "\n      <bpmn:documentation>开班次日即失效，提前两天提醒省级主管部门（R45）。</bpmn:documentation>"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (STATE, STATE.replace("withdrawn", "withdrawm"), 'no state "withdrawm"'),
        (STATE, '<camunda:property name="state_name" value="已撤" />', "without a state"),
        (STATE, STATE + f'<camunda:property name="state_name" value="{"长" * 31}" />', "more than 30 characters"),
        (STATE, STATE + '<camunda:property name="state_name" value="改期" />', "“改期” has no English"),
        ('name="报名确认"', 'name="报名再核"', "“报名再核” has no English"),
        (DOCUMENTED, given(to_role="association", title="请确认", titel="x"), "no input parameter titel"),
        (DOCUMENTED, given(to_role="association"), "lacks the input parameter title"),
        (DOCUMENTED, given(title="请确认"), "goes to nobody"),
        (DOCUMENTED, given(to_role="asociation", title="请确认"), 'no role "asociation"'),
        (DOCUMENTED, given(to_role="association", title="请确认"), "“请确认” has no English"),
        (DOCUMENTED, given(to_role="association", title="{enrollment_idd}"), "nobody has written before"),
        (
            DOCUMENTED,
            given(to_role="association", title="请确认", title_en="{kind}"),
            "title_en names the variable kind",
        ),
        (DOCUMENTED, given(title="请确认").replace("notify", "document"), "lacks the input parameter body"),
        (
            DOCUMENTED,
            given(title="{reason}", body="看").replace("notify", "document"),
            "names the personal field reason",
        ),
        (STATE, STATE + '<camunda:property name="name_en" value="Take away" />', "and shown so"),
        (WARN, 'camunda:topic="general.set_state">', "does not say which"),
        (DOCUMENTED, started("support_ticket", "ticket_id"), "on its own pages only"),
        (DOCUMENTED, started("personnel_approval", "persn_id"), "has no field persn_id"),
        (DOCUMENTED, started("personnel_approval", "persn_id"), "cannot be started without person_id"),
        (DOCUMENTED, started("personel_approval", "person_id"), "Did you mean personnel_approval?"),
        (DOCUMENTED, started("leave", "person_id"), 'The process "leave" is not deployed'),
    ],
)
def test_the_gate_says_what_is_wrong_with_states_topics_and_texts(old: str, new: str, told: str) -> None:
    assert told in said(old, new)


def test_states_of_an_expression_are_what_it_may_give() -> None:
    assert states_said("confirmed") == {"confirmed"}
    assert states_said('${["checked_in", "makeup"][attempt - 1]}') == {"checked_in", "makeup"}
    assert states_said('${"failed" if decision == "void" else "completed"}') == {"failed", "completed"}
    assert {one.value for one in EnrollmentState} >= {"checked_in", "makeup"}


class Service(BaseHTTPRequestHandler):
    """Answers by the path, and remembers what came."""

    came: list[tuple[str, dict[str, str], bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.came.append((self.path, dict(self.headers), body))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/")
            self.end_headers()
            return
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()
        self.wfile.write(b"x" * (outbound_http.MAX_ANSWER + 1 if self.path == "/long" else 2))

    do_GET = do_POST

    def log_message(self, *_said: object) -> None:
        """Say nothing."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Service.came.clear()
    origin = f"http://127.0.0.1:{server.server_port}"
    allowed = OutboundHosts(frozenset({origin}), read_networks("127.0.0.0/8"), {"mine": b"key"})
    monkeypatch.setattr(outbound_http, "allowed_hosts", lambda: allowed)
    yield origin
    server.shutdown()
    server.server_close()


def test_a_call_is_json_signed_and_bears_its_key(service: str) -> None:
    assert call(service + "/in?x=1", "POST", {"名": 1}, "mine", "job-1") == b"xx"
    path, headers, body = Service.came[0]
    assert (path, json.loads(body), headers["Idempotency-Key"]) == ("/in?x=1", {"名": 1}, "job-1")
    assert headers["Host"] == service.removeprefix("http://")


def test_a_receiver_that_follows_the_guide_knows_a_call_from_any_other(service: str) -> None:
    """The recipe is run as it stands: a GET is signed with its address, and nothing of a call can be exchanged."""
    guide = (CHECKOUT / "docs" / "guide-process-administrators.md").read_text(encoding="utf-8")
    recipe = next(text for text in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "def is_genuine" in text)
    known: dict[str, Any] = {}
    exec(recipe, known)
    for method in ("GET", "POST"):
        call(service + "/in?x=1", method, {"名": 1}, "mine", "job-1")
        path, headers, body = Service.came[-1]
        at = int(headers["Anpei-Signature"].partition(",")[0][2:])
        right = {"secret": b"key", "method": method, "target": path, "headers": headers, "body": body, "now": at + 60}
        assert known["is_genuine"](**right)
        for changed in (
            {"secret": b"other"},
            {"method": "DELETE"},
            {"target": "/in?x=2"},
            {"target": "/out?x=1"},
            {"target": "/in"},
            {"body": body + b" "},
            {"now": at + 301},
            {"headers": headers | {"Host": "elsewhere.example"}},
            {"headers": headers | {"Idempotency-Key": "job-2"}},
            {"headers": headers | {"Anpei-Signature": headers["Anpei-Signature"].replace(f"t={at}", f"t={at + 1}")}},
            {"headers": {**headers, "Anpei-Signature": ""}},
        ):
            assert not known["is_genuine"](**(right | changed)), changed


@pytest.mark.parametrize("path", ["/moved", "/broken", "/long"])
def test_what_is_no_plain_short_success_fails(service: str, path: str) -> None:
    with pytest.raises(CallFailed):
        call(service + path, "POST", {}, None, "k")
    assert [came[0] for came in Service.came] == [path]  # no redirect is followed


def test_what_is_not_allowed_is_not_called(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {
        "http://127.0.0.1:1/": "ANPEI_HTTP_HOSTS",
        service.replace("http://", "http://user:word@"): "without user",
        "file:///etc/passwd": "https://host",
        service.replace("127.0.0.1", "localhost"): "ANPEI_HTTP_HOSTS",
    }
    for url, why in refused.items():
        with pytest.raises(CallRefused, match=why):
            call(url, "POST", {}, None, "k")
    for method, content, secret in (("TRACE", {}, None), ("POST", {}, "other"), ("POST", "x" * 70_000, None)):
        with pytest.raises(CallRefused):
            call(service, method, content, secret, "k")
    bare = OutboundHosts(frozenset({service}), (), {})
    monkeypatch.setattr(outbound_http, "allowed_hosts", lambda: bare)
    with pytest.raises(CallRefused, match="not public"):
        call(service, "POST", {}, None, "k")
    assert Service.came == []


INSIDE = (
    *("10.0.0.5", "127.0.0.1", "169.254.169.254", "192.168.1.1", "172.16.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
    *("255.255.255.255", "240.0.0.1", "192.0.2.1", "::1", "::", "::ffff:10.0.0.5", "::10.0.0.5", "fe80::1", "fc00::1"),
    *("ff02::1", "64:ff9b::a00:5", "64:ff9b:1::a00:5", "2002:a00:5::1", "2001:0:a00:5::1", "::ffff:0:a00:5"),
)
"""Addresses that are not of the internet, or lead to such by a tunnel or a translator."""


def test_a_host_whose_name_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = OutboundHosts(frozenset({"https://partner.example:443"}), (), {})
    monkeypatch.setattr(outbound_http, "allowed_hosts", lambda: allowed)
    for address in INSIDE:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, found=found, **_more: found)
        with pytest.raises(CallRefused, match="not public"):
            call("https://partner.example/x", "POST", {}, None, "k")


ODD = (
    "https://partner.example:99999/x",
    "https://[::1/x",
    "https://partner.example.evil/x",
    "https://partner.example./x",
    "https://partner.example\\@evil/x",
    "https://partner.example:443@evil/x",
    "https://ｐartner.example/x",
    "https://partner.example/路",
    "https://partner.example/a b",
    "https://partner.example/\r\nHost: evil",
    "//partner.example/x",
    "ftp://partner.example/x",
    "http://partner.example/x",
    "https://partner.example:8443/x",
    "",
)


@pytest.mark.parametrize("url", ODD)
def test_an_odd_address_is_refused_when_it_runs_and_by_the_gate(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = OutboundHosts(frozenset({"https://partner.example:443"}), (), {})
    monkeypatch.setattr(outbound_http, "allowed_hosts", lambda: allowed)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, **_more: pytest.fail("it was looked up"))
    with pytest.raises(CallRefused):
        call(url, "POST", {}, None, "k")
    if url.isprintable():
        call_task = given(url=url.replace("&", "&amp;")).replace("general.notify", "general.http")
        assert "refused" in said(DOCUMENTED, call_task) or "cannot be called" in said(DOCUMENTED, call_task)


@pytest.mark.parametrize("part", ["head", "chunk"])
def test_an_answer_that_drips_is_given_up_as_a_whole(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and the answer would be whole in the end: the limit is of all of it together."""
    monkeypatch.setattr(outbound_http, "SECONDS", 0.2)
    whole = {
        "head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20 + b"\r\nContent-Length: 0\r\n\r\n",
        "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 20 + b"1\r\nx\r\n0\r\n\r\n",
    }[part]
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        accepted, _ = listening.accept()
        with accepted, suppress(OSError):
            accepted.recv(4096)
            for byte in whole:
                accepted.sendall(bytes([byte]))
                paused.wait(0.03)

    paused = threading.Event()
    threading.Thread(target=drip, daemon=True).start()
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    allowed = OutboundHosts(frozenset({origin}), read_networks("127.0.0.0/8"), {})
    monkeypatch.setattr(outbound_http, "allowed_hosts", lambda: allowed)
    with pytest.raises(CallFailed):
        call(origin, "POST", {}, None, "k")
    paused.set()
    listening.close()


def test_settings_of_calls_are_read_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("mine k3y\n\nother w0rd\n")
    found = read_outbound(
        {
            "ANPEI_HTTP_HOSTS": "a.example, http://10.0.0.5:8080,",
            "ANPEI_HTTP_NETWORKS": "10.0.0.0/8",
            "ANPEI_HTTP_SECRETS": str(file),
        }
    )
    assert found.origins == {"https://a.example:443", "http://10.0.0.5:8080"}
    assert (found.secrets["mine"], len(found.networks)) == (b"k3y", 1)
    for wrong in (
        {"ANPEI_HTTP_HOSTS": "ftp://a"},
        {"ANPEI_HTTP_HOSTS": "a/b"},
        {"ANPEI_HTTP_SECRETS": str(tmp_path / "no")},
    ):
        with pytest.raises(InvalidSetting):
            read_outbound(wrong)
