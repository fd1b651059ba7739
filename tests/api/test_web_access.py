"""Every page says who may open it; out of scope or role is 404, without a session the sign-in."""

from __future__ import annotations

from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.domain.accounts.permissions import PERMISSIONS
from service.domain.accounts.roles import Role
from service.models.tables.units.organisation import authority_id
from service.web import BLUEPRINTS
from tests.builders.world import make_institution, make_unit, make_user, sign_in

HOME = {
    Role.MINISTRY: "ministry",
    Role.ASSOCIATION: "association",
    Role.PROVINCIAL_AUTHORITY: "37",
    Role.SYS_ADMIN: "platform",
    Role.SECURITY_ADMIN: "platform",
    Role.AUDIT_ADMIN: "platform",
    Role.PROCESS_ADMIN: "platform",
}


def user_of(role: Role):  # type: ignore[no-untyped-def]
    if role in HOME:
        return make_user(role, authority_id(HOME[role]))
    place = (
        make_institution()
        if role is Role.TRAINING_INSTITUTION
        else make_unit("group" if role is Role.GROUP else "enterprise")
    )
    return make_user(role, place.id)


def pages(app: Flask) -> list[tuple[str, str]]:
    """Endpoint and an address of every page that is read."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if rule.endpoint.split(".")[0] in BLUEPRINTS and "GET" in (rule.methods or ()):
                values = {name: str(uuid4()) if "id" in name else "x" for name in rule.arguments}
                found.append((rule.endpoint, app.url_for(rule.endpoint, **values)))
    return found


def test_every_page_has_a_mark(app: Flask) -> None:
    marked = [
        e for e in app.view_functions if e.split(".")[0] in BLUEPRINTS and hasattr(app.view_functions[e], "access")
    ]
    unmarked = [e for e in app.view_functions if e.split(".")[0] in BLUEPRINTS and e not in marked]
    assert marked
    assert not unmarked


def test_without_a_session_only_public_pages_open(client: FlaskClient, app: Flask) -> None:
    for endpoint, address in pages(app):
        answer = client.get(address)
        if app.view_functions[endpoint].access is None:  # type: ignore[attr-defined]
            assert answer.status_code in (200, 404), endpoint
        else:
            assert answer.headers["Location"].startswith("/sign-in"), endpoint


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_what_the_table_allows_and_nothing_else(client: FlaskClient, app: Flask, role: Role) -> None:
    sign_in(client, user_of(role))
    for endpoint, address in pages(app):
        access = app.view_functions[endpoint].access  # type: ignore[attr-defined]
        status = client.get(address).status_code
        if access and not PERMISSIONS[role].keys() & set(access):
            assert status == 404, endpoint
        else:
            assert status in (200, 302, 404), (endpoint, status)


@pytest.mark.parametrize("role", list(Role))
def test_each_place_of_the_navigation_opens(client: FlaskClient, app: Flask, role: Role) -> None:
    from re import findall

    sign_in(client, user_of(role))
    bar = client.get("/").get_data(as_text=True).split("</nav>")[0]
    places = findall(r'<a href="(/[^"]*)"', bar)
    assert len(places) >= 2
    for address in places:
        assert client.get(address).status_code == 200, address


def test_a_background_part_of_a_page_makes_the_whole_page_go_to_the_sign_in(client: FlaskClient, app: Flask) -> None:
    answer = client.get("/inbox", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in"
