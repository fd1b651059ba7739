"""Enrolling and confirming (R31–R47): who may, what is refused and why, the ways out before the check-in, lapse by time."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.errors import Conflict, InvalidInput, NotFound
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.notices.notice import Notice
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import authority_id
from service.workflow.persons.transfers import transfer_person
from service.workflow.runtime import history, jobs, tasks
from tests.builders.stage import (
    at_nine,
    class_of,
    do,
    ended_at,
    enroll,
    enrollment_of,
    make_stage,
    open_tasks,
    publish_class,
    task_of,
)
from tests.builders.world import make_certificate, make_person, make_unit, make_user


def _refusal(call: Any) -> str:
    with pytest.raises(InvalidInput) as refused:
        call()
    return str(next(iter(refused.value.fields.values())))


def test_an_enrolment_whose_kind_is_not_needed_is_refused_with_dates_and_next_step(app: Any, clock: Any) -> None:
    """R31, S47"""
    stage = make_stage()
    person, training_class = stage.person(), publish_class(stage)
    make_certificate(person, date(2026, 11, 30))
    said = _refusal(lambda: enroll(stage, training_class, person))
    assert all(part in said for part in ("2026-11-30", "2027-03-01", "换证"))
    assert class_of(training_class).taken == 0


def test_an_expired_certificate_bars_every_class_until_the_ministry_deregisters_it(app: Any, clock: Any) -> None:
    """R24, S77"""
    stage = make_stage()
    person, training_class = stage.person(), publish_class(stage)
    make_certificate(person, date(2026, 3, 1))
    assert "注销" in _refusal(lambda: enroll(stage, training_class, person))


def test_only_approved_persons_of_an_admitted_type_are_enrolled(app: Any, clock: Any) -> None:
    """R39"""
    stage = make_stage()
    training_class = publish_class(stage, qualification_types=["PRINCIPAL_PROD"])
    assert "资格类型" in _refusal(lambda: enroll(stage, training_class, stage.person()))
    assert "待审批" in _refusal(lambda: enroll(stage, training_class, stage.person(state="pending")))


def test_a_person_has_one_live_enrolment_anywhere(app: Any, clock: Any) -> None:
    """R39"""
    stage = make_stage()
    person, first, second = stage.person(), publish_class(stage), publish_class(stage)
    enroll(stage, first, person)
    assert "已报名本班" in _refusal(lambda: enroll(stage, first, person))
    assert "其他班" in _refusal(lambda: enroll(stage, second, person))


def test_both_ends_of_the_enrolment_window_belong_to_it(app: Any, clock: Any) -> None:
    """R38"""
    stage = make_stage()
    day = date(2026, 3, 4)
    training_class = publish_class(stage, enrol_from=str(day))
    assert "2026-03-04" in _refusal(lambda: enroll(stage, training_class, stage.person()))
    clock.move_to(at_nine(training_class.enrol_until))
    enroll(stage, training_class, stage.person())
    clock.move(timedelta(days=1))
    assert "截止" in _refusal(lambda: enroll(stage, training_class, stage.person()))
    jobs.run_all()
    assert class_of(training_class).state == "enrolment_closed"


def test_the_last_seat_is_taken_once_and_a_withdrawal_frees_it(app: Any, clock: Any) -> None:
    """R40"""
    stage = make_stage()
    training_class = publish_class(stage, capacity="1")
    first = enroll(stage, training_class, stage.person())
    with pytest.raises(Conflict, match="名额已满"):
        enroll(stage, training_class, stage.person())
    tasks.correlate_message(stage.enterprise, first, "withdraw", {"reason": ""})
    assert class_of(training_class).taken == 0
    enroll(stage, training_class, stage.person())


def test_of_many_who_want_the_last_seat_at_once_one_gets_it(app: Any, clock: Any) -> None:
    """R40: eight units' officers at the same instant."""
    stage = make_stage()
    training_class = publish_class(stage, capacity="1")
    people = [stage.person() for _ in range(8)]
    ready, answers = threading.Barrier(len(people)), []

    def enrol(person: Person) -> None:
        with app.app_context():
            ready.wait()
            try:
                enroll(stage, training_class, person)
                answers.append("in")
            except Conflict as full:
                answers.append(str(full))

    officers = [threading.Thread(target=enrol, args=(person,)) for person in people]
    for officer in officers:
        officer.start()
    for officer in officers:
        officer.join()
    assert sorted(answers) == ["in"] + ["该班名额已满，请选择其他班次。"] * 7
    assert class_of(training_class).taken == 1


