"""Deployments: a bundle becomes the version in force, with author, note and proof, and every change of it is audited.

Files in ``processes/`` are proposals: a start never takes back what somebody has deployed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from service import engine
from service.domain.values.validators import parse_reason
from service.engine import ValidationIssue
from service.errors import N_, Conflict, DefinitionRefused, InvalidInput
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.runtime.process import DefinitionFile, DefinitionVersion, DeploymentFault, ProcessChange
from service.models.tables.system import setting
from service.models.tables.system.audit import AuditEvent
from service.operations.deployments import (
    DEPLOY,
    RESTORE,
    deployment_event,
    lock_deployments,
    put_in_force,
    was_in_force,
)
from service.workflow.processes import definitions
from service.workflow.processes.diagram_texts import english_of
from service.workflow.processes.sent_files import PARTS, accept
from service.workflow.runtime import tasks
from service.workflow.versions import stranded_cases, version_proofs

CHANGE = "process_change"  # the process of approvals
NEVER_IN_FORCE = N_("这一版没有生效过，不能恢复。请从这一版开始草稿，改好后重新送审。")
CANNOT_RENEW = N_("同样的一版正在等待批准，眼下不能换成新的一份。请先由批准人不同意，再重新送审。")
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a deployment, and the way it came: file, cli, page, rest or studio.

    account: user and machine of the operating system, as the audit trail keeps them, where nobody signed in; owner: the
    account of whoever that is, where it is known.
    """

    source: str = "file"
    user: User | None = None
    account: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    owner: User | None = None

    @property
    def proposer_id(self) -> UUID | None:
        """The account that must not approve what this author proposes."""
        person = self.user or self.owner
        return person.id if person else None

    @property
    def needs_approval(self) -> bool:
        """Tell whether somebody else has to approve; what a start finds in ``processes/`` was installed."""
        return self.source != "file" and bool(setting.number("two_person_deploy"))

    @property
    def told(self) -> dict[str, str]:
        """Words of the audit trail."""
        return {"way": self.source, "note": self.note, **self.account}

    @property
    def operation(self) -> Operation:
        return Operation("deploy", self.user.id if self.user else None)


