"""The cases of one conformance model: a fast clock, messages carried between them,
every input journaled and replayed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from service.engine import journal, replay
from service.engine.bpmn.event_parsers import definition_nodes
from service.engine.conformance.manifest import Trial
from service.engine.definition import Definition, read_definition
from service.engine.engine import step
from service.engine.kernel.camunda_extensions import is_executable, local_name
from service.engine.kernel.diagram_reader import MADE, read_diagram
from service.engine.kernel.types import (
    BpmnError,
    Data,
    Input,
    Job,
    Request,
    StaleToken,
    Step,
    StepError,
    ThrownEvent,
)
from service.engine.kernel.xml_reader import BPMN
from service.engine.validation.allow_list import FLOW_NODES
from service.engine.validation.diagram import children
from service.engine.validation.elements.flows import starts_by_receiving

FUNCTIONS = ("trace", "raise_bpmn_error")
BEGIN = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
PATIENCE = timedelta(seconds=60)  # how long to wait for timers when the manifest does not say
MAX_INPUTS = 200  # ends the run of a model that never comes to rest
PARALLEL = "ParallelProcess"


@dataclass(slots=True)
class Running:
    """One case: its state, the rows of its journal, and what it waits for."""

    name: str
    definition: Definition
    state: bytes | None = None
    ended: bool = False
    incident: str = ""
    seq: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    awaited: tuple[str, ...] = ()


class Cases:
    """All cases of one run of a model."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.now = BEGIN
        self.running: list[Running] = []
        self.tokens: list[str] = []
        self.pending: list[tuple[Running, ThrownEvent]] = []
        self.starters = _started_by_events(files)

    def serve(self, request: Request) -> Data | None:
        """The host functions; every other topic waits for a worker that never comes."""
        if request.topic == "script.trace":
            self.tokens.append(str(request.data["arguments"][0]))
            return {"result": None}
        if request.topic == "script.raise_bpmn_error":
            raise BpmnError(str(request.data["arguments"][0]))
        return None

    def start(self, process: str | None, data: Data, message: str | None = None) -> Running:
        """A new case of a process; raises DefinitionRefused."""
        definition = read_definition(self.files, process, FUNCTIONS, deployment_rules=False)
        case = Running(f"{definition.process}-{len(self.running)}", definition)
        self.running.append(case)
        self.move(case, "start", element=message, data=data)
        return case

    def move(self, case: Running, what: str, **fields: Any) -> None:
        """One input to one case, journaled; a failed step becomes its incident."""
        given = Input(what, case.seq, self.now, **fields)
        salt = hashlib.sha256(f"{case.name} {case.seq}".encode()).digest()
        try:
            done = step(case.definition, case.state, given, self.serve, salt)
        except (StepError, StaleToken) as failed:
            case.incident = str(failed)
            return
        except BpmnError as error:
            case.incident = f"BPMN error {error.code}"
            return
        previous = case.rows[-1]["hash"] if case.rows else ""
        envelope = journal.Envelope(case.name, None, previous, salt)
        case.rows.append(journal.step_row(envelope, case.definition, given, done))
        self._keep(case, done)

    def _keep(self, case: Running, done: Step) -> None:
        case.seq += 1
        case.state, case.ended, case.awaited = done.state, done.ended, done.awaited
        for token in done.jobs_cleared:
            case.jobs.pop(token, None)
        case.jobs |= {job.token: job for job in done.jobs_set}
        for token in done.closed:
            case.users.pop(token, None)
        case.users |= {task.token: task.element for task in done.opened}
        if any(mark.startswith("!") for mark in done.trace):
            self.tokens.append("ERROR_thrownErrorEvent")
        self.pending += [(case, sent) for sent in done.sent]

    def settle(self, until: datetime) -> None:
        """Deliver, continue and let time pass until nothing more happens before this instant."""
        for _ in range(MAX_INPUTS):
            if not (self._deliver() or self._continue() or self._pass_time(until)):
                return

    def _deliver(self) -> bool:
        """Deliver the first event that has a receiver; a signal without one is lost, a message waits for one."""
        for sender, sent in self.pending:
            receivers = self._receivers(sender, sent)
            starts = self.starters.get((sent.kind, sent.name), [])
            if sent.kind == "message":
                starts = [] if receivers else starts[:1]
                if not receivers and not starts:
                    continue
            self.pending.remove((sender, sent))
            for case in receivers:
                data = {} if case is sender else sent.data  # who threw it sees its own variables as they are by now
                self.move(case, sent.kind, element=sent.name, data=data)
            for process in starts:
                self.start(process, sent.data, sent.name)
            return True
        return False

    def _receivers(self, sender: Running, sent: ThrownEvent) -> list[Running]:
        waiting = [case for case in self._open() if f"{sent.kind}:{sent.name}" in case.awaited]
        if sent.kind == "message":
            return waiting[:1]
        return [case for case in waiting if case is not sender]  # the engine has delivered it inside the sender

    def _continue(self) -> bool:
        for case in self._open():
            for job in case.jobs.values():
                if job.kind == "async":
                    self.move(case, "job", token=job.token, element=job.element)
                    return True
        return False

    def _pass_time(self, until: datetime) -> bool:
        timers = [(job.due, job.token, case, job) for case in self._open() for job in case.jobs.values() if job.due]
        due, _, case, job = min(timers, key=lambda timer: timer[:2], default=(None, "", None, None))
        if due is None or case is None or job is None or due > until:
            return False
        self.now = max(self.now, due)
        self.move(case, "timer", token=job.token, element=job.element, due=job.due)
        return True

    def _open(self) -> list[Running]:
        return [case for case in self.running if not case.ended and not case.incident]

    def audit(self) -> list[str]:
        """List faults of the journals: a broken chain, or a difference when full prediction runs them again."""
        faults = []
        for case in self.running:
            if fault := journal.verify_chain(case.rows):
                faults.append(f"{case.name}: {fault}")
            faults += replay.re_execute(case.rows, lambda digest, case=case: case.definition)  # type: ignore[misc]
        return faults


