"""Bundles that sent files make: each with all that its diagram names, as sent, else as it is in force."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy import select

from service import engine
from service.errors import DefinitionRefused
from service.models.db.session import session
from service.models.tables.runtime.process import DefinitionFile, DefinitionVersion
from service.workflow.processes import definitions

Files = Mapping[str, bytes]


def bundles_of(sent: Files) -> list[tuple[str | None, Files]]:
    """The bundles that sent files make, with the process where it is known."""
    diagrams = {name: content for name, content in sent.items() if name.endswith(".bpmn")}
    called = {f"{key}.bpmn" for name, content in diagrams.items() for key in engine.references(content, name).called}
    if diagrams:
        return [(None, _completed(name, sent)) for name in sorted(diagrams) if name not in called]
    holders = (
        select(DefinitionVersion.digest, DefinitionVersion.key)
        .join(DefinitionFile)
        .where(DefinitionVersion.current, DefinitionFile.name.in_(sent))
        .distinct()
        .order_by(DefinitionVersion.key)
    )
    found: list[tuple[str | None, Files]] = []
    for digest, key in session().execute(holders):
        stored = definitions.files(digest)
        found.append((key, stored | {name: content for name, content in sent.items() if name in stored}))
    return found


def _completed(main: str, sent: Files) -> Files:
    """A diagram with all that it names: as sent, else as it is in force."""
    files: dict[str, bytes] = {}
    wanted = [main]
    while wanted:
        name = wanted.pop()
        content = sent[name] if name in sent else _in_force(name)
        if name in files or content is None:
            continue
        files[name] = content
        if name.endswith(".bpmn"):
            named = engine.references(content, name)
            wanted += [f"{key}.bpmn" for key in named.called]
            wanted += [f"{key}.dmn" for key in named.decisions] + [f"{key}.form" for key in named.forms]
    return with_tests(files, sent)


def with_tests(files: Files, sent: Files | None = None) -> Files:
    """Add the model tests as sent, else those of the version in force; a bundle that has its own keeps them."""
    with suppress(DefinitionRefused):  # what cannot be read is told by the gate
        name = f"{engine.process_of(files)}.yaml"
        content = (sent or {}).get(name) or _in_force(name)
        return {name: content, **files} if content is not None else files
    return files


def _in_force(name: str) -> bytes | None:
    query = (
        select(DefinitionFile.content)
        .join(DefinitionVersion, DefinitionVersion.digest == DefinitionFile.definition)
        .where(DefinitionVersion.current, DefinitionFile.name == name)
    )
    content = session().scalars(query.order_by(DefinitionVersion.deployed_at.desc())).first()
    return bytes(content) if content is not None else None
