"""A small siege of the real server: users are served, and no process grows beyond 400 MB.

``make bench`` measures the whole one.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask import Flask

from service.config import demo_password
from service.infrastructure.postgres import Server
from tests.builders.siege import PAGES, Client, Memory, besieged, visit
from tests.builders.web_server import serving
from tests.database import addresses

LARGEST_MB = 400


@pytest.mark.usefixtures("demonstration")
def test_while_slow_clients_costly_files_and_guessers_come_at_once_a_user_is_served(
    app: Flask, server: Server, tmp_path: Path
) -> None:
    settings = addresses(server, f"test_{os.getpid()}")
    with serving(settings, tmp_path / "web.log") as (port, process), Memory(process.pid) as memory:
        user = Client(port).sign_in("enterprise-1", demo_password())
        with besieged(port, "enterprise-2", demo_password(), slow=30, guessers=6) as answers:
            visit(user, PAGES, 3)
    assert set(answers) <= {f"{kind} {status}" for kind in ("form", "basic") for status in (401, 429)} | {
        "sheet 422",
        "picture 422",
    }
    assert {name.split()[0] for name in answers} == {"form", "basic", "sheet", "picture"}
    assert max(memory.most.values()) < LARGEST_MB
    assert memory.most.keys() >= {"web", "decoder"}
