"""Drafts: the next version of a process as people work on it, one for each key, checked as it is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from sqlalchemy import func, select

from service.domain.values.validators import parse_reason
from service.engine import ValidationIssue
from service.engine.canonical_files import without_drawing
from service.engine.comparison import Difference, compare
from service.errors import N_, Conflict, DefinitionRefused, InvalidInput, Message, NotFound
from service.models.db.clock import CHINA, now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.process import DefinitionVersion, ProcessDraft
from service.validation.characters import LINES, is_storable
from service.validation.form_reader import FormReader
from service.workflow.processes import definitions, rehearsals
from service.workflow.processes.diagram_layout import drawn_whole
from service.workflow.processes.rehearsals import Outcome
from service.workflow.processes.sent_files import accept
from service.workflow.versions import deployments, process_changes, stranded_cases
from service.workflow.versions.deployments import Author, Deployed

KEY = re.compile(r"[a-z][a-z0-9_]{1,59}")
BEGINNING = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="definitions_{key}" targetNamespace="anpei">
  <bpmn:process id="{key}" name="{name}" isExecutable="true">
    <bpmn:startEvent id="started" name="开始"><bpmn:outgoing>started_to_work</bpmn:outgoing></bpmn:startEvent>
    <bpmn:userTask id="work" name="办理"><bpmn:incoming>started_to_work</bpmn:incoming><bpmn:outgoing>work_to_done</bpmn:outgoing></bpmn:userTask>
    <bpmn:endEvent id="done" name="结束"><bpmn:incoming>work_to_done</bpmn:incoming></bpmn:endEvent>
    <bpmn:sequenceFlow id="started_to_work" sourceRef="started" targetRef="work" />
    <bpmn:sequenceFlow id="work_to_done" sourceRef="work" targetRef="done" />
  </bpmn:process>
</bpmn:definitions>
"""  # noqa: E501 - a file
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}\.(bpmn|dmn|form|yaml)")
LOCK = 0x6472  # of one key's draft, with the digest of the key
MOST_FILES, MOST_CHARACTERS = 40, 1_000_000  # of all together: the gate reads them while somebody waits


@dataclass(frozen=True, slots=True)
class Opened:
    """A draft as the studio shows it. version: of the draft, whose row outlives it; base: what it began with.

    Where there is none, ``saved_at`` is None and ``files`` are those in force.
    """

    key: str
    name: str
    version: int
    files: dict[str, str]
    main: str
    base: DefinitionVersion | None
    saved_at: datetime | None
    saved_by: str


def open_draft(key: str) -> Opened:
    """Read the draft of a process, else what is in force. Raises NotFound."""
    row = _draft(key)
    draft = row if _is_there(row) else None
    current = (
        session()
        .scalars(select(DefinitionVersion).where(DefinitionVersion.key == key, DefinitionVersion.current))
        .one_or_none()
    )
    if draft is None and current is None:
        raise NotFound(N_("没有名为“%(key)s”的流程。"), key=key)
    base = session().get(DefinitionVersion, draft.base) if draft and draft.base else current
    files = draft.files if draft else _texts(definitions.files(current.digest)) if current else {}
    main = base.main if base and base.main in files else next((n for n in sorted(files) if n.endswith(".bpmn")), "")
    return Opened(
        key,
        base.name if base else key,
        row.version if row else 0,
        dict(files),
        main,
        base,
        draft.saved_at if draft else None,
        process_changes.name_of(draft.saved_by) if draft else "",
    )


def keys() -> list[str]:
    """List the processes that have a draft."""
    return list(session().scalars(select(ProcessDraft.key).where(ProcessDraft.files != {}).order_by(ProcessDraft.key)))


def save(user: User, key: str, files: Mapping[str, Any], version: int, base: str | None = None) -> Opened:
    """Save the draft. version, base: of what was read. Raises Conflict where somebody else saved or deployed meanwhile,
    saying who and when, InvalidInput for what is no file of a bundle. The same once more is saved once.
    """
    texts = read_files(files)
    with transaction(Operation("save_draft", user.id)):
        row, opened = _locked(key), open_draft(key)
        began = opened.base.digest if opened.base else None
        if row and row.files == texts and (row.version, row.saved_by) == (version + 1, user.id):
            return opened  # saved already, and the answer was lost on its way
        if opened.version != version or (base is not None and base != began):
            raise Conflict(_overtaken(opened))
        _write(row, key, user, texts, began)
        return open_draft(key)


