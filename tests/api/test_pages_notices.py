"""Notices and bulletins by their pages: audience, receipts, authoring, files, publishing and withdrawing, the digest."""

from __future__ import annotations

import io
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from service.models.db.clock import MovingClock, now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.notices import notice_list
from service.models.tables.accounts.user import User
from service.models.tables.notices.notice import Attachment, Notice
from service.models.tables.system.audit import RowChange
from service.models.tables.units.organisation import authority_id
from service.workflow.notices import notices
from service.workflow.system import daily_digest
from tests.builders.documents import pdf
from tests.builders.stage import known, make_stage, publish_class
from tests.builders.world import (
    authority_user,
    fresh,
    make_certificate,
    make_person,
    make_unit,
    make_user,
    sign_in,
    stored_values,
)

PDF = pdf()
TEXT = {"title": "关于做好年度培训的通报", "body": "<p>请<b>按时</b>报名。</p><script>alert(1)</script>", "markup": "1"}


@pytest.fixture
def province(app: Flask, clock: MovingClock) -> User:
    return known(authority_user())


def write(client: FlaskClient, **fields: object) -> UUID:
    """A draft of whoever is signed in; its id."""
    answer = client.post("/bulletins", data=TEXT | fields)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return UUID(answer.headers["Location"].rpartition("/")[2])


def page(client: FlaskClient, address: str) -> str:
    return client.get(address).get_data(as_text=True)


def test_a_bulletin_is_drafted_published_read_by_its_audience_and_withdrawn(  # S110 R68
    client: FlaskClient, app: Flask, province: User
) -> None:
    ours, theirs = make_unit(), make_unit(province="42")
    reader, stranger = make_user("enterprise", ours.id), make_user("enterprise", theirs.id)
    key = write(sign_in(client, province))
    inside, outside = sign_in(app.test_client(), reader), sign_in(app.test_client(), stranger)
    assert inside.get(f"/notices/{key}").status_code == 404
    client.post(f"/bulletins/{key}/publish")
    assert "未读 1 条" in page(inside, "/notices")
    shown = page(inside, f"/notices/{key}")
    assert "<p>请<b>按时</b>报名。</p>" in shown
    assert "alert(1)" not in shown
    assert "未读 0 条" in page(inside, "/notices")
    assert outside.get(f"/notices/{key}").status_code == 404
    assert TEXT["title"] not in page(outside, "/notices")
    assert "已读 1" in page(client, f"/bulletins/{key}/readers")
    assert reader.display_name in page(client, f"/bulletins/{key}/readers")
    client.post(f"/bulletins/{key}/withdraw", data={"reason": "数字有误"})
    assert inside.get(f"/notices/{key}").status_code == 404
    assert "数字有误" in page(client, f"/notices/{key}")


def test_r68_a_published_bulletin_is_neither_changed_nor_deleted(client: FlaskClient, province: User) -> None:
    key = write(sign_in(client, province))
    client.post(f"/bulletins/{key}/publish")
    assert client.post(f"/bulletins/{key}", data=TEXT | {"title": "别的"}).status_code in (302, 409)
    assert client.post(f"/bulletins/{key}/delete").status_code == 409
    assert client.post(f"/bulletins/{key}/publish").status_code == 409
    assert client.post(f"/bulletins/{key}/files", data={"file": (io.BytesIO(PDF), "a.pdf")}).status_code in (302, 409)
    session().expire_all()
    row = session().get_one(Notice, key)
    assert (row.title, row.state) == (TEXT["title"], "published")
    assert Attachment.of(key) == []


def test_a_draft_is_deleted_with_its_files(client: FlaskClient, province: User) -> None:  # R68
    key = write(sign_in(client, province))
    client.post(f"/bulletins/{key}/files", data={"file": (io.BytesIO(PDF), "通知.pdf")})
    assert "不能恢复" in page(client, f"/bulletins/{key}/delete")
    assert client.post(f"/bulletins/{key}/delete").status_code == 302
    assert session().get(Notice, key) is None
    assert Attachment.of(key) == []


def test_files_are_checked_sealed_and_given_only_to_readers(client: FlaskClient, app: Flask, province: User) -> None:
    reader = make_user("enterprise", make_unit().id)
    stranger = make_user("enterprise", make_unit(province="42").id)
    key = write(sign_in(client, province))
    refused = client.post(f"/bulletins/{key}/files", data={"file": (io.BytesIO(b"MZ..."), "程序.pdf")})
    assert refused.status_code == 422
    assert 'id="file-wrong"' in refused.get_data(as_text=True)
    client.post(f"/bulletins/{key}/files", data={"file": (io.BytesIO(PDF), "通知.pdf")})
    file = Attachment.of(key)[0]
    assert (file.name, file.size) == ("通知.pdf", len(PDF))
    assert not any(PDF in stored for stored in stored_values(Attachment.content))
    client.post(f"/bulletins/{key}/publish")
    inside, outside = sign_in(app.test_client(), reader), sign_in(app.test_client(), stranger)
    answer = inside.get(f"/notices/{key}/files/{file.id}")
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert outside.get(f"/notices/{key}/files/{file.id}").status_code == 404
    assert "hidden" in str([c.after for c in RowChange.of(file.id)])


