"""A case that stands at every user task of every shipped process, so that a test may try something on each of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from lxml import etree
from sqlalchemy import select

from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Task
from service.models.tables.units.organisation import authority_id
from service.workflow.certificates import certificate_expiry, reissues
from service.workflow.notices import tickets
from service.workflow.persons import corrections
from service.workflow.persons.person_records import submit_person
from service.workflow.runtime import jobs, tasks
from tests.builders.approval import propose_change
from tests.builders.stage import Stage, at_nine, do, enroll, known, publish_class
from tests.builders.world import make_certificate, make_person, make_user, portrait

PROCESSES = Path(__file__).parents[2] / "processes"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
PRINT, APPROVE = "certification/print_certificate", "certification/approve_certificate"
ASKED = {"kind": "technical", "subject": "无法上传照片", "body": "上传照片时提示“不是图片”。"}


def user_tasks() -> set[str]:
    """The kinds of task that the shipped diagrams draw: ``process/element``, the element after its subprocesses."""
    found = set()
    for diagram in sorted(PROCESSES.glob("*.bpmn")):
        for task in etree.parse(diagram).iter(BPMN + "userTask"):
            around = [one for one in task.iterancestors() if one.tag in (BPMN + "subProcess", BPMN + "process")]
            found.add("/".join(one.get("id", "") for one in (*reversed(around), task)))
    return found


def stand_at_every_task(stage: Stage, clock: Any) -> None:
    """Move cases until every user task is open somewhere, as the clock moves eleven days."""
    desk = known(make_user("sys_admin", authority_id("platform")))
    _train(stage, clock)
    _approve(stage)
    _reissue(stage)
    _correct(stage)
    make_certificate(stage.person(), today() - timedelta(days=1))
    certificate_expiry.start_deregistrations()
    _ask(stage, desk)
    propose_change()
    later = publish_class(stage)
    enroll(stage, later, stage.person())
    tasks.start_by_key(known(stage.province), "training_class", {})
    jobs.run_all()


def holder_of(task: Task) -> User:
    """An account in whose inbox the task lies."""
    users = session().scalars(select(User).where(User.role == task.role).order_by(User.id))
    return known(next(user for user in users if task.organisation_id in (user.organisation_id, user.id)))


def _train(stage: Stage, clock: Any) -> None:
    """Enrolments at every task from the check-in on."""
    course = publish_class(stage, ends_on=str(today() + timedelta(days=11)))
    cases = [enroll(stage, course, stage.person()) for _ in range(8)]
    for case in cases:
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(course.starts_on))
    jobs.run_all()
    for case in cases[1:]:
        do(stage.association, case, "check_in")
    for case in cases[2:]:
        do(stage.institution, case, "record_score", score="83.5")
    clock.move_to(at_nine(course.ends_on))
    jobs.run_all()
    for case in cases[3:]:
        do(stage.association, case, "confirm_score", decision="confirm")
    _end_badly(stage, *cases[4:])


def _end_badly(stage: Stage, unprinted: UUID, printed: UUID, corrected: UUID, ended: UUID) -> None:
    do(stage.ministry, unprinted, APPROVE, decision="refuse", reason="照片不清")
    do(stage.association, printed, PRINT)
    do(stage.ministry, printed, APPROVE, decision="refuse", reason="照片不清")
    wrong = {"correction_score": 450, "correction_absent": False, "correction_reason": "看错一行"}
    tasks.correlate_message(stage.association, corrected, "correct_score", wrong)
    do(stage.association, ended, PRINT)
    tasks.correlate_message(stage.association, ended, "end_training", {"reason": "本人离职"})


def _approve(stage: Stage) -> None:
    cases = []
    for _ in range(2):
        person = make_person(stage.unit, state="draft")
        submit_person(stage.enterprise, person.id)
        session().refresh(person)
        cases.append(person.case_id)
    do(stage.province, cases[1], "approve_person", decision="reject", reason="照片不清")


def _reissue(stage: Stage) -> None:
    lost = [make_certificate(stage.person(), printed_count=1) for _ in range(3)]
    cases = [reissues.request_reissue(stage.enterprise, one.id, "乘车时遗失，已登报声明作废。") for one in lost]
    do(stage.association, cases[1], "review_reissue", decision="return", reason="请补充登报声明")
    do(stage.association, cases[2], "review_reissue", decision="approve")


def _correct(stage: Stage) -> None:
    cases = []
    for _ in range(2):
        person = stage.person()
        make_certificate(person)
        raw = {"kind": "name", "statement": "已更名，见户口簿。", "name": "陈戊臣"}
        cases.append(corrections.request_correction(stage.enterprise, person.id, raw, [("a.jpg", portrait())]).case_id)
    assert cases[1]
    do(stage.province, cases[1], "approve_correction", decision="approve")


def _ask(stage: Stage, desk: User) -> None:
    opened = [tickets.open_ticket(stage.enterprise, ASKED).case_id for _ in range(4)]
    cases = [case for case in opened if case]
    for case in cases[1:]:
        do(desk, case, "accept_ticket", decision="accept")
    do(desk, cases[2], "answer_ticket", decision="ask", message="是哪一种手机？")
    do(desk, cases[3], "answer_ticket", decision="resolve", message="请改用 JPEG 格式。")
