"""The values that cross the engine's border: what goes into a step, and what comes out. Plain data, no behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from service.errors import Conflict, ProcessError, TaskAlreadyDone

Data = dict[str, Any]  # JSON values without floats; keys are identifiers

SEVERITIES = {"refused": "拒绝", "warning": "提醒", "note": "说明"}


@dataclass(frozen=True, slots=True)
class ValidationIssue:
    """One reason to refuse a definition, a warning of what runs but will surprise, or a note of what is worth knowing.

    ``line`` counts from 1 (0: the file as a whole); ``element`` is the id in the diagram or ''; ``rule`` names the rule
    that found it; ``severity``: refused | warning | note.
    """

    file: str
    line: int
    element: str
    zh: str
    en: str
    remedy_zh: str = ""
    remedy_en: str = ""
    rule: str = ""
    severity: str = "refused"

    @property
    def is_refusal(self) -> bool:
        """Tell whether the definition may not be deployed."""
        return self.severity == "refused"

    @property
    def is_warning(self) -> bool:
        """Tell whether it runs, and will surprise."""
        return self.severity == "warning"

    def text(self, language: str = "zh") -> str:
        """One line for a console or a log: ``file:line element: sentence. How to mend it.``"""
        say, mend = (self.zh, self.remedy_zh) if language == "zh" else (self.en, self.remedy_en)
        marked = SEVERITIES[self.severity] if language == "zh" else self.severity
        rule = f"{marked} {self.rule}: " if self.rule or not self.is_refusal else ""
        return f"{self.file}:{self.line} {self.element or '-'}: {rule}{say} {mend}".rstrip()


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that moves a case.

    kind: start | complete | timer | message | signal | external | error | job | readdress | undo; mends are
    variables (data ``values``) | move (data ``to``: an element) | skip | cancel; migrate (data: a Plan's)
    seq: place in the case's journal, from 0; at: instant, UTC; token: the token moved (complete, timer, external,
    error, job); element: path of its element, or the name of the message or signal; due: of the timer that fired;
    data: JSON without floats, written where the token stands (``DataScope.write``).
    """

    kind: str
    seq: int
    at: datetime
    token: str | None = None
    element: str | None = None
    due: datetime | None = None
    data: Data = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserTask:
    """A user task that opened: the row of the inbox.

    token: ``seq.n``; element: path (``sub/confirm``); scope: value of the ``scope`` property, the organisation's id
    as text, or None for the one organisation of that role; due, follow_up: UTC.
    """

    token: str
    element: str
    name: str
    role: str | None
    scope: str | None
    form_key: str | None
    assignee: str | None = None
    due: datetime | None = None
    follow_up: datetime | None = None
    priority: int = 50
    summary: str = ""
    batch: str | None = None
    instance: Any = None


@dataclass(frozen=True, slots=True)
class Job:
    """Something that must happen later to a token.

    kind: timer (``due`` set) | async (continue after a commit) | external (a worker fetches ``topic``).
    """

    token: str
    element: str
    kind: str
    due: datetime | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """A service task served by a handler, as recorded: ``order`` counts the calls of one step from 0."""

    element: str
    topic: str
    order: int
    result: Data


class Reached(NamedTuple):
    """A state that an element sets, and the name it has there when that is another than the usual one."""

    state: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ThrownEvent:
    """A message or signal thrown by the diagram, to be delivered as a row after the commit."""

    kind: str  # message | signal
    name: str
    element: str
    data: Data


@dataclass(frozen=True, slots=True)
class Request:
    """A call of a topic's handler: topic, path of the element, and a private copy of what its scope sees."""

    topic: str
    element: str
    data: Data


TopicHandler = Callable[[Request], "Data | None"]
"""Serves a topic. Returns the data to merge, or None when the topic has no handler here and an external worker
must do it (the token then waits as a Job of kind external). May raise BpmnError to follow an error boundary event."""


class BpmnError(Exception):
    """Thrown by a handler to take the error boundary event with this ``code``."""

    def __init__(self, code: str, message: str = "", data: Mapping[str, Any] | None = None) -> None:
        super().__init__(message or code)
        self.code = code
        self.data = dict(data or {})


class StaleToken(TaskAlreadyDone):
    """已被处理

    The input has no place in this state: the token is gone, or nobody waits for that message. ``detail`` names them,
    for logs and replays; the user reads the message.
    """

    def __init__(self, detail: str) -> None:
        super().__init__()
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class MendRefused(Conflict):
    """这个环节不能这样修复。"""

    code = "mend_refused"


class MigrationRefused(Conflict):
    """这个案卷不能迁移到新版本。

    ``element``: where it stands, in the old version, or the join of the new one that it could not fill.
    """

    code = "migration_refused"

    def __init__(self, text: str | None = None, *, element: str = "", **names: Any) -> None:
        super().__init__(text, **names)
        self.element = element


class MissingRecordedResult(Exception):
    """A service was called for which the journal holds no result (re-execution only)."""


class StepError(ProcessError):
    """流程运行出错，已记录为故障，处理后可以重试。

    A script, a condition or SpiffWorkflow failed in a step; nothing of the step counts. ``detail`` says why, for the
    incident of the case; the user reads the message. ``element``: path of the element that failed, or ''.
    """

    def __init__(self, detail: str, element: str = "") -> None:
        super().__init__()
        self.detail = detail
        self.element = element

    def __str__(self) -> str:
        return self.detail


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one input.

    state: bytes for the case row; opened/closed: user tasks (closed as token ids); readdressed: open tasks whose role,
    scope, due or summary changed; jobs_set/jobs_cleared (as token ids); awaited: names of the messages and signals
    that wait now, ``message:name``/``signal:name``; sent: thrown; trace: element paths in order, ``+`` completed
    or ``-`` cancelled; calls, decisions (``0``/``1``/``?`` for each condition evaluated) as recorded;
    reached: the state that the diagram says its subject is in now, None where this step reached none;
    shape: hex SHA-256 over open elements and waits; data_digest: the same over data, salted; data: the variables of
    the process; moves: of tokens between specifications, of which nothing is recorded: they follow from the rest.
    """

    state: bytes
    ended: bool
    opened: tuple[UserTask, ...]
    closed: tuple[str, ...]
    readdressed: tuple[UserTask, ...]
    jobs_set: tuple[Job, ...]
    jobs_cleared: tuple[str, ...]
    awaited: tuple[str, ...]
    sent: tuple[ThrownEvent, ...]
    trace: tuple[str, ...]
    calls: tuple[ServiceCall, ...]
    decisions: str
    shape: str
    data_digest: str
    data: Data
    reached: Reached | None = None
    moves: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a definition, as pages and checks need it. ``type`` is BPMN's local name (``userTask``)."""

    id: str
    name: str
    type: str
    process: str
    line: int
    form_key: str | None = None
    role: str | None = None
    topic: str | None = None
    called: str | None = None
    decision: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayFrame:
    """The case after one row of its journal, for the replay page.

    definition: digest in force; tokens: element paths with a token; done: path → how often completed; data: the
    variables of the process then; ended: whether the case was over; flows: ids of the sequence flows that tokens took.
    """

    seq: int
    definition: str
    tokens: tuple[str, ...]
    done: dict[str, int]
    data: Data
    ended: bool
    flows: tuple[str, ...]