@dataclass(frozen=True, slots=True)
class Deployed:
    """The outcome of deploying one file: its version (``is_new``: made just now; ``replaced``: number of the one that
    was in force until now; ``change``: what somebody else has to approve first), or the problems it was refused for;
    warnings of what runs, and will surprise.
    """

    file: str
    version: DefinitionVersion | None
    is_new: bool = False
    replaced: int | None = None
    change: ProcessChange | None = None
    problems: tuple[ValidationIssue, ...] = ()
    warnings: tuple[ValidationIssue, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A diagram of ``processes/`` that is not in force: an older version, or None for one never deployed; files: those
    that differ from what is in force.
    """

    file: str
    version: DefinitionVersion | None
    current: DefinitionVersion | None
    files: tuple[str, ...]


def deploy(files: Files, author: Author | None = None, *, process: str | None = None) -> Deployed:
    """Make the bundle the version in force of its process. Raises DefinitionRefused."""
    read, author = definitions.read_checked(files, process), author or Author()
    with transaction(author.operation) as current:
        lock_deployments()
        known = current.get(DefinitionVersion, read.digest)
        if known is not None and known.current:
            return Deployed(read.main, known, warnings=definitions.warnings_of(read))
        warnings = (*stranded_cases.warnings_of(read), *definitions.warnings_of(read))
        version = known or _stored(read, author)
        if author.needs_approval:
            version.proof = version.proof | version_proofs.proof_of(version, read.files)
            change = _propose(version, author)
            return Deployed(read.main, version, known is None, change=change, warnings=warnings)
        replaced = put_in_force(version)
        current.add(deployment_event(DEPLOY if known is None else RESTORE, version, replaced, author.told, author.user))
        if waiting := _waiting(version):  # nobody has to approve it any more
            ends = waiting.case_id and tasks.offer_message(author.user, waiting.case_id, "withdraw_change")
            waiting.state = waiting.state if ends else "superseded"  # its case was cancelled
    return Deployed(read.main, version, known is None, replaced, warnings=warnings)


def _stored(read: engine.Definition, author: Author) -> DefinitionVersion:
    """Store a bundle as the next version of its process, which is not in force yet."""
    highest = select(func.max(DefinitionVersion.number)).where(DefinitionVersion.key == read.process)
    version = DefinitionVersion(
        digest=read.digest,
        key=read.process,
        number=(session().scalar(highest) or 0) + 1,
        name=read.name,
        main=read.main,
        source=author.source,
        current=False,
        deployed_by=author.user.id if author.user else None,
        deployed_as="@".join(author.account.values())[:120],
        note=author.note,
        english=english_of(read),
        proof={"warnings": [told(issue) for issue in definitions.warnings_of(read)]},
    )
    session().add(version)
    session().flush()
    session().add_all(
        DefinitionFile(definition=read.digest, name=name, content=content) for name, content in read.files.items()
    )
    session().flush()
    return version


def told(issue: ValidationIssue) -> dict[str, Any]:
    """Tell an issue as JSON, in both languages."""
    zh, en = f"{issue.zh}{issue.remedy_zh}", f"{issue.en} {issue.remedy_en}"
    return {"file": issue.file, "line": issue.line, "element": issue.element, "rule": issue.rule, "zh": zh, "en": en}


def _propose(version: DefinitionVersion, author: Author) -> ProcessChange:
    """Ask for the approval of somebody else. What waits for it already is not asked for again, unless it was overtaken,
    or nobody knew whose it is: then the new one takes its place. Raises Conflict where it cannot.
    """
    unit = session()
    in_force = unit.scalar(
        select(DefinitionVersion.digest).where(DefinitionVersion.key == version.key, DefinitionVersion.current)
    )
    if found := _waiting(version):
        if unit.get_one(Case, found.case_id).ended_at is not None:
            found.state = "withdrawn"  # its case was cancelled
        elif found.replaces == in_force and (found.proposer_id is not None or author.proposer_id is None):
            return found
        elif found.case_id is not None:
            tasks.correlate_message(author.user, found.case_id, "withdraw_change", otherwise=CANNOT_RENEW)
        unit.flush()
    change = ProcessChange(
        id=new_id(),
        key=version.key,
        definition=version.digest,
        replaces=in_force,
        source=author.source,
        note=author.note,
        proposer_id=author.proposer_id,
        proposed_as="@".join(author.account.values())[:120],
    )
    unit.add(change)
    unit.flush()
    if (
        unit.scalar(select(DefinitionVersion.digest).where(DefinitionVersion.key == CHANGE, DefinitionVersion.current))
        is None
    ):
        deploy(definitions.bundle(definitions.PROCESSES / f"{CHANGE}.bpmn"))
    tasks.start(author.user, CHANGE, {"change_id": str(change.id)}, business_key=str(change.id))
    return change


def _waiting(version: DefinitionVersion) -> ProcessChange | None:
    """The change that asks for approval of a version."""
    waiting = select(ProcessChange).where(ProcessChange.definition == version.digest, ProcessChange.state == "proposed")
    return session().scalars(waiting).one_or_none()


def make_current(user: User, digest: str, note: str) -> Deployed:
    """Let new cases take an older version again. Running cases keep theirs.

    Raises InvalidInput without a reason, Conflict for what is in force or never was, DefinitionRefused for what
    the gate lets pass no more.
    """
    version = definitions.version(digest)
    reason = parse_reason(note, "change_note")
    if version.current:
        raise Conflict(N_("这一版已经是现行版本。"))
    if not was_in_force(version):
        raise Conflict(NEVER_IN_FORCE)
    return deploy(definitions.files(digest), Author("page", user, note=reason), process=version.key)


def deploy_sent(files: Files, author: Author) -> list[Deployed]:
    """Deploy the files that somebody sent, all or none; what a diagram names and is not sent stays as it is in force.

    Decisions and forms without a diagram change every process in force that has them.
    Raises InvalidInput as ``accept``, DefinitionRefused with the problems of all.
    """
    named = accept(files)
    if author.note:
        parse_reason(author.note, "change_note")
    with transaction(author.operation):
        lock_deployments()  # what is not sent is taken from what is in force
        done = _each(bundles(named), lambda pair: deploy(pair[1], author, process=pair[0]))
    if not done:
        raise InvalidInput({"files": N_("没有一个现行流程用到这些文件，请连同流程图一起部署。")})
    return done


def bundles(sent: Files) -> list[tuple[str | None, Files]]:
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
    return _with_tests(files, sent)


def _with_tests(files: Files, sent: Files | None = None) -> Files:
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


def _each(bundles: Iterable[Any], act: Callable[[Any], Deployed]) -> list[Deployed]:
    """Deploy one after the other. Raises DefinitionRefused with the problems of all that are refused."""
    done: list[Deployed] = []
    problems: list[ValidationIssue] = []
    for bundle in bundles:
        try:
            done.append(act(bundle))
        except DefinitionRefused as refused:
            problems += refused.problems
    if problems:
        raise DefinitionRefused(problems)
    return done


def deploy_paths(paths: Sequence[Path], author: Author | None = None) -> list[Deployed]:
    """Deploy each diagram, and forms and tables into every process in force that has them.

    What is refused leaves the version in force and is remembered with its problems.
    """
    parts = [path for path in paths if path.suffix in PARTS]
    done = [_attempt(path, lambda files: deploy(_with_tests(files), author)) for path in paths if path not in parts]
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


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the version in force: what the audit trail says of it. who: an account, else the system's user."""

    at: Any
    is_new: bool
    who: str
    detail: dict[str, Any]


def changes(key: str) -> list[Change]:
    """The changes of the version in force of a process, the latest first."""
    query = (
        select(AuditEvent, User.display_name)
        .outerjoin(User, User.id == AuditEvent.actor_id)
        .where(AuditEvent.action.in_((DEPLOY, RESTORE)), AuditEvent.detail["process"].astext == key)
        .order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
        .limit(50)
    )
    return [
        Change(event.at, event.action == DEPLOY, name or str(event.detail.get("who", "")), event.detail)
        for event, name in session().execute(query)
    ]
