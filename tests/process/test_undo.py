"""What was done can be taken back while nobody has gone on (R83): every completion of every task, tried as each may go."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from service import forms
from service.engine import replay
from service.errors import AnpeiError, Conflict, NotAllowed, NotFound
from service.evidence import verify as independent
from service.models.db.clock import MovingClock, now, today
from service.models.db.ids import new_id
from service.models.db.session import Base, session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, JournalRow, Task
from service.models.tables.units.organisation import authority_id
from service.workflow.processes import definitions
from service.workflow.runtime import bulk_completion, history, jobs, tasks, undo
from service.workflow.runtime.row_restoration import DELIVERED, FINAL, WENT_ON
from service.workflow.system.row_verification import row_differences
from tests.builders.open_tasks import holder_of, stand_at_every_task, user_tasks
from tests.builders.stage import known, make_stage
from tests.builders.world import make_user

WHY = "照片不清，请更换。"
REFUSE = {"decision": "refuse", "reason": WHY}
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "accept_ticket": [{"decision": "accept"}, {"decision": "reroute", "new_kind": "ordering"}],
    "answer_ticket": [
        {"decision": "resolve", "message": WHY},
        {"decision": "ask", "message": WHY},
        {"decision": "progress", "message": WHY, "progress": "在修"},
    ],
    "approve_certificate": [{"decision": "approve"}, REFUSE],
    "approve_change": [{"decision": "approve"}, REFUSE],
    "approve_correction": [{"decision": "approve"}, REFUSE],
    "approve_person": [{"decision": "approve"}, {"decision": "reject", "reason": WHY}],
    "assent_correction": [{"decision": "assent"}, REFUSE],
    "assent_identity": [{"decision": "assent"}, REFUSE],
    "check_in": [{}],
    "close_check_in": [{"sure": "true"}],
    "confirm_enrollment": [{"decision": "confirm"}, {"decision": "reject", "reason": WHY}],
    "confirm_score": [{"decision": "confirm"}, {"decision": "return", "reason": WHY}],
    "correct_certificate": [{"decision": "resubmit"}, {"decision": "void", "reason": WHY}],
    "deregister_certificate": [
        {"decision": "deregister"},
        {"decision": "postpone", "reason": WHY, "until": lambda: str(today() + timedelta(days=9))},
    ],
    "draft_class": [{"decision": "keep", "title": "第九期"}, {"decision": "discard"}],
    "print_certificate": [{}],
    "rate_ticket": [{"decision": "close", "rating": "5"}, {"decision": "reopen", "message": WHY}],
    "record_score": [{"score": "83.5"}, {"score": "12"}, {"absent": "true"}],
    "recover_certificate": [{"recovered": "true", "recovery_note": WHY}],
    "recover_ended": [{"recovered": "true", "recovery_note": WHY}],
    "reply_ticket": [{"message": WHY}],
    "review_reissue": [
        {"decision": "approve"},
        {"decision": "return", "reason": WHY},
        {"decision": "refuse", "reason": WHY},
    ],
    "revise_person": [{}],
    "revise_reissue": [{"statement": WHY}],
}
"""Everything that the form of a task lets its holder answer; a class is published by ``publish_class`` before."""
STANDS = {
    "accept_ticket accept",
    "accept_ticket reroute",
    "approve_correction approve",
    "approve_correction refuse",
    "approve_person approve",
    "approve_person reject",
    "assent_identity refuse",
    "check_in",
    "confirm_enrollment confirm",
    "confirm_enrollment reject",
    "confirm_score return",
    "deregister_certificate postpone",
    "draft_class discard",
    "draft_class keep",
    "record_score",
    "recover_certificate",
    "recover_ended",
    "review_reissue refuse",
    "review_reissue return",
    "revise_person",
    "revise_reissue",
}
"""Completions that can be taken back. The others print, approve, number, or say something to somebody."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A task that stands open, its holder, and one answer."""

    task_id: UUID
    case_id: UUID
    element: str
    holder_id: UUID
    raw: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.element} {self.raw.get('decision', '')}".strip()

    @property
    def holder(self) -> User:
        return known(session().get_one(User, self.holder_id))

    def do(self) -> None:
        tasks.complete(self.holder, self.task_id, {k: v() if callable(v) else v for k, v in self.raw.items()})


@pytest.fixture
def every_task(world: Callable[..., None], clock: MovingClock) -> None:
    """A case at every user task; the clock stands where the last of them opened."""
    world("undo_every_task", lambda: stand_at_every_task(make_stage(), clock))
    clock.move_to(session().scalar(select(Case.moved_at).order_by(Case.moved_at.desc()).limit(1)))
    clock.move(timedelta(minutes=1))


