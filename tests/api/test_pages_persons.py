"""Persons: lists in scope, entry with every error at its field, photos, the look at a whole number."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Task
from service.models.tables.system.audit import AuditEvent, RowChange
from service.models.tables.units.organisation import Organisation
from tests.builders.world import (
    authority_user,
    fresh,
    identity_number,
    make_certificate,
    make_person,
    make_photo,
    make_unit,
    make_user,
    portrait,
    sign_in,
)

NUMBER = "370000198001010025"  # domain.md §2


@pytest.fixture
def unit(app: Any) -> Organisation:
    return make_unit(name="泺源民爆器材（示例）公司")


@pytest.fixture
def officer(unit: Organisation) -> User:
    return make_user("enterprise", unit.id)


def entry(**more: Any) -> dict[str, Any]:
    """What the form sends for a sound person."""
    return {
        "name": "陈戊辰",
        "id_type": "resident_id",
        "id_number": NUMBER,
        "qualification_type": "MANAGER_PROD",
        "phone": "13812345678",
        "post": "安全科长",
        "no_criminal_record": "true",
        "act": "save",
    } | more


def only_person() -> Person:
    session().expire_all()
    return session().scalars(select(Person)).one()


def test_birth_date_and_sex_come_from_the_number_whatever_is_typed(client: FlaskClient, officer: User) -> None:  # R18
    sign_in(client, officer)
    answer = client.post("/persons", data=entry(birth_date="1999-09-09", sex="male"))
    assert answer.status_code == 302
    person = only_person()
    assert (str(person.birth_date), person.sex, person.state) == ("1980-01-01", "female", "draft")
    assert person.id_number_masked == "370***********0025"
    assert person.id_number == NUMBER


def test_every_error_stands_at_its_field_and_nothing_is_written(client: FlaskClient, officer: User) -> None:
    sign_in(client, officer)
    wrong = entry(
        name="X", id_number="370000198001010026", phone="12", qualification_type="ANYTHING", certificate_number="12345"
    )
    answer = client.post("/persons", data=wrong)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    fields = set(re.findall(r'id="(\w+)-wrong"', page))
    assert {"name", "id_number", "phone", "qualification_type", "certificate_number"} <= fields
    assert 'value="370000198001010026"' in page
    assert "0025" not in page  # the right check digit is not given away
    assert session().scalars(select(Person)).all() == []


def test_a_number_entered_elsewhere_is_refused_without_saying_where(client: FlaskClient, officer: User) -> None:  # R19
    other = make_unit(province="42", name="楚天民爆公司")
    make_person(other, number=NUMBER)
    sign_in(client, officer)
    page = client.post("/persons", data=entry()).get_data(as_text=True)
    assert "该人员已存在于其他单位，请联系协会变更单位。" in page
    assert "楚天" not in page


def test_minors_are_refused(client: FlaskClient, officer: User) -> None:  # R20
    sign_in(client, officer)
    young = identity_number(7, birth=f"{today().year - 17}0101")
    assert "未满 18 周岁" in client.post("/persons", data=entry(id_number=young)).get_data(as_text=True)


def test_a_legacy_certificate_needs_a_number_of_11_or_14_digits_and_a_last_day(
    client: FlaskClient, officer: User
) -> None:  # R21
    sign_in(client, officer)
    assert client.post("/persons", data=entry(certificate_number="37201200001")).status_code == 422
    sound = entry(
        certificate_number="37201200001", certificate_issued_on="2024-01-19", certificate_valid_to="2027-01-18"
    )
    assert client.post("/persons", data=sound).status_code == 302
    assert only_person().legacy_number == "37201200001"


@pytest.mark.parametrize(
    ("upload", "said"),
    [
        (b"<html>not a picture</html>" * 1000, "JPEG 或 PNG"),
        (portrait(200, 280), "295×413"),
        (portrait(413, 413), "5:7"),
        (portrait(noise=False), "20 KB"),
        (portrait() + b"PK\x03\x04 a zip hangs on behind", "末尾带有别的内容"),
        (portrait()[:30000], "不完整"),
        (portrait(kind="PNG") + b"<script>", "末尾带有别的内容"),
        (portrait(kind="GIF"), "JPEG 或 PNG"),
    ],
)
def test_what_is_no_plain_photo_is_refused_at_its_field(
    client: FlaskClient, officer: User, upload: bytes, said: str
) -> None:
    sign_in(client, officer)
    answer = client.post("/persons", data=entry(photo=(io.BytesIO(upload), "照片.jpg")))
    assert answer.status_code == 422
    assert said in re.search(r'id="photo-wrong".*?</div>', answer.get_data(as_text=True), re.S)[0]  # type: ignore[index]
    assert session().scalars(select(Person)).all() == []


def test_a_photo_is_encoded_anew_and_served_in_scope_only(client: FlaskClient, officer: User) -> None:
    sign_in(client, officer)
    picture = portrait(590, 826)
    assert client.post("/persons", data=entry(photo=(io.BytesIO(picture), "a.jpg"))).status_code == 302
    person = only_person()
    answer = client.get(f"/persons/{person.id}/photo")
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.data.startswith(b"\xff\xd8\xff")
    assert answer.data != picture
    sign_in(client, authority_user(code="42"))
    assert client.get(f"/persons/{person.id}/photo").status_code == 404


def test_a_draft_that_lacks_something_says_what(client: FlaskClient, officer: User) -> None:
    sign_in(client, officer).post("/persons", data=entry(no_criminal_record=""))
    answer = client.post(f"/persons/{only_person().id}/submit")
    assert answer.status_code == 422
    assert "请先核实该人员未受过刑事处罚并勾选声明" in answer.get_data(as_text=True)


def test_a_draft_can_be_deleted_and_nothing_else(client: FlaskClient, officer: User, unit: Organisation) -> None:  # R16
    draft, approved = make_person(unit, state="draft"), make_person(unit)
    sign_in(client, officer)
    assert client.post(f"/persons/{approved.id}/delete").status_code == 409
    key = draft.id
    assert client.post(f"/persons/{key}/delete").status_code == 302
    session().expire_all()
    assert session().get(Person, key) is None


def test_while_pending_the_unit_cannot_edit(client: FlaskClient, officer: User, unit: Organisation) -> None:
    person = make_person(unit, state="pending")
    sign_in(client, officer)
    assert client.get(f"/persons/{person.id}/edit").status_code == 409
    assert client.post(f"/persons/{person.id}", data=entry(id_number="")).status_code == 409


def test_a_list_shows_what_is_in_scope_masked(client: FlaskClient, unit: Organisation) -> None:  # R70
    ours = make_person(unit, "陈戊辰")
    make_person(make_unit(province="42"), "褚乙亥")
    sign_in(client, authority_user())
    page = client.get("/persons").get_data(as_text=True)
    assert "陈戊辰" in page
    assert "褚乙亥" not in page
    assert ours.id_number_masked in page
    assert ours.id_number not in page


@pytest.mark.parametrize(
    ("words", "found"),
    [("陈", True), ("戊辰", True), ("chen", True), ("乙", False), ("陈戊辰", True), ("3720", True), ("%", False)],
)
def test_names_are_found_by_any_part_by_pinyin_and_by_certificate(
    client: FlaskClient, unit: Organisation, words: str, found: bool
) -> None:
    make_certificate(make_person(unit, "陈戊辰"), number="37202600000011")
    sign_in(client, authority_user())
    assert ("陈戊辰</a>" in client.get("/persons", query_string={"q": words}).get_data(as_text=True)) is found


def test_a_whole_number_is_looked_up_by_post_within_the_scope(client: FlaskClient, unit: Organisation) -> None:
    person = make_person(unit, number=NUMBER)
    sign_in(client, authority_user())
    assert (
        client.post("/persons/find", data={"id_number": "３７0000198001010025 "}).headers["Location"]
        == f"/persons/{person.id}"
    )
    sign_in(client, authority_user(code="42"))
    assert client.post("/persons/find", data={"id_number": NUMBER}).status_code == 422


def test_a_whole_number_is_shown_by_a_click_that_is_remembered(client: FlaskClient, unit: Organisation) -> None:
    person = make_person(unit, number=NUMBER)
    user = authority_user()
    sign_in(client, user)
    assert NUMBER not in client.get(f"/persons/{person.id}").get_data(as_text=True)
    assert NUMBER in client.post(f"/persons/{person.id}/number").get_data(as_text=True)
    looked = session().scalars(select(AuditEvent).where(AuditEvent.action == "reveal_number")).one()
    assert (looked.actor_id, looked.object_id) == (user.id, person.id)
    assert NUMBER not in str(looked.detail)


def test_pages_follow_each_other_and_back_without_gap(client: FlaskClient, unit: Organisation) -> None:
    for _ in range(110):
        make_person(unit)
    sign_in(client, authority_user())
    address, seen, pages = "/persons", [], 0
    while address:
        page = client.get(address).get_data(as_text=True)
        seen += re.findall(r'href="/persons/([0-9a-f-]{36})"', page)
        pages += 1
        forward = re.search(r'rel="next" href="([^"]+)"', page)
        back = re.search(r'rel="prev" href="([^"]+)"', page)
        address = forward[1].replace("&amp;", "&") if forward else ""
    assert (len(seen), len(set(seen)), pages) == (110, 110, 3)
    before = client.get(back[1]).get_data(as_text=True) if back else ""
    assert re.findall(r'href="/persons/([0-9a-f-]{36})"', before) == seen[50:100]


def test_the_association_moves_a_person_and_the_version_says_so(
    client: FlaskClient, unit: Organisation
) -> None:  # R15, S64
    person, there = make_person(unit), make_unit(province="42", name="楚天民爆公司")
    certificate = make_certificate(person)
    sign_in(client, authority_user("association"))
    assert client.post(f"/persons/{person.id}/transfer", data={"unit": there.id}).status_code == 302
    moved = fresh(person)
    assert (moved.unit_id, moved.state) == (there.id, "approved")
    assert fresh(certificate).state == "valid"  # R65
    page = client.get(f"/persons/{person.id}").get_data(as_text=True)
    assert "<del>泺源民爆器材（示例）公司</del>" in page
    assert "<ins>楚天民爆公司</ins>" in page
    assert [c.use_case for c in RowChange.of(person.id)][-1] == "transfer_person"


def test_a_type_is_changed_only_while_the_certificate_is_valid(client: FlaskClient, unit: Organisation) -> None:  # R61
    expired, valid = make_person(unit), make_person(unit)
    make_certificate(expired, today() - timedelta(days=1))
    old = make_certificate(valid, today())
    sign_in(client, authority_user("association"))
    change = {"qualification_type": "PRINCIPAL_SALE"}
    assert client.post(f"/persons/{expired.id}/type", data=change).status_code == 409
    assert client.post(f"/persons/{valid.id}/type", data=change).status_code == 302
    page = client.get(f"/persons/{valid.id}").get_data(as_text=True)
    assert "第 2 版，打印 0 次" in page
    assert fresh(old).state == "superseded"


def test_a_person_page_shows_photo_certificate_and_need(client: FlaskClient, unit: Organisation) -> None:
    person = make_person(unit)
    make_photo(person)
    make_certificate(person, today() + timedelta(days=30))
    sign_in(client, authority_user())
    page = client.get(f"/persons/{person.id}").get_data(as_text=True)
    assert "应换证" in page
    assert "将到期" in page
    assert f"/persons/{person.id}/photo" in page


def test_S88_two_versions_of_a_record_stand_side_by_side_with_their_photos(
    client: FlaskClient, officer: User, unit: Organisation
) -> None:
    sign_in(client, officer)
    person = make_person(unit, "陈戊辰", state="draft", post="安全员")
    old = make_photo(person)
    typed = {"name": "陈戊辰", "qualification_type": "MANAGER_PROD", "no_criminal_record": "true", "version": ""}
    for post in ("安全科长", "安全总监"):
        client.post(f"/persons/{person.id}", data=typed | {"post": post, "act": "save"})
    new = make_photo(person)
    page = client.get(f"/persons/{person.id}/versions").text
    assert f"/persons/{person.id}/photos/{old.id}" in page
    assert f"/persons/{person.id}/photos/{new.id}" in page
    page = client.get(f"/persons/{person.id}/versions?newer=1&older=4").text
    row = re.search(r'<tr class="changed">\s*<td class="main">\s*职务.*?</tr>', page, re.DOTALL)
    assert row
    assert re.findall(r"<(?:del|ins)>(.*?)</(?:del|ins)>", row[0]) == ["安全员", "安全总监"]
    former = client.get(f"/persons/{person.id}/photos/{old.id}")
    assert (former.mimetype, former.headers["Cache-Control"]) == ("image/jpeg", "no-store")
    assert client.get(f"/persons/{person.id}/versions?newer=99&older=x").status_code == 200
    other = make_person(make_unit(), state="draft")
    strange = make_photo(other)
    assert client.get(f"/persons/{person.id}/photos/{strange.id}").status_code == 404
    assert client.get(f"/persons/{other.id}/versions").status_code == 404
    assert client.get(f"/persons/{other.id}/photos/{strange.id}").status_code == 404


def test_a_person_entered_by_two_clicks_is_one(client: FlaskClient, officer: User) -> None:  # R19
    sign_in(client, officer)
    typed = {
        "name": "陈戊辰",
        "id_type": "resident_id",
        "id_number": identity_number(77),
        "qualification_type": "MANAGER_PROD",
        "form_id": str(new_id()),
        "act": "save",
    }
    assert len({client.post("/persons", data=typed).headers["Location"] for _ in range(2)}) == 1
    again = client.post("/persons", data=typed | {"form_id": str(new_id())})
    assert again.status_code == 422
    assert "已录入" in again.text


def test_a_refused_form_may_be_mended_and_sent_with_the_same_id(client: FlaskClient, officer: User) -> None:
    sign_in(client, officer)
    typed = {"name": "陈戊辰", "id_number": "1", "qualification_type": "MANAGER_PROD", "form_id": str(new_id())}
    assert client.post("/persons", data=typed).status_code == 422
    assert client.post("/persons", data=typed | {"id_number": identity_number(78)}).status_code == 302


def test_R14_who_approves_a_change_compares_it_side_by_side(
    client: FlaskClient, app: Any, officer: User, unit: Organisation
) -> None:
    person = make_person(unit, "陈戊辰", post="安全员")
    sign_in(client, officer)
    typed = {"name": "陈戊辰", "qualification_type": "MANAGER_PROD", "no_criminal_record": "true", "post": "安全科长"}
    client.post(f"/persons/{person.id}", data=typed | {"act": "save"})
    task = session().scalars(select(Task).where(Task.element == "approve_person")).one()
    sign_in(client, authority_user())
    assert f"/persons/{person.id}/versions" in client.get(f"/tasks/{task.id}").text
    assert "<del>安全员</del>" in client.get(f"/persons/{person.id}/versions").text.replace("\n", "")
