"""Every page the application has, as each role sees it on the demonstration: at most 15 queries, kept by no cache, no way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.every_page import GROUPS, LOGINS, addresses, examples_of, leave_traces, page_rules, user_named
from tests.api.queries import counted
from tests.api.test_pages_cost import MOST
from tests.builders.world import sign_in

NOT_MET = {
    "cases.document": "no shipped diagram makes papers of its cases; test_recipes.py opens one",
    "corrections.file": "the demonstration's corrections carry no evidence; test_identity_correction.py opens one",
    "notices.file": "the demonstration's bulletins carry no files; one query beside the notice, as tickets.file",
    "starts.show": "pages of their subjects start all shipped processes; test_recipes.py starts one by this page",
    "tickets.file": "the demonstration's tickets carry no files; test_pages_tickets.py opens one",
}
"""Endpoints that no role gets an answer from here, with the reason."""
CACHED = {"processes.diagram", "static"}
"""Endpoints whose address never shows anything else (nothing personal is kept by a cache)."""
FIRST = ("association", "enterprise-1", "sysadmin", "province-37")
"""Roles that together may open nearly everything: whoever looks for one that may asks them first."""


@pytest.mark.usefixtures("demonstration")
@pytest.mark.parametrize("logins", GROUPS, ids="-".join)
def test_no_page_asks_more_than_fifteen_queries_nor_is_cached(
    client: FlaskClient, app: Flask, logins: tuple[str, ...]
) -> None:
    leave_traces(client)
    assert [dear for login in logins for dear in _dear_pages(client, app, login)] == []


def _dear_pages(client: FlaskClient, app: Flask, login: str) -> Iterator[str]:
    """The addresses that ask too much, each as this role; none may be kept by a cache or lead away."""
    sign_in(client, user_named(login))
    examples = examples_of(user_named(login))
    for rule in page_rules(app):
        for address in addresses(app, rule, examples):
            answer, count = _asked(client, address)
            if count > MOST:  # anew: a definition is read once a process
                answer, count = _asked(client, address)
            assert answer.status_code < 500, (login, address)
            assert _may_be_kept(answer, rule.endpoint), (login, address, answer.headers.get("Cache-Control"))
            assert not urlsplit(answer.headers.get("Location", "")).netloc, address
            if count > MOST:
                yield f"{login} {address}: {count}"
            if answer.mimetype == "application/pdf":
                break  # one paper of a kind: they take their time
    client.post("/sign-out")


def _asked(client: FlaskClient, address: str) -> tuple[Any, int]:
    with counted() as queries:
        return client.get(address), len(queries)


def _may_be_kept(answer: Any, endpoint: str) -> bool:
    """No cache keeps it; of what is the same for ever that of the reader's own browser may."""
    if endpoint in CACHED and answer.status_code == 200:
        return "public" not in answer.headers["Cache-Control"]
    return answer.headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("demonstration")
def test_each_page_is_opened_by_some_role(client: FlaskClient, app: Flask) -> None:
    leave_traces(client)
    missing = {rule.endpoint: rule for rule in page_rules(app)}
    for login in (*FIRST, *(login for login in LOGINS if login not in FIRST)):
        sign_in(client, user_named(login))
        examples = examples_of(user_named(login))
        for endpoint, rule in list(missing.items()):
            if any(client.get(address).status_code in (200, 302) for address in addresses(app, rule, examples)):
                del missing[endpoint]
        client.post("/sign-out")
    assert set(missing) == set(NOT_MET), sorted(set(missing) ^ set(NOT_MET))
