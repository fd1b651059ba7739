"""Each rule of the trade finds what a look at every row finds, nothing else, and its page leads to the cases."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, update

from service.domain.accounts.roles import Role
from service.domain.certificates import certificate_number
from service.infrastructure.postgres import Server
from service.models.db.clock import CHINA
from service.models.db.session import session
from service.models.queries.runtime.rule_checks import CONFIRMATIONS, RULES, SEPARATED
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, CertificateSerial
from service.models.tables.runtime.case import Case, Task
from service.reports import read_list
from service.reports.lists.rule_checks import Rule
from tests.builders.world import sign_in


def found(rule: str) -> list[Any]:
    return read_list("rule-checks", User(role=Role.AUDIT_ADMIN), {"kind": rule}).table.rows_page(None).rows


def test_every_rule_has_its_word_and_its_query() -> None:
    assert list(RULES) == [str(rule) for rule in Rule]


def done_tasks() -> list[Any]:
    query = select(Task.id, Task.case_id, Task.element, Task.closed_at, Task.closed_by, Case.started_by)
    return list(session().execute(query.join(Case).where(Task.state == "completed")))


def pairs(tasks: list[Any]) -> list[tuple[Any, Any]]:
    """Pairs of tasks of one case that are to be separated, the second with the nearest before it."""
    by_case = defaultdict(list)
    for task in tasks:
        by_case[task.case_id].append(task)
    return [(a, b) for of in by_case.values() for a in of for b in of
            if (last(a), last(b)) in SEPARATED and a.closed_at <= b.closed_at]  # fmt: skip


def last(task: Any) -> str:
    return str(task.element).split("/")[-1]


def is_night(at: datetime) -> bool:
    return at.astimezone(CHINA).hour >= 22 or at.astimezone(CHINA).hour < 6


def test_tasks_are_found_as_by_looking_at_each(demonstration: None) -> None:
    tasks = pairs(done_tasks())
    for n, (first, second) in enumerate(tasks):  # every other pair by one account, every third in a hurry
        values: dict[str, Any] = {"closed_by": first.closed_by} if n % 2 else {}
        if n % 3 == 0:
            values["closed_at"] = first.closed_at + timedelta(seconds=30)
        if values:
            session().execute(update(Task).where(Task.id == second.id).values(values))
    own = [task for task in done_tasks() if last(task) in CONFIRMATIONS][:4]
    for task in own[:2]:
        session().execute(update(Case).where(Case.id == task.case_id).values(started_by=task.closed_by))
        session().execute(update(Task).where(Task.id == task.id).values(closed_at=task.closed_at.replace(hour=15)))
    every = done_tasks()
    same = {str(b.id) for a, b in pairs(every) if a.closed_by == b.closed_by}
    same |= {str(task.id) for task in every if last(task) in CONFIRMATIONS and task.closed_by == task.started_by}
    hurried = {
        str(b.id)
        for a, b in pairs(every)
        if last(a) == "record_score" and b.closed_at - a.closed_at < timedelta(minutes=1)
    }
    night = {str(task.id) for task in every if is_night(task.closed_at)}
    started = session().execute(select(Case.id, Case.started_at).where(Case.started_by.is_not(None)))
    night |= {str(row.id) for row in started if is_night(row.started_at)}
    assert same
    assert hurried
    assert night
    expected = {"same_person": same, "within_a_minute": hurried, "at_night": night}
    for rule, keys in expected.items():
        rows = list(session().execute(RULES[rule]()))
        assert {row.key for row in rows} == keys, rule
        assert len(rows) == len(keys), rule


def test_gaps_are_found_wherever_they_are(demonstration: None, server: Server) -> None:
    assert found("number_gaps") == []
    serial = session().scalars(select(CertificateSerial).order_by(CertificateSerial.last.desc())).first()
    assert serial is not None
    series, at = f"{serial.province}{serial.year}", serial.last
    serial.last += 9
    session().flush()
    for lost in (1, at - 1):
        number = certificate_number.issue(serial.province, serial.year, lost)
        session().execute(update(Certificate).where(Certificate.number == number).values(number=f"9{number[1:]}"))
        session().commit()
        gone = f"DELETE FROM certificate_number_owner WHERE number = '{number}'"
        server.execute(gone, f"test_{os.getpid()}")
    gaps = {(row.note, row.number) for row in session().execute(RULES["number_gaps"]())}
    present = [0, *(n for n in range(1, at + 1) if n not in (1, at - 1)), at + 10]
    expected = {(f"{series}{a + 1:07d}", b - a - 1) for a, b in pairwise(present) if b - a > 1}
    assert gaps == expected
    assert len(gaps) >= 2


def test_the_pages_are_the_auditors_alone(demonstration: None, client: Any) -> None:
    for login, code in (("auditor", 200), ("processadmin", 404), ("ministry", 404)):
        user = User.by_login(login)
        assert user is not None
        sign_in(client, user)
        for rule in Rule:
            page = client.get(f"/audit/rules?kind={rule}&since=2020-01-01")
            assert page.status_code in {code, 403 if code == 404 else code}, (login, rule)
            if code == 200 and (rows := found(rule)) and rows[0].case_id:
                assert f"/cases/{rows[0].case_id}" in page.text


@pytest.mark.parametrize("rule", list(Rule))
def test_a_rule_is_exported(demonstration: None, rule: Rule) -> None:
    table = read_list("rule-checks", User(role=Role.AUDIT_ADMIN), {"kind": rule}).table
    rows = [row for batch in table.batches() for row in batch]
    assert len(rows) == table.count(10_000)
    assert all({column.key for column in table.columns} <= set(row) for row in rows)
