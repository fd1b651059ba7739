"""Mails to accounts: who gets one, what is in it, and that each goes out once, whatever the mail server does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.config import MailServer, settings
from service.infrastructure import smtp
from service.models.db.clock import MovingClock, today
from service.models.db.process_cache import ProcessCache
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.notices.mail import Mail
from service.models.tables.runtime.case import Job, Task
from service.models.tables.units.organisation import authority_id
from service.workflow import outbox
from service.workflow.runtime import jobs, tasks
from service.workflow.system import daily_digest
from service.workflow.versions import process_changes
from tests.builders.approval import propose_change
from tests.builders.stage import known
from tests.builders.world import authority_user, fresh, make_certificate, make_person, make_unit, make_user, sign_in


class Postbox:
    """A real SMTP server of this test. It can be told what to answer to a recipient."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answer = ""
        self.port = 0
        self._controller: Controller | None = None

    def start(self) -> None:
        with socket.create_server(("127.0.0.1", self.port)) as free:
            self.port = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
        self._controller = None

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.answer:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 taken"


@pytest.fixture
def postbox(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postbox]:
    box = Postbox()
    box.start()
    server = MailServer("127.0.0.1", box.port, "plain", "", "", "anpei@example.cn")
    chosen = replace(settings(), mail=server, address="https://anpei.example.cn")
    monkeypatch.setattr(outbox, "settings", lambda: chosen)
    monkeypatch.setattr("service.web.shell.mail_templates.settings", lambda: chosen)
    monkeypatch.setattr("service.config.settings", lambda: chosen)
    yield box
    box.stop()


def reader(user: User, *wanted: str, language: str = "zh", address: str = "reader@example.cn") -> User:
    with transaction(Operation("test")) as current:
        row = current.get_one(User, user.id)
        row.mail = address
        row.preferences = {"mails": list(wanted), "language": language}
    return row


def people() -> tuple[User, User]:
    """A province with one certificate that ends in 30 days and one that ends in 45, and the unit's user."""
    unit = make_unit()
    for days in (30, 45):
        make_certificate(make_person(unit, name="赵丁卯"), valid_to=today() + timedelta(days=days))
    return authority_user(), make_user("enterprise", unit.id)


def rows() -> list[Mail]:
    session().rollback()
    return list(session().scalars(select(Mail).order_by(Mail.created_at, Mail.id)))


def test_r66_the_digest_goes_to_those_who_asked_for_it_and_has_no_name_nor_number(
    postbox: Postbox, clock: MovingClock
) -> None:
    province, enterprise = people()
    reader(province, "digest")
    reader(enterprise)  # has an address, asked for nothing
    assert daily_digest.write_due_digests()
    jobs.run_all()
    (mail,) = postbox.mails
    assert (mail["To"], mail["From"], postbox.recipients) == (
        "reader@example.cn",
        "anpei@example.cn",
        ["reader@example.cn"],
    )
    assert mail["Subject"] == "安培每日提醒：0 项待办，1 本证书有新预警"
    body = mail.get_content()
    assert "30 天内到期：1 / 1" in body
    assert "60 天内到期：0 / 1" in body
    assert "待办：0" in body
    assert ": " not in body
    assert "https://anpei.example.cn" in body
    assert "赵丁卯" not in body
    assert "3702" not in body


def test_r66_warnings_alone_come_on_days_with_a_new_one_only(postbox: Postbox, clock: MovingClock) -> None:
    province, _ = people()
    reader(province, "warnings")
    daily_digest.write_due_digests()
    jobs.run_all()
    assert [m["Subject"] for m in postbox.mails] == ["安培证书预警：1 本证书到期或临近到期"]
    clock.move(timedelta(days=1))
    ProcessCache.clear_all()
    daily_digest.write_due_digests()
    jobs.run_all()
    assert len(postbox.mails) == 1


def test_a_mail_is_in_the_language_of_its_reader(postbox: Postbox, clock: MovingClock) -> None:
    province, _ = people()
    reader(province, "digest", language="en")
    daily_digest.write_due_digests()
    jobs.run_all()
    (mail,) = postbox.mails
    assert mail["Subject"].isascii()
    assert "30" in mail.get_content()
    assert "：" not in mail.get_content()


