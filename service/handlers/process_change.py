"""流程变更: a new version of a process is put in force when somebody other than its proposer approves it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from service.domain.system.deployment_source import DeploymentSource
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, NotAllowed, NotFound
from service.handlers.registry import Ending, describe_process, message, task_subject, topic
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.process import DefinitionFile, DefinitionVersion, ProcessChange, ProcessDraft
from service.operations.context import Context, TaskSubject
from service.operations.deployments import (
    DEPLOY,
    RESTORE,
    deployment_event,
    is_refused_now,
    lock_deployments,
    put_in_force,
)
from service.operations.personal_values import typed_text
from service.validation.typed_text import as_id

describe_process("process_change", starts_with="change_id", messages={"withdraw_change": message()})

TELL = "tell_proposer"  # the effect by which its proposer gets a mail
SAME_PERSON = N_("提出人不能批准自己的变更，请由另一位流程管理员办理。")
OVERTAKEN = N_("提出以后，现行版本已另有变更。请选“不同意”，由提出人在现行版本上重新修改。")
REFUSED_NOW = N_("提出以后，检查已不让这一版生效，问题见“检查”一栏。请选“不同意”，由提出人改正后重新送审。")


@task_subject("process_change", barred=SAME_PERSON)
def describe_subject(data: dict[str, Any]) -> TaskSubject:
    """Describe a change by its process; ``barred`` hides the task from the proposer."""
    if "change_id" not in data:
        return TaskSubject()
    row = _change(data)
    version = session().get_one(DefinitionVersion, row.definition)
    facts: dict[str, Any] = {"process_version": version.number}
    if row.proposer_id:
        facts["barred"] = str(row.proposer_id)
    return TaskSubject(subject=version.name, summary=row.note[:100], facts=facts)


@topic("process_change.receive", needs="change_id")
def receive(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Link a new change to its case. Raises Conflict for a second case."""
    row = _change(data)
    if row.case_id is not None or context.actor_id not in (None, row.proposer_id):
        raise Conflict(N_("这项变更已经提交过。"))
    row.case_id = context.case_id
    return {}


@topic(
    "process_change.activate",
    needs="change_id",
    ends=Ending(N_("新版本随即生效，此后发起的案卷都按它办理；需要时可以恢复旧版本。")),
)
def activate(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Put the version in force. Raises NotAllowed for its proposer, Conflict where another one came in between."""
    lock_deployments()
    row = _own_change(context, data)
    if context.actor_id is None or row.proposer_id in context.doers:
        raise NotAllowed(SAME_PERSON)
    in_force = select(DefinitionVersion.digest).where(DefinitionVersion.key == row.key, DefinitionVersion.current)
    if session().scalar(in_force) != row.replaces:
        raise Conflict(OVERTAKEN)
    version = session().get_one(DefinitionVersion, row.definition)
    if is_refused_now(version):
        raise Conflict(REFUSED_NOW)
    replaced = put_in_force(version)
    action = RESTORE if replaced and replaced > version.number else DEPLOY
    proposer = User.get(row.proposer_id) if row.proposer_id else None
    told = {"way": row.source, "note": row.note, "proposer": proposer.login if proposer else row.proposed_as}
    session().add(deployment_event(action, version, replaced, told, User.get(context.actor_id)))
    _decide(context, row, "approved")
    return {}


@topic(
    "process_change.refuse",
    needs="change_id",
    reads="reason",
    ends=Ending(N_("这次变更就此结束，现行版本不变；提出人可以修改后重新提出。")),
)
def refuse(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Refuse with a reason; what is in force stays."""
    row = _own_change(context, data)
    row.comment = parse_reason(typed_text(data, "reason"))
    _decide(context, row, "refused")
    _give_back(row)
    return {}


@topic("process_change.withdraw", needs="change_id")
def withdraw(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Take it back, as its proposer does; superseded where its version came into force without approval."""
    row = _own_change(context, data)
    if session().get_one(DefinitionVersion, row.definition).current:
        _decide(context, row, "superseded")
        return {}
    _decide(context, row, "withdrawn")
    _give_back(row)
    return {}


def _give_back(row: ProcessChange) -> None:
    """Let people go on in the studio from what came from there, unless another draft has begun since."""
    query = select(ProcessDraft).where(ProcessDraft.key == row.key).with_for_update()
    draft = session().scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row.source != DeploymentSource.STUDIO or draft is None or draft.files:
        return
    columns = (DefinitionFile.name, DefinitionFile.content)
    files = session().execute(select(*columns).where(DefinitionFile.definition == row.definition))
    draft.files = {name: bytes(content).decode() for name, content in files}
    draft.base, draft.version, draft.saved_by = row.replaces, draft.version + 1, row.proposer_id


def _decide(context: Context, row: ProcessChange, state: str) -> None:
    if row.state != "proposed":
        raise Conflict(N_("这项变更已有结论。"))
    row.state, row.decided_by, row.decided_at = state, context.actor_id, context.at
    if row.proposer_id and row.proposer_id != context.actor_id:
        context.leave_effect(TELL, {"change_id": str(row.id)})


def _own_change(context: Context, data: dict[str, Any]) -> ProcessChange:
    """The change that this case was opened for: a mended variable does not put another in its place."""
    row = _change(data)
    if row.case_id != context.case_id:
        raise NotFound
    return row


def _change(data: dict[str, Any]) -> ProcessChange:
    key = as_id(data.get("change_id"))
    found = session().get(ProcessChange, key) if key else None
    if found is None:
        raise NotFound
    return found
