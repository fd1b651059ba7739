"""Starts programs, brings back those that end by themselves, and ends all when told to. Knows nothing of Anpei."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import FrameType

STOP_SECONDS = 15
TURN_SECONDS = 0.3
PR_SET_PDEATHSIG = 1  # linux/prctl.h


_stops: list[int] = []
"""The signals by which this process was asked to end."""


class Stopped(BaseException):
    """Somebody asked this process to end (Ctrl-C, SIGTERM, a closed terminal)."""


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Inside the block a request to end raises ``Stopped`` once; later ones wait for the cleaning up."""
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(_number: int, _frame: FrameType | None) -> None:
        _stops.append(_number)
        for number in asked:
            signal.signal(number, _hear_no_more)  # not SIG_IGN, which programs started from now on would inherit
        raise Stopped

    before = {number: signal.signal(number, stop) for number in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _stops.clear()


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Limit of failures before something is given up: ``most`` times within ``window`` seconds.

    The first restart waits ``first`` seconds, each further one within the window twice as long, ``longest`` at most.
    """

    most: int = 6
    window: float = 300
    first: float = 1
    longest: float = 30

    def delay(self, failures: Sequence[float], now: float) -> float | None:
        """Seconds until the restart after these failures, the last one included; None when there were too many."""
        recent = [at for at in failures if at > now - self.window]
        return None if len(recent) > self.most else min(self.longest, self.first * 2 ** (len(recent) - 1))


class Supervised:
    """Something that has to live: how to tell that it does not, and how to bring it back."""

    def __init__(self, name: str, fault: Callable[[], str | None], repair: Callable[[], object], every: float) -> None:
        self.name = name
        self.fault = fault
        self.repair = repair
        self.every = every
        self.failures: list[float] = []
        self.looked_at = 0.0
        self.due: float | None = None  # of the restart


class Supervisor:
    """Brings back what ends by itself, later and later, until it fails too often. Use as a context: at its end all
    programs are ended.
    """

    def __init__(self, restarts: RestartPolicy = RestartPolicy()) -> None:
        self._restarts = restarts
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._supervised: list[Supervised] = []

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
        """Start a program outside the terminal's group, so that Ctrl-C reaches it in order; it dies with this process.

        It is started again when it ends.
        """

        def launch() -> None:
            self._programs[name] = subprocess.Popen(  # noqa: S603 - programs of Anpei alone
                command, start_new_session=True, preexec_fn=partial(die_with, os.getpid()), stdin=subprocess.DEVNULL
            )
            if _stops:  # what a signal raises while Python forks is written to stderr and forgotten
                raise Stopped

        launch()
        self._supervised.append(Supervised(name, lambda: self._end_of(name), launch, every=0))

    def watch(self, name: str, is_alive: Callable[[], bool], repair: Callable[[], object], every: float = 2) -> None:
        """Bring back what is no program of ours, a server for instance, asked each so many seconds if it lives.

        ``repair`` may raise: then that failed too.
        """
        self._supervised.append(Supervised(name, lambda: None if is_alive() else "does not answer", repair, every))

    def wait_for_port(self, port: int, seconds: float = 60) -> bool:
        """Tell whether something answers on the local port before a program ends or ``seconds`` are over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not any(map(self._end_of, self._programs)):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
            time.sleep(0.05)
        return False

    def wait(self, turn: Callable[[], None] = lambda: None) -> str:
        """Bring back what ends until something fails too often: its name and how it ended. turn: called each time."""
        while True:
            for one in self._supervised:
                if said := self._look_after(one):
                    return said
            turn()
            time.sleep(TURN_SECONDS)

    def _look_after(self, one: Supervised) -> str | None:
        now = time.monotonic()
        if one.due is None:
            if now < one.looked_at + one.every:
                return None
            one.looked_at = now
            return self._note(one, fault, now) if (fault := one.fault()) else None
        if now < one.due:
            return None
        one.due = None
        try:
            one.repair()
        except Exception as error:
            return self._note(one, str(error) or type(error).__name__, now)
        _say(f"{one.name} was started again")
        return None

    def _note(self, one: Supervised, fault: str, now: float) -> str | None:
        """Plan the restart of what failed; the reason when it is given up."""
        one.failures = [*(at for at in one.failures if at > now - self._restarts.window), now]
        delay = self._restarts.delay(one.failures, now)
        if delay is None:
            return f"{one.name} {fault}; it failed {len(one.failures)} times in {self._restarts.window:.0f} seconds"
        one.due = now + delay
        _say(f"{one.name} {fault}; it is started again in {delay:.0f} s")
        return None

    def _end_of(self, name: str) -> str | None:
        code = self._programs[name].poll()
        return None if code is None else f"ended with code {code}"


def is_port_free(port: int) -> bool:
    """Tell whether a server can listen on the local port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _say(text: str) -> None:
    print(f"anpei: {text}", file=sys.stderr, flush=True)


def _hear_no_more(_number: int, _frame: FrameType | None) -> None:
    """The cleaning up is under way already."""


def die_with(parent: int) -> None:
    """Also after a kill -9 of the parent nothing goes on behind anybody's back;
    it may have died before this was said.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