def test_what_is_ordered_twice_for_one_key_is_sent_once(postbox: Postbox, clock: MovingClock) -> None:
    user = reader(authority_user(), "digest")
    for _ in range(3):
        with transaction(Operation("test")):
            outbox.order("digest", {user.id: {"tasks": 1}}, "2026-03-02")
    jobs.run_all()
    (row,) = rows()
    with transaction(Operation("test")) as current:  # a job that was done already comes again
        current.execute(outbox._run_again(row.id))
    jobs.run_all()
    assert len(postbox.mails) == 1
    assert (row.state, row.tries) == ("sent", 1)


def test_an_order_that_is_rolled_back_sends_nothing(postbox: Postbox, clock: MovingClock) -> None:
    user = reader(authority_user(), "digest")

    def order_and_fail() -> None:
        with transaction(Operation("test")):
            outbox.order("digest", {user.id: {"tasks": 1}}, "2026-03-02")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        order_and_fail()
    jobs.run_all()
    assert postbox.mails == []


def test_a_server_that_is_down_loses_nothing_and_doubles_nothing(
    client: FlaskClient, postbox: Postbox, clock: MovingClock
) -> None:
    user = reader(authority_user(), "digest")
    postbox.stop()
    with transaction(Operation("test")):
        outbox.order("digest", {user.id: {"tasks": 1}}, "2026-03-02")
    jobs.run_all()
    (row,) = rows()
    assert (row.state, row.tries) == ("waiting", 1)
    page = sign_in(client, known(make_user("sys_admin", authority_id("platform")))).get("/settings")
    assert "等待重发 1 封" in page.get_data(as_text=True)
    assert "Connection refused" in page.get_data(as_text=True)
    clock.move(timedelta(seconds=59))
    assert jobs.run_all() == 0  # not before its pause is over
    clock.move(timedelta(seconds=1))
    jobs.run_all()
    assert rows()[0].tries == 2
    postbox.start()
    clock.move(timedelta(minutes=5))
    jobs.run_all()
    clock.move(timedelta(days=3))
    jobs.run_all()
    assert (rows()[0].state, rows()[0].tries, rows()[0].error) == ("sent", 3, None)
    assert len(postbox.mails) == 1
    assert postbox.mails[0]["Message-ID"] == f"<{row.id}@example.cn>"


