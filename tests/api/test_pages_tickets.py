"""Pages of support tickets: the form, the list of one's own and of the desk, the conversation, tasks, scope (R69, S78–S82)."""

from __future__ import annotations

import io
import re
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.domain.accounts.roles import Role
from service.errors import InvalidInput
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.notices.ticket import Ticket, TicketFile
from service.models.tables.system.export import ExportLog
from service.models.tables.units.organisation import authority_id
from service.workflow.notices import tickets
from tests.api.queries import counted
from tests.api.test_web_access import user_of
from tests.builders.documents import pdf
from tests.builders.stage import Stage, do, known, make_stage
from tests.builders.world import fresh, make_user, portrait, sign_in, stored_values

ASKED = {"kind": "technical", "subject": "无法上传照片", "body": "第一行\n<b>第二行</b>"}


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_stage()


@pytest.fixture
def desk(app: Any, clock: Any) -> User:
    return known(make_user("sys_admin", authority_id("platform")))


def _text(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, address
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_opens_a_ticket_and_finds_it_again(client: FlaskClient, clock: Any, role: Role) -> None:
    """R69, S78"""
    sign_in(client, user_of(role))
    assert "/tickets/new" in _text(client, "/tickets")
    begun = client.post("/tickets", data=ASKED)
    assert begun.status_code == 302
    page = _text(client, begun.headers["Location"])
    assert "KF2026000001" in page
    assert "&lt;b&gt;第二行" in page
    assert "无法上传照片" in _text(client, "/tickets?q=kf2026000001")
    assert "没有符合条件" in _text(client, "/tickets?kind=repair")


def test_a_form_comes_back_with_what_was_typed(client: FlaskClient, stage: Stage) -> None:
    """R69"""
    sign_in(client, stage.enterprise)
    answer = client.post("/tickets", data={"kind": "repair", "subject": "", "body": "读卡器不亮"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="subject-wrong"' in page
    assert "读卡器不亮" in page
    assert re.search(r'value="repair"[^>]* checked', page)
    assert session().scalars(select(Ticket)).all() == []


def test_the_whole_way_by_pages(client: FlaskClient, stage: Stage, desk: User) -> None:
    """R69, S79"""
    sign_in(client, stage.enterprise)
    address = client.post("/tickets", data=ASKED).headers["Location"]
    sign_in(client, desk)
    assert "无法上传照片" in _text(client, "/tickets?view=desk")
    _do(client, address, decision="accept")
    _do(client, address, decision="ask", message="文件多大？")
    assert not re.search(r"/tasks/[0-9a-f-]{36}", _main(client, address))
    sign_in(client, stage.enterprise)
    assert "文件多大？" in _text(client, address)
    _do(client, address, message="3 MB。")
    sign_in(client, desk)
    _do(client, address, decision="resolve", message="请缩小后再传。")
    sign_in(client, stage.enterprise)
    assert "请评价" in _text(client, address)
    _do(client, address, decision="close", rating="5", message="")
    page = _text(client, address)
    assert "很满意" in page
    assert "工单已关闭" in page
    assert client.post(address, data={"body": "还有"}).status_code == 409


def test_tickets_in_scope_are_exported_and_no_others(client: FlaskClient, stage: Stage, desk: User) -> None:
    """R69, R70, R71"""
    tickets.open_ticket(stage.enterprise, ASKED | {"subject": "=无法上传照片"})
    tickets.open_ticket(stage.province, ASKED | {"kind": "repair", "device": "读卡器"})
    for user, rows in ((stage.enterprise, 1), (desk, 1), (stage.association, 1), (stage.institution, 0)):
        sign_in(client, user)
        view = "desk" if user in (desk, stage.association) else ""
        assert client.post(f"/exports/new/tickets?view={view}").status_code == 303
        assert ExportLog.recent(user.id)[0].total == rows


def test_a_line_is_added_to_the_conversation(client: FlaskClient, stage: Stage) -> None:
    """R69"""
    sign_in(client, stage.enterprise)
    address = client.post("/tickets", data=ASKED).headers["Location"]
    assert client.post(address, data={"body": ""}).status_code == 422
    assert client.post(address, data={"body": "补充：换了浏览器也不行。"}).status_code == 302
    assert "换了浏览器也不行" in _text(client, address)


def test_others_find_no_ticket(client: FlaskClient, stage: Stage) -> None:
    """R69, R70"""
    ticket = tickets.open_ticket(stage.enterprise, ASKED)
    colleague = known(make_user("enterprise", stage.unit.id))
    for user in (colleague, stage.province, stage.association, stage.ministry):
        sign_in(client, user)
        _text(client, f"/tickets/{ticket.id}", 404)
        assert client.post(f"/tickets/{ticket.id}", data={"body": "插话"}).status_code == 404
        assert "无法上传照片" not in _text(client, "/tickets") + _text(client, "/tickets?view=desk")


def test_a_complaint_names_whom_it_is_about_and_he_finds_nothing(client: FlaskClient, stage: Stage) -> None:
    """R69, S82"""
    sign_in(client, stage.enterprise)
    assert stage.ministry.display_name in _text(client, "/tickets/new")
    asked = {"kind": "complaint", "subject": "答复迟缓", "body": "三周未复", "accused": str(stage.ministry.id)}
    address = client.post("/tickets", data=asked).headers["Location"]
    sign_in(client, stage.ministry)
    _text(client, address, 404)
    assert "答复迟缓" not in _text(client, "/tickets?view=desk") + _text(client, "/inbox")
    sign_in(client, known(make_user("ministry", authority_id("ministry"))))
    assert "答复迟缓" in _text(client, "/tickets?view=desk")
    assert "三周未复" in _text(client, address)


@pytest.mark.parametrize("address", ["/tickets", "/tickets?view=desk", "/tickets/new", "{ticket}", "{task}"])
def test_a_page_asks_at_most_fifteen_queries(client: FlaskClient, stage: Stage, desk: User, address: str) -> None:
    for n in range(12):
        ticket = tickets.open_ticket(stage.enterprise, ASKED | {"subject": f"问题 {n}"})
        tickets.say(stage.enterprise, ticket.id, {"body": "补充"})
    sign_in(client, desk)
    task = re.search(r"/tasks/[0-9a-f-]{36}", _main(client, f"/tickets/{ticket.id}"))
    assert task
    session().rollback()
    with counted() as queries:
        page = client.get(address.format(ticket=f"/tickets/{ticket.id}", task=task[0]))
    assert page.status_code == 200
    assert len(queries) <= 15, "\n".join(queries)


def _main(client: FlaskClient, address: str) -> str:
    return _text(client, address).split("<main")[1].split("</main>")[0]


def _do(client: FlaskClient, address: str, **typed: str) -> None:
    """Go from the ticket to the task that waits, and fill its form in."""
    task = re.search(r'href="(/tasks/[0-9a-f-]{36})"', _main(client, address))  # beside it the last one can be undone
    assert task
    page = _text(client, task[1])
    assert "第一行" in page
    digest = re.search(r'name="form_digest" value="([0-9a-f]+)"', page)
    assert digest
    answer = client.post(task[1], data={"form_digest": digest[1], "asked": "1", **typed})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    assert fresh(session().scalars(select(Ticket)).one())


def _sent(name: str, data: bytes, **more: str) -> dict[str, Any]:
    return {**ASKED, **more, "files": (io.BytesIO(data), name)}


def _post(client: FlaskClient, address: str, data: dict[str, Any]) -> Any:
    return client.post(address, data=data, content_type="multipart/form-data")


def test_pictures_and_pdf_come_with_a_ticket_and_are_given_to_its_two_sides_only(
    client: FlaskClient, stage: Stage, desk: User
) -> None:
    """R69, S79"""
    sign_in(client, stage.enterprise)
    picture = portrait()
    address = _post(client, "/tickets", _sent("屏幕.jpg", picture)).headers["Location"]
    _post(client, address, {"body": "", "files": (io.BytesIO(pdf()), "日志.pdf")})
    links = re.findall(r'href="(/tickets/[^"]+/files/[^"]+)"', _text(client, address))
    assert len(links) == 2
    assert not any(picture in stored for stored in stored_values(TicketFile.content))
    sign_in(client, desk)
    assert "日志.pdf" in _text(client, address)
    answer = client.get(links[0])
    assert (answer.data, answer.headers["Content-Disposition"][:10]) == (picture, "attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    _post(client, address, {"body": "说明", "files": (io.BytesIO(portrait()), "说明.png.jpg")})
    for user in (stage.province, stage.association, known(make_user("enterprise", stage.unit.id))):
        sign_in(client, user)
        assert client.get(links[0]).status_code == 404


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.docx", b"PK", "只能上传 PDF、JPEG 或 PNG"),
        ("a.pdf", b"MZ", "只能上传"),
        ("a.jpg", b"<script>", "只能上传"),
        ("a.pdf", b"%PDF-" + bytes(6 * 1024 * 1024) + b"%%EOF", "文件超过 5 MB"),
    ],
)
def test_a_bad_file_is_named_at_its_field_and_no_ticket_is_made(
    client: FlaskClient, stage: Stage, name: str, data: bytes, expected: str
) -> None:
    """R69"""
    sign_in(client, stage.enterprise)
    with pytest.raises(InvalidInput) as refused:
        tickets.open_ticket(stage.enterprise, ASKED, [(name, data)])
    assert expected in str(refused.value.fields["files"].values["why"])
    answer = _post(client, "/tickets", _sent(name, data[:1000]))
    assert answer.status_code == 422
    assert 'id="files-wrong"' in answer.text
    assert "第一行" in answer.text
    assert session().scalars(select(Ticket)).all() == []


PROGRESS = {"decision": "progress", "progress": "检测", "message": "说明"}


def _case(address: str) -> UUID:
    session().rollback()
    case_id = session().get_one(Ticket, UUID(address.rpartition("/")[2])).case_id
    assert case_id
    return case_id


def test_a_repair_names_the_device_and_shows_its_stations(client: FlaskClient, stage: Stage) -> None:
    """R69, S81"""
    sign_in(client, stage.enterprise)
    asked = ASKED | {"kind": "repair"}
    assert 'id="device-wrong"' in client.post("/tickets", data=asked).text
    address = client.post("/tickets", data=asked | {"device": "读卡器 ID-200"}).headers["Location"]
    assert "尚未登记" in _text(client, address)
    sign_in(client, stage.association)
    _do(client, address, decision="accept")
    _do(client, address, decision="progress", step="inspecting", progress="正在检测主板", message="已开始检测。")
    sign_in(client, stage.enterprise)
    page = _text(client, address)
    assert "读卡器 ID-200" in page
    assert re.search(r'<li class="now" aria-current="step">\s*<span>检测中', page)
    assert re.search(r'<li class="done">\s*<span>已收到设备', page)
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, _case(address), "answer_ticket", **PROGRESS, step="received")
    assert "不能退回" in str(refused.value.fields["step"])


def test_only_a_repair_has_steps(client: FlaskClient, stage: Stage, desk: User) -> None:
    """S81"""
    sign_in(client, stage.enterprise)
    address = client.post("/tickets", data=ASKED).headers["Location"]
    sign_in(client, desk)
    _do(client, address, decision="accept")
    with pytest.raises(InvalidInput) as refused:
        do(desk, _case(address), "answer_ticket", **PROGRESS, step="received")
    assert "只有维修工单" in str(refused.value.fields["step"])


def test_a_ticket_or_a_line_sent_twice_is_one(client: FlaskClient, stage: Stage) -> None:
    """R69"""
    sign_in(client, stage.enterprise)
    once = ASKED | {"form_id": str(new_id())}
    first, second = (client.post("/tickets", data=once).headers["Location"] for _ in range(2))
    assert first == second
    line = {"body": "再补一句", "form_id": str(new_id())}
    assert [client.post(first, data=line).status_code for _ in range(2)] == [302, 302]
    assert _text(client, first).count("再补一句") == 1
    sign_in(client, stage.province)
    assert client.post("/tickets", data=once).status_code == 409  # the id of somebody else's form
