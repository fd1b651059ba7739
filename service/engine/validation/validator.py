"""Validate a bundle: refuse what the engine would execute wrongly, before a definition is made, all problems at once.

The allow-list is in ``allow_list`` and ``events.PLACES``; each rule is a small function of a module beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from service.engine.kernel.types import ValidationIssue
from service.engine.validation import (
    activities,
    ad_hoc,
    bundle,
    camunda_extensions,
    collaboration,
    compensation,
    data,
    events,
    flows,
    limits,
    references,
    schema,
    scripts,
)
from service.engine.validation.diagram import Diagram
from service.engine.validation.files import read_bundle

RULES = (
    *schema.RULES,
    *references.RULES,
    *flows.RULES,
    *ad_hoc.RULES,
    *compensation.RULES,
    *events.RULES,
    *activities.RULES,
    *data.RULES,
    *camunda_extensions.RULES,
    *collaboration.RULES,
    *limits.RULES,
    *scripts.RULES,
)


def validate(
    files: Mapping[str, bytes], *, deployment_rules: bool = True, functions: tuple[str, ...] = ()
) -> list[ValidationIssue]:
    """List every reason why this bundle (file name → bytes) may not be deployed; empty when it may."""
    found = examine(files, deployment_rules=deployment_rules, functions=functions)
    return [issue for issue in found if not issue.is_warning]


def examine(
    files: Mapping[str, bytes], *, deployment_rules: bool = True, functions: tuple[str, ...] = ()
) -> list[ValidationIssue]:
    """List what there is to say of this bundle: the reasons to refuse it, and warnings of what runs but will surprise.

    deployment_rules: apply those beyond BPMN too (a role for each user task, exactly one executable process);
    functions: host functions that scripts may call.
    """
    read = read_bundle(files)
    for diagram in read.diagrams:
        for rule in RULES:
            _apply(rule, diagram)
        diagram.rule = "scripts_are_starlark"
        scripts.scripts_are_starlark(diagram, functions)
        diagram.rule = "personal_fields_are_not_read"
        scripts.personal_fields_are_not_read(diagram, frozenset(read.personal))
        for deployment_rule in bundle.DEPLOYMENT_RULES if deployment_rules else ():
            diagram.rule = deployment_rule.__name__
            deployment_rule(diagram)
    for bundle_rule in (*bundle.RULES, *(bundle.DEPLOYED_TOGETHER if deployment_rules else bundle.LEFT_OUT)):
        for diagram in read.diagrams:
            diagram.rule = bundle_rule.__name__
        bundle_rule(read)
    found = [*read.problems, *(problem for diagram in read.diagrams for problem in diagram.problems)]
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.element))


def _apply(rule: Callable[[Diagram], None], diagram: Diagram) -> None:
    """Run a rule; one that stumbles over a file which is no BPMN at all must refuse it, not fail."""
    diagram.rule = rule.__name__
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
