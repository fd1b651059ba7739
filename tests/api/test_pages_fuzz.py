"""Nasty values in every parameter of every page and every field of its own forms, as each role: refused, never a fault."""

from __future__ import annotations

import base64
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.exceptions import HTTPException

from service.config import demo_password
from tests.api.every_page import LOGINS, addresses, examples_of, leave_traces, page_rules, user_named
from tests.builders.world import sign_in

SEED = 20261124
PAGES = 2  # addresses of one rule for one role; of tasks and reports one of each kind
TRIES, MOST_TRIES = 2, 8  # values for one parameter or field of one rule, for one role and in all
CURSOR_TRIES = 8  # for one role; in all each once


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


class Left(dict[tuple[str, str], list[str]]):
    """The values that are still to be tried for a parameter or field of a rule, in an order of its own."""

    def __missing__(self, key: tuple[str, str]) -> list[str]:
        mixed = random.Random(f"{SEED} {key}").sample
        self[key] = mixed(CURSORS, len(CURSORS)) if key[1] == "page" else mixed(VALUES, MOST_TRIES)
        return self[key]


@dataclass
class Fuzzer:
    """Sends requests as one role and remembers what was answered with a fault."""

    app: Flask
    client: FlaskClient
    login: str
    left: Left
    faults: dict[str, str] = field(default_factory=dict)
    tried: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def get(self, address: str, values: dict[str, str]) -> Any:
        return self._note("GET", address, values, self.client.get(address, query_string=encoded(values)))

    def post(self, address: str, values: dict[str, str]) -> None:
        body = {name: value.encode(errors="surrogatepass") for name, value in values.items()}
        self._note("POST", address, values, self.client.post(address, data=body))

    def _note(self, method: str, address: str, values: dict[str, str], answer: Any) -> Any:
        if answer.status_code >= 500:
            nasty = {name: value[:60] for name, value in values.items()}
            self.faults.setdefault(f"{method} {self.rule_of(address, method)}", f"{self.login} {address} {nasty!r}")
        return answer

    def rule_of(self, address: str, method: str) -> str:
        try:
            rule, _ = self.app.url_map.bind("localhost").match(urlsplit(address).path, method, return_rule=True)
        except HTTPException:
            return ""
        return rule.rule

    def values(self, where: str, name: str) -> Iterator[str]:
        """The next values of a parameter or field, until it has been tried often enough by this role or in all."""
        most = CURSOR_TRIES if name == "page" else TRIES
        while self.left[where, name] and self.tried[where, name] < most:
            self.tried[where, name] += 1
            yield self.left[where, name].pop()


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


def post_forms(tree: Any, address: str) -> Iterator[tuple[str, dict[str, str]]]:
    for form in tree.xpath("//form[translate(@method, 'POST', 'post')='post']"):
        target = form.get("action") or address
        if not urlsplit(target).netloc and not target.startswith(DANGEROUS_FORMS):
            yield target, fields(form)


def try_page(fuzzer: Fuzzer, address: str) -> None:
    answer = fuzzer.client.get(address)
    if answer.mimetype != "text/html" or answer.status_code != 200:
        return
    tree = html.fromstring(answer.text)
    where = fuzzer.rule_of(address, "GET")
    for name in sorted(parameters(tree, address)):
        for value in fuzzer.values(where, name):
            fuzzer.get(address, {name: value})
    for target, values in post_forms(tree, address):
        rule = fuzzer.rule_of(target, "POST")
        for name in sorted(values):
            for value in fuzzer.values(rule, name):
                fuzzer.post(target, values | {name: value})


@pytest.mark.usefixtures("demonstration")
def test_no_value_in_any_parameter_or_form_of_any_page_is_a_fault(app: Flask, client: FlaskClient) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    leave_traces(client)
    left = Left()
    faults: dict[str, str] = {}
    for login in LOGINS:
        sign_in(client, user_named(login))
        fuzzer = Fuzzer(app, client, login, left)
        examples = examples_of(user_named(login))
        for rule in page_rules(app):
            most = None if rule.arguments & {"task_id", "name"} else PAGES
            for address in [*addresses(app, rule, examples)][:most]:
                if not address.startswith(DANGEROUS_FORMS):
                    try_page(fuzzer, address)
        faults |= fuzzer.faults
        client.post("/sign-out")
    assert not faults, "\n".join(f"{where}: {how}" for where, how in faults.items())
    assert len(left) > 300, len(left)


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
