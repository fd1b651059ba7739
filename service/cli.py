"""The ``anpei`` command. Each command imports what it needs when it is called, so that all of them start quickly."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import click

from service.config import CHECKOUT, InvalidSetting, Settings, demo_password, settings
from service.errors import AnpeiError

ADMINISTRATORS = ("sys_admin", "security_admin", "audit_admin", "process_admin")  # separated powers (R1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def anpei() -> None:
    """Anpei 安培: safety-training certification, run by BPMN diagrams."""


def main() -> None:
    """Entry of the console script; what a person can mend is told in a line, without a traceback."""
    from service.postgres import ServerFailed

    try:
        anpei(prog_name="anpei")
    except (InvalidSetting, ServerFailed, AnpeiError) as problem:
        sys.exit(f"anpei: {problem}")


@anpei.command()
def run() -> None:
    """Bring the database up to date, fill in the demonstration, serve pages and work jobs (make run)."""
    from service.supervisor import Stopped, Supervisor, is_port_free, stoppable

    port = settings().port
    if not is_port_free(port):
        sys.exit(
            f"Port {port} is in use: by Anpei already running, or by another program. Another port: make run ANPEI_PORT={port + 1}"
        )
    with contextlib.suppress(Stopped), stoppable(), _database() as chosen:
        _deploy(chosen, _diagrams(()), is_chatty=False)
        with Supervisor() as programs:
            programs.start("gunicorn", *_gunicorn())
            programs.start("worker", sys.executable, "-m", "service.cli", "worker")
            if programs.wait_for_port(port):
                click.echo(_welcome(port))
            _end(programs.wait())
    click.echo("Anpei has ended.")


@anpei.command()
def serve() -> None:
    """Serve the pages and the API on 127.0.0.1 (port: ANPEI_PORT)."""
    from service.supervisor import Stopped, Supervisor, stoppable

    with contextlib.suppress(Stopped), stoppable(), _database(), Supervisor() as programs:
        programs.start("gunicorn", *_gunicorn())
        _end(programs.wait())


@anpei.command()
def worker() -> None:
    """Work due timers, automatic steps and effects; any number may run."""
    from service import worker as module

    with _database():
        module.main()


@anpei.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
def deploy(files: tuple[Path, ...]) -> None:
    """Bring the tables up to date and deploy diagrams (FILES or folders; default: processes/).

    A refused file leaves the version in force and makes the exit code 1.
    """
    with _database() as chosen:
        refused = _deploy(chosen, _diagrams(files), is_chatty=True)
    sys.exit(1 if refused else 0)


@anpei.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Read diagrams (FILES or folders; default: processes/) through the gate, with forms and decisions; deploy nothing."""
    from service.workflow.processes import check as problems_of

    diagrams = _diagrams(files)
    problems = problems_of(diagrams)
    for problem in problems:
        click.echo(f"{problem.text('zh')}\n    {problem.text('en')}")
    click.echo(f"diagrams: {len(diagrams)} read, {len(problems)} problems")
    sys.exit(1 if problems else 0)


@anpei.command()
@click.argument("cases", nargs=-1, type=click.UUID)
def verify(cases: tuple[UUID, ...]) -> None:
    """Re-execute CASES (default: all) from their journals with the plain library; exit code 1 when anything differs."""
    from service.workflow.history import verify as differences_of

    with _application():
        differences = list(differences_of(cases or None))
    for difference in differences:
        click.echo(f"{difference.case_id}: {difference.what}: {difference.detail}")
    click.echo(f"verify: {len(differences)} differences")
    sys.exit(1 if differences else 0)


@anpei.command("create-admin")
@click.argument("login")
@click.option("--name", default="系统管理员", help="The name shown to others.")
@click.option("--role", type=click.Choice(ADMINISTRATORS), default=ADMINISTRATORS[0], show_default=True)
def create_admin(login: str, name: str, role: str) -> None:
    """Make the account of an administrator; its first password is printed once and changed at the first sign-in."""
    from service.models import authority_id
    from service.workflow.accounts import create_user

    with _application():
        _user, password = create_user(
            None, login=login, display_name=name, role=role, organisation_id=authority_id("platform")
        )
    click.echo(f"{login}: first password {password}")


