"""Whoever acts in the place of another unit is told with that unit: in the journal and in the history of rows (R41, S57)."""

from __future__ import annotations

import ast
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service.config import CHECKOUT
from service.domain.accounts.permissions import Action, acts_for_unit
from service.domain.accounts.roles import Role
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.system.inbox_history import open_then
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import JournalRow, Task
from service.models.tables.system.audit import RowChange
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import AcademyLink
from service.web.presenters.replay.timeline import to_timeline
from service.workflow.certificates import reissues
from service.workflow.runtime import history, tasks
from service.workflow.training import enrollments
from tests.builders.stage import Stage, do, enrollment_of, known, make_stage, publish_class, task_of
from tests.builders.world import make_certificate, make_person, make_photo, make_unit, make_user

FOR_UNITS = {action for action in Action for role in Role if acts_for_unit(role, action)}
LOOKS = {
    *(Action.VIEW_ORGANISATIONS, Action.VIEW_UNITS, Action.VIEW_PERSONS, Action.VIEW_TRAINING_NEED),
    *(Action.VIEW_ENROLLMENTS, Action.VIEW_CERTIFICATES, Action.VIEW_CASES, Action.REVEAL_NUMBER),
}
"""What is only looked at is looked at for oneself."""
TOLD_BY = {
    Action.EDIT_PERSON: "must_reach",
    Action.DELETE_DRAFT_PERSON: "must_reach",
    Action.CORRECT_IDENTITY: "must_reach",
    Action.REQUEST_REISSUE: "must_reach",
    Action.MODIFY_UNIT: "must_reach",
    Action.ENROLL: "act_for",
    Action.WITHDRAW_ENROLLMENT: "act_for",
    Action.VIEW_TASKS: "act_for",
}
"""The function by which the use cases of an action say for whom they act."""


def test_every_action_that_is_done_for_another_unit_says_so() -> None:
    assert TOLD_BY.keys() == FOR_UNITS - LOOKS
    calls: dict[str, set[str]] = {}
    for file in (CHECKOUT / "service/workflow").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("must_reach", "act_for"):
                for action in ast.walk(node.args[1]):
                    if isinstance(action, ast.Attribute) and ast.unparse(action.value) == "Action":
                        calls.setdefault(action.attr.lower(), set()).add(ast.unparse(node.func))
    direct = {action.value: name for action, name in TOLD_BY.items() if action.value in calls}
    assert all(name in calls[action] for action, name in direct.items())
    # what reaches persons by a function of its own hands the action on to must_reach
    handed = {action.value for action in TOLD_BY} - direct.keys()
    records = (CHECKOUT / "service/workflow/persons/person_records.py").read_text()
    assert handed == {"delete_draft_person"}
    assert "_reachable(user, person_id, Action.DELETE_DRAFT_PERSON)" in records


def test_an_authority_acts_for_a_unit_where_it_enrols_and_in_nothing_else() -> None:
    assert {action for action in Action if acts_for_unit(Role.PROVINCIAL_AUTHORITY, action)} == {Action.ENROLL}
    assert not any(acts_for_unit(Role.ENTERPRISE, action) for action in Action)
    assert not any(acts_for_unit(Role.MINISTRY, action) for action in Action)


def told(case_id: UUID, kind: str = "start") -> str | None:
    """For whom the last input of a kind was, as journal and history of rows say alike."""
    last = select(JournalRow).where(JournalRow.case_id == case_id, JournalRow.kind == kind)
    row = session().scalars(last.order_by(JournalRow.seq.desc()).limit(1)).one()
    changes = select(RowChange.behalf_id).where(RowChange.case_id == case_id, RowChange.seq == row.seq)
    behalf: str | None = row.record["behalf"]
    assert {str(key) if key else None for key in session().scalars(changes)} <= {behalf}
    return behalf


def enrolled(user: User, stage: Stage, person: Person, training_class: TrainingClass) -> UUID:
    [result] = enrollments.enroll(user, training_class.id, [person.id])
    assert result.case_id is not None, result.message
    return result.case_id


