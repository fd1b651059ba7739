"""The ``anpei`` command. Each command imports what it needs when it is called, so that all of them start quickly."""

from __future__ import annotations

import sys

import click

from service.cli import backup, database, database_roles, demonstration, processes, proof, serving, version_changes
from service.config import InvalidSetting
from service.errors import AnpeiError, DefinitionRefused


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def anpei() -> None:
    """Anpei 安培: safety-training certification, run by BPMN diagrams."""


for module in (serving, demonstration, processes, version_changes, proof, database, database_roles, backup):
    for command in module.COMMANDS:
        anpei.add_command(command)


def main() -> None:
    """Entry of the console script; an error that the user can correct is one line, without a traceback."""
    from service.infrastructure.postgres import ServerFailed

    try:
        anpei(prog_name="anpei")
    except DefinitionRefused as refused:
        lines = (f"{issue.text('zh')}\n    {issue.text('en')}" for issue in refused.problems)
        sys.exit("\n".join([f"anpei: {refused}", *lines]))
    except (InvalidSetting, ServerFailed, AnpeiError) as problem:
        sys.exit(f"anpei: {problem}")
