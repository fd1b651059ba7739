"""Contexts of commands: the database, and the application on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from service.config import Settings, settings
from service.infrastructure.supervisor import Supervisor


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


def keep_database(programs: Supervisor) -> None:
    """Bring the embedded server back when it ends; an external one has its own service manager."""
    from service.infrastructure.postgres import Server

    if settings().is_embedded:
        server = Server(settings().data_dir)
        programs.watch("the database", server.is_ready, server.start)


@contextlib.contextmanager
def application_as_it_is() -> Iterator[Settings]:
    """Yield an application context without bringing the tables up to date; their rights are as they should be."""
    from service.app import create_app
    from service.migrations import grant
    from service.models.db.time_limits import COMMAND

    with database() as chosen, create_app(chosen, COMMAND).app_context():
        grant(chosen.owner_url, chosen.roles)
        yield chosen


@contextlib.contextmanager
def application() -> Iterator[None]:
    """Yield an application context with tables and reference data up to date."""
    from service.app import create_app
    from service.migrations import upgrade
    from service.models.db.time_limits import COMMAND
    from service.workflow.system import reference_data

    with database() as chosen, create_app(chosen, COMMAND).app_context():
        upgrade(chosen.owner_url, chosen.roles)
        reference_data.ensure()
        yield


@contextlib.contextmanager
def reading_application() -> Iterator[Settings]:
    """Yield an application context whose session may only read: nothing inside changes what it looks at."""
    from service.app import create_app
    from service.models.db.time_limits import COMMAND

    with database() as chosen, create_app(replace(chosen, database_url=chosen.read_url), COMMAND).app_context():
        yield chosen
