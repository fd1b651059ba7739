"""Any two acts on one row at once: each is done or refused with what to do, and counts, records and history agree.

Every operation of the use cases stands among the acts of ``NOUNS``, or in ``APART`` with the reason (R58, R74).
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm.exc import StaleDataError

from service.config import CHECKOUT
from service.errors import AnpeiError
from service.models.db.clock import MovingClock
from service.models.db.errors import refusal_of
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.db.transaction import Operation, transaction
from service.models.db.unit_of_work import UnitOfWork
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.operations.certificates import FIRST_PRINT
from service.workflow.accounts import passwords
from service.workflow.certificates import certificates
from service.workflow.runtime import history
from service.workflow.system import data_check, row_verification
from tests.builders import raced_administration, raced_business
from tests.builders.raced_business import Ground, Who, account_of
from tests.builders.sealed import seal_in
from tests.builders.stage import make_stage
from tests.builders.world import make_certificate

AUDITED = [mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, Audited)]
NOUNS = raced_business.NOUNS | raced_administration.NOUNS
Act = Callable[[Who], Any]
ADDS = "adds one row of its own and changes none"
BY_LEASE = "done under a lease: test_leases.py overtakes it at each of its steps"
APART = {
    "download_certificate": ADDS,
    "export_case_file": ADDS,
    "export_evidence": ADDS,
    "export_mined_log": ADDS,
    "export_sample": ADDS,
    "verify_journal": ADDS,
    "test_mail": ADDS,
    "send_mail": BY_LEASE,
    "mail_sent": BY_LEASE,
    "mail_change": BY_LEASE,
    "mail_notice": BY_LEASE,
    "retry_mails": "locks the mails that it changes",
    "preview retry": "undone at its end",
    "print_batch_cancelled": BY_LEASE,
    "check_import_photos": BY_LEASE,
    "person_import_failed": BY_LEASE,
    "person_import_refused": BY_LEASE,
    "assign_import_columns": "locks the import that it changes, which is one account's own",
    "export_events": "reads, and leaves an event of its own",
    "mend_import_rows": "reads the rows under the lock of the import: test_two_mends_at_once_lose_nothing",
    "reference data": "of a start, which is alone",
}
"""Operations that no two people do to one row, and why."""
COMMUTING = {"sign in", "language", "theme", "privacy", "own phone", "go on", "read", "reveal", "ask", "say", "decide"}
"""Acts that bear with each other and with themselves: none is refused."""
CONTRADICTIONS = {
    "an account that works for a deleted unit": """
        SELECT login FROM user_account u JOIN organisation o ON o.id = u.organisation_id
        WHERE o.state = 'deleted' AND u.state <> 'disabled'""",
    "a person of a deleted unit": """
        SELECT p.id FROM person p JOIN organisation o ON o.id = p.unit_id
        WHERE o.state = 'deleted' AND p.state NOT IN ('draft', 'deregistered')""",
    "an account whose role is not that of its unit": """
        SELECT login FROM user_account u JOIN organisation o ON o.id = u.organisation_id
        WHERE u.role = 'enterprise' AND o.kind NOT IN ('enterprise', 'branch') OR u.role = 'group' AND o.kind <> 'group'""",
    "a unit that was deleted and lives": """
        SELECT o.id FROM organisation o JOIN row_change c ON c.row_id = o.id
        WHERE c.after->>'state' = 'deleted' AND o.state <> 'deleted'""",
    "a unit that was reminded twice": """
        SELECT organisation_id FROM notice WHERE kind = 'reminder' GROUP BY organisation_id HAVING count(*) > 1""",
    "a live enrolment in a class that was cancelled, with nobody left to tell it": """
        SELECT e.id FROM enrollment e JOIN training_class c ON c.id = e.class_id
        WHERE c.state = 'cancelled' AND e.state IN ('pending', 'confirmed') AND NOT EXISTS (
            SELECT 1 FROM job WHERE job.case_id = e.case_id AND job.kind = 'message' AND job.state = 'pending')""",
    "two running cases about one thing": """
        SELECT process, business_key FROM case_instance WHERE ended_at IS NULL AND business_key IS NOT NULL
        GROUP BY process, business_key HAVING count(*) > 1""",
    "a task of a disabled account": """
        SELECT t.id FROM task t JOIN user_account u ON u.id = t.assignee_id WHERE t.state = 'open' AND u.state = 'disabled'""",
    "an open task of a case that has ended": """
        SELECT t.id FROM task t JOIN case_instance c ON c.id = t.case_id WHERE t.state = 'open' AND c.ended_at IS NOT NULL""",
    "a case that counts other incidents than it has": """
        SELECT id FROM case_instance c
        WHERE incidents <> (SELECT count(*) FROM incident WHERE case_id = c.id AND resolved_at IS NULL)""",
    "two versions in force, or one number twice": """
        SELECT key FROM definition_version GROUP BY key
        HAVING count(*) FILTER (WHERE current) > 1 OR count(DISTINCT number) < count(*)""",
    "two classes of one draft": "SELECT case_id FROM training_class GROUP BY case_id HAVING count(*) > 1",
}
"""What no order of acts leads to; each query finds none."""


@pytest.fixture
def ground(app: Flask, clock: MovingClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ground:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    seal_in(tmp_path, monkeypatch)
    return Ground(clock)


def _race(app: Flask, accounts: Mapping[str, UUID], acts: list[Act]) -> list[Exception | None]:
    """Let each act begin at the same moment; how each ended, None for well."""
    together = Barrier(len(acts))

    def run(act: Act) -> Exception | None:
        with app.app_context():
            try:
                together.wait()
                act(lambda name: account_of(accounts[name]))
            except Exception as error:
                return error
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def _lost() -> dict[str, int]:
    """The changes of rows that the history tells and the rows do not have, by table."""
    session().rollback()
    found = {}
    for table in {row.__tablename__ for row in AUDITED}:
        query = text(
            f"SELECT count(*) FROM {table} t WHERE t.version <> 1 + "
            "(SELECT count(*) FROM row_change WHERE table_name = :table AND row_id = t.id AND kind = 'update')"
        )
        found[table] = session().scalar(query, {"table": table}) or 0
    return {table: count for table, count in found.items() if count}


def _wrong(app: Flask) -> set[str]:
    """Everything that does not agree: counters, rows with their history, journals, and ``CONTRADICTIONS``."""
    with app.app_context():  # of its own: it lets go of the rows that it has looked at
        return _contradictions()


def _contradictions() -> set[str]:
    found = {str(one) for _, one in data_check.differences() if one}
    found |= {str(one) for one in row_verification.row_differences()} | {str(one) for one in history.verify()}
    for name, query in CONTRADICTIONS.items():
        found |= {f"{name}: {row}" for row in session().execute(text(query))}
    return found


@pytest.mark.parametrize("noun", NOUNS)
def test_acts_on_one_row_at_once_lose_nothing(app: Flask, ground: Ground, noun: str) -> None:
    """Every act with itself and with each of its neighbours: each is done, or refused with what to do."""
    names = list(NOUNS[noun](ground, 300))
    lost, wrong = _lost(), _wrong(app)
    for serial, pair in enumerate(itertools.combinations_with_replacement(names, 2)):
        acts = NOUNS[noun](ground, serial)
        raced = [*pair, *pair]
        ends = list(zip(raced, _race(app, ground.accounts, [acts[name] for name in raced]), strict=True))
        faults = {name: repr(end) for name, end in ends if end and not _is_refusal(end)}
        assert not faults, pair
        assert any(end is None for _, end in ends), (pair, ends)
        assert not set(pair) <= COMMUTING or all(end is None for _, end in ends), (pair, ends)
    assert _lost() == lost
    assert _wrong(app) == wrong


def test_every_operation_is_among_the_acts_that_are_raced(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each act by itself is done; together they are all operations of the use cases but those told apart."""
    seen, run = set[str](), UnitOfWork.run

    def noted(self: UnitOfWork, operation: Operation) -> Any:
        seen.add(operation.use_case)
        return run(self, operation)

    monkeypatch.setattr(UnitOfWork, "run", noted)
    refused = {}
    for noun, make in NOUNS.items():
        acts = make(ground, 400)
        for serial, name in enumerate(acts, 401):
            try:
                acts[name](lambda who: account_of(ground.accounts[who]))
            except AnpeiError as error:
                refused[noun, name] = repr(error)
            acts = make(ground, serial)
    assert refused == {}
    known = set(_operations())
    assert len(known) > 100
    missing = {
        name for name in known if not any(one == name or (name[-1] == " " and one.startswith(name)) for one in seen)
    }
    assert missing == set(APART)


