"""在线客服: routing by kind, the conversation, progress, closing by rating or time, taking up again, complaints (R69, S78–S82)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.domain.notices.tickets import TicketState
from service.errors import Conflict, InvalidInput, NotAllowed, NotFound
from service.models.db.session import session
from service.models.queries.notices.tickets import messages_of
from service.models.queries.runtime.inbox import Filter, read
from service.models.queries.scope import get_or_404_in_scope, inbox_addresses, visible_to
from service.models.tables.accounts.user import User
from service.models.tables.notices.ticket import Ticket
from service.models.tables.runtime.case import (
    Case,
    JournalRow,
    PersonalValue,
    Task,
)
from service.models.tables.units.organisation import authority_id
from service.workflow.notices import tickets
from service.workflow.runtime import history, jobs, tasks
from tests.builders.stage import Stage, do, ended_at, known, make_stage, open_tasks, task_of
from tests.builders.world import make_user

DAY = timedelta(days=1)
ASKED = {
    "device": "电脑",
    "kind": "technical",
    "subject": "无法上传照片",
    "body": "上传照片时提示“不是图片”。\n文件是手机拍的。",
}


def _open(stage: Stage, **more: Any) -> Ticket:
    return tickets.open_ticket(stage.enterprise, ASKED | more)


def _now(ticket: Ticket) -> Ticket:
    return session().get_one(Ticket, ticket.id, populate_existing=True)


def _desk(role: str) -> User:
    return known(make_user(role, authority_id("platform" if role == "sys_admin" else role)))


def _said(ticket: Ticket) -> list[tuple[str, str]]:
    return [(m.kind, m.body) for m in messages_of(ticket.id)]


@pytest.mark.parametrize(
    ("kind", "role", "days"),
    [
        ("technical", "sys_admin", 2),
        ("ordering", "association", 3),
        ("repair", "association", 5),
        ("complaint", "ministry", 10),
    ],
)
def test_each_kind_goes_to_its_desk(app: Any, clock: Any, kind: str, role: str, days: int) -> None:
    """R69, S78–S82"""
    stage, desk = make_stage(), _desk(role)
    ticket = _open(stage, kind=kind)
    assert ticket.case_id
    task = task_of(ticket.case_id, "accept_ticket")
    assert (task.role, task.organisation_id, task.summary) == (role, desk.organisation_id, ticket.number)
    assert do(desk, ticket.case_id, "accept_ticket", decision="accept") == ["answer_ticket"]
    due = task_of(ticket.case_id, "answer_ticket").due_at
    assert due == clock.now() + days * DAY
    assert (_now(ticket).state, _now(ticket).assignee_id) == ("in_progress", desk.id)


def test_a_question_is_answered_rated_and_closed(app: Any, clock: Any) -> None:
    """R69, S79"""
    stage, desk = make_stage(), _desk("sys_admin")
    ticket = _open(stage)
    case = ticket.case_id
    assert case
    assert (ticket.number, ticket.state) == ("KF2026000001", "open")
    do(desk, case, "accept_ticket", decision="accept")
    assert do(desk, case, "answer_ticket", decision="resolve", message="请改用 JPEG 或 PNG 格式。") == ["rate_ticket"]
    assert (_now(ticket).state, _now(ticket).resolved_at) == ("resolved", clock.now())
    task = task_of(case, "rate_ticket")
    assert (task.role, task.organisation_id) == ("enterprise", stage.enterprise.id)
    with pytest.raises(InvalidInput):
        do(stage.enterprise, case, "rate_ticket", decision="close")
    assert do(stage.enterprise, case, "rate_ticket", decision="close", rating="5", message="很快。") == []
    assert (ended_at(case), _now(ticket).state, _now(ticket).rating) == ("closed", "closed", 5)
    assert _said(ticket) == [("resolve", "请改用 JPEG 或 PNG 格式。"), ("note", "很快。")]
    assert list(history.verify()) == []


def test_the_desk_asks_back_and_the_requester_alone_answers(app: Any, clock: Any) -> None:
    """R69"""
    stage, desk = make_stage(), _desk("sys_admin")
    colleague = known(make_user("enterprise", stage.unit.id))
    ticket = _open(stage)
    case = ticket.case_id
    assert case
    do(desk, case, "accept_ticket", decision="accept")
    assert do(desk, case, "answer_ticket", decision="ask", message="请说明文件大小。") == ["reply_ticket"]
    assert _now(ticket).state == "waiting_user"
    with pytest.raises(NotFound):
        do(colleague, case, "reply_ticket", message="我来答")
    assert read(inbox_addresses(colleague), Filter()).rows == []
    assert len(read(inbox_addresses(stage.enterprise), Filter()).rows) == 1
    assert do(stage.enterprise, case, "reply_ticket", message="3 MB。") == ["answer_ticket"]
    assert _now(ticket).state == "in_progress"
    assert _said(ticket) == [("ask", "请说明文件大小。"), ("reply", "3 MB。")]


def test_a_silent_requester_does_not_hold_the_desk_up(app: Any, clock: Any) -> None:
    """R69"""
    stage, desk = make_stage(), _desk("sys_admin")
    ticket = _open(stage)
    case = ticket.case_id
    assert case
    do(desk, case, "accept_ticket", decision="accept")
    do(desk, case, "answer_ticket", decision="ask", message="请说明文件大小。")
    clock.move(13 * DAY)
    jobs.run_all()
    assert open_tasks(case) == ["reply_ticket"]
    clock.move(DAY)
    jobs.run_all()
    assert (open_tasks(case), _now(ticket).state) == (["answer_ticket"], "in_progress")
    assert _said(ticket)[-1][0] == "system"
    assert list(history.verify()) == []


def test_a_repair_tells_how_far_it_is(app: Any, clock: Any) -> None:
    """R69, S81"""
    stage = make_stage()
    ticket = _open(stage, kind="repair", subject="读卡器送修", device="读卡器 ID-200")
    case = ticket.case_id
    assert case
    do(stage.association, case, "accept_ticket", decision="accept")
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, "answer_ticket", decision="progress", message="已收到设备。")
    assert list(refused.value.fields) == ["progress"]
    step = {
        "decision": "progress",
        "message": "已收到设备，正在检测。",
        "progress": "检测中",
        "expected_on": "2026-03-20",
    }
    assert do(stage.association, case, "answer_ticket", **step) == ["answer_ticket"]
    assert (_now(ticket).progress, _now(ticket).expected_on) == ("检测中", date(2026, 3, 20))
    assert _now(ticket).state == "in_progress"
    do(stage.association, case, "answer_ticket", decision="progress", message="已换主板。", progress="待寄回")
    assert (_now(ticket).progress, _now(ticket).expected_on) == ("待寄回", None)
    assert do(stage.association, case, "answer_ticket", decision="resolve", message="已寄回。") == ["rate_ticket"]


def test_resolved_is_closed_after_seven_days(app: Any, clock: Any) -> None:
    """R69"""
    stage, desk = make_stage(), _desk("sys_admin")
    ticket = _open(stage)
    case = ticket.case_id
    assert case
    do(desk, case, "accept_ticket", decision="accept")
    do(desk, case, "answer_ticket", decision="resolve", message="已修复。")
    clock.move(7 * DAY - timedelta(minutes=1))
    jobs.run_all()
    assert _now(ticket).state == "resolved"
    clock.move(timedelta(minutes=1))
    jobs.run_all()
    assert (ended_at(case), _now(ticket).state, _now(ticket).rating) == ("closed", "closed", None)
    assert list(history.verify()) == []


def test_what_is_not_solved_is_taken_up_again(app: Any, clock: Any) -> None:
    """R69"""
    stage, desk = make_stage(), _desk("sys_admin")
    ticket = _open(stage)
    case = ticket.case_id
    assert case
    do(desk, case, "accept_ticket", decision="accept")
    for _ in range(2):
        do(desk, case, "answer_ticket", decision="resolve", message="已修复。")
        with pytest.raises(InvalidInput) as refused:
            do(stage.enterprise, case, "rate_ticket", decision="reopen")
        assert list(refused.value.fields) == ["message"]
        assert do(stage.enterprise, case, "rate_ticket", decision="reopen", message="仍然不行。") == ["answer_ticket"]
        assert (_now(ticket).state, _now(ticket).resolved_at) == ("in_progress", None)
    do(desk, case, "answer_ticket", decision="resolve", message="已修复。")
    do(stage.enterprise, case, "rate_ticket", decision="close", rating="3")
    assert list(history.verify()) == []


def test_a_ticket_of_the_wrong_kind_is_routed_anew(app: Any, clock: Any) -> None:
    """R69"""
    stage, desk = make_stage(), _desk("sys_admin")
    ticket = _open(stage)
    case = ticket.case_id
    assert case
    with pytest.raises(InvalidInput):
        do(desk, case, "accept_ticket", decision="reroute")
    with pytest.raises(InvalidInput, match="已是这一类"):
        do(desk, case, "accept_ticket", decision="reroute", new_kind="technical")
    assert do(desk, case, "accept_ticket", decision="reroute", new_kind="repair") == ["accept_ticket"]
    assert (_now(ticket).kind, _now(ticket).state, _now(ticket).desk_role) == ("repair", "open", "association")
    with pytest.raises(NotFound):
        get_or_404_in_scope(desk, Ticket, ticket.id)
    assert do(stage.association, case, "accept_ticket", decision="accept") == ["answer_ticket"]
    assert list(history.verify()) == []


def test_a_complaint_is_kept_from_whom_it_is_about(app: Any, clock: Any) -> None:
    """R69, S82"""
    stage = make_stage()
    accused, other = stage.ministry, _desk("ministry")
    ticket = _open(stage, kind="complaint", subject="答复迟缓", accused=str(accused.id))
    case = ticket.case_id
    assert case
    task = task_of(case, "accept_ticket")
    for attempt in (
        lambda: do(accused, case, "accept_ticket", decision="accept"),
        lambda: tasks.claim(accused, task.id),
    ):
        with pytest.raises(NotFound):  # to the accused there is no such task, whatever is tried with it (R70)
            attempt()
    with pytest.raises(NotAllowed, match="涉及本人"):
        tasks.assign(other, task.id, accused.id)
    for model, key in ((Ticket, ticket.id), (Task, task.id), (Case, case)):
        with pytest.raises(NotFound):
            get_or_404_in_scope(accused, model, key)
        assert get_or_404_in_scope(other, model, key)
    with pytest.raises(InvalidInput, match="不能改派"):
        do(other, case, "accept_ticket", decision="reroute", new_kind="technical")
    do(other, case, "accept_ticket", decision="accept")
    with pytest.raises(NotFound):
        do(accused, case, "answer_ticket", decision="resolve", message="没有的事。")
    assert do(other, case, "answer_ticket", decision="resolve", message="已约谈改正。") == ["rate_ticket"]


def test_a_requester_sees_his_own_only(app: Any, clock: Any) -> None:
    """R69, R70"""
    stage, desk = make_stage(), _desk("sys_admin")
    colleague = known(make_user("enterprise", stage.unit.id))
    ticket = _open(stage)
    for user in (colleague, stage.association, stage.ministry, stage.province):
        with pytest.raises(NotFound):
            get_or_404_in_scope(user, Ticket, ticket.id)
        with pytest.raises(NotFound):
            get_or_404_in_scope(user, Case, ticket.case_id)
        assert session().scalars(select(Ticket).where(visible_to(user, Ticket))).all() == []
    for user in (stage.enterprise, desk):
        assert get_or_404_in_scope(user, Ticket, ticket.id)
        assert get_or_404_in_scope(user, Case, ticket.case_id)  # type: ignore[arg-type]


def test_what_people_write_is_not_in_the_journal(app: Any, clock: Any) -> None:
    """R73, R75"""
    stage, desk = make_stage(), _desk("sys_admin")
    ticket = _open(stage)
    case = ticket.case_id
    assert case
    do(desk, case, "accept_ticket", decision="accept")
    do(desk, case, "answer_ticket", decision="ask", message="请留下电话 13812345678。")
    rows = session().scalars(select(JournalRow).where(JournalRow.case_id == case)).all()
    assert not any("13812345678" in str(r.record) or "手机拍的" in str(r.record) for r in rows)
    assert session().scalars(select(PersonalValue.field).where(PersonalValue.case_id == case)).all() == ["message"]


def test_lines_are_added_until_it_is_closed(app: Any, clock: Any) -> None:
    """R69"""
    stage, desk = make_stage(), _desk("sys_admin")
    ticket = _open(stage)
    case = ticket.case_id
    assert case
    tickets.say(stage.enterprise, ticket.id, {"body": "补充：浏览器是 Chrome 109。"})
    tickets.say(desk, ticket.id, {"body": "收到。"})
    with pytest.raises(InvalidInput):
        tickets.say(desk, ticket.id, {"body": " "})
    with pytest.raises(NotFound):
        tickets.say(stage.association, ticket.id, {"body": "插话"})
    assert [body for _, body in _said(ticket)] == ["补充：浏览器是 Chrome 109。", "收到。"]
    do(desk, case, "accept_ticket", decision="accept")
    do(desk, case, "answer_ticket", decision="resolve", message="已修复。")
    do(stage.enterprise, case, "rate_ticket", decision="close", rating="4")
    with pytest.raises(Conflict, match="已关闭"):
        tickets.say(stage.enterprise, ticket.id, {"body": "还有"})
    assert TicketState(_now(ticket).state) is TicketState.CLOSED


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"kind": "gossip"}, "kind"),
        ({"subject": ""}, "subject"),
        ({"subject": "长" * 101}, "subject"),
        ({"body": ""}, "body"),
        ({"body": "长" * 2001}, "body"),
        ({"kind": "complaint", "accused": "nobody"}, "accused"),
        ({"kind": "complaint", "accused": "01900000-0000-7000-8000-000000000000"}, "accused"),
    ],
)
def test_a_bad_ticket_is_refused_at_its_field_and_nothing_is_written(
    app: Any, clock: Any, typed: dict[str, str], field: str
) -> None:
    """R69"""
    stage = make_stage()
    with pytest.raises(InvalidInput) as refused:
        _open(stage, **typed)
    assert list(refused.value.fields) == [field]
    assert session().scalars(select(Ticket)).all() == []


def test_nobody_hands_in_another_ones_ticket_or_one_twice(app: Any, clock: Any) -> None:
    """R69"""
    stage = make_stage()
    ticket = _open(stage)
    for user in (stage.enterprise, stage.province):
        with pytest.raises(InvalidInput):
            tasks.start(user, "support_ticket", {"ticket_id": str(ticket.id)})
    with pytest.raises(NotFound):
        tasks.start(stage.enterprise, "support_ticket", {})