@anpei.command()
def db() -> None:
    """A psql prompt on the database."""
    from service.postgres import Server

    with _database() as chosen:
        program = Server(chosen.data_dir).program("psql") if chosen.is_embedded else "psql"
        _call(program, _libpq(chosen))


@anpei.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write the whole database to FILE. The keys (ANPEI_KEYS) are not in it: keep them apart."""
    with _database() as chosen:
        _call(
            _program(chosen, "pg_dump"), "--format=custom", "--no-owner", f"--file={file}", f"--dbname={_libpq(chosen)}"
        )
    click.echo(
        f"{file}: {file.stat().st_size:,} bytes. Personal data in it can be read only with the keys; keep those apart."
    )


@anpei.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask whether the present data may go.")
def restore(file: Path, yes: bool) -> None:
    """Put the database back as FILE holds it: all at once, or not at all."""
    if not yes:
        click.confirm("Everything that is in the database now will be replaced. Go on?", abort=True)
    with _database() as chosen:
        replace = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
        _call(_program(chosen, "pg_restore"), *replace, f"--dbname={_libpq(chosen)}", str(file))


@contextlib.contextmanager
def _database() -> Iterator[Settings]:
    """The settings; when the database is the embedded server, it runs for as long as the block lasts."""
    from service.postgres import Server

    chosen = settings()
    if not chosen.is_embedded:
        yield chosen
        return
    with Server(chosen.data_dir).running() as server:
        server.create_database("anpei")
        yield chosen


@contextlib.contextmanager
def _application() -> Iterator[None]:
    """An application context on the database."""
    from service.app import create_app

    with _database(), create_app().app_context():
        yield


def _diagrams(files: tuple[Path, ...]) -> list[Path]:
    """The diagrams among files and folders, each folder sorted; nothing given means processes/."""
    found = [sorted(file.glob("*.bpmn")) if file.is_dir() else [file] for file in files or (CHECKOUT / "processes",)]
    return [diagram for group in found for diagram in group]


def _deploy(chosen: Settings, diagrams: list[Path], *, is_chatty: bool) -> int:
    """Migrate, deploy, say what changed and what was refused; the number of refused diagrams."""
    from service.app import create_app
    from service.migrations import upgrade
    from service.workflow import reference
    from service.workflow.processes import deploy_paths

    upgrade(chosen.database_url)
    with create_app(chosen).app_context():
        reference.ensure()
        results = deploy_paths(diagrams)
        for result in results:
            if result.version and (is_chatty or result.is_new):
                click.echo(
                    f"{result.file}: version {result.version.number} {'is new' if result.is_new else 'is in force'}"
                )
            for problem in result.problems:
                click.echo(f"{problem.text('zh')}\n    {problem.text('en')}", err=True)
    return sum(result.version is None for result in results)


def _gunicorn() -> tuple[str, ...]:
    return (sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn")


def _end(how: str) -> NoReturn:
    """A program ended that should not have: its own words stand above."""
    sys.exit(f"anpei: {how}")


def _program(chosen: Settings, name: str) -> str:
    """The wheel's program for the embedded server; the machine's own for another, whose version it fits."""
    from service.postgres import Server

    return Server(chosen.data_dir).program(name) if chosen.is_embedded else name


def _libpq(chosen: Settings) -> str:
    return chosen.database_url.replace("postgresql+psycopg2://", "postgresql://", 1)


def _call(*command: str) -> None:
    import subprocess

    done = subprocess.run(command, check=False)  # noqa: S603 - PostgreSQL's own programs
    if done.returncode:
        sys.exit(done.returncode)


def _welcome(port: int) -> str:
    return f"http://127.0.0.1:{port} {demo_password()} "


if __name__ == "__main__":
    main()
