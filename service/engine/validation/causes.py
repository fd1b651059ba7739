"""The cause before its consequences: an id used twice is said alone, another engine's dialect once."""

from __future__ import annotations

import re

from lxml import etree

from service.engine.kernel.types import ValidationIssue
from service.engine.validation.diagram import Diagram
from service.engine.validation.equivalents import instead_of

SEVERAL = 3  # words of another engine from which on a file is in its dialect
_FOREIGN = re.compile(r"The engine does not execute the (?:attribute|extension) (?!camunda:)(\w+):(\w+)")


def ids_are_used_once(d: Diagram) -> bool:
    """Each id is used once in a file; what else is wrong with a file follows from one that is not, and is not said."""
    seen: dict[str, int] = {}
    is_sound = True
    for element in d.root.iter(etree.Element):
        name = element.get("id")
        if not name:
            continue
        if name in seen:
            is_sound = False
            d.refuse(
                element,
                f"id“{name}”用了两次，第一次在第 {seen[name]} 行。",
                f'The id "{name}" is used twice, first in line {seen[name]}.',
                "给其中一个换一个 id,并改正引用它的地方。",
                "Give one of them another id, and correct what refers to it.",
            )
        seen.setdefault(name, element.sourceline or 0)
    return is_sound


def tell_dialect_once(d: Diagram) -> None:
    """Gather the refusals of another engine's words into one: whose they are, and what to write instead of each."""
    found: dict[str, dict[str, list[ValidationIssue]]] = {}
    for issue in d.problems:
        if foreign := _FOREIGN.match(issue.en):
            found.setdefault(foreign[1], {}).setdefault(foreign[2], []).append(issue)
    for vendor, issues_by_name in found.items():
        issues = [issue for some in issues_by_name.values() for issue in some]
        if len(issues) < SEVERAL:
            continue
        for issue in issues:
            del d.noted[issue]
        remedies = {name: instead_of(name) for name in sorted(issues_by_name)}
        d.rule = "dialect_is_ours"
        d.refuse(
            d.root,
            f"文件用的是 {vendor} 的写法({len(issues)} 处：{'、'.join(remedies)})，引擎不执行。",
            f"The file is written in the dialect of {vendor} ({len(issues)} places: {', '.join(remedies)}), "
            "which the engine does not execute.",
            " ".join(f"{name}:{zh}" for name, (zh, _) in remedies.items()),
            " ".join(f"{name}: {en}" for name, (_, en) in remedies.items()),
        )
