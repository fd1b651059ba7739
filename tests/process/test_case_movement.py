"""Cases: start, claim, complete one and many, signals, timers, two officers at once, and the proof by re-execution."""

from __future__ import annotations

import contextvars
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from service.engine import StaleToken
from service.errors import Conflict, InvalidInput, NotAllowed, NotFound, ProcessError, TaskAlreadyDone
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.lease import LEASE
from service.models.tables.runtime.case import (
    Case,
    Incident,
    Job,
    JournalRow,
    Task,
)
from service.models.tables.runtime.case_statements import CLAIM_JOBS
from service.models.tables.units.organisation import authority_id
from service.workflow.idempotency import once
from service.workflow.runtime import (
    bulk_completion,
    executor,
    history,
    jobs,
)
from service.workflow.runtime import (
    tasks as cases,
)
from service.workflow.runtime.mends import resolve_incident
from tests.conftest import START
from tests.database import alter_as_owner
from tests.process.small_process import DIAGRAM, deploy, person


def _state(task_id: UUID) -> str:
    return (
        session().scalars(select(Task.state).where(Task.id == task_id).execution_options(populate_existing=True)).one()
    )


def _open(case_id: UUID) -> dict[str, UUID]:
    return {
        t.element: t.id for t in session().scalars(select(Task).where(Task.case_id == case_id, Task.state == "open"))
    }


def test_a_case_goes_from_inbox_to_inbox_and_its_journal_proves_it(app: Any, clock: Any) -> None:
    deploy()
    association, ministry = person("a", "association"), person("m", "ministry")
    started = cases.start(association, "small", {"n": 1})
    cases.claim(association, started.tasks[0])
    done = cases.complete(association, started.tasks[0], {"decision": "yes", "comment": "好"})
    assert _open(started.case_id) == {"sign": done.opened[0]}
    end = cases.complete(ministry, done.opened[0], {})
    case = session().get(Case, started.case_id, populate_existing=True)
    assert end.ended
    assert (case.ended, case.seq) == ("done", 3)
    assert list(history.verify()) == []
    assert [m.tokens for m in history.replay_frames(association, started.case_id)] == [
        ("look",),
        ("look",),
        ("sign",),
        (),
    ]
    assert [e.kind for e in history.timeline(ministry, started.case_id)] == ["start", "claim", "complete", "complete"]


def test_a_bad_form_changes_nothing_and_names_the_field(app: Any, clock: Any) -> None:
    deploy()
    association = person("a", "association")
    task = cases.start(association, "small", {}).tasks[0]
    for raw in (
        {"decision": "perhaps"},
        {},
        {"decision": "yes", "comment": "x" * 201},
        {"decision": "yes", "forged": "1"},
    ):
        with pytest.raises(InvalidInput) as refused:
            cases.complete(association, task, raw)
        assert refused.value.fields
    assert _state(task) == "open"


def test_out_of_scope_is_not_found_r70(app: Any, clock: Any) -> None:
    deploy()
    association, ministry = person("a", "association"), person("m", "ministry")
    task = cases.start(association, "small", {}).tasks[0]
    for act in (cases.claim, cases.unclaim, lambda u, t: cases.complete(u, t, {"decision": "yes"})):
        with pytest.raises(NotFound):
            act(ministry, task)
        with pytest.raises(NotFound):
            act(association, uuid4())


def test_a_task_claimed_by_a_colleague_is_his_until_he_gives_it_back(app: Any, clock: Any) -> None:
    deploy()
    first, second = person("a", "association"), person("b", "association")
    task = cases.start(first, "small", {}).tasks[0]
    cases.claim(first, task)
    with pytest.raises(Conflict):
        cases.claim(second, task)
    with pytest.raises(Conflict):
        cases.complete(second, task, {"decision": "yes"})
    with pytest.raises(NotAllowed):
        cases.unclaim(second, task)
    cases.assign(first, task, second.id)
    cases.complete(second, task, {"decision": "no"})
    assert list(history.verify()) == []


