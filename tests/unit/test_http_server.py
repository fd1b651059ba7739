"""How long a client may take, phase by phase, and who goes when there are too many."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from service.infrastructure.http_server import HOLD_ANSWER, PATIENCE, Connection, HttpServer, Limits, Route

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
# The phase, what the client has sent to be in it, and the bytes that it moves later.
PHASES: dict[str, tuple[bytes, int]] = {
    "first": (b"", 0),
    "header": (b"GET / HTTP/1.1\r\n", 0),
    "body": (HEAD, 40_960),
    "answer": (b"GET /large HTTP/1.1\r\n\r\n", 0),
    "idle": (b"GET / HTTP/1.1\r\n\r\n", 0),
}


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    if environ["PATH_INFO"] == "/held":
        environ[HOLD_ANSWER](1000.0)
    status = environ["PATH_INFO"][1:]
    if status.isdigit():
        start_response(f"{status} as asked", [("Content-Length", "4")] if status == "200" else [])
        return [b"done"] if status == "200" else []
    start_response("200 OK", [])
    return [bytes(8 << 20) if environ["PATH_INFO"] == "/large" else b"done"]


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        limits = Limits(lambda *_: Route("pages", 2 << 20), {"pages": 2}, connection_limit=4)
        running = HttpServer(application, listener, limits)
        yield running
        running.stop(5, lambda: None)


def client(server: HttpServer) -> tuple[socket.socket, Connection]:
    known = set(server.active_channels)
    one = socket.create_connection(("127.0.0.1", server.effective_port))
    while not (new := set(server.active_channels) - known):
        server.turn()
    return one, server.active_channels[new.pop()]


def settle(server: HttpServer, connection: Connection, phase: str) -> None:
    """Let the server work until the connection is in the phase."""
    for _ in range(100):
        connection.waits_since(0.0)
        if connection._phase[0] == phase:
            return
        server.turn()
    pytest.fail(f"{phase} was not reached, but {connection._phase}")


@pytest.mark.parametrize("phase", PHASES)
def test_a_client_that_takes_too_long_in_a_phase_is_closed_and_one_that_moves_is_not(
    server: HttpServer, phase: str
) -> None:
    assert set(PHASES) == set(PATIENCE)
    sent, more = PHASES[phase]
    one, connection = client(server)
    if phase == "header":
        one.sendall(b"GET / HTTP/1.1\r\n\r\n")
        settle(server, connection, "idle")
    one.sendall(sent)
    settle(server, connection, phase)
    connection._phase, connection._since = ("", 0), 0.0
    begun = 1000.0
    allowed = PATIENCE[phase]
    assert not connection.is_overdue(begun)
    assert not connection.is_overdue(begun + allowed.seconds)
    if more:
        one.sendall(bytes(more))
        while connection.request.body_bytes_received < more:
            server.turn()
        assert not connection.is_overdue(begun + allowed.seconds + 9)
        begun += 10
    if phase == "answer":
        before, received = connection.total_outbufs_len, 0
        while before - connection.total_outbufs_len < 10 * allowed.bytes_per_second:
            received += len(one.recv(1 << 20))
            server.turn()
        moved = before - connection.total_outbufs_len
        assert not connection.is_overdue(begun + allowed.seconds + 9)
        begun += moved / allowed.bytes_per_second
    server.sweep(begun + allowed.seconds + 1)
    assert not server.active_channels
    one.close()


def test_a_request_that_we_have_not_answered_is_never_closed_for_slowness(server: HttpServer) -> None:
    one, connection = client(server)
    connection.requests = [object()]  # type: ignore[list-item]
    server.sweep(1e9)
    assert server.active_channels
    connection.requests = []
    one.close()


def test_a_body_may_not_take_for_ever_however_steadily_it_comes(server: HttpServer) -> None:
    one, connection = client(server)
    one.sendall(HEAD)
    settle(server, connection, "body")
    connection.request.body_bytes_received = 1 << 40
    connection._phase = ("", 0)
    connection.is_overdue(1000.0)
    connection._start = 0
    assert not connection.is_overdue(1000.0 + PATIENCE["body"].longest)
    assert connection.is_overdue(1001.0 + PATIENCE["body"].longest)
    one.close()


def test_of_too_many_connections_the_longest_waiting_goes_and_the_new_one_is_served(server: HttpServer) -> None:
    clients = [client(server) for _ in range(4)]
    for at, (_, connection) in enumerate(clients):
        connection.waits_since(0.0)
        connection._since = 10.0 - at  # the last has waited longest
    busy = clients[3][1]
    busy.requests = [object()]  # type: ignore[list-item]
    new = socket.create_connection(("127.0.0.1", server.effective_port))
    for _ in range(3):
        server.turn()
    assert [connection.connected for _, connection in clients] == [True, True, False, True]
    assert len(server.active_channels) == 4
    busy.requests = []
    for one in (new, *(one for one, _ in clients)):
        one.close()


def test_an_answer_that_is_held_back_takes_no_thread_and_leaves_when_its_time_has_come(server: HttpServer) -> None:
    held = [client(server) for _ in range(3)]
    for one, _ in held:
        one.sendall(b"GET /held HTTP/1.1\r\n\r\n")
    for _, connection in held:
        settle(server, connection, "answer")
    other, connection = client(server)
    other.sendall(b"GET / HTTP/1.1\r\n\r\n")
    settle(server, connection, "idle")
    assert other.recv(1000).startswith(b"HTTP/1.1 200 OK")
    for one, connection in held:
        connection.release()
        settle(server, connection, "idle")
        assert one.recv(1000).startswith(b"HTTP/1.1 200 OK")
    for one in (other, *(one for one, _ in held)):
        one.close()


@pytest.mark.parametrize("asked", ["", "Connection: close\r\n"])
@pytest.mark.parametrize("status", ["200", "204", "304"])
def test_a_connection_serves_on_after_an_answer_with_or_without_body_unless_asked_to_close(
    server: HttpServer, status: str, asked: str
) -> None:
    one, connection = client(server)
    with one:
        one.sendall(f"GET /{status} HTTP/1.1\r\nHost: localhost\r\n{asked}\r\n".encode())
        while connection in server.active_channels.values() and not (
            connection.has_asked and not connection.requests and not connection.total_outbufs_len
        ):
            server.turn()
        server.turn()
        assert one.recv(1 << 16).startswith(f"HTTP/1.1 {status}".encode())
        assert (connection in server.active_channels.values()) is (not asked)