def test_no_more_files_than_the_setting_allows(client: FlaskClient, province: User) -> None:
    key = write(sign_in(client, province))
    for n in range(6):
        answer = client.post(f"/bulletins/{key}/files", data={"file": (io.BytesIO(PDF), f"{n}.pdf")})
    assert answer.status_code == 422
    assert len(Attachment.of(key)) == 5


def test_wrong_entries_come_back_at_their_fields_with_what_was_typed(client: FlaskClient, province: User) -> None:
    sign_in(client, province)
    answer = client.post("/bulletins", data={"title": "", "body": "<p> </p>", "markup": "1", "roles": ["sys_admin"]})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for name in ("title", "body", "roles"):
        assert f'id="{name}-wrong"' in text
    kept = client.post("/bulletins", data=TEXT | {"title": ""}).get_data(as_text=True)
    assert "<b>按时</b>" in kept


def test_a_text_typed_without_the_editor_keeps_its_lines(client: FlaskClient, province: User) -> None:
    key = write(sign_in(client, province), body="第一行 <b>\n第二行", markup="")
    answer = client.post("/bulletins", data={"title": "无编辑器", "body": "第一行 <b>\n第二行"})
    key = UUID(answer.headers["Location"].rpartition("/")[2])
    assert session().get_one(Notice, key).body == "<p>第一行 &lt;b&gt;</p><p>第二行</p>"


def test_a_stale_form_is_refused(client: FlaskClient, province: User) -> None:
    key = write(sign_in(client, province))
    client.post(f"/bulletins/{key}", data=TEXT | {"version": 1, "title": "甲"})
    answer = client.post(f"/bulletins/{key}", data=TEXT | {"version": 1, "title": "乙"})
    assert answer.status_code == 409
    assert 'value="乙"' in answer.get_data(as_text=True)


def test_a_bulletin_of_another_author_does_not_exist_for_a_colleague_elsewhere(
    client: FlaskClient, province: User
) -> None:
    key = write(sign_in(client, province))
    sign_in(client, authority_user(code="42"))
    for address in (
        f"/bulletins/{key}",
        f"/bulletins/{key}/publish",
        f"/bulletins/{key}/readers",
        f"/bulletins/{key}/delete",
    ):
        assert client.get(address).status_code == 404
    assert client.post(f"/bulletins/{key}/publish").status_code == 404
    sign_in(client, make_user("enterprise", make_unit().id))
    assert client.get("/bulletins").status_code == 404


def test_the_association_chooses_provinces_and_roles(client: FlaskClient, app: Flask, province: User) -> None:
    key = write(
        sign_in(client, authority_user("association")),
        authorities=[str(authority_id("37"))],
        roles=["provincial_authority"],
    )
    client.post(f"/bulletins/{key}/publish")
    inside = sign_in(app.test_client(), province)
    assert inside.get(f"/notices/{key}").status_code == 200
    outside = sign_in(app.test_client(), authority_user(code="42"))
    assert outside.get(f"/notices/{key}").status_code == 404
    unit = sign_in(app.test_client(), make_user("enterprise", make_unit().id))
    assert unit.get(f"/notices/{key}").status_code == 404
    ministry = sign_in(app.test_client(), authority_user("ministry"))  # reads them all
    assert ministry.get(f"/notices/{key}").status_code == 200


def test_r34_a_published_class_tells_its_audience(client: FlaskClient, app: Flask, clock: MovingClock) -> None:
    stage = make_stage()
    found = publish_class(stage)
    sign_in(client, stage.enterprise)
    text = page(client, "/notices")
    assert found.title in text
    row = session().scalars(select(Notice).where(Notice.class_id == found.id)).one()
    assert f"/classes/{found.id}" in page(client, f"/notices/{row.id}")


def test_all_is_marked_as_read_at_once(client: FlaskClient, province: User) -> None:
    reader = make_user("enterprise", make_unit().id)
    sign_in(client, province)
    for _ in range(3):
        client.post(f"/bulletins/{write(client)}/publish")
    assert notice_list.unread_count(known(reader)) == 3
    sign_in(client, reader).post("/notices/read")
    assert notice_list.unread_count(known(reader)) == 0


def test_what_was_published_before_an_account_existed_is_not_unread(
    client: FlaskClient, province: User, clock: MovingClock
) -> None:
    client.post(f"/bulletins/{write(sign_in(client, province))}/publish")
    clock.move(timedelta(hours=1))
    assert notice_list.unread_count(known(make_user("enterprise", make_unit().id))) == 0


