"""What `make run` starts, as a person meets it: up, ended, killed, started again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from service.config import CHECKOUT, embedded_url
from service.infrastructure.postgres import Server
from service.infrastructure.supervisor import is_port_free
from tests.builders.ledger import WAY, Ledger

PATIENCE = 60
PARTS = {"web": b"gunicorn", "gunicorn": b"gunicorn", "worker": b"worker", "database": b""}
"""What is started again, and how its command is known; web: one of gunicorn's processes."""


class Anpei:
    """``anpei run`` on a data folder of its own, whose demonstration counts as seen to."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (home / "demonstration").write_text(hashlib.sha256(embedded_url(home).encode()).hexdigest())
        self.database = Server(home)

    def environment(self) -> dict[str, str]:
        """The environment of its programs."""
        chosen = {
            "ANPEI_DATA_DIR": str(self.home),
            "ANPEI_PORT": str(self.port),
            "ANPEI_DEMO_PASSWORD": "Shown-At-Start-1",
        }
        return {name: value for name, value in os.environ.items() if not name.startswith("ANPEI_")} | chosen

    @contextlib.contextmanager
    def start(self) -> Iterator[subprocess.Popen[str]]:
        """The running program; a test that fails inside ends it."""
        command = [sys.executable, "-m", "service.cli", "run"]
        with subprocess.Popen(
            command, cwd=CHECKOUT, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as program:
            try:
                yield program
            finally:
                program.terminate()

    def wait_until_up(self, program: subprocess.Popen[str]) -> str:
        """What it said until it told how it ends."""
        assert program.stdout is not None
        said = ""
        for line in program.stdout:
            said += line
            if "Ctrl-C" in line:
                return said
        pytest.fail(f"anpei run ended:\n{said}")

    def pid_of(self, name: str, program: subprocess.Popen[str]) -> int:
        """The process with this name that serves now; 0 while there is none."""
        if name == "database":
            file = self.home / "postgres" / "postmaster.pid"
            return int(file.read_text().split()[0]) if file.exists() else 0
        parent = self.pid_of("gunicorn", program) if name == "web" else program.pid
        if not parent:
            return 0
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            with contextlib.suppress(OSError):
                if PARTS[name] in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return int(pid)
        return 0

    def is_back(self, name: str, program: subprocess.Popen[str], killed: int) -> bool:
        """Whether, before patience ends, another process has the place of the killed one and pages are ready."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(requests.RequestException):
                ready = requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=30).status_code == 200
                if ready and self.pid_of(name, program) not in (0, killed):
                    return True
            time.sleep(0.1)
        return False

    def is_gone(self) -> bool:
        """Whether, before patience ends, neither server answers any more."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if is_port_free(self.port) and not self.database.is_ready():
                return True
            time.sleep(0.05)
        return False


@pytest.fixture
def anpei() -> Iterator[Anpei]:
    home = Path(tempfile.mkdtemp(prefix="anpei run "))
    home.chmod(0o755)
    yield Anpei(home)
    shutil.rmtree(home)


def test_it_starts_shows_the_way_in_ends_wholly_and_starts_again(anpei: Anpei) -> None:
    with anpei.start() as program:
        said = anpei.wait_until_up(program)
        assert f"http://127.0.0.1:{anpei.port}" in said
        assert "Shown-At-Start-1" in said
        assert requests.get(f"http://127.0.0.1:{anpei.port}/readyz", timeout=30).status_code == 200
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=PATIENCE)
        assert program.returncode == 0
    assert anpei.is_gone()
    with anpei.start() as program:
        anpei.wait_until_up(program)
        program.terminate()
        program.communicate(timeout=PATIENCE)
    assert anpei.is_gone()


def test_killed_it_leaves_nothing_running_and_starts_again(anpei: Anpei) -> None:
    with anpei.start() as program:
        anpei.wait_until_up(program)
        program.kill()
        program.communicate(timeout=PATIENCE)
    assert anpei.is_gone()
    with anpei.start() as program:
        anpei.wait_until_up(program)
        program.terminate()
        program.communicate(timeout=PATIENCE)
    assert anpei.is_gone()


def test_whatever_is_killed_is_started_again_and_nothing_acknowledged_is_lost(anpei: Anpei) -> None:
    """Issue 15 (1): each part, one after the other, under load; an outside ledger knows what was acknowledged."""
    with anpei.start() as program:
        anpei.wait_until_up(program)
        subprocess.run(
            [sys.executable, "-m", "tests.builders.ledger"], cwd=CHECKOUT, env=anpei.environment(), check=True
        )
        with Ledger(anpei.port) as ledger:
            for name in PARTS:
                until(lambda done=len(ledger.completed): len(ledger.completed) > done + 2)
                killed = anpei.pid_of(name, program)
                os.kill(killed, signal.SIGKILL)
                assert anpei.is_back(name, program, killed), name
            until(lambda done=len(ledger.completed): len(ledger.completed) > done + 2)
        until(lambda: not ledger.differences(anpei.database.execute))
        program.terminate()
        said, _ = program.communicate(timeout=PATIENCE)
    assert ledger.mute == []
    assert program.returncode == 0
    assert "worker ended with code -9; it is started again in 1 s" in said
    assert "Traceback" not in said
    assert anpei.is_gone()


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ([("a", WAY)], []),
        ([], ["lost: a"]),
        ([("a", WAY[:1])], ["completion lost: a"]),
        ([("a", WAY[:2])], ["no timer: a"]),
        ([("a", WAY), ("a", WAY[:1])], ["doubled: a"]),
        ([("a", [*WAY[:2], *WAY[1:]])], ["doubled: a"]),
        ([("a", WAY), ("b", WAY)], ["nobody asked: b"]),
    ],
)
def test_the_ledger_tells_what_is_lost_or_doubled(held: list[tuple[str, list[str]]], told: list[str]) -> None:
    ledger = Ledger(0)
    ledger.asked, ledger.begun, ledger.completed = ["a"], {"a"}, {"a"}
    assert ledger.differences(lambda _statement, _database: held) == told


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds; fail when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_port_in_use_is_told_before_anything_is_started(anpei: Anpei) -> None:
    with socket.create_server(("127.0.0.1", anpei.port)), anpei.start() as program:
        said, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    assert f"Port {anpei.port} is in use" in said
    assert f"ANPEI_PORT={anpei.port + 1}" in said
    assert not (anpei.home / "postgres").exists()
