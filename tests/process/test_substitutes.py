"""Substitutes (R84): what an absent account has claimed is done for it, with both names wherever it is told."""

from __future__ import annotations

import ast
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service.config import CHECKOUT
from service.domain.accounts.roles import UserState
from service.domain.accounts.substitutes import MOST_AHEAD, MOST_DAYS
from service.errors import Conflict, InvalidInput, NotAllowed, NotFound
from service.handlers import process_change
from service.models.db.clock import now, today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.runtime import substitutes
from service.models.tables.accounts.substitution import Substitution
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import JournalRow, Task
from service.models.tables.runtime.process import ProcessChange
from service.models.tables.system.audit import AuditEvent, RowChange
from service.operations.context import Context
from service.web.presenters.replay.timeline import to_timeline
from service.workflow.accounts import substitutions
from service.workflow.runtime import bulk_completion, history, tasks, undo
from service.workflow.versions import deployments
from tests.builders.approval import require_approval
from tests.builders.stage import Stage, known, make_stage, task_of
from tests.builders.world import authority_user, make_certificate, make_person, make_unit, make_user
from tests.process.small_process import deploy, person
from tests.process.test_examination import _passed
from tests.process.test_identity_correction import ask
from tests.process.test_process_change import OTHER, files, propose

LOOK = {"decision": "no"}


@pytest.fixture
def desk(app: Any, clock: Any) -> list[User]:
    """Three accounts of the association, in front of the small process."""
    deploy()
    return [person(name, "association") for name in ("absent", "substitute", "third")]


def look(user: User) -> UUID:
    """A new task that is free."""
    return tasks.start(user, "small", {"n": 1}).tasks[0]


def appoint(
    absent: User, substitute: User, days: int = 14, start: int = 0, kinds: tuple[str, ...] = ()
) -> Substitution:
    raw = {"substitute": str(substitute.id), "from_day": str(today() + timedelta(days=start))}
    return substitutions.appoint_substitute(
        absent, raw | {"until_day": str(today() + timedelta(days=start + days))}, kinds
    )


def rows_of(task_id: UUID) -> list[tuple[str, str | None, str | None]]:
    case_id = session().get_one(Task, task_id).case_id
    rows = session().scalars(select(JournalRow).where(JournalRow.case_id == case_id).order_by(JournalRow.seq))
    return [(row.kind, row.record["actor"], row.record["behalf"]) for row in rows if row.kind != "start"]


def test_what_an_absent_colleague_has_claimed_is_done_for_them_with_both_names(app: Any, desk: list[User]) -> None:
    absent, substitute, third = desk
    claimed, free = look(absent), look(absent)
    tasks.claim(absent, claimed)
    with pytest.raises(Conflict):
        tasks.complete(substitute, claimed, LOOK)
    appoint(absent, substitute)
    with pytest.raises(Conflict):
        tasks.complete(third, claimed, LOOK)
    tasks.complete(substitute, claimed, LOOK)
    tasks.complete(substitute, free, LOOK)  # which needs no substitute
    me, whom = str(substitute.id), str(absent.id)
    assert rows_of(claimed)[1:] == [("complete", me, whom)]
    assert rows_of(free) == [("complete", me, None)]
    case_id = session().get_one(Task, claimed).case_id
    with app.test_request_context():
        said = to_timeline(history.timeline(third, case_id))
    assert [line.behalf for line in said] == ["", "", "absent"]
    assert "代 absent" in said[-1].by
    [done] = substitutes.done_for(absent)
    assert (done.kind, done.substitute) == ("complete", "substitute")
    assert list(history.verify()) == []