def _started_by_events(files: Mapping[str, bytes]) -> dict[tuple[str, str], list[str]]:
    """The processes that a message or signal starts, by kind and name."""
    found: dict[tuple[str, str], list[str]] = {}
    for file, data in files.items():
        root = read_diagram(data, file)
        for process in root.iter(f"{{{BPMN}}}process"):
            for start in children(process, "startEvent", "receiveTask"):
                for event in [start] if starts_by_receiving(start) else definition_nodes(start):
                    kind = "message" if event is start else local_name(event).removesuffix("EventDefinition")
                    wanted = (event.get(f"{kind}Ref") or "").rpartition(":")[2]
                    named = root.iter(f"{{{BPMN}}}{kind}") if kind in ("message", "signal") else ()
                    for name in (one.get("name") or wanted for one in named if one.get("id") == wanted):
                        found.setdefault((kind, name), []).append(process.get("id"))
    return found


def tokens_of(files: Mapping[str, bytes], process: str | None, trial: Trial) -> tuple[list[str], list[str]]:
    """The tokens that one run leaves, and what its journals do not prove. Raises DefinitionRefused."""
    cases = Cases(files)
    if trial.parallel:
        cases.start(PARALLEL, trial.data)
    cases.start(process, trial.data)
    cases.settle(BEGIN + (timedelta(milliseconds=trial.delay) if trial.delay else PATIENCE))
    if any(case.incident for case in cases.running):
        cases.tokens.append("ERROR_runtime")
    return cases.tokens, cases.audit()


def drive(files: Mapping[str, bytes]) -> tuple[bool, str, list[str]]:
    """Run a model without cases as far as it goes: tasks are completed without data, timers fire.

    Returns whether it ended, its incident if any, and what its journal does not prove. Raises DefinitionRefused.
    """
    cases = Cases(files)
    for process, message in _beginnings(files):
        cases.start(process, {"test": "", "integerVariable": 0}, message)
    for _ in range(MAX_INPUTS):
        cases.settle(cases.now + timedelta(days=400))
        case = next((c for c in cases._open() if c.users), None)
        if case is None:
            break
        token, element = next(iter(case.users.items()))
        cases.move(case, "complete", token=token, element=element)
    incident = next((c.incident for c in cases.running if c.incident), "")
    return all(c.ended for c in cases.running), incident, cases.audit()


def _beginnings(files: Mapping[str, bytes]) -> list[tuple[str, str | None]]:
    """Processes that may be executed and that no other calls, with the message or signal that starts each, if any."""
    roots = [read_diagram(data, file) for file, data in files.items()]
    called = {call.get("calledElement") for root in roots for call in root.iter(f"{{{BPMN}}}callActivity")}
    names = {process: name for (_, name), started in _started_by_events(files).items() for process in started}
    found = []
    for root in roots:
        for process in root.iter(f"{{{BPMN}}}process"):
            name = process.get("id")
            mine = is_executable(process) and not process.get(MADE)
            if mine and children(process, *FLOW_NODES) and name not in called:
                found.append((name, names.get(name)))
    return found
