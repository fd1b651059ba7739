"""Links and hosts come from the settings alone; the privacy notice stands before every act; foreign names are not told."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from service.domain.accounts import privacy
from service.errors import Conflict
from service.models.db.transaction import Operation, transaction
from service.web import BLUEPRINTS
from service.workflow.certificates import verification_address
from service.workflow.certificates.verification_address import PATH
from tests.api.v1_world import Machine as V1Machine
from tests.api.v1_world import make_world
from tests.builders.world import authority_user, fresh, make_certificate, make_person, make_unit, sign_in


@pytest.mark.parametrize("host", ["evil.example", "a b", "127.0.0.1.evil.example", "localhost.evil.example"])
@pytest.mark.parametrize("path", ["/sign-in", "/verify", "/healthz", "/api/v1/account", "/engine-rest/version"])
def test_a_foreign_host_is_refused(client: FlaskClient, host: str, path: str) -> None:
    assert client.get(path, headers={"Host": host}).status_code == 400


def test_the_address_of_a_certificate_is_the_page_that_verifies_it(app: Flask) -> None:
    with app.test_request_context():
        assert verification_address.verification_address() == "http://localhost" + url_for("public.verify_form") + "/{}"
        assert url_for("public.verify_form") + "/{}" == PATH


def test_without_an_address_nothing_is_printed_and_the_page_says_why(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = verification_address.settings()
    monkeypatch.setattr(verification_address, "settings", lambda: dataclasses.replace(known, address=""))
    with pytest.raises(Conflict):
        verification_address.verification_address()
    certificate = make_certificate(make_person(make_unit()))
    sign_in(client, authority_user("association"))
    answer = client.post("/certificates/print", data={"c": [str(certificate.id)]})
    assert answer.status_code == 409
    assert "ANPEI_ADDRESS" in answer.get_data(as_text=True)
    assert fresh(certificate).printed_count == 0


def test_before_the_privacy_notice_is_read_nothing_is_done_whatever_the_method(app: Flask, client: FlaskClient) -> None:
    user = authority_user("association", "association")
    with transaction(Operation("test")):
        fresh(user).privacy_version = privacy.VERSION - 1
    sign_in(client, user)
    tried = 0
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if rule.endpoint.split(".")[0] not in BLUEPRINTS or getattr(view, "access", None) is None:
            continue
        if hasattr(view, "before_password"):
            continue
        address = rule.rule
        for name in rule.arguments:
            kind = type(rule._converters[name]).__name__
            example = {"UUIDConverter": "0190b5a0-0000-7000-8000-000000000000", "IntegerConverter": "1"}.get(kind, "x")
            address = address.replace(next(part for part in _parts(rule.rule) if part.endswith(f"{name}>")), example)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            answer = client.open(address, method=method)
            assert answer.status_code in (302, 409), (method, rule.rule, answer.status_code)
            if answer.status_code == 302:
                assert answer.headers["Location"].startswith("/privacy"), (method, rule.rule)
            tried += 1
    assert tried > 150


def test_before_the_privacy_notice_is_read_no_interface_answers(client: FlaskClient, clock: Any) -> None:
    stage = make_world()
    with transaction(Operation("test")):
        fresh(stage.association).privacy_version = privacy.VERSION - 1
    assert V1Machine(client, stage.association).get("/persons").status_code == 403
    auth = (stage.association.login, "Blasting-Caps-2026")
    assert client.get("/engine-rest/task", auth=auth).status_code == 403


def test_the_heading_of_accounts_names_no_foreign_unit(client: FlaskClient) -> None:
    foreign = make_unit("enterprise", "42", name="汉江化工第二有限公司")
    sign_in(client, authority_user())
    assert foreign.name not in client.get(f"/users?unit={foreign.id}").get_data(as_text=True)


def _parts(rule: str) -> list[str]:
    return ["<" + part.split(">")[0] + ">" for part in rule.split("<")[1:]]
