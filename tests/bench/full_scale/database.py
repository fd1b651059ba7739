"""Database with the full-scale data: kept from run to run, because it takes minutes to fill."""

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

from service.config import CHECKOUT, DATABASE_VARIABLES, data_dir, settings
from service.infrastructure.postgres import Server

HOME = Path(os.environ.get("ANPEI_BENCH_DIR") or data_dir() / "full")
"""``ANPEI_BENCH_DIR`` names another data folder, one that ``make full-demo`` has filled already."""


@contextmanager
def full_scale() -> Iterator[Flask]:
    """Yield the application of this process on the full-scale data, which are made first where they are missing."""
    with Server(HOME).running() as server:
        if not _is_filled(server):
            _fill()
        server.create_database("anpei")  # filled by an earlier version it is handed over
        os.environ["ANPEI_DATA_DIR"] = str(HOME)
        for name in DATABASE_VARIABLES:
            os.environ.pop(name, None)
        settings.cache_clear()
        from service.app import create_app
        from service.migrations import upgrade

        upgrade(settings().owner_url, settings().roles)
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
    """Fill the database in a process of its own, which empties it first if a filling was interrupted."""
    print(f"  making the full-scale data in {HOME}: some minutes, once", flush=True)
    environment = {key: value for key, value in os.environ.items() if key not in DATABASE_VARIABLES}
    command = [sys.executable, "-m", "tests.bench.full_scale"]
    subprocess.run(command, cwd=CHECKOUT, env=environment | {"ANPEI_DATA_DIR": str(HOME)}, check=True)
