"""Deployments: a bundle becomes the version in force, with author, note and proof, and every change of it is audited.

Files in ``processes/`` are proposals: a start never takes back what somebody has deployed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from service import engine
from service.domain.values.validators import parse_reason
from service.engine import ValidationIssue
from service.errors import N_, Conflict, DefinitionRefused, InvalidInput
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.runtime.process import DefinitionFile, DefinitionVersion, ProcessChange
from service.models.tables.system import setting
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
from service.workflow.processes.sent_files import accept
from service.workflow.runtime import tasks
from service.workflow.versions import stranded_cases, version_proofs
from service.workflow.versions.bundles import Files, bundles_of

CHANGE = "process_change"  # the process of approvals
NEVER_IN_FORCE = N_("这一版没有生效过，不能恢复。请从这一版开始草稿，改好后重新送审。")
CANNOT_RENEW = N_("同样的一版正在等待批准，眼下不能换成新的一份。请先由批准人不同意，再重新送审。")


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
    done: list[Deployed] = []
    problems: list[ValidationIssue] = []
    with transaction(author.operation):
        lock_deployments()  # what is not sent is taken from what is in force
        for process, bundle in bundles_of(named):
            try:
                done.append(deploy(bundle, author, process=process))
            except DefinitionRefused as refused:
                problems += refused.problems
        if problems:
            raise DefinitionRefused(problems)
    if not done:
        raise InvalidInput({"files": N_("没有一个现行流程用到这些文件，请连同流程图一起部署。")})
    return done
