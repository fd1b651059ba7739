"""What browser tests do with a tab: sign in, and let axe-core look at a page."""

from __future__ import annotations

from typing import Any

from flask import Flask
from playwright.sync_api import Page

from service.config import CHECKOUT
from service.models.tables.accounts.user import User
from tests.builders.world import begin_session

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"


def sign_in(page: Page, app: Flask, user: User, **choices: str) -> Page:
    """Put a session of the user into the tab, without the slow password check."""
    kept = {"key": begin_session(user), **choices}
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.context.add_cookies([{"name": "anpei", "value": serializer.dumps(kept), "url": page.url}])
    return page


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page: rule, and the first place."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text()})  # past the policy that keeps foreign scripts out
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(result => result.violations)")
    return [f"{page.url} {item['id']}: {item['nodes'][0]['html'][:120]}" for item in found]


WIDER = """
[...document.querySelectorAll("body *")]
    .filter(part => part.getBoundingClientRect().right > innerWidth + 1 && !part.closest(".scroll, .side, .canvas, .visually-hidden, .skip"))
    .map(part => `${part.tagName} ${part.className} ${part.textContent.trim().slice(0, 30)}`)
"""


def overflow(page: Page) -> list[str]:
    """What makes the page wider than its window."""
    if page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        return []
    parts: list[str] = page.evaluate(WIDER)
    return [f"{page.url} is wider than the window: {', '.join(parts[:3])}"]
