"""What no form asks is stored nowhere, and no text deceives its reader: control, direction and unseen characters (issue 8)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from marshmallow import Schema
from marshmallow import fields as marshmallow_fields
from werkzeug.exceptions import HTTPException

from service.models.db.ids import new_id
from service.models.db.session import Base
from service.validation.characters import is_storable
from service.validation.fields import Field
from tests.api.every_page import LOGINS, addresses, examples_of, leave_traces, page_rules, user_named
from tests.api.test_pages_fuzz import DANGEROUS_FORMS, encoded, fields
from tests.api.test_security_forgery import variable_names
from tests.builders.stored import texts_with
from tests.builders.world import sign_in

PAGES = 2  # addresses of one rule for one role; of tasks one of each kind
HOSTILE = ("甲\u202e乙", "甲\x01乙", "甲\ufeff\u2066乙", "甲\u2028乙")
DECEIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\u2028\u2029]")
MARK = "forged-7f3a91"
TYPED = {"text", "search", "tel", "email", "url", "password", ""}


def text_fields(form: Any) -> list[str]:
    """The names of the fields of a form into which people type."""
    inputs = [one.get("name") for one in form.xpath(".//input[@name]") if (one.get("type") or "") in TYPED]
    return [*inputs, *(one.get("name") for one in form.xpath(".//textarea[@name]"))]


def forms_of(tree: Any, address: str) -> Iterator[tuple[str, dict[str, str], list[str]]]:
    for form in tree.xpath("//form[translate(@method, 'POST', 'post')='post']"):
        target = form.get("action") or address
        if not urlsplit(target).netloc and not target.startswith(DANGEROUS_FORMS):
            yield target, fields(form), text_fields(form)


class Sender:
    """Sends every form of every page it is shown, once for each text field and hostile text, by at most two roles."""

    def __init__(self, app: Flask, client: FlaskClient, names: set[str]) -> None:
        self.app, self.client, self.names = app, client, names
        self.sent: Counter[tuple[str, str]] = Counter()
        self.faults: dict[str, str] = {}

    def visit(self, address: str) -> None:
        answer = self.client.get(address)
        if answer.mimetype != "text/html" or answer.status_code != 200:
            return
        for target, values, typed in forms_of(html.fromstring(answer.text), address):
            rule = self._rule(target)
            more = dict.fromkeys(self.names - values.keys(), MARK)
            for name in typed or [""]:
                if self.sent[rule, name] < 2 * len(HOSTILE):
                    for hostile in HOSTILE if name else HOSTILE[:1]:
                        self.sent[rule, name] += 1
                        self._post(rule, target, values | more | ({name: values[name] + hostile} if name else {}))

    def _post(self, rule: str, target: str, values: dict[str, str]) -> None:
        values |= {name: str(new_id()) for name in ("form_id", "submission", "import_id") if name in values}
        answer = self.client.post(
            target, data=encoded(values), content_type="application/x-www-form-urlencoded", buffered=True
        )
        if answer.status_code >= 500:
            self.faults[rule] = f"{target} {answer.status_code}"

    def _rule(self, target: str) -> str:
        try:
            return str(
                self.app.url_map.bind("localhost").match(urlsplit(target).path, "POST", return_rule=True)[0].rule
            )
        except HTTPException:
            return ""


@pytest.mark.usefixtures("demonstration")
def test_nothing_forged_and_nothing_deceitful_is_stored(app: Flask, client: FlaskClient) -> None:
    """Every form of every page as each role, with every variable and column name as a field that it does not have."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    leave_traces(client)
    columns = {column.name for table in Base.metadata.sorted_tables for column in table.columns}
    sender = Sender(app, client, variable_names() | columns)
    for login in LOGINS:
        sign_in(client, user_named(login))
        examples = examples_of(user_named(login))
        for rule in page_rules(app):
            most = None if rule.arguments & {"task_id"} else PAGES
            for address in [*addresses(app, rule, examples)][:most]:
                if not address.startswith(DANGEROUS_FORMS):
                    sender.visit(address)
        client.post("/sign-out")
    assert not sender.faults, sender.faults
    assert len(sender.sent) > 100, len(sender.sent)
    assert not texts_with(re.compile(MARK))
    assert not texts_with(DECEIT)


def schemas(kind: type[Schema] = Schema) -> Iterator[type[Schema]]:
    """Every schema of ``/api/v1``."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("service.api.v1"):
            yield one
        yield from schemas(one)


def test_every_text_of_v1_is_read_by_the_one_validation(app: Any) -> None:
    """A member that a client sends is one of ours, whose rules are those of the pages; marshmallow's own know none."""
    found = [(schema, name, field) for schema in schemas() for name, field in schema._declared_fields.items()]
    ours = (Field, marshmallow_fields.Nested, marshmallow_fields.List, marshmallow_fields.Dict, marshmallow_fields.Raw)
    foreign = [
        f"{schema.__name__}.{name}"
        for schema, name, field in found
        if not field.dump_only and not isinstance(field, ours)
    ]
    assert len(found) > 100
    assert not foreign


def test_the_characters_that_deceive_are_those_that_no_text_holds() -> None:
    for point in [*range(0x250), *range(0x2000, 0x2070), 0xD800, 0xDFFF, 0xFEFF]:
        one = chr(point)
        if DECEIT.search(one) or 0xD800 <= point <= 0xDFFF:
            assert not is_storable(f"甲{one}乙"), hex(point)
