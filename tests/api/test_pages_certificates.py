"""Certificates: ledger, printing with its log, the public page and its limits."""

from __future__ import annotations

import re
import zlib
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.certificates.certificate import PrintRecord
from tests.builders.world import (
    authority_user,
    fresh,
    make_certificate,
    make_person,
    make_photo,
    make_unit,
    make_user,
    sign_in,
)


def texts(pdf: bytes) -> bytes:
    """Everything in the streams of a PDF, unpacked."""
    found = []
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.S):
        try:
            # a packed stream may end in what looks like a line break: what follows its own end is left unread
            found.append(zlib.decompressobj().decompress(packed))
        except zlib.error:
            found.append(packed)
    return b"".join(found)


def test_without_a_photo_nothing_is_printed(client: FlaskClient) -> None:  # R58
    certificate = make_certificate(make_person(make_unit()))
    sign_in(client, authority_user("association"))
    assert "还没有照片" in client.get(f"/certificates/{certificate.id}").get_data(as_text=True)
    assert client.post(f"/certificates/{certificate.id}/print").status_code == 409
    assert session().scalars(select(PrintRecord)).all() == []


def test_the_first_print_needs_no_reason_and_each_further_one_does(client: FlaskClient) -> None:  # R58
    person = make_person(make_unit())
    make_photo(person)
    certificate = make_certificate(person)
    sign_in(client, authority_user("association"))
    address = f"/certificates/{certificate.id}/print"
    first = client.post(address)
    assert first.status_code == 303
    again = client.post(address, data={"reason": " "})
    assert again.status_code == 422
    assert 'id="reason-wrong"' in again.get_data(as_text=True)
    assert client.post(address, data={"reason": "卡纸"}).status_code == 303
    assert fresh(certificate).printed_count == 2
    assert [p.reason for p in session().scalars(select(PrintRecord).order_by(PrintRecord.created_at))] == [
        "首次打印",
        "卡纸",
    ]
    pdf = client.get(first.headers["Location"])
    assert pdf.mimetype == "application/pdf"
    inside = texts(pdf.data)
    assert re.search(rb"/BaseFont ?/[A-Z]{6}\+Noto-S\w+-", inside)  # an embedded part of a Chinese font
    assert len(re.findall(rb"/Type ?/Page\b(?!s)", inside)) == 1


def test_only_the_association_prints(client: FlaskClient) -> None:
    unit = make_unit()
    person = make_person(unit)
    make_photo(person)
    certificate = make_certificate(person)
    for user in (authority_user(), authority_user("ministry"), make_user("enterprise", unit.id)):
        sign_in(client, user)
        assert client.get(f"/certificates/{certificate.id}").status_code == 200
        assert client.post(f"/certificates/{certificate.id}/print").status_code == 404
        assert client.get(f"/certificates/{certificate.id}/preview.pdf").status_code == 404


def test_who_received_a_print_is_written_down(client: FlaskClient) -> None:
    person = make_person(make_unit())
    make_photo(person)
    certificate = make_certificate(person)
    sign_in(client, authority_user("association"))
    client.post(f"/certificates/{certificate.id}/print")
    record = session().scalars(select(PrintRecord)).one()
    received = {"received_by": "吴戊", "received_on": today().isoformat()}
    assert client.post(f"/certificates/prints/{record.id}/hand-out", data=received).status_code == 302
    assert "吴戊" in client.get(f"/certificates/{certificate.id}").get_data(as_text=True)


def test_the_ledger_shows_what_is_in_scope_by_state(client: FlaskClient) -> None:
    ours, theirs = make_person(make_unit(), "陈戊辰"), make_person(make_unit(province="42"), "褚乙亥")
    expired = make_certificate(ours, today() - timedelta(days=1))
    make_certificate(theirs)
    sign_in(client, authority_user())
    page = client.get("/certificates?state=expired").get_data(as_text=True)
    assert expired.number in page
    assert "已过期" in page
    assert "褚乙亥" not in client.get("/certificates").get_data(as_text=True)
    assert expired.number in client.get("/certificates?q=戊辰").get_data(as_text=True)
    assert expired.number in client.get(f"/certificates?q={expired.number[:8]}").get_data(as_text=True)


@pytest.mark.parametrize(
    ("state", "days", "person_state", "said"),
    [
        ("issued", 700, "approved", "待审批"),  # R59
        ("valid", 0, "approved", "有效"),  # the last day is valid (R24)
        ("valid", -1, "approved", "已过期"),
        ("superseded", 700, "approved", "已换证"),
        ("revoked", 700, "approved", "已吊销"),
        ("deregistered", -400, "approved", "已注销"),
        ("void", 700, "approved", "已作废"),
        ("valid", 700, "deregistered", "持证人已注销"),  # R17
    ],
)
def test_the_public_page_says_what_holds_today(
    client: FlaskClient, state: str, days: int, person_state: str, said: str
) -> None:
    person = make_person(make_unit(), state=person_state)
    certificate = make_certificate(person, today() + timedelta(days=days), state)
    page = client.get(f"/verify/{certificate.verify_token}").get_data(as_text=True)
    assert said in re.search(r'class="verdict.*?</p>', page, re.S)[0]  # type: ignore[index]
    assert person.id_number_masked in page
    assert person.id_number not in page
    assert "138****5678" not in page
    assert "/photo" not in page


def test_a_reissued_edition_says_that_this_paper_is_void(client: FlaskClient) -> None:  # R64
    person = make_person(make_unit())
    old = make_certificate(person, state="superseded")
    make_certificate(person, old.valid_to, number=old.number, edition=2, supersedes_id=old.id)
    assert "已补发，本证作废" in client.get(f"/verify/{old.verify_token}").get_data(as_text=True)


def test_by_form_number_and_name_must_both_be_right_and_every_miss_reads_alike(client: FlaskClient) -> None:  # R67
    person = make_person(make_unit(), "陈戊辰")
    certificate = make_certificate(person)
    assert "有效" in client.post("/verify", data={"number": certificate.number, "name": "陈戊辰"}).get_data(
        as_text=True
    )
    pages = [
        client.post("/verify", data={"number": number, "name": name}).get_data(as_text=True)
        for number, name in ((certificate.number, "陈戊申"), ("37202600000011", "陈戊辰"))
    ]
    misses = [re.search(r'role="status".*?</section>', page, re.S) for page in pages]
    assert all(misses)
    assert misses[0][0] == misses[1][0]  # type: ignore[index]
    assert "未查询到" in pages[0]


def test_an_unknown_token_is_answered_like_a_miss(client: FlaskClient) -> None:
    answer = client.get("/verify/no-such-token")
    assert answer.status_code == 404
    assert "未查询到" in answer.get_data(as_text=True)


def test_questions_are_limited_by_source_and_by_number(client: FlaskClient, clock: Any) -> None:  # R67
    asked = {"number": "37202600000011", "name": "陈戊辰"}
    answers = [client.post("/verify", data=asked).status_code for _ in range(11)]
    assert answers[:10] == [404] * 10
    assert answers[10] == 429
    elsewhere = [client.post("/verify", data=asked | {"number": f"372026{n:08d}"}).status_code for n in range(11)]
    assert 429 in elsewhere
    clock.move(timedelta(minutes=16))
    assert client.post("/verify", data=asked).status_code == 404