def test_a_task_is_taken_over_given_back_and_taken_back(desk: list[User]) -> None:
    absent, substitute, third = desk
    task = look(absent)
    tasks.claim(absent, task)
    appoint(absent, substitute)
    tasks.claim(substitute, task)
    me, whom = str(substitute.id), str(absent.id)
    assert rows_of(task)[1:] == [("claim", me, whom)]
    with pytest.raises(Conflict):
        tasks.claim(third, task)
    tasks.claim(absent, task)
    assert rows_of(task)[-1] == ("claim", whom, None)
    tasks.claim(substitute, task)
    tasks.unclaim(substitute, task)
    assert rows_of(task)[-1] == ("unclaim", me, whom)
    tasks.claim(absent, task)
    tasks.claim(substitute, task)
    tasks.complete(substitute, task, LOOK)
    assert rows_of(task)[-1] == ("complete", me, whom)
    assert list(history.verify()) == []


def test_a_batch_and_what_takes_it_back_are_done_for_the_absent_one(desk: list[User]) -> None:
    absent, substitute, _ = desk
    claimed, free = look(absent), look(absent)
    tasks.claim(absent, claimed)
    appoint(absent, substitute)
    batch = new_id()
    assert all(row.ok for row in bulk_completion.complete_many(substitute, batch, [(claimed, LOOK), (free, LOOK)]))
    me, whom = str(substitute.id), str(absent.id)
    assert (rows_of(claimed)[-1], rows_of(free)[-1]) == (("complete", me, whom), ("complete", me, None))
    assert all(row.ok for row in undo.undo_many(substitute, batch))
    assert (rows_of(claimed)[-1], rows_of(free)[-1]) == (("undo", me, whom), ("undo", me, None))
    assert list(history.verify()) == []


OVER = {
    "it has not begun": lambda absent, substitute, third, clock: appoint(absent, substitute, start=1),
    "its last day is past": lambda absent, substitute, third, clock: (
        appoint(absent, substitute, days=1),
        clock.move(timedelta(days=2)),
    ),
    "it was ended early": lambda absent, substitute, third, clock: substitutions.end_substitution(
        absent, appoint(absent, substitute).id
    ),
    "it is for other kinds": lambda absent, substitute, third, clock: appoint(
        absent, substitute, kinds=("training_enrollment/check_in",)
    ),
    "it is somebody else's": lambda absent, substitute, third, clock: appoint(absent, third),
    "it goes the other way": lambda absent, substitute, third, clock: appoint(substitute, absent),
    "the absent one has another role": lambda absent, substitute, third, clock: (
        appoint(absent, substitute),
        _change(absent, role="ministry"),
    ),
    "the absent one waits for an assent": lambda absent, substitute, third, clock: (
        appoint(absent, substitute),
        _change(absent, awaits_assent=True),
    ),
    "the substitute of the substitute inherits nothing": lambda absent, substitute, third, clock: (
        appoint(absent, third),
        appoint(third, substitute),
    ),
}


def _change(user: User, **columns: Any) -> None:
    with transaction(Operation("test")) as current:
        for name, value in columns.items():
            setattr(current.get_one(User, user.id), name, value)


@pytest.mark.parametrize("why", OVER)
def test_r84_nothing_is_done_for_an_absent_one_when(desk: list[User], clock: Any, why: str) -> None:
    absent, substitute, third = desk
    task = look(absent)
    tasks.claim(absent, task)
    OVER[why](absent, substitute, third, clock)
    assert substitutes.behalf_of_tasks(substitute, [task]) == {}
    for act in (tasks.claim, lambda user, key: tasks.complete(user, key, LOOK)):
        with pytest.raises(Conflict):
            act(substitute, task)


def test_r84_what_a_substitute_took_over_is_not_handed_on_in_a_chain(desk: list[User]) -> None:
    absent, substitute, third = desk
    task = look(absent)
    tasks.claim(absent, task)
    appoint(absent, substitute)
    tasks.claim(substitute, task)
    appoint(substitute, third)
    with pytest.raises(Conflict):
        tasks.complete(third, task, LOOK)


