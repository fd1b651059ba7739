"""Commands that serve: pages, jobs, or all that `make run` shows."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

import click

from service.cli.context import database
from service.cli.demonstration import fill_once, welcome
from service.config import settings


@click.command()
def run() -> None:
    """Bring the database up to date, fill in the demonstration once, serve pages and work jobs (make run)."""
    from service.infrastructure.supervisor import (
        Stopped,
        Supervisor,
        is_port_free,
        stoppable,
    )

    port = settings().port
    if not settings().address:  # the demonstration is reached where it runs; a real service says its own address
        os.environ["ANPEI_ADDRESS"] = f"http://127.0.0.1:{port}"
        settings.cache_clear()
    if not is_port_free(port):
        sys.exit(
            f"Port {port} is in use: by Anpei already running, or by another program."
            f" Another port: make run ANPEI_PORT={port + 1}"
        )
    with contextlib.suppress(Stopped), stoppable(), database() as chosen, Supervisor() as programs:
        fill_once(chosen)
        programs.start("gunicorn", *_gunicorn())
        if programs.wait_for_port(port):
            click.echo(welcome(port))
            programs.start("worker", sys.executable, "-m", "service.cli", "worker")
        _end(programs.wait())
    click.echo("Anpei has ended.")


@click.command()
def serve() -> None:
    """Bring the database up to date, then serve the pages and the API on 127.0.0.1 (port: ANPEI_PORT)."""
    from service.infrastructure.supervisor import Stopped, Supervisor, stoppable

    with contextlib.suppress(Stopped), stoppable(), database(), Supervisor() as programs:
        programs.start("gunicorn", *_gunicorn())
        _end(programs.wait())


@click.command()
def worker() -> None:
    """Work due timers, automatic steps and effects; any number may run."""
    from service.worker import main

    with database():
        main()


def _gunicorn() -> tuple[str, ...]:
    return (sys.executable, "-m", "gunicorn", "-c", "python:service.cli.gunicorn")


def _end(how: str) -> NoReturn:
    """Exit because a program ended that should run; its own message precedes."""
    sys.exit(f"anpei: {how}")


COMMANDS = (run, serve, worker)
