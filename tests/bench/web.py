"""The web server as ``anpei serve`` starts it, a client that costs next to nothing, and what both cost in CPU."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from service.config import CHECKOUT
from service.infrastructure.postgres import Server
from tests.bench.scratch import HOME, environment
from tests.builders import web_server

TICK = os.sysconf("SC_CLK_TCK")
LOG = HOME / "web.log"
CONNECTIONS = 8  # as many as the server has threads


class Connection:
    """One kept-alive connection that sends prepared requests and reads whole answers."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Status, headers and body of the answer."""
        self._socket.sendall(request)
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head, data = data[:end], data[end + 4 :]
        length = int(found[1]) if (found := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)) else 0
        while len(data) < length:
            data += self._more()
        self._rest = data[length:]
        return int(head[9:12]), head, data[:length]

    def close(self) -> None:
        self._socket.close()

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


@contextmanager
def serving(server: Server, database: str) -> Iterator[tuple[int, int]]:
    """The service on a scratch database: its port and the process id of gunicorn's first process. Its log is a file."""
    with web_server.serving(environment(server.url(database)), LOG) as (port, process):
        yield port, process.pid


def post(path: str, authorization: str, body: bytes) -> bytes:
    """A prepared POST of JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def get(path: str, headers: str) -> bytes:
    """A prepared GET; ``headers`` are whole lines."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()


def pour(port: int, requests: Sequence[bytes], expected: int) -> tuple[float, list[float]]:
    """Send all requests over ``CONNECTIONS`` connections as fast as they are answered; seconds in all and of each."""
    seconds: list[float] = []
    faults: list[str] = []
    waiting = iter(requests)
    lock = threading.Lock()

    def work(connection: Connection) -> None:
        while not faults:
            with lock:
                request = next(waiting, None)
            if request is None:
                return
            began = time.perf_counter()
            status, _, body = connection.ask(request)
            seconds.append(time.perf_counter() - began)
            if status != expected:
                faults.append(f"{status}: {body.decode(errors='replace')[:500]}")

    connections = [Connection(port) for _ in range(CONNECTIONS)]
    threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    for connection in connections:
        connection.close()
    if faults:
        raise RuntimeError(f"the server answered {faults[0]}")
    return took, seconds


def cpu_of(process: int) -> float:
    """CPU seconds so far of a process and all that came from it and still live."""
    return sum(_own_cpu(pid) for pid in {process, *_descendants(process)})


def _own_cpu(pid: int) -> float:
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(parts[11]) + int(parts[12])) / TICK


def _descendants(process: int) -> set[int]:
    found = _children(process)
    return found | {pid for child in found for pid in _descendants(child)}


def _children(process: int) -> set[int]:
    listed = subprocess.run(
        ["pgrep", "-P", str(process)], capture_output=True, text=True, check=False, cwd=CHECKOUT
    ).stdout
    return {int(pid) for pid in listed.split()}