def test_r84_what_was_taken_over_is_not_completed_in_a_name_that_lends_itself_no_more(
    desk: list[User], clock: Any
) -> None:
    absent, substitute, _ = desk
    task = look(absent)
    tasks.claim(absent, task)
    appoint(absent, substitute, days=1)
    tasks.claim(substitute, task)
    clock.move(timedelta(days=2))
    with pytest.raises(Conflict, match="代办已经结束"):
        tasks.complete(substitute, task, LOOK)
    tasks.unclaim(substitute, task)
    tasks.claim(substitute, task)
    tasks.complete(substitute, task, LOOK)
    assert rows_of(task)[-1] == ("complete", str(substitute.id), None)


def test_who_is_disabled_has_nothing_claimed_any_more(desk: list[User]) -> None:
    absent, substitute, _ = desk
    task = look(absent)
    tasks.claim(absent, task)
    appoint(absent, substitute)
    _change(absent, state=UserState.DISABLED)
    tasks.release_tasks(absent.id, None)
    tasks.complete(substitute, task, LOOK)
    assert rows_of(task)[-1] == ("complete", str(substitute.id), None)


def test_each_wrong_appointment_is_refused_in_words_at_its_field(desk: list[User]) -> None:
    absent, substitute, third = desk
    unit = make_unit("enterprise", "37")
    outsider, other_role = make_user("enterprise", unit.id), person("m", "ministry")
    disabled, waiting = person("d", "association"), person("w", "association")
    _change(disabled, state=UserState.DISABLED)
    _change(waiting, awaits_assent=True)
    day = str(today())
    good = {"substitute": str(substitute.id), "from_day": day, "until_day": day}
    wrong = [
        *(
            {"substitute": str(key)}
            for key in (absent.id, outsider.id, other_role.id, disabled.id, waiting.id, new_id(), "x", "")
        ),
        *({"from_day": text} for text in ("", "昨天")),
        *(
            {"until_day": text}
            for text in ("", "x", str(today() - timedelta(days=1)), str(today() + timedelta(days=MOST_DAYS)))
        ),
        {"from_day": str(today() + timedelta(days=3))},
    ]
    for changed in wrong:
        with pytest.raises(InvalidInput) as refused:
            substitutions.appoint_substitute(absent, good | changed)
        assert refused.value.fields, changed
    with pytest.raises(InvalidInput) as refused:
        substitutions.appoint_substitute(absent, good, ["small/else"])
    assert refused.value.fields.keys() == {"kinds"}
    appoint(third, absent, days=2, start=5)
    with pytest.raises(InvalidInput) as refused:  # a circle
        appoint(absent, third, days=9)
    assert "也请了人代办" in str(refused.value.fields["substitute"])
    assert session().scalars(select(Substitution.user_id)).all() == [third.id]
    for _ in range(MOST_AHEAD):
        appoint(absent, substitute, kinds=("small/look",))
    with pytest.raises(Conflict):
        appoint(absent, substitute)


def test_it_is_ended_by_its_account_alone_once_and_audited(desk: list[User]) -> None:
    absent, substitute, third = desk
    made = appoint(absent, substitute, kinds=("small/look",))
    for other in (substitute, third):
        with pytest.raises(NotFound):
            substitutions.end_substitution(other, made.id)
    for _ in range(2):
        substitutions.end_substitution(absent, made.id)
    assert substitutions.substitutions_of(absent) == []
    events = session().scalars(select(AuditEvent).where(AuditEvent.object_id == substitute.id).order_by(AuditEvent.at))
    assert [(one.action, one.actor_id, one.detail["kinds"]) for one in events] == [
        ("appoint_substitute", absent.id, "small/look"),
        ("end_substitution", absent.id, "small/look"),
    ]


# --- separation of duties judges who acts, and for whom


def _identity(first: User, stage: Stage, _clock: Any) -> UUID:
    """R77: a correction of an academy's person, in front of its assent."""
    row = ask(stage, _of_academy(), first, name="陈戊臣")
    assert row.case_id
    return task_of(row.case_id, "assent_identity").id


