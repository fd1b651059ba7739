"""Every list page, report and first page of every role on the full data: milliseconds and queries of each.

What there is to ask follows from the pages themselves: the menu, and on each page its tabs, its filters, the page after
the first and the last one. ``python -m tests.bench.lists [LOGIN…]`` measures alone, for these accounts.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from lxml import html

from service.cli.gunicorn import pre_fork
from service.config import demo_password
from tests.api.queries import counted
from tests.bench.figures import Figures, p50, percentile
from tests.bench.full_scale.database import full_scale

LOGINS = (
    "ministry",
    "association",
    "province-37",
    "institution-1",
    "group-1",
    "enterprise-1",
    "sysadmin",
    "secadmin",
    "auditor",
    "processadmin",
)
SHOWN = 40  # of the slowest, in the table and in the file
TURNS, CLOSE = 20, 0.075  # a page that is ever slower than this (seconds) is asked so often; the others a few times
SEARCHES = ("王", "张伟", "li", "3720", "第3期", "化工")
APART = ("/static", "/sign-out", "/language", "/privacy", "/password", "/api/docs", "/account")

ONE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-.*(?<!=)|/new$")  # of one thing, not a list


@dataclass
class Asked:
    """One address as one account sees it: seconds of each request, and its queries."""

    login: str
    address: str
    seconds: list[float] = field(default_factory=list)
    queries: int = 0

    @property
    def p95(self) -> float:
        """Milliseconds."""
        return percentile(self.seconds, 0.95) * 1e3

    def line(self) -> str:
        return f"{p50(self.seconds) * 1e3:8.1f} {self.p95:8.1f} {self.queries:4}  {self.login:<14} {self.address}"


def measure(figures: Figures, logins: tuple[str, ...] = LOGINS) -> None:
    """Ask for everything; the worst page is the figure, the table says where it stands."""
    with full_scale() as app:
        pre_fork(None, None)  # the collector as the web server sets it: a pause of it is no page's
        pages = [page for login in logins for page in _pages_of(app, login)]
    pages.sort(key=lambda page: -page.p95)
    for page in pages[:SHOWN]:
        print(f"  {page.line()}")
    figures.key("list_pages_p95_ms", pages[0].p95)
    figures.key("list_pages_most_queries", max(page.queries for page in pages))
    figures.row(
        f"slowest of {len(pages)} list pages at full scale, p95",
        f"{pages[0].p95:.0f} ms",
        f"{pages[0].login} {pages[0].address}",
    )
    figures.details["lists"] = [
        {
            "login": p.login,
            "page": p.address,
            "p50_ms": round(p50(p.seconds) * 1e3, 1),
            "p95_ms": round(p.p95, 1),
            "queries": p.queries,
        }
        for p in pages[:SHOWN]
    ]


def _pages_of(app: Flask, login: str) -> Iterator[Asked]:
    client = app.test_client()
    client.post("/sign-in", data={"login": login, "password": demo_password()})
    home = _ask(client, Asked(login, "/"))
    known = {"/"}
    for address in ["/", *_menu(home)]:
        for variant in [address, *_variants(client, login, address)]:
            if variant not in known or variant == "/":
                known.add(variant)
                yield _measured(client, login, variant)


def _measured(client: FlaskClient, login: str, address: str) -> Asked:
    page = Asked(login, address)
    _ask(client, page)
    page.seconds.clear()  # the first request of a kind compiles templates and plans
    for _ in range(3):
        _ask(client, page)
    while max(page.seconds) > CLOSE and len(page.seconds) < TURNS:
        _ask(client, page)
    return page


def _ask(client: FlaskClient, page: Asked) -> str:
    began = time.perf_counter()
    with counted() as queries:
        answer = client.get(page.address)
        body = answer.get_data(as_text=True)
    page.seconds.append(time.perf_counter() - began)
    page.queries = len(queries)
    if answer.status_code not in (200, 302):
        raise RuntimeError(f"{page.login} {page.address}: {answer.status_code}")
    return body


def _menu(home: str) -> list[str]:
    """The pages that the reader's first page leads to."""
    links = html.fromstring(home).xpath("//a/@href")
    lists = (link for link in links if link.startswith("/") and not link.startswith(APART) and not ONE.search(link))
    return list(dict.fromkeys(lists))


def _variants(client: FlaskClient, login: str, address: str) -> list[str]:
    """Tabs and the next page (links to the same path), the last page, one value of each filter, some searches."""
    page = html.fromstring(_ask(client, Asked(login, address)) or "<p/>")
    path = urlsplit(address).path
    links = [
        link for link in page.xpath("//main//a/@href") if urlsplit(link).path in (path, "") and urlsplit(link).query
    ]
    found = [f"{path}?{urlsplit(link).query}" for link in links][:12]
    found += [last for link in page.xpath("//a[@rel='next']/@href") for last in _last(client, login, path, link)]
    for form in page.xpath("//form[not(@method) or translate(@method, 'GET', 'get') = 'get']"):
        if urlsplit(form.get("action") or path).path == path:
            found += [f"{path}?{urlencode(values)}" for values in _entries(form)]
    return found


def _last(client: FlaskClient, login: str, path: str, link: str) -> list[str]:
    """The last page: before a place that lies behind everything, in whichever direction the list runs."""
    query = dict(parse_qsl(urlsplit(link).query))
    cursor = query.get("page", "")
    try:
        _, *values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        return []
    for end in (0, 1):
        place = json.dumps(["<", *(_extreme(value, end) for value in values)]).encode()
        address = f"{path}?{urlencode(query | {'page': base64.urlsafe_b64encode(place).decode().rstrip('=')})}"
        if "pager" in _ask(client, Asked(login, address)):
            return [address]
    return []


def _extreme(value: Any, end: int) -> Any:
    if isinstance(value, int):
        return (0, 1 << 30)[end]
    if len(value) == 36 and value.count("-") == 4:
        return ("0" * 8 + "-0000-0000-0000-" + "0" * 12, "f" * 8 + "-ffff-ffff-ffff-" + "f" * 12)[end]
    if value[:4].isdigit() and value[4:5] == "-":
        return ("0002-01-01", "9998-01-01")[end] + value[10:]
    return ("", "\U0010ffff")[end]


def _entries(form: Any) -> Iterator[dict[str, str]]:
    """The form with one filter chosen, each in turn; and with each search in its text field."""
    hidden = {field.name: field.value or "" for field in form.xpath(".//input[@type='hidden' and @name]")}
    for choice in form.xpath(".//select[@name]"):
        values = [option.get("value") for option in choice.xpath(".//option") if option.get("value")]
        yield from (hidden | {choice.name: value} for value in dict.fromkeys(values[:1] + values[-1:]))
    for words in form.xpath(".//input[@name='q' or @type='search']/@name"):
        yield from (hidden | {words: text} for text in SEARCHES)


if __name__ == "__main__":
    measure(Figures(), tuple(sys.argv[1:]) or LOGINS)