def _operations() -> Iterator[str]:
    """The names of all operations in the code; of one that is put together its beginning, with a space."""
    for file in (CHECKOUT / "service" / "workflow").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Operation", "_use_case") and node.args:
                first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
                if isinstance(first, ast.Constant):
                    yield first.value


def _is_refusal(error: Exception) -> bool:
    said = error if isinstance(error, AnpeiError) else refusal_of(error)
    return said is not None and said.status < 500


@pytest.mark.parametrize(("reason", "prints"), [("污损", 10), ("", 1)])
def test_r58_a_certificate_printed_ten_times_at_once_counts_each_print(
    app: Flask, clock: MovingClock, reason: str, prints: int
) -> None:
    """R58: with a reason each is a further print or the first; without, one is the first and nine are refused"""
    ground = Ground(clock)
    found = make_certificate(ground.stage.person()).id
    ends = _race(
        app, ground.accounts, [lambda who: certificates.print_certificate(who("association"), found, reason)] * 10
    )
    assert sum(end is None for end in ends) == prints
    assert all(end is None or _is_refusal(end) for end in ends)
    session().rollback()
    assert session().get_one(Certificate, found).printed_count == prints
    reasons = session().scalars(select(PrintRecord.reason).where(PrintRecord.certificate_id == found)).all()
    assert reasons == [reason or FIRST_PRINT] * prints
    assert _lost() == {}


def test_every_audited_row_is_written_under_the_version_that_was_read(app: Flask, clock: MovingClock) -> None:
    """Of each table that the office has rows of: two read, the second to write is refused and writes no history."""
    make_certificate(make_stage().person())
    tried = set()
    for kind in AUDITED:
        assert kind.__mapper__.version_id_col is kind.__table__.c.version
        if (row_id := session().scalar(select(kind.id).limit(1))) is None:
            continue

        def change(kind: Any = kind, row_id: UUID = row_id) -> None:
            with app.app_context(), transaction(Operation("test")) as current:
                current.get_one(kind, row_id).updated_at = clock.now() + timedelta(hours=1)

        def change_late(kind: Any = kind, row_id: UUID = row_id) -> None:
            with transaction(Operation("test")) as current:
                row = current.get_one(kind, row_id)
                assert row.version
                with ThreadPoolExecutor(1) as other:
                    other.submit(change).result()
                row.updated_at = clock.now() + timedelta(hours=2)

        with pytest.raises(StaleDataError) as stale:
            change_late()
        said = refusal_of(stale.value)
        assert said
        assert said.status == 409
        tried.add(kind.__tablename__)
    assert {"certificate", "person", "organisation", "user_account", "photo", "qualification_type"} <= tried
    assert _lost() == {}
