"""Deployments of files of this machine, with what they were refused for; and those of ``processes/`` not in force."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import delete, func, select

from service import engine
from service.errors import DefinitionRefused, InvalidInput
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.runtime.process import DefinitionFile, DefinitionVersion, DeploymentFault
from service.workflow.processes import definitions
from service.workflow.processes.sent_files import PARTS
from service.workflow.versions.bundles import Files, with_tests
from service.workflow.versions.deployments import Author, Deployed, deploy, deploy_sent


@dataclass(frozen=True, slots=True)
class Proposal:
    """A diagram of ``processes/`` that is not in force: an older version, or None for one never deployed; files: those
    that differ from what is in force.
    """

    file: str
    version: DefinitionVersion | None
    current: DefinitionVersion | None
    files: tuple[str, ...]


def deploy_paths(paths: Sequence[Path], author: Author | None = None) -> list[Deployed]:
    """Deploy each diagram, and forms and tables into every process in force that has them.

    What is refused leaves the version in force and is remembered with its problems.
    """
    parts = [path for path in paths if path.suffix in PARTS]
    done = [_attempt(path, lambda files: deploy(with_tests(files), author)) for path in paths if path not in parts]
    return [*done, *(one for path in parts for one in _attempt_part(path, author or Author()))]


def _attempt_part(path: Path, author: Author) -> list[Deployed]:
    try:
        return deploy_sent({path.name: path.read_bytes()}, author)
    except (DefinitionRefused, InvalidInput) as error:
        unused = (definitions.unused(path.name),)
        refused = Deployed(path.name, None, problems=tuple(getattr(error, "problems", unused)))
        _remember_faults(refused)
        return [refused]


def deploy_proposals(paths: Sequence[Path], author: Author | None = None) -> list[Deployed]:
    """Deploy what was never deployed, as each start does; an older version that lies there again stays what it is."""

    def propose(files: Files) -> Deployed:
        known = session().get(DefinitionVersion, engine.digest_of(files))
        return deploy(files, author) if known is None else Deployed(known.main, known)

    return [_attempt(path, propose) for path in paths]


def deploy_folder(folder: Path = definitions.PROCESSES) -> list[Deployed]:
    """Deploy what was never deployed of every diagram of a folder."""
    return deploy_proposals(sorted(folder.glob("*.bpmn")))


def _attempt(path: Path, act: Callable[[Files], Deployed]) -> Deployed:
    try:
        result = replace(act(definitions.bundle(path)), file=path.name)
    except DefinitionRefused as refused:
        result = Deployed(path.name, None, problems=tuple(refused.problems))
    _remember_faults(result)
    return result


def _remember_faults(result: Deployed) -> None:
    with transaction(Operation("deploy")) as current_session:
        current_session.execute(delete(DeploymentFault).where(DeploymentFault.file == result.file))
        current_session.add_all(
            DeploymentFault(
                file=result.file,
                line=p.line,
                element=p.element[:200],
                zh=f"{p.zh}{p.remedy_zh}"[:2000],
                en=f"{p.en} {p.remedy_en}"[:2000],
            )
            for p in result.problems
        )


def proposals(folder: Path = definitions.PROCESSES) -> list[Proposal]:
    """The diagrams of a folder that differ from what is in force, by file."""
    digests = (
        select(DefinitionVersion, DefinitionFile.name, func.encode(func.sha256(DefinitionFile.content), "hex"))
        .join(DefinitionFile)
        .where(DefinitionVersion.current)
    )
    in_force: dict[str, DefinitionVersion] = {}
    stored: dict[str, dict[str, str]] = {}
    for version, name, digest in session().execute(digests):
        in_force[version.key] = version
        stored.setdefault(version.key, {})[name] = digest
    found = []
    for path in sorted(folder.glob("*.bpmn")):
        with suppress(DefinitionRefused):  # a file that cannot be read is among the faults of the last start
            files = definitions.bundle(path)
            known = session().get(DefinitionVersion, engine.digest_of(files))
            key = known.key if known else engine.process_of(files)
            here = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
            there = stored.get(key, {})
            if differing := tuple(
                sorted(name for name in {*here, *there} if here.get(name) != there.get(name) and name != f"{key}.yaml")
            ):
                found.append(Proposal(path.name, known, in_force.get(key), differing))
    return found
