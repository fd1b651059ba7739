"""Variables that name what a case is about, and for whom: whoever gives them to the case keeps them.

Nothing that people fill in or a diagram computes may take such a name: the case would act on another row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.engine.kernel.camunda_extensions import attributes_of, script_in
from service.engine.starlark.linter import names_set
from service.engine.validation.allow_list import THROWS
from service.engine.validation.diagram import Diagram, camunda, children, kind
from service.engine.validation.files import Bundle
from service.engine.validation.resolution.vocabulary import Names, Vocabulary
from service.engine.validation.scripts import bare

REMEDY = ("换一个变量名。", "Use another name.")
NAMING = ("_id", "_role")
"""Ends of variables that name a row or a role."""


def variables_keep_their_owner(bundle: Bundle, known: Vocabulary) -> None:
    """No form, script, parameter, decision, loop or association writes what names the subject of the case."""
    for d in bundle.diagrams:
        for process in _begun(bundle, d):
            kept = _kept(bundle, process, known)
            at_start = kept - _brought(process, known)
            for part in bundle.diagrams:
                for node in part.nodes():
                    begins = node.getparent() is process and kind(node) == "startEvent"
                    _check_form(bundle, node, at_start if begins else kept)
                    for name, zh, en in _written(node):
                        if name in kept:
                            part.refuse(node, *_said(name, zh, en), *REMEDY)


def _begun(bundle: Bundle, d: Diagram) -> Iterator[Any]:
    """The processes of a diagram whose cases somebody starts: those that no other calls."""
    called = {call.get("calledElement") for other in bundle.diagrams for call in other.all("callActivity")}
    for process in d.all("process"):
        if process.get("isExecutable") == "true" and process.get("id") not in called:
            yield process


def _kept(bundle: Bundle, process: Any, known: Vocabulary) -> Names:
    """Collect what a case is given by whoever starts it, and the rows and roles that topics name."""
    key = process.get("id", "")
    described = known.processes.get(key)
    kept = set(described.starter | described.starts_with if described else known.starter)
    for d in bundle.diagrams:
        for task in d.all("serviceTask", "sendTask"):
            if topic := known.topics.get((camunda(task, "topic") or "").strip()):
                kept |= topic.gives | topic.may_give
    kept = {name for name in kept if name.endswith(NAMING)} | set(described.starter if described else known.starter)
    return frozenset(kept | ({known.subjects[key]} if key in known.subjects else set()))


def _brought(process: Any, known: Vocabulary) -> Names:
    """The variables with which a case begins, which the form of its start may ask for."""
    described = known.processes.get(process.get("id", ""))
    return described.starts_with | described.may_start_with if described else frozenset()


def _check_form(bundle: Bundle, node: Any, kept: Names) -> None:
    key = attributes_of(node).form_key or ""
    for field in bundle.forms[key].fields if key in bundle.forms else ():
        if field.key in kept and not field.readonly:
            bundle.tell_field(key, field.key, *_said(field.key, "表单字段", "The field"), REMEDY)


def _written(node: Any) -> Iterator[tuple[str, str, str]]:
    """The variables that an element sets for the case or for itself, and what sets them; a copy of the same is none."""
    said = attributes_of(node)
    for name, text in (*said.inputs.items(), *said.outputs.items()):
        if bare(text) != name or "${" not in text:
            yield name, "参数", "The parameter"
    for name in (*(() if kind(node) in THROWS else said.copied_in), *said.copied_out):
        yield name, "数据关联的目标", "The target of a data association"
    if said.result:
        yield said.result, "结果变量", "The result variable"
    for loop in children(node, "multiInstanceLoopCharacteristics"):
        if item := camunda(loop, "elementVariable"):
            yield item, "多实例的变量", "The variable of a loop"
    for script in children(node, "script"):
        for name in sorted(names_set(script_in(script))):
            yield name, "脚本设的变量", "The variable that a script sets"


def _said(name: str, zh: str, en: str) -> tuple[str, str]:
    return (
        f"{zh} {name} 指明案卷办的是哪一件、给谁办，只由流程自己写入。",
        f"{en} {name} says what the case is about, or for whom: only the process itself writes it.",
    )


BUNDLE_RULES = (variables_keep_their_owner,)
