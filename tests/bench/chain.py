"""The six completions of an enrolment, from confirmation to certificate, and how a process does many of them in a row."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select

from service.models.db.session import db, session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Task
from service.workflow.runtime import tasks as cases
from tests.bench.scratch import application
from tests.bench.tape import Transaction, record_connections, tape


class Stage(NamedTuple):
    """Role, task and form data of each completion."""

    element: str
    login: str
    form: dict[str, Any]


STAGES = (
    Stage("confirm_enrollment", "bench-province", {"decision": "confirm"}),
    Stage("check_in", "bench-association", {}),
    Stage("record_score", "bench-institution", {"score": "85"}),
    Stage("confirm_score", "bench-association", {"decision": "confirm"}),
    Stage("print_certificate", "bench-association", {}),
    Stage("approve_certificate", "bench-ministry", {"decision": "approve"}),
)


WARM_UP = 4  # cases


@dataclass
class Walked:
    """Seconds of each completion by stage, CPU seconds of the process, and what it sent to the database."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu: float = 0.0
    transactions: list[Transaction] = field(default_factory=list)
    prepared: list[bytes] = field(default_factory=list)


def all_cases() -> list[UUID]:
    """The cases that wait for their province, in order."""
    query = select(Task.case_id).where(Task.element == STAGES[0].element, Task.state == "open").order_by(Task.case_id)
    return list(session().scalars(query))


def walk(ready: Callable[[], object], url: str, case_ids: Sequence[UUID], is_recorded: bool) -> Walked:
    """Complete every task of every case, stage by stage, in this process; one session a completion, as requests have.

    The first few cases only warm the process up: they are neither counted nor recorded.
    """
    if is_recorded:
        record_connections()
    done = Walked()
    with application(url).app_context():
        officers = {stage.login: _officer(stage.login) for stage in STAGES}
        for stage in STAGES:
            _complete(officers[stage.login], open_tasks(stage, case_ids[:WARM_UP]), stage.form)
        ready()
        for stage in STAGES:
            tasks = open_tasks(stage, case_ids[WARM_UP:])
            cpu, tape.is_on = time.process_time(), True
            done.seconds[stage.element] = _complete(officers[stage.login], tasks, stage.form)
            done.cpu += time.process_time() - cpu
            tape.is_on = False
        done.transactions, done.prepared = tape.transactions, list(tape.prepared)
    return done


def open_tasks(stage: Stage, case_ids: Sequence[UUID]) -> list[UUID]:
    """The open tasks of a stage in these cases, case by case; every case must have one."""
    query = select(Task.id).where(Task.state == "open", Task.case_id.in_(case_ids)).order_by(Task.case_id)
    tasks = list(session().scalars(query.where(func.split_part(Task.element, "/", -1) == stage.element)))
    db.session.remove()
    if len(tasks) != len(case_ids):
        raise RuntimeError(f"{stage.element}: {len(tasks)} tasks are open in {len(case_ids)} cases")
    return tasks


def _complete(officer: User, tasks: list[UUID], form: dict[str, Any]) -> list[float]:
    seconds = []
    for task in tasks:
        began = time.perf_counter()
        cases.complete(officer, task, form)
        db.session.remove()
        seconds.append(time.perf_counter() - began)
    return seconds


def _officer(login: str) -> User:
    officer = User.by_login(login)
    assert officer is not None
    db.session.expunge_all()
    return officer