def test_a_note_of_the_system_has_no_actor_and_no_text_none(app: Any, clock: Any) -> None:
    deploy()
    officer = person("a", "association")
    started = cases.start(officer, "small", {})
    cases.claim(officer, started.tasks[0])
    cases.release_tasks(officer.id, actor_id=None)
    claim, release = session().scalars(select(JournalRow).where(JournalRow.seq > 0).order_by(JournalRow.seq)).all()
    assert (claim.kind, claim.record["actor"]) == ("claim", str(officer.id))
    assert (release.kind, release.record["actor"], release.record["behalf"]) == ("unclaim", None, None)
    assert (release.actor_id, _state(started.tasks[0])) == (None, "open")
    assert list(history.verify()) == []


def test_a_task_is_handed_to_colleagues_of_the_same_organisation_and_role_alone(app: Any, clock: Any) -> None:
    deploy()
    first, other_role = person("a", "association"), person("b", "sys_admin", authority_id("association"))
    elsewhere = person("c", "association", authority_id("ministry"))
    task = cases.start(first, "small", {}).tasks[0]
    for stranger in (other_role.id, elsewhere.id, uuid4()):
        with pytest.raises(NotFound):
            cases.assign(first, task, stranger)
    colleague = person("d", "association")
    cases.assign(first, task, colleague.id)
    cases.complete(colleague, task, {"decision": "no"})


def test_of_two_officers_at_once_one_is_told_it_is_done_r74(app: Any, clock: Any) -> None:
    deploy()
    officers = [person(n, "association") for n in "abcd"]
    task = cases.start(officers[0], "small", {}).tasks[0]
    barrier, outcomes = threading.Barrier(4), []

    def work(officer: Any) -> None:
        with app.app_context():
            barrier.wait()
            try:
                cases.complete(officer, task, {"decision": "yes"})
                outcomes.append("done")
            except TaskAlreadyDone:
                outcomes.append("second")

    threads = [threading.Thread(target=contextvars.Context().run, args=(work, o)) for o in officers]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(outcomes) == ["done", "second", "second", "second"]
    assert session().scalar(select(JournalRow.seq).order_by(JournalRow.seq.desc())) == 1


def test_r74_who_comes_second_is_told_that_it_is_done(app: Any, clock: Any) -> None:
    deploy()
    first, second = person("a", "association"), person("b", "association")
    task = cases.start(first, "small", {}).tasks[0]
    cases.complete(first, task, {"decision": "yes"})
    for act in (cases.claim, lambda user, task_id: cases.complete(user, task_id, {"decision": "no"})):
        with pytest.raises(TaskAlreadyDone):
            act(second, task)
    assert session().scalar(select(JournalRow.seq).order_by(JournalRow.seq.desc())) == 1


def test_a_message_that_nobody_waits_for_is_a_conflict(app: Any, clock: Any) -> None:
    deploy()
    association = person("a", "association")
    started = cases.start(association, "small", {})
    cases.correlate_message(association, started.case_id, "stop", {"reason": "停"})
    assert _state(started.tasks[0]) == "cancelled"
    assert session().get(Case, started.case_id, populate_existing=True).ended == "halted"
    with pytest.raises(Conflict):
        cases.correlate_message(association, started.case_id, "stop")
    assert list(history.verify()) == []


def test_a_message_that_comes_too_early_is_kept_until_its_case_waits_for_it(app: Any, clock: Any) -> None:
    deploy(DIAGRAM.replace('name="停止" attachedToRef="look"', 'name="停止" attachedToRef="sign"'))
    association = person("a", "association")
    started = cases.start(association, "small", {})
    with transaction(Operation("test")) as current:
        current.add(Job(id=new_id(), case_id=started.case_id, kind="message", name="stop", due_at=START, run_at=START))
    assert jobs.run_all() == 1
    assert session().get_one(Case, started.case_id, populate_existing=True).ended_at is None
    cases.complete(association, started.tasks[0], {"decision": "yes"})
    clock.move(jobs.UNAWAITED_MESSAGE_DELAY)
    jobs.run_all()
    assert session().get(Case, started.case_id, populate_existing=True).ended == "halted"
    assert list(history.verify()) == []


