"""What is malformed or forged is refused with a message, never with a fault, and nothing is written."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.encryption import blind_index
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.certificates.certificate import NumberOwner
from service.models.tables.persons.person import Person
from service.workflow.persons import person_records
from tests.builders.stage import make_stage, publish_class
from tests.builders.world import authority_user, make_person, make_unit, make_user, sign_in

SOUND = {
    "name": "陈戊辰",
    "id_type": "resident_id",
    "id_number": "370000198001010025",
    "qualification_type": "MANAGER_PROD",
    "no_criminal_record": "true",
    "act": "save",
}


@pytest.mark.parametrize("address", ["/units", "/persons", "/classes", "/enrollments", "/certificates"])
@pytest.mark.parametrize(
    "query",
    ["page=nonsense", "page=W10", "unit=nonsense&province=1", "state=%27--&kind=x&year=9&need=1", "q=%25_%5C%27"],
)
def test_a_list_survives_any_address(client: FlaskClient, address: str, query: str) -> None:
    sign_in(client, authority_user("association"))
    assert client.get(f"{address}?{query}").status_code in (200, 404)


@pytest.mark.parametrize(
    "address", ["/persons", "/units", "/units?kind=branch", "/units/unentered", "/users", "/exports/new/persons"]
)
@pytest.mark.parametrize(
    "query",
    ["name=x&user_id=x", "endpoint=x", "_method=PUT", "_scheme=ftp", "_external=1&_scheme=javascript&_anchor=x"],
)
def test_a_link_chooses_neither_scheme_nor_host_of_our_forms(client: FlaskClient, address: str, query: str) -> None:
    make_unit(state="draft")
    sign_in(client, authority_user())
    answer = client.get(f"{address}{'&' if '?' in address else '?'}{query}", follow_redirects=True)
    assert answer.status_code == 200
    assert not re.search(r'(action|href)="[^"/.#]*(javascript|ftp):', answer.get_data(as_text=True))


@pytest.mark.parametrize("field", ["name", "post", "id_number", "certificate_number"])
def test_a_nul_is_refused(client: FlaskClient, field: str) -> None:
    unit = make_unit()
    sign_in(client, make_user("enterprise", unit.id))
    assert client.post("/persons", data=SOUND | {field: "a\0b"}).status_code == 400


@pytest.mark.parametrize(
    "more",
    [
        {"appointed_on": "2026-02-30"},
        {"appointed_on": "tomorrow"},
        {"appointed_on": "9999-01-01"},
        {"post": "长" * 51},
        {"id_type": "other", "id_number": "x"},
        {"unit": "nonsense"},
        {"unit": str(uuid.uuid4())},
        {"certificate_issued_on": "x"},
        {"id_number": "3700001980010100251"},
        {"id_number": "110000192902290016"},
        {"name": "a"},
        {"name": "<b>x</b>"},
    ],
)
def test_a_wrong_field_comes_back_and_nothing_is_written(client: FlaskClient, more: dict[str, str]) -> None:
    unit = make_unit()
    sign_in(client, make_user("enterprise", unit.id))
    answer = client.post("/persons", data=SOUND | more)
    assert answer.status_code == 422
    assert 'value="陈戊辰"' in answer.get_data(as_text=True) or "name" in more
    assert session().scalars(select(Person)).all() == []


def test_a_number_of_another_holder_is_told_at_its_field(client: FlaskClient) -> None:  # §1.4, R21
    unit = make_unit()
    with transaction(Operation("test")) as current:
        current.add(NumberOwner(number="37201200001", owner=blind_index("another")))
    sign_in(client, make_user("enterprise", unit.id))
    typed = {
        "certificate_number": "37201200001",
        "certificate_issued_on": "2025-01-01",
        "certificate_valid_to": "2027-12-31",
    }
    assert "已属于另一名人员" in client.post("/persons", data=SOUND | typed).get_data(as_text=True)


def test_of_two_units_entering_one_person_at_once_the_second_is_told(
    client: FlaskClient, monkeypatch: Any
) -> None:  # R19
    make_person(make_unit(province="42"), number="370000198001010025")
    monkeypatch.setattr(person_records, "_refuse_duplicate", lambda *_: None)  # as if the first were not committed yet
    sign_in(client, make_user("enterprise", make_unit().id))
    answer = client.post("/persons", data=SOUND)
    assert answer.status_code == 422
    assert "请联系协会变更单位" in answer.get_data(as_text=True)


def test_forged_ids_are_not_found(client: FlaskClient, clock: Any) -> None:
    stage = make_stage()
    found = publish_class(stage)
    nobody = str(uuid.uuid4())
    sign_in(client, stage.enterprise)
    assert client.get(f"/persons/{nobody}").status_code == 404
    assert client.get("/persons/nonsense").status_code == 404
    assert client.get(f"/classes/{nobody}/enroll").status_code == 404
    assert client.post(f"/classes/{found.id}/enroll", data={"person": "nonsense"}).status_code == 404
    assert "没有找到" in client.post(f"/classes/{found.id}/enroll", data={"person": nobody}).get_data(as_text=True)
    assert client.post(f"/enrollments/{nobody}/withdraw").status_code == 404
    sign_in(client, stage.association)
    assert client.post(f"/classes/{found.id}/check-in", data={"task_one": "nonsense"}).status_code == 404
    assert "没有找到" in client.post(f"/classes/{found.id}/check-in", data={"task_one": nobody}).get_data(as_text=True)
    assert client.get(f"/certificates/prints/{nobody}.pdf").status_code == 404
    sign_in(client, stage.institution)
    assert client.post(f"/classes/{found.id}/scores", data={"task": nobody, f"score_{nobody}": "80"}).status_code == 409
