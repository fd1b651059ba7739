"""Batches: whatever fails in one row, the others are done and the row says why (R44, R51, R72, R78)."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

import service
from service.engine import StepError
from service.handlers import registry
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Incident, Task
from service.models.tables.training.training import Enrollment
from service.workflow.certificates import certificate_expiry, certificates, printing
from service.workflow.persons import person_records
from service.workflow.runtime import jobs, tasks
from tests.api.test_pages_person_import import book, cells, upload
from tests.api.v1_world import Machine, make_world, told
from tests.builders.stage import Stage, at_nine, enroll, make_stage, open_tasks, publish_class, task_of
from tests.builders.world import make_certificate, sign_in

FAULT = "系统出错，其他各项不受影响"
PRINT, APPROVE = "certification/print_certificate", "certification/approve_certificate"


def python_error() -> None:
    raise RuntimeError("boom")


def database_error() -> None:
    session().execute(text("SELECT 1 / 0"))


def unique_error() -> None:
    session().execute(text("INSERT INTO certificate_number_owner VALUES ('1', ''), ('1', '')"))


def diagram_error() -> None:
    raise StepError("somewhere", "the condition cannot be decided")


ERRORS = [python_error, database_error, unique_error, diagram_error]


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, topic: str, person: Person, error: Callable[[], None]) -> Iterator[None]:
    """Let the handler of a topic fail for one person."""
    sound = registry.topics()[topic]

    def handler(context: Any, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("person_id") == str(person.id):
            error()
        return sound(context, data)

    with monkeypatch.context() as patched:
        patched.setitem(registry._handlers, topic, handler)
        yield


def ids_of(cases: list[UUID], element: str) -> list[str]:
    return [str(task_of(case, element).id) for case in cases if element in open_tasks(case)]


def cases_of(people: list[Person]) -> list[UUID]:
    return [session().scalars(select(Enrollment.case_id).where(Enrollment.person_id == p.id)).one() for p in people]


def states_of(people: list[Person]) -> list[str | None]:
    session().expire_all()
    return [session().scalar(select(Enrollment.state).where(Enrollment.person_id == p.id)) for p in people]


def incidents() -> int:
    return session().scalar(select(func.count()).select_from(Incident)) or 0


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "row fault"]


class Pages:
    """The batches of the pages, by step: whoever does it ticks all rows and sends them."""

    def __init__(self, client: FlaskClient, stage: Stage, class_id: UUID) -> None:
        self.client, self.stage, self.class_id = client, stage, class_id

    def enroll(self, people: list[Person]) -> str:
        form = {"person": [str(p.id) for p in people]}
        return self._post(self.stage.enterprise, f"/classes/{self.class_id}/enroll", form)

    def confirm(self, cases: list[UUID]) -> str:
        return self._inbox(self.stage.province, cases, "confirm_enrollment", "confirm")

    def check_in(self, cases: list[UUID]) -> str:
        rows = ids_of(cases, "check_in")
        return self._post(self.stage.association, f"/classes/{self.class_id}/check-in", self._form(rows))

    def score(self, cases: list[UUID]) -> str:
        rows = ids_of(cases, "record_score")
        typed = {f"score_{row}": "80" for row in rows}
        return self._post(self.stage.institution, f"/classes/{self.class_id}/scores", self._form(rows) | typed)

    def confirm_score(self, cases: list[UUID]) -> str:
        return self._inbox(self.stage.association, cases, "confirm_score", "confirm")

    def approve(self, cases: list[UUID]) -> str:
        return self._inbox(self.stage.ministry, cases, APPROVE, "approve")

    def _inbox(self, user: Any, cases: list[UUID], element: str, decision: str) -> str:
        return self._post(user, "/inbox/batch", self._form(ids_of(cases, element)) | {"decision": decision})

    def _form(self, rows: list[str]) -> dict[str, Any]:
        return {"task": rows, "submission": str(new_id()), "asked": "1"}

    def _post(self, user: Any, address: str, form: dict[str, Any]) -> str:
        answer = sign_in(self.client, user).post(address, data=form, follow_redirects=True)
        assert answer.status_code in (200, 422), answer.text
        return answer.text


class Rest:
    """The batches of ``/api/v1``, by step."""

    def __init__(self, client: FlaskClient, stage: Stage, class_id: UUID) -> None:
        self.client, self.stage, self.class_id = client, stage, class_id

    def enroll(self, people: list[Person]) -> str:
        content = {"persons": [str(p.id) for p in people]}
        return self._post(self.stage.enterprise, f"/classes/{self.class_id}/enrollments", content)

    def confirm(self, cases: list[UUID]) -> str:
        return self._many(self.stage.province, "/enrollments/confirm", cases, decision="confirm")

    def check_in(self, cases: list[UUID]) -> str:
        return self._many(self.stage.association, "/enrollments/check-in", cases)

    def score(self, cases: list[UUID]) -> str:
        rows = [{"enrollment": key, "score": 80} for key in self._ids(cases)]
        return self._post(self.stage.institution, "/scores", {"scores": rows})

    def confirm_score(self, cases: list[UUID]) -> str:
        return self._many(self.stage.association, "/scores/confirm", cases, decision="confirm")

    def _many(self, user: Any, path: str, cases: list[UUID], **more: str) -> str:
        return self._post(user, path, {"enrollments": self._ids(cases)} | more)

    def _ids(self, cases: list[UUID]) -> list[str]:
        return [str(session().scalars(select(Enrollment.id).where(Enrollment.case_id == case)).one()) for case in cases]

    def _post(self, user: Any, path: str, content: Any) -> str:
        answer = Machine(self.client, user).post(path, content, Idempotency_Key=str(uuid4()))
        return json.dumps(told(answer), ensure_ascii=False)


STEPS = {  # step → the topic that fails, and the state that the others come to
    "enroll": ("training_enrollment.register", "pending"),
    "confirm": ("training_enrollment.confirm", "confirmed"),
    "check_in": ("training_enrollment.check_in", "checked_in"),
    "score": ("examination.record_score", "scored"),
    "confirm_score": ("certification.issue_certificate", "certifying"),
    "approve": ("certification.approve", "certifying"),
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("door", [Pages, Rest])
def test_one_row_fails_and_the_others_are_done(
    client: FlaskClient,
    clock: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    door: Any,
    error: Callable[[], None],
) -> None:
    """Every batch of a class, from enrolment to approval: the middle one of three fails, then is done by itself."""
    stage = make_world()
    found = publish_class(stage)
    people = [stage.person() for _ in range(3)]
    act, broken = door(client, stage, found.id), people[1]
    for step, (topic, state) in STEPS.items():
        if not hasattr(act, step):
            continue
        if step == "check_in":
            clock.move_to(at_nine(found.starts_on))
        rows: Any = people if step == "enroll" else cases_of(people)
        known_faults, _ = incidents(), capsys.readouterr()
        with failing(monkeypatch, topic, broken, error):
            said = getattr(act, step)(rows)
        assert FAULT in said, step
        [line] = logged(capsys)
        assert line["fault"] in said
        assert "boom" not in json.dumps(line)
        assert [s == state for s in states_of(people)] == [True, step == "approve", True], step
        if step != "enroll":  # there is no case yet
            assert incidents() == known_faults + 1
        getattr(act, step)([broken] if step == "enroll" else [cases_of([broken])[0]])
        jobs.run_all()
        assert states_of(people) == [state] * 3, step
        assert logged(capsys) == []


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("then", ["save", "submit"])
def test_one_row_of_an_import_fails_and_says_so(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch, then: str, error: Callable[[], None]
) -> None:
    """At the check, and again when it is entered (R72)."""
    stage = make_stage()
    sign_in(client, stage.enterprise)
    sound = person_records._fill_facts
    fails = False

    def fill(person: Person, entry: Any) -> None:
        if fails and entry.typed("name") == "李己巳":
            error()
        sound(person, entry)

    monkeypatch.setattr(person_records, "_fill_facts", fill)
    rows = [cells(1), cells(2, name="李己巳"), cells(3, name="王庚午")]
    fails = True
    address = upload(client, book(rows), then).location
    assert FAULT in client.get(address).text
    fails = False
    address = upload(client, book(rows), then).location
    fails = True  # between the check and the entry
    client.post(address, data={"rows": "passed"})
    jobs.run_all()
    session().expire_all()
    assert set(session().scalars(select(Person.name))) == {"陈戊辰", "王庚午"}
    assert FAULT in client.get(address).text


@pytest.mark.parametrize("error", ERRORS)
def test_one_certificate_of_a_print_batch_fails(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch, error: Callable[[], None]
) -> None:
    stage = make_stage()
    held = [make_certificate(stage.person()) for _ in range(3)]
    sound = certificates.log_print

    def log(certificate: Certificate, *more: Any) -> None:
        if certificate.id == held[1].id:
            error()
        sound(certificate, *more)

    monkeypatch.setattr(certificates, "log_print", log)
    batch = printing.begin_batch(stage.association, [c.id for c in held], "一批", "", "https://localhost/v/{}")
    jobs.run_at_once(batch.id)
    row = printing.find_batch(stage.association, batch.id)
    assert row.state == "done"
    assert [(one["id"], FAULT in one["text"]) for one in row.refused] == [(str(held[1].id), True)]


def test_one_claim_fails(app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = make_stage()
    found = publish_class(stage)
    chosen = [task_of(enroll(stage, found, stage.person()), "confirm_enrollment").id for _ in range(3)]
    sound = tasks.append_journal_note

    def note(held: Any, act: Any) -> None:
        if held.id == session().get_one(Task, chosen[1]).case_id:
            python_error()
        sound(held, act)

    monkeypatch.setattr(tasks, "append_journal_note", note)
    assert tasks.claim_many(stage.province, chosen) == 2
    session().expire_all()
    assert [session().get_one(Task, key).assignee_id for key in chosen] == [stage.province.id, None, stage.province.id]


@pytest.mark.parametrize("error", ERRORS)
def test_one_expired_certificate_fails_and_the_day_goes_on(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch, error: Callable[[], None]
) -> None:
    """The daily job that starts the cases, and the ministry's batch that ends them (R62)."""
    stage = make_stage()
    held = [make_certificate(stage.person(), today() - timedelta(days=n)) for n in (3, 2, 1)]
    first, last = "certificate_deregistration.gather_facts", "certificate_deregistration.deregister"
    originals = dict(registry.topics())
    with monkeypatch.context() as patched:
        patched.setitem(registry._handlers, first, _wrapped(originals[first], held[1], error))
        assert certificate_expiry.start_deregistrations() == 2
    assert certificate_expiry.start_deregistrations() == 1
    rows = list(session().scalars(select(Task.id).where(Task.element == "deregister_certificate")))
    with monkeypatch.context() as patched:
        patched.setitem(registry._handlers, last, _wrapped(originals[last], held[1], error))
        form = {"task": [str(row) for row in rows], "submission": str(new_id()), "reason": "过期未换证。", "asked": "1"}
        said = sign_in(client, stage.ministry).post("/certificates/expired", data=form).text
    assert FAULT in said
    session().expire_all()
    assert [session().get_one(Certificate, c.id).state for c in held] == ["deregistered", "valid", "deregistered"]


