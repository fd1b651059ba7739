"""A near miss of a name that points out of its file is refused or warned of, whatever the name is of."""

from __future__ import annotations

import pytest

from service.config import CHECKOUT, OutboundHosts
from service.infrastructure import outbound_http
from service.workflow.processes import definitions
from tests.unit.name_mutations import SITES, Mutation, mutations

EVERY = 4  # of some 800 mutations: the sample takes seconds, and every kind is in it
MOST = 15  # of one kind
EMPTY = {"href"}  # no table that is shipped requires another
KINDS = [kind for kinds in SITES.values() for kind, _ in kinds]
HARMLESS = {
    **dict.fromkeys(
        ("系统", "申请单位", "提问人", "承办方", "主办单位"),
        "a lane that is named as no role: the words are the author's own",
    ),
    "note": "a field that only people read: any key will do",
    "anpei.http": "the id of an element template: Modeler alone reads it",
    "sure": "a tick that must be made, and that nothing reads",
    "recovery_note": "a field that only people read: any key will do",
}
"""Names of which a near miss passes, with the reason."""


GENERAL = (
    ("notify", {"to_role": "association", "to_organisation": "${unit_id}", "title": "请确认", "title_en": "Confirm"}),
    ("start_case", {"process": "personnel_approval", "variables": '${{"person_id": person_id}}'}),
    ("http", {"url": "https://partner.example/hook", "method": "PUT", "secret": "mine"}),
)
"""General topics, which no shipped diagram uses, with their input parameters."""
WARN = 'camunda:topic="training_enrollment.warn_authority">'


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = OutboundHosts(frozenset({"https://partner.example:443"}), (), {"mine": b"key"})
    monkeypatch.setattr(outbound_http, "allowed_hosts", lambda: allowed)


def general_bundles() -> dict[str, dict[str, bytes]]:
    """The enrolment with each general topic in the place of its warning."""
    path = CHECKOUT / "processes" / "training_enrollment.bpmn"
    found = {}
    for topic, inputs in GENERAL:
        files = definitions.bundle(path)
        drawn = "".join(
            f'<camunda:inputParameter name="{name}">{text}</camunda:inputParameter>' for name, text in inputs.items()
        )
        new = (
            f'camunda:topic="general.{topic}" camunda:modelerTemplate="anpei.http"><bpmn:extensionElements>'
            f"<camunda:inputOutput>{drawn}</camunda:inputOutput></bpmn:extensionElements>"
        )
        before, _, after = files[path.name].decode().partition(WARN)
        rest = after.partition("</bpmn:documentation>")[2]
        found[topic] = {**files, path.name: (before + new + rest).encode()}
    return found


def every_mutation() -> list[Mutation]:
    """Those of what is shipped, and of the general topics."""
    own = ("input parameter", "recipient role", "recipient expression", "host", "method", "secret", "process started")
    general = [one for files in general_bundles().values() for one in mutations({"": files})]
    return [*mutations(bundles()), *(one for one in general if one.kind in (*own, "template"))]


def bundles() -> dict[str, dict[str, bytes]]:
    return {path.name: definitions.bundle(path) for path in sorted((CHECKOUT / "processes").glob("*.bpmn"))}


def is_told(mutation: Mutation) -> bool:
    """Whether the gate refuses or warns of it; a note is not enough."""
    return any(issue.severity != "note" for issue in definitions.examine(mutation.files))


def test_what_is_shipped_is_neither_refused_nor_warned_of() -> None:
    said = [
        issue.text("en")
        for files in (*bundles().values(), *general_bundles().values())
        for issue in definitions.examine(files)
    ]
    assert not [text for text in said if " note " not in text]


def test_near_misses_of_names_are_refused_or_warned_of() -> None:
    found = every_mutation()
    of_kind = {kind: [one for one in found if one.kind == kind] for kind in KINDS}
    assert {kind for kind, some in of_kind.items() if not some} == EMPTY
    tried = [one for some in of_kind.values() for one in some[:: max(EVERY, len(some) // MOST)]]
    assert len(tried) >= 200
    passed = [one for one in tried if not is_told(one)]
    assert not [str(one) for one in passed if one.old not in HARMLESS]
    assert len(passed) <= len(tried) * 0.05


def test_a_reference_from_table_to_table_that_leads_nowhere_is_refused() -> None:
    files = bundles()["training_enrollment.bpmn"]
    needed = '<informationRequirement id="r"><requiredDecision href="#training_nede" /></informationRequirement>'
    table = files["training_need.dmn"].decode().replace("<decisionTable", f"{needed}<decisionTable", 1)
    issues = definitions.examine(files | {"training_need.dmn": table.encode()})
    assert any(issue.is_refusal for issue in issues)


def test_the_harmless_ones_are_named_and_there_are_few() -> None:
    """The names in the list are there, and are the only ones of their kinds that pass."""
    every = every_mutation()
    found = [one for one in every if one.old in HARMLESS and one.kind in ("lane", "field", "template")]
    assert {one.old for one in found} == set(HARMLESS)
    assert len(found) < 0.05 * len(every)
