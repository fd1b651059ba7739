"""Contexts of commands: the database, and the application on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from service.config import Settings, settings


@contextlib.contextmanager
def database() -> Iterator[Settings]:
    """Yield the settings; the embedded server, if it is the database, runs for the length of the block."""
    from service.infrastructure.postgres import Server, check_reachable

    chosen = settings()
    if not chosen.is_embedded:
        check_reachable(chosen.database_url)
        yield chosen
        return
    with Server(chosen.data_dir).running() as server:
        server.create_database("anpei")
        yield chosen


@contextlib.contextmanager
def application_as_it_is() -> Iterator[Settings]:
    """Yield an application context without bringing the tables up to date."""
    from service.app import create_app

    with database() as chosen, create_app(chosen).app_context():
        yield chosen


@contextlib.contextmanager
def application() -> Iterator[None]:
    """Yield an application context with tables and reference data up to date."""
    from service.app import create_app
    from service.migrations import upgrade
    from service.workflow.system import reference_data

    with database() as chosen, create_app(chosen).app_context():
        upgrade(chosen.database_url)
        reference_data.ensure()
        yield
