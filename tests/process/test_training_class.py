"""开班: draft, publication, enrolment window, progress from enrolments, close of check-in, cancellation (R33–R38)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service.errors import Conflict, InvalidInput
from service.models.db.session import session
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.notices.notice import Notice
from service.models.tables.runtime.case import Case
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import authority_id
from service.workflow.runtime import (
    history,
    jobs,
    tasks,
    variables,
)
from service.workflow.training import classes
from tests.builders.stage import (
    Stage,
    at_nine,
    class_of,
    do,
    draft,
    ended_at,
    enroll,
    enrollment_of,
    make_stage,
    open_tasks,
    publish_class,
    task_of,
)

APPROVE, PRINT = "certification/approve_certificate", "certification/print_certificate"
CLOSE = "holding/close_check_in"


def _begun(stage: Stage) -> UUID:
    """The case of a class that the association drafts."""
    data = {"organiser_id": str(authority_id("association")), "organiser_role": "association"}
    return tasks.start(stage.association, "training_class", data).case_id


def _rows() -> list[TrainingClass]:
    return list(session().scalars(select(TrainingClass).execution_options(populate_existing=True)))


def test_a_draft_is_kept_edited_and_published_with_a_number_and_a_notice(app: Any, clock: Any) -> None:
    """R34, S50"""
    stage = make_stage()
    case = _begun(stage)
    assert do(stage.association, case, "draft_class", **draft(stage, decision="keep")) == ["draft_class"]
    [row] = _rows()
    assert (row.state, row.code, row.pass_mark) == ("draft", "2026QZ00-001", 600)
    do(stage.association, case, "draft_class", **draft(stage, title="第二期取证班（改）", pass_mark="62.5"))
    [row] = _rows()
    assert (row.state, row.code, row.title, row.pass_mark) == ("enrolling", "2026QZ00-001", "第二期取证班（改）", 625)
    [notice] = session().scalars(select(Notice))
    assert (notice.class_id, notice.authorities, notice.state) == (row.id, [], "published")
    assert list(history.verify()) == []


def test_a_province_tells_only_its_own_unless_the_class_is_open_to_others(app: Any, clock: Any) -> None:
    """R34"""
    stage = make_stage()
    publish_class(stage, "refresher", hours="16")
    publish_class(stage, "refresher", hours="16", open_to_other_provinces="true")
    assert [n.authorities for n in session().scalars(select(Notice).order_by(Notice.id))] == [
        [str(authority_id("37"))],
        [],
    ]
    assert [r.code for r in sorted(_rows(), key=lambda r: r.code)] == ["2026ZX37-001", "2026ZX37-002"]


def test_a_draft_may_be_given_up(app: Any, clock: Any) -> None:
    stage = make_stage()
    case = _begun(stage)
    do(stage.association, case, "draft_class", **draft(stage, decision="keep"))
    assert do(stage.association, case, "draft_class", **draft(stage, decision="discard")) == []
    assert (ended_at(case), _rows()[0].state) == ("draft_discarded", "cancelled")
    assert do(stage.association, second := _begun(stage), "draft_class", **draft(stage, decision="discard")) == []
    assert ended_at(second) == "draft_discarded"


def test_the_hosting_institution_sees_the_case_of_a_class_from_its_publication(app: Any, clock: Any) -> None:
    """R34"""
    stage = make_stage()
    case, discarded = _begun(stage), _begun(stage)
    for drafted in (case, discarded):
        do(stage.association, drafted, "draft_class", **draft(stage, decision="keep"))
    do(stage.association, discarded, "draft_class", **draft(stage, decision="discard"))
    assert _seen_by(stage.institution, case, discarded) == set()
    assert _seen_by(stage.association, case, discarded) == {case, discarded}
    do(stage.association, case, "draft_class", **draft(stage))
    assert _seen_by(stage.institution, case, discarded) == {case}
    tasks.correlate_message(stage.association, case, "cancel_class", {"reason": "场地维修"})
    assert _seen_by(stage.institution, case, discarded) == {case}


def _seen_by(user: User, *cases: UUID) -> set[UUID]:
    return set(session().scalars(select(Case.id).where(visible_to(user, Case), Case.id.in_(cases))))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "refresher"),  # R33: the province organises those
        ("hours", "47"),  # R36
        ("enrol_until", "2026-03-01"),
        ("starts_on", "2026-03-04"),
        ("ends_on", "2026-03-11"),
        ("capacity", "0"),
        ("pass_mark", "100.1"),
        ("institution_id", "no one"),
        ("qualification_types", ["MANAGER_PROD", "PILOT"]),
    ],
)
def test_an_unsound_draft_comes_back_at_its_field(app: Any, clock: Any, field: str, value: Any) -> None:
    """R33, R36, domain.md §7"""
    stage = make_stage()
    case = _begun(stage)
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, "draft_class", **draft(stage, **{field: value}))
    assert field in refused.value.fields
    assert (open_tasks(case), _rows()) == (["draft_class"], [])


def test_a_draft_keeps_what_is_there_and_publishing_asks_for_the_rest(app: Any, clock: Any) -> None:
    """S50, domain.md §7: a title is enough to keep; what is missing or does not fit is told at the fields on publishing"""
    stage = make_stage()
    case = _begun(stage)
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, "draft_class", decision="keep")
    assert list(refused.value.fields) == ["title"]
    started = {"title": "秋季取证班", "starts_on": "2026-03-20", "ends_on": "2026-03-19", "capacity": "30"}
    assert do(stage.association, case, "draft_class", **started, decision="keep") == ["draft_class"]
    assert _rows() == []
    task = task_of(case, "draft_class")
    assert task.subject == "秋季取证班"
    data = variables.of_task(stage.association, task.id)
    assert {name: data[name] for name in started} == {**started, "capacity": 30}
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, "draft_class", **started, decision="publish")
    assert set(refused.value.fields) >= {
        "kind",
        "institution_id",
        "place",
        "enrol_from",
        "hours",
        "qualification_types",
    }
    do(stage.association, case, "draft_class", **draft(stage))
    assert [(row.title, row.state) for row in _rows()] == [("2026年第二期取证班（北京）", "enrolling")]
    assert list(history.verify()) == []


def test_a_draft_that_was_sound_may_be_kept_unsound(app: Any, clock: Any) -> None:
    """domain.md §7: its row stays as it was, its task holds what was typed"""
    stage = make_stage()
    case = _begun(stage)
    do(stage.association, case, "draft_class", **draft(stage, decision="keep"))
    do(stage.association, case, "draft_class", **draft(stage, decision="keep", ends_on="2026-03-01", place="天津"))
    [row] = _rows()
    assert (row.place, row.state) == ("北京", "draft")
    assert variables.of_task(stage.association, task_of(case, "draft_class").id)["place"] == "天津"
    do(stage.association, case, "draft_class", **draft(stage, place="天津"))
    assert (_rows()[0].place, _rows()[0].state) == ("天津", "enrolling")


def test_a_class_is_not_confirmed_while_others_may_still_enrol(app: Any, clock: Any) -> None:
    """R38, R86: running from the first check-in, and no further though all enrolled so far are through"""
    stage = make_stage()
    row = publish_class(stage, enrol_until="2026-03-12", starts_on="2026-03-12", ends_on="2026-03-12")
    case = enroll(stage, row, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(row.starts_on))
    jobs.run_all()
    for user, step, raw in (
        (stage.association, "check_in", {}),
        (stage.institution, "record_score", {"score": "81"}),
        (stage.association, "confirm_score", {"decision": "confirm"}),
    ):
        do(user, case, step, **raw)
        assert class_of(row).state == "running"
    late = enroll(stage, row, stage.person())
    assert enrollment_of(late).state == "pending"
    with pytest.raises(Conflict):
        classes.cancel_class(stage.association, row.id, "人数不足")  # R37: somebody has come
    do(stage.province, late, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(row.starts_on + timedelta(days=1)))
    jobs.run_all()
    assert class_of(row).state == "running"
    assert row.case_id
    do(stage.association, row.case_id, CLOSE, sure="true")
    assert class_of(row).state == "confirmed"


def test_a_class_whose_window_is_over_is_not_published(app: Any, clock: Any) -> None:
    """R38"""
    stage = make_stage()
    case, typed = _begun(stage), draft(stage)
    clock.move(timedelta(days=6))
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, "draft_class", **typed)
    assert list(refused.value.fields) == ["enrol_until"]


def test_enrolment_is_closed_by_the_organiser_before_its_day(app: Any, clock: Any) -> None:
    """domain.md §8"""
    stage = make_stage()
    training_class = publish_class(stage)
    assert training_class.case_id
    tasks.correlate_message(stage.association, training_class.case_id, "close_enrolment", {})
    assert class_of(training_class).state == "enrolment_closed"
    with pytest.raises(InvalidInput):
        enroll(stage, training_class, stage.person())


def test_a_class_goes_through_its_states_with_its_enrolments(app: Any, clock: Any) -> None:
    """domain.md §8"""
    stage = make_stage()
    training_class = publish_class(stage)
    enrolled = [enroll(stage, training_class, stage.person()) for _ in range(2)]
    for case in enrolled:
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.starts_on))
    jobs.run_all()
    seen = [class_of(training_class).state]
    for step, user, raw in (
        ("check_in", stage.association, {}),
        ("record_score", stage.institution, {"score": "81"}),
        ("confirm_score", stage.association, {"decision": "confirm"}),
    ):
        for case in enrolled:
            do(user, case, step, **raw)
            seen.append(class_of(training_class).state)
    assert seen == ["enrolment_closed", "running", "running", "running", "scored", "scored", "confirmed"]
    assert training_class.case_id
    do(stage.association, training_class.case_id, CLOSE, sure="true")
    for case in enrolled:
        do(stage.ministry, case, APPROVE, decision="approve")
        assert class_of(training_class).state == "confirmed"
        do(stage.association, case, PRINT)
    assert (class_of(training_class).state, ended_at(training_class.case_id)) == ("completed", "completed")
    assert list(history.verify()) == []


def test_a_class_nobody_joined_is_completed_when_its_check_in_is_closed(app: Any, clock: Any) -> None:
    stage = make_stage()
    training_class = publish_class(stage)
    assert training_class.case_id
    clock.move_to(at_nine(training_class.starts_on))
    jobs.run_all()
    with pytest.raises(InvalidInput):
        do(stage.association, training_class.case_id, CLOSE)
    do(stage.association, training_class.case_id, CLOSE, sure="true")
    assert class_of(training_class).state == "completed"


def test_check_in_is_not_closed_while_somebody_waits_for_confirmation(app: Any, clock: Any) -> None:
    """R45"""
    stage = make_stage()
    training_class = publish_class(stage)
    enroll(stage, training_class, stage.person())
    assert training_class.case_id
    clock.move_to(at_nine(training_class.starts_on))
    jobs.run_all()
    with pytest.raises(Conflict, match="还有 1 人"):
        do(stage.association, training_class.case_id, CLOSE, sure="true")
    clock.move(timedelta(days=1))
    jobs.run_all()
    do(stage.association, training_class.case_id, CLOSE, sure="true")
    assert class_of(training_class).state == "completed"


def test_a_cancelled_class_cancels_its_enrolments_and_says_why(app: Any, clock: Any) -> None:
    """R37"""
    stage = make_stage()
    training_class = publish_class(stage)
    pending, confirmed = (enroll(stage, training_class, stage.person()) for _ in range(2))
    do(stage.province, confirmed, "confirm_enrollment", decision="confirm")
    assert training_class.case_id
    with pytest.raises(InvalidInput):
        tasks.correlate_message(stage.association, training_class.case_id, "cancel_class", {"reason": ""})
    tasks.correlate_message(stage.association, training_class.case_id, "cancel_class", {"reason": "场地停用"})
    jobs.run_all()
    assert [ended_at(c) for c in (pending, confirmed)] == ["pending_cancelled", "confirmed_cancelled"]
    assert [(enrollment_of(c).state, enrollment_of(c).reason) for c in (pending, confirmed)] == [
        ("cancelled", "场地停用")
    ] * 2
    found = class_of(training_class)
    assert (found.state, found.cancel_reason, found.taken) == ("cancelled", "场地停用", 0)
    assert (ended_at(training_class.case_id), len(list(session().scalars(select(Notice))))) == ("cancelled", 2)
    assert list(history.verify()) == []


def test_once_somebody_has_checked_in_a_class_is_not_cancelled(app: Any, clock: Any) -> None:
    """R37"""
    stage = make_stage()
    training_class = publish_class(stage)
    case = enroll(stage, training_class, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.starts_on - timedelta(days=1)))
    do(stage.association, case, "check_in")
    assert training_class.case_id
    with pytest.raises(Conflict, match="不能取消"):
        tasks.correlate_message(stage.association, training_class.case_id, "cancel_class", {"reason": "场地停用"})
    assert class_of(training_class).state == "running"
