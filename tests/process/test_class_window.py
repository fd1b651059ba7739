"""What may be done with a class for each pair of window, early end and first check-in (R35, R38, R45, R48, R86)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from service.errors import Conflict, InvalidInput
from service.models.db.clock import today
from service.models.queries.report_filter import ReportFilter
from service.models.tables.training.training import TrainingClass
from service.reports.lists.class_worklists import read_offers
from service.workflow.runtime import history, jobs, tasks
from service.workflow.training import classes, enrollments
from tests.builders.stage import Stage, at_nine, class_of, do, enroll, enrollment_of, make_stage, publish_class
from tests.process.test_class_changes import change_form

WINDOWS = tuple(product((True, False), repeat=3))


def _day(days: int) -> date:
    return today() + timedelta(days=days)


def _class_on_its_first_day(stage: Stage, clock: Any, *, is_open: bool) -> TrainingClass:
    """A class that begins today, whose window lasts until today, or was over yesterday."""
    begins = _day(5)
    until = begins if is_open else begins - timedelta(days=1)
    return publish_class(stage, enrol_until=str(until), starts_on=str(begins), ends_on=str(begins + timedelta(days=2)))


@pytest.mark.parametrize(("is_open", "is_ended_early", "has_come"), WINDOWS)
def test_r86_what_may_be_done_by_window_early_end_and_first_check_in(
    app: Any, clock: Any, is_open: bool, is_ended_early: bool, has_come: bool
) -> None:
    stage = make_stage()
    row = _class_on_its_first_day(stage, clock, is_open=is_open)
    first, second = (enroll(stage, row, stage.person()) for _ in range(2))
    clock.move_to(at_nine(row.starts_on))
    if is_ended_early and is_open:
        classes.close_enrolment(stage.association, row.id)
    jobs.run_all()
    may_enrol = is_open and not is_ended_early
    if has_come:
        do(stage.province, first, "confirm_enrollment", decision="confirm")
        do(stage.association, first, "check_in")
    expected = "running" if has_come else "enrolling" if may_enrol else "enrolment_closed"
    assert class_of(row).state == expected
    assert (row.id in _offered(stage)) == may_enrol
    [refusal] = enrollments.enroll(stage.enterprise, row.id, [stage.person().id])
    assert (refusal.message is None) == may_enrol, refusal.message
    assert classes.change_class(stage.association, row.id, change_form(row, place="天津"))
    jobs.run_all()
    assert (class_of(row).place, class_of(row).state) == ("天津", expected)
    if has_come:
        with pytest.raises(InvalidInput):  # the beginning, and with it the window, is fixed
            classes.change_class(stage.association, row.id, change_form(row, enrol_until=row.starts_on - timedelta(2)))
        with pytest.raises(Conflict):
            classes.cancel_class(stage.association, row.id, "人数不足")
    do(stage.province, second, "confirm_enrollment", decision="confirm")
    do(stage.association, second, "check_in")
    assert (enrollment_of(second).state, class_of(row).state) == ("checked_in", "running")
    if may_enrol:
        classes.close_enrolment(stage.association, row.id)
    else:
        with pytest.raises(Conflict):
            classes.close_enrolment(stage.association, row.id)
    jobs.run_all()
    assert (class_of(row).state, class_of(row).enrolment_closed) == ("running", True)
    assert list(history.verify()) == []


def test_r48_r86_undoing_the_only_check_in_brings_back_what_the_window_says(app: Any, clock: Any) -> None:
    stage = make_stage()
    row = _class_on_its_first_day(stage, clock, is_open=True)
    case = enroll(stage, row, stage.person())
    clock.move_to(at_nine(row.starts_on))
    jobs.run_all()
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    for close, expected in ((False, "enrolling"), (True, "enrolment_closed")):
        do(stage.association, case, "check_in")
        if close:
            classes.close_enrolment(stage.association, row.id)
        jobs.run_all()
        assert class_of(row).state == "running"
        tasks.correlate_message(stage.association, case, "undo_check_in")
        jobs.run_all()
        assert class_of(row).state == expected


def _offered(stage: Stage) -> set[Any]:
    table = read_offers(stage.enterprise, ReportFilter())
    return {row["class_id"] for batch in table.batches() for row in batch}
