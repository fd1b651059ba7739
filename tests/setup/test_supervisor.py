"""Programs that end are started again, and all end together, whatever ends them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.config import CHECKOUT
from service.infrastructure.supervisor import (
    RestartPolicy,
    Stopped,
    Supervisor,
    is_port_free,
    stoppable,
)

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
SUPERVISED = """
import sys
from service.infrastructure.supervisor import Supervisor
with Supervisor() as programs:
    programs.start("sleeper", sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    programs.wait()
"""


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_one_that_ends_is_started_again_and_then_given_up_and_the_others_are_ended() -> None:
    with Supervisor(RestartPolicy(most=2, first=0.01, window=60)) as programs:
        programs.start("sleeper", *SLEEP)
        programs.start("short", sys.executable, "-c", "raise SystemExit(3)")
        assert programs.wait() == "short ended with code 3; it failed 3 times in 60 seconds"
        sleeper = programs._programs["sleeper"]
    assert sleeper.returncode == -signal.SIGTERM


def test_what_is_watched_is_brought_back_and_a_repair_may_fail() -> None:
    seen: list[str] = []

    def repair() -> None:
        seen.append("repair")
        if len(seen) < 3:
            raise RuntimeError("not yet")

    with Supervisor(RestartPolicy(first=0.01)) as programs:
        programs.watch("it", lambda: len(seen) > 2, repair, every=0)
        programs.start("short", sys.executable, "-c", "import time; time.sleep(3); raise SystemExit(3)")
        programs._restarts = RestartPolicy(most=4, first=0.01)
        assert programs.wait().startswith("short ended with code 3")
    assert seen == ["repair"] * 3


@pytest.mark.parametrize(
    ("failures", "expected"),
    [([0], 1), ([0, 5], 2), ([0, 5, 9], 4), ([0, 1, 2, 3, 4, 5], 30), ([0, 1, 2, 3, 4, 5, 6], None), ([-400, 9], 1)],
)
def test_each_restart_within_the_window_waits_longer(failures: list[float], expected: float | None) -> None:
    assert RestartPolicy().delay(failures, 10) == expected


def test_a_killed_supervisor_takes_its_programs_along() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISED], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline())
        supervisor.kill()
    deadline = time.monotonic() + 5
    while lives(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not lives(child)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_way_of_asking_ends_the_block_and_later_ones_do_not_disturb(number: signal.Signals) -> None:
    cleaned = False
    with pytest.raises(Stopped), stoppable():  # noqa: PT012 - the cleaning up is what is tested
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
            cleaned = True
    assert cleaned


def test_a_port_in_use_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not is_port_free(port)
    assert is_port_free(port)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_request_that_comes_while_a_program_is_forked_is_heard() -> None:
    asked: list[int] = []

    def ask() -> None:
        if not asked:
            asked.append(1)
            os.kill(os.getpid(), signal.SIGTERM)

    os.register_at_fork(after_in_parent=ask)  # Python forgets what is raised in here
    with pytest.raises(Stopped), stoppable(), Supervisor() as programs:  # noqa: PT012 - either may raise
        programs.start("sleeper", *SLEEP)
        pytest.fail("it went on")
