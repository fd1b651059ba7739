"""That something exists outside of one's scope is told by no answer: a foreign id is answered like one of nobody (R70, issue 8)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select
from werkzeug.routing import Rule

from service.config import demo_password
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.queries.scope import TABLES, visible_to
from service.models.tables.account_session import AccountSession
from service.models.tables.case import Case, Incident, Job, Task
from service.models.tables.certificate import PrintRecord
from service.models.tables.export import ExportLog
from service.models.tables.notice import Attachment
from service.models.tables.organisation import Organisation
from service.models.tables.person import Person, Photo
from service.models.tables.person_import import PersonImport
from service.models.tables.print_batch import PrintBatch
from service.models.tables.ticket import TicketFile
from service.models.tables.user import User
from tests.api.every_page import LOGINS, SOURCES, addresses, examples_of, leave_traces, page_rules, user_named
from tests.api.test_pages_fuzz import DANGEROUS_FORMS, fields
from tests.api.test_security_forgery import rest
from tests.api.v1_world import give_password
from tests.builders.stage import enroll, make_stage, publish_class, task_of
from tests.builders.world import sign_in

IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PASSING = re.compile(r'name="csrf_token"[^>]*>|"request_id":"[^"]*"|编号[^<]{0,40}|data-(?:left|until)="\d+"')
PASSING_HEADERS = {"Set-Cookie", "Date", "X-Request-ID", "Content-Length", "ETag"}
OWN = {ExportLog: "user_id", PersonImport: "user_id", PrintBatch: "user_id", AccountSession: "user_id"}
MODELS: dict[str, tuple[Any, ...]] = {
    **{name: (key.class_,) for name, (key, _apart) in SOURCES.items() if name.endswith("_id")},
    "file_id": (Attachment, TicketFile),
    "print_id": (PrintRecord,),
    "session_id": (AccountSession,),
    "incident_id": (Incident,),
    "id": (Task, Case, Job, Incident),  # of /engine-rest
}
NO_SECRETS = {"type_id"}  # qualification types are everybody's
NO_IDS = {"name", "key", "digest", "token", "filename", "_rest"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
BODY = {"reason": "核对", "decision": "approve"}


def foreign_ids(user: User) -> dict[str, list[UUID]]:
    """For each parameter the ids of rows that exist and that this user does not see, one of each table."""
    return {
        name: [key for model in models if (key := _foreign(user, model))]
        for name, models in MODELS.items()
        if name not in NO_SECRETS
    }


def _foreign(user: User, model: Any) -> UUID | None:
    query = select(model.id).order_by(model.id).limit(1)
    if model in OWN:
        return session().scalar(query.where(getattr(model, OWN[model]) != user.id))
    if model in TABLES:
        return session().scalar(query.where(~visible_to(user, model)))
    return session().scalar(query.where(*_of_foreign_owner(user, model)))


def _of_foreign_owner(user: User, model: Any) -> list[Any]:
    """The rows without a scope of their own lie in that of the row to which they belong."""
    owners = {
        Photo: Photo.id.in_(select(Person.photo_id).where(~visible_to(user, Person))),
        User: User.organisation_id.in_(select(Organisation.id).where(~visible_to(user, Organisation))),
    }
    if model in owners:
        return [owners[model]]
    for key in model.__table__.foreign_keys:
        owner = next((one for one in TABLES if one.__table__ is key.column.table), None)
        if owner is not None:
            return [key.parent.in_(select(owner.id).where(~visible_to(user, owner)))]
    raise LookupError(model)


def test_every_parameter_of_every_address_is_known(app: Flask) -> None:
    found = {name for rule in app.url_map.iter_rules() for name in rule.arguments}
    assert found == MODELS.keys() | NO_IDS | NO_SECRETS


def cells(app: Flask, user: User) -> Iterator[tuple[Rule, str, str, str]]:
    """Each address and method with one parameter foreign, and the same with an id of nobody there."""
    foreign, own = foreign_ids(user), examples_of(user)
    for rule in app.url_map.iter_rules():
        ids = sorted(rule.arguments - NO_IDS - NO_SECRETS)
        known = {name: own.get(name, [new_id()])[0] if own.get(name) else new_id() for name in rule.arguments}
        for name in ids:
            for key in foreign[name]:
                with app.test_request_context():
                    pair = [app.url_for(rule.endpoint, **known | {name: one}) for one in (key, new_id())]
                for method in METHODS:
                    if method in (rule.methods or ()):
                        yield rule, method, pair[0], pair[1]


def told(client: FlaskClient, method: str, address: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
    """What an answer says, but for ids and what passes."""
    is_rest = address.startswith(("/api", "/engine-rest"))
    content: dict[str, Any] = {} if method == "GET" else {"json" if is_rest else "data": dict(BODY)}
    answer = client.open(address, method=method, headers=headers if is_rest else {}, **content)
    kept = {name: IDS.sub("ID", text) for name, text in answer.headers.items() if name not in PASSING_HEADERS}
    return answer.status_code, kept, PASSING.sub("", IDS.sub("ID", answer.text))


@pytest.mark.usefixtures("demonstration")
def test_a_foreign_id_is_answered_like_one_of_nobody(app: Flask, client: FlaskClient) -> None:
    """Address × method × parameter × role: the same status, headers and body."""
    leave_traces(client)
    tried, differing = 0, {}
    for login in LOGINS:
        user = user_named(login)
        sign_in(client, user)
        word = base64.b64encode(f"{login}:{demo_password()}".encode()).decode()
        for rule, method, foreign, nobody in list(cells(app, user)):
            tried += 1
            seen = [told(client, method, address, {"Authorization": f"Basic {word}"}) for address in (foreign, nobody)]
            if seen[0] != seen[1]:
                differing[login, method, rule.rule] = [(status, body[:200]) for status, _, body in seen]
        client.post("/sign-out")
    assert not differing, "\n".join(f"{where}: {how}" for where, how in differing.items())
    assert tried > 1000, tried


def owners() -> dict[str, Any]:
    """The table in which each id of a scoped row, an account or a file of somebody stands."""
    models = (*TABLES, User, *OWN)
    return {str(key): model for model in models if hasattr(model, "id") for key in session().scalars(select(model.id))}


def named_rows(tree: Any, address: str, tables: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str], str, Any]]:
    """The parameters and fields of a page that name a row: method, target, the other fields, the name, the table."""
    path = urlsplit(address).path
    for link in tree.xpath("//@href"):
        parts = urlsplit(link)
        if parts.path in ("", path):
            for name, value in parse_qsl(parts.query):
                if value in tables:
                    yield "GET", path, {}, name, tables[value]
    for form in tree.xpath("//form"):
        method, target = (form.get("method") or "get").upper(), form.get("action") or address
        known = fields(form)
        for one in form.xpath(".//*[@name]"):
            values = [one.get("value"), *one.xpath("./option/@value")]
            table = next((tables[value] for value in values if value in tables), None)
            if table is not None and not target.startswith(DANGEROUS_FORMS):
                yield method, target, known, one.get("name"), table


@pytest.mark.usefixtures("demonstration")
def test_a_foreign_id_in_a_parameter_or_field_is_answered_like_one_of_nobody(app: Flask, client: FlaskClient) -> None:
    """Page × field that names a row × role: chosen from outside of the list, both are refused alike."""
    leave_traces(client)
    tables, tried, differing = owners(), set(), {}
    for login in LOGINS:
        user = user_named(login)
        sign_in(client, user)
        examples = examples_of(user)
        foreign = {model: _foreign(user, model) for model in set(tables.values())}
        for address in [one for rule in page_rules(app) for one in [*addresses(app, rule, examples)][:1]]:
            page = client.get(address)
            if page.mimetype != "text/html" or page.status_code != 200:
                continue
            for method, target, known, name, model in named_rows(html.fromstring(page.text), address, tables):
                where = (login, method, IDS.sub("ID", urlsplit(target).path), name)
                if where in tried or foreign[model] is None:
                    continue
                tried.add(where)
                seen = [_sent(client, method, target, known | {name: str(key)}) for key in (foreign[model], new_id())]
                if seen[0] != seen[1]:
                    differing[where] = [(status, body[:300]) for status, body in seen]
        client.post("/sign-out")
    assert not differing, "\n".join(f"{where}: {how}" for where, how in differing.items())
    assert len(tried) > 40, len(tried)


def _sent(client: FlaskClient, method: str, target: str, values: dict[str, str]) -> tuple[int, str]:
    given: dict[str, Any] = {"query_string": values} if method == "GET" else {"data": values}
    answer = client.open(target, method=method, **given)
    told = answer.headers.get("Location", "") + answer.text
    return answer.status_code, PASSING.sub("", IDS.sub("ID", told))


def test_an_account_of_others_is_answered_like_one_of_nobody(app: Flask, client: FlaskClient, clock: Any) -> None:
    """Of whichever task, who may not take it over is told in the same words whether the login exists or not."""
    stage = make_stage()
    give_password()
    case = enroll(stage, publish_class(stage), stage.person())
    task = task_of(case, "confirm_enrollment").id
    for key in (task, new_id()):
        for user in (stage.province, stage.other_province, stage.enterprise):
            for way in ("assignee", "claim"):
                answers = [
                    rest(client, user, f"/task/{key}/{way}", {"userId": login})
                    for login in (stage.ministry.login, "nobody-there")
                ]
                assert answers[0].status_code == answers[1].status_code == 404
                assert answers[0].json == answers[1].json, (user.role, way)
