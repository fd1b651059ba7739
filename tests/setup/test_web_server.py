"""The web server as it is started: slow clients hold no thread, limits hold before one is used."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from flask import Flask

from service.config import CHECKOUT
from service.infrastructure.http_server import MAX_BODY_BYTES, MAX_HEADER_BYTES
from service.infrastructure.postgres import Server
from service.web.shell.request_routes import CHECKS_PASSWORD, THREADS, router
from service.web.shell.security_headers import MAX_SENT_BYTES
from tests.builders.slow_clients import KINDS, SlowClients
from tests.builders.web_server import serving
from tests.database import addresses, copy

PATIENCE = 60
SLOW = 200


class Web(NamedTuple):
    """A running server: where it answers, and its first process."""

    port: int
    master: int

    def get(self, path: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE, allow_redirects=False)

    def two_processes(self, gone: int = 0) -> set[int]:
        """The two web processes, once both run and the one that has gone is replaced."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            listed = Path(f"/proc/{self.master}/task/{self.master}/children").read_text()
            found = {int(pid) for pid in listed.split()}
            if len(found) == 2 and gone not in found:
                return found
            time.sleep(0.05)
        pytest.fail("there are not two web processes")

    def say(self, *pieces: bytes) -> bytes:
        """Send bytes as they are, and read until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as one:
            for piece in pieces:
                one.sendall(piece)
            return b"".join(iter(lambda: one.recv(1 << 16), b""))


@pytest.fixture(scope="module")
def web(server: Server, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    yield from _serve(server, template_database, tmp_path_factory.mktemp("web"))


@pytest.fixture
def short_lived_web(server: Server, template_database: str, tmp_path: Path) -> Iterator[Web]:
    yield from _serve(server, template_database, tmp_path)


def _serve(server: Server, template_database: str, folder: Path) -> Iterator[Web]:
    database = f"web_{os.getpid()}_{folder.name}"
    copy(server, template_database, database)
    with serving(addresses(server, database), folder / "web.log") as (port, process):
        yield Web(port, process.pid)
    server.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


def test_with_200_slow_clients_of_each_kind_everybody_else_is_answered(web: Web) -> None:
    slow = [SlowClients(web.port, kind, SLOW) for kind in KINDS]
    try:
        for _ in range(20):
            for path, expected in (("/healthz", 200), ("/readyz", 200), ("/sign-in", 200), ("/inbox", 302)):
                assert web.get(path).status_code == expected
        assert [one.living() for one in slow] == [SLOW] * len(KINDS)
    finally:
        for one in slow:
            one.close()


def test_no_answer_tells_the_product(web: Web) -> None:
    answers = [web.get(path).headers for path in ("/healthz", "/sign-in", "/nothing", "/static/none")]
    assert not [one["Server"] for one in answers if "Server" in one]
    refused = web.say(b"NONSENSE\r\n\r\n")
    assert b"400" in refused.splitlines()[0]
    assert not re.search(rb"(?i)waitress|gunicorn|werkzeug|\nserver:", refused)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEADER_BYTES + b"\r\n\r\n", 431),
        (b"POST /sign-in HTTP/1.1\r\nContent-Length: " + str(MAX_BODY_BYTES + 1).encode() + b"\r\n\r\n", 413),
        (b"POST /sign-in HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"POST /sign-in HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000, 400),
        (b"POST /sign-in HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 2000, 400),
    ],
)
def test_what_is_without_measure_or_sense_is_refused_before_it_is_read(
    web: Web, request_bytes: bytes, status: int
) -> None:
    assert str(status).encode() in web.say(request_bytes).splitlines()[0]


def test_a_body_beyond_the_routes_limit_is_thrown_away_and_the_page_says_so(web: Web) -> None:
    size = 9 << 20
    head = f"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
    answer = web.say(head.encode(), *[bytes(1 << 20)] * 9)
    assert b" 413 " in answer.splitlines()[0]
    assert "8 MB" in answer.decode()


def test_a_web_process_that_was_killed_is_replaced_and_a_stop_waits_for_what_was_asked(short_lived_web: Web) -> None:
    web = short_lived_web
    killed = min(web.two_processes())
    os.kill(killed, signal.SIGKILL)
    web.two_processes(gone=killed)
    assert web.get("/readyz").status_code == 200
    halves = [socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE) for _ in range(20)]
    for one in halves:
        one.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.2)  # until it is read: what still lies in the kernel is not acknowledged
    os.kill(web.master, signal.SIGTERM)
    for one in halves:
        assert b"200 OK" in one.recv(1 << 12)
        one.close()


def test_every_route_has_a_pool_and_those_of_passwords_and_files_have_their_own(app: Flask) -> None:
    route = router(app)
    known = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert known >= CHECKS_PASSWORD | set(MAX_SENT_BYTES)
    source = (CHECKOUT / "service" / "web" / "views").rglob("*.py")
    callers = {
        file.name for file in source if re.search(r"authentication\.(sign_in|change_password)\(", file.read_text())
    }
    assert callers == {"session.py"}
    assert route("POST", "/sign-in", {}, 100).pool == "passwords"
    assert route("POST", "/password", {}, 100).pool == "passwords"
    assert route("GET", "/sign-in", {}, 0).pool == "pages"
    assert route("POST", "/persons", {"CONTENT_TYPE": "multipart/form-data; boundary=x"}, 100).pool == "files"
    assert route("POST", "/persons", {}, 1 << 20).pool == "files"
    assert route("POST", "/persons", {}, -1).pool == "files"
    assert route("GET", "/engine-rest/task", {"AUTHORIZATION": "Basic x"}, 0).pool == "api"
    assert {route(m, p, {}, 0).pool for m in ("GET", "POST", "X") for p in ("/", "//", "\xff", "")} <= set(THREADS)
    assert {route("POST", "/persons/import", {}, 0).most_bytes, route("POST", "/persons", {}, 0).most_bytes} == {
        MAX_SENT_BYTES["person_import.create"],
        app.config["MAX_CONTENT_LENGTH"],
    }
    assert max(MAX_SENT_BYTES.values()) < MAX_BODY_BYTES
