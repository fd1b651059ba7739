"""Documents laid out by several processes at once, in bounded memory: one for each core, fed as they become free."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass

from service.config import CHECKOUT
from service.infrastructure.pdf_process import print_piece, read_block, write_block

LEAN = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""For the C library: give memory back at once. Fonts of 10 MB come and go with every document."""
WAITING = 2  # requests that lie ready for each process

Piece = tuple[str, str]
"""A document in HTML, and the contact under which it is signed; '' leaves it unsigned."""
Child = subprocess.Popen[bytes]


__all__ = ["LayoutFailed", "Piece", "Request", "lay_out", "print_piece"]


class LayoutFailed(Exception):
    """A process that lays documents out has ended unasked."""


@dataclass(frozen=True, slots=True)
class Request:
    """Documents to be laid out together, each as a file of its own. key: by which their answer is known."""

    key: int
    pieces: tuple[Piece, ...]
    style: str


def lay_out(requests: Iterable[Request], processes: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """Lay the documents out; answers come as they are ready. processes: as many as there are cores unless said.

    Raises LayoutFailed.
    """
    count = processes or os.cpu_count() or 1
    idle: queue.SimpleQueue[Child] = queue.SimpleQueue()
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(count))
        for _ in range(count):
            child = _start()
            stack.callback(_end, child)
            idle.put(child)
        running: set[Future[tuple[int, list[bytes]]]] = set()
        for request in requests:
            running.add(threads.submit(_ask, idle, request))
            while len(running) >= WAITING * count:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (one.result() for one in done)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in done)


def _ask(idle: queue.SimpleQueue[Child], request: Request) -> tuple[int, list[bytes]]:
    child = idle.get()
    try:
        assert child.stdin
        assert child.stdout
        write_block(child.stdin, json.dumps({"pieces": request.pieces, "style": request.style}).encode())
        child.stdin.flush()
        return request.key, [read_block(child.stdout) for _ in request.pieces]
    except (EOFError, OSError) as error:
        raise LayoutFailed(f"the process ended with {child.poll()}") from error
    finally:
        idle.put(child)


def _start() -> Child:
    command = [sys.executable, "-m", "service.infrastructure.pdf_process"]
    pipe, lean = subprocess.PIPE, os.environ | LEAN
    return subprocess.Popen(command, cwd=CHECKOUT, env=lean, stdin=pipe, stdout=pipe)  # noqa: S603 — a module of ours


def _end(child: Child) -> None:
    """Close its input, which ends it; what is laid out for nobody any more is not waited for."""
    child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe:
            try:
                pipe.close()
            except OSError:
                continue
    child.wait()
