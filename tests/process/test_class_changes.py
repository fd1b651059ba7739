"""What a published class may still change (R35), and how its own case and those of its enrolments follow (R38, R45, R48)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from threading import Thread
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from service.errors import AnpeiError, Conflict, InvalidInput
from service.models.db.clock import today
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.notices import notice_list
from service.models.tables.notices.notice import Notice
from service.models.tables.runtime.case import Case, Job
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.training.training import TrainingClass
from service.operations.enrollments import take_seat
from service.workflow.runtime import history, jobs, tasks
from service.workflow.training import classes, enrollments
from tests.builders.stage import (
    Stage,
    at_nine,
    class_of,
    do,
    enroll,
    enrollment_of,
    make_stage,
    open_tasks,
    publish_class,
    task_of,
)

CONFIRM, CHECK_IN, CLOSE = "confirm_enrollment", "check_in", "holding/close_check_in"


def change_form(row: TrainingClass, **more: Any) -> dict[str, str]:
    """The form of a change as the page draws it, with what an officer types over it."""
    fresh = class_of(row)
    given = {
        "seen": classes.fields_digest(fresh),
        "place": fresh.place,
        "enrol_from": fresh.enrol_from,
        "enrol_until": fresh.enrol_until,
        "starts_on": fresh.starts_on,
        "ends_on": fresh.ends_on,
        "capacity": fresh.capacity,
        "pass_mark": fresh.pass_mark // 10,
        "contact": fresh.contact or "",
        "body": fresh.body or "",
    }
    return {name: str(value) for name, value in (given | more).items()}


def _change(stage: Stage, row: TrainingClass, **more: Any) -> None:
    assert classes.change_class(stage.association, row.id, change_form(row, **more))
    jobs.run_all()


def _timers(case_id: UUID) -> dict[str, datetime]:
    query = select(Job.element, Job.due_at).where(Job.case_id == case_id, Job.kind == "timer", Job.state == "pending")
    return {row.element: row.due_at for row in session().execute(query)}


def _due(case_id: UUID, element: str) -> str:
    due = task_of(case_id, element).due_at
    assert due is not None
    return due.astimezone(at_nine(date(2026, 1, 1)).tzinfo).strftime("%m-%d %H:%M")


def _day(days: int) -> date:
    return today() + timedelta(days=days)


def test_r35_a_class_moved_later_takes_its_timers_and_those_of_its_enrolments_with_it(app: Any, clock: Any) -> None:
    """R35, R45: the window, the confirmation's end and warning, and the due dates of open tasks"""
    stage = make_stage()
    row = publish_class(stage)
    pending, confirmed = (enroll(stage, row, stage.person()) for _ in range(2))
    do(stage.province, confirmed, CONFIRM, decision="confirm")
    before = _timers(pending)
    _change(stage, row, enrol_until=_day(12), starts_on=_day(17), ends_on=_day(19), place="天津")
    moved = class_of(row)
    assert (moved.place, moved.starts_on, moved.state) == ("天津", _day(17), "enrolling")
    assert moved.case_id
    assert _timers(moved.case_id)["holding/enrolment_gateway"].isoformat() == "2026-03-14T16:00:00+00:00"
    assert {name: due - before[name] for name, due in _timers(pending).items()} == dict.fromkeys(
        before, timedelta(days=7)
    )
    assert (_due(pending, CONFIRM), _due(confirmed, CHECK_IN)) == ("03-19 18:00", "03-21 18:00")
    clock.move_to(at_nine(_day(11)))
    jobs.run_all()
    assert enrollment_of(pending).state == "pending"  # by the former dates it had lapsed
    assert list(history.verify()) == []


