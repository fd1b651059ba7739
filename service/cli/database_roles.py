"""Command ``database-roles``: the three database roles on another server, by the statements that make our own."""

from __future__ import annotations

import contextlib
import sys
from urllib.parse import unquote

import click

from service.cli.database import split_password
from service.config import DATABASE_VARIABLES, Settings, admin_url, settings


@click.command("database-roles")
@click.option("--sql", is_flag=True, help="Print the statements, for the server's administrator, and run nothing.")
def make_roles(sql: bool) -> None:
    """Make the roles that ANPEI_DATABASE_OWNER_URL, _URL and _READ_URL name on another server than the embedded one,
    with their passwords; give them the database and their rights.

    ANPEI_DATABASE_ADMIN_URL is the same database's address for a superuser.
    """
    chosen = settings()
    if len(set(chosen.roles)) < len(chosen.roles):
        app, owner, read = DATABASE_VARIABLES
        sys.exit(f"anpei: {owner}, {app} and {read} must name three different roles.")
    statements = _statements(chosen)
    if sql:
        click.echo("".join(f"{statement};\n" for statement in statements), nl=False)
        return
    if not chosen.is_embedded:
        _run(statements, chosen)
    from service.cli.context import database
    from service.migrations import grant

    with database():
        grant(chosen.owner_url, chosen.roles)
    click.echo(f"{chosen.roles.owner} owns the tables, {chosen.roles.app} works, {chosen.roles.read} reads.")


def _statements(chosen: Settings) -> list[str]:
    from service.infrastructure.database_roles import database_statements, role_statements, scram_verifier

    addresses = (chosen.owner_url, chosen.database_url, chosen.read_url)
    passwords = {role: split_password(url)[1] for role, url in zip(chosen.roles, addresses, strict=True)}
    for role, password in passwords.items():
        if not password.isascii():
            sys.exit(f"anpei: The password of {role} must be of ASCII signs.")
    verifiers = {role: scram_verifier(password) for role, password in passwords.items() if password}
    return role_statements(chosen.roles, verifiers) + database_statements(_database(chosen), chosen.roles)


def _database(chosen: Settings) -> str:
    return unquote(chosen.database_url.partition("?")[0].rpartition("/")[2])


def _run(statements: list[str], chosen: Settings) -> None:
    """Run them all or none, and refuse roles that could do more than they are meant to."""
    import psycopg2

    from service.infrastructure.database_roles import mighty_roles

    try:
        connection = psycopg2.connect(admin_url().replace("+psycopg2", "", 1), connect_timeout=10)
        with contextlib.closing(connection), connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            if cursor.fetchone() != (_database(chosen),):
                sys.exit(f"anpei: ANPEI_DATABASE_ADMIN_URL must be an address of {_database(chosen)} too.")
            for statement in statements:
                cursor.execute(statement)
            if mighty := mighty_roles(cursor, chosen.roles):
                names = ", ".join(mighty)
                sys.exit(f"anpei: These roles may do more than they should, take it from them first: {names}")
    except psycopg2.Error as refused:
        sys.exit(f"anpei: ANPEI_DATABASE_ADMIN_URL: {str(refused).strip()}\nNothing was changed.")


COMMANDS = (make_roles,)
