"""过期注销: begun daily for expired certificates without R25, decided by the ministry singly or in batch (R62, R63, S77)."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service import worker
from service.domain.training.training_need import Need
from service.errors import Conflict, InvalidInput, NotAllowed, NotFound
from service.models.db.clock import now, today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.training.training_need_facts import facts_of
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.workflow.certificates import certificate_expiry, certificates
from service.workflow.runtime import (
    bulk_completion,
    history,
    jobs,
)
from service.workflow.runtime import (
    tasks as cases,
)
from service.workflow.training import enrollments
from tests.builders.stage import (
    Stage,
    at_nine,
    certificates_of,
    do,
    ended_at,
    enroll,
    make_stage,
    open_tasks,
    publish_class,
    task_of,
)
from tests.builders.world import make_certificate

DAY = timedelta(days=1)


def _expired(stage: Stage, days: int = 1, **more: Any) -> tuple[Person, Certificate]:
    person = stage.person()
    return person, make_certificate(person, today() - days * DAY, **more)


def _case(certificate: Certificate) -> UUID:
    query = select(Case.id).where(Case.business_key == str(certificate.id)).order_by(Case.started_at.desc())
    return session().scalars(query).first()  # type: ignore[return-value]


def _now(certificate: Certificate) -> Certificate:
    return session().get_one(Certificate, certificate.id, populate_existing=True)


def _need(person: Person) -> Need:
    return enrollments.decide(facts_of([person.id], today())[person.id])


def test_the_daily_job_begins_one_case_for_each_expired_certificate(app: Any, clock: Any) -> None:
    """R62, S77"""
    stage = make_stage()
    _, expired = _expired(stage)
    last_day = make_certificate(stage.person(), today())
    for state in ("issued", "revoked", "superseded", "void"):
        _expired(stage, state=state)
    assert [certificate_expiry.start_deregistrations() for _ in range(2)] == [1, 0]
    task = task_of(_case(expired), "deregister_certificate")
    assert (task.role, task.summary) == ("ministry", f"有效期至 {expired.valid_to}")
    assert task.batch == str(stage.unit.authority_id)
    assert _case(last_day) is None
    clock.move(DAY)
    assert certificate_expiry.start_deregistrations() == 1
    assert open_tasks(_case(last_day)) == ["deregister_certificate"]


def test_after_deregistration_he_certifies_anew_with_a_new_number(app: Any, clock: Any) -> None:
    """R62, R63, R24, S77"""
    stage = make_stage()
    person, old = _expired(stage)
    found = publish_class(stage)
    assert _need(person) is Need.EXPIRED
    with pytest.raises(InvalidInput):
        enroll(stage, found, person)
    certificate_expiry.start_deregistrations()
    case = _case(old)
    do(stage.ministry, case, "deregister_certificate", decision="deregister")
    assert (ended_at(case), _now(old).state, _now(old).void_reason) == (
        "deregistered",
        "deregistered",
        "有效期满，未参加换证培训",
    )
    assert _need(person) is Need.INITIAL
    enrolled = enroll(stage, found, person)
    do(stage.province, enrolled, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    do(stage.association, enrolled, "check_in")
    do(stage.institution, enrolled, "record_score", score="88")
    do(stage.association, enrolled, "confirm_score", decision="confirm")
    do(stage.ministry, enrolled, "certification/approve_certificate", decision="approve")
    new = next(c for c in certificates_of(person) if c.state == "valid")
    assert new.number != old.number
    assert new.edition == 1
    assert list(history.verify()) == []


def test_many_are_deregistered_at_once(app: Any, clock: Any) -> None:
    """R62"""
    stage = make_stage()
    held = [_expired(stage, n)[1] for n in range(1, 6)]
    assert certificate_expiry.start_deregistrations() == 5
    tasks = [task_of(_case(c), "deregister_certificate").id for c in held]
    raw = {"decision": "deregister", "reason": "2026 年第一批"}
    results = bulk_completion.complete_many(stage.ministry, new_id(), [(task, raw) for task in tasks])
    assert [r.ok for r in results] == [True] * 5
    assert {(_now(c).state, _now(c).void_reason) for c in held} == {("deregistered", "2026 年第一批")}


def test_who_enrolled_for_renewal_in_time_is_left_alone_until_it_fails(app: Any, clock: Any) -> None:
    """R25, R62"""
    stage = make_stage()
    person = stage.person()
    held = make_certificate(person, today() + 3 * DAY)
    found = publish_class(stage, "renewal")
    case = enroll(stage, found, person)
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move(4 * DAY)
    assert _need(person) is Need.IN_PROGRESS
    assert certificate_expiry.start_deregistrations() == 0
    with pytest.raises(Conflict, match="已在有效期内报名换证"):
        cases.start(stage.ministry, "certificate_deregistration", {"certificate_id": str(held.id)})
    cases.correlate_message(stage.enterprise, case, "withdraw", {"reason": "不再参加"})
    assert certificate_expiry.start_deregistrations() == 1


def test_r25_a_renewal_of_the_last_day_keeps_a_certificate_from_its_end(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = make_stage()
    person = stage.person()
    held, other = make_certificate(person, today()), make_certificate(stage.person(), today())
    enroll(stage, publish_class(stage, "renewal"), person)
    clock.move(DAY)
    tried: list[Any] = []  # the case refuses such a start too; here the daily job is not to try it
    monkeypatch.setattr(certificate_expiry, "_start", lambda certificate_id, _: tried.append(certificate_id))
    certificate_expiry.start_deregistrations()
    assert (held.id in tried, other.id in tried) == (False, True)


def test_before_the_last_day_is_past_it_is_revocation(app: Any, clock: Any) -> None:
    """R62, C11"""
    stage = make_stage()
    held = make_certificate(stage.person(), today())
    for attempt in (
        lambda: certificate_expiry.begin_deregistration(stage.ministry, held.id),
        lambda: cases.start(stage.ministry, "certificate_deregistration", {"certificate_id": str(held.id)}),
    ):
        with pytest.raises(Conflict, match="尚未过期"):
            attempt()
    certificates.revoke(stage.ministry, held.id, "伪造学历材料。")
    assert (_now(held).state, _now(held).void_reason) == ("revoked", "伪造学历材料。")
    _, expired = _expired(stage)
    with pytest.raises(Conflict, match="请办理注销"):
        certificates.revoke(stage.ministry, expired.id, "逾期")


def test_only_the_ministry_deregisters_and_revokes(app: Any, clock: Any) -> None:
    """R62"""
    stage = make_stage()
    _, expired = _expired(stage)
    valid = make_certificate(stage.person())
    certificate_expiry.start_deregistrations()
    for user in (stage.association, stage.province, stage.enterprise):
        with pytest.raises(NotAllowed):
            certificate_expiry.begin_deregistration(user, expired.id)
        with pytest.raises(NotAllowed):
            certificates.revoke(user, valid.id, "原因")
        with pytest.raises(NotFound):
            do(user, _case(expired), "deregister_certificate", decision="deregister")


def test_a_revocation_needs_a_reason_and_leaves_the_need_of_an_initial_class(app: Any, clock: Any) -> None:
    """R62, R23"""
    stage = make_stage()
    person = stage.person()
    held = make_certificate(person)
    with pytest.raises(InvalidInput) as refused:
        certificates.revoke(stage.ministry, held.id, " ")
    assert list(refused.value.fields) == ["reason"]
    certificates.revoke(stage.ministry, held.id, "发生较大事故负有责任。")
    assert _need(person) is Need.INITIAL
    with pytest.raises(Conflict, match="已吊销"):
        certificates.revoke(stage.ministry, held.id, "再次")


def test_it_can_wait_until_a_day_and_is_looked_at_again_then(app: Any, clock: Any) -> None:
    """R62"""
    stage = make_stage()
    _, held = _expired(stage)
    certificate_expiry.start_deregistrations()
    case = _case(held)
    for wrong in (
        {},
        {"reason": "核实中"},
        {"reason": "核实中", "until": str(today())},
        {"until": str(today() + DAY)},
        {"reason": "核实中", "until": str(today() + 400 * DAY)},
    ):
        with pytest.raises(InvalidInput):
            do(stage.ministry, case, "deregister_certificate", decision="postpone", **wrong)
    until = today() + 10 * DAY
    do(
        stage.ministry,
        case,
        "deregister_certificate",
        decision="postpone",
        reason="单位申诉，待核实。",
        until=str(until),
    )
    assert open_tasks(case) == []
    assert certificate_expiry.start_deregistrations() == 0
    clock.move_to(at_nine(until - DAY))
    jobs.run_all()
    assert open_tasks(case) == []
    clock.move_to(at_nine(until))
    jobs.run_all()
    assert open_tasks(case) == ["deregister_certificate"]
    assert list(history.verify()) == []


def test_what_is_not_due_any_more_ends_by_itself(app: Any, clock: Any) -> None:
    """R21, R62"""
    stage = make_stage()
    _, held = _expired(stage, kind="legacy")
    certificate_expiry.start_deregistrations()
    assert certificate_expiry.recheck_deregistrations() == 0
    with transaction(Operation("test")):
        _now(held).valid_to = date(2026, 12, 31)
    assert certificate_expiry.recheck_deregistrations() == 1
    assert ended_at(_case(held)) == "not_due"
    assert list(history.verify()) == []


def test_a_deregistered_holders_certificate_is_left_in_the_ledger(app: Any, clock: Any) -> None:
    """R17"""
    stage = make_stage()
    person, _ = _expired(stage)
    with transaction(Operation("test")):
        session().get_one(Person, person.id).state = "deregistered"
    assert certificate_expiry.start_deregistrations() == 0
    other, held = _expired(stage)
    assert certificate_expiry.start_deregistrations() == 1
    with transaction(Operation("test")):
        session().get_one(Person, other.id).state = "deregistered"
    assert certificate_expiry.recheck_deregistrations() == 1
    assert (ended_at(_case(held)), _now(held).state) == ("not_due", "valid")


def test_the_ministry_need_not_wait_for_the_daily_job(app: Any, clock: Any) -> None:
    """R62"""
    stage = make_stage()
    _, held = _expired(stage)
    task = certificate_expiry.begin_deregistration(stage.ministry, held.id)
    assert certificate_expiry.begin_deregistration(stage.ministry, held.id) == task
    assert certificate_expiry.start_deregistrations() == 0
    row = session().get_one(Task, task)
    assert (row.state, row.opened_at) == ("open", now())


def test_two_officers_at_one_certificate(app: Any, clock: Any) -> None:
    """R74"""
    stage = make_stage()
    _, held = _expired(stage)
    task = certificate_expiry.begin_deregistration(stage.ministry, held.id)
    cases.complete(stage.ministry, task, {"decision": "deregister"})
    with pytest.raises(Conflict):
        cases.complete(stage.ministry, task, {"decision": "deregister"})
    assert _now(held).state == "deregistered"


def test_the_worker_begins_the_cases_once_however_many_workers_there_are(app: Any, clock: Any) -> None:
    """R62"""
    stage = make_stage()
    held = [_expired(stage, n)[1] for n in range(1, 9)]
    threads = [threading.Thread(target=worker.daily, args=(app, threading.Event())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session().rollback()
    started = session().scalars(select(Case.business_key).where(Case.process == certificate_expiry.PROCESS)).all()
    assert sorted(key or "" for key in started) == sorted(str(c.id) for c in held)