def test_a_server_that_is_away_is_asked_once_a_minute_however_many_mails_wait(
    postbox: Postbox, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [reader(authority_user(code=code), "digest") for code in ("37", "42", "11")]
    postbox.stop()
    asked, send = [], smtp.send
    monkeypatch.setattr(smtp, "send", lambda *given: asked.append(given) or send(*given))
    with transaction(Operation("test")):
        outbox.order("digest", {user.id: {"tasks": 1} for user in users}, "2026-03-02")
    jobs.run_all()
    assert len(asked) == 1
    assert {(row.state, row.tries) for row in rows()} == {("waiting", 1)}
    postbox.start()
    clock.move(timedelta(minutes=1))
    jobs.run_all()
    assert len(postbox.mails) == 3


def test_what_was_sent_is_forgotten_after_90_days(postbox: Postbox, clock: MovingClock) -> None:
    province, _ = people()
    reader(province, "digest")
    daily_digest.write_due_digests()
    jobs.run_all()
    clock.move(timedelta(days=91))
    ProcessCache.clear_all()
    daily_digest.write_due_digests()
    assert rows() == []


def test_after_two_days_of_silence_it_is_given_up_visibly_and_tried_again_by_hand(
    client: FlaskClient, postbox: Postbox, clock: MovingClock
) -> None:
    user = reader(authority_user(), "digest")
    postbox.stop()
    with transaction(Operation("test")):
        outbox.order("digest", {user.id: {"tasks": 1}}, "2026-03-02")
    for _ in range(len(outbox.RETRY_MINUTES) + 1):
        jobs.run_all()
        clock.move(timedelta(days=1))
    assert rows()[0].state == "failed"
    assert session().scalars(select(Job).where(Job.name == "mail", Job.state == "pending")).all() == []
    sign_in(client, known(make_user("sys_admin", authority_id("platform"))))
    assert "已停止 1 封" in client.get("/settings").get_data(as_text=True)
    postbox.start()
    client.post("/settings/mails/retry")
    jobs.run_all()
    assert len(postbox.mails) == 1
    assert "没有发不出去的邮件" in client.get("/settings").get_data(as_text=True)


@pytest.mark.parametrize(("answer", "state"), [("550 no such user", "failed"), ("451 try later", "waiting")])
def test_what_the_server_refuses_for_good_is_not_tried_again(
    postbox: Postbox, clock: MovingClock, answer: str, state: str
) -> None:
    user = reader(authority_user(), "digest")
    postbox.answer = answer
    with transaction(Operation("test")):
        outbox.order("digest", {user.id: {"tasks": 1}}, "2026-03-02")
    jobs.run_all()
    (row,) = rows()
    assert (row.state, row.error) == (state, answer)


def test_who_does_not_want_it_any_more_or_is_disabled_gets_none(postbox: Postbox, clock: MovingClock) -> None:
    users = [reader(authority_user(code=code), "digest") for code in ("37", "42", "11")]
    with transaction(Operation("test")):
        outbox.order("digest", {user.id: {"tasks": 1} for user in users}, "2026-03-02")
        users[0].preferences = {"mails": []}
        users[1].state = "disabled"
        users[2].mail = None
    jobs.run_all()
    assert postbox.mails == []
    assert {row.state for row in rows()} == {"dropped"}


def test_without_a_server_nothing_is_ordered_and_the_pages_say_so(client: FlaskClient, clock: MovingClock) -> None:
    user = reader(authority_user(), "digest")
    with transaction(Operation("test")):
        outbox.order("digest", {user.id: {"tasks": 1}}, "2026-03-02")
    assert rows() == []
    assert "尚未设置邮件服务器" in sign_in(client, user).get("/account").get_data(as_text=True)
    page = sign_in(client, known(make_user("sys_admin", authority_id("platform")))).get("/settings")
    assert "没有设置邮件服务器" in page.get_data(as_text=True)


def test_the_system_administrator_sends_himself_a_test(
    client: FlaskClient, postbox: Postbox, clock: MovingClock
) -> None:
    sysadmin = known(make_user("sys_admin", authority_id("platform")))
    sign_in(client, sysadmin)
    assert client.post("/settings/mails/test").status_code == 409  # no address yet
    client.post("/account", data={"mail": "sysadmin@example.cn"})
    assert client.post("/settings/mails/test").status_code == 302
    jobs.run_all()
    assert [m["To"] for m in postbox.mails] == ["sysadmin@example.cn"]
    assert sign_in(client, authority_user()).post("/settings/mails/test").status_code == 404


def test_a_header_cannot_be_smuggled_in_with_an_address(client: FlaskClient, clock: MovingClock) -> None:
    user = authority_user()
    for address in (
        "a@example.cn\nBcc: b@example.cn",
        "a@b",
        "a b@example.cn",
        "a@example.cn,b@example.cn",
        "x" * 90 + "@example.cn",
    ):
        answer = sign_in(client, user).post("/account", data={"mail": address})
        assert answer.status_code == 422, address
    assert fresh(user).mail is None


def test_a_server_that_does_not_encrypt_gets_no_mail_when_that_was_asked_for(postbox: Postbox) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "anpei@example.cn", "reader@example.cn"
    secure = MailServer("127.0.0.1", postbox.port, "starttls", "", "", "anpei@example.cn")
    with pytest.raises(smtp.NotDelivered):
        smtp.send(secure, mail)
    assert postbox.mails == []


OUTCOMES = {
    ("approve", "zh"): "已批准",
    ("refuse", "zh"): "未批准",
    ("approve", "en"): "Approved",
    ("refuse", "en"): "Not approved",
}


@pytest.mark.parametrize(("decision", "language"), OUTCOMES)
def test_who_proposed_a_change_is_told_of_the_outcome(
    client: FlaskClient, postbox: Postbox, decision: str, language: str
) -> None:
    approver = propose_change()
    change = process_changes.open_change("support_ticket")
    assert change is not None
    assert change.proposer_id is not None
    proposer = reader(session().get_one(User, change.proposer_id), language=language)
    task = session().scalars(select(Task.id).where(Task.case_id == change.case_id, Task.state == "open")).one()
    answers = {"decision": decision} | ({"reason": "字段 13800138000 不对。"} if decision == "refuse" else {})
    tasks.complete(approver, task, answers)
    jobs.run_all()
    jobs.run_all()
    (mail,) = postbox.mails
    assert postbox.recipients == ["reader@example.cn"]
    assert OUTCOMES[decision, language] in str(mail["Subject"])
    assert "13800138000" not in mail.get_content()
    page = sign_in(client, proposer).get("/processes").get_data(as_text=True)
    assert ("13800138000" in page) == (decision == "refuse")
