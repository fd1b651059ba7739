"""Whatever ends reaches everything that holds it (R80): certificate, person, unit, class, account, institution
against each task of each process; and the person can be enrolled again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from lxml import etree
from sqlalchemy import select

from service.config import CHECKOUT
from service.domain.training.enrollment_state import LIVE_STATES
from service.errors import Conflict, InvalidInput, NotFound
from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.notices.notice import Notice
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.models.tables.training.training import Enrollment, RefresherRecord, TrainingClass
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import administration
from service.workflow.certificates import certificate_expiry, certificates, reissues
from service.workflow.notices import tickets
from service.workflow.persons.person_records import deregister_person, submit_person
from service.workflow.runtime import jobs, tasks
from service.workflow.training import classes, score_corrections
from service.workflow.training import enrollments as training
from service.workflow.units import unit_changes
from tests.builders.drawing import NS
from tests.builders.stage import (
    Stage,
    at_nine,
    certificates_of,
    do,
    ended_at,
    enroll,
    enrollment_of,
    known,
    make_stage,
    open_tasks,
    publish_class,
    task_of,
)
from tests.builders.world import authority_user, make_certificate, make_person, make_user

PRINT, APPROVE = "certification/print_certificate", "certification/approve_certificate"
RECOVER = "ending/recover_ended"
WHY = "发生责任事故。"

# The table. For each task: the ender → how its case ends, or why it does not hold the case.
# A message's name: the diagram has an exit for it. "after X": the ender is refused until X, one act of the owner with a
# reason, has ended the case. "released": the task goes back to its role, whose other members do it. "-": not held.
_TRAINING = {
    "certificate": "end_training",
    "person": "after end_training",
    "unit": "after end_training",
    "class": "after end_training",
    "account": "released",
    "institution": "after end_training",
}
_WAITING = _TRAINING | {"person": "after withdraw", "unit": "after withdraw", "class": "class_cancelled"}
_WAITING |= {"institution": "after withdraw"}
_REISSUE = {
    "certificate": "certificate_ended",
    "person": "certificate_ended",
    "unit": "after deregister_person",
    "class": "-",
    "account": "released",
    "institution": "-",
}
_PERSON = _REISSUE | {"certificate": "-", "person": "deregister"}
_CORRECTION = _REISSUE | {"certificate": "-", "person": "correction_ended"}  # what it corrects is the person
_TICKET = dict.fromkeys(("certificate", "person", "class", "institution"), "-") | {"account": "released"}
_CLASS = {"certificate": "-", "person": "-", "unit": "-", "account": "released", "institution": "-"}
ENDERS = set(_TRAINING)
ENDS: dict[str, dict[str, dict[str, str]]] = {
    "training_enrollment": {
        "confirm_enrollment": _WAITING,
        "check_in": _WAITING,
        "record_score": _TRAINING,
        "confirm_score": _TRAINING,
        "assent_correction": _TRAINING,
        "print_certificate": _TRAINING,
        "approve_certificate": _TRAINING,
        "recover_certificate": _TRAINING,
        "correct_certificate": _TRAINING,
        "recover_ended": dict.fromkeys(_TRAINING, "-") | {"account": "released"},  # the enrolment has ended
    },
    "certificate_reissue": {
        "review_reissue": _REISSUE,
        "revise_reissue": _REISSUE,
        "print_certificate": _REISSUE,
    },
    "certificate_deregistration": {
        "deregister_certificate": _REISSUE | {"certificate": "recheck", "person": "recheck"},
    },
    "personnel_approval": {"approve_person": _PERSON, "revise_person": _PERSON},
    "identity_correction": {
        "approve_correction": _CORRECTION,
        "assent_identity": _CORRECTION,
    },
    "support_ticket": {
        "accept_ticket": _TICKET | {"unit": "-"},
        "answer_ticket": _TICKET | {"unit": "-"},
        "reply_ticket": _TICKET | {"unit": "timer"},
        "rate_ticket": _TICKET | {"unit": "timer"},
    },
    "process_change": {"approve_change": dict.fromkeys(ENDERS, "-") | {"account": "released"}},
    "training_class": {
        "draft_class": _CLASS | {"class": "-"},  # given up by its organiser in the task itself
        "close_check_in": _CLASS | {"class": "cancel_class"},
    },
}
ACTS = {"end_training", "withdraw", "deregister_person"}


def test_every_task_of_every_process_stands_in_the_table() -> None:
    drawn = {}
    for path in sorted((CHECKOUT / "processes").glob("*.bpmn")):
        found = etree.parse(path).getroot().iterfind(".//bpmn:userTask", NS)
        drawn[path.stem] = {str(task.get("id")) for task in found}
    assert {process: set(rows) for process, rows in ENDS.items()} == drawn
    assert all(set(row) == ENDERS for rows in ENDS.values() for row in rows.values())


def test_every_exit_of_the_table_is_drawn() -> None:
    """A message of the table is caught by a boundary event of the task or by an event subprocess around it."""
    for process, rows in ENDS.items():
        root = etree.parse(CHECKOUT / "processes" / f"{process}.bpmn").getroot()
        names = {str(one.get("id")): str(one.get("name")) for one in root.iterfind(".//bpmn:message", NS)}
        for task, row in rows.items():
            for exit_ in {way.removeprefix("after ") for way in row.values()} - {"-", "released", "deregister_person"}:
                assert exit_ in _caught(root, task, names), (process, task, exit_)


def _caught(root: Any, task: str, names: dict[str, str]) -> set[str]:
    parents = {child: parent for parent in root.iter() for child in parent}
    [at] = [one for one in root.iter() if one.get("id") == task]
    found: set[str] = set()
    while at is not None:
        for event in root.iterfind(f".//bpmn:boundaryEvent[@attachedToRef='{at.get('id')}']", NS):
            found |= {names[str(m.get("messageRef"))] for m in event.iterfind("bpmn:messageEventDefinition", NS)}
            found |= {"timer"} if event.find("bpmn:timerEventDefinition", NS) is not None else set()
        for sub in at.iterfind("bpmn:subProcess[@triggeredByEvent='true']", NS):
            found |= {names[str(m.get("messageRef"))] for m in sub.iterfind(".//bpmn:messageEventDefinition", NS)}
        at = parents.get(at)
    return found


# The states of an enrolment: how each is brought about after the class has begun.


def _score(stage: Stage, case: UUID, value: str = "90") -> None:
    do(stage.institution, case, "record_score", score=value)


def _confirm(stage: Stage, case: UUID) -> None:
    do(stage.association, case, "confirm_score", decision="confirm")


def _failed_once(stage: Stage, case: UUID) -> None:
    _score(stage, case, "50")
    _confirm(stage, case)


def _correcting(stage: Stage, case: UUID) -> None:
    _failed_once(stage, case)
    score_corrections.correct_score(stage.association, enrollment_of(case).id, "70", False, "看错一行")


def _certifying(stage: Stage, case: UUID) -> None:
    _score(stage, case)
    _confirm(stage, case)


def _correcting_passed(stage: Stage, case: UUID) -> None:
    _certifying(stage, case)
    score_corrections.correct_score(stage.association, enrollment_of(case).id, "70", False, "看错一行")


def _printed(stage: Stage, case: UUID) -> None:
    _certifying(stage, case)
    do(stage.association, case, PRINT)


def _approved(stage: Stage, case: UUID) -> None:
    _certifying(stage, case)
    do(stage.ministry, case, APPROVE, decision="approve")


def _refused(stage: Stage, case: UUID) -> None:
    _certifying(stage, case)
    do(stage.ministry, case, APPROVE, decision="refuse", reason="照片不清")


def _refused_printed(stage: Stage, case: UUID) -> None:
    _printed(stage, case)
    do(stage.ministry, case, APPROVE, decision="refuse", reason="照片不清")


Bring = Callable[[Stage, UUID], None]
EARLY = {"pending": "confirm_enrollment", "confirmed": "check_in"}
LEARNING: dict[str, tuple[Bring, list[str]]] = {
    "checked_in": (lambda _stage, _case: None, ["record_score"]),
    "scored": (_score, ["confirm_score"]),
    "makeup": (_failed_once, ["record_score"]),
    "correcting": (_correcting, ["assent_correction"]),
}
CERTIFYING: dict[str, tuple[Bring, list[str]]] = {
    "certifying": (_certifying, [APPROVE, PRINT]),
    "correcting a pass": (_correcting_passed, ["assent_correction"]),
    "printed": (_printed, [APPROVE]),
    "approved": (_approved, [PRINT]),
    "refused": (_refused, ["correct_certificate"]),
    "refused, printed": (_refused_printed, ["recover_certificate"]),
}
LATE = LEARNING | CERTIFYING
HOLDING = [("refresher", s) for s in (*EARLY, *LEARNING)] + [("renewal", s) for s in (*EARLY, *LATE)]
RECOVERED = {"recovered": "true", "recovery_note": "未发出，已销毁"}


def bring(stage: Stage, clock: Any, kind: str, state: str) -> tuple[Person, UUID]:
    """A person whose enrolment of this kind stands in this state, with the certificate that the kind asks for."""
    person = stage.person()
    if kind != "initial":
        make_certificate(person, today() + timedelta(days=100) if kind == "renewal" else None)
    found = publish_class(stage, kind)
    case = enroll(stage, found, person)
    if state != "pending":
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    if state in LATE:
        clock.move_to(at_nine(found.starts_on))
        do(stage.association, case, "check_in")
        LATE[state][0](stage, case)
    assert open_tasks(case) == (LATE[state][1] if state in LATE else [EARLY[state]])
    return person, case


def held_by(person: Person) -> Certificate:
    return next(c for c in certificates_of(person) if c.state == "valid")


def recover(stage: Stage, case: UUID) -> None:
    """What the end leaves to be done: copies that were printed are to be recovered."""
    if open_tasks(case):
        assert open_tasks(case) == [RECOVER]
        do(stage.association, case, RECOVER, **RECOVERED)


def delete_unit(stage: Stage) -> None:
    unit_changes.delete_unit(known(stage.province), stage.unit.id)


def must_be_over(case: UUID) -> None:
    assert open_tasks(case) == []
    assert ended_at(case) is not None
    assert enrollment_of(case).state not in LIVE_STATES
    assert list(session().scalars(select(Task.id).where(Task.state == "open", Task.case_id == case))) == []


@pytest.mark.parametrize(("kind", "state"), HOLDING)
def test_a_revoked_certificate_ends_the_training_that_stands_on_it(app: Any, clock: Any, kind: str, state: str) -> None:
    """R62, R80; ../shared/cases/revoked-during-refresher.json is («refresher», «scored»)."""
    stage = make_stage()
    person, case = bring(stage, clock, kind, state)
    taken = session().get_one(TrainingClass, enrollment_of(case).class_id, populate_existing=True).taken
    certificates.revoke(stage.ministry, held_by(person).id, WHY)
    jobs.run_all()
    was_printed = state in ("printed", "refused, printed")
    assert open_tasks(case) == ([RECOVER] if was_printed else [])
    recover(stage, case)
    must_be_over(case)
    ended = enrollment_of(case)
    expected = "cancelled" if state in EARLY else "completed" if state == "approved" else "terminated"
    assert ended.state == expected
    assert WHY in str(ended.reason)
    assert session().scalars(select(RefresherRecord)).all() == []
    assert not [c for c in certificates_of(person) if c.state in ("valid", "issued")]
    row = session().get_one(TrainingClass, ended.class_id, populate_existing=True)
    assert row.taken == taken - (state in EARLY)
    told = session().scalars(select(Notice).where(Notice.title.contains("培训终止"))).all()
    if state != "approved":
        offices = {str(stage.unit.id), str(stage.unit.authority_id), str(stage.centre.id)}
        assert [offices <= set(notice.units) for notice in told] == [True]
    again = enroll(stage, publish_class(stage), person)  # need = initial (R63)
    assert open_tasks(again) == ["confirm_enrollment"]


def test_who_confirms_before_the_message_has_come_writes_no_record(app: Any, clock: Any) -> None:
    """Nor does a case of an earlier diagram, which does not receive it."""
    stage = make_stage()
    person, case = bring(stage, clock, "refresher", "scored")
    certificates.revoke(stage.ministry, held_by(person).id, WHY)
    _confirm(stage, case)
    must_be_over(case)
    assert enrollment_of(case).state == "terminated"
    assert session().scalars(select(RefresherRecord)).all() == []


@pytest.mark.parametrize("kind", ["refresher", "initial"])
@pytest.mark.parametrize("state", [*EARLY, *LATE])
def test_person_unit_and_class_end_after_one_act_of_the_owner(app: Any, clock: Any, kind: str, state: str) -> None:
    """R6, R17, R37, R80; the institution has no account any more, so nobody could go on with the training."""
    if kind == "refresher" and state in CERTIFYING:
        kind = "renewal"
    stage = make_stage()
    person, case = bring(stage, clock, kind, state)
    administration.disable_user(known(make_user("sys_admin", authority_id("platform"))), stage.institution.id)
    enrollment = enrollment_of(case)
    with pytest.raises(Conflict):
        deregister_person(known(stage.province), person.id, "离职")
    with pytest.raises(Conflict):
        delete_unit(stage)
    if state in EARLY:
        with pytest.raises(Conflict):
            score_corrections.end_training(known(stage.association), enrollment.id, WHY)
        training.withdraw(known(stage.enterprise), enrollment.id)
    elif state == "approved":  # only the print is left: it is printed, or the ministry revokes
        with pytest.raises(Conflict) as refused:
            score_corrections.end_training(known(stage.association), enrollment.id, WHY)
        assert "已审批" in str(refused.value)
        do(stage.association, case, PRINT)
    else:
        with pytest.raises(InvalidInput) as empty:
            score_corrections.end_training(known(stage.association), enrollment.id, " ")
        assert list(empty.value.fields) == ["reason"]
        with pytest.raises((NotFound, Conflict)):
            classes.cancel_class(known(stage.province), enrollment.class_id, "不办了")
        score_corrections.end_training(known(stage.association), enrollment.id, WHY)
        assert enrollment_of(case).state == "terminated"
        jobs.run_all()
        recover(stage, case)
    must_be_over(case)
    deregister_person(known(stage.province), person.id, "离职")
    jobs.run_all()
    delete_unit(stage)
    left = session().scalars(select(Case.id).where(Case.ended_at.is_(None), Case.process != "training_class")).all()
    assert left == []


@pytest.mark.parametrize("state", EARLY)
def test_a_cancelled_class_ends_its_enrolments(app: Any, clock: Any, state: str) -> None:
    """R37"""
    stage = make_stage()
    _, case = bring(stage, clock, "initial", state)
    classes.cancel_class(stage.association, enrollment_of(case).class_id, "人数不足")
    jobs.run_all()
    must_be_over(case)
    assert enrollment_of(case).state == "cancelled"


def test_a_class_whose_last_trainee_was_ended_completes(app: Any, clock: Any) -> None:
    stage = make_stage()
    _, case = bring(stage, clock, "initial", "scored")
    row = session().get_one(TrainingClass, enrollment_of(case).class_id)
    score_corrections.end_training(known(stage.association), enrollment_of(case).id, WHY)
    jobs.run_all()
    clock.move_to(at_nine(row.ends_on + timedelta(days=1)))
    jobs.run_all()
    assert row.case_id
    do(stage.association, row.case_id, "holding/close_check_in", sure="true")
    assert ended_at(row.case_id) == "completed"


@pytest.mark.parametrize("state", [*EARLY, *LATE])
def test_a_disabled_account_gives_its_task_back_to_its_role(app: Any, clock: Any, state: str) -> None:
    """R4, R80: a colleague goes on."""
    stage = make_stage()
    _, case = bring(stage, clock, "initial", state)
    for element in open_tasks(case):
        task = task_of(case, element)
        user = known(make_user(task.role, task.organisation_id))
        colleague = known(make_user(task.role, task.organisation_id))
        tasks.claim(user, task.id)
        with pytest.raises(Conflict):
            tasks.claim(colleague, task.id)
        administration.disable_user(known(make_user("sys_admin", authority_id("platform"))), user.id)
        tasks.claim(known(colleague), task.id)


# Reissues, deregistrations, approvals, tickets.


def reissue_in(stage: Stage, person: Person, state: str) -> UUID:
    held = make_certificate(person, printed_count=1)
    case = reissues.request_reissue(stage.enterprise, held.id, "搬迁时遗失，已登报声明作废。")
    if state == "revise_reissue":
        do(stage.association, case, "review_reissue", decision="return", reason="请补充登报照片")
    if state == "print_certificate":
        do(stage.association, case, "review_reissue", decision="approve")
    assert open_tasks(case) == [state]
    return case


@pytest.mark.parametrize("state", ENDS["certificate_reissue"])
@pytest.mark.parametrize("ender", ["certificate", "person"])
def test_a_reissue_ends_with_its_certificate_and_its_person(app: Any, clock: Any, state: str, ender: str) -> None:
    """R17, R62, R64"""
    stage = make_stage()
    person = stage.person()
    case = reissue_in(stage, person, state)
    if ender == "certificate":
        certificates.revoke(stage.ministry, held_by(person).id, WHY)
    else:
        deregister_person(known(stage.province), person.id, "离职")
    jobs.run_all()
    assert open_tasks(case) == []
    assert ended_at(case)
    if ender == "person":
        delete_unit(stage)
    else:
        assert open_tasks(enroll(stage, publish_class(stage), person)) == ["confirm_enrollment"]


def test_a_deregistration_under_way_ends_with_the_person(app: Any, clock: Any) -> None:
    """At once, not with the next day's look."""
    stage = make_stage()
    person = stage.person()
    make_certificate(person, today() - timedelta(days=1))
    certificate_expiry.start_deregistrations()
    [case] = session().scalars(select(Case.id).where(Case.process == "certificate_deregistration"))
    assert open_tasks(case) == ["deregister_certificate"]
    deregister_person(known(stage.province), person.id, "离职")
    jobs.run_all()
    assert open_tasks(case) == []
    assert ended_at(case) == "not_due"


