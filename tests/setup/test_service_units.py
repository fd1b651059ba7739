"""The units for systemd: what they start is there, and it tells the service manager how it is."""

from __future__ import annotations

import socket
from configparser import ConfigParser
from pathlib import Path

import pytest

from service.cli import anpei
from service.config import CHECKOUT
from service.infrastructure import systemd

UNITS = sorted((CHECKOUT / "deploy" / "systemd").glob("*.service"))


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_a_unit_starts_a_command_of_ours_again_and_watches_it(file: Path) -> None:
    unit = ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(file.read_text())
    service = unit["Service"]
    program, name = service["ExecStart"].split()
    assert program.endswith("/.venv/bin/anpei")
    assert name in anpei.commands
    assert (service["Type"], service["Restart"]) == ("notify", "on-failure")
    assert service["WatchdogSec"]


def test_there_is_a_unit_for_each_service() -> None:
    assert [file.stem for file in UNITS] == ["anpei-serve", "anpei-worker"]


def test_it_says_that_it_is_ready_and_twice_within_the_limit_that_it_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "4000000")
        instants = iter([100.0, 101.0, 101.9, 102.1, 102.1])
        monkeypatch.setattr(systemd.time, "monotonic", lambda: next(instants))
        monkeypatch.setattr(systemd, "_said", [0.0])
        systemd.say_ready()
        for _ in range(3):
            systemd.say_alive()
        assert [manager.recv(100) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]


def test_nothing_is_said_where_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    systemd.say_ready()
    systemd.say_alive()
