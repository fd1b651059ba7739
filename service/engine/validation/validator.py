"""What the engine would execute wrongly is refused here, before a definition is made: all problems of a bundle at once.

The allow-list is in gate_tables and events.PLACES; the rules are small functions in the gate_* modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from service.engine.kernel.types import ValidationIssue
from service.engine.validation import (
    activities,
    camunda_extensions,
    collaboration,
    data,
    events,
    flows,
    limits,
    references,
    schema,
    scripts,
)
from service.engine.validation import (
    bundle as gate_bundle,
)
from service.engine.validation.diagram import Diagram
from service.engine.validation.files import read_bundle

RULES = (
    *schema.RULES,
    *references.RULES,
    *flows.RULES,
    *events.RULES,
    *activities.RULES,
    *data.RULES,
    *camunda_extensions.RULES,
    *collaboration.RULES,
    *limits.RULES,
    *scripts.RULES,
)


def validate(
    files: Mapping[str, bytes], *, house: bool = True, functions: tuple[str, ...] = ()
) -> list[ValidationIssue]:
    """Every reason why this bundle (file name → bytes) may not be deployed; empty when it may.

    ``house``: also the rules of a deployment that are not BPMN's (who does a user task, exactly one executable process).
    ``functions``: host functions that scripts may call.
    """
    bundle = read_bundle(files)
    for diagram in bundle.diagrams:
        for rule in RULES:
            _apply(rule, diagram)
        scripts.scripts_are_starlark(diagram, functions)
        scripts.personal_fields_are_not_read(diagram, frozenset(bundle.personal))
        for house_rule in gate_bundle.DEPLOYMENT_RULES if house else ():
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
            diagram.root,
            f"文件的结构无法核对({rule.__name__})。",
            f"The structure of the file cannot be checked ({rule.__name__}).",
            "用建模工具重新导出。",
            "Export it again from the modelling tool.",
        )
