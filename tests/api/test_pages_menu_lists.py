"""The lists that the menus ask for: branches and academies apart, changes of persons, classes by what is due in them, the audit trail, backups."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.runtime.case import Case
from service.models.tables.system.audit import AuditEvent
from service.models.tables.units.organisation import authority_id
from service.workflow.persons import transfers
from service.workflow.system.backups import record_backup
from tests.api.queries import counted
from tests.api.test_exports import export
from tests.builders.stage import Stage, do, enroll, known, make_stage, publish_class
from tests.builders.trained import make_enrollment
from tests.builders.world import authority_user, make_class, make_person, make_unit, make_user, sign_in
from tests.database import alter_as_owner

MOST = 15


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address, follow_redirects=True)
    assert answer.status_code == status, address
    return answer.get_data(as_text=True)


@pytest.fixture
def stage(app: Flask, clock: Any) -> Stage:
    return make_stage()


def test_branches_and_academies_stand_in_lists_of_their_own(client: FlaskClient, stage: Stage) -> None:  # S87 S121 S124
    group = make_unit("group", name="甲集团")
    branch, academy = make_unit("branch", name="乙分公司", parent_id=group.id), make_unit("academy", name="丙学院")
    make_person(academy, name="陈院校")
    make_person(stage.unit, name="赵企业")
    sign_in(client, stage.association)
    units, branches, academies = page(client, "/units"), page(client, "/branches"), page(client, "/academies")
    assert [name in units for name in ("甲集团", "乙分公司", "丙学院")] == [True, False, True]
    assert [name in branches for name in ("甲集团</td>", ">乙分公司<", "丙学院")] == [True, True, False]
    assert [name in academies for name in ("甲集团", "乙分公司", "丙学院")] == [False, False, True]
    assert client.get("/units?kind=branch&q=乙").headers["Location"].startswith("/branches?")
    persons = page(client, "/academies/persons")
    assert "陈院校" in persons
    assert "赵企业" not in persons
    assert [row[0] for row in export(client, "branches")[1:]] == ["乙分公司"]
    assert "赵企业" not in str(export(client, "academy-persons"))
    sign_in(client, make_user("enterprise", branch.id))
    assert "乙分公司" in page(client, "/units")  # its own users have it under 企业管理 too (S115)


def test_each_entry_makes_its_own_kind_and_keeps_what_was_typed(client: FlaskClient, stage: Stage) -> None:
    group = make_unit("group")
    sign_in(client, stage.province)
    form = page(client, "/branches/new")
    assert 'name="kind"' not in form
    answer = client.post("/branches", data={"name": "新分公司"})
    assert answer.status_code == 422
    assert 'value="新分公司"' in answer.get_data(as_text=True)
    assert client.post("/branches", data={"name": "新分公司", "parent": str(group.id)}).status_code == 302
    assert "新分公司" in page(client, "/branches")
    assert 'value="branch"' not in page(client, "/units/new")


def test_changes_of_persons_are_listed_with_before_and_after(client: FlaskClient, stage: Stage) -> None:  # S88
    other = make_unit(name="接收单位（示例）")
    moved = make_person(stage.unit, name="赵变更")
    make_person(stage.unit, name="钱不变")
    transfers.transfer_person(stage.association, moved.id, other.id)
    sign_in(client, stage.ministry)
    text = page(client, "/persons/changes")
    assert "赵变更" in text
    assert f"<del>{stage.unit.name}</del> <ins>接收单位（示例）</ins>" in text
    assert "钱不变" not in text
    assert "赵变更" in page(client, "/persons/changes?kind=transfer&q=赵")
    assert "没有符合条件的变更" in page(client, "/persons/changes?kind=type")
    assert "接收单位（示例）" in str(export(client, "person-changes"))


def test_a_class_is_offered_where_it_is_open_to_ones_province(client: FlaskClient, stage: Stage) -> None:  # R34 S118
    make_class(title="本省班", organiser=authority_id("37"))
    make_class(title="外省班", organiser=authority_id("41"))
    make_class(title="外省开放班", organiser=authority_id("41"), open_to_other_provinces=True)
    make_class("initial", title="协会班", organiser=authority_id("association"), hours=48)
    make_class(title="已截止班", organiser=authority_id("37"), enrol_until=today() - timedelta(days=1))
    names = ("本省班", "外省班", "外省开放班", "协会班", "已截止班")
    for user in (stage.enterprise, stage.province):
        text = page(sign_in(client, user), "/classes/offers")
        assert [f">{name}<" in text for name in names] == [True, False, True, True, False]
    found = [row[1] for row in export(sign_in(client, stage.enterprise), "offers", "kind=initial")[1:]]
    assert found == ["协会班"]


def test_classes_to_check_in_and_to_score_say_how_many(client: FlaskClient, stage: Stage) -> None:  # S53 S54
    found = make_class(
        "initial",
        organiser=authority_id("association"),
        institution=stage.centre,
        hours=48,
        state="running",
        starts_on=today(),
        ends_on=today() + timedelta(days=3),
        enrol_from=today() - timedelta(days=9),
        enrol_until=today() - timedelta(days=1),
        title="在办班",
    )
    make_class(
        title="远期班",
        institution=stage.centre,
        starts_on=today() + timedelta(days=40),
        ends_on=today() + timedelta(days=42),
    )
    for state in ("confirmed", "checked_in", "scored"):
        make_enrollment(make_person(stage.unit), found, state)
    text = page(sign_in(client, stage.association), "/classes/check-in")
    assert "2 / 3" in text
    assert f'href="/classes/{found.id}/check-in"' in text
    assert "远期班" not in text
    assert export(client, "check-in")[1][-2:] == [3, 2]
    text = page(sign_in(client, stage.institution), "/classes/scores")
    assert f'href="/classes/{found.id}/scores"' in text
    assert export(client, "to-score")[1][-3:] == [2, 1, 1]


def test_work_of_one_kind_is_the_inbox_narrowed_to_it(client: FlaskClient, stage: Stage) -> None:  # S107
    enroll(stage, publish_class(stage), stage.person(name="赵待确认"))
    sign_in(client, stage.province)
    text = page(client, "/desks/enrollments")
    assert "赵待确认" in text
    assert 'aria-current="page">报名确认</a>' in text
    assert "赵待确认" not in page(client, "/desks/persons")


def test_the_auditor_reads_and_verifies_the_trail(client: FlaskClient, stage: Stage) -> None:  # domain.md §9
    case_id = enroll(stage, publish_class(stage), stage.person())
    do(stage.province, case_id, "confirm_enrollment", decision="confirm")
    client.post(f"/persons/{stage.person().id}/number")
    sign_in(client, stage.province).post(f"/persons/{make_person(stage.unit).id}/number")
    auditor = known(make_user("audit_admin", authority_id("platform")))
    sign_in(client, auditor)
    text = page(client, "/audit").partition("<tbody")[2]
    assert ">查看全号<" in text
    assert stage.province.login in text
    assert ">查看全号<" not in page(client, "/audit?kind=sign_in").partition("<tbody")[2]
    assert stage.province.login in page(client, f"/audit?q={stage.province.login}")
    assert "没有符合条件的日志" in page(client, "/audit?until=2020-01-01")
    assert "没有符合条件的日志" in page(client, "/audit?since=2099-01-01&until=nonsense")
    answer = client.post("/audit/verify", follow_redirects=True).get_data(as_text=True)
    assert "重新执行的结果全部一致" in answer
    assert session().query(AuditEvent).filter_by(action="verify_journal").one().outcome == "ok"
    assert "查看全号" in str(export(client, "audit-events", "kind=data"))


def test_a_case_that_differs_from_its_journal_is_found(client: FlaskClient, stage: Stage) -> None:
    case_id = enroll(stage, publish_class(stage), stage.person())
    session().commit()
    alter_as_owner(
        f"UPDATE journal SET record = jsonb_set(record, '{{actor}}', '\"nobody\"') WHERE case_id = '{case_id}' AND seq ="
        f" (SELECT min(seq) FROM journal WHERE case_id = '{case_id}')"
    )
    sign_in(client, known(make_user("audit_admin", authority_id("platform"))))
    answer = client.post("/audit/verify", follow_redirects=True).get_data(as_text=True)
    assert str(case_id) in answer
    assert session().query(AuditEvent).filter_by(action="verify_journal").one().outcome == "different"
    assert session().get(Case, case_id) is not None


def test_the_system_administrator_sees_when_the_last_backup_was(client: FlaskClient, app: Flask, clock: Any) -> None:
    sign_in(client, make_user("sys_admin", authority_id("platform")))
    assert "还没有备份过" in page(client, "/backup")
    record_backup("anpei", "server-1", 1234567)
    text = page(client, "/backup")
    assert "server-1" in text
    assert "1,234,567" in text
    assert "anpei backup" in text


def test_the_dictionary_of_provinces_says_which_have_no_account(client: FlaskClient, app: Flask, clock: Any) -> None:
    authority_user(code="37")
    make_user("provincial_authority", authority_id("41"), state="disabled")
    sign_in(client, make_user("sys_admin", authority_id("platform")))
    accounts = {row[0]: row[2] for row in export(client, "provinces")[1:] if row[0] in ("37", "41", "42")}
    assert accounts == {"37": 1, "41": 0, "42": 0}
    assert "没有账号" in page(client, "/settings/provinces")


def test_a_page_that_is_not_for_the_role_says_so(client: FlaskClient, stage: Stage) -> None:  # R70
    sign_in(client, stage.enterprise)
    assert "没有这个页面，或您无权查看。" in page(client, "/audit", 404)
    answer = client.post("/units", data={"name": "x"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("reader", "address"),
    [
        ("ministry", "/persons/changes"),
        ("association", "/branches"),
        ("association", "/academies"),
        ("association", "/academies/persons"),
        ("enterprise", "/classes/offers"),
        ("association", "/classes/check-in"),
        ("institution", "/classes/scores"),
        ("association", "/"),
        ("association", "/more"),
        ("province", "/desks/enrollments"),
        ("audit_admin", "/audit"),
        ("sys_admin", "/settings/provinces"),
        ("sys_admin", "/backup"),
    ],
)
def test_a_page_asks_at_most_fifteen_queries(client: FlaskClient, stage: Stage, reader: str, address: str) -> None:
    found = publish_class(stage)
    for _ in range(5):
        enroll(stage, found, stage.person())
        other = make_unit()
        transfers.transfer_person(stage.association, make_person(stage.unit).id, other.id)
    sign_in(client, getattr(stage, reader, None) or make_user(reader, authority_id("platform")))
    session().rollback()
    with counted() as queries:
        page(client, address)
    assert len(queries) <= MOST * (2 if "/desks/" in address else 1), "\n".join(queries)  # a desk leads on
