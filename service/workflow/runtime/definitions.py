"""Definitions: validate a bundle, make it a version, find the version a case needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import load_only

from service import engine
from service.config import CHECKOUT
from service.engine import ValidationIssue
from service.errors import N_, DefinitionRefused, NotFound
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.listeners.training_need_listener import STALE
from service.models.tables.case import Case, Task, TaskState
from service.models.tables.process import DefinitionFile, DefinitionVersion, DeploymentFault
from service.models.tables.training import TrainingNeed

PROCESSES, FORMS = CHECKOUT / "processes", CHECKOUT / "forms"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The outcome of deploying one file: its version (``is_new``: made just now),
    or the problems it was refused for; warnings of what runs, and will surprise.
    """

    file: str
    version: DefinitionVersion | None
    is_new: bool = False
    problems: tuple[ValidationIssue, ...] = ()
    warnings: tuple[ValidationIssue, ...] = ()


def definition(digest: str) -> engine.Definition:
    """The parsed definition with this digest, from this process's cache or the stored bundle; raises NotFound."""
    return _parsed(digest)


@lru_cache(maxsize=256)
def _parsed(digest: str) -> engine.Definition:
    version = session().get(DefinitionVersion, digest)
    if version is None:
        raise NotFound(N_("没有这个版本的流程定义。"))
    rows = session().execute(
        select(DefinitionFile.name, DefinitionFile.content).where(DefinitionFile.definition == digest)
    )
    return engine.read_definition({name: bytes(content) for name, content in rows}, version.key, validate=False)


def current(key: str) -> DefinitionVersion:
    """The version that new cases of this process take; raises NotFound."""
    query = select(DefinitionVersion).where(DefinitionVersion.key == key, DefinitionVersion.current)
    version = session().scalars(query).one_or_none()
    if version is None:
        raise NotFound(N_("没有名为“%(key)s”的流程。"), key=key)
    return version


def decision(key: str) -> tuple[engine.Definition, str]:
    """The definition in force that carries the decision ``key``, and its digest (the decision's version)."""
    query = (
        select(DefinitionVersion.digest)
        .join(DefinitionFile)
        .where(DefinitionVersion.current, DefinitionFile.name == f"{key}.dmn")
    )
    digest = session().scalars(query.order_by(DefinitionVersion.key)).first()
    if digest is None:
        raise NotFound(N_("没有名为“%(key)s”的决策表。"), key=key)
    return definition(digest), digest


def bundle(main: Path, forms: Path = FORMS) -> dict[str, bytes]:
    """The files a diagram needs, by name: itself, called processes, decisions and forms beside it.

    A file that is missing is left out: validation then names the element that refers to it.
    """
    files: dict[str, bytes] = {}
    wanted = [main]
    while wanted:
        path = wanted.pop()
        if path.name in files or not path.is_file():
            continue
        files[path.name] = path.read_bytes()
        if path.suffix != ".bpmn":
            continue
        refers = engine.references(files[path.name], path.name)
        wanted += [main.parent / f"{called}.bpmn" for called in refers.called]
        wanted += [main.parent / f"{name}.dmn" for name in refers.decisions]
        wanted += [_form(main.parent, forms, key) for key in refers.forms]
    return files


def _form(beside: Path, forms: Path, key: str) -> Path:
    near = beside / f"{key}.form"
    return near if near.is_file() else forms / f"{key}.form"


def check(paths: list[Path]) -> list[ValidationIssue]:
    """Every issue that validation finds in these diagrams, warnings too, without deploying anything."""
    found: list[ValidationIssue] = []
    for path in paths:
        try:
            found += engine.examine(bundle(path))
        except DefinitionRefused as refused:
            found += refused.problems
    return found


