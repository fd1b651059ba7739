"""A bundle of files → an executable definition: checked by the gate, parsed once, kept by its digest."""

from __future__ import annotations

import hashlib
import threading
import types
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.specs.MultiChoice import MultiChoice
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine import activities, decision, parser, subprocesses
from service.engine.canon import canonical
from service.engine.events import EventBasedGateway
from service.engine.gate import check
from service.engine.read import BPMN, CAMUNDA, parse
from service.engine.values import Data, Element, Problem
from service.errors import DefinitionRefused

KEPT = 256  # definitions in memory

_NODES = frozenset(
    [
        "startEvent",
        "endEvent",
        "userTask",
        "manualTask",
        "task",
        "scriptTask",
        "serviceTask",
        "businessRuleTask",
        "sendTask",
        "receiveTask",
        "subProcess",
        "transaction",
        "callActivity",
        "exclusiveGateway",
        "parallelGateway",
        "inclusiveGateway",
        "eventBasedGateway",
        "intermediateCatchEvent",
        "intermediateThrowEvent",
        "boundaryEvent",
    ]
)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the dialect says about one element beyond BPMN; texts as written, ``${…}`` not yet evaluated."""

    role: str | None = None
    assignee: str | None = None
    form_key: str | None = None
    due: str | None = None
    follow_up: str | None = None
    priority: str | None = None
    async_before: bool = False
    topic: str | None = None
    decision: str | None = None
    result: str | None = None
    result_shape: str | None = None
    interrupting: bool = True
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)


class Model:
    """The specifications of a definition, for one way of running them: lean (short prediction) or plain (the library's)."""

    def __init__(self, definition: Definition, lean: bool) -> None:
        self.main, self.inner = parser.specifications(definition.files, definition.process)
        self.names: dict[str, tuple[list[Any], dict[str, int]]] = {}
        for spec in (self.main, *self.inner.values()):
            for task_spec in spec.task_specs.values():
                _prepare(task_spec, definition)
                if lean:
                    _shorten(task_spec)


class Definition:
    """An immutable version of a process; made by ``read`` only."""

    def __init__(
        self, files: Mapping[str, bytes], process: str, main: str, digest: str, functions: tuple[str, ...]
    ) -> None:
        self.files = dict(sorted(files.items()))
        self.process, self.main, self.digest, self.functions = process, main, digest, functions
        self.name = process
        self.elements: dict[str, Element] = {}
        self.attributes: dict[str, Attributes] = {}
        self.messages: tuple[str, ...] = ()
        self.decisions: dict[str, decision.Table] = {}
        self._survey()
        self.topics = _distinct(e.topic for e in self.elements.values())
        self.forms = _distinct(e.form_key for e in self.elements.values())

    @cached_property
    def lean(self) -> Model:
        """The specifications that production runs."""
        return Model(self, lean=True)

    @cached_property
    def plain(self) -> Model:
        """The same with the library's full prediction: what ``verify`` runs."""
        return Model(self, lean=False)

    def properties(self, element: str) -> dict[str, str]:
        """The ``camunda:property`` values of an element."""
        return dict(self.attributes[element].properties)

    def decide(self, name: str, facts: Data) -> Data:
        """One decision of the bundle. Raises ValueError when it is not there or does not decide."""
        table = self.decisions.get(name)
        if table is None:
            raise ValueError(f"没有决策 {name}")
        return decision.evaluate(table, facts)

    def _survey(self) -> None:
        messages: set[str] = set()
        for file, data in self.files.items():
            if file.endswith(".dmn"):
                self.decisions.update(decision.read_tables(data, file))
            if not file.endswith(".bpmn"):
                continue
            root = parse(data, file)
            messages |= {m.get("name") or m.get("id") for m in root.iter(f"{{{BPMN}}}message")}
            for process in root.iter(f"{{{BPMN}}}process"):
                self._add_process(process)
                for node in process.iter():
                    if _local(node) in _NODES and node.get("id"):
                        self._add(node, process.get("id"))
        self.messages = tuple(sorted(messages))

    def _add_process(self, node: Any) -> None:
        identity, name = node.get("id"), node.get("name") or node.get("id")
        if identity == self.process:
            self.name = name
        role = node.get(f"{{{CAMUNDA}}}candidateStarterGroups")
        self.elements[identity] = Element(identity, name, "process", identity, node.sourceline or 0, role=role)

    def _add(self, node: Any, process: str) -> None:
        found = attributes_of(node)
        identity = node.get("id")
        self.attributes[identity] = found
        self.elements[identity] = Element(
            id=identity,
            name=node.get("name") or identity,
            type=_local(node),
            process=process,
            line=node.sourceline or 0,
            form_key=found.form_key,
            role=found.role,
            topic=found.topic,
            called=node.get("calledElement"),
            decision=found.decision,
        )


def attributes_of(node: Any) -> Attributes:
    """The dialect's attributes and extension elements of one flow node."""

    def camunda(name: str) -> str | None:
        text = node.get(f"{{{CAMUNDA}}}{name}")
        return text.strip() if text and text.strip() else None

    extensions = node.find(f"{{{BPMN}}}extensionElements")
    mapping: dict[str, dict[str, str]] = {"inputParameter": {}, "outputParameter": {}, "property": {}}
    for found in extensions.iter() if extensions is not None else ():
        if _local(found) in mapping and found.get("name"):
            mapping[_local(found)][found.get("name")] = (found.get("value") or found.text or "").strip()
    return Attributes(
        role=camunda("candidateGroups"), assignee=camunda("assignee"), form_key=camunda("formKey"),
        due=camunda("dueDate"), follow_up=camunda("followUpDate"), priority=camunda("priority"),
        async_before=camunda("asyncBefore") == "true", topic=camunda("topic"), decision=camunda("decisionRef"),
        result=camunda("resultVariable"), result_shape=camunda("mapDecisionResult"), interrupting=_interrupts(node), inputs=mapping["inputParameter"], outputs=mapping["outputParameter"],
        properties=mapping["property"],
    )  # fmt: skip


def _interrupts(node: Any) -> bool:
    """Of an event subprocess: what its start event says."""
    start = node.find(f"{{{BPMN}}}startEvent")
    return start is None or start.get("isInterrupting", "true") == "true"


def _local(node: Any) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _distinct(values: Any) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def _prepare(spec: Any, definition: Definition) -> None:
    """Give a task specification what the diagram says about it."""
    identity = spec.name.removesuffix(" [child]")
    found = definition.attributes.get(identity) if getattr(spec, "bpmn_id", None) else None
    spec.traced = found is not None and not isinstance(spec, LoopTask)
    spec.attributes = found
    if isinstance(spec, LoopTask):
        inner = spec._wf_spec.task_specs[spec.task_spec]
        inner.completed_event.connect(spec.merge_child)
    if found is None:
        return
    if isinstance(spec, activities.ServiceTask):
        spec.topic = found.topic or identity
    elif isinstance(spec, activities.ScriptTask):
        spec.functions = definition.functions
    elif isinstance(spec, activities.BusinessRuleTask):
        spec.table, spec.shape = definition.decisions[found.decision or ""], found.result_shape
    elif isinstance(spec, subprocesses.EventSubProcess):
        spec.interrupting = found.interrupting
    if found.async_before and not spec.name.endswith(" [child]"):
        spec._update = types.MethodType(activities.hold, spec)


def _shorten(spec: Any) -> None:
    """Predict one level, and only when a task runs: the tree holds what is live and nothing that may be."""
    spec._predict = types.MethodType(_predict_nothing, spec)
    if not isinstance(spec, MultiChoice | EventBasedGateway):  # those choose their outputs when they run
        spec._run = types.MethodType(_predict_and_run, spec)


def _predict_nothing(
    spec: Any, task: Task, seen: Any = None, ahead: int = 0, mask: int = TaskState.PREDICTED_MASK
) -> None:
    return


def _predict_and_run(spec: Any, task: Task) -> Any:
    if not task._children or all(child.triggered for child in task.children):
        spec._predict_hook(task)
    return type(spec)._run(spec, task)


_cache: OrderedDict[tuple[Any, ...], Definition] = OrderedDict()
_lock = threading.Lock()


def read(
    files: Mapping[str, bytes],
    process: str | None = None,
    functions: tuple[str, ...] = (),
    *,
    house: bool = True,
    gate: bool = True,
) -> Definition:
    """The definition of a bundle; raises DefinitionRefused with every problem the gate finds.

    ``process`` names the main process when several could be it; ``functions`` are host functions that scripts may
    call (served as topic ``script.<name>``); ``house`` also applies the rules of a deployment that are not BPMN's;
    ``gate=False`` is for versions in force, which must load even when the gate has become stricter.
    """
    digest = digest_of(files)
    key = (digest, process or "", functions, house or not gate)
    with _lock:
        found = _cache.get(key)
        if found is not None:
            _cache.move_to_end(key)
            return found
    problems = check(files, house=house, functions=functions) if gate else []
    if problems:
        raise DefinitionRefused(problems)
    found = Definition(files, *_main(files, process), digest, functions)
    _ = found.lean
    with _lock:
        _cache[key] = found
        while len(_cache) > KEPT:
            _cache.popitem(last=False)
    return found


def digest_of(files: Mapping[str, bytes]) -> str:
    """The address of a bundle: SHA-256 over the canonical form of {file name: SHA-256 of its bytes}."""
    return hashlib.sha256(
        canonical({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    ).hexdigest()


def _main(files: Mapping[str, bytes], process: str | None) -> tuple[str, str]:
    """The main process and its file: the one named, else the only one that no other calls."""
    found: dict[str, str] = {}
    called: set[str] = set()
    for file in sorted(files):
        if not file.endswith(".bpmn"):
            continue
        root = parse(files[file], file)
        for node in root.iter(f"{{{BPMN}}}process"):
            if node.get("isExecutable", "true") == "true":
                found[node.get("id")] = file
        called |= {node.get("calledElement") for node in root.iter(f"{{{BPMN}}}callActivity")}
    free = [process] if process in found else [] if process else [name for name in found if name not in called]
    if not free and not process and len(found) == 1:
        free = list(found)
    if len(free) != 1:
        raise DefinitionRefused(
            [
                Problem(
                    file=next(iter(sorted(files)), ""), line=0, element=process or "",
                    zh="不能确定主流程。", en="Which process is the main one cannot be told.",
                    mend_zh="只留一个不被其他流程调用的可执行流程,或指明流程编号。",
                    mend_en="Keep one executable process that no other calls, or name the process.",
                )
            ]
        )  # fmt: skip
    return free[0], found[free[0]]
