"""The diagram is the only state machine (decision 22): every subject's states, and a second approval drawn into each."""

from __future__ import annotations

import ast
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from service import engine, handlers
from service.config import CHECKOUT
from service.handlers.earlier_states import earlier_state
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.workflow.processes import definitions
from service.workflow.processes.diagram_states import states_said
from service.workflow.runtime import executor
from tests.builders.open_tasks import stand_at_every_task
from tests.builders.stage import make_stage
from tests.conftest import DEMONSTRATED

PROCESSES = CHECKOUT / "processes"

WRITTEN_OTHERWISE = {
    "personnel_approval": {"draft"},  # entered before there is a case
    "certificate_deregistration": {"issued", "valid", "superseded", "revoked", "void"},  # a document of several cases
}
"""States that no diagram says, by process."""


def shipped(process: str) -> engine.Definition:
    return engine.read_definition(definitions.bundle(PROCESSES / f"{process}.bpmn", CHECKOUT / "forms"))


def said(process: str) -> dict[str, set[str]]:
    """The states that each element of a shipped diagram says."""
    found = {}
    for element, attributes in shipped(process).attributes.items():
        if "state" in attributes.properties:
            states = states_said(attributes.properties["state"])
            assert states, element
            found[element] = states
    return found


@pytest.mark.parametrize("process", sorted(handlers.SUBJECTS))
def test_the_elements_of_a_diagram_say_every_state_of_its_subject_and_no_other(process: str) -> None:
    states = {state.value for state in handlers.SUBJECTS[process].states}
    assert set().union(*said(process).values()) | WRITTEN_OTHERWISE.get(process, set()) == states
    assert not set().union(*said(process).values()) & WRITTEN_OTHERWISE.get(process, set())


WITHOUT_SUBJECT = {"process_change"}
"""Who decides on a change of a process is four eyes by rule, which no change of a process may alter."""


def test_every_shipped_process_has_a_subject() -> None:
    assert {file.stem for file in PROCESSES.glob("*.bpmn")} - WITHOUT_SUBJECT == set(handlers.SUBJECTS)


def test_no_handler_writes_a_state_but_those_of_certificates_and_notices() -> None:
    written = set()
    for file in sorted((CHECKOUT / "service" / "handlers").glob("*.py")):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            targets = [t for node in ast.walk(function) if isinstance(node, ast.Assign) for t in node.targets]
            parts = [part for target in targets for part in ast.walk(target) if isinstance(part, ast.Attribute)]
            written |= {(file.stem, function.name) for part in parts if part.attr in ("state", "stage")}
    assert written == {
        ("certificate_reissue", "issue_edition"),  # the lost edition
        ("certification", "approve"),
        ("identity_correction", "_replace_certificate"),
        ("process_change", "_decide"),
        ("subjects", "_write"),
        ("subjects", "_write_certificate"),
    }


def test_the_states_of_earlier_diagrams_are_those_of_the_shipped_ones() -> None:
    """A topic says in an earlier diagram what its element says in the shipped one, or nothing follows at once."""
    given = {
        "class_state": "running",
        "outcome": "lapsed",
        "attempt": 1,
        "is_academy": True,
        "needs_confirmation": False,
        "is_recorded": True,
        "came": True,
        "is_approved": True,
    }
    for process in handlers.SUBJECTS:
        definition, elements = shipped(process), said(process)
        for element in elements:
            topic = definition.elements[element].topic
            if topic and topic.split(".")[0] not in ("general",):
                found = earlier_state([engine.ServiceCall(element, topic, 0, {})], given)
                assert found is not None, (element, topic)
                assert found.state in elements[element], element


def test_what_a_diagram_says_is_what_is_stored(app: Flask, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every user task that says a state is opened, and the row has that state when its step is over."""
    reached = set()
    write = handlers.write_state

    def watch(context: Any, data: dict[str, Any], to: engine.Reached) -> None:
        write(context, data, to)
        subject = handlers.SUBJECTS[context.process]
        if key := data.get(subject.variable):
            row = session().get_one(subject.table, UUID(key), populate_existing=True)
            assert (row.state, getattr(row, "stage", None)) == (to.state, to.name)  # type: ignore[attr-defined]
            reached.add((context.process, to.state))

    monkeypatch.setattr(executor.handlers, "write_state", watch)
    clock.move_to(DEMONSTRATED)
    stand_at_every_task(make_stage(), clock)
    for process in handlers.SUBJECTS:
        definition = shipped(process)
        for element, states in said(process).items():
            if definition.elements[element].type == "userTask" and element != "draft_class":  # its row comes later
                assert states & {state for name, state in reached if name == process}, element