def begin(user: User, raw: Mapping[str, Any]) -> str:
    """Begin a process that does not exist yet, ``key`` and ``name``, with a start, a task and an end; its key.

    Raises InvalidInput at a field, Conflict where there is such a process or draft.
    """
    entry = FormReader(raw)
    key, name = entry.typed("key"), entry.text("name", 60, required=True)
    if not KEY.fullmatch(key):
        entry.refuse("key", N_("标识由 2 至 60 个小写字母、数字或下划线组成，以字母开头。"))
    entry.check()
    with transaction(Operation("save_draft", user.id)) as current:
        row = _locked(key)
        known = select(DefinitionVersion.digest).where(DefinitionVersion.key == key).limit(1)
        if current.scalar(known) or _is_there(row):
            raise Conflict(N_("已有这个标识的流程或草稿，请换一个标识，或打开它修改。"))
        files = {f"{key}.bpmn": BEGINNING.format(key=key, name=escape(str(name), {'"': "&quot;"}))}
        _write(row, key, user, files, None)
    return key


def begin_from(user: User, key: str, number: int, version: int) -> None:
    """Begin the draft with the files of a version, in force or not, in place of what the draft has. version: of the
    draft. Raises NotFound, Conflict as ``propose``.
    """
    chosen = select(DefinitionVersion.digest).where(DefinitionVersion.key == key, DefinitionVersion.number == number)
    in_force = select(DefinitionVersion.digest).where(DefinitionVersion.key == key, DefinitionVersion.current)
    with transaction(Operation("save_draft", user.id)) as current:
        row = _locked(key)
        if (digest := current.scalar(chosen)) is None:
            raise NotFound
        if (row.version if row else 0) != version:
            raise Conflict(_overtaken(open_draft(key)))
        _write(row, key, user, _texts(definitions.files(digest)), current.scalar(in_force))


def discard(user: User, key: str, version: int) -> None:
    """Give the draft up: the studio shows what is in force again. Raises NotFound, Conflict as ``propose``."""
    with transaction(Operation("discard_draft", user.id)):
        row = _locked(key)
        if row is None or not row.files:
            raise NotFound
        if row.version != version:
            raise Conflict(_overtaken(open_draft(key)))
        _empty(row)


def propose(user: User, key: str, version: int, note: str) -> Deployed:
    """Send the draft on: what passes the gate waits for the approval of somebody else, or is in force at once.

    Raises InvalidInput without a reason, DefinitionRefused with what the gate says, Conflict where the draft was saved
    meanwhile.
    """
    reason = parse_reason(note, "change_note")
    with transaction(Operation("propose_draft", user.id)):
        row = _locked(key)
        if row is None or not row.files or row.version != version:
            raise Conflict(_overtaken(open_draft(key)))
        done = deployments.deploy(_bytes(row.files), Author("studio", user, note=reason), process=key)
        if done.change is None and not done.is_new and done.replaced is None:
            raise InvalidInput({"change_note": N_("草稿与现行版本相同，没有要送审的变更。")})
        _empty(row)
    return done


def judge(key: str, files: Mapping[str, str]) -> tuple[list[ValidationIssue], list[Outcome]]:
    """Ask the gate; of what it lets pass, count the cases that would stay behind, and run the model tests."""
    found = examine(files)
    if any(issue.is_refusal for issue in found):
        return found, []
    stranded = stranded_cases.warnings_of_files(_bytes(files))
    return [*stranded, *found], rehearsals.run_tests(key, files, is_checked=True)


def examine(files: Mapping[str, str]) -> list[ValidationIssue]:
    """List what the gate says of a draft."""
    try:
        return definitions.examine(_bytes(files))
    except DefinitionRefused as refused:
        return list(refused.problems)