def test_r66_the_daily_digest_tells_unit_province_and_association_once_a_day(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    stage = make_stage()
    day = (now() + timedelta(hours=8)).date()
    for days in (90, 60, 30, 45, -1):
        make_certificate(make_person(stage.unit), valid_to=day + timedelta(days=days))
    assert daily_digest.write_due_digests()
    assert not daily_digest.write_due_digests()
    for user in (stage.enterprise, stage.province, stage.association, stage.ministry):
        row = session().scalars(select(Notice).where(Notice.organisation_id == user.organisation_id)).one()
        told = {
            k: row.facts.get(k) for k in ("new_90", "new_60", "new_30", "new_expired", "d90", "d60", "d30", "expired")
        }
        assert told == {
            "new_90": 1,
            "new_60": 1,
            "new_30": 1,
            "new_expired": 1,
            "d90": 1,
            "d60": 2,
            "d30": 1,
            "expired": 1,
        }
    sign_in(client, stage.enterprise)
    assert "每日提醒" in page(client, "/notices")
    assert "证书已过期" in page(client, f"/notices/{notice_of(stage.enterprise).id}")
    assert (
        sign_in(app.test_client(), stage.other_province).get(f"/notices/{notice_of(stage.enterprise).id}").status_code
        == 404
    )
    clock.move(timedelta(days=1))
    assert daily_digest.write_due_digests()
    assert (
        session().scalars(select(Notice).where(Notice.organisation_id == stage.enterprise.organisation_id)).all() == []
    )


def notice_of(user: User) -> Notice:
    return session().scalars(select(Notice).where(Notice.organisation_id == user.organisation_id)).one()


def test_a_notice_is_received_once_however_often_it_is_opened(client: FlaskClient, province: User) -> None:
    key = write(sign_in(client, province))
    client.post(f"/bulletins/{key}/publish")
    reader = known(make_user("enterprise", make_unit().id))
    for _ in range(2):
        notices.read_notice(reader, key)
    assert notice_list.reading_counts(fresh(session().get_one(Notice, key)))[1] == 1


def test_r34_a_notice_is_read_in_the_readers_language_and_an_older_one_as_it_was_written(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    stage = make_stage()
    found = publish_class(stage)
    row = session().scalars(select(Notice).where(Notice.class_id == found.id)).one()
    sign_in(client, stage.enterprise, language="en")
    assert f"New class: {found.title}" in page(client, "/notices")
    text = page(client, f"/notices/{row.id}")
    assert f"{row.facts['body'][1][1]['enrol_from']} to" in text
    assert "名额" not in text
    client.post("/exports/new/notices")
    sign_in(client, stage.enterprise, language="zh")
    assert f"开班通知：{found.title}" in page(client, f"/notices/{row.id}")
    with transaction(Operation("test")):
        session().get_one(Notice, row.id).facts = {}
    sign_in(client, stage.enterprise, language="en")
    assert f"开班通知：{found.title}" in page(client, f"/notices/{row.id}")


def test_s110_a_bulletin_is_for_the_units_it_names_and_the_author_sees_who_has_not_read(
    client: FlaskClient, app: Flask, province: User
) -> None:
    near, other = make_unit(name="泺源甲（示例）公司"), make_unit(name="泺源乙（示例）公司")
    outside = make_unit(province="42", name="江汉丙（示例）公司")
    reader, late = make_user("enterprise", near.id, display_name="李己未"), make_user("enterprise", near.id)
    stranger = make_user("enterprise", other.id)
    sign_in(client, province)
    typed = {"title": "安全检查", "body": "请准备。", "units": f"{near.name}\n 江汉丙（示例）公司"}
    refused = client.post("/bulletins", data=typed)
    assert refused.status_code == 422
    assert "没有找到这些单位，请写全称：江汉丙（示例）公司" in refused.text
    assert outside.name in refused.text
    key = UUID(client.post("/bulletins", data=typed | {"units": near.name}).headers["Location"].rpartition("/")[2])
    assert "共 2 个账号" in page(client, f"/bulletins/{key}/publish")
    client.post(f"/bulletins/{key}/publish")
    assert near.name in page(client, f"/notices/{key}")
    assert sign_in(app.test_client(), stranger).get(f"/notices/{key}").status_code == 404
    assert sign_in(app.test_client(), reader).get(f"/notices/{key}").status_code == 200
    assert late.display_name in page(client, f"/bulletins/{key}/readers?view=waiting")
    answer = client.post(f"/exports/new/notice-readers?notice={key}")
    sheet = client.get(answer.headers["Location"]).data
    rows = CalamineWorkbook.from_filelike(io.BytesIO(sheet)).get_sheet_by_index(0).to_python()
    assert sorted(row[3] for row in rows if row[0] == near.name) == ["已读", "未读"]
    sign_in(client, authority_user(code="42"))
    assert client.post(f"/exports/new/notice-readers?notice={key}").status_code == 404


def test_a_draft_that_is_sent_twice_is_one(client: FlaskClient, province: User) -> None:  # R68
    sign_in(client, province)
    typed = {"title": "安全检查", "body": "请准备。", "form_id": str(new_id())}
    assert len({client.post("/bulletins", data=typed).headers["Location"] for _ in range(2)}) == 1
    assert len(session().scalars(select(Notice)).all()) == 1
