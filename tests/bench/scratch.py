"""A database server of the benchmark's own: durable as a real one, beside the service's and the tests', and thrown away."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from service.config import EMBEDDED_ROLES, data_dir, embedded_url, settings
from service.infrastructure.postgres import Server
from service.models.db.time_limits import PAGE, TimeLimits

HOME = data_dir() / "bench"


@contextmanager
def scratch() -> Iterator[Server]:
    """The server, without any database of an earlier run; at the end they go again."""
    with Server(HOME, programs_in=data_dir()).running() as server:
        drop_all(server)
        try:
            yield server
        finally:
            drop_all(server)


def drop_all(server: Server) -> None:
    for (name,) in server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'bench%'"):
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def copy(server: Server, source: str, name: str) -> None:
    """A database that equals ``source`` row for row; nobody may be connected to it."""
    server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')
    server.execute("CHECKPOINT")  # so that the copying is not paid for while something is measured


def application(url: str, limits: TimeLimits = PAGE) -> Flask:
    """The application of this process on a database of the scratch server."""
    os.environ |= environment(url)
    settings.cache_clear()
    from service.app import create_app

    return create_app(limits=limits)


def environment(url: str) -> dict[str, str]:
    """Return the environment of a process that works on a database of the scratch server."""
    database = url.partition("?")[0].rpartition("/")[2]
    return {
        "ANPEI_DATABASE_URL": url,
        "ANPEI_DATABASE_OWNER_URL": embedded_url(HOME, database, EMBEDDED_ROLES.owner),
        "ANPEI_DATABASE_READ_URL": embedded_url(HOME, database, EMBEDDED_ROLES.read),
        "ANPEI_DATA_DIR": str(HOME),
    }
