"""The acts on an enrolment in every state: a button is shown exactly where the act is possible (R46, R48, R51, domain.md §9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from service.errors import AnpeiError
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import AcademyLink
from service.workflow.runtime import tasks
from service.workflow.training import classes, enrollments, score_corrections
from tests.builders.stage import Stage, at_nine, class_of, do, enroll, enrollment_of, known, make_stage, publish_class
from tests.builders.world import make_unit, make_user, sign_in

APPROVE, PRINT = "certification/approve_certificate", "certification/print_certificate"
ROLES = ("ministry", "association", "province", "other_province", "institution", "enterprise", "stranger")
WHERE = {
    "withdraw": "/enrollments/{}/withdraw",
    "undo": "/enrollments/{}/undo-check-in",
    "correct": "/enrollments/{}/correct",
}


class _RolledBack(Exception):
    """Ends a trial."""


def _pending(stage: Stage, case: UUID) -> None: ...


def _confirmed(stage: Stage, case: UUID) -> None:
    do(stage.province, case, "confirm_enrollment", decision="confirm")


def _rejected(stage: Stage, case: UUID) -> None:
    do(stage.province, case, "confirm_enrollment", decision="reject", reason="资料不全")


def _withdrawn(stage: Stage, case: UUID) -> None:
    tasks.correlate_message(stage.enterprise, case, "withdraw", {"reason": "离职"})


def _cancelled(stage: Stage, case: UUID) -> None:
    classes.cancel_class(stage.association, enrollment_of(case).class_id, "人数不足")
    do_jobs()


def _checked_in(stage: Stage, case: UUID) -> None:
    do(stage.association, case, "check_in")


def _scored(stage: Stage, case: UUID) -> None:
    do(stage.institution, case, "record_score", score="61")


def _returned(stage: Stage, case: UUID) -> None:
    do(stage.association, case, "confirm_score", decision="return", reason="看错一行")


def _failed_once(stage: Stage, case: UUID) -> None:
    do(stage.institution, case, "record_score", score="50")
    do(stage.association, case, "confirm_score", decision="confirm")


def _passed(stage: Stage, case: UUID) -> None:
    do(stage.association, case, "confirm_score", decision="confirm")


def _proposed(stage: Stage, case: UUID) -> None:
    score_corrections.correct_score(stage.association, enrollment_of(case).id, "70", False, "看错一行")


def _approved(stage: Stage, case: UUID) -> None:
    do(stage.ministry, case, APPROVE, decision="approve")


def _refused(stage: Stage, case: UUID) -> None:
    do(stage.ministry, case, APPROVE, decision="refuse", reason="照片不清")


def _printed(stage: Stage, case: UUID) -> None:
    do(stage.association, case, PRINT)


def _absent(stage: Stage, case: UUID) -> None:
    class_case = class_of(enrollment_of(case).training_class).case_id
    assert class_case
    do(stage.association, class_case, "holding/close_check_in", sure="true")


def do_jobs() -> None:
    from service.workflow.runtime import jobs

    jobs.run_all()


Steps = tuple[Callable[[Stage, UUID], None], ...]
EARLY: dict[str, Steps] = {
    "pending": (_pending,),
    "confirmed": (_confirmed,),
    "rejected": (_rejected,),
    "withdrawn": (_withdrawn,),
    "cancelled": (_cancelled,),
}
"""What has happened while enrolment was open."""
LATE: dict[str, Steps] = {
    "confirmed, enrolment over": (),
    "checked_in": (_checked_in,),
    "no_show": (_absent,),
    "scored": (_checked_in, _scored),
    "checked_in, score returned": (_checked_in, _scored, _returned),
    "makeup": (_checked_in, _failed_once),
    "makeup, correction proposed": (_checked_in, _failed_once, _proposed),
    "failed": (_checked_in, _failed_once, _failed_once),
    "certifying": (_checked_in, _scored, _passed),
    "certifying, printed": (_checked_in, _scored, _passed, _printed),
    "certifying, correction proposed": (_checked_in, _scored, _passed, _proposed),
    "certifying, approved": (_checked_in, _scored, _passed, _approved),
    "certifying, refused": (_checked_in, _scored, _passed, _refused),
    "completed": (_checked_in, _scored, _passed, _approved, _printed),
}
"""What has happened after the confirmation, on the first day of the class."""

POSSIBLE: dict[str, set[tuple[str, str]]] = {
    "pending": {("withdraw", "province"), ("withdraw", "enterprise")},
    "confirmed": {("withdraw", "province"), ("withdraw", "enterprise")},
    "confirmed, enrolment over": {("withdraw", "province")},
    "checked_in": {("undo", "association")},
    "makeup": {("correct", "association")},
    "certifying": {("correct", "association")},
    "certifying, printed": {("correct", "association")},
}
"""By the rules; in every other state nothing is."""


@pytest.mark.parametrize("state", [*EARLY, *LATE])
def test_r46_r48_r51_a_button_is_shown_exactly_where_the_act_is_possible(
    client: FlaskClient, clock: Any, state: str
) -> None:
    """R46, R48, R51: all states × acts × roles, for a person of an enterprise"""
    stage = make_stage()
    training_class, found = _brought(stage, clock, state)
    assert found.state == state.partition(",")[0]
    stranger = known(make_user("enterprise", make_unit("enterprise", "37").id))
    for role in ROLES:
        user = stranger if role == "stranger" else getattr(stage, role)
        page = sign_in(client, user).get(f"/classes/{training_class.id}").get_data(as_text=True)
        for act, where in WHERE.items():
            expected = (act, role) in POSSIBLE.get(state, set())
            assert (where.format(found.id) in page) is expected, (act, role, "button")
            assert _is_possible(user, act, found) is expected, (act, role, "act")


@pytest.mark.parametrize("state", ["confirmed", "confirmed, enrolment over"])
def test_r46_an_academys_person_is_withdrawn_by_association_and_linked_institution(
    client: FlaskClient, clock: Any, state: str
) -> None:
    """R46, R44, C7: enrolled by the association; after the end of enrolment by the association alone"""
    stage = make_stage()
    academy = make_unit("academy")
    with transaction(Operation("link")) as current:
        current.add(AcademyLink(academy_id=academy.id, institution_id=stage.centre.id))
    stage.unit = academy
    training_class = publish_class(stage)
    case = enroll(stage, training_class, stage.person(), stage.association, "association")
    if state != "confirmed":
        clock.move_to(at_nine(training_class.starts_on))
        do_jobs()
    found = enrollment_of(case)
    for role in ("association", "institution", "province", "enterprise"):
        user = getattr(stage, role)
        expected = role == "association" or (role == "institution" and state == "confirmed")
        page = sign_in(client, user).get(f"/classes/{training_class.id}").get_data(as_text=True)
        assert (WHERE["withdraw"].format(found.id) in page) is expected, role
        assert _is_possible(user, "withdraw", found) is expected, role


def test_r48_what_is_refused_comes_back_to_the_page_of_the_class(client: FlaskClient, clock: Any) -> None:
    """R48: a page that was opened before the score came"""
    stage = make_stage()
    training_class, found = _brought(stage, clock, "checked_in, score returned")
    sign_in(client, stage.association)
    answer = client.post(WHERE["undo"].format(found.id))
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert training_class.title in page
    assert "已有成绩或尚未报到，不能撤销报到。" in page


def _brought(stage: Stage, clock: Any, state: str) -> tuple[TrainingClass, Enrollment]:
    training_class = publish_class(stage)
    case = enroll(stage, training_class, stage.person())
    if state in LATE:
        _confirmed(stage, case)
        clock.move_to(at_nine(training_class.starts_on))
        do_jobs()
    for step in (EARLY | LATE)[state]:
        step(stage, case)
    return training_class, enrollment_of(case)


def _is_possible(reader: User, act: str, found: Enrollment) -> bool:
    user = known(reader)
    acts: dict[str, Callable[[], None]] = {
        "withdraw": lambda: enrollments.withdraw(user, found.id, "工作调整"),
        "undo": lambda: score_corrections.undo_check_in(user, found.id),
        "correct": lambda: score_corrections.correct_score(user, found.id, "70", False, "看错一行"),
    }
    try:
        with transaction(Operation("trial")):
            acts[act]()
            raise _RolledBack
    except _RolledBack:
        return True
    except AnpeiError:
        return False
