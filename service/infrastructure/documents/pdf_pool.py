"""Documents laid out by several processes at once, in bounded memory: one for each core, fed as they become free."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from service.config import CHECKOUT
from service.infrastructure.documents.pdf_process import print_piece, receive, send

LEAN = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""For the C library: give memory back at once. Fonts of 10 MB come and go with every document."""

Piece = tuple[tuple[str, ...], str]
"""A file: its parts in HTML, one after the other, and the contact under which it is signed; '' leaves it unsigned."""


__all__ = ["Answer", "LayoutFailed", "Piece", "Request", "lay_out", "print_piece"]


class LayoutFailed(Exception):
    """A process that lays documents out has ended unasked."""


@dataclass(frozen=True, slots=True)
class Request:
    """Files to be laid out by one process. key: by which their answer is known."""

    key: int
    pieces: tuple[Piece, ...]
    style: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A part was laid out; with the last one of a request come its files, before that there are none."""

    key: int
    files: tuple[bytes, ...] = ()


@dataclass(slots=True)
class _Worker:
    """The process at the other end of a connection, and what it is doing."""

    connection: socket.socket
    request: Request | None = None
    files: list[bytes] = field(default_factory=list)

    def fileno(self) -> int:
        return self.connection.fileno()

    def begin(self, request: Request) -> None:
        self.request = request
        send(self.connection, json.dumps({"pieces": request.pieces, "style": request.style}).encode())

    def hear(self) -> Answer | None:
        """The next part or the files; None when a file is there and others are not."""
        assert self.request
        key = self.request.key
        if not (block := receive(self.connection)):
            return Answer(key)
        self.files.append(block)
        if len(self.files) < len(self.request.pieces):
            return None
        files, self.files, self.request = tuple(self.files), [], None
        return Answer(key, files)


def lay_out(requests: Iterable[Request], processes: int = 0) -> Iterator[Answer]:
    """Lay the documents out; answers come as they are ready. processes: as many as there are cores unless said.

    Raises LayoutFailed.
    """
    with _workers(processes or len(os.sched_getaffinity(0))) as workers:
        waiting = iter(requests)
        following = next(waiting, None)
        while following or any(worker.request for worker in workers):
            for worker in workers:
                if following and not worker.request:
                    worker.begin(following)
                    following = next(waiting, None)  # made while the others work
            ready, _, _ = select.select([worker for worker in workers if worker.request], [], [])
            for worker in ready:
                if answer := worker.hear():
                    yield answer


@contextmanager
def _workers(count: int) -> Iterator[list[_Worker]]:
    """Start the processes. They end with their connections; what is laid out for nobody any more is not waited for."""
    pairs = [socket.socketpair() for _ in range(count)]
    numbers = [far.fileno() for _, far in pairs]
    command = [sys.executable, "-m", "service.infrastructure.documents.pdf_process", *map(str, numbers)]
    lean = os.environ | LEAN
    first = subprocess.Popen(command, cwd=CHECKOUT, env=lean, pass_fds=numbers, start_new_session=True)  # noqa: S603 — a module of ours
    for _, far in pairs:
        far.close()
    try:
        yield [_Worker(near) for near, _ in pairs]
    except (EOFError, OSError) as error:
        _kill(first)
        raise LayoutFailed("a process that lays documents out has ended") from error
    except BaseException:
        _kill(first)
        raise
    finally:
        for near, _ in pairs:
            near.close()
        first.wait()


def _kill(first: subprocess.Popen[bytes]) -> None:
    """Kill the first process with those that it became."""
    try:
        os.killpg(first.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
