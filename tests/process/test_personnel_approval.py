"""人员审批: approval, sending back, resubmission, new approval after an edit, deregistration, academies, transfer (R9–R21)."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from service.errors import Conflict, InvalidInput, NotAllowed, NotFound
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import authority_id
from service.workflow.persons.person_records import deregister_person, submit_person, take_back_person
from service.workflow.persons.transfers import transfer_person
from service.workflow.runtime import history, tasks
from tests.builders.stage import (
    Stage,
    certificates_of,
    do,
    ended_at,
    enroll,
    make_stage,
    open_tasks,
    publish_class,
    task_of,
)
from tests.builders.world import identity_number, make_certificate, make_person, make_unit


def _submitted(stage: Stage, **more: Any) -> tuple[Person, UUID]:
    person = make_person(stage.unit, state="draft", **more)
    submit_person(stage.enterprise, person.id)
    found = _now(person)
    assert found.case_id
    return found, found.case_id


def _now(person: Person) -> Person:
    return session().get_one(Person, person.id, populate_existing=True)


def test_a_person_is_entered_by_his_unit_and_approved_by_its_province(app: Any, clock: Any) -> None:
    """R12, S37"""
    stage = make_stage()
    person, case = _submitted(stage)
    task = task_of(case, "approve_person")
    assert (person.state, task.organisation_id, task.subject) == ("pending", authority_id("37"), person.name)
    assert do(stage.province, case, "approve_person", decision="approve") == []
    assert (ended_at(case), _now(person).state) == ("approved", "approved")
    assert list(history.verify()) == []


def test_another_province_cannot_approve(app: Any, clock: Any) -> None:
    """R9"""
    stage = make_stage()
    _, case = _submitted(stage)
    with pytest.raises(NotFound):
        do(stage.other_province, case, "approve_person", decision="approve")


def test_a_rejection_needs_a_comment_and_the_unit_sends_again_without_limit(app: Any, clock: Any) -> None:
    """R13, S41"""
    stage = make_stage()
    person, case = _submitted(stage)
    with pytest.raises(InvalidInput) as refused:
        do(stage.province, case, "approve_person", decision="reject")
    assert list(refused.value.fields) == ["reason"]
    for comment in ("岗位填写有误", "照片不清"):
        assert do(stage.province, case, "approve_person", decision="reject", reason=comment) == ["revise_person"]
        assert (_now(person).state, _now(person).decision_comment) == ("rejected", comment)
        assert task_of(case, "revise_person").organisation_id == stage.unit.id
        submit_person(stage.enterprise, person.id)
        assert (open_tasks(case), _now(person).state) == (["approve_person"], "pending")
    do(stage.province, case, "approve_person", decision="approve")
    assert (_now(person).state, _now(person).decision_comment) == ("approved", None)


def test_the_unit_takes_back_what_nobody_has_begun(app: Any, clock: Any) -> None:
    """R85: it is corrected and sent again in the same case; once claimed or decided it stays with the province."""
    stage = make_stage()
    person, case = _submitted(stage)
    for stranger in (stage.province, stage.other_province):
        with pytest.raises((NotFound, NotAllowed)):
            take_back_person(stranger, person.id)
    task = task_of(case, "approve_person")
    tasks.claim(stage.province, task.id)
    with pytest.raises(Conflict):
        take_back_person(stage.enterprise, person.id)
    tasks.unclaim(stage.province, task.id)
    take_back_person(stage.enterprise, person.id)
    assert (open_tasks(case), _now(person).state, _now(person).decision_comment) == (
        ["revise_person"],
        "rejected",
        None,
    )
    with pytest.raises(Conflict):
        take_back_person(stage.enterprise, person.id)
    submit_person(stage.enterprise, person.id)
    assert (open_tasks(case), _now(person).state) == (["approve_person"], "pending")
    do(stage.province, case, "approve_person", decision="approve")
    with pytest.raises(Conflict):
        take_back_person(stage.enterprise, person.id)


def test_without_the_declaration_nobody_is_submitted(app: Any, clock: Any) -> None:
    """R20"""
    stage = make_stage()
    person = make_person(stage.unit, state="draft", no_criminal_record=False)
    with pytest.raises(InvalidInput) as refused:
        tasks.start(stage.enterprise, "personnel_approval", {"person_id": str(person.id)})
    assert list(refused.value.fields) == ["no_criminal_record"]
    assert _now(person).state == "draft"


def test_a_changed_person_is_approved_anew(app: Any, clock: Any) -> None:
    """R14, S42"""
    stage = make_stage()
    person = stage.person()
    case = tasks.start(stage.enterprise, "personnel_approval", {"person_id": str(person.id)}).case_id
    assert _now(person).state == "pending"
    do(stage.province, case, "approve_person", decision="approve")
    assert _now(person).state == "approved"


def test_an_older_certificate_becomes_valid_with_the_approval(app: Any, clock: Any) -> None:
    """R21, S44, C20"""
    stage = make_stage()
    typed = {
        "legacy_number": "37201300012",
        "legacy_issued_on": date(2024, 11, 1),
        "legacy_valid_to": date(2027, 10, 31),
    }
    person, case = _submitted(stage, **typed)
    assert certificates_of(person) == []
    do(stage.province, case, "approve_person", decision="approve")
    [certificate] = certificates_of(person)
    assert (certificate.kind, certificate.state, certificate.number) == ("legacy", "valid", "37201300012")
    again = tasks.start(stage.enterprise, "personnel_approval", {"person_id": str(person.id)}).case_id
    with transaction(Operation("test")):
        _now(person).legacy_valid_to = date(2027, 11, 1)
    do(stage.province, again, "approve_person", decision="approve")
    assert [c.valid_to for c in certificates_of(person)] == [date(2027, 11, 1)]


def test_a_number_belongs_to_one_person_for_ever(app: Any, clock: Any) -> None:
    """R21, §1.4"""
    stage = make_stage()
    typed = {
        "legacy_number": "37201300012",
        "legacy_issued_on": date(2024, 11, 1),
        "legacy_valid_to": date(2027, 10, 31),
    }
    _, first = _submitted(stage, **typed)
    do(stage.province, first, "approve_person", decision="approve")
    _, second = _submitted(stage, **typed)
    with pytest.raises(InvalidInput) as refused:
        do(stage.province, second, "approve_person", decision="approve")
    assert "37201300012" in str(refused.value.fields["decision"])
    assert open_tasks(second) == ["approve_person"]


def test_persons_of_an_academy_are_entered_without_approval(app: Any, clock: Any) -> None:
    """R12, S121"""
    stage = make_stage()
    person = make_person(make_unit("academy", "11", credit_code=None), state="draft")
    case = tasks.start(stage.association, "personnel_approval", {"person_id": str(person.id)}).case_id
    assert (ended_at(case), _now(person).state) == ("academy_approved", "approved")


def test_a_pending_person_follows_his_transfer_to_the_new_province(app: Any, clock: Any) -> None:
    """R9, R15"""
    stage = make_stage()
    person, case = _submitted(stage)
    transfer_person(stage.association, person.id, make_unit("enterprise", "41").id)
    assert task_of(case, "approve_person").organisation_id == authority_id("41")
    do(stage.other_province, case, "approve_person", decision="approve")
    assert _now(person).state == "approved"


def test_the_province_deregisters_whoever_is_pending_sent_back_or_approved(app: Any, clock: Any) -> None:
    """R17, S43"""
    stage = make_stage()
    pending, first = _submitted(stage)
    deregister_person(stage.province, pending.id, "已离职")
    rejected, second = _submitted(stage)
    do(stage.province, second, "approve_person", decision="reject", reason="资料不全")
    deregister_person(stage.province, rejected.id, "已离职")
    approved = stage.person()
    deregister_person(stage.province, approved.id, "已离职")
    third = _now(approved).case_id
    assert third
    ends = [ended_at(c) for c in (first, second, third)]
    assert ends == ["pending_deregistered", "rejected_deregistered", "approved_deregistered"]
    assert [_now(p).state for p in (pending, rejected, approved)] == ["deregistered"] * 3
    assert list(history.verify()) == []


def test_deregistration_needs_a_reason_and_the_province(app: Any, clock: Any) -> None:
    """R17"""
    stage = make_stage()
    person = stage.person()
    data = {"person_id": str(person.id), "request": "deregister", "reason": ""}
    with pytest.raises(InvalidInput):
        tasks.start(stage.province, "personnel_approval", data)
    with pytest.raises(NotFound):
        tasks.start(stage.enterprise, "personnel_approval", data | {"reason": "已离职"})


def test_a_live_enrolment_bars_deregistration(app: Any, clock: Any) -> None:
    """R17"""
    stage = make_stage()
    person = stage.person()
    enroll(stage, publish_class(stage), person)
    data = {"person_id": str(person.id), "request": "deregister", "reason": "已离职"}
    with pytest.raises(Conflict, match="在办的报名"):
        tasks.start(stage.province, "personnel_approval", data)


def test_an_unexpired_certificate_is_his_again_when_he_is_entered_anew(app: Any, clock: Any) -> None:
    """R17"""
    stage = make_stage()
    number = identity_number(7)
    before = stage.person(number=number)
    held = make_certificate(before, date(2028, 5, 31))
    deregister_person(stage.province, before.id, "已离职")
    after, case = _submitted(stage, number=number)
    do(stage.province, case, "approve_person", decision="approve")
    assert [c.id for c in certificates_of(after)] == [held.id]
    assert certificates_of(before) == []
