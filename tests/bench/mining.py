"""Process mining over 100,000 cases: ways, waits and durations, in a fresh process, against one pass over the journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import text

from service.domain.accounts.roles import Role
from service.infrastructure.postgres import Server
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.reports import read_list
from service.reports.lists.process_mining import MiningTable
from tests.bench import chain
from tests.bench.figures import Figures
from tests.bench.processes import at_once
from tests.bench.scratch import copy

CASES = 100_000
SEED_CASES = 60  # walked to their certificates; the others are copies of them under other ids
COPIES = """
CREATE TEMP TABLE walked AS SELECT id FROM case_instance WHERE id = ANY('{{{ids}}}'::uuid[]);
INSERT INTO case_instance SELECT (c).* FROM (SELECT jsonb_populate_record(c, jsonb_build_object(
    'id', md5(c.id::text || n)::uuid)) AS c FROM case_instance c JOIN walked USING (id), generate_series(1, {times}) n) x;
INSERT INTO journal SELECT (j).* FROM (SELECT jsonb_populate_record(j, jsonb_build_object(
    'case_id', md5(j.case_id::text || n)::uuid)) AS j
    FROM journal j JOIN walked ON walked.id = j.case_id, generate_series(1, {times}) n) x;
INSERT INTO task SELECT (t).* FROM (SELECT jsonb_populate_record(t, jsonb_build_object(
    'id', md5(t.id::text || n)::uuid, 'case_id', md5(t.case_id::text || n)::uuid)) AS t
    FROM task t JOIN walked ON walked.id = t.case_id, generate_series(1, {times}) n) x;
"""


def measure(server: Server, prepared: str, case_ids: Sequence[UUID], figures: Figures) -> None:
    """Walk some cases to their certificates, copy them, and mine them all."""
    name = "bench_mining"
    copy(server, prepared, name)
    url, walked = server.url(name), list(case_ids[:SEED_CASES])
    at_once(chain.walk, [(url, walked, False)])
    times = CASES // len(walked)
    server.execute(COPIES.format(ids=",".join(map(str, walked)), times=times), name)
    server.execute("VACUUM ANALYZE", name)
    ((wall, bare, cases),) = at_once(_mine, [(url,)])
    figures.key("mining_100k_s", wall * CASES / cases)
    figures.key("mining_over_one_pass", wall / bare)
    beside = f"{cases:,} cases; {wall / bare:.1f} times one pass over the journal ({bare:.1f} s)"
    figures.row("process mining: 100,000 enrolments", f"{wall * CASES / cases:.1f} s", beside)


def _mine(ready: Callable[[], object], url: str) -> tuple[float, float, int]:
    from tests.bench.scratch import application

    with application(url).app_context():
        auditor = User(role=Role.AUDIT_ADMIN)
        ready()
        wall = time.perf_counter()
        table = read_list("process-mining", auditor, {"process": "training_enrollment"}).table
        wall = time.perf_counter() - wall
        assert isinstance(table, MiningTable)
        bare = time.perf_counter()
        session().execute(text("SELECT sum(length(record::text)) FROM journal")).scalar()
        return wall, time.perf_counter() - bare, table.map.cases
