"""What tests are given: a fresh database, the application, a clock that stands still, a live server, a browser."""

from __future__ import annotations

import contextvars
import gc
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient

from service.config import settings
from service.domain.system.settings import SETTINGS
from service.infrastructure.postgres import Server
from setup.browser import find as find_browser
from tests.database import addresses, copy, copy_of_world, template, test_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 60.0  # seconds
SETTINGS["two_person_deploy"] = replace(SETTINGS["two_person_deploy"], default="0")  # test_process_change.py sets it
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in China
DEMONSTRATED = datetime(2026, 11, 24, 3, tzinfo=UTC)  # what the demonstration tells has come to this moment


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported, and run as seldom as in the web server."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Refuse an id that differs from worker to worker: they would collect different tests and run none."""
    given = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    sets = (str(one) for one in given if isinstance(one, set | frozenset) and len(one) > 1)
    if " at 0x" in item.nodeid or any(one.encode("unicode_escape").decode() in item.nodeid for one in sets):
        raise pytest.UsageError(f"an id of a test that another process writes otherwise: {item.nodeid}")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The tests' own PostgreSQL; the last test process to end stops it."""
    with test_server().running() as running:
        yield running


@pytest.fixture(scope="session")
def template_database(server: Server) -> Iterator[str]:
    """The name of the database that each test's own is copied from: migrated, ``processes/`` deployed, no people."""
    with template(server) as name:
        yield name


@pytest.fixture(scope="session")
def application(server: Server, template_database: str) -> Iterator[Flask]:
    """The application of this test process; tests take ``app``, which comes with a fresh database."""
    database = f"test_{os.getpid()}"
    os.environ |= addresses(server, database) | {"ANPEI_ADDRESS": "http://localhost"}
    settings.cache_clear()
    from service.app import create_app
    from service.models.db.time_limits import PAGE

    # the session of a test rests in its transaction while a browser or another process works
    made = create_app(limits=replace(PAGE, idle_in_transaction=0, transaction=0))
    made.config |= {"TESTING": True, "WTF_CSRF_ENABLED": False}
    made.test_client_class = SeparateClient
    yield made
    server.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


@pytest.fixture
def app(application: Flask, server: Server, template_database: str) -> Iterator[Flask]:
    """The application on a fresh copy of the template, inside an application context."""
    from service.models.db.session import db

    copy(server, template_database, f"test_{os.getpid()}")
    _forget_other_tests()
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


def _forget_other_tests() -> None:
    """What this process remembers of the database of the test before."""
    from service.models.db.process_cache import ProcessCache
    from tests.builders import world

    ProcessCache.clear_all()
    world.number_from_one()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a screen: keeps cookies, and each request has its own context and session."""
    return app.test_client()


@pytest.fixture
def clock() -> Iterator[Any]:
    """A clock that stands at Monday 2026-03-02 09:00 in China until the test moves it (``move``, ``move_to``)."""
    from service.models.db.clock import MovingClock, clock_override

    with clock_override(MovingClock(START)) as standing:
        yield standing


@pytest.fixture
def world(app: Flask, server: Server, clock: Any) -> Callable[[str, Callable[[], object]], None]:
    """Put the test on a copy of a filled database: ``world(name, fill)``, filled once for all tests that name it.

    The clock stands at ``DEMONSTRATED`` while it is filled and after.
    """
    from service.models.db.session import db

    def leave() -> None:
        db.session.remove()
        db.engine.dispose()

    def enter(name: str, fill: Callable[[], object]) -> None:
        def fill_and_leave() -> None:
            fill()
            leave()

        clock.move_to(DEMONSTRATED)
        leave()
        copy_of_world(server, name, f"test_{os.getpid()}", fill_and_leave)
        _forget_other_tests()

    return enter


@pytest.fixture
def demonstration(world: Callable[[str, Callable[[], object]], None]) -> None:
    """The application on a small demonstration."""
    from service import demo

    world("demonstration", lambda: demo.fill(share=0.07))


class SeparateClient(FlaskClient):
    """A client whose requests do not share the test's application context, as real ones do not."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        from service.models.db.session import db

        kwargs.setdefault("buffered", True)  # what streams is read to its end in the context where it began
        response = contextvars.Context().run(super().open, *args, **kwargs)
        if has_app_context():
            db.session.rollback()  # the test sees what the request wrote
        return response


class LiveServer:
    """A real threaded HTTP server on a free port; ``url`` has no slash at its end."""

    def __init__(self, app: Flask) -> None:
        from werkzeug.serving import make_server

        self._http = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def live_server(app: Flask) -> Iterator[LiveServer]:
    """The application behind a real port, on the test's own database and clock."""
    running = LiveServer(app)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium for a module's tests; its absence is a failure, not a reason to skip.

    Playwright keeps an event loop running in this thread; it must end before tests of code that starts its own.
    """
    from playwright.sync_api import sync_playwright

    program = find_browser()
    with sync_playwright() as playwright:
        if program is None and not Path(playwright.chromium.executable_path).exists():
            pytest.fail("No Chromium was found; `make setup-tests` installs it or says how")
        running = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """An empty tab; addresses may be given without host. A script error on the page fails the test."""
    context = browser.new_context(base_url=live_server.url, locale="zh-CN", viewport={"width": 1366, "height": 768})
    errors: list[str] = []
    tab = context.new_page()
    tab.set_default_timeout(10_000)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    context.close()
    assert not errors, errors
