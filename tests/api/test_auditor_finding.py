"""An auditor finds a case by what a complaint names, reads no person's name, and leaves a trace of each look."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service.domain.accounts.audit import WORDS
from service.models.db.pagination import PAGE_SIZE
from service.models.db.session import session
from service.models.queries.runtime.case_list import NUMBER_LENGTH
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.models.tables.system.audit import AuditEvent
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.reports import read_list
from service.workflow.processes.definitions import definition
from tests.api.every_page import addresses, examples_of, page_rules, user_named
from tests.builders.world import sign_in

pytestmark = pytest.mark.usefixtures("demonstration")
NO_LOOKS = {
    "processes.diagram": "the picture of a page that leaves its trace; it holds nobody's data",
    "public.verify": "the answer that anybody gets, signed in or not",
}
"""Pages about one thing that an auditor may open without a trace, with the reason."""


def found(client: FlaskClient, **asked: str) -> set[UUID]:
    """The cases on the page of a search."""
    page = client.get("/cases", query_string=asked).get_data(as_text=True)
    return {UUID(key) for key in re.findall(r'href="/cases/([0-9a-f-]{36})"', page)}


def one(query: Any) -> Any:
    row = session().execute(query.limit(1)).one()
    return row[0] if len(row) == 1 else row


def test_a_case_is_found_by_each_thing_that_a_complaint_names(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    ended = one(select(Case.id).where(Case.process == "training_enrollment").order_by(Case.id))
    for number in (str(ended), ended.hex, str(ended)[-NUMBER_LENGTH:], str(ended)[-NUMBER_LENGTH:].upper()):
        assert found(client, number=number) == {ended}, number
    number, case_id = one(
        select(Certificate.number, Enrollment.case_id).join(Enrollment, Enrollment.id == Certificate.enrollment_id)
    )
    assert case_id in found(client, number=number)
    number, case_id = one(
        select(Certificate.number, Reissue.case_id).join(Reissue, Reissue.certificate_id == Certificate.id)
    )
    assert case_id in found(client, number=number)
    class_id, code, case_id = one(
        select(TrainingClass.id, TrainingClass.code, TrainingClass.case_id).where(TrainingClass.case_id.is_not(None))
    )
    of_class = {case_id, *session().scalars(select(Enrollment.case_id).where(Enrollment.class_id == class_id))}
    shown = found(client, number=code)  # the first page of the class and its enrolments
    assert shown <= of_class
    assert len(shown) == min(len(of_class), PAGE_SIZE)
    unit, case_id = one(select(Organisation.name, Case.id).join(Case, Case.unit_id == Organisation.id))
    assert case_id in found(client, q=unit, number=str(case_id))
    login, case_id = one(
        select(User.login, Task.case_id).join(Task, Task.closed_by == User.id).where(Task.state == "completed")
    )
    assert case_id in found(client, actor=login, number=str(case_id))
    begun = one(select(Case.started_at, Case.id))
    day = f"{begun[0]:%Y-%m-%d}"
    assert found(client, since="2000-01-01", until="2000-01-02") == set()
    assert begun[1] in found(client, since="2000-01-01", until="2100-01-01", number=str(begun[1])), day


def test_cases_are_found_by_each_version_outcome_and_element(client: FlaskClient) -> None:
    """Every version and end event that a case has, and elements of tasks by name and id: those cases, and no other."""
    auditor = user_named("auditor")

    def listed(**asked: str) -> set[UUID]:
        table = read_list("cases", auditor, asked).table
        return {by_number[row["case_number"]] for rows in table.batches() for row in rows}

    cases = {row.id: row for row in session().execute(select(Case.id, Case.definition, Case.ended))}
    by_number = {str(key)[-NUMBER_LENGTH:]: key for key in cases}
    assert len({row.definition for row in cases.values()}) > 5
    for digest in {row.definition for row in cases.values()}:
        assert listed(definition=digest) == {key for key, row in cases.items() if row.definition == digest}
    names = {
        (row.definition, row.ended): definition(row.definition).elements[row.ended].name
        for row in cases.values()
        if row.ended
    }
    assert len(set(names.values())) > 5
    for name in set(names.values()):
        ended = {key for key, row in cases.items() if row.ended and names[row.definition, row.ended] == name}
        assert listed(outcome=name) == ended, name
    tasks = session().execute(select(Task.case_id, Task.element, Task.name).where(Task.state == "completed")).all()
    for element in {task.element.rpartition("/")[2] for task in tasks}:
        done = {task.case_id for task in tasks if task.element.rpartition("/")[2] == element or element in task.name}
        assert listed(element=element) == done, element
    for name in {task.name for task in tasks}:
        assert listed(element=name) == {task.case_id for task in tasks if name in task.name}, name
    assert listed(element="没有这个环节") == set()
    page = sign_in(client, auditor).get("/cases").get_data(as_text=True)
    assert all(f'name="{name}"' in page for name in ("definition", "outcome", "element"))
    page = sign_in(client, user_named("ministry")).get("/cases").get_data(as_text=True)
    assert not any(f'name="{name}"' in page for name in ("definition", "outcome", "element"))


@pytest.mark.parametrize("field", ["number", "q", "actor", "find", "element"])
def test_no_field_finds_a_person_by_name(client: FlaskClient, field: str) -> None:
    names = {str(name) for name in session().scalars(select(Person.name).limit(5))}
    sign_in(client, user_named("auditor"))
    nobody = found(client, **{field: "龘龘龘"})
    for name in names:
        assert found(client, **{field: name}) == nobody


def test_titles_are_read_and_names_are_not(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    title = one(select(Case.subject).where(Case.process == "training_class").order_by(Case.started_at.desc()))
    assert title in client.get("/cases?process=training_class").get_data(as_text=True)
    subject, case_id = one(select(Case.subject, Case.id).where(Case.process == "training_enrollment"))
    for address in (f"/cases?number={case_id}", f"/cases/{case_id}"):
        page = client.get(address).get_data(as_text=True)
        assert subject not in page
        assert subject[0] + "＊" in page


def events() -> int:
    return session().scalar(select(func.count()).select_from(AuditEvent)) or 0


def test_each_page_about_one_thing_leaves_a_trace_of_the_look(client: FlaskClient, app: Flask) -> None:
    sign_in(client, user_named("auditor"))
    examples = examples_of(user_named("auditor"))
    opened, silent = set(), set()
    for rule in page_rules(app):
        if not rule.arguments or rule.endpoint in NO_LOOKS:
            continue
        for address in list(addresses(app, rule, examples))[:2]:
            before = events()
            if client.get(address).status_code == 200:
                opened.add(rule.endpoint)
                silent |= {address} if events() == before else set()
    assert {"cases.show", "cases.moments", "processes.show"} <= opened
    assert silent == set()


@pytest.mark.parametrize(
    "address", ["/cases?number=1", "/cases?actor=ministry", "/audit?q=ministry", "/audit?what=export"]
)
def test_each_search_is_told_in_the_trail_in_words(client: FlaskClient, address: str) -> None:
    sign_in(client, user_named("auditor"))
    before = events()
    assert client.get(address).status_code == 200
    assert events() == before + 1
    page = client.get("/audit?what=search_list").get_data(as_text=True)
    assert WORDS["search_list"] in page
    assert "{" not in page.partition("<table")[2].partition("</table>")[0]


def test_the_trail_is_narrowed_by_event_and_case(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    first, second = session().scalars(select(Case.id).limit(2))
    for case_id in (first, second):
        assert client.get(f"/cases/{case_id}").status_code == 200
    page = client.get(f"/audit?what=open_case&number={str(first)[-NUMBER_LENGTH:]}").get_data(as_text=True)
    assert f"/cases/{first}" in page
    assert f"/cases/{second}" not in page


ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
CODE = re.compile(r"\b[a-z]+_[a-z_]+\b|\bP\d+[DT]|\b[A-Z]{3,}_[A-Z]+|\{'|\['|\bNone\b|\bTrue\b|\bFalse\b")
EACH = 2  # cases of one process that ended alike, for all but one reader: the films differ in names and language alone
TEXTS = re.compile(r">([^<>]+)<")  # what a form shows
EVERY = ("auditor", "zh")


@pytest.mark.parametrize("login", ["auditor", "ministry"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_film_tells_an_id_a_code_or_python(client: FlaskClient, login: str, language: str) -> None:
    sign_in(client, user_named(login))
    client.post("/language", data={"language": language})
    seen: Counter[Any] = Counter()
    walked = 0
    told: set[tuple[str, str]] = set()
    query = select(Case.id, Case.process, Case.ended).order_by(Case.started_at.desc())
    for case_id, process, ended in session().execute(query).all():
        seen[process, ended] += 1
        if seen[process, ended] > EACH and (login, language) != EVERY:
            continue
        answer = client.get(f"/cases/{case_id}/replay.json")
        if answer.status_code != 200:
            continue  # of another authority
        walked += 1
        for step in answer.get_json()["steps"]:
            texts = [(name, step[name]) for name in ("what", "who")] + step["given"]
            texts += [("sender", step["sender"]["text"])] if step["sender"] else []
            texts += [("rows", text) for text, _link in step["rows"] + step["papers"]]
            texts += [("form", text) for text in TEXTS.findall(step["form"])]
            texts += [(row["name"], text) for row in step["data"] for text in (row["before"], row["after"])]
            told |= {(str(name), text) for name, text in texts if ID.search(text) or CODE.search(text)}
            told |= {(row["name"], "no word") for row in step["data"] if not row["label"]}
    assert len(seen) > 10
    assert (login, language) != EVERY or walked == session().scalar(select(func.count()).select_from(Case))
    assert told == set()
