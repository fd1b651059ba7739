"""What the engine would execute wrongly is refused here, before a definition is made: all problems of a bundle at once.

The allow-list is in gate_tables and gate_events.PLACES; the rules are small functions in the gate_* modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from service.engine import (
    gate_activities,
    gate_bundle,
    gate_collaboration,
    gate_data,
    gate_dialect,
    gate_events,
    gate_flows,
    gate_limits,
    gate_references,
    gate_schema,
    gate_scripts,
)
from service.engine.gate_files import read_bundle
from service.engine.gate_model import Diagram
from service.engine.values import Problem

RULES = (
    *gate_schema.RULES,
    *gate_references.RULES,
    *gate_flows.RULES,
    *gate_events.RULES,
    *gate_activities.RULES,
    *gate_data.RULES,
    *gate_dialect.RULES,
    *gate_collaboration.RULES,
    *gate_limits.RULES,
    *gate_scripts.RULES,
)


def check(files: Mapping[str, bytes], *, house: bool = True, functions: tuple[str, ...] = ()) -> list[Problem]:
    """Every reason why this bundle (file name → bytes) may not be deployed; empty when it may.

    ``house``: also the rules of a deployment that are not BPMN's (who does a user task, exactly one executable process).
    ``functions``: host functions that scripts may call.
    """
    bundle = read_bundle(files)
    for diagram in bundle.diagrams:
        for rule in RULES:
            _apply(rule, diagram)
        gate_scripts.scripts_are_starlark(diagram, functions)
        gate_scripts.personal_fields_are_not_read(diagram, frozenset(bundle.personal))
        for house_rule in gate_bundle.HOUSE_RULES if house else ():
            house_rule(diagram)
    for bundle_rule in gate_bundle.RULES:
        bundle_rule(bundle)
    found = [*bundle.problems, *(problem for diagram in bundle.diagrams for problem in diagram.problems)]
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.element))


def _apply(rule: Callable[[Diagram], None], diagram: Diagram) -> None:
    """A rule that stumbles over a file which is no BPMN at all must refuse it, not fall over."""
    try:
        rule(diagram)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        diagram.refuse(
            diagram.root, f"文件的结构无法核对({rule.__name__})。", f"The structure of the file cannot be checked ({rule.__name__}).",
            "用建模工具重新导出。", "Export it again from the modelling tool.",
        )  # fmt: skip
