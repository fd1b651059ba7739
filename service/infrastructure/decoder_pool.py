"""Decoding of foreign files in a bounded child, a fresh one for each file, a few at a time in this process."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from service.errors import N_

AT_ONCE = 2
MEGABYTES = 400  # of address space; the process itself and what it imports take 100 to 200 of them
CPU_SECONDS = 4
SECONDS = 30  # of real time, waiting included
MAX_VALUE_BYTES = 16 << 20  # bytes of JSON
MAX_DATA_BYTES = 8 << 20  # of a picture or of one member of an archive

_CHILD = Path(__file__).with_name("decoder.py")
_slots = threading.BoundedSemaphore(AT_ONCE)


class DecoderError(Exception):
    """A file that was refused. reason: a word of ``decoder.Refused``, ``too_costly`` or ``busy``."""

    def __init__(self, reason: str, facts: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason, self.facts = reason, facts or {}


def told_of_limits(error: DecoderError) -> str:
    """Tell a reader that the child was ended, or that none was free."""
    if error.reason == "busy":
        return N_("正在处理的文件过多，请稍后再试。")
    return N_("读取这个文件占用的时间或内存超过限度，请简化内容、另存后再上传。")


def decode(operation: str, content: bytes | IO[bytes], **limits: Any) -> tuple[Any, bytes]:
    """Do one of ``decoder.OPERATIONS``: its value and the bytes behind it. Raises DecoderError."""
    with _answer(operation, content, limits) as (value, rest):
        return value, _at_most(rest, MAX_DATA_BYTES)


def decode_members(content: IO[bytes], **limits: Any) -> Iterator[bytes]:
    """Unpack the ``chosen`` entries of an archive one by one. Raises DecoderError, also between two of them."""
    with _answer("members", content, limits) as (_, rest):
        for _ in limits["chosen"]:
            yield _exactly(rest, struct.unpack("!I", _exactly(rest, 4))[0])


@contextmanager
def _answer(operation: str, content: bytes | IO[bytes], limits: dict[str, Any]) -> Iterator[tuple[Any, IO[bytes]]]:
    begun = time.monotonic()
    if not _slots.acquire(timeout=SECONDS / 2):
        raise DecoderError("busy")
    try:
        command = [sys.executable, "-I", str(_CHILD), operation, json.dumps(limits), str(MEGABYTES), str(CPU_SECONDS)]
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet, env={}, cwd="/") as child:  # noqa: S603
            timer = threading.Timer(SECONDS - (time.monotonic() - begun), child.kill)
            timer.start()
            try:
                assert child.stdin is not None
                assert child.stdout is not None
                _send(child.stdin, content)
                yield _value(child.stdout), child.stdout
            finally:
                timer.cancel()
                child.kill()
    finally:
        _slots.release()


def _send(pipe: IO[bytes], content: bytes | IO[bytes]) -> None:
    """Hand the whole file over; the child reads all of it before it answers."""
    with suppress(BrokenPipeError), pipe:
        if isinstance(content, bytes):
            pipe.write(content)
        else:
            content.seek(0)
            shutil.copyfileobj(content, pipe)


def _value(pipe: IO[bytes]) -> Any:
    line = pipe.readline(MAX_VALUE_BYTES)
    if not line.endswith(b"\n"):
        raise DecoderError("too_costly")  # the child was ended by one of its limits, or answers without measure
    status, value, *facts = json.loads(line)
    if status != "ok":
        raise DecoderError(value, facts[0])
    return value


def _at_most(pipe: IO[bytes], most: int) -> bytes:
    data = pipe.read(most + 1)
    if len(data) > most:
        raise DecoderError("too_costly")
    return data


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size) if size <= MAX_DATA_BYTES else b""
    if len(data) != size:
        raise DecoderError("damaged")
    return data


os.register_at_fork(after_in_child=lambda: globals().update(_slots=threading.BoundedSemaphore(AT_ONCE)))
