"""The auditor reads who changed which field of what, and any object as it stood on a day, and no personal text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Text, func, select

from service.domain.accounts.permissions import Action
from service.domain.values.calendar import civil_date
from service.models.db.clock import now
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.queries.scope import inbox_addresses
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Task
from service.models.tables.system.audit import AuditEvent, RowChange
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import Organisation
from service.web.presenters.formatting import exact
from service.workflow.system.account_history import account_then
from tests.api.every_page import user_named
from tests.builders.world import sign_in

pytestmark = pytest.mark.usefixtures("demonstration")


def body(client: FlaskClient, address: str, **asked: str) -> str:
    answer = client.get(address, query_string=asked)
    assert answer.status_code == 200, (address, asked, answer.status_code)
    return answer.get_data(as_text=True)


def found(client: FlaskClient, **asked: str) -> set[tuple[str, str]]:
    """Table and id of the rows on the page of a search."""
    table = body(client, "/row-history", **asked).partition("<tbody>")[2]
    return set(re.findall(r'class="main"><a href="/row-history/(\w+)/([0-9a-f-]{36})', table))


def test_an_object_is_found_by_id_and_by_what_is_printed_on_it(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    queries: dict[str, Any] = {
        "certificate": select(Certificate.number, Certificate.id).order_by(Certificate.number),
        "training_class": select(TrainingClass.code, TrainingClass.id),
        "organisation": select(Organisation.name, Organisation.id).where(Organisation.kind == "enterprise"),
        "user_account": select(User.login, User.id).where(User.login == "enterprise-1"),
    }
    for table, query in queries.items():
        number, key = session().execute(query.limit(1)).one()
        assert (table, str(key)) in found(client, number=number, kind=table), table
        assert found(client, number=str(key), kind=table) == {(table, str(key))}
    change = session().scalars(
        select(RowChange).where(RowChange.case_id.is_not(None), RowChange.table_name == "enrollment").limit(1)
    )
    one = change.one()
    page = body(client, "/row-history", number=str(one.case_id)[-12:])
    assert f'href="/cases/{one.case_id}?step={one.seq + 1}"' in page


def test_the_list_is_narrowed_by_actor_use_case_and_day(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    login, use_case, at = (
        session()
        .execute(
            select(User.login, RowChange.use_case, RowChange.at)
            .join(User, User.id == RowChange.actor_id)
            .where(RowChange.use_case == "save_person")
            .limit(1)
        )
        .one()
    )
    day = civil_date(at).isoformat()
    assert found(client, actor=login.upper(), what=use_case, since=day, until=day)
    assert not found(client, actor=login, since="1999-01-01", until="1999-01-02")
    assert not found(client, actor="nobody")
    step = session().scalars(select(RowChange.use_case).where(RowChange.use_case.like("timer %")).limit(1)).one()
    assert found(client, what=step.partition(" ")[0])


def forbidden() -> set[str]:
    """Every personal text and every name of a person that the history keeps, of some rows of each table."""
    texts = {name for name in session().scalars(select(Person.name).limit(400)) if len(name) > 2}
    for mapper in (one for one in Base.registry.mappers if issubclass(one.class_, Audited)):
        query = select(RowChange).where(
            RowChange.table_name == mapper.class_.__tablename__, RowChange.sealed.is_not(None)
        )
        for change in session().scalars(query.limit(40)):
            values = [*change.sealed.get("before", {}).values(), *change.sealed.get("after", {}).values()]
            texts |= {text for text in values if isinstance(text, str) and len(text) > 4}
    return texts


def test_no_page_shows_a_personal_text_or_a_name_and_each_leaves_a_trace(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    texts = forbidden()
    assert len(texts) > 100
    shown = select(RowChange.table_name, func.min(RowChange.row_id.cast(Text)), func.max(RowChange.row_id.cast(Text)))
    tables = session().execute(shown.group_by(RowChange.table_name)).all()
    assert len(tables) > 12
    pages = []
    for table, *ids in tables:
        pages.append(body(client, "/row-history", kind=table))
        for row_id in ids:
            before = session().scalar(select(func.count()).select_from(AuditEvent))
            pages.append(body(client, f"/row-history/{table}/{row_id}", against="2026-10-01"))
            assert session().scalar(select(func.count()).select_from(AuditEvent)) == (before or 0) + 1
    for page in pages:
        assert "password_hash" not in page
        assert "hidden</" not in page.replace("visually-hidden", "")
        cells = "".join(re.findall(r"<td.*?</td>|<h1>.*?</h1>", page, re.DOTALL))
        assert [text for text in texts if text in cells] == []


def test_an_object_is_shown_as_it_stood_and_compared(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    change = (
        session()
        .scalars(
            select(RowChange)
            .where(RowChange.table_name == "certificate", RowChange.kind == "update", RowChange.after.has_key("state"))
            .order_by(RowChange.at.desc())
            .limit(1)
        )
        .one()
    )
    made = (
        session().scalars(select(RowChange).where(RowChange.row_id == change.row_id, RowChange.kind == "insert")).one()
    )
    address = f"/row-history/certificate/{change.row_id}"
    page = body(client, address, on=exact(made.at), against=exact(change.at))
    row = re.search(r'<tr class="changed">\s*<td class="main">状态.*?</tr>', page, re.DOTALL)
    assert row is not None
    assert "<ins>" in row[0]
    assert "2000-01-01" in body(client, address, on="2000-01-01")
    assert "它的历史从" in body(client, address, on="2000-01-01")
    assert client.get(f"/row-history/score/{change.row_id}").status_code == 404
    assert client.get(f"/row-history/no_such_table/{change.row_id}").status_code == 404
    for odd in ("x", "2026-13-01", "9999-12-31", "0001-01-01T00:00:00Z"):
        assert client.get(address, query_string={"on": odd, "against": odd}).status_code == 200


def test_an_installed_row_says_that_its_history_is_empty(client: FlaskClient) -> None:
    sign_in(client, user_named("auditor"))
    known = select(RowChange.row_id)
    key = session().scalars(select(Organisation.id).where(Organisation.id.not_in(known)).limit(1)).one()
    assert "它的历史里没有任何变更" in body(client, f"/row-history/organisation/{key}")


def test_nobody_else_reads_it(client: FlaskClient) -> None:
    row = session().scalars(select(RowChange).where(RowChange.table_name == "person").limit(1)).one()
    for login in ("ministry", "sysadmin", "secadmin", "processadmin", "enterprise-1"):
        sign_in(client, user_named(login))
        for address in ("/row-history", f"/row-history/person/{row.row_id}"):
            assert client.get(address).status_code in (403, 404), (login, address)
        client.post("/sign-out")


def test_the_inbox_of_now_is_the_inbox_and_that_of_then_follows_from_its_instants(client: FlaskClient) -> None:
    tasks = list(session().scalars(select(Task)))
    middle = sorted(task.opened_at for task in tasks)[len(tasks) // 2]
    auditor, seen = user_named("auditor"), 0
    for login in ("province-37", "association", "ministry", "group-1", "enterprise-1", "institution-1"):
        pairs = set(inbox_addresses(user_named(login)))
        for at in (now(), middle):
            expected = {
                (task.case_id, task.opened_at)
                for task in tasks
                if (task.organisation_id, task.role) in pairs
                and task.opened_at <= at
                and (task.closed_at is None or task.closed_at > at)
            }
            then = account_then(auditor, login, at)
            if then is not None and then.role is not None:
                assert {(task.case_id, task.opened_at) for task in then.tasks} == expected, (login, at)
                assert Action.VIEW_TASKS in then.actions
                seen += len(expected)
    assert seen > 10
    sign_in(client, auditor)
    page = body(client, "/row-history/account", login="province-37")
    assert "省级主管部门" in page
    assert "这个时刻还没有这个账号" in body(client, "/row-history/account", login="province-37", on="2001-01-01")
    assert "没有这个登录名" in body(client, "/row-history/account", login="nobody")
