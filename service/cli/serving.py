"""Commands that serve: pages, jobs, or all that `make run` shows."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

import click

from service.cli.context import database, keep_database
from service.cli.demonstration import fill_once, welcome
from service.config import settings
from service.infrastructure import systemd
from service.infrastructure.supervisor import Stopped, Supervisor, is_port_free, stoppable


@click.command()
def run() -> None:
    """Bring the database up to date, fill in the demonstration once, serve pages and work jobs (make run)."""
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
        _serve_pages(programs, port)
        click.echo(welcome(port))
        programs.start("worker", sys.executable, "-m", "service.cli", "worker")
        _keep(programs)
    click.echo("Anpei has ended.")


@click.command()
def serve() -> None:
    """Bring the database up to date, then serve the pages and the API on 127.0.0.1 (port: ANPEI_PORT)."""
    with contextlib.suppress(Stopped), stoppable(), database(), Supervisor() as programs:
        _serve_pages(programs, settings().port)
        _keep(programs)


@click.command()
def worker() -> None:
    """Work due timers, automatic steps and effects; any number may run."""
    from service.worker import main

    with database():
        main()


def _serve_pages(programs: Supervisor, port: int) -> None:
    """Start the web server; exit if it does not come up: what is wrong at the start is not mended by another."""
    programs.start("gunicorn", sys.executable, "-m", "gunicorn", "-c", "python:service.cli.gunicorn")
    if not programs.wait_for_port(port):
        sys.exit(f"anpei: nothing answers on port {port}; what is wrong stands above")


def _keep(programs: Supervisor) -> NoReturn:
    """Keep all running, and exit with the reason when something fails too often."""
    keep_database(programs)
    systemd.say_ready()
    sys.exit(f"anpei: {programs.wait(systemd.say_alive)}")


COMMANDS = (run, serve, worker)
