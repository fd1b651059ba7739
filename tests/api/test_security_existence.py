"""That something exists outside of one's scope is told by no answer: a foreign id is answered like one of nobody (R70)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from difflib import ndiff
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select

from service.config import demo_password
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role, managed_by
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.queries.scope import TABLES, visible_to
from service.models.tables.accounts.account_session import AccountSession
from service.models.tables.accounts.saved_view import SavedView
from service.models.tables.accounts.substitution import Substitution
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import PrintRecord
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.notices.notice import Attachment
from service.models.tables.notices.ticket import TicketFile
from service.models.tables.persons.person import Person, Photo
from service.models.tables.persons.person_import import PersonImport
from service.models.tables.runtime.case import Case, CaseDocument, Incident, Job, Submission, Task
from service.models.tables.runtime.version_change import BacktestRun, MigrationRun
from service.models.tables.system.audit import RowChange
from service.models.tables.system.audit_sample import AuditSample
from service.models.tables.system.export import ExportLog
from service.models.tables.units.organisation import Organisation
from tests.api.every_page import GROUPS, SOURCES, addresses, examples_of, leave_traces, page_rules, user_named
from tests.api.test_pages_fuzz import DANGEROUS_FORMS, Rota, fields, roles
from tests.api.test_security_forgery import rest
from tests.api.v1_world import give_password
from tests.builders.stage import enroll, make_stage, publish_class, task_of
from tests.builders.stored import digests
from tests.builders.world import sign_in

IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PASSING = re.compile(
    r'name="csrf_token"[^>]*>|"X-CSRFToken": "[^"]*"|"request_id":"[^"]*"|data-(?:left|until)="\d+"|<code>[0-9a-f]{12}</code>'
    r"|\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?"
)
PASSING_HEADERS = {"Set-Cookie", "Date", "X-Request-ID", "Content-Length", "ETag"}
OWN = {
    SavedView: "user_id",
    Substitution: "user_id",
    ExportLog: "user_id",
    PersonImport: "user_id",
    PrintBatch: "user_id",
    AccountSession: "user_id",
    Submission: "user_id",
}
OF_PROCESSES = (BacktestRun, MigrationRun)  # of whoever edits processes, and of nobody else
MODELS: dict[str, tuple[Any, ...]] = {
    **{name: (key.class_,) for name, (key, _apart) in SOURCES.items() if name.endswith("_id")},
    "file_id": (Attachment, CaseDocument, TicketFile),
    "print_id": (PrintRecord,),
    "session_id": (AccountSession,),
    "incident_id": (Incident,),
    "submission_id": (Submission,),
    "view_id": (SavedView,),
    "substitution_id": (Substitution,),
    "id": (Task, Case, Job, Incident),  # of /engine-rest
}
NO_SECRETS = {"type_id"}  # qualification types are everybody's
NO_IDS = {"name", "position", "key", "table", "digest", "token", "filename", "_rest"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
BODY = {"reason": "核对", "decision": "approve", "asked": "1"}
PART = {"HX-Request": "true"}  # a refusal is then a line, not a page with all menus around it
Seen = tuple[int, dict[str, str], str]


def foreign_ids(user: User) -> dict[str, list[UUID]]:
    """For each parameter the ids of rows that exist and that this user does not see, one of each table."""
    return {
        name: [key for model in models if (key := foreign_id(user, model))]
        for name, models in MODELS.items()
        if name not in NO_SECRETS
    }


def foreign_id(user: User, model: Any) -> UUID | None:
    query = select(model.id).order_by(model.id).limit(1)
    if model in OWN:
        return session().scalar(query.where(getattr(model, OWN[model]) != user.id))
    if model in (RowChange, AuditSample):  # of auditors
        key = RowChange.row_id if model is RowChange else AuditSample.id
        return None if may(Role(user.role), Action.READ_AUDIT) else session().scalar(select(key).limit(1))
    if model in OF_PROCESSES:
        return None if may(Role(user.role), Action.EDIT_PROCESSES) else session().scalar(query)
    if model in TABLES:
        return session().scalar(query.where(~visible_to(user, model)))
    return session().scalar(query.where(_is_of_foreign_owner(user, model)))


def _is_of_foreign_owner(user: User, model: Any) -> Any:
    """A row without a scope of its own lies in that of the row to which it belongs, an account in that of its role too."""
    if model is Photo:
        return Photo.id.in_(select(Person.photo_id).where(~visible_to(user, Person)))
    if model is User:
        is_out = User.organisation_id.in_(select(Organisation.id).where(~visible_to(user, Organisation)))
        return is_out | User.role.not_in(managed_by(Role(user.role)))
    for key in model.__table__.foreign_keys:
        owner = next((one for one in TABLES if one.__table__ is key.column.table), None)
        if owner is not None:
            return key.parent.in_(select(owner.id).where(~visible_to(user, owner)))
    raise LookupError(model)


def test_every_parameter_of_every_address_is_known(app: Flask) -> None:
    found = {name for rule in app.url_map.iter_rules() for name in rule.arguments}
    assert found == MODELS.keys() | NO_IDS | NO_SECRETS


def cells(app: Flask, user: User) -> Iterator[tuple[str, str, str, str]]:
    """Each address and method with one parameter foreign, and the same with an id of nobody there."""
    foreign, own = foreign_ids(user), examples_of(user)
    for rule in app.url_map.iter_rules():
        known = {name: own.get(name, [new_id()])[0] if own.get(name) else new_id() for name in rule.arguments}
        for name in sorted(rule.arguments - NO_IDS - NO_SECRETS):
            for key in foreign[name]:
                with app.test_request_context():
                    pair = [app.url_for(rule.endpoint, **known | {name: one}) for one in (key, new_id())]
                for method in METHODS:
                    if method in (rule.methods or ()):
                        yield f"{method} {rule.rule} {name}", method, pair[0], pair[1]


class Asker:
    """Sends as one account and tells what is said, but for ids and what passes."""

    def __init__(self, client: FlaskClient, login: str) -> None:
        self.client, self.user = sign_in(client, user_named(login)), user_named(login)
        word = base64.b64encode(f"{login}:{demo_password()}".encode()).decode()
        self.basic = {"Authorization": f"Basic {word}"}
        self.differing: list[str] = []
        self.tried = 0

    def tell(self, method: str, address: str, values: dict[str, Any] | None = None) -> Seen:
        is_rest = address.startswith(("/api", "/engine-rest"))
        content: dict[str, Any] = {}
        if method == "GET":
            content = {"query_string": values} if values else {}
        else:
            content = {"json" if is_rest else "data": BODY if values is None else values}
        answer = self.client.open(address, method=method, headers=self.basic if is_rest else PART, **content)
        kept = {name: IDS.sub("ID", text) for name, text in answer.headers.items() if name not in PASSING_HEADERS}
        text = answer.text if answer.mimetype.startswith(("text/", "application/")) else ""
        return answer.status_code, kept, PASSING.sub("", IDS.sub("ID", text))

    def compare(self, where: str, foreign: Seen, nobody: Seen) -> None:
        self.tried += 1
        if foreign != nobody:
            said = ndiff(*([str(status), str(kept), *body.split("\n")] for status, kept, body in (foreign, nobody)))
            lines = "\n".join(line for line in said if not line.startswith("  "))
            self.differing.append(f"{where}\n{lines[:600]}")

    def check(self, least: int) -> None:
        assert not self.differing, "\n".join(self.differing)
        assert self.tried >= least, self.tried


@pytest.mark.usefixtures("demonstration")
@pytest.mark.parametrize("logins", GROUPS, ids="-".join)
def test_a_foreign_id_is_answered_like_one_of_nobody(app: Flask, client: FlaskClient, logins: tuple[str, ...]) -> None:
    """Address × method × parameter × role: the same status, headers and body, and nothing has changed."""
    leave_traces(client)
    for login in logins:
        asker, before = Asker(client, login), digests()
        for where, method, foreign, nobody in list(cells(app, asker.user)):
            asker.compare(where, asker.tell(method, foreign), asker.tell(method, nobody))
        asker.check(least=60)
        after = digests()
        assert [name for name in before if before[name] != after[name]] == []


def owners() -> dict[str, Any]:
    """The table in which each id of a scoped row, an account or a file of somebody stands."""
    models = (*TABLES, User, *OWN)
    return {str(key): model for model in models if hasattr(model, "id") for key in session().scalars(select(model.id))}


def named_rows(
    tree: Any, address: str, tables: dict[str, Any]
) -> Iterator[tuple[str, str, dict[str, str], str, list[str]]]:
    """The parameters and fields of a page that name a row: method, target, the other fields, the name, what is offered."""
    path = urlsplit(address).path
    for link in tree.xpath("//@href"):
        parts = urlsplit(link)
        if parts.path in ("", path):
            for name, value in parse_qsl(parts.query):
                if value in tables:
                    yield "GET", path, {}, name, [value]
    for form in tree.xpath("//form"):
        method, target = (form.get("method") or "get").upper(), form.get("action") or address
        known = fields(form)
        for one in form.xpath(".//*[@name]"):
            offered = [value for value in (one.get("value"), *one.xpath("./option/@value")) if value in tables]
            if offered and not target.startswith(DANGEROUS_FORMS):
                own = one.xpath("following-sibling::button[@formaction][1]/@formaction")  # what the field is for
                yield method, own[0] if own else target, known, one.get("name"), offered


@pytest.mark.usefixtures("demonstration")
@pytest.mark.parametrize("logins", GROUPS, ids="-".join)
def test_a_foreign_id_in_a_parameter_or_field_is_answered_like_one_of_nobody(
    app: Flask, client: FlaskClient, logins: tuple[str, ...]
) -> None:
    """Page × field that names a row × role, as roles share pages: both are refused alike, chosen from outside the list."""
    leave_traces(client)
    tables = owners()
    for login in logins:
        asker = Asker(client, login)
        foreign = {model: foreign_id(asker.user, model) for model in set(tables.values())}
        tried = set()
        for address in shared_pages(app, asker.user):
            page = client.get(address)
            if page.mimetype != "text/html" or page.status_code != 200:
                continue
            for method, target, known, name, offered in named_rows(html.fromstring(page.text), address, tables):
                where, key = f"{method} {IDS.sub('ID', urlsplit(target).path)} {name}", foreign[tables[offered[0]]]
                if where not in tried and key is not None and str(key) not in offered:
                    tried.add(where)
                    seen = [asker.tell(method, target, known | {name: str(one)}) for one in (key, new_id())]
                    asker.compare(where, seen[0], seen[1])
        asker.check(least=0)


def shared_pages(app: Flask, user: User) -> Iterator[str]:
    """One address of each page that falls to this role."""
    examples, rota = examples_of(user), Rota(user.login, roles())
    for rule in page_rules(app):
        for address in islice(addresses(app, rule, examples), 1):
            if rota.tries(rule, address, app.view_functions[rule.endpoint]):
                yield address


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
