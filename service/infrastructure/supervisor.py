"""Starts programs, and ends every one of them when told to stop or when one of them ends. Knows nothing of Anpei."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from types import FrameType

STOP_SECONDS = 15
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Stopped(BaseException):
    """Somebody asked this process to end (Ctrl-C, SIGTERM, a closed terminal)."""


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Inside the block a request to end raises ``Stopped`` once; later ones wait for the cleaning up."""
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in asked:
            signal.signal(number, _hear_no_more)  # not SIG_IGN, which programs started from now on would inherit
        raise Stopped

    before = {number: signal.signal(number, stop) for number in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Supervisor:
    """Programs that live and die together. Use as a context: at its end all are ended."""

    def __init__(self) -> None:
        self._programs: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        for program in reversed(self._programs.values()):
            program.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for program in self._programs.values():
            try:
                program.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()

    def start(self, name: str, *command: str) -> None:
        """Start a program outside the terminal's group,
        so that Ctrl-C reaches it in order; it dies with this process.
        """
        die_with_me = partial(_die_with, os.getpid())
        self._programs[name] = subprocess.Popen(  # noqa: S603 - programs of Anpei alone
            command, start_new_session=True, preexec_fn=die_with_me, stdin=subprocess.DEVNULL
        )

    def wait_for_port(self, port: int, seconds: float = 60) -> bool:
        """Tell whether something answers on the local port before a program ends or ``seconds`` are over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._ended() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
            time.sleep(0.05)
        return False

    def wait(self) -> str:
        """Wait until one program ends by itself; its name and how it ended."""
        while (ended := self._ended()) is None:
            time.sleep(0.3)
        return ended

    def _ended(self) -> str | None:
        for name, program in self._programs.items():
            if program.poll() is not None:
                return f"{name} ended with code {program.returncode}"
        return None


def is_port_free(port: int) -> bool:
    """Tell whether a server can listen on the local port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _hear_no_more(_number: int, _frame: FrameType | None) -> None:
    """The cleaning up is under way already."""


def _die_with(parent: int) -> None:
    """Also after a kill -9 of the parent nothing goes on behind anybody's back;
    it may have died before this was said.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
