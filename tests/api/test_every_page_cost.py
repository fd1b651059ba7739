"""Every page the application has, as each role sees it on the demonstration: no page asks more than 15 queries."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.every_page import LOGINS, addresses, examples_of, leave_traces, page_rules, user_named
from tests.api.queries import counted
from tests.api.test_pages_cost import MOST
from tests.builders.world import sign_in

NOT_MET = {
    "corrections.file": "the demonstration's corrections carry no evidence; test_identity_correction.py opens one",
    "notices.file": "the demonstration's bulletins carry no files; one query beside the notice, as tickets.file",
    "tickets.file": "the demonstration's tickets carry no files; test_pages_tickets.py opens one",
}
"""Endpoints that no role gets an answer from here, with the reason."""


@pytest.mark.usefixtures("demonstration")
def test_no_page_of_any_role_asks_more_than_fifteen_queries(client: FlaskClient, app: Flask) -> None:
    leave_traces(client)
    rules = page_rules(app)
    dear: list[str] = []
    met: set[str] = set()
    for login in LOGINS:
        sign_in(client, user_named(login))
        examples = examples_of(user_named(login))
        for rule in rules:
            for address in addresses(app, rule, examples):
                with counted() as queries:
                    answer = client.get(address)
                if len(queries) > MOST:  # anew: a definition is read once a process
                    with counted() as queries:
                        client.get(address)
                met |= {rule.endpoint} if answer.status_code in (200, 302) else set()
                assert answer.status_code < 500, f"{login} {address}"
                if len(queries) > MOST:
                    dear.append(f"{login} {address}: {len(queries)}")
                if answer.mimetype == "application/pdf":
                    break  # one paper of a kind: they take their time
        client.post("/sign-out")
    assert not dear, "\n".join(dear)
    missing = {rule.endpoint for rule in rules} - met
    assert missing == set(NOT_MET), sorted(missing ^ set(NOT_MET))