def completions() -> list[Completion]:
    """Every answer to one open task of each kind."""
    found: dict[str, Task] = {}
    for task in session().scalars(select(Task).where(Task.state == "open").order_by(Task.id)):
        found.setdefault(task.kind, task)
    assert set(found) == user_tasks()
    made = []
    for task in found.values():
        element = task.element.rpartition("/")[2]
        form = definitions.form(task.definition, task.form_key)
        asked = forms.choice(form) if form else None
        if asked is not None:
            given = {raw.get("decision") for raw in ANSWERS[element]} | (
                {"publish"} if element == "draft_class" else set()
            )
            assert given == {option.value for option in asked.options}, element
        holder = second_of(task).id if element.startswith("assent") else holder_of(task).id
        made += [Completion(task.id, task.case_id, element, holder, raw) for raw in ANSWERS[element]]
    return made


def second_of(task: Task) -> User:
    """The other person of the office: what one asked for the same one does not assent to."""
    first = holder_of(task)
    office = select(User).where(User.role == first.role, User.organisation_id == first.organisation_id)
    return known(session().scalars(office.where(User.id != first.id)).one())


class _Tried(Exception):
    pass


@contextmanager
def tried() -> Iterator[None]:
    """Let the database forget what is done inside."""
    with suppress(_Tried), transaction(Operation("test")):
        yield
        session().flush()
        raise _Tried
    session().expire_all()


OF_THE_CHANGE = {"version", "updated_at"}
HISTORY = {"journal", "row_change", "personal_value", "audit_event", "seal_leaf"}


def rows() -> dict[str, dict[Any, dict[str, Any]]]:
    """Every row of the tables that no history is, decrypted, by its key; of the jobs those that change something."""
    session().flush()
    found = {}
    for name, table in Base.metadata.tables.items():
        if name in HISTORY:
            continue
        keys = [column.name for column in table.primary_key]
        lines = [dict(line) for line in session().execute(select(table)).mappings()]
        found[name] = {tuple(line[key] for key in keys): _told(name, line) for line in lines}
    found["job"] = {key: line for key, line in found["job"].items() if _waits(line)}
    return found


def _waits(job: dict[str, Any]) -> bool:
    """Tell whether a job changes something: a class that counts its people once more does not."""
    return job["state"] == "pending" and job["name"] != "enrollment_changed"


def _told(table: str, line: dict[str, Any]) -> dict[str, Any]:
    drop = OF_THE_CHANGE | ({"seq", "last_hash", "moved_at"} if table == "case_instance" else set())
    told = {name: value for name, value in line.items() if name not in drop}
    if table == "case_instance":
        told["state"] = json.loads(bytes(line["state"]))  # variables in any order
    return told


def differences(before: Any, after: Any) -> list[str]:
    """Rows that differ, but for the tasks that the completion opened: they stand cancelled."""
    told = []
    for name in before:
        for key in before[name].keys() | after[name].keys():
            old, new = before[name].get(key), after[name].get(key)
            if name == "task" and old is None and new["state"] == "cancelled":
                continue
            if old != new:
                changed = sorted(k for k in (old or new) if (old or {}).get(k) != (new or {}).get(k))
                told.append(f"{name} {key}: {changed if old and new else (old, new)}")
    return told


def refusal(user: User, task_id: UUID) -> Any:
    """Try to take back; the reason of the refusal, None when it was done."""
    try:
        with session().begin_nested():
            undo.undo(user, task_id)
    except AnpeiError as error:
        return error.message.text
    return None


def is_proved(case_id: UUID) -> bool:
    session().flush()
    assert list(history.verify([case_id])) == []
    return True


@pytest.mark.usefixtures("every_task")
def test_every_completion_is_taken_back_row_by_row_or_refused_in_words(clock: MovingClock) -> None:
    stands = set()
    for one in completions():
        with tried():
            before = rows()
            one.do()
            offered = undo.undoable(one.holder, [one.task_id])
            after = rows()
            said = refusal(one.holder, one.task_id)
            assert bool(offered) == (said is None), (one.name, said)
            if said is not None:
                assert said in (FINAL, DELIVERED, WENT_ON), (one.name, said)
                assert differences(after, rows()) == [], one.name
                continue
            stands.add(one.name)
            assert differences(before, rows()) == [], one.name
            assert is_proved(one.case_id)
            assert refusal(one.holder, one.task_id) == undo.ALREADY
            one.do()  # the task is there again, and is done as it was
            assert is_proved(one.case_id)
    assert stands == STANDS


