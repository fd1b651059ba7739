"""Commands about diagrams and the cases that run by them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.context import database
from service.cli.database import operator
from service.config import CHECKOUT, Settings

if TYPE_CHECKING:
    from flask import Flask

    from service.models.tables.accounts.user import User
    from service.workflow.versions.deployments import Deployed

EXISTING = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("files", nargs=-1, type=EXISTING)
@click.option("--note", default="", help="What was changed, and why; kept with the version.")
@click.option(
    "--account",
    default="",
    help="Your login on the pages: who must not approve this; default: your name here.",
)
def deploy(files: tuple[Path, ...], note: str, account: str) -> None:
    """Bring the tables up to date and put diagrams in force (FILES or folders).

    Without FILES, as at each start, only what lies in processes/ and was never deployed. A refused file leaves the
    version in force and makes the exit code 1.
    """
    from service.app import create_app
    from service.models.db.time_limits import COMMAND

    with database() as chosen:
        app = create_app(chosen, COMMAND)
        refused = bring_up_to_date(app, chosen, files, note=note[:500], account=account, is_chatty=True)
    sys.exit(1 if refused else 0)


@click.command()
@click.argument("files", nargs=-1, type=EXISTING)
@click.option("--json", "as_json", is_flag=True, help="Write SARIF 2.1.0, as tools of continuous integration read it.")
@click.option("--strict", is_flag=True, help="Count warnings, too: exit code 1 when there is one.")
def check(files: tuple[Path, ...], *, as_json: bool, strict: bool) -> None:
    """Read diagrams (FILES or folders; default: processes/) through the gate, with forms and decisions, and play the
    model tests beside them (tests/KEY.yaml); deploy nothing.

    Exit code 1 when one would be refused, or when nothing was read; warnings count with --strict only, notes never.
    """
    from service.cli.sarif import report
    from service.workflow.processes import rehearsals
    from service.workflow.processes.definitions import check as problems_of

    diagrams = _diagrams(files)
    found = [*problems_of(diagrams), *rehearsals.check(diagrams)]
    problems, warnings = (sum(getattr(issue, which) for issue in found) for which in ("is_refusal", "is_warning"))
    if as_json:
        click.echo(json.dumps(report(found), ensure_ascii=False, indent=1))
    else:
        for issue in found:
            click.echo(f"{issue.text('zh')}\n    {issue.text('en')}")
        notes = len(found) - problems - warnings
        click.echo(f"diagrams: {len(diagrams)} read, {problems} problems, {warnings} warnings, {notes} notes")
    if not diagrams:
        click.echo("没有找到流程图。 No diagram was found.", err=True)
    sys.exit(1 if problems or not diagrams or (strict and warnings) else 0)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
def conformance(folder: Path) -> None:
    """Run the models of DIR, each with a manifest, through the gate and the engine of production."""
    from service.engine.conformance.runner import run

    sys.exit(0 if run(folder, sys.stdout).is_sound else 1)


def bring_up_to_date(
    app: Flask,
    chosen: Settings,
    files: tuple[Path, ...] = (),
    *,
    note: str = "",
    account: str = "",
    is_chatty: bool = False,
) -> int:
    """Tables, reference data, diagrams; says what is new, what was refused, and what is not in force.

    Without files those of ``processes/`` that were never deployed. The number of refused diagrams.
    """
    from service.migrations import upgrade
    from service.workflow.system import reference_data
    from service.workflow.versions.deployments import Author
    from service.workflow.versions.path_deployments import deploy_paths, deploy_proposals

    upgrade(chosen.owner_url, chosen.roles)
    if chosen.roles.app == chosen.roles.owner:
        click.echo(
            f"The role {chosen.roles.app} works on tables that it owns; `anpei database-roles` makes three.", err=True
        )
    with app.app_context():
        reference_data.ensure()
        author = Author("cli" if files else "file", account=operator(), note=note, owner=_owner(account))
        results = (deploy_paths if files else deploy_proposals)(_diagrams(files), author)
        for result in results:
            if said := _outcome(result, is_chatty):
                click.echo(said)
            for problem in (*result.problems, *(result.warnings if is_chatty or result.is_new else ())):
                click.echo(f"{problem.text('zh')}\n    {problem.text('en')}", err=True)
    return sum(result.version is None for result in results)


def _owner(login: str) -> User | None:
    """The account of whoever sits at the command line: as told, else that of the same name as the system's user."""
    from service.models.tables.accounts.user import User

    found = User.by_login(login or operator()["who"])
    if login and found is None:
        raise click.BadParameter(f"没有账号 {login}。 There is no account {login}.", param_hint="--account")
    return found


def _outcome(result: Deployed, is_chatty: bool) -> str:
    """Tell what became of one file; '' where nothing did and nobody asked."""
    if result.version is None:
        return ""
    name, number = result.file, result.version.number
    if result.change is not None:
        whose = "" if result.change.proposer_id else "; it is not known whose account yours is, name it with --account"
        return f"{name}: version {number} waits for the approval of another process administrator{whose}"
    replaces = f"; it replaces version {result.replaced}" if result.replaced else ""
    if result.is_new:
        return f"{name}: version {number} is new{replaces}"
    if result.replaced:
        return f"{name}: version {number} is in force again{replaces}"
    if not result.version.current:
        return (
            f"{name}: is version {number}, which is not in force and stays so;"
            f" to put it in force: anpei deploy processes/{name}"
        )
    return f"{name}: version {number} is in force" if is_chatty else ""


def _diagrams(files: tuple[Path, ...]) -> list[Path]:
    """The diagrams among files and folders, each folder sorted; nothing given means processes/."""
    found = [sorted(file.glob("*.bpmn")) if file.is_dir() else [file] for file in files or (CHECKOUT / "processes",)]
    return [diagram for group in found for diagram in group]


COMMANDS = (deploy, check, conformance)
