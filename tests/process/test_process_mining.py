"""What is said of many cases is what their event log says case by case, for every process, and narrowed."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import datetime
from statistics import median
from typing import Any

import pytest
from sqlalchemy import func, select

from service.domain.accounts.roles import Role
from service.evidence.event_log.logged_case import LoggedCase, Pseudonyms
from service.models.db.clock import CHINA
from service.models.db.session import session
from service.models.queries.runtime import case_list
from service.models.queries.runtime.event_log import LogFilter
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Incident, JournalRow, Task
from service.models.tables.system.audit import AuditEvent
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.reports import read_list
from service.reports.lists.process_mining import DEVIATIONS, MiningTable, duration
from service.workflow.system import event_logs
from service.workflow.system.event_logs import FORMATS, logged_cases
from tests.builders.world import sign_in
from tests.database import alter_as_owner

MENDED = """INSERT INTO journal (case_id, seq, at, kind, record, hash) SELECT case_id, max(seq) + 1, max(at), '{kind}',
    '{{"trace": []}}', '' FROM journal WHERE case_id = '{case}' GROUP BY case_id"""
AUDITOR = User(role=Role.AUDIT_ADMIN)


def mined(**given: str) -> MiningTable:
    table = read_list("process-mining", AUDITOR, given).table
    assert isinstance(table, MiningTable)
    return table


def seconds(since: str, until: str) -> float:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()


def check(table: MiningTable, cases: list[LoggedCase]) -> None:
    done = [[one for one in case.activities if one.outcome == "completed"] for case in cases]
    passes = Counter(one.element for case in done for one in case)
    assert {row["element"]: row["passes"] for row in table.rows if row["passes"]} == passes
    again = Counter(element for case in done for element, n in Counter(one.element for one in case).items() if n > 1)
    assert +Counter({row["element"]: row["rework"] for row in table.rows}) == again
    assert {one.elements: one.cases for one in table.map.variants} == Counter(
        tuple(one.element for one in case) for case in done
    )
    waits: dict[str, list[float]] = defaultdict(list)
    for case in done:
        for one in case:
            if one.kind == "userTask" and one.opened:
                waits[one.element].append(seconds(one.opened, one.claimed or one.at))
    for row in table.rows:
        if row["element"] in waits:
            assert row["waiting"] == duration(median(waits[row["element"]])), row["element"]


def test_every_process_is_mined_as_its_event_log_says(demonstration: None) -> None:
    found = 0
    for process, _name in case_list.processes():
        cases = list(logged_cases(LogFilter(process), Pseudonyms(None)))
        table = mined(process=process)
        check(table, cases)
        assert table.times.cases == table.map.cases == len(cases)
        late = func.count().filter((Task.closed_at > Task.due_at) & (Task.state == "completed"))
        counted = session().scalar(select(late).where(Task.process == process)) or 0
        assert sum(row["late"] or 0 for row in table.rows) >= counted
        found += len(table.rows)
    assert found > 40


def test_class_unit_period_and_version_narrow_it(demonstration: None) -> None:
    process = "training_enrollment"
    every = {case.object.id: case for case in logged_cases(LogFilter(process), Pseudonyms(None))}

    def chosen(*conditions: Any) -> list[LoggedCase]:
        ids = session().scalars(select(Case.id).where(Case.process == process, *conditions))
        return [every[f"case-{key}"] for key in ids]

    first = session().scalars(select(TrainingClass).order_by(TrainingClass.code)).first()
    assert first is not None
    of_class = chosen(Case.id.in_(select(Enrollment.case_id).where(Enrollment.class_id == first.id)))
    assert 0 < len(of_class) < len(every)
    check(mined(process=process, number=first.code), of_class)
    unit = session().scalars(select(Organisation).where(Organisation.kind == "enterprise")).first()
    assert unit is not None
    check(mined(process=process, q=unit.name), chosen(Case.unit_id == unit.id))
    day = session().scalars(select(Case.started_at).order_by(Case.started_at)).all()[len(every) // 2].astimezone(CHINA)
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    check(mined(process=process, since=str(day.date())), chosen(Case.started_at >= midnight))
    digest = session().scalars(select(Case.definition).where(Case.process == process).limit(1)).one()
    check(mined(process=process, definition=digest), list(every.values()))


def test_deviations_are_those_of_the_journals_and_the_rest_fits(demonstration: None) -> None:
    process = "training_enrollment"
    first, second, third = session().scalars(select(Case.id).where(Case.process == process).order_by(Case.id).limit(3))
    alter_as_owner(*(MENDED.format(case=case, kind=kind) for case, kind in ((first, "skip"), (first, "skip"))))
    alter_as_owner(*(MENDED.format(case=case, kind=kind) for case, kind in ((second, "skip"), (third, "migrate"))))
    table = mined(process=process)
    kinds = defaultdict[str, list[Any]](list)
    for case_id, kind in session().execute(
        select(JournalRow.case_id, JournalRow.kind)
        .join(Case, Case.id == JournalRow.case_id)
        .where(Case.process == process)
    ):
        if kind in DEVIATIONS:
            kinds[DEVIATIONS[kind]].append(case_id)
    for case_id in session().scalars(select(Incident.case_id).join(Case, Case.id == Incident.case_id)):
        kinds["故障"].append(case_id)
    assert {one.word: (one.cases, one.times) for one in table.deviations} == {
        word: (len(set(cases)), len(cases)) for word, cases in kinds.items()
    }
    assert (kinds["跳过"].count(first), len(set(kinds["跳过"]))) == (2, 2)
    deviating = {case for cases in kinds.values() for case in cases}
    assert (table.fitting.part, table.fitting.whole) == (table.times.cases - len(deviating), table.times.cases)
    untouched = mined(process="support_ticket")
    assert untouched.deviating == sum(one.cases for one in untouched.deviations) == 0


@pytest.mark.parametrize("login", ["auditor", "processadmin"])
def test_the_page_shows_map_and_variants_and_an_auditors_look_leaves_an_event(
    demonstration: None, client: Any, login: str
) -> None:
    user = User.by_login(login)
    assert user is not None
    sign_in(client, user)
    page = client.get("/mining?process=training_enrollment").text
    assert page.count("/mining/log/") == len(FORMATS)
    assert 'id="map"' in page
    assert "变体" in page
    assert "符合情况" in page
    assert "录入成绩" in page
    looks = session().scalars(select(AuditEvent).where(AuditEvent.action == "mine_cases")).all()
    assert [look.detail for look in looks] == (
        [{"filter": {"process": "training_enrollment"}}] if login == "auditor" else []
    )
    assert client.get("/mining?process=nothing&definition=x&since=x").status_code == 200


def test_the_log_of_the_page_is_of_the_cases_shown_and_leaves_an_event(
    demonstration: None, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = User.by_login("auditor")
    assert auditor is not None
    desk = sign_in(client, auditor)
    code = session().scalars(select(TrainingClass.code).order_by(TrainingClass.code)).first()
    unit = session().scalars(select(Organisation.name).where(Organisation.kind == "enterprise")).first()
    day = session().scalars(select(Case.started_at).order_by(Case.started_at)).all()[-100].astimezone(CHINA).date()
    of_enrolments = select(Case.definition).where(Case.process == "training_enrollment").limit(1)
    digest = session().scalars(of_enrolments).one()
    filters = [{"process": process} for process, _name in case_list.processes()]
    narrowed = ({"number": code}, {"q": unit}, {"since": str(day)}, {"until": str(day)}, {"definition": digest})
    filters += [{"process": "training_enrollment"} | more for more in narrowed]
    sizes = set()
    for given in filters:
        table = mined(**given)
        answer = desk.post("/mining/log/csv", query_string=given, buffered=True)
        if not table.times.cases:
            assert answer.status_code == 409
            continue
        rows = list(csv.DictReader(answer.text.splitlines()))
        assert len({row["case"] for row in rows}) == table.times.cases, given
        passes = Counter(row["element"] for row in rows if row["outcome"] == "completed")
        assert passes == {row["element"]: row["passes"] for row in table.rows if row["passes"]}, given
        event = (
            session()
            .scalars(
                select(AuditEvent)
                .where(AuditEvent.action == "export_mined_log")
                .order_by(AuditEvent.id.desc())
                .limit(1)
            )
            .one()
        )
        assert event.actor_id == auditor.id
        assert event.detail == {"list": "csv", "filter": given, "rows": table.times.cases}
        sizes.add(table.times.cases)
    assert len(sizes) > 5
    for form in FORMATS:
        answer = desk.post(f"/mining/log/{form}?process=support_ticket", buffered=True)
        assert (answer.status_code, bool(answer.data)) == (200, True), form
        assert "attachment" in answer.headers["Content-Disposition"]
    assert desk.post("/mining/log/txt?process=support_ticket").status_code == 404
    monkeypatch.setattr(event_logs, "MAX_LOG_CASES", 1)
    answer = desk.post("/mining/log/csv?process=training_enrollment")
    assert answer.status_code == 409
    assert "anpei export-events" in answer.text
