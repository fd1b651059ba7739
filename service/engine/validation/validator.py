"""Validate a bundle: refuse what the engine would execute wrongly, before a definition is made, all problems at once.

The allow-list is in ``allow_list`` and ``events.PLACES``; each rule is a small function of a module beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from service.engine.kernel.types import ValidationIssue
from service.engine.validation import bundle, camunda_extensions, causes, references, schema, scripts
from service.engine.validation.diagram import Diagram
from service.engine.validation.elements import (
    activities,
    ad_hoc,
    collaboration,
    compensation,
    data,
    events,
    flows,
    limits,
    quantities,
)
from service.engine.validation.files import Bundle, read_bundle
from service.engine.validation.resolution import names, owners, tables, variables, waits
from service.engine.validation.resolution.vocabulary import Vocabulary

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
    *quantities.RULES,
    *scripts.RULES,
)


UNREADABLE = "files_can_be_read"
"""The rule of what no rule can be asked about: XML, JSON or a kind of file that cannot be read."""


def validate(
    files: Mapping[str, bytes],
    *,
    deployment_rules: bool = True,
    functions: tuple[str, ...] = (),
    vocabulary: Vocabulary | None = None,
) -> list[ValidationIssue]:
    """List every reason why this bundle (file name → bytes) may not be deployed; empty when it may."""
    found = examine(files, deployment_rules=deployment_rules, functions=functions, vocabulary=vocabulary)
    return [issue for issue in found if issue.is_refusal]


def examine(
    files: Mapping[str, bytes],
    *,
    deployment_rules: bool = True,
    functions: tuple[str, ...] = (),
    vocabulary: Vocabulary | None = None,
) -> list[ValidationIssue]:
    """List what there is to say of this bundle: reasons to refuse it, warnings of what runs but will surprise, notes.

    deployment_rules: apply those beyond BPMN too (a role for each user task, exactly one executable process);
    functions: host functions that scripts may call; vocabulary: names outside the bundle, None when they are not known
    and therefore not checked.
    """
    read = read_bundle(files)
    for diagram in read.diagrams:
        diagram.rule = "ids_are_used_once"
        if not causes.ids_are_used_once(diagram):
            return _sorted(read)
        for rule in RULES:
            _apply(rule, diagram)
        causes.tell_dialect_once(diagram)
        diagram.rule = "scripts_are_starlark"
        scripts.scripts_are_starlark(diagram, functions)
        diagram.rule = "personal_fields_are_not_read"
        scripts.personal_fields_are_not_read(diagram, frozenset(read.personal))
        for deployment_rule in bundle.DEPLOYMENT_RULES if deployment_rules else ():
            diagram.rule = deployment_rule.__name__
            deployment_rule(diagram)
    for bundle_rule in (*bundle.RULES, *(bundle.DEPLOYED_TOGETHER if deployment_rules else bundle.LEFT_OUT)):
        _name_rule(read, bundle_rule.__name__)
        bundle_rule(read)
    if vocabulary is not None and not _is_refused(read):
        _check_names(read, vocabulary)
    return _sorted(read)


def _sorted(read: Bundle) -> list[ValidationIssue]:
    found = [*read.problems, *(problem for diagram in read.diagrams for problem in diagram.problems)]
    found = [issue if issue.rule else replace(issue, rule=UNREADABLE) for issue in found]
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.element))


def _check_names(read: Bundle, vocabulary: Vocabulary) -> None:
    """Resolve the names that point out of a bundle which is sound in itself: the cause is said before what follows."""
    for diagram in read.diagrams:
        for rule in (*names.RULES, *waits.RULES):
            diagram.rule = rule.__name__
            rule(diagram, vocabulary)
    for bundle_rule in (*names.BUNDLE_RULES, *owners.BUNDLE_RULES, *variables.BUNDLE_RULES, *tables.BUNDLE_RULES):
        _name_rule(read, bundle_rule.__name__)
        bundle_rule(read, vocabulary)


def _is_refused(read: Bundle) -> bool:
    found = (*read.problems, *(problem for diagram in read.diagrams for problem in diagram.problems))
    return any(problem.is_refusal for problem in found)


def _name_rule(read: Bundle, rule: str) -> None:
    read.rule = rule
    for diagram in read.diagrams:
        diagram.rule = rule


def _apply(rule: Callable[[Diagram], None], diagram: Diagram) -> None:
    """Run a rule; one that stumbles over a file which is no BPMN at all must refuse it, not fail."""
    diagram.rule = rule.__name__
    try:
        rule(diagram)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        diagram.refuse(
            diagram.root,
            "文件的结构无法核对。",
            "The structure of the file cannot be checked.",
            "用建模工具重新导出。",
            "Export it again from the modelling tool.",
        )
