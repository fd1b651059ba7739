"""Read a bundle of files as an executable definition: validated, parsed once, cached by its digest."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from SpiffWorkflow.exceptions import SpiffWorkflowException

from service.engine.bpmn.spec_builder import ExecutableSpecs
from service.engine.dmn import model
from service.engine.kernel.camunda_extensions import (
    Attributes,
    attributes_of,
    is_diagram,
    is_executable,
    local_name,
)
from service.engine.kernel.canonical_json import canonical
from service.engine.kernel.diagram_reader import MADE, read_diagram
from service.engine.kernel.types import Data, Element, ValidationIssue
from service.engine.kernel.xml_reader import BPMN, CAMUNDA
from service.engine.validation import validator
from service.engine.validation.resolution.vocabulary import Vocabulary
from service.errors import DefinitionRefused

CACHE_SIZE = 256  # definitions in memory

_NODES = {
    "startEvent",
    "endEvent",
    "intermediateCatchEvent",
    "intermediateThrowEvent",
    "boundaryEvent",
    "userTask",
    "manualTask",
    "task",
    "scriptTask",
    "serviceTask",
    "businessRuleTask",
    "sendTask",
    "receiveTask",
    "exclusiveGateway",
    "parallelGateway",
    "inclusiveGateway",
    "complexGateway",
    "eventBasedGateway",
    "subProcess",
    "transaction",
    "adHocSubProcess",
    "callActivity",
}


class Definition:
    """An immutable version of a process; made by ``read_definition`` only."""

    def __init__(
        self, files: Mapping[str, bytes], process: str, main: str, digest: str, functions: tuple[str, ...]
    ) -> None:
        self.files = dict(sorted(files.items()))
        self.process, self.main, self.digest, self.functions = process, main, digest, functions
        self.name = process
        self.elements: dict[str, Element] = {}
        self.attributes: dict[str, Attributes] = {}
        self.english: dict[str, str] = {}
        self.messages: tuple[str, ...] = ()
        self.warnings: tuple[ValidationIssue, ...] = ()
        self.decisions: dict[str, model.Decision] = {}
        self._survey()
        self.topics = _distinct(e.topic for e in self.elements.values())
        self.forms = _distinct(e.form_key for e in self.elements.values())

    @cached_property
    def sets_states(self) -> bool:
        """Tell whether the diagram says in which state its subject is; earlier ones leave it to topics."""
        return any("state" in found.properties for found in self.attributes.values())

    @cached_property
    def flows(self) -> dict[tuple[str, str], str]:
        """The ids of the sequence flows, by the elements that they join; of several between the same the first."""
        found: dict[tuple[str, str], str] = {}
        for file in filter(is_diagram, self.files):
            for flow in read_diagram(self.files[file], file).iter(f"{{{BPMN}}}sequenceFlow"):
                found.setdefault((flow.get("sourceRef"), flow.get("targetRef")), flow.get("id"))
        return found

    @property
    def start_form(self) -> str | None:
        """The form key of the process's start event: it declares all that a client may bring along."""
        starts = (e for e in self.elements.values() if e.type == "startEvent" and e.process == self.process)
        return next((e.form_key for e in starts if e.form_key), None)

    @cached_property
    def compact_specs(self) -> ExecutableSpecs:
        """Build the specifications that production runs: prediction goes one level ahead."""
        return self._specs(compact=True)

    @cached_property
    def reference_specs(self) -> ExecutableSpecs:
        """Build the same specifications with SpiffWorkflow's full prediction, which ``anpei verify`` runs."""
        return self._specs(compact=False)

    def _specs(self, compact: bool) -> ExecutableSpecs:
        return ExecutableSpecs(self.files, self.process, self.attributes, self.decisions, self.functions, compact)

    def properties(self, element: str) -> dict[str, str]:
        """The ``camunda:property`` values of an element."""
        return dict(self.attributes[element].properties)

    def decide(self, name: str, facts: Data) -> Data:
        """One decision of the bundle. Raises ValueError when it is not there or does not decide."""
        decision = self.decisions.get(name)
        if decision is None:
            raise ValueError(f"没有决策 {name}")
        return model.evaluate(decision, facts)

    def _survey(self) -> None:
        messages: set[str] = set()
        for file, data in self.files.items():
            if file.endswith(".dmn"):
                self.decisions.update(model.read_decisions(data, file))
            if not is_diagram(file):
                continue
            root = read_diagram(data, file)
            messages |= {m.get("name") or m.get("id") for m in root.iter(f"{{{BPMN}}}message")}
            for process in root.iter(f"{{{BPMN}}}process"):
                self._add_process(process)
                for node in process.iter():
                    if local_name(node) in _NODES and node.get("id"):
                        self._add(node, process.get("id"))
        self.messages = tuple(sorted(messages))

    def _add_process(self, node: Any) -> None:
        identity, name = node.get("id"), node.get("name") or node.get("id")
        if identity == self.process:
            self.name = name
        self._note_english(name, attributes_of(node).properties)
        role = node.get(f"{{{CAMUNDA}}}candidateStarterGroups")
        self.elements[identity] = Element(identity, name, "process", identity, node.sourceline or 0, role=role)

    def _add(self, node: Any, process: str) -> None:
        found = attributes_of(node)
        identity = node.get("id")
        self.attributes[identity] = found
        self._note_english(node.get("name") or "", found.properties)
        self.elements[identity] = Element(
            id=identity,
            name=node.get("name") or identity,
            type=local_name(node),
            process=process,
            line=node.sourceline or 0,
            form_key=found.form_key,
            role=found.role,
            topic=found.topic,
            called=node.get("calledElement"),
            decision=found.decision,
        )

    def _note_english(self, name: str, properties: Mapping[str, str]) -> None:
        """Note the English that stands beside the name of an element and of its state."""
        for text, english in ((name, "name_en"), (properties.get("state_name"), "state_name_en")):
            if text and properties.get(english):
                self.english[text] = properties[english]


