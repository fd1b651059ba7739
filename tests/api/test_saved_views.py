"""Views of lists: saved with what the declared filters read, shared at one desk, counted as they are now."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from service.domain.accounts.roles import Role
from service.models.db.session import session
from service.models.tables.accounts.saved_view import SavedView
from service.reports import LISTS
from service.workflow.accounts.saved_views import MOST_VIEWS
from tests.builders.stage import Stage, make_stage
from tests.builders.world import make_person, make_user, sign_in

CHIP = re.compile(r'<a class="chip( on)?"[^>]*href="([^"]+)">([^<]+) (\S+)</a>')


@pytest.fixture
def stage(app: Flask, clock: Any) -> Stage:
    return make_stage()


def save(client: FlaskClient, name: str, list_name: str = "persons", **more: str) -> str:
    form = {"view_name": name, "back": "/persons", "state": "draft"} | more
    answer = client.post(f"/views/{list_name}", data=form, follow_redirects=True)
    return html.unescape(answer.text)


def views(client: FlaskClient, address: str = "/persons") -> dict[str, tuple[str, str]]:
    """The chips of saved views: their address and number."""
    page = client.get(address).text
    part = page.partition('aria-label="视图"')[2].partition("</div>")[0]
    return {name: (html.unescape(found), number) for _on, found, name, number in CHIP.findall(part)}


def test_a_view_is_counted_as_it_is_now_and_leads_to_its_rows(client: FlaskClient, stage: Stage) -> None:
    sign_in(client, stage.enterprise)
    assert "已存为视图" in save(client, "没交的")
    assert views(client)["没交的"] == ("/persons?state=draft", "0")
    make_person(stage.unit, state="draft")
    address, number = views(client)["没交的"]
    assert number == "1"
    assert "存为视图" not in client.get(address).text
    assert "删除视图" in client.get(address).text
    assert "存为视图" in client.get("/persons?state=pending").text
    assert "存为视图" not in client.get("/persons").text


def test_it_is_shared_with_the_own_desk_alone_and_read_in_the_readers_scope(app: Flask, stage: Stage) -> None:
    own = sign_in(app.test_client(), stage.enterprise)
    save(own, "我的")
    save(own, "大家的", shared="1")
    colleague = make_user("enterprise", stage.enterprise.organisation_id)
    assert views(sign_in(app.test_client(), colleague)).keys() == {"大家的"}
    for stranger in (stage.province, stage.other_province, stage.association):
        assert views(sign_in(app.test_client(), stranger)) == {}, stranger.role
    row = session().scalars(select(SavedView).where(SavedView.is_shared)).one()
    assert sign_in(app.test_client(), colleague).post(f"/views/{row.id}/remove").status_code == 404
    assert sign_in(app.test_client(), stage.province).post(f"/views/{row.id}/remove").status_code == 404
    own.post(f"/views/{row.id}/remove")
    assert views(own).keys() == {"我的"}


def test_what_counts_as_ones_own_is_seen_whatever_colleagues_share_and_wherever_one_moves(
    app: Flask, stage: Stage
) -> None:
    """A view that counts towards the most allowed can be removed: it is shown."""
    for _ in range(2):
        colleague = sign_in(app.test_client(), make_user("enterprise", stage.enterprise.organisation_id))
        for n in range(MOST_VIEWS):
            save(colleague, f"同事{n}", shared="1")
    save(own := sign_in(app.test_client(), stage.enterprise), "我的")
    assert "我的" in views(own)
    session().execute(text("UPDATE saved_view SET organisation_id = :o"), {"o": stage.province.organisation_id})
    session().commit()
    assert views(own).keys() == {"我的"}


@pytest.mark.parametrize("one", LISTS, ids=lambda one: str(one.name))
def test_every_list_is_for_its_roles_and_keeps_declared_filters_only(app: Flask, stage: Stage, one: Any) -> None:
    for user in (stage.ministry, stage.province, stage.association, stage.institution, stage.enterprise):
        client = sign_in(app.test_client(), user)
        sent = {
            "view_name": "试",
            "back": "//else.example",
            "endpoint": "x",
            "_scheme": "ftp",
            "secret": "1",
            "q": "李",
        }
        answer = client.post(f"/views/{one.name}", data=sent)
        if Role(user.role) not in one.roles:
            assert answer.status_code == 404, user.role
            continue
        assert answer.headers["Location"] == "/"
        for row in session().scalars(select(SavedView).where(SavedView.user_id == user.id)):
            assert row.arguments.keys() <= set(one.filter_names) | set(one.defaults(user))


def test_what_is_no_view_is_told_and_too_many_are_refused(client: FlaskClient, stage: Stage) -> None:
    sign_in(client, stage.enterprise)
    assert "请先选择条件" in save(client, "空", state="")
    assert "请先选择条件" in save(client, "乱", state="no such state")
    assert "say warn" in save(client, "")
    assert session().scalar(select(SavedView.id)) is None
    for n in range(MOST_VIEWS):
        save(client, f"第{n}")
    assert f"最多存 {MOST_VIEWS} 个" in save(client, "再一个")


def test_what_was_looked_for_lies_encrypted(client: FlaskClient, stage: Stage) -> None:
    sign_in(client, stage.enterprise)
    save(client, "找李静", q="李静")
    row = session().execute(text("SELECT saved_view::text FROM saved_view")).scalar_one()
    assert "李静" not in row
    assert "李静".encode().hex() not in row
