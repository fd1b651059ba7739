"""The diagram is the only state machine (decision 22): every subject's states, and a second approval drawn into each."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service import engine, handlers
from service.config import CHECKOUT
from service.handlers.earlier_states import earlier_state
from service.models.db.clock import MovingClock, today
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.tables.case import Case
from service.models.tables.organisation import authority_id
from service.models.tables.user import User
from service.reports import pending_work
from service.workflow.certificates import certificate_expiry, reissues
from service.workflow.notices import tickets
from service.workflow.persons import corrections
from service.workflow.persons.person_records import submit_person
from service.workflow.processes import definitions
from service.workflow.processes.diagram_states import states_said
from service.workflow.runtime import executor, history, jobs, tasks
from service.workflow.versions import deployments
from tests.api.v1_world import Machine, give_password, told
from tests.builders.approvals import ENGLISH, NAME, TASK, Approval, drawn
from tests.builders.open_tasks import ASKED, stand_at_every_task
from tests.builders.stage import Stage, do, draft, ended_at, known, make_stage, open_tasks, task_of
from tests.builders.world import make_certificate, make_person, make_user, portrait, sign_in
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


class Drawn(NamedTuple):
    """begin: the case, in front of the second approval, which again brings it there once it was returned; reader: who
    sees the state at page and rest, addresses with variables of the case.
    """

    approval: Approval
    begin: Callable[[Stage], UUID]
    again: Callable[[Stage, UUID], Any]
    agreed: str
    refused: str
    reader: str = "enterprise"
    page: str = ""
    rest: str = ""


def _person(stage: Stage) -> UUID:
    person = make_person(stage.unit, state="draft")
    submit_person(stage.enterprise, person.id)
    session().refresh(person)
    assert person.case_id
    _approve(stage, person.case_id)
    return person.case_id


def _approve(stage: Stage, case: UUID) -> Any:
    return do(stage.province, case, "approve_person", decision="approve")


def _class(stage: Stage) -> UUID:
    data = {"organiser_id": str(authority_id("association")), "organiser_role": "association"}
    case = tasks.start(stage.association, "training_class", data).case_id
    _publish(stage, case)
    return case


def _publish(stage: Stage, case: UUID) -> Any:
    return do(stage.association, case, "draft_class", **draft(stage))


def _deregistration(stage: Stage) -> UUID:
    certificate = make_certificate(stage.person(), today() - timedelta(days=1))
    certificate_expiry.start_deregistrations()
    case = session().query(Case.id).filter_by(business_key=str(certificate.id)).scalar()
    _deregister(stage, case)
    return UUID(str(case))


def _deregister(stage: Stage, case: UUID) -> Any:
    return do(stage.ministry, case, "deregister_certificate", decision="deregister")


def _reissue(stage: Stage) -> UUID:
    lost = make_certificate(stage.person(), printed_count=1)
    case = reissues.request_reissue(stage.enterprise, lost.id, "乘车时遗失，已登报声明作废。")
    _grant(stage, case)
    return case


def _grant(stage: Stage, case: UUID) -> Any:
    return do(stage.association, case, "review_reissue", decision="approve")


def _correction(stage: Stage) -> UUID:
    person = stage.person()
    make_certificate(person)
    raw = {"kind": "name", "statement": "已更名，见户口簿。", "name": "陈戊臣"}
    case = corrections.request_correction(stage.enterprise, person.id, raw, [("a.jpg", portrait())]).case_id
    assert case
    do(stage.province, case, "approve_correction", decision="approve")
    _assent(stage, case)
    return case


def _assent(stage: Stage, case: UUID) -> Any:
    return do(stage.association, case, "assent_identity", decision="assent")


def _ticket(stage: Stage) -> UUID:
    case = tickets.open_ticket(stage.enterprise, ASKED).case_id
    assert case
    do(_desk(), case, "accept_ticket", decision="accept")
    _answer(stage, case)
    return case


def _answer(stage: Stage, case: UUID) -> Any:
    return do(_desk(), case, "answer_ticket", decision="resolve", message="请改用 JPEG 格式。")


def _desk() -> User:
    return known(make_user("sys_admin", authority_id("platform")))


HEARD = (("withdraw_reissue", "withdraw_in_review"), ("certificate_ended", "lapse_in_review"))
APPROVALS = {
    "personnel_approval": Drawn(
        Approval("approve", "approve_person", "reject", "pending", heard=(("deregister", "deregister_pending"),)),
        _person,
        _approve,
        "approved",
        "rejected",
        page="/persons",
        rest="/persons/{person_id}",
    ),
    "training_class": Drawn(
        Approval("publish", "draft_class", "discard_draft", "draft"),
        _class,
        _publish,
        "enrolling",
        "cancelled",
        "association",
        "/classes",
        "/classes/{class_id}",
    ),
    "certificate_deregistration": Drawn(
        Approval("deregister", "deregister_certificate", "not_due", "valid", named=False),
        _deregistration,
        _deregister,
        "deregistered",
        "valid",
    ),
    "certificate_reissue": Drawn(
        Approval("issue_edition", "review_reissue", "refuse", "requested", heard=HEARD),
        _reissue,
        _grant,
        "approved",
        "refused",
        "association",
        "/reissues",
    ),
    "identity_correction": Drawn(
        Approval("apply", "assent_identity", "refuse", "approved"),
        _correction,
        _assent,
        "applied",
        "refused",
        page="/persons/{person_id}/corrections",
        rest="/corrections/{correction_id}",
    ),
    "support_ticket": Drawn(
        Approval("resolve", "answer_ticket", "ask_requester", "in_progress"),
        _ticket,
        _answer,
        "resolved",
        "waiting_user",
        page="/tickets",
    ),
}
"""Second approvals by process; that of training_enrollment is a recipe of the guide (test_recipes)."""


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


def deploy(process: str) -> None:
    """Put the diagram with the second approval in force: the gate has nothing against it."""
    files = definitions.bundle(PROCESSES / f"{process}.bpmn", CHECKOUT / "forms")
    files = drawn(process, APPROVALS[process].approval, dict(files))
    issues = definitions.examine(files)
    assert [issue.text() for issue in issues if issue.is_refusal] == []
    deployments.deploy(files)


def row_of(case: UUID) -> tuple[str, str | None]:
    """State and stage of the subject of a case."""
    subject = handlers.SUBJECTS[session().get_one(Case, case).process]
    row: Any = session().get_one(subject.table, UUID(data_of(case)[subject.variable]), populate_existing=True)
    return row.state, getattr(row, "stage", None)


def data_of(case: UUID) -> dict[str, Any]:
    """The variables of a case, by its replay."""
    return history.replay_frames(_auditor(), case)[-1].data


def _auditor() -> User:
    return known(make_user("process_admin", authority_id("platform")))


def test_every_subject_has_a_second_approval() -> None:
    assert {*APPROVALS, "training_enrollment"} == set(handlers.SUBJECTS)


@pytest.mark.parametrize("process", sorted(APPROVALS))
def test_a_second_approval_says_yes_no_and_back_without_python(process: str, client: FlaskClient, stage: Stage) -> None:
    give_password()
    deploy(process)
    drawing = APPROVALS[process]
    name = NAME if drawing.approval.named else None
    cases = [drawing.begin(stage) for _ in range(2)]
    for case in cases:
        assert open_tasks(case) == [TASK]
        assert row_of(case) == (drawing.approval.state, name)
    task = task_of(cases[0], TASK)
    assert task.due_at == task.opened_at + timedelta(days=3)

    _check_counts(client, stage, process, cases)
    assert "再审结论" in page(client, f"/tasks/{task.id}")
    client.post("/language", data={"language": "en"})
    assert "Second look" in page(client, "/inbox")
    if drawing.page:
        reader, address = known(getattr(stage, drawing.reader)), drawing.page.format(**data_of(cases[0]))
        sign_in(client, reader)
        assert ENGLISH in page(client, address)
        client.post("/language", data={"language": "zh"})
        assert NAME in page(client, address)
    if drawing.rest:
        shown = told(Machine(client, reader).get(drawing.rest.format(**data_of(cases[0]))))
        assert (shown["state"], shown["stage"]) == (drawing.approval.state, NAME)

    assert do(stage.ministry, cases[0], TASK, verdict="return") == [drawing.approval.back]
    assert row_of(cases[0])[1] is None
    drawing.again(stage, cases[0])
    assert row_of(cases[0]) == (drawing.approval.state, name)
    do(stage.ministry, cases[0], TASK, verdict="agree")
    assert row_of(cases[0]) == (drawing.agreed, None)
    do(stage.ministry, cases[1], TASK, verdict="refuse", reason="材料不全")
    assert row_of(cases[1]) == (drawing.refused, None)
    assert list(history.verify(cases)) == []


def _check_counts(client: FlaskClient, stage: Stage, process: str, cases: list[UUID]) -> None:
    """Home, inbox, worksheet and report show the two tasks of the drawn step, and count them."""
    sign_in(client, known(stage.ministry))
    assert all("再审" in page(client, address) for address in ("/", "/inbox"))
    sheet = page(client, f"/inbox?kind={process}/{TASK}")
    assert all(str(task_of(case, TASK).id) in sheet for case in cases)
    rows = [row for batch in pending_work.read(known(stage.ministry), ReportFilter()).batches() for row in batch]
    assert [row["count"] for row in rows if row["task_kind"] == f"{process}/{TASK}"] == [len(cases)]


def test_what_is_under_second_approval_can_be_withdrawn(client: FlaskClient, stage: Stage) -> None:
    deploy("certificate_reissue")
    case = _reissue(stage)
    tasks.correlate_message(stage.enterprise, case, "withdraw_reissue", {})
    jobs.run_all()
    assert (ended_at(case), row_of(case)) == ("review_withdrawn", ("withdrawn", None))


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.get_data(as_text=True)
