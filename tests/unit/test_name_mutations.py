"""A near miss of a name that points out of its file is refused or warned of, whatever the name is of."""

from __future__ import annotations

from service.config import CHECKOUT
from service.workflow.runtime import definitions
from tests.unit.name_mutations import SITES, Mutation, mutations

EVERY = 4  # of some 800 mutations: the sample takes seconds, and every kind is in it
KINDS = [kind for kinds in SITES.values() for kind, _ in kinds]
HARMLESS = {
    **dict.fromkeys(
        ("系统", "申请单位", "提问人", "承办方", "主办单位"),
        "a lane that is named as no role: the words are the author's own",
    ),
    "note": "a field that only people read: any key will do",
    "sure": "a tick that must be made, and that nothing reads",
    "recovery_note": "a field that only people read: any key will do",
}
"""Names of which a near miss passes, with the reason."""


def bundles() -> dict[str, dict[str, bytes]]:
    return {path.name: definitions.bundle(path) for path in sorted((CHECKOUT / "processes").glob("*.bpmn"))}


def is_told(mutation: Mutation) -> bool:
    """Whether the gate refuses or warns of it; a note is not enough."""
    return any(issue.severity != "note" for issue in definitions.examine(mutation.files))


def test_what_is_shipped_is_neither_refused_nor_warned_of() -> None:
    said = [issue.text("en") for files in bundles().values() for issue in definitions.examine(files)]
    assert not [text for text in said if " note " not in text]


def test_near_misses_of_names_are_refused_or_warned_of() -> None:
    found = list(mutations(bundles()))
    tried = [one for kind in KINDS for one in [each for each in found if each.kind == kind][::EVERY]]
    assert len(tried) >= 200
    passed = [one for one in tried if not is_told(one)]
    assert not [str(one) for one in passed if one.old not in HARMLESS]
    assert len(passed) <= len(tried) * 0.05


def test_the_harmless_ones_are_named_and_there_are_few() -> None:
    """The names in the list are there, and are the only ones of their kinds that pass."""
    found = [one for one in mutations(bundles()) if one.old in HARMLESS and one.kind in ("lane", "field")]
    assert {one.old for one in found} == set(HARMLESS)
    assert len(found) < 0.05 * sum(1 for _ in mutations(bundles()))
