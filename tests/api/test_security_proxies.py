"""The client's address is what a trusted proxy says, and nobody else; each client has a lock-out of its own."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from service.config import InvalidSetting, read_networks
from service.infrastructure.trusted_proxies import TrustedProxies
from tests.builders.world import authority_user

PROXY = {"REMOTE_ADDR": "10.9.8.7"}


@pytest.fixture
def behind(app: Flask) -> Any:
    """The application behind a proxy at 10.9.8.7."""
    kept = app.wsgi_app
    app.wsgi_app = TrustedProxies(kept, [ip_network("10.9.8.0/24")])  # type: ignore[method-assign]
    yield app
    app.wsgi_app = kept  # type: ignore[method-assign]


def seen(app: Flask, peer: str, forwarded: str) -> str | None:
    found: list[str | None] = []
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: found.append(request.remote_addr))
    try:
        app.test_client().get("/sign-in", headers={"X-Forwarded-For": forwarded}, environ_base={"REMOTE_ADDR": peer})
    finally:
        app.before_request_funcs[None].pop(0)
    return found[0]


def test_only_a_trusted_proxy_says_who_the_client_is(behind: Flask) -> None:
    assert seen(behind, "10.9.8.7", "203.0.113.5") == "203.0.113.5"
    assert (
        seen(behind, "10.9.8.7", "198.51.100.1, 203.0.113.5") == "203.0.113.5"
    )  # what the client wrote before counts not
    assert seen(behind, "203.0.113.9", "10.0.0.1") == "203.0.113.9"
    assert seen(behind, "unix", "10.0.0.1") == "unix"


def test_one_client_behind_the_proxy_locks_nobody_else_out(behind: Flask, clock: Any) -> None:
    authority_user()
    client: FlaskClient = behind.test_client()

    def enter(address: str, n: int) -> int:
        form = {"login": f"nobody-{n}", "password": "Wrong-Guess-2026"}
        headers = {"X-Forwarded-For": address}
        return client.post("/sign-in", data=form, headers=headers, environ_base=PROXY).status_code

    answers = [enter("203.0.113.5", n) for n in range(31)]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert enter("203.0.113.6", 99) == 401


@pytest.mark.parametrize("text", ["nonsense", "10.0.0.0/99", "1.2.3.4,,x"])
def test_a_setting_that_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting):
        read_networks(text)


def test_networks_are_read() -> None:
    assert read_networks(" 127.0.0.1, 10.0.0.0/8 ,::1") == tuple(map(ip_network, ("127.0.0.1", "10.0.0.0/8", "::1")))
    assert read_networks("") == ()