def _of_academy() -> Person:
    made = make_person(make_unit("academy", "11", credit_code=None))
    make_certificate(made)
    return made


def _score(first: User, stage: Stage, clock: Any) -> UUID:
    """R51: a correction of a score, in front of its assent."""
    case = _passed(stage, clock)
    data = {"correction_score": 900, "correction_absent": False, "correction_reason": "看错一行"}
    tasks.correlate_message(first, case, "correct_score", data)
    return task_of(case, "assent_correction").id


RULES = {
    "identity_correction.apply": (_identity, {"decision": "assent"}),
    "examination._check_unapproved": (_score, {"decision": "assent"}),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("first", ["association", "colleague", "other"])
def test_r84_separation_of_duties_judges_who_acts_and_for_whom(app: Any, clock: Any, rule: str, first: str) -> None:
    """The association's account is away, its colleague does the second step for it; one of the two did the first."""
    stage = make_stage()
    other = known(authority_user("association"))
    before, answers = RULES[rule]
    task = before(other if first == "other" else getattr(stage, first), stage, clock)
    tasks.claim(stage.association, task)
    appoint(stage.association, stage.colleague)
    if first == "other":
        tasks.complete(stage.colleague, task, answers)
        case_id = session().get_one(Task, task).case_id
        told = select(RowChange.behalf_id).where(RowChange.case_id == case_id, RowChange.actor_id == stage.colleague.id)
        assert stage.association.id in set(session().scalars(told))
        return
    with pytest.raises((NotAllowed, InvalidInput)):
        tasks.complete(stage.colleague, task, answers)


def test_r84_nobody_puts_their_own_version_in_force_through_another(app: Any) -> None:
    deployments.deploy(files())
    require_approval()
    proposer, approver = person("proposer", "process_admin"), person("approver", "process_admin")
    change = propose(proposer, OTHER.replace("小流程二", "小流程四"))
    row = session().get_one(ProcessChange, change.id)
    for actor, behalf in ((proposer.id, None), (proposer.id, approver.id), (approver.id, proposer.id)):
        context = Context(row.case_id, "process_change", None, 2, now(), today(), actor, behalf)
        with transaction(Operation("test", actor)), pytest.raises(NotAllowed):
            process_change.activate(context, {"change_id": str(change.id)})
    appoint(proposer, approver)
    [task] = session().scalars(select(Task.id).where(Task.case_id == row.case_id, Task.state == "open"))
    with pytest.raises(NotFound):
        tasks.claim(proposer, task)


OF_ONE_ACCOUNT = {
    "process_change.receive": "a change is taken to its case by whoever proposed it: a start",
    "process_change._decide": "the proposer is told by mail of what somebody else decides",
    "support_ticket.receive": "a ticket is taken to its case by whoever asks: a start",
}
"""Comparisons of who acts with another account that separate no duties."""


def test_every_comparison_of_the_actor_with_another_account_is_one_of_doers() -> None:
    """A new rule on two persons asks ``context.doers`` and stands in ``RULES``, or is none, with its reason."""
    found: dict[str, set[str]] = {"actor_id": set(), "doers": set()}
    for file in (CHECKOUT / "service/handlers").glob("*.py"):
        for function in ast.walk(ast.parse(file.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                name = f"{file.stem}.{function.name}"
                if isinstance(node, ast.Compare) and _compares_accounts(node):
                    found["actor_id"].add(name)
                if isinstance(node, ast.Attribute) and node.attr == "doers":
                    found["doers"].add(name)
    assert found["doers"] == {*RULES, "process_change.activate"}
    assert found["actor_id"] == set(OF_ONE_ACCOUNT)


def _compares_accounts(node: ast.Compare) -> bool:
    sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
    return any("actor_id" in side for side in sides) and "None" not in sides
