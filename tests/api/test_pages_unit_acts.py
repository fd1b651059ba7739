"""Units as a whole: renaming, converting, deleting, and reminding those that have entered nothing (R5–R10, S14)."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.errors import Conflict
from service.models.db.clock import MovingClock
from service.models.db.session import db, session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.notices.notice import Notice
from service.models.tables.system.audit import AuditEvent
from service.models.tables.units.organisation import AcademyLink, Organisation
from service.workflow.notices import notices
from service.workflow.units import unit_changes
from tests.builders.stage import known
from tests.builders.world import (
    authority_user,
    fresh,
    make_certificate,
    make_institution,
    make_person,
    make_unit,
    make_user,
    sign_in,
)


def page(client: FlaskClient, address: str) -> str:
    return client.get(address).get_data(as_text=True)


def test_r10_a_new_name_keeps_the_old_one_in_the_history_and_on_printed_certificates(
    client: FlaskClient,
) -> None:  # S66
    unit = make_unit(name="泺源旧名民爆公司")
    certificate = make_certificate(make_person(unit), unit_name="泺源旧名民爆公司")
    sign_in(client, authority_user())
    assert "泺源旧名民爆公司" in page(client, f"/units/{unit.id}/rename")
    assert client.post(f"/units/{unit.id}/rename", data={"name": "泺源新名民爆公司"}).status_code == 302
    found = fresh(unit)
    assert found.name == "泺源新名民爆公司"
    assert [was["name"] for was in found.names_history] == ["泺源旧名民爆公司"]
    assert fresh(certificate).unit_name == "泺源旧名民爆公司"
    shown = page(client, f"/units/{unit.id}")
    assert "曾用名" in shown
    assert "变更名称" in shown


def test_r15_a_rename_sends_nobody_back_to_approval(client: FlaskClient) -> None:
    unit = make_unit()
    person = make_person(unit)
    sign_in(client, authority_user()).post(f"/units/{unit.id}/rename", data={"name": "改名后的公司"})
    assert fresh(person).state == "approved"


def test_a_taken_or_unchanged_name_is_told_at_its_field(client: FlaskClient) -> None:
    make_unit(name="已有的公司")
    unit = make_unit(name="本来的公司")
    sign_in(client, authority_user())
    for name in ("已有的公司", "本来的公司", "", "长" * 101):
        answer = client.post(f"/units/{unit.id}/rename", data={"name": name})
        assert answer.status_code == 422
        assert 'id="name-wrong"' in answer.get_data(as_text=True)
    assert fresh(unit).names_history == []


def test_r7_a_unit_becomes_a_branch_of_a_group_in_another_province_with_its_logins_and_persons(
    client: FlaskClient,
) -> None:
    group, unit = make_unit("group", province="42"), make_unit("group")
    person, officer = make_person(unit), make_user("group", unit.id)
    boss = known(make_user("group", group.id))
    sign_in(client, authority_user())
    assert group.name in page(client, f"/units/{unit.id}/convert")
    assert client.post(f"/units/{unit.id}/convert", data={"to": "branch", "group": str(group.id)}).status_code == 302
    found = fresh(unit)
    assert (found.kind, found.parent_id, found.authority_id) == ("branch", group.id, unit.authority_id)
    assert fresh(officer).role == "enterprise"
    assert fresh(person).unit_id == unit.id
    assert sign_in(client, boss).get(f"/persons/{person.id}").status_code == 200  # scope changes at once


def test_r7_a_branch_becomes_a_group_and_its_former_group_sees_it_no_more(client: FlaskClient) -> None:  # S102
    group = make_unit("group")
    unit = make_unit("branch", parent_id=group.id)
    officer, boss = make_user("enterprise", unit.id), known(make_user("group", group.id))
    assert sign_in(client, boss).get(f"/units/{unit.id}").status_code == 200
    sign_in(client, authority_user("association")).post(f"/units/{unit.id}/convert", data={"to": "group"})
    assert (fresh(unit).kind, fresh(unit).parent_id, fresh(officer).role) == ("group", None, "group")
    assert sign_in(client, boss).get(f"/units/{unit.id}").status_code == 404


@pytest.mark.parametrize("to", ["branch", "enterprise"])
def test_r8_a_group_with_branches_stays_a_group(client: FlaskClient, to: str) -> None:
    group, other = make_unit("group"), make_unit("group")
    make_unit("branch", parent_id=group.id)
    sign_in(client, authority_user())
    answer = client.post(f"/units/{group.id}/convert", data={"to": to, "group": str(other.id)})
    assert answer.status_code == 409
    assert "该集团下有分公司" in answer.get_data(as_text=True)
    assert fresh(group).kind == "group"


def test_r7_a_branch_needs_a_live_group_other_than_itself(client: FlaskClient) -> None:
    unit, gone = make_unit("group"), make_unit("group", state="deleted")
    sign_in(client, authority_user())
    for group in ("", str(gone.id), str(unit.id), str(make_unit().id), "nonsense"):
        answer = client.post(f"/units/{unit.id}/convert", data={"to": "branch", "group": group})
        assert answer.status_code in (409, 422)
    assert client.post(f"/units/{unit.id}/convert", data={"to": "academy"}).status_code == 422
    assert fresh(unit).kind == "group"


def test_r6_r5_an_empty_unit_is_deleted_and_its_accounts_end_at_once(client: FlaskClient, app: Flask) -> None:  # S34
    unit = make_unit()
    make_person(unit, state="deregistered")
    make_person(unit, state="draft")
    user = make_user("enterprise", unit.id)
    inside = sign_in(app.test_client(), user)
    assert inside.get("/inbox").status_code == 200
    sign_in(client, authority_user())
    assert user.login in page(client, f"/units/{unit.id}/delete")
    assert client.post(f"/units/{unit.id}/delete").status_code == 302
    assert (fresh(unit).state, fresh(user).state) == ("deleted", "disabled")
    assert "/sign-in" in inside.get("/inbox").headers["Location"]
    assert "已删除，其账号已停用" in page(client, "/units")
    assert unit.name not in page(client, "/units")


@pytest.mark.parametrize("state", ["pending", "approved", "rejected"])
def test_r6_one_person_blocks_the_deletion(client: FlaskClient, state: str) -> None:
    unit = make_unit()
    make_person(unit, state=state)
    sign_in(client, authority_user())
    assert "该单位下有人员，无法删除" in page(client, f"/units/{unit.id}/delete")
    answer = client.post(f"/units/{unit.id}/delete")
    assert answer.status_code == 409
    assert "该单位下有人员，无法删除" in answer.get_data(as_text=True)
    assert fresh(unit).state == "complete"


def test_r6_a_live_branch_blocks_the_deletion_a_deleted_one_does_not(client: FlaskClient) -> None:
    group = make_unit("group")
    branch = make_unit("branch", parent_id=group.id)
    sign_in(client, authority_user())
    assert client.post(f"/units/{group.id}/delete").status_code == 409
    assert client.post(f"/units/{branch.id}/delete").status_code == 302
    assert client.post(f"/units/{group.id}/delete").status_code == 302


def test_s34_an_enterprise_deletes_itself_and_is_signed_out(client: FlaskClient) -> None:
    unit = make_unit()
    sign_in(client, make_user("enterprise", unit.id))
    assert "不能再登录" in page(client, f"/units/{unit.id}/delete")
    assert client.post(f"/units/{unit.id}/delete").headers["Location"] == "/sign-in"
    assert fresh(unit).state == "deleted"
    assert "/sign-in" in client.get("/inbox").headers["Location"]


def test_nobody_changes_a_unit_out_of_his_reach(client: FlaskClient) -> None:
    theirs, branch_of = make_unit(province="42"), make_unit("group")
    branch = make_unit("branch", parent_id=branch_of.id)
    sign_in(client, authority_user())
    for act, data in (("rename", {"name": "别的名称"}), ("convert", {"to": "group"}), ("delete", {})):
        assert client.get(f"/units/{theirs.id}/{act}").status_code == 404
        assert client.post(f"/units/{theirs.id}/{act}", data=data).status_code == 404
    sign_in(client, make_user("enterprise", make_unit().id))
    assert client.post(f"/units/{branch.id}/delete").status_code == 404
    assert client.post(f"/units/{branch.id}/rename", data={"name": "x"}).status_code == 404
    sign_in(client, make_user("group", branch_of.id))
    assert client.post(f"/units/{branch.id}/delete").status_code == 404
    sign_in(client, authority_user("ministry"))
    assert client.get(f"/units/{theirs.id}/convert").status_code == 404
    assert {fresh(theirs).state, fresh(branch).state} == {"complete"}


def test_a_deleted_unit_is_changed_no_more_and_its_name_is_free(client: FlaskClient) -> None:
    unit = make_unit(name="同名公司")
    sign_in(client, authority_user()).post(f"/units/{unit.id}/delete")
    assert client.get(f"/units/{unit.id}/rename").status_code == 404
    assert client.post(f"/units/{unit.id}/rename", data={"name": "别的名称"}).status_code == 404
    assert client.post("/units", data={"name": "同名公司", "kind": "enterprise"}).status_code == 302


def test_r6_a_deletion_waits_for_a_person_who_is_being_entered_and_then_counts_him(app: Flask) -> None:
    unit, boss = make_unit(), known(authority_user())
    told: list[str] = []

    def delete() -> None:
        with app.app_context():
            try:
                unit_changes.delete_unit(known(boss), unit.id)
            except Conflict as refused:
                told.append(str(refused))
            finally:
                db.session.remove()

    with transaction(Operation("test")) as current:
        assert Organisation.hold(unit.id) is not None
        other = threading.Thread(target=delete)
        other.start()
        other.join(0.5)
        assert other.is_alive()
        person = make_person(unit, state="pending")
    other.join(10)
    assert current.is_active
    assert [text[:11] for text in told] == ["该单位下有人员，无法删"]
    assert fresh(person).unit_id == unit.id
    assert fresh(unit).state == "complete"


def test_an_account_of_a_deleted_unit_is_not_enabled_again(client: FlaskClient) -> None:  # R5
    unit = make_unit()
    user = make_user("enterprise", unit.id)
    unit_changes.delete_unit(known(authority_user()), unit.id)
    sign_in(client, authority_user("association"))
    assert client.post(f"/users/{user.id}/enable").status_code == 409
    assert fresh(user).state == "disabled"


def test_s14_the_province_sees_who_has_not_entered_data_and_reminds_them(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    empty = make_unit(name="没有人员的公司")
    draft = make_unit(name="资料不全的公司", state="draft", contact=None)
    make_person(draft)
    done = make_unit(name="已经录入的公司")
    make_person(done)
    other = make_unit(name="外省的公司", province="42")
    user = make_user("enterprise", draft.id)
    sign_in(client, authority_user())
    text = page(client, "/units/unentered")
    assert "没有人员的公司" in text
    assert "联系人" in text
    for absent in ("已经录入的公司", "外省的公司"):
        assert absent not in text
    chosen = [str(unit.id) for unit in (empty, draft, done, other)]
    answer = client.post("/units/unentered", data={"unit": chosen, "note": "请于月底前完成"}, follow_redirects=True)
    assert "已催报 1 家" in answer.text  # nobody can sign in for the other
    assert "1 家还没有账号" in answer.text
    assert {n.organisation_id for n in reminders()} == {empty.id, draft.id}
    shown = page(sign_in(app.test_client(), user), f"/units/{draft.id}/edit")  # R3: his only page tells him
    assert "请于月底前完成" in shown
    again = client.post("/units/unentered", data={"unit": chosen}, follow_redirects=True).get_data(as_text=True)
    assert "未重复发送" in again
    assert len(reminders()) == 2


def test_without_a_choice_nobody_is_reminded_and_units_remind_nobody(client: FlaskClient) -> None:
    unit = make_unit()
    assert sign_in(client, authority_user()).post("/units/unentered", data={}).status_code == 422
    assert sign_in(client, make_user("enterprise", unit.id)).get("/units/unentered").status_code == 404
    assert reminders() == []


def test_s14_one_unit_is_reminded_by_its_own_button_and_all_of_the_list_at_once_with_a_record(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    units = [make_unit(name=f"空单位{n:02d}") for n in range(55)]
    make_unit(name="外省的公司", province="42")
    reader = make_user("enterprise", units[0].id)
    for unit in units[1:-1]:
        make_user("enterprise", unit.id)
    make_user("enterprise", units[-1].id, state="disabled")
    sign_in(client, authority_user())
    assert "催报符合条件的全部单位" in page(client, "/units/unentered")
    client.post("/units/unentered", data={"only": str(units[0].id), "note": "请尽快", "unit": [str(units[1].id)]})
    assert [n.organisation_id for n in reminders()] == [units[0].id]
    answer = client.post("/units/unentered?q=空单位", data={"all": "1"}, follow_redirects=True)
    assert "已催报 53 家；另有 1 家近日已催报过" in answer.text
    assert "1 家还没有账号" in answer.text
    assert {n.organisation_id for n in reminders()} == {unit.id for unit in units}
    notices.read_notice(reader, next(n.id for n in reminders() if n.organisation_id == units[0].id))
    make_person(units[0])
    text = page(client, "/units/reminders?page=") + page(client, _next(page(client, "/units/reminders")))
    assert "请尽快" in text
    assert "请登录后先完善" not in text
    assert text.count("尚未录入</span>") + text.count("已录入</span>") >= 2
    assert "空单位" not in page(sign_in(client, authority_user(code="42")), "/units/reminders")
    assert sign_in(client, reader).get("/units/reminders").status_code == 404


def _next(text: str) -> str:
    found = re.search(r'href="(/units/reminders\?page=[^"]+)"', text)
    assert found
    return found[1].replace("&amp;", "&")


def reminders() -> list[Any]:
    return list(session().scalars(select(Notice).where(Notice.kind == "reminder")))


def test_several_named_users_of_one_unit_are_listed_from_its_page(client: FlaskClient) -> None:
    unit = make_unit()
    first, second = (make_user("enterprise", unit.id, display_name=name) for name in ("甲某某", "乙某某"))
    stranger: User = make_user("enterprise", make_unit().id)
    sign_in(client, authority_user())
    assert f"/users?unit={unit.id}" in page(client, f"/units/{unit.id}")
    text = page(client, f"/users?unit={unit.id}")
    assert first.login in text
    assert second.login in text
    assert f">{stranger.login}<" not in text


def test_s62_the_association_links_an_academy_to_training_institutions(client: FlaskClient, app: Flask) -> None:
    academy, first, second = make_unit("academy", authority_id=None), make_institution(), make_institution("第二中心")
    host = make_user("training_institution", second.id)
    seen = sign_in(app.test_client(), host)
    assert seen.get(f"/units/{academy.id}").status_code == 404
    sign_in(client, authority_user("association"))
    assert "关联培训机构" in page(client, f"/units/{academy.id}")
    address = f"/units/{academy.id}/institutions"
    assert client.post(address, data={"institutions": [str(first.id), str(second.id)]}).status_code == 302
    assert set(AcademyLink.institutions_of(academy.id)) == {first.id, second.id}
    assert seen.get(f"/units/{academy.id}").status_code in (200, 404)
    client.post(address, data={"institutions": [str(second.id)]})
    client.post(address, data={"institutions": [str(second.id)]})
    session().rollback()
    assert AcademyLink.institutions_of(academy.id) == [second.id]
    events = session().scalars(select(AuditEvent).where(AuditEvent.action == "link_academy")).all()
    assert len(events) == 2  # saving the same says nothing
    refused = client.post(address, data={"institutions": [str(academy.id)]})
    assert refused.status_code == 422
    unit = make_unit()
    assert client.get(f"/units/{unit.id}/institutions").status_code == 404
    assert sign_in(client, authority_user()).get(address).status_code == 404