def read_files(files: Mapping[str, Any]) -> dict[str, str]:
    """Texts by name, as a browser sends them. Raises InvalidInput at ``files``."""
    if not isinstance(files, Mapping) or not 0 < len(files) <= MOST_FILES:
        raise _refuse(N_("草稿应有 1 至 %(most)s 个文件。"), most=MOST_FILES)
    for name, text in files.items():
        if not NAME.fullmatch(name):
            raise _refuse(
                N_("文件名“%(name)s”应由字母、数字、下划线组成，以 .bpmn、.dmn、.form 或 .yaml 结尾。"), name=name[:100]
            )
        if not isinstance(text, str) or not is_storable(text, LINES):
            raise _refuse(N_("文件“%(name)s”含有不能保存的字符。"), name=name)
    if sum(map(len, files.values())) > MOST_CHARACTERS:
        raise _refuse(N_("草稿超过 %(most)s 个字符。"), most=MOST_CHARACTERS)
    accept(_bytes(files))
    return dict(files)


def _refuse(text: str, **values: object) -> InvalidInput:
    said = Message(text, **values)
    return InvalidInput({"files": said}, text=said)


def drawn(files: Mapping[str, str]) -> dict[str, str]:
    """Give the files with a drawing of what has none; one that cannot be read stays as it is."""
    found = dict(files)
    for name in files:
        if name.endswith(".bpmn"):
            with suppress(DefinitionRefused):
                found[name] = drawn_whole(files[name].encode(), name).decode()
    return found


def _draft(key: str) -> ProcessDraft | None:
    query = select(ProcessDraft).where(ProcessDraft.key == key)
    return session().scalars(query.execution_options(populate_existing=True)).one_or_none()


def _locked(key: str) -> ProcessDraft | None:
    """The draft as it is now; nobody else changes or begins it before the commit."""
    session().execute(select(func.pg_advisory_xact_lock(LOCK, func.hashtext(key))))
    return _draft(key)


def _is_there(row: ProcessDraft | None) -> bool:
    return row is not None and bool(row.files)


def _write(row: ProcessDraft | None, key: str, user: User, files: dict[str, str], base: str | None) -> None:
    """Save files as the draft, which counts on from the one before."""
    if row is None:
        row = ProcessDraft(id=new_id(), key=key, files={}, version=0)
        session().add(row)
    row.files, row.base = files, base
    row.version, row.saved_by, row.saved_at = row.version + 1, user.id, now()
    session().flush()


def version_of(key: str) -> int:
    """The number of saves of the draft of a process, 0 where there never was one."""
    return session().scalar(select(ProcessDraft.version).where(ProcessDraft.key == key)) or 0


def _empty(row: ProcessDraft) -> None:
    """End a draft. Its row goes on counting: who still has it open never saves over the next one."""
    row.files, row.version = {}, row.version + 1
    session().flush()


def _overtaken(opened: Opened) -> Message:
    if not opened.saved_by:
        return Message(N_("草稿已送审或放弃。您的改动还在这一页；请先下载，再重新打开。"))
    at = f"{opened.saved_at.astimezone(CHINA):%m-%d %H:%M}" if opened.saved_at else ""
    return Message(N_("%(who)s 此间保存了草稿（%(at)s）。您的改动还在这一页，没有保存。"), who=opened.saved_by, at=at)


def _texts(files: Mapping[str, bytes]) -> dict[str, str]:
    try:
        return {name: content.decode("utf-8-sig") for name, content in files.items()}
    except UnicodeDecodeError as error:
        raise Conflict(N_("这个流程的文件不是 UTF-8 编码，请先用建模工具另存。")) from error


def _bytes(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}


def differences(base: Mapping[str, bytes], files: Mapping[str, str]) -> list[Difference]:
    """List what a draft changes in the version that it began with."""
    return compare(base, _bytes(files))


def readable_lines(name: str, text: str) -> list[str]:
    """The lines of a file without its drawing, whatever its editor did to the others; as it is where it is broken."""
    with suppress(DefinitionRefused, ValueError, RecursionError):
        text = without_drawing(name, text.encode())
    return text.splitlines()
