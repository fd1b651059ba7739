"""Definitions: read and check bundles of files, find the version a case needs, list what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import has_app_context
from sqlalchemy import delete, func, select
from sqlalchemy.orm import aliased, load_only

from service import engine, handlers
from service.config import CHECKOUT
from service.engine import ValidationIssue
from service.errors import N_, DefinitionRefused, NotFound
from service.models.db.session import session
from service.models.queries.system.versions_in_force import VersionInForce, versions_in_force
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Task, TaskState
from service.models.tables.runtime.process import DefinitionFile, DefinitionVersion, DeploymentFault
from service.operations.deployments import gates
from service.workflow.processes.diagram_layout import drawn_whole, undrawn_notes
from service.workflow.processes.diagram_states import state_issues
from service.workflow.processes.diagram_texts import untranslated
from service.workflow.processes.diagram_topics import process_warnings, topic_issues
from service.workflow.processes.drawing import overlap_notes
from service.workflow.processes.vocabulary import vocabulary

PROCESSES, FORMS = CHECKOUT / "processes", CHECKOUT / "forms"


class AlteredDefinition(RuntimeError):
    """The stored files of a version are not those it is addressed by: somebody changed them with SQL."""


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
    files = {name: bytes(content) for name, content in rows}
    if engine.digest_of(files) != digest:
        raise AlteredDefinition(f"the stored files of version {version.number} of {version.key} are not those deployed")
    return engine.read_definition(files, version.key, validate=False)


def current(key: str) -> DefinitionVersion:
    """The version that new cases of this process take; raises NotFound."""
    query = select(DefinitionVersion).where(DefinitionVersion.key == key, DefinitionVersion.current)
    version = session().scalars(query).one_or_none()
    if version is None:
        raise NotFound(N_("没有名为“%(key)s”的流程。"), key=key)
    return version


def starters(read: engine.Definition) -> list[str]:
    """The roles that may start a case by themselves: ``camunda:candidateStarterGroups``."""
    return (read.elements[read.process].role or "").replace(",", " ").split()


def is_started_by_form(process: str) -> bool:
    """Tell whether cases of a process begin with the form of its start event, and not on the pages of a subject."""
    return process not in handlers.declared_processes()


def startable(user: User) -> list[VersionInForce]:
    """The processes in force that a user may start, but for those that the pages of their subjects start."""
    found = [version for version in versions_in_force() if is_started_by_form(version.key)]
    return [version for version in found if user.role in starters(definition(version.digest))]


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
    """Find a form beside its diagram, in the folder ``forms`` beside that of the diagram, or among those shipped."""
    places = [folder / f"{key}.form" for folder in (beside, beside.resolve().parent / "forms", forms)]
    return next((place for place in places if place.is_file()), places[-1])


def check(paths: list[Path]) -> list[ValidationIssue]:
    """Every issue that validation finds in these diagrams, warnings too, without deploying anything."""
    found: list[ValidationIssue] = []
    for path in paths:
        try:
            for files in _bundles_with(path):
                found += [issue for issue in examine(files) if issue not in found]
        except DefinitionRefused as refused:
            found += refused.problems
    return found


def examine(files: Mapping[str, bytes]) -> list[ValidationIssue]:
    """Everything there is to say of a bundle: its names, held against what is known here, states, and languages."""
    said = engine.examine(files, vocabulary=vocabulary())
    if any(issue.is_refusal for issue in said):
        return said
    read = engine.read_definition(files, validate=False)
    notes = [*undrawn_notes(read), *overlap_notes(read)]
    return [*said, *_refusals(read), *process_warnings(read, _started), *untranslated(read), *notes]


def refuses(files: Mapping[str, bytes]) -> bool:
    """Tell whether the gate lets a bundle pass no more."""
    return any(issue.is_refusal for issue in examine(files))


gates.append(refuses)


def read_checked(files: Mapping[str, bytes], process: str | None = None) -> engine.Definition:
    """The definition of a bundle that may be deployed. Raises DefinitionRefused."""
    read = engine.read_definition(files, process, vocabulary=vocabulary())
    if refused := _refusals(read):
        raise DefinitionRefused(refused)
    return read


def warnings_of(read: engine.Definition) -> tuple[ValidationIssue, ...]:
    """Warnings of what runs and will surprise, and of what has no English."""
    return (*read.warnings, *process_warnings(read, _started), *untranslated(read))


def _refusals(read: engine.Definition) -> list[ValidationIssue]:
    return [*state_issues(read), *topic_issues(read, _started)]


def _started(key: str) -> engine.Definition | None:
    """The definition by which a case of a process would start: that in force; without a database, that shipped."""
    if has_app_context():
        in_force = select(DefinitionVersion.digest).where(DefinitionVersion.key == key, DefinitionVersion.current)
        digest = session().scalar(in_force)
        return definition(digest) if digest else None
    path = PROCESSES / f"{key}.bpmn"
    return engine.read_definition(bundle(path), key, validate=False) if path.is_file() else None


def _bundles_with(path: Path) -> list[dict[str, bytes]]:
    """The bundle of a diagram; of a form or a table, those of all diagrams that use it. Raises DefinitionRefused."""
    if path.suffix in (".bpmn", ".xml"):
        return [bundle(path)]
    diagrams = sorted({*path.parent.resolve().glob("*.bpmn"), *PROCESSES.glob("*.bpmn")})
    using = [files for files in map(bundle, diagrams) if path.name in files]
    if not using:
        raise DefinitionRefused([unused(path.name)])
    return [{**files, path.name: path.read_bytes()} for files in using]


def unused(name: str) -> ValidationIssue:
    """The refusal of a form or table that no diagram uses."""
    zh, en = "没有流程图用到这个文件。", "No diagram uses this file."
    remedies = (
        "让一张图引用它，连同那张图一起检查、部署。",
        "Refer to it in a diagram, and deploy that.",
    )
    return ValidationIssue(name, 0, "", zh, en, *remedies, rule="files_are_used")


@dataclass(frozen=True, slots=True)
class Listed:
    """A version as the definitions page lists it, with its running cases and those of the process's other versions.
    author: name of an account, else user and machine of the operating system.
    """

    version: DefinitionVersion
    running: int
    running_elsewhere: int
    author: str


def listing(key: str | None = None) -> list[Listed]:
    """Versions in force (or all versions of ``key``, newest first) with the number of running cases of each."""
    other = aliased(DefinitionVersion)
    versions = select(other.digest).where(other.key == DefinitionVersion.key).correlate(DefinitionVersion)
    count = select(func.count()).where(Case.ended_at.is_(None))  # by version, as the index has it
    running = count.where(Case.definition == DefinitionVersion.digest).scalar_subquery()
    together = count.where(Case.definition.in_(versions)).correlate(DefinitionVersion).scalar_subquery()
    query = select(DefinitionVersion, running, together, User.display_name)
    query = query.outerjoin(User, User.id == DefinitionVersion.deployed_by)
    query = query.where(DefinitionVersion.key == key) if key else query.where(DefinitionVersion.current)
    rows = session().execute(query.order_by(DefinitionVersion.key, DefinitionVersion.number.desc()))
    return [
        Listed(version, running, together - running, name or version.deployed_as)
        for version, running, together, name in rows
    ]


def numbered(listed: list[Listed], number: int | None) -> Listed:
    """The version with this number, without one that in force. Raises NotFound."""
    for one in listed:
        if one.version.number == number if number else one.version.current:
            return one
    raise NotFound


def version(digest: str) -> DefinitionVersion:
    """The version with this digest; raises NotFound."""
    found = session().get(DefinitionVersion, digest)
    if found is None:
        raise NotFound
    return found


def picture(digest: str) -> bytes:
    """The main diagram of a version, with all that it has drawn. Raises NotFound."""
    main = version(digest).main
    return drawn_whole(definition(digest).files[main], main)


def remember_undecided(decision_key: str, count: int) -> None:
    """Remember, or forget, that the table in force gives no result: the page Processes and ``/readyz`` tell of it."""
    file = f"{decision_key}.dmn"
    session().execute(delete(DeploymentFault).where(DeploymentFault.file == file))
    if count:
        zh = f"现行的决策表对 {count} 人没有给出结论。改正决策表后重新部署。"
        en = f"The table in force gives no result for {count} persons. Correct it and deploy it again."
        session().add(DeploymentFault(file=file, line=0, element=decision_key, zh=zh, en=en))


def faults() -> list[DeploymentFault]:
    """The faults that the last start refused files for, by file and line."""
    return list(session().scalars(select(DeploymentFault).order_by(DeploymentFault.file, DeploymentFault.line)))


def files(digest: str) -> dict[str, bytes]:
    """The stored bundle, by file name."""
    rows = session().scalars(
        select(DefinitionFile).options(load_only(DefinitionFile.content)).where(DefinitionFile.definition == digest)
    )
    return {row.name: bytes(row.content) for row in rows}


def texts_of(digest: str) -> dict[str, str]:
    """The files of a version as texts to be read, whatever their encoding."""
    return {name: engine.text_of(content, name) for name, content in definition(digest).files.items()}


def form(digest: str, form_key: str | None) -> bytes | None:
    """The form of a task in the version it belongs to, or None for a task without one."""
    return definition(digest).files[f"{form_key}.form"] if form_key else None


def start_form(digest: str) -> bytes | None:
    """The form that begins a case of a version, or None."""
    read = definition(digest)
    return read.files[f"{read.start_form}.form"] if read.start_form else None


def running_by_element(digest: str) -> dict[str, int]:
    """Open user tasks of running cases of this version, by element id."""
    query = (
        select(Task.element, func.count())
        .where(Task.definition == digest, Task.state == TaskState.OPEN)
        .group_by(Task.element)
    )
    return {element.split("/")[-1]: count for element, count in session().execute(query)}
