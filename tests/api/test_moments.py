"""A moment of a case as it was: the whole form of its version, names of that day, who sent a message, and links."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service import forms
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, CaseDocument, JournalRow
from service.models.tables.system.audit import RowChange
from service.models.tables.units.organisation import Organisation
from service.workflow.processes import definitions
from tests.api.every_page import user_named
from tests.builders.world import sign_in

pytestmark = pytest.mark.usefixtures("demonstration")
EACH = 3  # cases of a process


def some_cases() -> list[Case]:
    """The longest cases of each process."""
    every = session().scalars(select(Case).order_by(Case.process, Case.seq.desc())).all()
    chosen: dict[str, list[Case]] = {}
    for case in every:
        chosen.setdefault(case.process, []).append(case)
    return [case for cases in chosen.values() for case in cases[:EACH]]


def film(client: FlaskClient, case: Case) -> list[dict[str, Any]]:
    answer = client.get(f"/cases/{case.id}/replay.json")
    assert answer.status_code == 200
    steps: list[dict[str, Any]] = answer.get_json()["steps"]
    return steps


def test_the_form_of_a_moment_has_every_field_and_choice_of_its_version_and_cannot_be_changed(
    client: FlaskClient,
) -> None:
    sign_in(client, user_named("auditor"))
    drawn = 0
    for case in some_cases():
        for row, step in zip(
            session().scalars(select(JournalRow).where(JournalRow.case_id == case.id).order_by(JournalRow.seq)),
            film(client, case),
            strict=True,
        ):
            element = definitions.definition(row.record["definition"]).elements.get((row.element or "").split("/")[-1])
            if row.kind != "complete" or element is None or not element.form_key:
                continue
            form = definitions.form(row.record["definition"], element.form_key)
            assert form is not None
            text = unescape(step["form"])
            assert text.startswith('<fieldset class="then" disabled>'), (case.process, row.element)
            for field in forms.fields(form):
                if field.show_if is None and field.label:
                    assert field.label in text, (case.process, row.element, field.key)
                    if field.type == "radio":
                        assert all(option.label in text for option in field.options)
            data = row.record["data"]
            for name, value in data.items():
                if isinstance(value, str) and f'value="{value}"' in step["form"] and name == "decision":
                    assert re.search(rf'value="{value}"[^>]* checked', step["form"])
            drawn += 1
    assert drawn > 15


def test_names_in_a_moment_are_those_of_that_day(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    case = (
        session()
        .scalars(select(Case).where(Case.process == "training_enrollment", Case.unit_id.is_not(None)).limit(1))
        .one()
    )
    unit = session().get_one(Organisation, case.unit_id)
    before = film(client, case)
    actor = next(step["who"] for step in before if step["who"])
    old = unit.name
    person = session().scalars(select(User).where(User.display_name == actor.split(" · ")[0]).limit(1)).one()
    with transaction(Operation("rename_unit")):
        unit.name, person.display_name = "改了名的单位（示例）", "改了名的人"
    after = film(client, case)
    assert [step["who"] for step in after] == [step["who"] for step in before]
    assert "改了名" not in str(after)
    assert old in str(after)
    assert now() is not None


def test_a_message_tells_which_case_sent_it_and_things_lead_to_their_state_of_then(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    received = (
        session()
        .scalars(
            select(JournalRow.case_id)
            .where(JournalRow.kind == "message", JournalRow.actor_id.is_(None))
            .distinct()
            .limit(6)
        )
        .all()
    )
    senders = 0
    for case_id in received:
        for step in film(client, session().get_one(Case, case_id)):
            if step["sender"] and step["sender"]["link"]:
                senders += 1
                assert client.get(step["sender"]["link"]).status_code == 200
    assert senders > 0
    links = {
        row["link"]
        for case in some_cases()[:6]
        for step in film(client, case)[-1:]
        for row in step["data"]
        if row.get("link")
    }
    assert len(links) > 5
    for link in sorted(links)[:12]:
        assert client.get(link).status_code in (200, 302), link


def test_others_are_led_nowhere_that_they_may_not_go(client: FlaskClient) -> None:
    person = session().scalars(select(Person).limit(1)).one()
    sign_in(client, user_named("ministry"))
    case = session().scalars(select(Case).where(Case.process == "training_enrollment").limit(1)).one()
    page = str(film(client, case))
    assert "/row-history/" not in page
    assert person is not None


def test_a_moment_leads_to_the_rows_attachments_and_papers_that_it_made_as_they_stood_then(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    seen: set[str] = set()
    for case in some_cases():
        changed = session().execute(
            select(RowChange.seq, RowChange.table_name, RowChange.row_id).where(
                RowChange.case_id == case.id, RowChange.seq.is_not(None), RowChange.table_name != "job"
            )
        )
        expected = {(seq, f"/{table}/{row_id}?") for seq, table, row_id in changed}
        steps = film(client, case)
        told = [(step["seq"], text, link) for step in steps for text, link in step["rows"]]
        missing = {(n, part) for n, part in expected if not any(n == at and part in link for at, _, link in told)}
        assert (missing, len({(n, link) for n, _, link in told}) >= len(expected)) == (set(), True)
        for _seq, text, link in told:
            kind = text.split(" · ")[0]
            if kind not in seen:
                seen.add(kind)
                assert client.get(link).status_code == 200, link
        papers = [link for step in steps for _title, link in step["papers"]]
        assert len(papers) == len(CaseDocument.of(case.id))
        assert {client.get(link).mimetype for link in papers} <= {"application/pdf"}
    assert {"证书", "成绩", "报名"} <= seen
    sign_in(client, user_named("ministry"))
    assert all(step["rows"] == [] for step in film(client, case))
