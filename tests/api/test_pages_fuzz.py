"""Nasty values in every parameter of every page and every field of its own forms, as each role: refused, never a fault."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from service.config import demo_password
from service.domain.accounts.permissions import may
from service.domain.accounts.roles import Role
from service.models.db.ids import new_id
from service.models.db.session import Base
from service.reports import may_export
from tests.api.every_page import GROUPS, LOGINS, addresses, examples_of, leave_traces, page_rules, user_named
from tests.api.test_security_forgery import variable_names
from tests.builders.stored import texts_with
from tests.builders.world import sign_in

T = TypeVar("T")

SEED = 20261124
PAGES = 2  # addresses of one rule for one role; of tasks and reports one of each kind
SEERS = 3  # roles that try one page
TRIES = 3  # values for one parameter or field of one page, of all these roles together
CURSOR_TRIES = 2  # of each of them
DECLARED = {"purpose"}  # the dialog of an export has it, its button does not
MARK = "forged-7f3a91"
DECEITS = ("\u202e乙", "\x01乙", "\u2066乙", "\u2028乙", "\u200b乙", "\ufeff乙", "\ud800", "\x85乙")
DECEIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\u2028\u2029]")
TEXT = "text"
TYPED = {TEXT, "search", "tel", "email", "url", "textarea"}
ONCE = {"form_id", "submission", "import_id"}  # a form is taken once: each time it is sent it is another


def cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


NOBODY = "0190b5a0-0000-7000-8000-000000000000"
CURSORS = [
    cursor(),
    cursor(">"),
    *(
        cursor(way, value, NOBODY)
        for way in "<>"
        for value in (1, -(10**30), 1e308, {}, {"a": 1}, [], True, None, float("inf"), "a\0b", "\ud800", "0001-01-01")
    ),
    *(cursor("<", value) for value in (1, {}, True, float("nan"), "x", NOBODY, "0" * 10_000)),
    cursor(">", "0001-01-01T00:00:00+14:00", NOBODY),
    cursor(">", "9999-12-31T23:59:59-14:00", NOBODY),
    cursor(">", 2**63, NOBODY),
    base64.urlsafe_b64encode(b"[" * 9000).decode(),
    base64.urlsafe_b64encode(b'[">", ' + b"9" * 5000 + b', "x"]').decode(),
    ">0001-01-01T00:00:00+14:00|" + NOBODY,
    "<9999-12-31T23:59:59-14:00|" + NOBODY,
    "<2026-01-01|" + NOBODY,
]
VALUES = [
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "NaN",
    "Infinity",
    "00000099999",
    "0000000059",
    "9" * 23,
    "9" * 5009,
    str(2**31),
    str(2**63),
    "１２３",
    "²",
    "٣",
    "0001-01-01",
    "9999-12-31",
    "99999999999-1-1",
    "2020-1-99999999999999999999",
    "2026-02-30",
    "0001-01-01T00:00:00.000+1400",
    "9999-12-31T23:59:59.999-1400",
    "a\0b",
    "\0",
    "\ud800",
    "甲\udfff乙",
    "\u202e甲\u2066",
    "\x01\x1b[0m",
    "/%0D%0AX:1",
    "/\r\nX-A: 1",
    "//[",
    "http://[::1",
    "//evil.example/x",
    "true",
    "null",
    "{}",
    '{"a": 1}',
    "[]",
    "%",
    "'; --",
    "%(name)s {0} ${x} {{ 7 * 7 }}",
    "长" * 10_000,
    "<b>x</b>",
    NOBODY,
    "../../etc/passwd",
]
DANGEROUS_FORMS = ("/sign-out", "/sign-in")  # they end the session that tries the others


class Rota:
    """What is tried where, the same in every process: roles share a page, fields of one type share the values.

    A page is tried by at most ``SEERS`` of the roles that may open it, which ones is mixed by page; together they give
    each of its fields ``TRIES`` values, the next of those that its type has not had from this role. So each type has
    all of them, and each field some, day after day the same.
    """

    def __init__(self, login: str, roles: Mapping[str, Role]) -> None:
        self.login, self._roles = login, roles
        self._tried: set[tuple[str, str, str]] = set()
        self._next: dict[str, Iterator[str]] = {}

    def tries(self, rule: Rule, address: str, view: Any) -> int:
        """How many values this role gives a field of a page; 0: others try it. Of tasks each role tries its own."""
        if "task_id" in rule.arguments:
            return TRIES // SEERS
        seers = [login for login, role in self._roles.items() if _may_open(role, rule, address, view)]
        where = address if "name" in rule.arguments else rule.rule
        chosen = random.Random(f"{SEED} {where}").sample(seers, min(len(seers), SEERS))
        return TRIES // len(chosen) if self.login in chosen else 0

    def values(self, where: str, name: str, kind: str, count: int) -> list[str]:
        """The next values for a field, none if this role tried it before."""
        if (where, name, kind) in self._tried:
            return []
        self._tried.add((where, name, kind))
        return list(islice(self.endless("page", CURSORS), CURSOR_TRIES) if name == "page" else self.some(kind, count))

    def mixed(self, names: Iterable[str]) -> list[str]:
        """The names in an order of this role, so that each role puts others together."""
        return sorted(names, key=lambda name: random.Random(f"{self.login} {name}").random())

    def some(self, kind: str, count: int) -> Iterator[str]:
        return islice(self.endless(kind, VALUES), count)

    def endless(self, kind: str, values: Sequence[str]) -> Iterator[str]:
        """All values by turns, in an order of this role and type."""
        if kind not in self._next:
            self._next[kind] = cycle(random.Random(f"{SEED} {self.login} {kind}").sample(values, len(values)))
        return self._next[kind]


def roles() -> dict[str, Role]:
    return {login: Role(user_named(login).role) for login in LOGINS}


def batched(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Two by two: half as many requests, and a fault is found all the same."""
    return (values[at : at + 2] for at in range(0, len(values), 2))


