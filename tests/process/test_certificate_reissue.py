"""遗失补办: application, decision, new edition, print; sending back, refusal, withdrawal, ends of the certificate (R64, S12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service.errors import Conflict, InvalidInput, NotAllowed, NotFound
from service.models.db.clock import today
from service.models.db.session import session
from service.models.queries.certificates import certificate_list
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import JournalRow, Task
from service.models.tables.units.organisation import Organisation
from service.web.views.system.public import seen_as
from service.workflow.certificates import certificates, reissues
from service.workflow.persons import transfers
from service.workflow.persons.person_records import deregister_person
from service.workflow.runtime import history, jobs, tasks
from tests.builders.stage import (
    Stage,
    at_nine,
    certificates_of,
    do,
    ended_at,
    enroll,
    known,
    make_stage,
    open_tasks,
    publish_class,
    task_of,
)
from tests.builders.world import make_certificate, make_person, make_photo, make_unit, make_user

LOST = "2026 年 2 月 20 日乘车时遗失，已登报声明作废。"


def _held(stage: Stage, **more: Any) -> tuple[Person, Certificate]:
    person = stage.person()
    return person, make_certificate(person, **({"printed_count": 1} | more))


def _now(certificate: Certificate) -> Certificate:
    return session().get_one(Certificate, certificate.id, populate_existing=True)


def _row(case: UUID) -> Reissue:
    return (
        session()
        .scalars(select(Reissue).where(Reissue.case_id == case).execution_options(populate_existing=True))
        .one()
    )


def _said(certificate: Certificate) -> str:
    found = certificate_list.by_token(certificate.verify_token)
    assert found
    return str(seen_as(found).statement)


def test_a_lost_certificate_is_issued_anew_with_its_number_and_dates(app: Any, clock: Any) -> None:
    """R64, R58, S12"""
    stage = make_stage()
    person, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    assert (open_tasks(case), _row(case).state, _row(case).statement) == (["review_reissue"], "requested", LOST)
    assert do(stage.association, case, "review_reissue", decision="approve") == ["print_certificate"]
    first, second = certificates_of(person)
    assert (first.state, second.state, second.approval) == ("superseded", "valid", "approved")
    kept = ("number", "first_issued_on", "issued_on", "valid_to", "qualification_type_id", "person_id")
    assert [getattr(first, k) for k in kept] == [getattr(second, k) for k in kept]
    assert (second.edition, second.printed_count, second.supersedes_id) == (first.edition + 1, 0, first.id)
    assert second.verify_token != first.verify_token
    assert (_said(first), _said(second)) == ("已补发，本证作废", "有效")
    assert do(stage.association, case, "print_certificate") == []
    assert (ended_at(case), _row(case).state, _now(second).printed_count) == ("reissued", "completed", 1)
    assert list(history.verify()) == []


def test_printing_from_the_certificate_page_completes_the_reissue(app: Any, clock: Any) -> None:
    """R64, R58"""
    stage = make_stage()
    person, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    do(stage.association, case, "review_reissue", decision="approve")
    new = certificates_of(person)[-1]
    assert certificates.has_print_task(stage.association, new)
    certificates.print_certificate(stage.association, new.id)
    assert ended_at(case) == "reissued"
    [printed] = session().scalars(select(PrintRecord))
    assert (printed.certificate_id, printed.reason) == (new.id, "首次打印")


def test_an_unclear_statement_is_sent_back_and_supplemented(app: Any, clock: Any) -> None:
    """R64"""
    stage = make_stage()
    _, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, "丢了")
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, "review_reissue", decision="return")
    assert list(refused.value.fields) == ["reason"]
    assert do(stage.association, case, "review_reissue", decision="return", reason="请写明遗失经过") == [
        "revise_reissue"
    ]
    assert (_row(case).state, _row(case).comment) == ("returned", "请写明遗失经过")
    task = task_of(case, "revise_reissue")
    assert (task.role, task.organisation_id) == ("enterprise", stage.unit.id)
    assert do(stage.enterprise, case, "revise_reissue", statement=LOST) == ["review_reissue"]
    assert (_row(case).state, _row(case).statement) == ("requested", LOST)
    assert do(stage.association, case, "review_reissue", decision="approve") == ["print_certificate"]
    assert list(history.verify()) == []


def test_a_refusal_leaves_the_certificate_as_it_was(app: Any, clock: Any) -> None:
    """R64"""
    stage = make_stage()
    _, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    do(stage.association, case, "review_reissue", decision="refuse", reason="证书在该单位存档，并未遗失。")
    assert (ended_at(case), _row(case).state, _now(old).state) == ("refused", "refused", "valid")
    assert reissues.request_reissue(stage.enterprise, old.id, LOST) != case


@pytest.mark.parametrize("is_returned", [False, True])
def test_the_unit_takes_its_application_back(app: Any, clock: Any, is_returned: bool) -> None:
    """R64"""
    stage = make_stage()
    _, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    if is_returned:
        do(stage.association, case, "review_reissue", decision="return", reason="请写明经过")
    with pytest.raises(NotAllowed):
        reissues.withdraw_reissue(stage.province, case)
    reissues.withdraw_reissue(stage.enterprise, case)
    assert (ended_at(case), _row(case).state, _now(old).state) == (
        "returned_withdrawn" if is_returned else "review_withdrawn",
        "withdrawn",
        "valid",
    )
    assert list(history.verify()) == []


def test_after_the_new_edition_nothing_is_withdrawn(app: Any, clock: Any) -> None:
    """R64"""
    stage = make_stage()
    _, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    do(stage.association, case, "review_reissue", decision="approve")
    with pytest.raises(Conflict, match="不能撤回"):
        reissues.withdraw_reissue(stage.enterprise, case)


@pytest.mark.parametrize("stop", ["review_reissue", "revise_reissue", "print_certificate"])
def test_a_revoked_certificate_needs_no_reissue(app: Any, clock: Any, stop: str) -> None:
    """R62, R64"""
    stage = make_stage()
    person, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    if stop == "revise_reissue":
        do(stage.association, case, "review_reissue", decision="return", reason="请写明经过")
    if stop == "print_certificate":
        do(stage.association, case, "review_reissue", decision="approve")
    certificates.revoke(stage.ministry, certificates_of(person)[-1].id, "经查系冒名参加培训。")
    jobs.run_all()
    ends = {
        "review_reissue": "review_lapsed",
        "revise_reissue": "returned_lapsed",
        "print_certificate": "unprinted_lapsed",
    }
    assert (ended_at(case), _row(case).state) == (ends[stop], "lapsed")
    assert list(history.verify()) == []


def test_a_change_of_type_brings_a_paper_of_its_own(app: Any, clock: Any) -> None:
    """R61, R64"""
    stage = make_stage()
    person, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    transfers.change_type(stage.association, person.id, "PRINCIPAL_PROD")
    assert (ended_at(case), _row(case).state) == ("review_lapsed", "lapsed")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"state": "revoked"}, "没有有效证书"),
        ({"state": "superseded"}, "没有有效证书"),
        ({"printed_count": 0}, "尚未打印"),
        ({"valid_to": "yesterday"}, "已过期"),
    ],
)
def test_there_must_be_a_valid_paper_to_lose(app: Any, clock: Any, more: dict[str, Any], why: str) -> None:
    """R64"""
    stage = make_stage()
    if "valid_to" in more:
        more = {"valid_to": today() - timedelta(days=1)}
    _, held = _held(stage, **more)
    with pytest.raises(Conflict, match=why):
        reissues.request_reissue(stage.enterprise, held.id, LOST)
    assert session().scalars(select(Reissue)).all() == []


def test_what_expires_meanwhile_is_not_issued_anew(app: Any, clock: Any) -> None:
    """R64"""
    stage = make_stage()
    _, held = _held(stage, valid_to=today() + timedelta(days=2))
    case = reissues.request_reissue(stage.enterprise, held.id, LOST)
    clock.move(timedelta(days=3))
    with pytest.raises(Conflict, match="已过期"):
        do(stage.association, case, "review_reissue", decision="approve")
    assert _now(held).state == "valid"


def test_one_application_at_a_time_with_a_statement(app: Any, clock: Any) -> None:
    """R64"""
    stage = make_stage()
    _, old = _held(stage)
    with pytest.raises(InvalidInput) as refused:
        reissues.request_reissue(stage.enterprise, old.id, "  ")
    assert list(refused.value.fields) == ["statement"]
    reissues.request_reissue(stage.enterprise, old.id, LOST)
    with pytest.raises(Conflict, match="正在办理"):
        reissues.request_reissue(stage.enterprise, old.id, LOST)


def test_only_the_holders_unit_or_its_group_may_ask(app: Any, clock: Any) -> None:
    """R64, R70"""
    stage = make_stage()
    _, old = _held(stage)
    for user in (stage.province, stage.ministry, stage.institution):
        with pytest.raises((NotAllowed, NotFound)):
            reissues.request_reissue(user, old.id, LOST)
    elsewhere = known(make_user("enterprise", make_unit("enterprise", "41").id))
    with pytest.raises(NotFound):
        reissues.request_reissue(elsewhere, old.id, LOST)
    with pytest.raises(NotFound):
        tasks.start(stage.association, "certificate_reissue", {"certificate_id": str(old.id), "statement": LOST})
    group = make_unit("group", "41")
    branch = make_unit("branch", "37", parent_id=group.id)
    mine = make_certificate(make_person(branch), printed_count=1)
    asked = reissues.request_reissue(known(make_user("group", group.id)), mine.id, LOST)
    assert open_tasks(asked) == ["review_reissue"]


def test_the_association_asks_for_persons_of_academies(app: Any, clock: Any) -> None:
    """R64, S121"""
    stage = make_stage()
    person = make_person(make_unit("academy", "11", credit_code=None))
    make_photo(person)
    held = make_certificate(person, printed_count=1)
    case = reissues.request_reissue(stage.association, held.id, LOST)
    assert do(stage.association, case, "review_reissue", decision="return", reason="请补充") == ["revise_reissue"]
    assert task_of(case, "revise_reissue").role == "association"
    do(stage.association, case, "revise_reissue", statement=LOST)
    do(stage.association, case, "review_reissue", decision="approve")
    assert do(stage.association, case, "print_certificate") == []


def test_a_returned_application_follows_the_person_to_his_new_unit(app: Any, clock: Any) -> None:
    """R42, R64, R65"""
    stage = make_stage()
    person, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    do(stage.association, case, "review_reissue", decision="return", reason="请写明经过")
    new: Organisation = make_unit("enterprise", "41")
    transfers.transfer_person(stage.association, person.id, new.id)
    assert task_of(case, "revise_reissue").organisation_id == new.id
    assert task_of(case, "revise_reissue").unit_name == new.name


def test_nothing_is_issued_to_a_deregistered_holder(app: Any, clock: Any) -> None:
    """R17, R64"""
    stage = make_stage()
    person, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    deregister_person(stage.province, person.id, "已离职")
    with pytest.raises(Conflict, match="持证人已注销"):
        do(stage.association, case, "review_reissue", decision="approve")
    assert open_tasks(case) == ["review_reissue"]


def test_the_journal_tells_who_asked_and_who_allowed(app: Any, clock: Any) -> None:
    """R73"""
    stage = make_stage()
    _, old = _held(stage)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    do(stage.association, case, "review_reissue", decision="approve")
    rows = session().scalars(select(JournalRow).where(JournalRow.case_id == case).order_by(JournalRow.seq)).all()
    assert [(r.kind, r.actor_id) for r in rows] == [("start", stage.enterprise.id), ("complete", stage.association.id)]
    assert session().scalars(select(Task).where(Task.case_id == case, Task.state == "open")).one().facts["valid_to"]


def _renewing(stage: Stage, clock: Any, person: Person) -> UUID:
    """The case of a renewal whose score is confirmed: to be printed and approved."""
    found = publish_class(stage, "renewal")
    case = enroll(stage, found, person)
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    do(stage.association, case, "check_in")
    do(stage.institution, case, "record_score", score="88")
    do(stage.association, case, "confirm_score", decision="confirm")
    return case


def test_a_renewal_that_is_approved_first_ends_the_reissue(app: Any, clock: Any) -> None:
    """R56, R64"""
    stage = make_stage()
    person, old = _held(stage, valid_to=today() + timedelta(days=100))
    renewal = _renewing(stage, clock, person)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    do(stage.ministry, renewal, "certification/approve_certificate", decision="approve")
    assert (ended_at(case), _row(case).state, _now(old).state) == ("review_lapsed", "lapsed", "superseded")
    assert list(history.verify()) == []


def test_a_reissue_beside_a_renewal_in_the_making_keeps_the_editions_apart(app: Any, clock: Any) -> None:
    """R56, R64"""
    stage = make_stage()
    person, old = _held(stage, valid_to=today() + timedelta(days=100))
    renewal = _renewing(stage, clock, person)
    case = reissues.request_reissue(stage.enterprise, old.id, LOST)
    do(stage.association, case, "review_reissue", decision="approve")
    do(stage.association, case, "print_certificate")
    do(stage.association, renewal, "certification/print_certificate")
    do(stage.ministry, renewal, "certification/approve_certificate", decision="approve")
    first, second, third = certificates_of(person)
    assert [c.state for c in (first, second, third)] == ["superseded", "valid", "superseded"]
    assert (second.enrollment_id is not None, third.supersedes_id) == (True, first.id)
    assert (_said(first), _said(second), _said(third)) == ("已补发，本证作废", "有效", "已换证，请查验新版证书")


def test_what_was_revoked_before_its_first_print_is_not_printed_and_its_case_ends(app: Any, clock: Any) -> None:
    """R57, R62"""
    stage = make_stage()
    person, _ = _held(stage, valid_to=today() + timedelta(days=100))
    renewal = _renewing(stage, clock, person)
    do(stage.ministry, renewal, "certification/approve_certificate", decision="approve")
    certificates.revoke(stage.ministry, certificates_of(person)[-1].id, "冒名参加培训。")
    assert do(stage.association, renewal, "certification/print_certificate") == []
    assert session().scalars(select(PrintRecord)).all() == []


def test_a_changed_type_is_printed_in_place_of_the_edition_it_replaced(app: Any, clock: Any) -> None:
    """R57, R61"""
    stage = make_stage()
    person, _ = _held(stage, valid_to=today() + timedelta(days=100))
    renewal = _renewing(stage, clock, person)
    do(stage.ministry, renewal, "certification/approve_certificate", decision="approve")
    transfers.change_type(stage.association, person.id, "PRINCIPAL_PROD")
    assert do(stage.association, renewal, "certification/print_certificate") == []
    newest = certificates_of(person)[-1]
    assert (newest.state, newest.printed_count) == ("valid", 1)
