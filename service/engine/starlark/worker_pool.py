"""Two killable children per process, each behind a socket: started late, replaced when they crash, hang or swell."""

from __future__ import annotations

import atexit
import json
import os
import queue
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHILDREN = 2  # a slow script does not hold up the next one
MEGABYTES = 256  # of address space for each child

Host = Callable[[str, list[Any]], Any]
_CHILD = Path(__file__).with_name("worker.py")


class ScriptError(Exception):
    """A script or expression that is wrong, fails, or was stopped; the message is for people."""


def ask(request: list[Any], host: Host | None, seconds: float) -> Any:
    """Let a child answer one request within so many seconds of real time.

    Raises ScriptError, and what ``host`` raises.
    """
    deadline = time.monotonic() + seconds
    child, free = _pool.take(deadline)
    keep: _Child | None = None
    try:
        status, value = child.ask(request, host, deadline)
        if status != "fatal":
            keep = child
    except TimeoutError:
        raise ScriptError(f"脚本运行超过 {seconds:g} 秒,已被终止") from None
    except (EOFError, ConnectionError, json.JSONDecodeError):
        raise ScriptError("脚本占用内存过多或使沙箱崩溃,已被终止") from None
    finally:
        if keep is None:
            child.end()
        free.put(keep)
    if status != "ok":
        raise ScriptError(re.sub(r", expected one of [^\n]*", "", str(value)).strip())
    return value


class _Child:
    """One child process and its socket."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.socket, theirs = socket.socketpair()
        command = [sys.executable, "-I", str(_CHILD), str(MEGABYTES)]
        quiet = subprocess.DEVNULL
        with theirs:
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=quiet, stderr=quiet)  # noqa: S603

    def ask(self, request: list[Any], host: Host | None, deadline: float) -> Any:
        self._send(request, deadline)
        while True:
            status, *rest = self._receive(deadline)
            if status != "call":
                return status, rest[0]
            assert host is not None
            self._send(["ok", host(rest[0], rest[1])], deadline)

    def _send(self, message: Any, deadline: float) -> None:
        data = json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
        self._wait(deadline)
        self.socket.sendall(struct.pack("!I", len(data)) + data)

    def _receive(self, deadline: float) -> Any:
        size = struct.unpack("!I", self._exactly(4, deadline))[0]
        return json.loads(self._exactly(size, deadline))

    def _exactly(self, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            self._wait(deadline)
            part = self.socket.recv(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def _wait(self, deadline: float) -> None:
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))

    def end(self) -> None:
        self.socket.close()
        if self.pid == os.getpid():
            self.process.kill()
            self.process.wait()


class _Pool:
    """At most two children for this process; a fork makes its own."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pid = 0
        self.free: queue.LifoQueue[_Child | None] = queue.LifoQueue()

    def take(self, deadline: float) -> tuple[_Child, queue.LifoQueue[_Child | None]]:
        with self.lock:
            if self.pid != os.getpid():
                self.pid, self.free = os.getpid(), queue.LifoQueue()
                for _ in range(CHILDREN):
                    self.free.put(None)
            free = self.free
        try:
            child = free.get(timeout=max(0.001, deadline - time.monotonic()))
        except queue.Empty:
            raise ScriptError("脚本沙箱繁忙,请稍后再试") from None
        if child is None or child.process.poll() is not None:
            try:
                child = _Child()
            except OSError as error:
                free.put(None)
                raise ScriptError(f"脚本沙箱无法启动:{error}") from error
        return child, free

    def close(self) -> None:
        """End the children of this process."""
        while self.pid == os.getpid():
            try:
                child = self.free.get_nowait()
            except queue.Empty:
                return
            if child is not None:
                child.end()


_pool = _Pool()
atexit.register(_pool.close)
os.register_at_fork(after_in_child=lambda: setattr(_pool, "lock", threading.Lock()))
