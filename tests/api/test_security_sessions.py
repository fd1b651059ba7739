"""Whatever ends a session ends every copy of its cookie, everywhere and at once (R4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.accounts.session_list import find_session
from service.models.tables.accounts.account_session import AccountSession
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import administration, authentication, sessions
from service.workflow.accounts.passwords import hash_password
from service.workflow.units import unit_changes
from tests.builders.stage import known
from tests.builders.world import authority_user, begin_session, fresh, make_unit, make_user, sign_in

PASSWORD, HERE = "Blasting-Caps-2026", sessions.Origin("10.0.0.2", "Firefox 130 · Linux")


def _sign_out(user: User, client: FlaskClient) -> None:
    assert client.post("/sign-out").status_code == 302


def _end_elsewhere(user: User, client: FlaskClient) -> None:
    (listed,) = sessions.sessions_of(user)
    assert sessions.end_session(user, listed.id, HERE)


def _end_all_others(user: User, client: FlaskClient) -> None:
    assert sessions.end_other_sessions(user, new_id(), HERE) == 1


def _change_password(user: User, client: FlaskClient) -> None:
    with transaction(Operation("test")):
        fresh(user).password_hash = hash_password(PASSWORD)
    authentication.change_password(fresh(user), PASSWORD, "Dry-Powder-Keeps-2027", "Dry-Powder-Keeps-2027", HERE)


def _disable(user: User, client: FlaskClient) -> None:
    administration.disable_user(authority_user(), user.id)


def _reset(user: User, client: FlaskClient) -> None:
    administration.reset_password(authority_user(), user.id)


def _end_by_security_admin(user: User, client: FlaskClient) -> None:
    administration.end_sessions(known(make_user("security_admin", authority_id("platform"))), user.id)


def _change_role(user: User, client: FlaskClient) -> None:
    with transaction(Operation("test")):
        fresh(user).role = "group"


def _change_organisation(user: User, client: FlaskClient) -> None:
    with transaction(Operation("test")):
        fresh(user).organisation_id = make_unit("enterprise", "37").id


def _delete_unit(user: User, client: FlaskClient) -> None:
    unit_changes.delete_unit(known(authority_user()), user.organisation_id)


ENDS: list[Callable[[User, FlaskClient], None]] = [
    _sign_out,
    _end_elsewhere,
    _end_all_others,
    _change_password,
    _disable,
    _reset,
    _end_by_security_admin,
    _change_role,
    _change_organisation,
    _delete_unit,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__.strip("_"))
def test_a_copied_cookie_is_dead_after(app: Flask, clock: Any, end: Callable[[User, FlaskClient], None]) -> None:
    user = make_user("enterprise", make_unit("enterprise", "37").id)
    own, copy = app.test_client(), app.test_client()
    sign_in(own, user)
    with own.session_transaction() as kept, copy.session_transaction() as stolen:
        stolen.update(dict(kept))
    assert copy.get("/account").status_code == 200
    end(user, own)
    for method, path in (("GET", "/account"), ("POST", "/account"), ("GET", "/session"), ("POST", "/session")):
        answer = copy.open(path, method=method)
        assert answer.status_code in (302, 401), (method, path)
        assert "/sign-in" in answer.headers.get("Location", "/sign-in")


def test_the_cookie_holds_a_key_and_the_database_its_digest(app: Flask, clock: Any) -> None:
    user = authority_user()
    key = begin_session(user)
    assert find_session(key) is not None
    row = session().scalars(select(AccountSession).where(AccountSession.user_id == user.id)).one()
    assert key.encode() not in row.key_digest
    assert find_session(row.key_digest.hex()) is None


def test_nobody_ends_the_session_of_another(app: Flask, clock: Any) -> None:
    victim, other = authority_user(), authority_user()
    begin_session(victim)
    (listed,) = sessions.sessions_of(victim)
    sign_in(app.test_client(), other).post(f"/account/sessions/{listed.id}/end")
    assert len(sessions.sessions_of(victim)) == 1


def test_sessions_that_can_never_go_on_are_forgotten(app: Flask, clock: Any) -> None:
    begin_session(authority_user())
    clock.move(timedelta(hours=13))
    sessions.forget_ended()
    assert session().scalar(select(func.count()).select_from(AccountSession)) == 0
