"""Check-in, scores, make-up, return, correction, no-show (R48–R54), in the shipped diagrams."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service.errors import Conflict, InvalidInput
from service.models.db.session import session
from service.models.tables.training.training import RefresherRecord, TrainingClass
from service.workflow.runtime import history, jobs, tasks
from tests.builders.stage import (
    Stage,
    at_nine,
    certificates_of,
    class_of,
    do,
    ended_at,
    enroll,
    enrollment_of,
    make_stage,
    open_tasks,
    publish_class,
    scores_of,
    task_of,
)
from tests.builders.world import make_certificate

CERTIFYING = ["certification/approve_certificate", "certification/print_certificate"]


def _checked_in(stage: Stage, clock: Any, training_class: TrainingClass | None = None, person: Any = None) -> UUID:
    """A case whose person sits the examination."""
    found = training_class or publish_class(stage)
    case = enroll(stage, found, person or stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    assert do(stage.association, case, "check_in") == ["record_score"]
    return case


def _failed_once(stage: Stage, clock: Any) -> UUID:
    case = _checked_in(stage, clock)
    do(stage.institution, case, "record_score", score="59.9")
    assert do(stage.association, case, "confirm_score", decision="confirm") == ["record_score"]
    return case


def _passed(stage: Stage, clock: Any) -> UUID:
    case = _checked_in(stage, clock)
    do(stage.institution, case, "record_score", score="60")
    assert do(stage.association, case, "confirm_score", decision="confirm") == CERTIFYING
    return case


def _ask(stage: Stage, case: UUID, score: int | None, reason: str = "看错一行") -> None:
    data = {"correction_score": score, "correction_absent": score is None, "correction_reason": reason}
    tasks.correlate_message(stage.association, case, "correct_score", data)


def test_check_in_is_from_the_day_before_the_class_to_its_last_day(app: Any, clock: Any) -> None:
    """R48, S53"""
    stage = make_stage()
    training_class = publish_class(stage)
    case = enroll(stage, training_class, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.starts_on - timedelta(days=2)))
    with pytest.raises(Conflict, match="开班前一天"):
        do(stage.association, case, "check_in")
    clock.move_to(at_nine(training_class.starts_on - timedelta(days=1)))
    assert do(stage.association, case, "check_in") == ["record_score"]


def test_check_in_is_refused_after_the_last_day(app: Any, clock: Any) -> None:
    """R48"""
    stage = make_stage()
    training_class = publish_class(stage)
    case = enroll(stage, training_class, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.ends_on + timedelta(days=1)))
    with pytest.raises(Conflict):
        do(stage.association, case, "check_in")


def test_a_check_in_is_undone_while_there_is_no_score(app: Any, clock: Any) -> None:
    """R48: the class that had begun with it is waiting again."""
    stage = make_stage()
    training_class = publish_class(stage)
    case = _checked_in(stage, clock, training_class)
    tasks.correlate_message(stage.association, case, "undo_check_in", {})
    jobs.run_all()
    assert (open_tasks(case), enrollment_of(case).state) == (["check_in"], "confirmed")
    assert class_of(training_class).state == "enrolment_closed"
    do(stage.association, case, "check_in")
    do(stage.institution, case, "record_score", score="83")
    do(stage.association, case, "confirm_score", decision="return", reason="请核对")
    with pytest.raises(Conflict):
        tasks.correlate_message(stage.association, case, "undo_check_in", {})


def test_a_score_of_101_or_none_is_refused_at_its_field(app: Any, clock: Any) -> None:
    """R49"""
    stage = make_stage()
    case = _checked_in(stage, clock)
    for raw in ({"score": "101"}, {"score": "59.95"}, {}, {"score": "-1"}):
        with pytest.raises(InvalidInput) as refused:
            do(stage.institution, case, "record_score", **raw)
        assert list(refused.value.fields) == ["score"]
    assert scores_of(case) == []


def test_the_pass_mark_itself_passes(app: Any, clock: Any) -> None:
    """R50"""
    stage = make_stage()
    case = _passed(stage, clock)
    assert (scores_of(case), enrollment_of(case).state) == ([600], "certifying")


def test_a_returned_score_goes_back_with_a_reason_and_is_entered_anew(app: Any, clock: Any) -> None:
    """R51"""
    stage = make_stage()
    case = _checked_in(stage, clock)
    do(stage.institution, case, "record_score", score="38")
    assert do(stage.association, case, "confirm_score", decision="return", reason="请核对卷面") == ["record_score"]
    assert enrollment_of(case).state == "checked_in"
    assert do(stage.institution, case, "record_score", score="83") == ["confirm_score"]
    assert do(stage.association, case, "confirm_score", decision="confirm") == CERTIFYING
    assert scores_of(case) == [830]


def test_who_fails_sits_one_make_up_and_its_score_is_final(app: Any, clock: Any) -> None:
    """R52"""
    stage = make_stage()
    case = _failed_once(stage, clock)
    assert (enrollment_of(case).state, task_of(case, "record_score").summary) == ("makeup", "补考")
    assert do(stage.institution, case, "record_score", score="59") == ["confirm_score"]
    assert do(stage.association, case, "confirm_score", decision="confirm") == []
    assert (ended_at(case), enrollment_of(case).state, scores_of(case)) == ("failed", "failed", [599, 590])


def test_a_make_up_passed_leads_to_the_certificate(app: Any, clock: Any) -> None:
    """R52, R54"""
    stage = make_stage()
    case = _failed_once(stage, clock)
    do(stage.institution, case, "record_score", score="75")
    assert do(stage.association, case, "confirm_score", decision="confirm") == CERTIFYING


def test_a_returned_make_up_is_entered_anew_as_make_up(app: Any, clock: Any) -> None:
    """R51, R52"""
    stage = make_stage()
    case = _failed_once(stage, clock)
    do(stage.institution, case, "record_score", score="75")
    assert do(stage.association, case, "confirm_score", decision="return", reason="缺签名") == ["record_score"]
    assert enrollment_of(case).state == "makeup"


def test_absence_fails_and_without_make_up_the_case_ends(app: Any, clock: Any) -> None:
    """R49, R52"""
    stage = make_stage()
    case = _checked_in(stage, clock, publish_class(stage, makeup_allowed="false"))
    do(stage.institution, case, "record_score", absent="true")
    assert do(stage.association, case, "confirm_score", decision="confirm") == []
    assert (ended_at(case), scores_of(case)) == ("failed", [None])


def test_who_failed_may_enrol_again(app: Any, clock: Any) -> None:
    """R52"""
    stage = make_stage()
    person = stage.person()
    case = _checked_in(stage, clock, publish_class(stage, makeup_allowed="false"), person)
    do(stage.institution, case, "record_score", score="10")
    do(stage.association, case, "confirm_score", decision="confirm")
    assert open_tasks(enroll(stage, publish_class(stage), person)) == ["confirm_enrollment"]


def test_a_passed_refresher_writes_its_record_and_ends_without_a_certificate(app: Any, clock: Any) -> None:
    """R54, C15"""
    stage = make_stage()
    person = stage.person()
    held = make_certificate(person, date(2028, 5, 31))
    case = _checked_in(stage, clock, publish_class(stage, "refresher", hours="16"), person)
    do(stage.institution, case, "record_score", score="70")
    assert do(stage.association, case, "confirm_score", decision="confirm") == []
    [record] = session().scalars(select(RefresherRecord))
    assert (record.certificate_id, record.year, record.hours, record.score) == (held.id, 2026, 16, 700)
    assert (ended_at(case), enrollment_of(case).state) == ("refreshed", "completed")
    assert len(certificates_of(person)) == 1
    clock.move(timedelta(days=30))
    with pytest.raises(InvalidInput):
        enroll(stage, publish_class(stage, "refresher", hours="16"), person)


def test_who_has_not_come_when_the_check_in_is_closed_is_a_no_show(app: Any, clock: Any) -> None:
    """domain.md §8"""
    stage = make_stage()
    training_class = publish_class(stage)
    absent = enroll(stage, training_class, stage.person())
    do(stage.province, absent, "confirm_enrollment", decision="confirm")
    present = _checked_in(stage, clock, training_class)
    assert training_class.case_id
    do(stage.association, training_class.case_id, "holding/close_check_in", sure="true")
    assert (ended_at(absent), enrollment_of(absent).state) == ("no_show", "no_show")
    assert open_tasks(present) == ["record_score"]
    assert class_of(training_class).taken == 2


def test_a_confirmed_score_is_corrected_with_a_second_persons_assent(app: Any, clock: Any) -> None:
    """R51: from 60 down to 45 before the approval; the certificate is void and a make-up follows."""
    stage = make_stage()
    person = stage.person()
    case = _checked_in(stage, clock, person=person)
    do(stage.institution, case, "record_score", score="60")
    do(stage.association, case, "confirm_score", decision="confirm")
    _ask(stage, case, 450)
    assert open_tasks(case) == ["assent_correction"]
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, "assent_correction", decision="assent")
    assert "另一人复核" in str(refused.value.fields["decision"])
    assert do(stage.colleague, case, "assent_correction", decision="assent") == ["record_score"]
    assert (scores_of(case), enrollment_of(case).state) == ([450], "makeup")
    assert [c.state for c in certificates_of(person)] == ["void"]
    do(stage.institution, case, "record_score", score="90")
    assert do(stage.association, case, "confirm_score", decision="confirm") == CERTIFYING
    assert [c.state for c in certificates_of(person)] == ["void", "issued"]
    assert list(history.verify()) == []


def test_a_failing_score_is_corrected_upwards_while_the_make_up_waits(app: Any, clock: Any) -> None:
    """R51"""
    stage = make_stage()
    case = _failed_once(stage, clock)
    _ask(stage, case, 840)
    assert do(stage.colleague, case, "assent_correction", decision="assent") == CERTIFYING
    assert (scores_of(case), enrollment_of(case).state) == ([840], "certifying")


def test_without_assent_everything_stays_as_it_was(app: Any, clock: Any) -> None:
    """R51"""
    stage = make_stage()
    case = _passed(stage, clock)
    number = task_of(case, CERTIFYING[0]).facts["certificate_number"]
    _ask(stage, case, 450)
    assert do(stage.colleague, case, "assent_correction", decision="refuse", reason="卷面无误") == CERTIFYING
    assert (scores_of(case), task_of(case, CERTIFYING[0]).facts["certificate_number"]) == ([600], number)
    second = _failed_once(stage, clock)
    _ask(stage, second, 840)
    assert do(stage.colleague, second, "assent_correction", decision="refuse", reason="卷面无误") == ["record_score"]
    assert enrollment_of(second).state == "makeup"


def test_a_printed_certificate_is_taken_back_before_its_score_is_corrected_to_a_fail(app: Any, clock: Any) -> None:
    """R51, R58"""
    stage = make_stage()
    case = _passed(stage, clock)
    do(stage.association, case, CERTIFYING[1])
    _ask(stage, case, None)
    with pytest.raises(InvalidInput) as refused:
        do(stage.colleague, case, "assent_correction", decision="assent")
    assert list(refused.value.fields) == ["recovered"]
    assert do(stage.colleague, case, "assent_correction", decision="assent", recovered="true") == ["record_score"]


def test_a_correction_needs_a_reason_a_possible_score_and_no_approval(app: Any, clock: Any) -> None:
    """R51"""
    stage = make_stage()
    case = _checked_in(stage, clock)
    with pytest.raises(Conflict, match="没有已确认"):
        _ask(stage, case, 700)
    do(stage.institution, case, "record_score", score="60")
    do(stage.association, case, "confirm_score", decision="confirm")
    with pytest.raises(InvalidInput):
        _ask(stage, case, 1010)
    with pytest.raises(InvalidInput):
        _ask(stage, case, 450, reason="")
    do(stage.ministry, case, CERTIFYING[0], decision="approve")
    with pytest.raises(Conflict, match="已由工信部审批"):
        _ask(stage, case, 450)