def _distinct(values: Any) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


_cache: OrderedDict[tuple[Any, ...], Definition] = OrderedDict()
_lock = threading.Lock()


def read_definition(
    files: Mapping[str, bytes],
    process: str | None = None,
    functions: tuple[str, ...] = (),
    *,
    deployment_rules: bool = True,
    vocabulary: Vocabulary | None = None,
    validate: bool = True,
) -> Definition:
    """Return the definition of a bundle. Raises DefinitionRefused with every problem that validation finds.

    process: the main process, needed when several could be it; functions: host functions that scripts may call (served
    as topic ``script.<name>``); deployment_rules: apply those beyond BPMN too; vocabulary: names outside the bundle, to
    be checked; validate: False for versions in force,
    which must load even when validation has become stricter.
    """
    digest = digest_of(files)
    key = (digest, process or "", functions, deployment_rules if validate else None, vocabulary is None)
    with _lock:
        found = _cache.get(key)
        if found is not None:
            _cache.move_to_end(key)
            return found
    said = (
        validator.examine(files, deployment_rules=deployment_rules, functions=functions, vocabulary=vocabulary)
        if validate
        else []
    )
    if problems := [issue for issue in said if issue.is_refusal]:
        raise DefinitionRefused(problems)
    found = _made(files, process, digest, functions)
    found.warnings = tuple(issue for issue in said if issue.is_warning)
    with _lock:
        _cache[key] = found
        while len(_cache) > CACHE_SIZE:
            _cache.popitem(last=False)
    return found


def _made(files: Mapping[str, bytes], process: str | None, digest: str, functions: tuple[str, ...]) -> Definition:
    """Parse the definition; a diagram that SpiffWorkflow still refuses is refused like any other."""
    name, main = _main(files, process)
    try:
        found = Definition(files, name, main, digest, functions)
        _ = found.compact_specs
    except (SpiffWorkflowException, KeyError) as error:
        unknown = str(error.args[0]).rpartition("}")[2] if isinstance(error, KeyError) else getattr(error, "what", "")
        problem = ValidationIssue(
            main,
            getattr(error, "line_number", None) or 0,
            getattr(error, "sourceid", None) or str(getattr(getattr(error, "task_spec", None), "name", "")),
            f"引擎不能执行这里的画法，而检查没有认出原因。{unknown}".rstrip(),
            f"The engine cannot execute what is drawn here, and no rule says why. {unknown}".rstrip(),
            "把这里画得简单些，并请报告这个流程图。",
            "Draw it more simply, and please report this diagram.",
        )
        raise DefinitionRefused([problem]) from error
    return found


def digest_of(files: Mapping[str, bytes]) -> str:
    """The address of a bundle: SHA-256 over the canonical form of {file name: SHA-256 of its bytes}."""
    return hashlib.sha256(
        canonical({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    ).hexdigest()


def process_of(files: Mapping[str, bytes]) -> str:
    """The key of the main process of a bundle. Raises DefinitionRefused when it cannot be told."""
    return _main(files, None)[0]


def _main(files: Mapping[str, bytes], process: str | None) -> tuple[str, str]:
    """The main process and its file: the one named, else the only one that no other calls. Raises DefinitionRefused."""
    found, called = _executable_processes(files)
    chosen = [name for name in found if (name == process if process else name not in called)]
    if len(chosen) != 1:
        raise DefinitionRefused(
            [
                ValidationIssue(
                    file=next(iter(sorted(files)), ""),
                    line=0,
                    element=process or "",
                    zh="不能确定主流程。",
                    en="Which process is the main one cannot be told.",
                    remedy_zh="只留一个不被其他流程调用的可执行流程，或指明流程编号。",
                    remedy_en="Keep one executable process that no other calls, or name the process.",
                )
            ]
        )
    return chosen[0], found[chosen[0]]


def _executable_processes(files: Mapping[str, bytes]) -> tuple[dict[str, str], set[str]]:
    """Executable processes with their files, and the ids of those that another process calls."""
    found: dict[str, str] = {}
    called: set[str] = set()
    for file in filter(is_diagram, sorted(files)):
        root = read_diagram(files[file], file)
        for node in root.iter(f"{{{BPMN}}}process"):
            if is_executable(node) and not node.get(MADE):
                found[node.get("id")] = file
            calls = {call.get("calledElement") for call in node.iter(f"{{{BPMN}}}callActivity")}
            called |= calls - {node.get("id")}
    return found, called
