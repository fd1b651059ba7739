"""Units: what each role sees and may change of a record, and that a unit's own data come first."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.units.organisation import Organisation, authority_id
from tests.api.rest_world import HASH, PASSWORD
from tests.builders.world import authority_user, credit_code, fresh, make_unit, make_user, sign_in

RECORD = {
    "business": "sale",
    "legal_rep": "郑丁",
    "contact": "吴戊",
    "phone": "053112345678",
    "address": "济南市",
    "credit_code": "",
}


def test_a_province_sees_its_own_units_only(client: FlaskClient) -> None:
    ours, theirs = make_unit(name="本省公司"), make_unit(province="42", name="外省公司")
    sign_in(client, authority_user())
    page = client.get("/units").get_data(as_text=True)
    assert "本省公司" in page
    assert "外省公司" not in page
    assert client.get(f"/units/{ours.id}").status_code == 200
    assert client.get(f"/units/{theirs.id}").status_code == 404


def test_until_its_record_is_complete_a_unit_is_led_there_and_may_do_nothing_else(client: FlaskClient) -> None:  # R3
    unit = make_unit(state="draft", contact=None, legal_rep=None)
    sign_in(client, make_user("enterprise", unit.id))
    for address in ("/", "/persons", "/persons/new", "/inbox"):
        assert client.get(address).headers["Location"] == f"/units/{unit.id}/edit"
    assert client.post("/persons", data={}).status_code == 409
    assert client.get("/password").status_code == 200
    page = client.get(f"/units/{unit.id}/edit").get_data(as_text=True)
    assert "请先完善本单位信息" in page
    assert client.post(f"/units/{unit.id}", data=RECORD).status_code == 302
    assert fresh(unit).state == "complete"
    assert client.get("/persons").status_code == 200


def test_the_api_too_waits_for_the_units_own_data(client: FlaskClient) -> None:  # R3
    unit = make_unit(state="draft", contact=None)
    user = make_user("enterprise", unit.id, password_hash=HASH)
    answer = client.get("/engine-rest/task", auth=(user.login, PASSWORD))
    assert answer.status_code == 403
    assert "请先完善本单位信息" in answer.get_data(as_text=True)


def test_a_record_with_gaps_stays_a_draft_and_says_what_is_missing(client: FlaskClient) -> None:
    unit = make_unit(state="draft", contact=None)
    sign_in(client, make_user("enterprise", unit.id))
    client.post(f"/units/{unit.id}", data=RECORD | {"contact": "", "phone": ""})
    assert fresh(unit).state == "draft"
    text = re.sub(r"<[^>]+>", "", client.get(f"/units/{unit.id}/edit").get_data(as_text=True))
    assert "联系人、联系电话" in text


def test_what_is_locked_for_the_unit_is_refused_at_its_field(client: FlaskClient) -> None:  # R11
    unit = make_unit()
    sign_in(client, make_user("enterprise", unit.id))
    for name, value in (("name", "另一个名字"), ("credit_code", credit_code(777)), ("kind", "group")):
        answer = client.post(f"/units/{unit.id}", data=RECORD | {name: value})
        assert answer.status_code == 422
    assert fresh(unit).kind == "enterprise"


def test_a_wrong_credit_code_comes_back_at_its_field_with_what_was_typed(client: FlaskClient) -> None:
    unit = make_unit(credit_code=None)
    sign_in(client, authority_user())
    answer = client.post(
        f"/units/{unit.id}", data=RECORD | {"credit_code": "91370000MA0000000X", "address": "新的地址"}
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "校验不符" in page
    assert "91370000MA0000000X" in page
    assert "新的地址" in page


def test_a_stale_form_is_refused_and_keeps_what_was_typed(client: FlaskClient) -> None:
    unit = make_unit()
    sign_in(client, authority_user())
    client.post(f"/units/{unit.id}", data=RECORD | {"version": unit.version, "contact": "甲"})
    answer = client.post(f"/units/{unit.id}", data=RECORD | {"version": unit.version, "contact": "乙"})
    assert answer.status_code == 409
    assert 'value="乙"' in answer.get_data(as_text=True)


def test_a_province_enters_a_unit_and_a_taken_name_is_told(client: FlaskClient) -> None:  # S31
    sign_in(client, authority_user())
    entered = {"name": "新立民爆公司", "kind": "enterprise", "credit_code": credit_code(901)}
    assert client.post("/units", data=entered).status_code == 302
    found = session().query(Organisation).filter_by(name="新立民爆公司").one()
    assert (found.state, found.authority_id) == ("draft", authority_id("37"))
    answer = client.post("/units", data=entered | {"credit_code": credit_code(902)})
    assert answer.status_code == 422
    assert "本省已有同名的单位" in answer.get_data(as_text=True)


def test_a_groups_page_lists_its_branches_in_other_provinces(client: FlaskClient) -> None:  # S57
    group = make_unit("group")
    make_unit("branch", province="42", name="武汉分公司", parent_id=group.id)
    sign_in(client, make_user("group", group.id))
    assert "武汉分公司" in client.get(f"/units/{group.id}").get_data(as_text=True)


def test_the_ministry_reads_units_and_changes_none(client: FlaskClient) -> None:
    unit = make_unit()
    sign_in(client, authority_user("ministry"))
    assert client.get(f"/units/{unit.id}").status_code == 200
    assert client.get(f"/units/{unit.id}/edit").status_code == 404
    assert client.post(f"/units/{unit.id}", data=RECORD).status_code == 404


def test_R3_the_gaps_of_a_record_lead_to_their_fields_and_show_how_far_it_is(client: FlaskClient) -> None:
    unit = make_unit(state="draft", contact=None, address=None, phone=None)
    sign_in(client, make_user("enterprise", unit.id))
    text = client.get(f"/units/{unit.id}/edit").text
    for name in ("contact", "phone", "address"):
        assert f'href="#{name}"' in text
        assert f'id="{name}"' in text
    assert "<b>66%</b>" in text
    sign_in(client, authority_user())
    text = client.get(f"/units/{unit.id}").text
    assert f'href="/units/{unit.id}/edit#contact"' in text
    assert "<b>66%</b>" in text
    sign_in(client, authority_user("ministry"))  # reads, and has no form to be led to
    assert f"/units/{unit.id}/edit" not in client.get(f"/units/{unit.id}").text


def test_a_unit_that_is_entered_twice_is_one(client: FlaskClient) -> None:  # S31
    sign_in(client, authority_user())
    typed = {"name": "新设民爆公司", "kind": "enterprise", "form_id": str(new_id())}
    assert len({client.post("/units", data=typed).headers["Location"] for _ in range(2)}) == 1
