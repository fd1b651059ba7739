"""Commands of proof: seals of the log, and evidence for auditors."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from service.cli.context import application, application_as_it_is, reading_application
from service.cli.database import operator
from service.config import settings

if TYPE_CHECKING:
    from flask import Flask

    from service.workflow.system.proof import Report


@click.command()
@click.option("--keys", is_flag=True, help="Print the public keys, oldest first, and seal nothing.")
@click.option("--new-key", is_flag=True, help="Make a new key first: it signs from now on beside the one before.")
def seal(keys: bool, new_key: bool) -> None:
    """Seal what was written since the last seal, as the worker does each half minute, and print the head of the log."""
    from service.infrastructure.seals import seal_keys
    from service.workflow.system.sealing import seal_new

    if new_key:
        click.echo(f"new key {seal_keys.rotate()}", err=True)
    if keys:
        for name, key in seal_keys.public_keys().items():
            click.echo(f"{name} {key}")
        return
    with application():
        try:
            head = seal_new()
        except OSError as error:
            sys.exit(f"anpei: Sealed and in the file; the second place or the time-stamping authority failed: {error}")
    click.echo(json.dumps(head, sort_keys=True) if head else "Everything is sealed already.")


@click.command()
@click.argument("cases", nargs=-1, type=click.UUID)
@click.option("--case", "more", multiple=True, type=click.UUID, help="A case to prove; may be repeated.")
@click.option("--since", type=click.DateTime(), help="Only cases that moved since then (UTC).")
@click.option("--json", "as_json", is_flag=True, help="Print the signed report instead of lines.")
@click.option("--processes", type=click.IntRange(min=1), help="How many work at once; as many as there are cores.")
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep what is proved in this file, and go on from it after an interruption.",
)
def verify(
    cases: tuple[UUID, ...],
    more: tuple[UUID, ...],
    since: datetime | None,
    as_json: bool,
    processes: int | None,
    resume: Path | None,
) -> None:
    """Prove CASES (default: all cases, business rows and the log) by what their journals say; exit code 1 when anything
    differs. Reads one moment of the database, as the role that only reads, and changes nothing.
    """
    from service.workflow.system import proof

    begun = since.replace(tzinfo=UTC) if since else None
    with reading_application() as chosen:
        report = proof.Report()
        told = 0
        for report in proof.prove(
            cases + more or None, begun, processes or proof.cores(), partial(_reader, chosen.read_url), resume
        ):
            for difference in report.differences[told:] if not as_json else ():
                click.echo(f"{difference.case_id or '-'}: {difference.what}: {difference.detail}")
            told = len(report.differences)
            if sys.stderr.isatty():
                click.echo(f"\r{report.cases} cases", nl=False, err=True)
    if as_json:
        click.echo(json.dumps(report.to_json(), sort_keys=True, ensure_ascii=False))
    else:
        _tell(report)
    sys.exit(1 if report.differences else 0)


def _reader(url: str) -> Flask:
    """Make the application of a process that proves."""
    from service.app import create_app
    from service.models.db.time_limits import COMMAND

    return create_app(replace(settings(), database_url=url), COMMAND)


def _tell(report: Report) -> None:
    for what, count in report.unplayed.items():
        click.echo(f"not played by the independent game: {count} cases, {what}")
    for what, count in report.taken_over.items():
        click.echo(f"not covered: {count} times {what}, as it was when an upgrade first noted it")
    if report.seal is not None:
        size = report.seal.head["body"]["size"] if report.seal.head else 0
        root = report.seal.head["body"]["root"] if report.seal.head else "-"
        click.echo(f"log: {size} leaves, root {root}")
        oldest = f", the oldest of {report.seal.oldest_unsealed:%Y-%m-%d %H:%M}" if report.seal.oldest_unsealed else ""
        click.echo(f"not sealed yet: {report.seal.unsealed} rows{oldest}")
    click.echo(f"verify: {report.cases} cases, {report.rows} journal rows, {len(report.differences)} differences")


@click.command()
@click.option("--case", "cases", multiple=True, required=True, type=click.UUID, help="A case; may be repeated.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The ZIP file to write.")
def evidence(cases: tuple[UUID, ...], out: Path) -> None:
    """Write the evidence of cases to one ZIP file; its verify.py checks it anywhere: `python3 -I verify.py FILE`."""
    from service.workflow.system.evidence import make_evidence

    with reading_application():
        content = make_evidence(cases)
    out.write_bytes(content)
    click.echo(f"{out}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


@click.command("export-events")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format", "form", required=True, type=click.Choice(("ocel-json", "ocel-sqlite", "xes", "csv")))
@click.option("--process", default="", help="Only cases of this process.")
@click.option("--since", type=click.DateTime(), help="Only events from then on (UTC).")
@click.option("--until", type=click.DateTime(), help="Only events before (UTC).")
@click.option("--names", is_flag=True, help="With ids, logins, names and numbers instead of pseudonyms; asks what for.")
@click.option("--purpose", default="", help="Why names are needed; the audit trail keeps it.")
def export_events(
    out: Path, form: str, process: str, since: datetime | None, until: datetime | None, names: bool, purpose: str
) -> None:
    """Write the event log of all cases to OUT for process mining (OCEL 2.0, XES or CSV), under pseudonyms that no
    other export has.
    """
    from service.models.queries.runtime.event_log import LogFilter
    from service.workflow.system.event_logs import record_named_export, write_log

    begun, ended = (at.replace(tzinfo=UTC) if at else None for at in (since, until))
    chosen = LogFilter(process, begun, ended)
    with application_as_it_is() if names else reading_application():
        if names:
            purpose = purpose or click.prompt("Purpose, for the audit trail", err=True)
            record_named_export(form, chosen, purpose, operator())
        written = write_log(out, form, chosen, with_names=names)
    click.echo(f"{out}: {written.cases:,} cases, {written.events:,} events, {out.stat().st_size:,} bytes")


COMMANDS = (seal, verify, evidence, export_events)
