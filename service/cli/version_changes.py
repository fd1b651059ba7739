"""Commands for what a changed diagram does to cases: test it against their journals, let running ones go on by it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from service.cli.context import application, reading_application
from service.cli.database import operator

if TYPE_CHECKING:
    from service.engine import Definition, Plan
    from service.models.tables.runtime.process import DefinitionVersion

VERSION = "KEY, the version in force; KEY:NUMBER, another"


@click.command()
@click.argument("tested", metavar="FILE-OR-KEY")
@click.option("--since", type=click.DateTime(), help="Also cases that ended since then (UTC).")
@click.option("--sample", type=click.IntRange(min=1), help="Only as many cases, finished ones too; always the same.")
@click.option("--json", "as_json", is_flag=True, help="Print counts and cases as JSON.")
@click.option("--processes", type=click.IntRange(min=1), help="How many work at once; as many as there are cores.")
def backtest(tested: str, since: datetime | None, sample: int | None, as_json: bool, processes: int | None) -> None:
    """Run the journals of all running cases against a version; exit code 1 when a case would go another way.

    FILE: a diagram with its forms and tables beside it. KEY: a process's version in force; KEY:NUMBER another one.
    Changes nothing; no handler runs.
    """
    from service.workflow.versions import backtests

    with reading_application():
        definition = _definition(tested)
        begun = since.replace(tzinfo=UTC) if since else None
        cases = backtests.cases_of(None, definition.process, begun, sample)
        findings = backtests.Tally()
        for found in backtests.run_over(definition, cases, processes or backtests.cores()):
            findings.add(found)
            if sys.stderr.isatty():
                click.echo(f"\r{findings.done} / {len(cases)}", nl=False, err=True)
    if as_json:
        told = {"cases": findings.done, "counts": findings.counts, "differing": findings.cases}
        click.echo(json.dumps(told, sort_keys=True))
    else:
        _tell(findings)
    sys.exit(1 if findings.cases else 0)


def _definition(tested: str) -> Definition:
    from service.workflow.processes import definitions

    if Path(tested).is_file():
        return definitions.read_checked(definitions.bundle(Path(tested)))
    return definitions.definition(_version(tested).digest)


def _version(text: str) -> DefinitionVersion:
    """The version that ``KEY`` or ``KEY:NUMBER`` names. Raises NotFound with what was asked for."""
    from service.errors import N_, NotFound
    from service.validation.fields import MAX_INTEGER
    from service.validation.typed_text import as_whole
    from service.workflow.processes import definitions

    key, _, number = text.partition(":")
    wanted = as_whole(number, 1, MAX_INTEGER)
    try:
        if not key or (number and wanted is None):
            raise NotFound
        return definitions.numbered(definitions.listing(key), wanted).version
    except NotFound:
        raise NotFound(N_("没有“%(asked)s”：既不是文件，也不是部署过的流程或版本。"), asked=text) from None


def _tell(findings: object) -> None:
    from service.workflow.versions.backtests import Tally

    assert isinstance(findings, Tally)
    for kind, counts in sorted(findings.counts.items()):
        for element, count in counts.most_common():
            click.echo(f"{kind:<10} {element or '-':<40} {count}")
    for case, kind, element in findings.cases[:20]:
        click.echo(f"{case}: {kind} {element}")
    click.echo(
        f"backtest: {findings.done} cases, {findings.done - sum(findings.counts.get('same', {}).values())} differ"
    )


def _pairs(_context: click.Context, _option: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    """Elements and where they go; nothing behind the sign: an event that is not waited for any more."""
    for pair in pairs:
        if not pair.partition("=")[0] or "=" not in pair:
            raise click.BadParameter(f"{pair}: OLD=NEW is needed")
    return dict(pair.split("=", 1) for pair in pairs)


@click.command()
@click.argument("source", metavar="KEY:NUMBER")
@click.option("--to", "number", type=click.IntRange(min=1), help="The version they go to; default: the one in force.")
@click.option(
    "--map",
    "pairs",
    multiple=True,
    callback=_pairs,
    metavar="OLD=NEW",
    help="An element and where it goes; may be repeated.",
)
@click.option("--recompute", multiple=True, metavar="TIMER", help="A timer that is counted anew; may be repeated.")
@click.option("--case", "cases", multiple=True, type=click.UUID, help="Only this case; may be repeated.")
@click.option("--reason", default="", help="Why, for the journal of each case; needed with --execute.")
@click.option("--execute", is_flag=True, help="Do it; without it only what would happen is told.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def migrate(
    source: str,
    number: int | None,
    pairs: dict[str, str],
    recompute: tuple[str, ...],
    cases: tuple[UUID, ...],
    reason: str,
    execute: bool,
    as_json: bool,
) -> None:
    """Let the running cases of one version of a process go on by another; exit code 1 when one cannot.

    Elements go to those of the same id, or the only new one of the same name and kind; --map says otherwise. Run again,
    it goes on with the cases that are left; the way back is the same with the versions exchanged.
    """
    from service import engine
    from service.errors import Message
    from service.workflow.processes import definitions
    from service.workflow.versions import case_migrations

    with application():
        old = _version(source)
        new = _version(f"{old.key}:{number}" if number else old.key)
        proposed = engine.propose(definitions.definition(old.digest), definitions.definition(new.digest))
        plan = _plan(proposed, pairs, recompute)
        asked = case_migrations.Migration(old.digest, new.digest, plan, cases or None)
        if execute:
            run = case_migrations.begin(None, asked, reason, account=operator(), at_once=True)
            refused = [[case, element, str(Message.from_json(why))] for case, element, why in run.refused]
            told = {"cases": run.total, "moved": run.moved, "refused": refused}
        else:
            found = case_migrations.preview(None, asked)
            refused = [[str(it.case_id), it.element, str(it.why)] for it in found.problems]
            told = {"cases": found.total, "looked_at": found.looked_at, "here": found.here, "there": found.there}
            told |= {"refused": refused, "plan": plan.to_data()}
    if as_json:
        click.echo(json.dumps(told, sort_keys=True, ensure_ascii=False))
    else:
        _tell_migration(told, refused)
    sys.exit(1 if refused else 0)


def _plan(proposed: Plan, pairs: Mapping[str, str], recompute: tuple[str, ...]) -> Plan:
    from service.engine import Plan

    return Plan({**proposed.elements, **pairs}, frozenset(recompute))


def _tell_migration(told: Mapping[str, object], refused: list[list[str]]) -> None:
    for case, element, why in refused:
        click.echo(f"{case}: {element}: {why}")
    done = f", {told['moved']} migrated" if "moved" in told else "; nothing was changed, --execute does it"
    click.echo(f"migrate: {told['cases']} cases, {len(refused)} cannot{done}")


COMMANDS = (backtest, migrate)
