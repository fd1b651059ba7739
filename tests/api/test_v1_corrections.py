"""Corrections of identity over ``/api/v1`` (R77): every operation by every role, the whole way, and what is refused."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from service.models.db.session import session
from service.models.tables.persons.person import Person
from tests.api.v1_world import HASH, Machine, make_world, told
from tests.builders.stage import Stage, certificates_of
from tests.builders.world import identity_number, make_certificate, make_unit, make_user, portrait

PICTURE = portrait()
EVIDENCE = [{"name": "户口簿.jpg", "content": base64.b64encode(PICTURE).decode()}]
ASKED = {"kind": "typing", "statement": "录入时错一字，见户口簿。", "name": "陈戊臣", "files": EVIDENCE}


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_world()


def holder(stage: Stage) -> Person:
    person = stage.person(number=identity_number(1))
    make_certificate(person, printed_count=1)
    return person


def asked(client: FlaskClient, stage: Stage, person: Person) -> dict[str, Any]:
    return dict(told(Machine(client, stage.enterprise).post(f"/persons/{person.id}/corrections", ASKED), 201))


def test_a_correction_is_asked_for_read_decided_and_applied(client: FlaskClient, stage: Stage) -> None:
    """R77: numbers stay masked, the evidence is what was sent, the paper gets its next edition."""
    person = holder(stage)
    made = asked(client, stage, person)
    assert made["changes"] == [{"field": "name", "before": person.name, "after": "陈戊臣"}]
    address = f"/corrections/{made['id']}"
    file = made["files"][0]
    sent = Machine(client, stage.province).get(f"{address}/files/{file['id']}")
    assert (sent.status_code, sent.data, sent.headers["Content-Disposition"]) == (200, PICTURE, "attachment")
    approved = told(Machine(client, stage.province).post(f"{address}/decide", {"decision": "approve"}))
    assert (approved["state"], approved["decided_at"] is not None) == ("approved", True)
    applied = told(Machine(client, stage.association).post(f"{address}/decide", {"decision": "assent"}))
    assert applied["state"] == "applied"
    assert session().get_one(Person, person.id, populate_existing=True).name == "陈戊臣"
    assert [one.state for one in certificates_of(person)] == ["superseded", "valid"]
    listed = told(Machine(client, stage.enterprise).get(f"/persons/{person.id}/corrections"))["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert person.id_number not in str(listed)


WAYS = {
    "list": ("GET", "/persons/{person}/corrections", None),
    "ask": ("POST", "/persons/{person}/corrections", ASKED),
    "show": ("GET", "/corrections/{correction}", None),
    "file": ("GET", "/corrections/{correction}/files/{file}", None),
    "decide": ("POST", "/corrections/{correction}/decide", {"decision": "approve"}),
    "withdraw": ("POST", "/corrections/{correction}/withdraw", None),
}
READ = dict.fromkeys(("list", "show", "file"), 200)
ANSWERS: dict[str, dict[str, int]] = {
    "enterprise": READ | {"ask": 409, "decide": 409, "withdraw": 200},
    "province": READ | {"ask": 403, "decide": 200, "withdraw": 403},
    "association": READ | {"ask": 404, "decide": 409, "withdraw": 404},  # those of academies are its own
    "ministry": READ | {"ask": 403, "decide": 409, "withdraw": 403},
    "institution": dict.fromkeys(WAYS, 404) | {"ask": 403, "withdraw": 403},  # it sees those of its classes
    "other_province": dict.fromkeys(WAYS, 404) | {"ask": 403, "withdraw": 403},
    "stranger": dict.fromkeys(WAYS, 404),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", ANSWERS)
def test_every_operation_by_every_role(client: FlaskClient, stage: Stage, who: str, way: str) -> None:
    """R70, R77; 409: not this step now, or one is under way already."""
    person = holder(stage)
    made = asked(client, stage, person)
    stranger = make_user("enterprise", make_unit().id, password_hash=HASH)
    user = stranger if who == "stranger" else getattr(stage, who)
    method, path, content = WAYS[way]
    address = path.format(person=person.id, correction=made["id"], file=made["files"][0]["id"])
    answer = Machine(client, user).send(method, address, content)
    assert answer.status_code == ANSWERS[who][way], answer.text


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"kind": "name", "name": "陈戊臣", "id_number": identity_number(2)}, "kind"),
        ({"name": "1"}, "name"),
        ({"id_number": "123"}, "id_number"),
        ({"files": [{"name": "a.exe", "content": "TVo="}]}, "files"),
        ({"files": []}, "files"),
    ],
)
def test_what_is_wrong_is_told_at_its_member(
    client: FlaskClient, stage: Stage, changed: dict[str, Any], field: str
) -> None:
    person = holder(stage)
    answer = Machine(client, stage.enterprise).post(f"/persons/{person.id}/corrections", ASKED | changed)
    assert list(told(answer, 422)["errors"]) == [field]


def test_a_refusal_needs_its_reason_and_ends_it(client: FlaskClient, stage: Stage) -> None:
    person = holder(stage)
    address = f"/corrections/{asked(client, stage, person)['id']}"
    province = Machine(client, stage.province)
    assert list(told(province.post(f"{address}/decide", {"decision": "refuse"}), 422)["errors"]) == ["reason"]
    refused = told(province.post(f"{address}/decide", {"decision": "refuse", "reason": "材料不全。"}))
    assert (refused["state"], refused["comment"]) == ("refused", "材料不全。")
    assert told(Machine(client, stage.enterprise).post(f"{address}/withdraw"), 409)
    assert told(province.get(f"{address}/files/{uuid4()}"), 404)