def test_a_timer_fires_when_it_is_due_and_not_before(app: Any, clock: Any) -> None:
    deploy()
    association = person("a", "association")
    started = cases.start(association, "small", {})
    clock.move(timedelta(days=3) - timedelta(seconds=1))
    assert jobs.run_due() == 0
    clock.move(timedelta(seconds=1))
    assert jobs.run_due() == 1
    assert session().get(Case, started.case_id, populate_existing=True).ended == "lapsed"
    with pytest.raises(TaskAlreadyDone):
        cases.complete(association, started.tasks[0], {"decision": "yes"})
    assert list(history.verify()) == []


def test_a_completed_task_clears_its_timer(app: Any, clock: Any) -> None:
    deploy()
    association = person("a", "association")
    cases.complete(association, cases.start(association, "small", {}).tasks[0], {"decision": "no"})
    clock.move(timedelta(days=4))
    assert jobs.run_due() == 0
    assert session().scalars(select(Job.state)).all() == ["cleared"]


def test_a_batch_does_each_row_and_says_why_one_was_refused(app: Any, clock: Any) -> None:
    deploy()
    association = person("a", "association")
    tasks = [cases.start(association, "small", {"n": n}).tasks[0] for n in range(120)]
    rows: list[tuple[UUID, dict[str, str]]] = [(t, {"decision": "yes"}) for t in tasks]
    rows[7] = (tasks[7], {"decision": "perhaps"})
    submission = uuid4()
    results = bulk_completion.complete_many(association, submission, rows)
    assert [r.ok for r in results] == [n != 7 for n in range(120)]
    assert set(results[7].fields) == {"decision"}
    again = bulk_completion.complete_many(association, submission, rows)
    assert [(r.task_id, r.ok) for r in again] == [(r.task_id, r.ok) for r in results]
    assert list(history.verify()) == []


