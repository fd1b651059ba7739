"""Commands about the database and its accounts."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
from functools import partial
from gettext import translation
from urllib.parse import unquote

import click

from service.cli.context import application, database
from service.config import CHECKOUT, Settings
from service.infrastructure.supervisor import die_with

ADMINISTRATORS = ("sys_admin", "security_admin", "audit_admin", "process_admin")  # separated powers (R1)


@click.command("create-admin")
@click.argument("login")
@click.option("--name", default="系统管理员", help="The name shown to others.")
@click.option("--role", type=click.Choice(ADMINISTRATORS), default=ADMINISTRATORS[0], show_default=True)
def create_admin(login: str, name: str, role: str) -> None:
    """Create the account of an administrator; its first password is printed once and changed at the first sign-in."""
    from service.models.tables.units.organisation import authority_id
    from service.workflow.accounts.administration import create_user

    with application():
        organisation = authority_id("platform")
        _user, password = create_user(None, login=login, display_name=name, role=role, organisation_id=organisation)
    click.echo(f"{login}: first password {password}")


@click.command()
@click.argument("login")
def unlock(login: str) -> None:
    """Unlock an account that failed sign-ins have locked, before its half hour is over."""
    from service.workflow.accounts.console import unlock_account

    with application():
        unlock_account(login, operator())
    click.echo(f"{login}: unlocked")


@click.command("reset-password")
@click.argument("login")
def reset_password(login: str) -> None:
    """Give an account a new first password, printed once: the way back in for the last administrator."""
    from service.workflow.accounts.console import reset_account

    with application():
        password = reset_account(login, operator())
    click.echo(f"{login}: first password {password}")


@click.command("check-data")
@click.argument("checks", nargs=-1)
def check_data(checks: tuple[str, ...]) -> None:
    """Compare the columns that follow from others with a fresh computation (CHECKS: some of them; default: all).

    Prints what differs, by table, key and column, without names and numbers; exit code 1 when anything does.
    """
    from service.workflow.system.data_check import CHECKS, differences

    if unknown := sorted(set(checks) - set(CHECKS)):
        raise click.BadParameter(f"{', '.join(unknown)}: one of {', '.join(CHECKS)}")
    english = translation("messages", CHECKOUT / "service" / "translations", ["en"], fallback=True)
    rows, wrong = dict.fromkeys(checks or CHECKS, 0), dict.fromkeys(checks or CHECKS, 0)
    with application():
        for name, found in differences(list(checks)):
            rows[name] += 1
            if found is not None:
                wrong[name] += 1
                values = "" if name == "names" else f": {found.stored!s} ≠ {found.computed!s}"  # they would name people
                click.echo(f"{found.table} {found.key} {found.column}{values}")
    for name in rows:
        label = CHECKS[name][0]
        click.echo(f"{name}: {label}：核对 {rows[name]} 行，{wrong[name]} 处不符。")
        click.echo(f"    {english.gettext(label)}: {rows[name]} rows compared, {wrong[name]} differences.")
    sys.exit(1 if any(wrong.values()) else 0)


@click.command()
@click.option("--role", type=click.Choice(["read", "app", "owner"]), default="read", show_default=True)
def db(role: str) -> None:
    """A psql prompt on the database, which can only read unless another role is chosen."""
    with database() as chosen:
        url = {"read": chosen.read_url, "app": chosen.database_url, "owner": chosen.owner_url}[role]
        call(chosen, url, "psql", libpq(url))


def operator() -> dict[str, str]:
    """Return the operating system's user and the machine, as the audit trail records them."""
    return {"who": pwd.getpwuid(os.geteuid()).pw_name, "host": socket.gethostname()}


def program(chosen: Settings, name: str) -> str:
    """Return the wheel's program for the embedded server, the machine's own for another server."""
    from service.infrastructure.postgres import Server

    return Server(chosen.data_dir).program(name) if chosen.is_embedded else name


def libpq(url: str) -> str:
    """Return an address for PostgreSQL's programs without the password, because other users can read arguments."""
    return split_password(url)[0]


def environment(url: str) -> dict[str, str]:
    """Return the environment of PostgreSQL's programs, with the password, which arguments would show to other users."""
    password = split_password(url)[1]
    return {**os.environ, "PGPASSWORD": password} if password else dict(os.environ)


def split_password(url: str) -> tuple[str, str]:
    """Split the address from its password, which is before the host or among the options."""
    rest, _, query = url.removeprefix("postgresql+psycopg2://").partition("?")
    authority, slash, path = rest.partition("/")
    account, at, host = authority.rpartition("@")
    user, _, password = account.partition(":")
    options = [option.partition("=") for option in query.split("&")]
    given = [value for name, _, value in options if name == "password"]
    others = "&".join("".join(option) for option in options if option[0] != "password")
    address = f"postgresql://{user}{at}{host}{slash}{path}{'?' if others else ''}{others}"
    return address, unquote([password, *given][-1])


def call(chosen: Settings, url: str, name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL with the password of an address; when it fails, exit with its code."""
    with_us = partial(die_with, os.getpid())  # killed, we leave nobody behind
    command = [program(chosen, name), *arguments]
    if code := subprocess.call(command, env=environment(url), preexec_fn=with_us):  # noqa: S603 - its own programs
        sys.exit(code)


COMMANDS = (create_admin, unlock, reset_password, check_data, db)