def test_a_unit_enrols_only_its_own_and_an_unknown_class_is_named(app: Any, clock: Any) -> None:
    """R41"""
    stage = make_stage()
    training_class, stranger = publish_class(stage), make_unit("enterprise", "41")
    other = make_user("enterprise", stranger.id)
    with pytest.raises(NotFound):
        enroll(stage, training_class, stage.person(), user=other)
    data = {"class_id": "no such class", "person_id": str(stage.person().id), "via": "enterprise", "on_behalf": False}
    with pytest.raises(InvalidInput) as refused:
        tasks.start(stage.enterprise, "training_enrollment", data)
    assert list(refused.value.fields) == ["class_id"]


def test_a_group_enrols_the_persons_of_its_branch_and_the_branchs_own_province_confirms(app: Any, clock: Any) -> None:
    """R9, R41, S57, S61"""
    stage = make_stage()
    group = make_unit("group", "37")
    branch = make_unit("branch", "41", parent_id=group.id)
    user, person, training_class = make_user("group", group.id), make_person(branch), publish_class(stage)
    case = enroll(stage, training_class, person, user=user, via="group")
    assert task_of(case, "confirm_enrollment").organisation_id == authority_id("41")
    assert do(stage.other_province, case, "confirm_enrollment", decision="confirm") == ["check_in"]


def test_what_the_province_enrols_on_behalf_still_waits_for_its_own_confirmation(app: Any, clock: Any) -> None:
    """R43, C12"""
    stage = make_stage()
    case = enroll(stage, publish_class(stage), stage.person(), user=stage.province, via="province")
    assert open_tasks(case) == ["confirm_enrollment"]
    assert enrollment_of(case).state == "pending"


def test_an_academys_person_needs_no_confirmation(app: Any, clock: Any) -> None:
    """R44, S62, S63"""
    stage = make_stage()
    academy = make_unit("academy", "11", credit_code=None)
    case = enroll(stage, publish_class(stage), make_person(academy), user=stage.association, via="association")
    assert open_tasks(case) == ["check_in"]
    assert enrollment_of(case).state == "confirmed"


def test_a_refusal_needs_a_reason_and_frees_the_seat(app: Any, clock: Any) -> None:
    """S52"""
    stage = make_stage()
    training_class = publish_class(stage)
    case = enroll(stage, training_class, stage.person())
    with pytest.raises(InvalidInput) as refused:
        do(stage.province, case, "confirm_enrollment", decision="reject")
    assert list(refused.value.fields) == ["reason"]
    assert do(stage.province, case, "confirm_enrollment", decision="reject", reason="岗位不符") == []
    found = enrollment_of(case)
    assert (ended_at(case), found.state, found.reason) == ("enrollment_rejected", "rejected", "岗位不符")
    assert class_of(training_class).taken == 0


def test_confirming_looks_again_at_what_enrolling_asked_for(app: Any, clock: Any) -> None:
    """R47: he has been sent back to approval meanwhile; the task stays."""
    stage = make_stage()
    person = stage.person()
    case = enroll(stage, publish_class(stage), person)
    with transaction(Operation("test")):
        session().get_one(Person, person.id).state = "pending"
    assert "待审批" in _refusal(lambda: do(stage.province, case, "confirm_enrollment", decision="confirm"))
    assert open_tasks(case) == ["confirm_enrollment"]


def test_confirming_takes_the_need_of_the_day_of_enrolment(app: Any, clock: Any) -> None:
    """R47: the certificate needs renewal from 2027 on; enrolled in a refresher on the last day of 2026."""
    stage = make_stage()
    clock.move_to(at_nine(date(2026, 12, 30)))
    person = stage.person()
    make_certificate(person, date(2027, 10, 31))
    training_class = publish_class(stage, "refresher", starts_on="2027-01-06", ends_on="2027-01-08", hours="16")
    case = enroll(stage, training_class, person)
    clock.move_to(at_nine(date(2027, 1, 4)))
    assert do(stage.province, case, "confirm_enrollment", decision="confirm") == ["check_in"]


