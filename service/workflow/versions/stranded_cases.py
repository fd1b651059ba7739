"""Warnings of running cases that stand where a proposed version has nothing any more: they stay without a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import func, literal, or_, select

from service import engine
from service.engine import Definition, ValidationIssue
from service.errors import DefinitionRefused
from service.infrastructure.translation import catalogue_english
from service.models.db.session import session
from service.models.tables.runtime.case import Case
from service.models.tables.runtime.process import DefinitionVersion
from service.workflow.processes import definitions

RULE = "cases_keep_their_place"
STATES_AT_ONCE = 200


def warnings_of_files(files: Mapping[str, bytes]) -> tuple[ValidationIssue, ...]:
    """Warn as ``warnings_of``; of a bundle that cannot be read the gate tells."""
    try:
        return warnings_of(engine.read_definition(files, validate=False))
    except DefinitionRefused:
        return ()


def warnings_of(new: Definition) -> tuple[ValidationIssue, ...]:
    """Count the running cases at each element of the version in force that this one lacks, or has of another type."""
    in_force = select(DefinitionVersion.digest).where(DefinitionVersion.key == new.process, DefinitionVersion.current)
    digest = session().scalar(in_force)
    if digest is None:
        return ()
    old = definitions.definition(digest)
    gone = [one for one in old.elements.values() if one.type != "process" and not _is_kept(one, new)]
    standing = _standing(new.process, [one.id for one in gone])
    return tuple(_warning(new.main, one, _english(old, one.name), standing[one.id]) for one in gone if standing[one.id])


def _is_kept(element: engine.Element, new: Definition) -> bool:
    found = new.elements.get(element.id)
    return found is not None and found.type == element.type


def _standing(process: str, elements: list[str]) -> Counter[str]:
    """Running cases of all versions at each of these elements. Only states that name one of them are fetched."""
    found: Counter[str] = Counter()
    if not elements:
        return found
    named = or_(*(func.position(literal(one.encode()).op("IN")(Case.state)) > 0 for one in elements))
    states = select(Case.state).where(Case.process == process, Case.ended_at.is_(None), named)
    for state in session().scalars(states.execution_options(yield_per=STATES_AT_ONCE)):
        found.update({*engine.places(bytes(state))}.intersection(elements))
    return found


def _english(read: Definition, name: str) -> str:
    return read.english.get(name) or catalogue_english(name) or name


def _warning(file: str, element: engine.Element, name_en: str, cases: int) -> ValidationIssue:
    return ValidationIssue(
        file,
        0,
        element.id,
        f"{cases} 件在办案卷停在“{element.name}”（{element.id}），新版本里没有这个环节了。",
        f'Running cases that stand at "{name_en}" ({element.id}): {cases}. The new version no longer has this element.',
        "保留这个标识和种类；或在生效后用“迁移案卷”，在计划里指定它们去哪一环节。不迁移的，继续按旧版本办完。",
        "Keep its id and type, or migrate the cases once the version is in force, by a plan that says where they go."
        " Cases that are not migrated go on by their old version.",
        rule=RULE,
        severity="warning",
    )
