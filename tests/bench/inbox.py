"""The inbox with a thousand and with a million open tasks: its page over HTTP, and its query alone."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from urllib.parse import urlencode

from service.infrastructure.postgres import Server
from service.models.queries.runtime import inbox
from service.models.queries.scope import inbox_addresses
from service.models.tables.accounts.user import User
from tests.bench import web
from tests.bench.cast import PASSWORD
from tests.bench.figures import Figures, p50
from tests.bench.processes import at_once
from tests.bench.scratch import application, copy

SIZES = {"1k": 1_000, "1m": 1_000_000}
SHARE = 10  # one task in so many waits for the association, whose inbox is looked at
TURNS = 150

# Tasks of the cases there are, spread over the association and the provinces as a country's would be.
FILL = """
INSERT INTO task (id, case_id, token, kind, element, name, process, definition, form_key, role, organisation_id, opened_at, due_at,
    sort_at, priority, subject, summary, unit_name, batch, batch_title, facts, state)
SELECT gen_random_uuid(), c.ids[1 + n % c.size], n || '.0', 'training_enrollment/' || e.element, e.element, e.name, 'training_enrollment',
    c.definition, e.element, CASE WHEN n % {share} = 0 THEN 'association' ELSE 'provincial_authority' END,
    CASE WHEN n % {share} = 0 THEN a.association ELSE p.ids[1 + n % p.size] END, t.at, t.at + interval '5 days', t.at + interval '5 days',
    50, '测量员' || n, '', '测量化工' || n % 997 || '厂', NULL, NULL, '{{}}', 'open'
FROM generate_series(1, {size}) n
CROSS JOIN (SELECT array_agg(id) AS ids, count(*) AS size, min(definition) AS definition FROM case_instance) c
CROSS JOIN (SELECT array_agg(id) AS ids, count(*) AS size FROM organisation WHERE kind = 'province') p
CROSS JOIN (SELECT id AS association FROM organisation WHERE kind = 'association') a
CROSS JOIN LATERAL (SELECT now() - n % 86400 * interval '1 second' AS at) t
CROSS JOIN LATERAL (SELECT CASE n / {share} % 3 WHEN 0 THEN 'check_in' WHEN 1 THEN 'confirm_score' ELSE 'print_certificate' END AS element,
                           CASE n / {share} % 3 WHEN 0 THEN '报到' WHEN 1 THEN '确认成绩' ELSE '打印证书' END AS name) e
"""


def measure(server: Server, prepared: str, figures: Figures) -> None:
    """Page and query with each number of open tasks; required is the worse of the two ratios."""
    queries = {}
    for name, size in SIZES.items():
        copy(server, prepared, _database(name))
        _fill(server, _database(name), size)
        (queries[name],) = at_once(_query, [(server.url(_database(name)),)])
    pages = _pages(server)
    for name, size in SIZES.items():
        query = f"query alone {queries[name] * 1e3:.3f} ms"
        figures.row(f"inbox with {size:,} open tasks: page", f"{pages[name] * 1e3:.2f} ms", query)
    ratio = {"page": pages["1m"] / pages["1k"], "query": queries["1m"] / queries["1k"]}
    figures.key("inbox_1m_over_1k", max(ratio.values()))
    figures.key("inbox_page_over_query", max(pages[name] / queries[name] for name in SIZES))
    figures.row("  1 M over 1 k: page, query", f"{ratio['page']:.2f}, {ratio['query']:.2f}")
    figures.details["inbox"] = {
        "page_ms": {name: round(s * 1e3, 3) for name, s in pages.items()},
        "query_ms": {name: round(s * 1e3, 3) for name, s in queries.items()},
        "page_ratio": round(ratio["page"], 3),
        "query_ratio": round(ratio["query"], 3),
        "in_the_inbox": {n: s // SHARE for n, s in SIZES.items()},
    }


def _database(name: str) -> str:
    return f"bench_inbox_{name}"


def _fill(server: Server, database: str, size: int) -> None:
    server.execute("DELETE FROM task", database)
    with contextlib.closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'task' AND indexname <> 'pk_task'")
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute(FILL.format(size=size, share=SHARE))
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE task")
        cursor.execute("CHECKPOINT")


def _query(ready: Callable[[], object], url: str) -> float:
    """Median seconds of the query of the first page, in a process of its own."""
    ready()
    with application(url).app_context():
        user = User.by_login("bench-association")
        assert user is not None
        where_to = inbox_addresses(user)
        return timed(lambda: inbox.read(where_to, inbox.Filter()))


def _pages(server: Server) -> dict[str, float]:
    """Median seconds of the page over HTTP, signed in once; asked in turn, so that both meet the same machine."""
    with contextlib.ExitStack() as running:
        ports = {name: running.enter_context(web.serving(server, _database(name)))[0] for name in SIZES}
        ask = {name: _asking(running, port) for name, port in ports.items()}
        seconds: dict[str, list[float]] = {name: [] for name in SIZES}
        for _ in range(TURNS):
            for name in SIZES:
                began = time.perf_counter()
                ask[name]()
                seconds[name].append(time.perf_counter() - began)
    return {name: p50(each) for name, each in seconds.items()}


def _asking(running: contextlib.ExitStack, port: int) -> Callable[[], object]:
    """A function that asks for the page once, over a connection that lasts as long as ``running`` does."""
    connection = web.Connection(port)
    running.callback(connection.close)
    request = web.get("/inbox", f"Cookie: {_sign_in(connection)}\r\n")
    for _ in range(20):
        status, _, body = connection.ask(request)
        if status != 200 or "测量员".encode() not in body:
            raise RuntimeError(f"the inbox answered {status}")
    return lambda: connection.ask(request)


def _sign_in(connection: web.Connection) -> str:
    """The session's cookie, through the form as people use it."""
    _, head, body = connection.ask(web.get("/sign-in", ""))
    token = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', body)
    assert token is not None
    form = urlencode({"login": "bench-association", "password": PASSWORD, "csrf_token": token[1].decode()}).encode()
    request = f"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nCookie: {_cookie(head)}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n"
    status, head, _ = connection.ask(request.encode() + form)
    if status not in (302, 303):
        raise RuntimeError(f"the sign-in answered {status}")
    return _cookie(head)


def _cookie(head: bytes) -> str:
    found = re.search(rb"(?i)\r\nset-cookie: *([^;\r]+)", head)
    return found[1].decode() if found else ""


def timed(function: Callable[[], object], turns: int = TURNS) -> float:
    """Median seconds of a call, after a few that warm up."""
    for _ in range(20):
        function()
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return p50(seconds)