def test_r35_everybody_enrolled_is_told_and_nobody_else(app: Any, clock: Any) -> None:
    """R35: the units, their provinces, the institution and the association; not a unit without people in the class"""
    stage, other = make_stage(), make_stage()
    row = publish_class(stage)
    enroll(stage, row, stage.person())
    _change(stage, row, ends_on=_day(13), contact="王五 010-1234")
    notice = session().scalars(select(Notice).where(Notice.title.startswith("班次变更"))).one()
    assert notice.body.splitlines()[1:] == [
        "结束日：2026-03-12 → 2026-03-15",
        "联系人及电话：郑丁 010-66668888 → 王五 010-1234",
    ]
    for reader, is_told in (
        (stage.enterprise, True),
        (stage.province, True),
        (stage.institution, True),
        (stage.association, True),
        (other.enterprise, False),
        (stage.other_province, False),
    ):
        assert (notice.id in notice_list.unread_ids(reader)) == is_told, reader.role


def test_r35_a_change_that_changes_nothing_is_none(app: Any, clock: Any) -> None:
    """R35: no step of the case, no notice"""
    stage = make_stage()
    row = publish_class(stage)
    assert classes.change_class(stage.association, row.id, change_form(row)) is False


def test_r35_moved_earlier_than_now_the_window_closes_and_the_province_still_has_today(app: Any, clock: Any) -> None:
    """R35, R45: what is due by the new dates happens at once; no confirmation lapses on the day of the change"""
    stage = make_stage()
    row = publish_class(stage)
    case = enroll(stage, row, stage.person())
    clock.move_to(at_nine(_day(3)))
    _change(stage, row, enrol_from=_day(-3), enrol_until=_day(-2), starts_on=_day(-1), ends_on=_day(1))
    assert class_of(row).case_id
    assert (class_of(row).state, enrollment_of(case).state) == ("enrolment_closed", "pending")
    assert open_tasks(class_of(row).case_id) == [CLOSE]
    do(stage.province, case, CONFIRM, decision="confirm")
    assert open_tasks(case) == [CHECK_IN]
    clock.move_to(at_nine(_day(1)))
    jobs.run_all()
    do(stage.association, case, CHECK_IN)
    assert class_of(row).state == "running"
    assert list(history.verify()) == []


def test_r35_what_nobody_confirmed_still_lapses_after_the_change(app: Any, clock: Any) -> None:
    stage = make_stage()
    row = publish_class(stage)
    case = enroll(stage, row, stage.person())
    _change(stage, row, enrol_until=_day(1), starts_on=_day(2), ends_on=_day(3))
    clock.move_to(at_nine(_day(3)))
    jobs.run_all()
    assert (enrollment_of(case).state, enrollment_of(case).reason) == ("rejected", "过期未确认")


def test_r38_prolonging_a_window_that_has_closed_opens_it_again(app: Any, clock: Any) -> None:
    """R38, R35: and other changes leave it closed, though the organiser closed it before its last day"""
    stage = make_stage()
    row = publish_class(stage)
    classes.close_enrolment(stage.association, row.id)
    _change(stage, row, place="天津")
    assert class_of(row).state == "enrolment_closed"
    _change(stage, row, enrol_until=_day(7))
    assert class_of(row).state == "enrolling"
    case = enroll(stage, row, stage.person())
    clock.move_to(at_nine(_day(8)))
    jobs.run_all()
    assert (class_of(row).state, enrollment_of(case).state) == ("enrolment_closed", "pending")


def test_r35_seats_cannot_be_fewer_than_are_taken(app: Any, clock: Any) -> None:
    stage = make_stage()
    row = publish_class(stage)
    for _ in range(3):
        enroll(stage, row, stage.person())
    with pytest.raises(InvalidInput) as refused:
        classes.change_class(stage.association, row.id, change_form(row, capacity=2, starts_on="", pass_mark="101"))
    assert sorted(refused.value.fields) == ["capacity", "pass_mark", "starts_on"]
    assert class_of(row).capacity == 40
    _change(stage, row, capacity=3)
    [refusal] = enrollments.enroll(stage.enterprise, row.id, [stage.person().id])
    assert "名额已满" in str(refusal.message)