def test_a_batch_whose_process_dies_between_slices_is_told_truthfully_and_ended_when_sent_again(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    association = person("a", "association")
    tasks = [cases.start(association, "small", {"n": n}).tasks[0] for n in range(5)]
    rows: list[tuple[UUID, dict[str, str]]] = [(t, {"decision": "yes"}) for t in tasks]
    rows[0] = (tasks[0], {"decision": "perhaps"})
    monkeypatch.setattr(bulk_completion, "SLICE_ROWS", 2)
    complete, submission = bulk_completion._complete_row, uuid4()

    def die(user: Any, task_id: UUID, raw: Any) -> Any:
        if task_id == tasks[3]:
            raise KeyboardInterrupt
        return complete(user, task_id, raw)

    with monkeypatch.context() as dying:
        dying.setattr(bulk_completion, "_complete_row", die)
        with pytest.raises(KeyboardInterrupt):
            bulk_completion.complete_many(association, submission, rows)
    assert bulk_completion.recorded(association, submission) is None
    results = bulk_completion.complete_many(association, submission, rows)
    assert [(r.task_id, r.ok) for r in results] == [(t, t != tasks[0]) for t in tasks]
    assert set(results[0].fields) == {"decision"}
    assert bulk_completion.recorded(association, submission) == results
    assert list(history.verify()) == []


def test_a_batch_sent_again_with_what_is_still_open_tells_of_all_its_rows(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    association = person("a", "association")
    tasks = sorted(cases.start(association, "small", {"n": n}).tasks[0] for n in range(2))
    rows = [(t, {"decision": "yes"}) for t in tasks]
    monkeypatch.setattr(bulk_completion, "SLICE_ROWS", 1)
    complete, done, submission = bulk_completion._complete_row, list[UUID](), uuid4()

    def die(user: Any, task_id: UUID, raw: Any) -> Any:
        if done:
            raise KeyboardInterrupt
        done.append(task_id)
        return complete(user, task_id, raw)

    with monkeypatch.context() as dying:
        dying.setattr(bulk_completion, "_complete_row", die)
        with pytest.raises(KeyboardInterrupt):
            bulk_completion.complete_many(association, submission, rows)
    still_open = [row for row in rows if row[0] not in done]
    results = bulk_completion.complete_many(association, submission, still_open)
    assert {r.task_id: r.ok for r in results} == dict.fromkeys(tasks, True)


def test_a_task_named_twice_in_a_batch_is_done_once_and_told_so(app: Any, clock: Any) -> None:
    deploy()
    association = person("a", "association")
    task = cases.start(association, "small", {}).tasks[0]
    results = bulk_completion.complete_many(
        association, uuid4(), [(task, {"decision": "yes"}), (task, {"decision": "no"})]
    )
    assert [r.ok for r in results] == [True, True]


def test_the_id_of_a_form_is_no_key_of_a_batch(app: Any, clock: Any) -> None:
    deploy()
    association, form = person("a", "association"), uuid4()
    once(association, form, "start", lambda: cases.start(association, "small", {}).case_id)
    with pytest.raises(NotFound):
        bulk_completion.recorded(association, form)


def test_only_starter_groups_start_by_key(app: Any, clock: Any) -> None:
    deploy()
    with pytest.raises(NotAllowed):
        cases.start_by_key(person("m", "ministry"), "small", {})
    assert cases.start_by_key(person("a", "association"), "small", {}).tasks


def test_a_journal_of_another_engine_version_is_named_not_accused(app: Any, clock: Any) -> None:
    deploy()
    started = cases.start(person("a", "association"), "small", {})
    alter_as_owner("UPDATE journal SET record = jsonb_set(record, '{engine}', '\"spiffworkflow-3.2.0/1\"')")
    session().expire_all()
    (found,) = history.verify([started.case_id])
    assert found.what == "engine"
    assert "spiffworkflow-3.2.0/1" in str(found)


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        ("UPDATE journal SET record = jsonb_set(record, '{data,comment}', '\"改\"') WHERE seq = 2", "chain"),
        ("UPDATE journal SET record = jsonb_set(record, '{actor}', '\"x\"') WHERE seq = 1", "chain"),
        ("UPDATE journal SET at = at + interval '1 day' WHERE seq = 2", "column"),
        ("DELETE FROM journal WHERE seq = 1", "chain"),
        ("DELETE FROM journal WHERE seq = 3", "chain"),
        (
            "INSERT INTO journal SELECT case_id, 9, at, kind, actor_id, element, record, hash FROM journal WHERE seq = 2",
            "chain",
        ),
        (
            "UPDATE journal SET seq = CASE seq WHEN 1 THEN 102 ELSE 101 END WHERE seq IN (1, 2); UPDATE journal SET seq = seq - 100 WHERE seq > 100",
            "chain",
        ),
        ("UPDATE task SET state = 'open' WHERE element = 'look'", "inbox"),
        ("UPDATE case_instance SET last_hash = repeat('0', 64)", "chain"),
    ],
)
def test_verify_finds_rows_changed_deleted_inserted_and_swapped_by_sql(
    app: Any, clock: Any, tamper: str, found: str
) -> None:
    deploy()
    association, ministry = person("a", "association"), person("m", "ministry")
    started = cases.start(association, "small", {})
    cases.claim(association, started.tasks[0])
    done = cases.complete(association, started.tasks[0], {"decision": "yes", "comment": "好"})
    cases.complete(ministry, done.opened[0], {})
    assert list(history.verify()) == []
    alter_as_owner(*tamper.split(";"))
    session().expire_all()
    assert found in {d.what for d in history.verify()}


def test_a_stored_state_that_was_exchanged_is_found(app: Any, clock: Any) -> None:
    deploy()
    association = person("a", "association")
    one, two = cases.start(association, "small", {}), cases.start(association, "small", {})
    cases.complete(association, two.tasks[0], {"decision": "yes"})
    other = session().scalars(select(Case.state).where(Case.id == two.case_id)).one()
    session().execute(update(Case).where(Case.id == one.case_id).values(state=other))
    session().expire_all()
    assert "state" in {d.what for d in history.verify([one.case_id])}


def test_equal_messages_that_wait_are_delivered_as_one(app: Any, clock: Any) -> None:
    deploy()
    association = person("a", "association")
    started = cases.start(association, "small", {})
    with transaction(Operation("test", association.id)):
        for _ in range(3):
            session().add(
                Job(
                    case_id=started.case_id,
                    kind="message",
                    name="stop",
                    coalesce="k",
                    due_at=clock.now(),
                    run_at=clock.now(),
                )
            )
    jobs.run_all()
    assert session().scalars(select(Job.state).where(Job.kind == "message")).all() == ["done"] * 3
    assert session().get(Case, started.case_id, populate_existing=True).seq == 1


