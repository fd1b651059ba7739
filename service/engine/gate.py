"""What the engine would execute wrongly is refused here, before a definition is made: all problems of a bundle at once.

The allow-list is in gate_tables and gate_events.PLACES; the rules are small functions in the gate_* modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from service.engine import (
    gate_activities,
    gate_bundle,
    gate_collaboration,
    gate_events,
    gate_flows,
    gate_limits,
    gate_references,
    gate_schema,
    gate_scripts,
)
from service.engine.gate_bundle import Bundle
from service.engine.gate_model import Diagram, kind
from service.engine.read import parse
from service.engine.values import Problem
from service.errors import DefinitionRefused

RULES = (
    *gate_schema.RULES,
    *gate_references.RULES,
    *gate_flows.RULES,
    *gate_events.RULES,
    *gate_activities.RULES,
    *gate_collaboration.RULES,
    *gate_limits.RULES,
    *gate_scripts.RULES,
)
MAX_FILES = 200


def check(files: Mapping[str, bytes], *, house: bool = True, functions: tuple[str, ...] = ()) -> list[Problem]:
    """Every reason why this bundle (file name → bytes) may not be deployed; empty when it may.

    ``house``: also the rules of a deployment that are not BPMN's (who does a user task, exactly one executable process).
    ``functions``: host functions that scripts may call.
    """
    problems: list[Problem] = []
    diagrams: list[Diagram] = []
    decisions: set[str] = set()
    personal: set[str] = set()
    for file, data in sorted(files.items()):
        suffix = PurePath(file).suffix.lower()
        try:
            if suffix == ".form":
                fields, found = gate_bundle.read_form(file, data)
                personal |= fields
                problems += found
            elif suffix == ".dmn":
                decisions |= _decisions(file, data)
            elif suffix in (".bpmn", ".xml"):
                diagrams.append(_diagram(file, data))
            else:
                problems.append(_unknown(file))
        except DefinitionRefused as refused:
            problems += refused.problems
    forms = frozenset(PurePath(file).stem for file in files if PurePath(file).suffix.lower() == ".form")
    bundle = Bundle(tuple(diagrams), frozenset(decisions), forms, frozenset(personal))
    _apply(bundle, house, functions)
    if not diagrams and not problems:
        problems.append(
            Problem("", 0, "", "没有流程图。", "There is no diagram.", "加入 .bpmn 文件。", "Add a .bpmn file.")
        )
    for diagram in diagrams:
        problems += diagram.problems
    return sorted(problems, key=lambda p: (p.file, p.line, p.element))


def _diagram(file: str, data: bytes) -> Diagram:
    root = parse(data, file)
    if kind(root) != "definitions":
        problem = Problem(
            file, root.sourceline or 0, "", "文件不是 BPMN 2.0 流程图。", "The file is no BPMN 2.0 diagram.",
            "上传 .bpmn 文件。", "Upload a .bpmn file.",
        )  # fmt: skip
        raise DefinitionRefused([problem])
    return Diagram(file, root)


def _decisions(file: str, data: bytes) -> set[str]:
    root = parse(data, file)
    return {
        e.get("id")
        for e in root.iter()
        if str(e.tag).startswith(f"{{{gate_bundle.DMN}") and str(e.tag).endswith("}decision")
    }


def _unknown(file: str) -> Problem:
    return Problem(
        file, 0, "", "不认识的文件类型。", "Unknown kind of file.",
        "只部署 .bpmn、.dmn 和 .form 文件。", "Deploy .bpmn, .dmn and .form files only.",
    )  # fmt: skip


def _apply(bundle: Bundle, house: bool, functions: tuple[str, ...]) -> None:
    for diagram in bundle.diagrams:
        for rule in RULES:
            rule(diagram)
        gate_scripts.scripts_are_starlark(diagram, functions)
        gate_scripts.personal_fields_are_not_read(diagram, bundle.personal)
        for house_rule in gate_bundle.HOUSE_RULES if house else ():
            house_rule(diagram)
    for bundle_rule in gate_bundle.RULES:
        bundle_rule(bundle)
