"""Programs live and die together, whatever ends them."""

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


def test_one_that_ends_is_named_and_the_others_are_ended() -> None:
    with Supervisor() as programs:
        programs.start("sleeper", *SLEEP)
        programs.start("short", sys.executable, "-c", "raise SystemExit(3)")
        assert programs.wait() == "short ended with code 3"
        sleeper = programs._programs["sleeper"]
    assert sleeper.returncode == -signal.SIGTERM


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