def test_the_province_may_confirm_on_the_first_day_of_the_class_and_the_next_day_it_has_lapsed(
    app: Any, clock: Any
) -> None:
    """R45"""
    stage = make_stage()
    training_class = publish_class(stage)
    kept, lapsed = enroll(stage, training_class, stage.person()), enroll(stage, training_class, stage.person())
    clock.move_to(at_nine(training_class.starts_on))
    jobs.run_all()
    assert open_tasks(lapsed) == ["confirm_enrollment"]
    assert do(stage.province, kept, "confirm_enrollment", decision="confirm") == ["check_in"]
    clock.move(timedelta(days=1))
    jobs.run_all()
    found = enrollment_of(lapsed)
    assert (ended_at(lapsed), found.state, found.reason) == ("enrollment_rejected", "rejected", "过期未确认")
    assert class_of(training_class).taken == 1


def test_two_days_before_an_enrolment_lapses_the_province_is_warned_once_per_class(app: Any, clock: Any) -> None:
    """R45"""
    stage = make_stage()
    training_class = publish_class(stage)
    first, _ = (enroll(stage, training_class, stage.person()) for _ in range(2))
    clock.move_to(at_nine(training_class.starts_on - timedelta(days=3)))
    jobs.run_all()
    warnings = select(Notice).where(Notice.class_id == training_class.id, Notice.title.startswith("报名即将过期"))
    assert list(session().scalars(warnings)) == []
    clock.move_to(at_nine(training_class.starts_on - timedelta(days=2)))
    jobs.run_all()
    [notice] = session().scalars(warnings)
    assert notice.authorities == [str(authority_id("37"))]
    assert open_tasks(first) == ["confirm_enrollment"]


def test_a_pending_enrolment_follows_its_person_to_another_province(app: Any, clock: Any) -> None:
    """R42: the task moves, the snapshot stays."""
    stage = make_stage()
    person, elsewhere = stage.person(), make_unit("enterprise", "41")
    case = enroll(stage, publish_class(stage), person)
    transfer_person(stage.association, person.id, elsewhere.id)
    assert task_of(case, "confirm_enrollment").organisation_id == authority_id("41")
    with pytest.raises(NotFound):
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    assert do(stage.other_province, case, "confirm_enrollment", decision="confirm") == ["check_in"]
    assert enrollment_of(case).snapshot["unit_id"] == str(stage.unit.id)
    assert list(history.verify()) == []


def test_a_pending_enrolment_is_withdrawn_freely(app: Any, clock: Any) -> None:
    """R46"""
    stage = make_stage()
    case = enroll(stage, publish_class(stage), stage.person())
    tasks.correlate_message(stage.enterprise, case, "withdraw", {"reason": ""})
    assert (ended_at(case), enrollment_of(case).state) == ("pending_withdrawn", "withdrawn")


def test_once_enrolment_is_over_only_the_province_withdraws_and_says_why(app: Any, clock: Any) -> None:
    """R46"""
    stage = make_stage()
    training_class = publish_class(stage)
    case = enroll(stage, training_class, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.enrol_until + timedelta(days=1)))
    with pytest.raises(Conflict, match="省级主管部门"):
        tasks.correlate_message(stage.enterprise, case, "withdraw", {"reason": "出差"})
    with pytest.raises(InvalidInput):
        tasks.correlate_message(stage.province, case, "withdraw", {"reason": " "})
    tasks.correlate_message(stage.province, case, "withdraw", {"reason": "已调离"})
    assert (ended_at(case), enrollment_of(case).reason) == ("confirmed_withdrawn", "已调离")


def test_a_confirmed_enrolment_is_withdrawn_by_its_unit_until_enrolment_ends(app: Any, clock: Any) -> None:
    """R46"""
    stage = make_stage()
    training_class = publish_class(stage)
    case = enroll(stage, training_class, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.enrol_until))
    tasks.correlate_message(stage.enterprise, case, "withdraw", {"reason": "生产任务"})
    assert ended_at(case) == "confirmed_withdrawn"
    assert class_of(training_class).taken == 0


def test_a_tasks_line_in_the_inbox_shows_what_the_decision_needs(app: Any, clock: Any) -> None:
    stage = make_stage()
    person, training_class = stage.person(), publish_class(stage)
    task = task_of(enroll(stage, training_class, person), "confirm_enrollment")
    assert (task.subject, task.unit_name, task.batch) == (person.name, stage.unit.name, str(training_class.id))
    assert (task.facts["need"], task.facts["class_code"]) == ("initial", training_class.code)
    assert task.due_at == at_nine(training_class.starts_on) + timedelta(hours=9)