def test_a_failing_job_is_tried_again_and_becomes_an_incident_that_can_be_retried(
    app: Any, clock: Any, monkeypatch: Any
) -> None:
    deploy()
    association = person("a", "association")
    started = cases.start(association, "small", {})
    clock.move(timedelta(days=3))
    with monkeypatch.context() as broken:
        broken.setattr(executor, "apply_input", _fail)
        for pause in (*jobs.RETRY_DELAYS, timedelta(0)):
            assert jobs.run_due() == 1
            assert jobs.run_due() == 0
            clock.move(pause)
    incident = session().scalars(select(Incident)).one()
    assert session().get(Case, started.case_id, populate_existing=True).incidents == 1
    processes = person("p", "process_admin")
    assert resolve_incident(processes, incident.id, "表已改好")
    jobs.run_all()
    case = session().get(Case, started.case_id, populate_existing=True)
    assert (case.ended, case.incidents) == ("lapsed", 0)
    with pytest.raises(Conflict):
        resolve_incident(processes, incident.id, "再来")


def test_a_step_that_fails_is_an_incident_and_the_officer_reads_what_happens_next(app: Any, clock: Any) -> None:
    deploy(DIAGRAM.replace('decision == "yes"', "n"))  # a number is no condition
    association = person("a", "association")
    started = cases.start(association, "small", {"n": 1})
    with pytest.raises(ProcessError) as failed:
        cases.complete(association, started.tasks[0], {"decision": "yes"})
    assert str(failed.value.message) == str(ProcessError().message)
    incident = session().scalars(select(Incident)).one()
    assert (incident.case_id, incident.element) == (started.case_id, "gw")
    assert "真假值" in incident.message
    assert _state(started.tasks[0]) == "open"


def test_rows_of_a_batch_whose_steps_fail_are_refused_with_the_number_of_their_fault(
    app: Any, clock: Any, monkeypatch: Any
) -> None:
    deploy(DIAGRAM.replace('decision == "yes"', "n"))
    association = person("a", "association")
    task = cases.start(association, "small", {"n": 1}).tasks[0]
    (failed,) = bulk_completion.complete_many(association, uuid4(), [(task, {"decision": "yes"})])
    assert (failed.ok, str(failed.message)[:17]) == (
        False,
        "办理这一项时系统出错，其他各项不受",
    )  # R44: with the number of its fault
    monkeypatch.setattr(executor, "apply_input", _find_no_token)
    (stale,) = bulk_completion.complete_many(association, uuid4(), [(task, {"decision": "yes"})])
    assert (stale.ok, stale.message) == (False, TaskAlreadyDone().message)
    with pytest.raises(TaskAlreadyDone) as one:
        cases.complete(association, task, {"decision": "yes"})
    assert one.value.message == TaskAlreadyDone().message


def _find_no_token(*_: Any) -> Any:
    raise StaleToken("complete look 0.0")


def test_a_job_whose_token_is_gone_is_done_without_an_incident(app: Any, clock: Any, monkeypatch: Any) -> None:
    deploy()
    started = cases.start(person("a", "association"), "small", {})
    clock.move(timedelta(days=3))
    monkeypatch.setattr(executor, "apply_input", _find_no_token)
    assert jobs.run_due() == 1
    assert session().scalars(select(Job.state).where(Job.case_id == started.case_id)).all() == ["done"]
    assert session().scalars(select(Incident)).all() == []


def _fail(*_: Any) -> None:
    raise RuntimeError("broken")


def test_a_job_whose_worker_died_is_done_by_another_once_the_lease_ran_out(app: Any, clock: Any) -> None:
    deploy()
    association = person("a", "association")
    started = cases.start(association, "small", {})
    clock.move(timedelta(days=3))
    with transaction(Operation("test")) as current:
        at = clock.now()
        current.execute(CLAIM_JOBS, {"worker": "dead", "until": at + LEASE, "now": at, "limit": 9, "pool": None})
    assert jobs.run_due() == 0
    clock.move(LEASE + timedelta(seconds=1))
    assert jobs.run_due() == 1
    assert session().get(Case, started.case_id, populate_existing=True).ended == "lapsed"
