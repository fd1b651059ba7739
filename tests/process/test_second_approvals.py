"""A second approval in every shipped process, without Python: every way it may end, seen wherever people look."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service import handlers
from service.api.v1.schemas.base import ResponseSchema
from service.config import CHECKOUT
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.runtime.process import ProcessChange
from service.models.tables.units.organisation import authority_id
from service.reports import pending_work
from service.workflow.processes import definitions
from service.workflow.runtime import history, jobs
from service.workflow.versions import deployments
from tests.api import rest_world
from tests.api.v1_world import Machine, give_password, told
from tests.builders.approvals import ENGLISH, NAME, REMINDER, REMINDER_ENGLISH, drawn, kind_of
from tests.builders.second_approvals import APPROVALS, Drawn, complete_on_page
from tests.builders.stage import Stage, do, known, make_stage, open_tasks, task_of
from tests.builders.world import make_user, sign_in

PROCESSES = CHECKOUT / "processes"


def test_rest_names_a_state_wherever_it_tells_one(application: Flask) -> None:
    """Every answer of ``/api/v1`` with the state of a subject that diagrams may name has the name beside it."""
    told_states = {frozenset(one.value for one in s.states) for s in handlers.SUBJECTS.values() if s.is_named}
    schemas = [one for one in ResponseSchema.__subclasses__() for one in (one, *one.__subclasses__())]
    states = {one: getattr(one._declared_fields.get("state"), "allowed", ()) for one in schemas}
    found = [one for one in schemas if frozenset(states[one]) in told_states]
    assert len(found) >= 6
    assert [one.__qualname__ for one in found if "stage" not in one._declared_fields] == []


class Approved(NamedTuple):
    """A process with its second approval in force, and the cases that stand at it."""

    process: str
    drawing: Drawn
    stage: Stage
    cases: list[UUID]

    @property
    def kind(self) -> str:
        return kind_of(self.process, self.drawing.approval)

    @property
    def element(self) -> str:
        return self.kind.partition("/")[2]

    @property
    def name(self) -> str | None:
        return NAME if self.drawing.approval.named else None

    @property
    def onlooker(self) -> User:
        return known(getattr(self.stage, self.drawing.onlooker))

    @property
    def waiting(self) -> tuple[str, str | None]:
        """State and stage of the subject while the approval is open."""
        return self.drawing.approval.state or "proposed", self.name


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


def test_every_shipped_process_has_a_second_approval() -> None:
    assert set(APPROVALS) == {file.stem for file in PROCESSES.glob("*.bpmn")}


@pytest.mark.parametrize("process", sorted(APPROVALS))
def test_a_second_approval_works_wherever_people_look(
    process: str, client: FlaskClient, stage: Stage, clock: MovingClock
) -> None:
    deploy(process)
    one = Approved(process, drawing := APPROVALS[process], stage, [])
    for _ in range(2):
        one.cases.append(drawing.begin(stage))
        assert row_of(one.cases[-1]) == one.waiting
        assert one.element in open_tasks(one.cases[-1])
    give_password()
    see_counts(client, one)
    see_states(client, one)
    see_engine_rest(client, one)
    see_case(client, one)
    see_reminder(client, one, clock)
    assert list(history.verify(one.cases)) == []


@pytest.mark.parametrize("process", sorted(APPROVALS))
def test_a_second_approval_says_yes_no_and_back_and_lets_withdraw(
    process: str, client: FlaskClient, stage: Stage
) -> None:
    deploy(process)
    drawing = APPROVALS[process]
    done = []
    for act in (_returned, _agreed, _refused, _withdrawn):
        one = Approved(process, drawing, stage, [drawing.begin(stage)])
        act(client, one)
        done += one.cases
    assert list(history.verify(done)) == []


def _returned(client: FlaskClient, one: Approved) -> None:
    """Back, again in front of it, and then agreed to on the page."""
    [case] = one.cases
    assert do(one.stage.ministry, case, one.element, verdict="return") == [one.drawing.approval.back]
    assert row_of(case)[1] is None
    one.drawing.again(one.stage, case)
    assert row_of(case) == one.waiting
    sign_in(client, known(one.stage.ministry))
    complete_on_page(client, _task(one, case), verdict="agree")
    jobs.run_all()
    assert row_of(case) == (one.drawing.agreed, None)


def _agreed(client: FlaskClient, one: Approved) -> None:
    """On the worksheet."""
    [case] = one.cases
    sign_in(client, known(one.stage.ministry))
    sheet = page(client, f"/inbox?kind={one.kind}")
    submission = re.search(r'name="submission" value="([\w-]+)"', sheet)
    assert submission
    fields = {
        "asked": "1",
        "reason": "证书已到期，予以注销。",
        "decision": "agree",
        "kind": one.kind,
        "submission": submission[1],
        "task": [str(_task(one, case))],
    }
    answer = client.post("/inbox/batch", data=fields)
    assert answer.status_code in (200, 302), re.sub(r"<[^>]+>|\s+", " ", answer.text)
    jobs.run_all()
    assert row_of(case) == (one.drawing.agreed, None)


def _refused(client: FlaskClient, one: Approved) -> None:
    """Over REST, which asks for the reason as the page does."""
    [case] = one.cases
    give_password()
    machine = rest_world.Machine(client, one.stage.ministry.login)
    address = f"/task/{_task(one, case)}/complete"
    said = {"verdict": {"value": "refuse"}}
    assert machine.post(address, {"variables": said}).status_code == 400
    answer = machine.post(address, {"variables": said | {"reason": {"value": "材料不全，不能同意。"}}})
    assert answer.status_code == 204, answer.get_data(as_text=True)
    jobs.run_all()
    assert row_of(case) == (one.drawing.refused, None)


def _withdrawn(client: FlaskClient, one: Approved) -> None:
    [case] = one.cases
    one.drawing.withdraw(client, one.stage, case, data_of(case))
    jobs.run_all()
    assert (open_tasks(case), row_of(case)) == (one.drawing.withdrawn[0], (one.drawing.withdrawn[1], None))


def see_counts(client: FlaskClient, one: Approved) -> None:
    """Home, menu, inbox, worksheet and report show the tasks, and count them."""
    n = len(one.cases)
    for language, name, verdict in (("zh", "再审", "再审结论"), ("en", "Second look", "Verdict")):
        speak(client, one.stage.ministry, language)
        for address in ("/", "/inbox", "/reports/pending-work"):
            assert re.search(rf"{one.kind}.{{0,200}}?{name}.{{0,200}}?>\s*{n}\s*<", page(client, address), re.DOTALL), (
                address
            )
        sheet = page(client, f"/inbox?kind={one.kind}")
        assert all(str(_task(one, case)) in sheet for case in one.cases)
        shown = page(client, f"/tasks/{_task(one, one.cases[0])}")
        assert name in shown
        assert verdict in shown
    assert counted(one)["count"] == n


def see_states(client: FlaskClient, one: Approved) -> None:
    """Each page and list names the state as the diagram does, in both languages; REST gives it with its code."""
    data, reader = data_of(one.cases[0]), getattr(one.stage, one.drawing.reader)
    for language, word in (("zh", NAME), ("en", ENGLISH)):
        speak(client, reader, language)
        for address in one.drawing.pages:
            assert word in page(client, address.format(**data)), address
    for address in one.drawing.rest:
        path, _, query = address.format(**data).partition("?")
        found = told(Machine(client, known(reader)).get(path, **dict([query.split("=")] if query else [])))
        rows = found["items"] if query else [found]
        assert {(row["state"], row["stage"]) for row in rows} == {one.waiting}, address
        assert not query or len(rows) == len(one.cases)


def see_engine_rest(client: FlaskClient, one: Approved) -> None:
    """Tasks with their count, cases, and the history of the step."""
    machine, onlooker = (rest_world.Machine(client, user.login) for user in (one.stage.ministry, one.onlooker))
    step = one.element.rpartition("/")[2]
    found = machine.get("/task", taskDefinitionKey=step).json
    assert {(row["taskDefinitionKey"], row["name"], row["processInstanceId"]) for row in found} == {
        (step, "再审", str(case)) for case in one.cases
    }
    assert machine.get("/task/count", taskDefinitionKey=step).json == {"count": len(one.cases)}
    assert all(row["due"] for row in found)
    key = {"processDefinitionKey": one.process}
    assert onlooker.get("/process-instance/count", **key).json["count"] >= len(one.cases)
    for case in map(str, one.cases):
        assert onlooker.get(f"/history/process-instance/{case}").json["state"] == "ACTIVE"
        [past] = onlooker.get("/history/activity-instance", processInstanceId=case, activityId=step).json
        assert (past["activityName"], past["activityType"], past["endTime"]) == ("再审", "userTask", None)


def see_case(client: FlaskClient, one: Approved) -> None:
    """The case says what it waits for, and its replay comes to the step."""
    for language, name in (("zh", "再审"), ("en", "Second look")):
        speak(client, one.onlooker, language)
        for case in one.cases:
            assert name in page(client, f"/cases/{case}")
            film = client.get(f"/cases/{case}/replay.json").get_json()
            assert one.element.rpartition("/")[2] in str(film["steps"][-1])


def see_reminder(client: FlaskClient, one: Approved, clock: MovingClock) -> None:
    """One day brings a notice to its role, three days make it late; the task stays."""
    task = task_of(one.cases[0], one.element)
    assert task.due_at == task.opened_at + timedelta(days=3)
    clock.move(timedelta(days=1, minutes=1))
    jobs.run_all()
    for language, title in (("zh", REMINDER), ("en", REMINDER_ENGLISH)):
        speak(client, one.stage.ministry, language)
        assert page(client, "/notices").count(title) == len(one.cases)
    assert counted(one)["late"] == 0
    clock.move(timedelta(days=2))
    jobs.run_all()
    assert counted(one)["late"] == len(one.cases)
    machine = rest_world.Machine(client, one.stage.ministry.login)
    due = {"taskDefinitionKey": task.element.rpartition("/")[2], "dueBefore": "2100-01-01T00:00:00.000+0000"}
    assert machine.get("/task/count", **due).json == {"count": len(one.cases)}
    assert one.element in open_tasks(one.cases[0])


def deploy(process: str) -> None:
    """Put the diagram with the second approval in force: the gate has nothing against it."""
    files = definitions.bundle(PROCESSES / f"{process}.bpmn", CHECKOUT / "forms")
    files = drawn(process, APPROVALS[process].approval, dict(files))
    issues = definitions.examine(files)
    assert [issue.text() for issue in issues if issue.is_refusal] == []
    deployments.deploy(files)


def row_of(case: UUID) -> tuple[str, str | None]:
    """State and stage of the subject of a case."""
    subject = handlers.SUBJECTS.get(session().get_one(Case, case).process)
    if subject is None:
        query = select(ProcessChange.state).where(ProcessChange.case_id == case)
        return session().scalars(query).one(), None
    row: Any = session().get_one(subject.table, UUID(data_of(case)[subject.variable]), populate_existing=True)
    return row.state, getattr(row, "stage", None)


def data_of(case: UUID) -> dict[str, Any]:
    """The variables of a case, by its replay."""
    return history.replay_frames(known(make_user("process_admin", authority_id("platform"))), case)[-1].data


def counted(one: Approved) -> dict[str, Any]:
    """The row of the step in the report of pending work."""
    read = pending_work.read(known(one.stage.ministry), ReportFilter())
    [row] = [row for batch in read.batches() for row in batch if row["task_kind"] == one.kind]
    return row


def speak(client: FlaskClient, user: User, language: str) -> None:
    sign_in(client, known(user))
    client.post("/language", data={"language": language})


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.get_data(as_text=True)


def _task(one: Approved, case: UUID) -> UUID:
    return task_of(case, one.element).id