def _may_open(role: Role, rule: Rule, address: str, view: Any) -> bool:
    if "name" in rule.arguments and "class_id" not in rule.arguments:
        return any(may_export(part, role) for part in urlsplit(address).path.split("/"))
    actions = getattr(view, "access", None)
    return not actions or any(may(role, action) for action in actions)


@dataclass
class Fuzzer:
    """Sends requests as one role and remembers what was answered with a fault."""

    app: Flask
    client: FlaskClient
    rota: Rota
    forged: dict[str, str]
    faults: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    def try_page(self, address: str, tries: int) -> bool:
        """Try all that a page shows; tell whether it is a page, or a file, of whose kind one is enough."""
        answer = self.client.get(address)
        if answer.mimetype != "text/html" or answer.status_code != 200:
            return answer.mimetype == "text/html"
        tree = html.fromstring(answer.text)
        where = self.rule_of(address, "GET")
        wanted = [
            (name, value)
            for name in self.rota.mixed(parameters(tree, address))
            for value in self.rota.values(where, name, "parameter", tries)
        ]
        for pair in batched(wanted):
            self.send("GET", address, dict(pair))
        for form in post_forms(tree, address):
            self._try_form(form.get("action") or address, fields(form), kinds(form), tries)
        return True

    def _try_form(self, target: str, sound: dict[str, str], kinds: dict[str, str], tries: int) -> None:
        """Each field hostile by itself, beside sound ones; then a sound form with fields that it does not have."""
        rule = self.rule_of(target, "POST")
        for name, kind in sorted(kinds.items()):
            for value in self.rota.values(rule, name, kind, tries):
                self.send("POST", target, sound | {name: value})
                if kind == TEXT:
                    deceit = next(self.rota.endless("deceit", DECEITS))
                    self.send("POST", target, sound | {name: (sound[name] or "甲乙") + deceit})
        if self.rota.values(rule, "", "forged", 1):
            self.send("POST", target, self.forged | sound)

    def send(self, method: str, address: str, values: dict[str, str]) -> None:
        self.sent += 1
        if method == "GET":
            answer = self.client.get(address, query_string=encoded(values))
        else:
            values |= {name: str(new_id()) for name in ONCE & values.keys() if values[name]}
            content = encoded(values)
            answer = self.client.post(address, data=content, content_type="application/x-www-form-urlencoded")
        if answer.status_code >= 500:
            nasty = {name: value[:60] for name, value in values.items()}
            told = f"{self.rota.login} {address} {nasty!r}"
            self.faults.setdefault(f"{method} {self.rule_of(address, method)}", told)

    def rule_of(self, address: str, method: str) -> str:
        try:
            rule, _ = self.app.url_map.bind("localhost").match(urlsplit(address).path, method, return_rule=True)
        except HTTPException:
            return ""
        return rule.rule


def encoded(values: dict[str, str]) -> str:
    return urlencode(values, errors="surrogatepass")


def parameters(tree: Any, address: str) -> dict[str, str]:
    """The parameters of the address that links and search forms of its own page name."""
    path, found = urlsplit(address).path, {"page": ""}
    for link in tree.xpath("//@href | //@hx-get"):
        parts = urlsplit(link)
        if parts.path in ("", path):
            found |= dict(parse_qsl(parts.query))
    for form in tree.xpath("//form[not(@method) or translate(@method, 'GET', 'get')='get']"):
        if urlsplit(form.get("action") or path).path == path:
            found |= fields(form)
    return found


def fields(form: Any) -> dict[str, str]:
    """The fields of a form with their values."""
    found = {}
    for one in form.xpath(".//input[@name] | .//select[@name] | .//textarea[@name] | .//button[@name]"):
        value = one.value if one.tag in ("input", "select", "textarea") else one.get("value")
        found[one.get("name")] = value if isinstance(value, str) else ""
    return found


