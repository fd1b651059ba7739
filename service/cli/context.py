"""What commands work in: the database, and the application on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from service.config import Settings, settings


@contextlib.contextmanager
def database() -> Iterator[Settings]:
    """The settings; when the database is the embedded server, it runs for as long as the block lasts."""
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
    """An application context on the database without bringing its tables up to date."""
    from service.app import create_app

    with database() as chosen, create_app(chosen).app_context():
        yield chosen


@contextlib.contextmanager
def application() -> Iterator[None]:
    """An application context on the database, with tables and reference data in place."""
    from service.app import create_app
    from service.migrations import upgrade
    from service.workflow.system import reference_data

    with database() as chosen, create_app(chosen).app_context():
        upgrade(chosen.database_url)
        reference_data.ensure()
        yield