def test_a_refresher_ends_with_a_certificate_that_is_deregistered(app: Any, clock: Any) -> None:
    """R24, R62: it expired while its holder was in class."""
    stage = make_stage()
    person, case = bring(stage, clock, "refresher", "scored")
    clock.move_to(at_nine(held_by(person).valid_to + timedelta(days=1)))
    jobs.run_all()
    certificate_expiry.start_deregistrations()
    [ending] = session().scalars(select(Case.id).where(Case.process == "certificate_deregistration"))
    do(stage.ministry, ending, "deregister_certificate", decision="deregister", reason="过期")
    must_be_over(case)
    assert open_tasks(enroll(stage, publish_class(stage), person)) == ["confirm_enrollment"]


@pytest.mark.parametrize("state", ENDS["personnel_approval"])
def test_an_approval_ends_with_its_person(app: Any, clock: Any, state: str) -> None:
    stage = make_stage()
    person = make_person(stage.unit, state="draft")
    submit_person(stage.enterprise, person.id)
    case = session().get_one(Person, person.id, populate_existing=True).case_id
    assert case
    if state == "revise_person":
        do(stage.province, case, "approve_person", decision="reject", reason="姓名有误")
    with pytest.raises(Conflict):
        delete_unit(stage)
    deregister_person(known(stage.province), person.id, "离职")
    jobs.run_all()
    assert open_tasks(case) == []
    delete_unit(stage)