def kinds(form: Any) -> dict[str, str]:
    """The types of the fields of a form: of one type share what is tried."""
    found = {}
    for one in form.xpath(".//input[@name] | .//select[@name] | .//textarea[@name] | .//button[@name]"):
        kind = one.get("type") or TEXT if one.tag == "input" else one.tag
        found[one.get("name")] = TEXT if kind in TYPED else kind
    return found


def post_forms(tree: Any, address: str) -> Iterator[Any]:
    for form in tree.xpath("//form[translate(@method, 'POST', 'post')='post']"):
        target = form.get("action") or address
        if not urlsplit(target).netloc and not target.startswith(DANGEROUS_FORMS):
            yield form


def names_of_columns() -> set[str]:
    return {column.name for table in Base.metadata.sorted_tables for column in table.columns}


def test_the_groups_are_all_roles() -> None:
    assert sorted(login for group in GROUPS for login in group) == sorted(LOGINS)


@pytest.mark.usefixtures("demonstration")
@pytest.mark.parametrize("logins", GROUPS, ids="-".join)
def test_no_value_in_any_parameter_or_form_of_any_page_is_a_fault(
    app: Flask, client: FlaskClient, logins: tuple[str, ...]
) -> None:
    """Nor is what a form does not ask kept, nor a text that deceives its reader."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    leave_traces(client)
    forged = dict.fromkeys(sorted((variable_names() | names_of_columns()) - DECLARED), MARK)
    faults: dict[str, str] = {}
    sent = 0
    for login in logins:
        assert sign_in(client, user_named(login)).get("/").status_code == 200, login
        fuzzer = Fuzzer(app, client, Rota(login, roles()), forged)
        examples = examples_of(user_named(login))
        for rule in page_rules(app):
            most = None if rule.arguments & {"task_id", "name"} else PAGES
            view = app.view_functions[rule.endpoint]
            for address in [*addresses(app, rule, examples)][:most]:
                if address.startswith(DANGEROUS_FORMS) or not (tries := fuzzer.rota.tries(rule, address, view)):
                    continue
                if not fuzzer.try_page(address, tries):
                    break
        faults |= fuzzer.faults
        sent += fuzzer.sent
        client.post("/sign-out")
    assert not faults, "\n".join(f"{where}: {how}" for where, how in faults.items())
    assert sent > 150, sent
    assert texts_with(re.compile(MARK)) == {}
    assert texts_with(DECEIT) == {}


INSTANTS = ("dueBefore", "dueAfter", "createdBefore", "createdAfter", "startedBefore", "startedAfter", "finishedAfter")
NUMBERS = ("firstResult", "maxResults", "priority")
TEXTS = (
    "processInstanceId",
    "assignee",
    "name",
    "nameLike",
    "candidateGroup",
    "sortBy",
    "sortOrder",
    "processVariables",
)


@pytest.mark.usefixtures("demonstration")
def test_no_parameter_of_engine_rest_is_a_fault(app: Flask, client: FlaskClient) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    headers = {"Authorization": "Basic " + base64.b64encode(f"association:{demo_password()}".encode()).decode()}
    faults: list[str] = []
    lists = [r.rule for r in app.url_map.iter_rules() if r.rule.startswith("/engine-rest/") and not r.arguments]
    examples = examples_of(user_named("association"))

    def note(method: str, address: str, value: Any, answer: Any) -> None:
        if answer.status_code >= 500:
            faults.append(f"{method} {address} {str(value)[:60]!r}")

    for rule in lists:
        for name in (*INSTANTS, *NUMBERS, *TEXTS):
            for value in random.Random(f"{rule} {name}").sample(VALUES, 6):
                address = f"{rule}?{encoded({name: value})}"
                note("GET", rule, (name, value), client.get(address, headers=headers))
    tasks = [f"/engine-rest/task/{key}" for key in (*examples["task_id"][:1], "\x01", "9" * 5000)]
    bodies: list[Any] = [None, [], "x", 1, {"variables": []}, {"variables": {"decision": 1}}]
    for value in (*VALUES, 10**400, 1e308, True, None, [], {}, [[]], {"value": {}}):
        bodies += [
            {"userId": value},
            {"variables": {"note": {"value": value}}},
            {"variables": {"decision": {"value": value, "type": value}}},
            {"processVariables": [{"name": value, "operator": "eq", "value": value}], "sorting": value},
            {"workerId": value, "maxTasks": value, "topics": value},
            {"messageName": value, "businessKey": value, "correlationKeys": value},
        ]
    starts = [
        f"/engine-rest/process-definition/key/{key}/start" for key in ("training_class", "support_ticket", "none")
    ]
    acts = [f"{task}/{act}" for task in tasks for act in ("assignee", "claim", "complete")]
    others = ["/engine-rest/task", "/engine-rest/external-task/fetchAndLock", "/engine-rest/message"]
    for address in (*starts, *acts, *others):
        for body in random.Random(address).sample(bodies, 60):
            sent = json.dumps(body).encode()
            answer = client.post(address, data=sent, content_type="application/json", headers=headers)
            note("POST", address, body, answer)
    assert not faults, "\n".join(sorted(faults))