@pytest.mark.usefixtures("every_task")
def test_no_completion_is_taken_back_too_late_by_others_or_once_somebody_has_gone_on(clock: MovingClock) -> None:
    seen = set()
    for one in completions():
        if one.name not in STANDS:
            continue
        with tried():
            one.do()
            after = rows()
            holder = one.holder
            colleague = known(make_user(holder.role, holder.organisation_id, login="colleague"))
            stranger = known(make_user("provincial_authority", authority_id("41"), login="stranger"))
            with pytest.raises(NotAllowed):
                undo.undo(colleague, one.task_id)
            with pytest.raises(NotFound):
                undo.undo(stranger, one.task_id)
            for opened in session().scalars(select(Task).where(Task.case_id == one.case_id, Task.state == "open")):
                with session().begin_nested() as point:
                    tasks.claim(known(holder_of(opened)), opened.id)
                    assert refusal(holder, one.task_id) == WENT_ON, one.name
                    seen.add(one.name)
                    point.rollback()
            with clock_ahead(clock, minutes=10):
                assert refusal(holder, one.task_id) == undo.OVER, one.name
                assert undo.undoable(holder, [one.task_id]) == set()
            assert differences(after, rows() | {"user_account": after["user_account"]}) == [], one.name
    assert len(seen) > 10


@contextmanager
def clock_ahead(clock: MovingClock, **by: int) -> Iterator[None]:
    at = now()
    clock.move(timedelta(**by))
    yield
    clock.instant = at


@pytest.mark.usefixtures("every_task")
def test_the_class_counts_again_what_was_taken_back_and_seats_are_taken_again() -> None:
    """Messages that only make somebody count come once more; what was delivered otherwise is final."""
    for one in completions():
        if one.name not in ("check_in", "confirm_enrollment reject"):
            continue
        with tried():
            jobs.run_all()
            before = rows()
            one.do()
            jobs.run_all()
            assert differences(before, rows())
            assert refusal(one.holder, one.task_id) is None, one.name
            jobs.run_all()
            told = {line for line in differences(before, rows()) if not line.startswith("case_instance")}
            assert told == set(), one.name  # the case of the class has heard of both
            assert is_proved(one.case_id)


@pytest.mark.usefixtures("every_task")
def test_a_batch_is_taken_back_row_by_row_and_of_two_at_once_one_is_told(app: Flask) -> None:
    one = next(one for one in completions() if one.name == "confirm_enrollment confirm")
    submission = new_id()
    bulk_completion.complete_many(one.holder, submission, [(one.task_id, one.raw)])
    answers: list[Any] = []

    def take_back() -> None:
        with app.app_context():
            try:
                undo.undo(one.holder, one.task_id)
                answers.append(None)
            except Conflict as refused:
                answers.append(refused.message.text)

    threads = [threading.Thread(target=take_back) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers, key=str) == [None, undo.ALREADY]
    session().rollback()
    [result] = undo.undo_many(one.holder, submission)
    assert (result.ok, result.message and result.message.text) == (False, undo.ALREADY)
    with pytest.raises(NotFound):
        undo.undo_many(known(make_user("ministry", authority_id("ministry"))), submission)
    assert list(history.verify([one.case_id])) == []
    assert [said for said in row_differences() if "organisation" not in said.detail] == []
    *_, last = history.timeline(one.holder, one.case_id)
    assert (last.kind, last.actor) == ("undo", one.holder.display_name)
    assert history.replay_frames(one.holder, one.case_id)[-1].tokens


FORGED: dict[str, Callable[[dict[str, Any]], None]] = {
    "another row": lambda row: row["data"].update(row=0),
    "no row": lambda row: row["data"].clear(),
    "another actor": lambda row: row.update(actor=str(new_id())),
    "another token": lambda row: row.update(token="9.9"),
    "nothing opened": lambda row: row.update(opened=[]),
    "nothing closed": lambda row: row.update(closed=[]),
}


@pytest.mark.usefixtures("every_task")
def test_neither_verifier_believes_an_undo_of_what_was_not_done() -> None:
    one = next(one for one in completions() if one.name == "confirm_enrollment confirm")
    with tried():
        one.do()
        assert refusal(one.holder, one.task_id) is None
        journal = select(JournalRow.record).where(JournalRow.case_id == one.case_id).order_by(JournalRow.seq)
        records = list(session().scalars(journal))
        files = {row["definition"]: definitions.files(row["definition"]) for row in records}
        assert independent.game_faults(records, files) == ([], [])
        assert replay.re_execute(records, definitions.definition) == []
        for name, forge in FORGED.items():
            forged = copy.deepcopy(records)
            forge(forged[-1])
            assert independent.game_faults(forged, files)[0], name
            assert replay.re_execute(forged, definitions.definition), name