def _wrapped(sound: Any, held: Certificate, error: Callable[[], None]) -> Any:
    def handler(context: Any, data: dict[str, Any]) -> Any:
        if data["certificate_id"] == str(held.id):
            error()
        return sound(context, data)

    return handler


ALL_OR_NOTHING = {
    "definitions.py": "diagrams at start-up and in the studio: a fault of the gate is to be seen at once",
    "deployments.py": "sent together, deployed together or not at all; a fault of the gate is to be seen at once",
    "jobs.py": "does a job once more when somebody changed what it had read; any other fault is run_due's",
    "person_import.py": "undoes a rehearsal; its rows are judged by save_all",
    "tickets.py": "the files of one ticket come together or not at all",
}


def test_every_loop_that_goes_on_after_a_refusal_goes_on_after_any_fault() -> None:
    """A loop whose rows may be refused one by one catches everything, and tells it by ``refusal_of``."""
    root, found = Path(service.__file__).parent / "workflow", set()
    for file in root.rglob("*.py"):
        for loop in ast.walk(ast.parse(file.read_text())):
            if not isinstance(loop, ast.For | ast.ListComp):
                continue
            for node in ast.walk(loop):
                if isinstance(node, ast.Try) and node.handlers:
                    caught = [ast.unparse(one.type) for one in node.handlers if one.type]
                    found |= set() if "Exception" in caught else {file.name}
    assert found == ALL_OR_NOTHING.keys()


def test_a_fault_says_nothing_personal(capsys: pytest.CaptureFixture[str], app: Any) -> None:
    from service.workflow.row_refusal import refusal_of

    try:
        raise ValueError("张甲子 370000198001010029")
    except ValueError as error:
        refused = refusal_of(error, "test")
    told_text = str(refused.message) + capsys.readouterr().err
    assert "张甲子" not in told_text
    assert re.search(r"编号 [0-9a-f]{8}", told_text)