def test_an_enrolment_tells_for_whom(app: Any, clock: Any) -> None:
    """R41, C7, C12, S57, S62, S63"""
    stage = make_stage()
    group, academy = make_unit("group", "37"), make_unit("academy", "11", credit_code=None)
    branch = make_unit("branch", "37", parent_id=group.id)
    with transaction(Operation("link_academy")) as current:
        current.add(AcademyLink(academy_id=academy.id, institution_id=stage.centre.id))
    training_class = publish_class(stage)
    for user, unit, behalf in (
        (stage.enterprise, None, None),
        (stage.province, None, stage.enterprise.organisation_id),
        (known(make_user("group", group.id)), group, None),
        (known(make_user("group", group.id)), branch, branch.id),
        (stage.association, academy, academy.id),
        (stage.institution, academy, academy.id),
    ):
        person = make_person(unit) if unit else stage.person()
        make_photo(person)
        case = enrolled(user, stage, person, training_class)
        expected = str(behalf) if behalf else None
        assert told(case) == expected, (user.role, unit)
        row = enrollment_of(case)
        inserted = select(RowChange.behalf_id).where(RowChange.row_id == row.id, RowChange.kind == "insert")
        assert session().scalars(inserted).one() == behalf
        if user.role != "provincial_authority":  # which withdraws in its own right (R46)
            enrollments.withdraw(user, row.id, "改期参加")
            assert told(case, "message") == expected, (user.role, unit)


def test_what_a_group_does_in_a_branchs_case_is_done_for_the_branch(app: Any, clock: Any) -> None:
    """R64, S57"""
    stage = make_stage()
    group = make_unit("group", "41")
    branch = make_unit("branch", "37", parent_id=group.id)
    held = make_certificate(make_person(branch), printed_count=1)
    user = known(make_user("group", group.id))
    case = reissues.request_reissue(user, held.id, "搬家时遗失，遍寻不见。")
    assert told(case) == str(branch.id)
    do(stage.association, case, "review_reissue", decision="return", reason="请补充")
    assert told(case, "complete") is None
    clock.move(timedelta(hours=1))
    tasks.claim(user, task_of(case, "revise_reissue").id)
    assert told(case, "claim") == str(branch.id)
    at, address = now(), [(branch.id, "enterprise")]
    assert [task.assignee for task in open_then(address, at)] == [user.display_name]
    assert [task.assignee for task in open_then(address, at - timedelta(minutes=1))] == [""]
    assert open_then(address, at - timedelta(hours=2)) == []
    clock.move(timedelta(hours=1))
    do(user, case, "revise_reissue", statement="搬家时遗失，已登报声明。")
    assert told(case, "complete") == str(branch.id)
    assert open_then(address, now()) == []
    assert len(open_then(address, at)) == 1
    with app.test_request_context():
        page = to_timeline(history.timeline(stage.association, case))
        by = page[-1].by
    assert [line.behalf for line in page] == [branch.name, "", branch.name, branch.name]
    assert f"代 {branch.name}" in by


def acted(rows: list[JournalRow]) -> list[tuple[JournalRow, User]]:
    return [(row, session().get_one(User, row.actor_id)) for row in rows if row.actor_id]


@pytest.mark.usefixtures("demonstration")
def test_a_completed_task_of_another_unit_names_it(app: Any) -> None:
    """Every completion in the demonstration: of an own task for nobody, of a branch's for the branch."""
    done = 0
    for row, user in acted(list(session().scalars(select(JournalRow).where(JournalRow.kind == "complete")))):
        task = (
            session()
            .scalars(select(Task).where(Task.case_id == row.case_id, Task.token == row.record["token"]))
            .first()
        )
        if task is None or task.organisation_id in (user.organisation_id, user.id):
            assert row.record["behalf"] is None
        else:
            assert row.record["behalf"] == str(task.organisation_id)
        done += 1
    assert done > 20
