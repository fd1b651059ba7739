"""Clients that take their time: half a header, a body byte by byte, a large answer that is hardly read."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

from service.config import CHECKOUT

KINDS = ("half header", "slow body", "slow reader")
STATIC = CHECKOUT / "service" / "static"
LARGE = max(Path(STATIC / "vendor").rglob("*.js"), key=lambda file: file.stat().st_size)
RECEIVE_BYTES = 4096  # of the buffer of one that does not read
STEP_SECONDS = 0.5


class SlowClients:
    """So many connections of one kind to a port of this machine, which send or read a byte now and then."""

    def __init__(self, port: int, kind: str, count: int) -> None:
        self._port, self._ended = port, threading.Event()
        self._step: Callable[[socket.socket], object] = {
            "half header": lambda one: one.send(b"x"),
            "slow body": lambda one: one.send(b"x"),
            "slow reader": lambda one: one.recv(1),
        }[kind]
        self._hello = {
            "half header": b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
            "slow body": b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: 50000\r\n\r\nlogin=",
            "slow reader": f"GET /static/{LARGE.relative_to(STATIC)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
        }[kind]
        self._open = [self._connect() for _ in range(count)]
        self._thread = threading.Thread(target=self._dawdle, daemon=True)
        self._thread.start()

    def living(self) -> int:
        """Count the connections that the server has not closed."""
        return sum(one.fileno() >= 0 for one in self._open)

    def close(self) -> None:
        """Leave."""
        self._ended.set()
        self._thread.join()
        for one in self._open:
            one.close()

    def _connect(self) -> socket.socket:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        one.connect(("127.0.0.1", self._port))
        one.sendall(self._hello)
        one.setblocking(False)
        return one

    def _dawdle(self) -> None:
        """Do a step on every connection; one that the server has closed is made anew, so that the number stays."""
        while not self._ended.wait(STEP_SECONDS):
            for at, one in enumerate(self._open):
                try:
                    if self._step(one) == b"":
                        raise ConnectionResetError
                except BlockingIOError:
                    continue
                except OSError:
                    one.close()
                    self._open[at] = self._connect()