def deploy(
    files: Mapping[str, bytes], *, source: str = "file", user_id: UUID | None = None, process: str | None = None
) -> tuple[DefinitionVersion, bool]:
    """Make the bundle the version in force of its process; returns it and whether it is new.

    Raises DefinitionRefused.
    """
    read = engine.read_definition(files, process)
    with transaction(Operation("deploy", user_id)) as current_session:
        known = current_session.get(DefinitionVersion, read.digest)
        if known is not None and known.current:
            return known, False
        current_session.execute(
            update(DefinitionVersion).where(DefinitionVersion.key == read.process).values(current=False)
        )
        if any(name == "training_need.dmn" for name in files):
            current_session.execute(update(TrainingNeed).values(as_of=STALE))  # decided again by the new table
        if known is not None:
            known.current = True
            return known, False
        highest = current_session.scalar(
            select(func.max(DefinitionVersion.number)).where(DefinitionVersion.key == read.process)
        )
        version = DefinitionVersion(
            digest=read.digest,
            key=read.process,
            number=(highest or 0) + 1,
            name=read.name,
            main=read.main,
            source=source,
            deployed_by=user_id,
        )
        current_session.add(version)
        current_session.flush()
        current_session.add_all(
            DefinitionFile(definition=read.digest, name=name, content=content) for name, content in files.items()
        )
    return version, True


def deploy_paths(paths: list[Path], *, user_id: UUID | None = None) -> list[Deployed]:
    """Deploy each diagram; a refused one leaves the version in force and is remembered with its problems."""
    results = []
    for path in paths:
        try:
            files = bundle(path)
            version, is_new = deploy(files, user_id=user_id)
            results.append(Deployed(path.name, version, is_new, warnings=engine.read_definition(files).warnings))
        except DefinitionRefused as refused:
            results.append(Deployed(path.name, None, problems=tuple(refused.problems)))
        _remember_faults(results[-1])
    return results


def deploy_folder(folder: Path = PROCESSES) -> list[Deployed]:
    """Deploy every diagram of a folder, as each start does."""
    return deploy_paths(sorted(folder.glob("*.bpmn")))


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


@dataclass(frozen=True, slots=True)
class Listed:
    """A version as the definitions page lists it, with its running cases."""

    version: DefinitionVersion
    running: int


def listing(key: str | None = None) -> list[Listed]:
    """Versions in force (or all versions of ``key``, newest first) with the number of running cases of each."""
    running = (
        select(func.count())
        .where(Case.definition == DefinitionVersion.digest, Case.ended_at.is_(None))
        .scalar_subquery()
    )
    query = select(DefinitionVersion, running)
    query = query.where(DefinitionVersion.key == key) if key else query.where(DefinitionVersion.current)
    rows = session().execute(query.order_by(DefinitionVersion.key, DefinitionVersion.number.desc()))
    return [Listed(version, count) for version, count in rows]


def version(digest: str) -> DefinitionVersion:
    """The version with this digest; raises NotFound."""
    found = session().get(DefinitionVersion, digest)
    if found is None:
        raise NotFound
    return found


def faults() -> list[DeploymentFault]:
    """The faults that the last start refused files for, by file and line."""
    return list(session().scalars(select(DeploymentFault).order_by(DeploymentFault.file, DeploymentFault.line)))


def files(digest: str) -> dict[str, bytes]:
    """The stored bundle, by file name."""
    rows = session().scalars(
        select(DefinitionFile).options(load_only(DefinitionFile.content)).where(DefinitionFile.definition == digest)
    )
    return {row.name: bytes(row.content) for row in rows}


def form(digest: str, form_key: str | None) -> bytes | None:
    """The form of a task in the version it belongs to, or None for a task without one."""
    return definition(digest).files[f"{form_key}.form"] if form_key else None


def running_by_element(digest: str) -> dict[str, int]:
    """Open user tasks of running cases of this version, by element id."""
    query = (
        select(Task.element, func.count())
        .where(Task.definition == digest, Task.state == TaskState.OPEN)
        .group_by(Task.element)
    )
    return {element.split("/")[-1]: count for element, count in session().execute(query)}