@pytest.mark.parametrize("state", ENDS["support_ticket"])
def test_a_ticket_comes_to_its_end_without_the_unit_that_asked(app: Any, clock: Any, state: str) -> None:
    stage = make_stage()
    desk = known(make_user("sys_admin", authority_id("platform")))
    case = tickets.open_ticket(stage.enterprise, {"kind": "technical", "subject": "打不开", "body": "点不动。"}).case_id
    assert case
    answers = {"reply_ticket": "ask", "rate_ticket": "resolve"}
    if state != "accept_ticket":
        do(desk, case, "accept_ticket", decision="accept")
    if state in answers:
        do(desk, case, "answer_ticket", decision=answers[state], message="请看说明。")
    assert open_tasks(case) == [state]
    delete_unit(stage)
    for _ in range(3):
        clock.move(timedelta(days=15))
        jobs.run_all()
        if "accept_ticket" in open_tasks(case):
            do(desk, case, "accept_ticket", decision="accept")
        if "answer_ticket" in open_tasks(case):
            do(desk, case, "answer_ticket", decision="resolve", message="请看说明。")
    assert open_tasks(case) == []


def test_what_the_association_ends_is_told_on_the_pages(app: Any, clock: Any, client: Any) -> None:
    from tests.builders.world import sign_in

    stage = make_stage()
    person, case = bring(stage, clock, "refresher", "scored")
    found = enrollment_of(case)
    desk = sign_in(client, stage.association)
    page = desk.get(f"/classes/{found.class_id}").text
    assert f"/enrollments/{found.id}/end" in page
    assert "终止" in desk.get(f"/enrollments/{found.id}/end").text
    refused = desk.post(f"/enrollments/{found.id}/end", data={"reason": ""})
    assert refused.status_code == 422
    done = desk.post(f"/enrollments/{found.id}/end", data={"reason": WHY}, follow_redirects=True).text
    assert re.search(r"已终止", done)
    assert enrollment_of(case).state == "terminated"
    assert sign_in(client, stage.province).get(f"/enrollments/{found.id}/end").status_code == 404
    assert session().scalars(select(Enrollment.reason).where(Enrollment.person_id == person.id)).one() == WHY
    assert authority_user("ministry")