def test_r35_the_pass_mark_is_fixed_by_the_first_score_and_the_beginning_by_the_first_arrival(
    app: Any, clock: Any
) -> None:
    """R35, R48"""
    stage = make_stage()
    row = publish_class(stage)
    case = enroll(stage, row, stage.person())
    do(stage.province, case, CONFIRM, decision="confirm")
    clock.move_to(at_nine(row.starts_on))
    jobs.run_all()
    do(stage.association, case, CHECK_IN)
    with pytest.raises(InvalidInput) as refused:
        classes.change_class(stage.association, row.id, change_form(row, starts_on=_day(1), ends_on=_day(2)))
    assert list(refused.value.fields) == ["starts_on"]
    _change(stage, row, pass_mark="70", ends_on=_day(4))
    assert (class_of(row).pass_mark, class_of(row).state) == (700, "running")
    do(stage.institution, case, "record_score", score="65")
    with pytest.raises(Conflict, match="及格线"):
        classes.change_class(stage.association, row.id, change_form(row, pass_mark="60"))
    do(stage.association, case, "confirm_score", decision="confirm")
    assert enrollment_of(case).state == "makeup"
    assert list(history.verify()) == []


def test_r35_after_the_check_in_was_closed_a_change_does_not_ask_for_it_again(app: Any, clock: Any) -> None:
    stage = make_stage()
    row = publish_class(stage)
    case = enroll(stage, row, stage.person())
    do(stage.province, case, CONFIRM, decision="confirm")
    clock.move_to(at_nine(row.starts_on))
    jobs.run_all()
    do(stage.association, case, CHECK_IN)
    assert row.case_id
    do(stage.association, row.case_id, CLOSE, sure="true")
    _change(stage, row, place="天津")
    assert open_tasks(row.case_id) == []
    do(stage.institution, case, "record_score", score="50")
    do(stage.association, case, "confirm_score", decision="confirm")
    do(stage.institution, case, "record_score", score="50")
    do(stage.association, case, "confirm_score", decision="confirm")
    assert class_of(row).state == "completed"


def test_r35_a_case_whose_enrolments_have_all_ended_goes_on_after_a_change(app: Any, clock: Any) -> None:
    """R35: its progress is looked at again by itself"""
    stage = make_stage()
    row = publish_class(stage)
    classes.close_enrolment(stage.association, row.id)
    jobs.run_all()
    _change(stage, row, place="天津")
    clock.move_to(at_nine(row.starts_on))
    jobs.run_all()
    assert row.case_id
    do(stage.association, row.case_id, CLOSE, sure="true")
    assert class_of(row).state == "completed"


def test_r45_the_province_is_warned_again_of_the_new_last_day(app: Any, clock: Any) -> None:
    """R45, R35"""
    stage = make_stage()
    row = publish_class(stage)
    enroll(stage, row, stage.person())
    clock.move_to(at_nine(_day(9)))
    jobs.run_all()
    _change(stage, row, starts_on=_day(6), ends_on=_day(8))
    clock.move_to(at_nine(_day(5)))
    jobs.run_all()
    warned = session().scalars(select(Notice.body).where(Notice.title.startswith("报名即将过期")).order_by(Notice.id))
    assert ["2026-03-12" in body for body in warned] == [True, False]


def test_r48_an_undone_check_in_has_the_new_last_day(app: Any, clock: Any) -> None:
    """R48, R35: while a score was awaited the class's end moved"""
    stage = make_stage()
    row = publish_class(stage)
    case = enroll(stage, row, stage.person())
    do(stage.province, case, CONFIRM, decision="confirm")
    clock.move_to(at_nine(row.starts_on))
    jobs.run_all()
    do(stage.association, case, CHECK_IN)
    _change(stage, row, ends_on=_day(9))
    tasks.correlate_message(stage.association, case, "undo_check_in")
    jobs.run_all()
    assert _due(case, CHECK_IN) == "03-21 18:00"


