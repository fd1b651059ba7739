"""Two killable children per process, each behind a socket: started late, replaced when they crash, hang or swell."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.engine.kernel.cpu_meter import PATIENCE, CpuMeter

CHILDREN = 2  # a slow script does not hold up the next one
MOMENT = 0.5  # the least real time, a tenth of it, in which a child can start and answer
MEGABYTES = 256  # of address space for each child

Host = Callable[[str, list[Any]], Any]
_CHILD = Path(__file__).with_name("worker.py")


class ScriptError(Exception):
    """A script or expression that is wrong, fails, or was stopped; the message is for people."""


class OutOfTime(ScriptError):
    """A script used more CPU time than it may."""


class NoAnswer(ScriptError):
    """The sandbox did not answer, asked twice: the machine is to blame and no script."""


def ask(request: list[Any], host: Host | None, meter: CpuMeter, seconds: float) -> Any:
    """Let a child answer one request within so much CPU time, at most what ``meter`` has left, which is charged.

    Raises ScriptError, and what ``host`` raises.
    """
    allowed = min(seconds, max(0.001, meter.left()))
    heard = _Heard(host)
    try:
        status, value, used = _asked(request, heard, allowed)
    except TimeoutError:
        if heard.anything:
            raise NoAnswer(_no_answer(allowed)) from None  # what the host did must not be done twice
        try:
            status, value, used = _asked(request, heard, allowed)
        except TimeoutError:
            raise NoAnswer(_no_answer(allowed)) from None
    meter.charge(used)
    if status == "late":
        raise OutOfTime(f"脚本用去 {allowed:.2g} 秒以上的 CPU 时间，已被终止")
    if status != "ok":
        raise ScriptError(re.sub(r", expected one of [^\n]*", "", str(value)).strip())
    return value


def _no_answer(allowed: float) -> str:
    return f"脚本沙箱 {2 * PATIENCE * allowed:.2g} 秒没有回答：机器太忙或停顿，与脚本无关，请重试"


class _Heard:
    """A host that remembers whether it was called."""

    def __init__(self, host: Host | None) -> None:
        self.host, self.anything = host, False

    def __call__(self, name: str, arguments: list[Any]) -> Any:
        assert self.host is not None
        self.anything = True
        return self.host(name, arguments)


def _asked(request: list[Any], host: Host, allowed: float) -> tuple[str, Any, float]:
    """Status, value and CPU time of one child's answer. Raises TimeoutError when none comes in ten times that time."""
    deadline = time.monotonic() + PATIENCE * max(allowed, MOMENT)
    child, free = _pool.take(deadline)
    keep: _Child | None = None
    try:
        status, value, used = child.ask([allowed, *request], host, deadline)
        if status != "fatal":
            keep = child
        return status, value, used
    except (EOFError, ConnectionError, json.JSONDecodeError):
        if child.was_late():
            return "late", None, allowed
        raise ScriptError("脚本占用内存过多或使沙箱崩溃，已被终止") from None
    finally:
        if keep is None:
            child.end()
        free.put(keep)


class _Child:
    """One child process and its socket."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.socket, theirs = socket.socketpair()
        command = [sys.executable, "-I", str(_CHILD), str(MEGABYTES)]
        quiet = subprocess.DEVNULL
        with theirs:
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=quiet, stderr=quiet)  # noqa: S603

    def ask(self, request: list[Any], host: Host, deadline: float) -> tuple[str, Any, float]:
        self._send(request, deadline)
        while True:
            status, *rest = self._receive(deadline)
            if status != "call":
                return status, rest[0], rest[1]
            began = time.monotonic()
            answer = ["ok", host(rest[0], rest[1])]
            deadline += time.monotonic() - began
            self._send(answer, deadline)

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

    def was_late(self) -> bool:
        """Tell whether the child was ended for its CPU time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(1) == -signal.SIGPROF
        return False

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
            raise TimeoutError from None
        if child is None or child.process.poll() is not None:
            try:
                child = _Child()
            except OSError as error:
                free.put(None)
                raise ScriptError(f"脚本沙箱无法启动：{error}") from error
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
