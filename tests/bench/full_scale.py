"""The database with the demonstration at full scale: kept from run to run, for it takes minutes to make."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import structlog
from flask import Flask

from service.config import CHECKOUT, data_dir, settings
from service.infrastructure.postgres import Server

HOME = Path(os.environ.get("ANPEI_BENCH_DIR") or data_dir() / "full")
"""``ANPEI_BENCH_DIR`` names another data folder, one that ``anpei demo --scale full`` has filled already."""


@contextmanager
def full_scale() -> Iterator[Flask]:
    """The application of this process on the full data, which are made first where they are missing."""
    with Server(HOME).running() as server:
        if not _is_filled(server):
            _fill()
        os.environ |= {"ANPEI_DATA_DIR": str(HOME), "ANPEI_DATABASE_URL": server.url()}
        settings.cache_clear()
        from service.app import create_app
        from service.migrations import upgrade

        upgrade(server.url())
        app = create_app()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        app.config |= {"TESTING": True, "WTF_CSRF_ENABLED": False}
        yield app


def _is_filled(server: Server) -> bool:
    try:
        return bool(server.execute("SELECT 1 FROM audit_event WHERE action = 'demonstration filled'", "anpei"))
    except psycopg2.Error:
        return False


def _fill() -> None:
    """What a filling that was broken off left is taken away first."""
    print(f"  making the full data in {HOME}: some minutes, once", flush=True)
    environment = {key: value for key, value in os.environ.items() if key != "ANPEI_DATABASE_URL"}
    command = [sys.executable, "-m", "service.cli", "demo", "--scale", "full"]
    subprocess.run(command, cwd=CHECKOUT, env=environment | {"ANPEI_DATA_DIR": str(HOME)}, check=True)