def test_r35_of_two_officers_the_second_is_told_that_his_form_is_out_of_date(app: Any, clock: Any) -> None:
    """R35, R74: whether one after the other or at the same instant"""
    stage = make_stage()
    row = publish_class(stage)
    first, second = change_form(row, place="天津"), change_form(row, place="石家庄")
    assert classes.change_class(stage.association, row.id, first)
    with pytest.raises(Conflict, match="刚被同事修改"):
        classes.change_class(stage.colleague, row.id, second)
    said: list[str] = []

    def act(user: Any, typed: dict[str, str]) -> None:
        with app.app_context():
            try:
                classes.change_class(user, row.id, typed)
                said.append("ok")
            except AnpeiError as refused:
                said.append(type(refused).__name__)

    typed = [(stage.association, change_form(row, capacity=50)), (stage.colleague, change_form(row, capacity=60))]
    threads = [Thread(target=act, args=one) for one in typed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["Conflict", "ok"]
    assert class_of(row).capacity in (50, 60)


def test_r35_a_class_of_an_older_diagram_says_so(app: Any, clock: Any) -> None:
    """R35, invariant 5: a running case keeps its version, which knows no change"""
    stage = make_stage()
    row = publish_class(stage)
    _without_message(row.case_id, "training_class")
    with pytest.raises(Conflict, match="较早版本"):
        classes.change_class(stage.association, row.id, change_form(row, place="天津"))


def test_r35_dates_stay_while_an_enrolment_of_an_older_diagram_could_not_follow(app: Any, clock: Any) -> None:
    """R35, invariant 5: everything else may change"""
    stage = make_stage()
    row = publish_class(stage)
    case = enroll(stage, row, stage.person())
    session().execute(update(Case).where(Case.id == case).values(awaited=["message:withdraw"]))
    session().commit()
    with pytest.raises(InvalidInput, match="较早版本"):
        classes.change_class(stage.association, row.id, change_form(row, ends_on=_day(14)))
    _change(stage, row, place="天津")
    assert class_of(row).place == "天津"


def test_r33_only_the_organiser_changes_and_never_what_is_over(app: Any, clock: Any) -> None:
    """R33, R35"""
    stage = make_stage()
    row = publish_class(stage)
    with pytest.raises(AnpeiError):
        classes.change_class(stage.province, row.id, change_form(row, place="天津"))
    classes.cancel_class(stage.association, row.id, "人数不足")
    with pytest.raises(Conflict, match="不能再修改"):
        classes.change_class(stage.association, row.id, change_form(row, place="天津"))


def _without_message(case_id: UUID | None, process: str) -> None:
    """Let a case run on a version of its process that has no change yet."""
    from service.engine import read_definition
    from service.workflow.processes.definitions import definition
    from service.workflow.versions import deployments

    now = definition(session().get_one(Case, case_id).definition)
    files = dict(now.files)
    files[now.main] = files[now.main].replace(b"class_changed", b"class_altered")
    deployments.deploy(files, process=process)
    older = read_definition(files, process).digest
    assert session().get(DefinitionVersion, older)
    session().execute(update(Case).where(Case.id == case_id).values(definition=older))
    session().commit()


def test_r35_who_enrols_while_the_class_moves_is_asked_to_try_again(app: Any, clock: Any) -> None:
    """R35, R40: limits were counted from days that no longer hold; no seat is taken"""
    stage = make_stage()
    row = publish_class(stage)
    _change(stage, row, ends_on=_day(14))
    read_before: Any = SimpleNamespace(id=row.id, state="enrolling", starts_on=_day(10), ends_on=_day(12))
    with pytest.raises(Conflict, match="刚刚有变动"), transaction(Operation("enrol")):
        take_seat(read_before)
    assert class_of(row).taken == 0
