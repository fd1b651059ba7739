"""The attacks of somebody with SQL rights on a sealed database: each is found, and named where it happened.

The numbers are those of the list of attacks that was tried first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from service import engine
from service.engine import journal, replay
from service.models.db.session import session
from service.models.tables.runtime.case import Case, JournalRow
from service.models.tables.system.seal import Seal
from service.workflow.processes import definitions
from service.workflow.runtime import executor, history
from service.workflow.system.mark_verification import mark_differences
from service.workflow.system.proof import cases_since
from service.workflow.system.row_verification import row_differences
from service.workflow.system.seal_verification import SealReport, seal_differences
from service.workflow.system.sealing import seal_new
from tests.builders.sealed import seal_in
from tests.database import alter_as_owner

LONGEST = "SELECT case_id FROM journal GROUP BY case_id ORDER BY count(*) DESC, case_id LIMIT 1"
RUNNING = (
    "SELECT c.id FROM case_instance c JOIN task t ON t.case_id = c.id WHERE t.state = 'open' ORDER BY c.id LIMIT 1"
)
ENDED = "SELECT id FROM case_instance WHERE ended_at IS NOT NULL ORDER BY id LIMIT 1"
TIMED = "SELECT case_id FROM job WHERE kind = 'timer' AND state = 'pending' ORDER BY id LIMIT 1"
PERSONAL = "SELECT case_id FROM personal_value ORDER BY id LIMIT 1"


@pytest.fixture
def sealed(demonstration: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seal_in(tmp_path, monkeypatch)
    seal_new()
    session().rollback()


def rows_of(case_id: UUID) -> list[dict[str, Any]]:
    query = select(JournalRow.record).where(JournalRow.case_id == case_id).order_by(JournalRow.seq)
    return list(session().scalars(query))


def differences(*cases: UUID) -> list[str]:
    session().rollback()
    session().expire_all()
    found = [*history.verify(cases), *seal_differences(SealReport()), *row_differences(), *mark_differences()]
    return [f"{one.case_id or '-'} {one.what}: {one.detail}" for one in found]


def test_a_sealed_demonstration_has_no_difference(sealed: None) -> None:
    cases = {session().scalars(text(query)).one() for query in (LONGEST, RUNNING, ENDED, TIMED, PERSONAL)}
    assert differences(*cases) == []


def set_row(case: str, seq: str, change: str) -> str:
    return f"UPDATE journal SET {change} WHERE case_id = ({case}) AND seq = {seq}"


FREE = """DO $$ DECLARE c record;\nBEGIN FOR c IN SELECT conname, conrelid::regclass AS t FROM pg_constraint
    WHERE confrelid = 'case_instance'::regclass LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname);
    END LOOP;\nEND $$"""
LAST = f"(SELECT max(seq) FROM journal WHERE case_id = ({LONGEST}))"
SQL: list[tuple[str, str, str, str]] = [
    (
        "1 payload",
        LONGEST,
        set_row(LONGEST, "1", """record = jsonb_set(record, '{data,score}', '99')"""),
        "chain: .*1: ",
    ),
    (
        "2 actor",
        LONGEST,
        set_row(LONGEST, "1", f"""record = jsonb_set(record, '{{actor}}', '"{uuid4()}"')"""),
        "chain: ",
    ),
    ("3 back-dated column", LONGEST, set_row(LONGEST, "1", "at = at - interval '1 day'"), "column: seq 1: at"),
    (
        "4 row in the middle",
        LONGEST,
        f"DELETE FROM journal WHERE case_id = ({LONGEST}) AND seq = 1",
        "chain: .*missing",
    ),
    (
        "4 row at the end",
        LONGEST,
        f"INSERT INTO journal (case_id, seq, at, kind, record, hash) SELECT case_id, seq + 1, at, kind, record, hash FROM journal WHERE case_id = ({LONGEST}) AND seq = {LAST}",
        "chain: .*out of place",
    ),
    ("5 tail", LONGEST, f"DELETE FROM journal WHERE case_id = ({LONGEST}) AND seq = {LAST}", "chain: the last row"),
    ("7 all rows", ENDED, f"DELETE FROM journal WHERE case_id = ({ENDED})", "chain: no case or no journal"),
    (
        "8 whole case",
        ENDED,
        f"CREATE TABLE gone AS {ENDED}; "
        + "; ".join(
            f"DELETE FROM {table} WHERE case_id IN (SELECT id FROM gone)"
            for table in ("incident", "job", "task", "journal", "personal_value")
        )
        + f"; {FREE}; DELETE FROM case_instance WHERE id IN (SELECT id FROM gone)",
        "seal: journal .*: gone since it was sealed",
    ),
    (
        "13 data in the state",
        RUNNING,
        f"""UPDATE case_instance SET state = convert_to(regexp_replace(convert_from(state, 'UTF8'), '[{{]', '{{"forged"\\:0,'),
            'UTF8') WHERE id = ({RUNNING})""",
        " state: ",
    ),
    ("17 timers", TIMED, "DELETE FROM job WHERE kind = 'timer' AND state = 'pending'", "jobs: missing timer"),
    (
        "17 forged message",
        RUNNING,
        f"INSERT INTO job (id, case_id, element, kind, name, due_at, payload, state, retries, run_at, created_at) SELECT gen_random_uuid(), ({RUNNING}), '', 'message', 'no_show', now(), '{{}}', 'pending', 3, now(), now()",
        "jobs: message no_show: nobody sent it",
    ),
    ("18 name", ENDED, "UPDATE person SET name = '某某'", "row: person .*: name"),
    ("18 scores", ENDED, "UPDATE score SET value = 100 WHERE value <> 100", "row: score .*: value"),
    ("18 certificate", ENDED, "UPDATE certificate SET valid_to = '2099-01-01'", "row: certificate .*: valid_to"),
    (
        "18 enrolment",
        ENDED,
        "UPDATE enrollment SET state = 'completed' WHERE state <> 'completed'",
        "row: enrollment .*: state",
    ),
    ("18 print record", ENDED, "DELETE FROM print_record", "row: print_record .*: it is gone"),
    ("19 row history", ENDED, "DELETE FROM row_change WHERE table_name = 'score'", "seal: row_change .*: gone"),
    (
        "19 row history altered",
        ENDED,
        "UPDATE row_change SET actor_id = gen_random_uuid()",
        "seal: row_change .*: altered",
    ),
    ("19 audit trail", ENDED, "DELETE FROM audit_event", "seal: audit_event .*: gone"),
    (
        "20 personal text",
        PERSONAL,
        f"UPDATE personal_value SET salt = '\\x00' WHERE case_id = ({PERSONAL})",
        "personal: .*another",
    ),
    (
        "20 personal text deleted",
        PERSONAL,
        f"DELETE FROM personal_value WHERE case_id = ({PERSONAL})",
        "personal: .*missing",
    ),
    (
        "21 photos",
        ENDED,
        "UPDATE photo SET sealed = (SELECT sealed FROM photo ORDER BY id LIMIT 1)",
        "seal: photo .*: altered",
    ),
    (
        "22 role",
        ENDED,
        "UPDATE user_account SET role = 'ministry' WHERE role = 'enterprise'",
        "row: user_account .*: role",
    ),
    ("22 who acted", ENDED, "UPDATE user_account SET display_name = '李四'", "row: user_account .*: display_name"),
    ("22 unit", ENDED, "UPDATE organisation SET name = '某厂' WHERE kind = 'enterprise'", "row: organisation .*: name"),
    (
        "23 diagram",
        ENDED,
        "UPDATE definition_file SET content = content || ' '::bytea WHERE name LIKE '%.bpmn'",
        "definition: ",
    ),
    (
        "23 form",
        ENDED,
        "UPDATE definition_file SET content = content || ' '::bytea WHERE name LIKE '%.form'",
        "definition: ",
    ),
    ("23 file", ENDED, "DELETE FROM definition_file WHERE name LIKE '%.form'", "definition: "),
    ("24 number", ENDED, "UPDATE definition_version SET number = number + 5", "seal: definition .*: altered"),
    ("24 name", ENDED, "UPDATE definition_version SET name = '某', source = 'rest'", "seal: definition .*: altered"),
    ("25 erased by SQL", LONGEST, set_row(LONGEST, "1", "record = record - 'salt' || '{\"data\": {}}'"), "chain: "),
    (
        "26 last erased by SQL",
        LONGEST,
        set_row(LONGEST, LAST, 'record = record || \'{"data": {}, "digests": {}}\''),
        "chain: ",
    ),
    ("27 record emptied", LONGEST, set_row(LONGEST, "1", "record = '{}'"), "unreadable: |chain: "),
]
CASE_COLUMNS = {
    "ended": "'other'",
    "ended_at": "ended_at - interval '1 day'",
    "started_at": "started_at - interval '1 day'",
    "started_by": "gen_random_uuid()",
    "moved_at": "moved_at - interval '1 day'",
    "subject": "'某某'",
    "unit_id": "gen_random_uuid()",
    "authority_id": "gen_random_uuid()",
    "institution_id": "gen_random_uuid()",
    "organiser_id": "gen_random_uuid()",
    "business_key": "'other'",
    "process": "'other'",
    "awaited": "'{message:x}'",
    "incidents": "7",
}
TASK_COLUMNS = {
    "organisation_id": "gen_random_uuid()",
    "role": "'security_admin'",
    "due_at": "'2030-01-01Z'",
    "follow_up_at": "'2030-01-01Z'",
    "assignee_id": "gen_random_uuid()",
    "form_key": "'other'",
    "facts": """facts || '{"barred": "x"}'""",
    "summary": "'某'",
    "subject": "'某'",
    "unit_name": "'某'",
    "batch": "'某'",
    "batch_title": "'某'",
    "priority": "7",
    "name": "'某'",
    "kind": "'other'",
    "process": "'other'",
    "opened_at": "opened_at - interval '1 day'",
    "sort_at": "sort_at - interval '1 day'",
}
CLOSED = f"case_id = ({LONGEST}) AND state = 'completed'"
CLOSED_COLUMNS = {
    "closed_by": "gen_random_uuid()",
    "closed_at": "closed_at - interval '1 day'",
    "state": "'cancelled'",
}
SQL += [
    (f"14 {name}", ENDED, f"UPDATE case_instance SET {name} = {value} WHERE id = ({ENDED})", " case: ")
    for name, value in CASE_COLUMNS.items()
]
SQL += [
    (
        f"15 {name}",
        RUNNING,
        f"UPDATE task SET {name} = {value} WHERE case_id = ({RUNNING}) AND state = 'open'",
        " inbox: ",
    )
    for name, value in TASK_COLUMNS.items()
]
SQL += [
    (f"16 {name}", LONGEST, f"UPDATE task SET {name} = {value} WHERE {CLOSED}", " inbox: ")
    for name, value in CLOSED_COLUMNS.items()
]
SQL += [("16 deleted", LONGEST, f"DELETE FROM task WHERE {CLOSED}", " inbox: missing")]


@pytest.mark.parametrize(("case", "attack", "named"), [row[1:] for row in SQL], ids=[row[0] for row in SQL])
def test_what_is_changed_by_sql_is_named(sealed: None, case: str, attack: str, named: str) -> None:
    case_id = session().scalars(text(case)).one()
    session().rollback()
    alter_as_owner(*attack.split("; "))
    found = differences(case_id)
    assert any(re.search(named, one) for one in found), found[:5]


# Attacks that keep the chain whole: found by the seal alone.


def remake(case_id: UUID, change: Callable[[dict[str, Any]], None]) -> None:
    """Make the whole journal of a case anew with our own functions, with other inputs, and all that follows."""
    prev, state, step = "", None, None
    made = []
    for row in rows_of(case_id):
        change(row)
        definition, salt = definitions.definition(row["definition"]), os.urandom(16)
        given = replay.input_of(row)
        envelope = journal.Envelope(str(case_id), row["actor"], prev, salt, row.get("behalf"))
        step = engine.step(definition, state, given, replay.recorded_handler(row), salt)
        fresh = journal.step_row(envelope, definition, given, step)
        made.append(fresh)
        prev, state = fresh["hash"], step.state
        if step.ended:
            break
    write(case_id, made, step)


def write(case_id: UUID, rows: list[dict[str, Any]], step: engine.Step | None) -> None:
    assert step is not None
    session().rollback()
    from service.config import settings
    from service.migrations.rights import maintenance

    ended = executor.last_reached(step.trace) if step.ended else None
    with maintenance(settings().owner_url) as connection:
        connection.execute(text("DELETE FROM journal WHERE case_id = :case"), {"case": case_id})
        insert = """INSERT INTO journal (case_id, seq, at, kind, actor_id, element, record, hash)
            VALUES (:case, :seq, :at, :kind, :actor, :element, cast(:record AS jsonb), :hash)"""
        for row in rows:
            values = {name: row[name] for name in ("seq", "at", "kind", "actor", "element", "hash")}
            record = engine.canonical(row).decode()
            connection.execute(text(insert), values | {"case": case_id, "record": record})
        update = """UPDATE case_instance SET state = :state, seq = :seq, last_hash = :hash, moved_at = :at, ended = :ended,
            ended_at = CASE WHEN :is_over THEN cast(:at AS timestamptz) END, awaited = :awaited WHERE id = :case"""
        last = rows[-1]
        values = {name: last[name] for name in ("seq", "hash", "at")}
        values |= {"state": step.state, "ended": ended, "is_over": step.ended, "awaited": list(step.awaited)}
        connection.execute(text(update), values | {"case": case_id})


def other_actor(row: dict[str, Any]) -> None:
    row["actor"] = row["actor"] and str(uuid4())


def earlier(row: dict[str, Any]) -> None:
    row["at"] = row["at"].replace("2026", "2025").replace("2024", "2023")


def other_data(row: dict[str, Any]) -> None:
    row["data"] = {**row["data"], "remark": 99}


def without_notes() -> UUID:
    """An ended case in which every row moved it."""
    return next(
        case
        for case in session().scalars(select(Case.id).where(Case.ended_at.is_not(None)).order_by(Case.id))
        if not {row["kind"] for row in rows_of(case)} & replay.NOTES
    )


@pytest.mark.parametrize("change", [other_actor, earlier, other_data], ids=["10 actor", "10 instants", "9 and 11 data"])
def test_a_chain_that_was_made_anew_is_not_the_one_that_was_sealed(sealed: None, change: Any) -> None:
    case_id = without_notes()
    remake(case_id, change)
    found = differences(case_id)
    assert not any("chain" in one for one in found)
    assert any(f"{case_id} seal: journal {case_id}/0: altered" in one for one in found), found[:5]


def test_6_a_tail_cut_together_with_the_case_is_missed_by_the_seal(sealed: None) -> None:
    case_id = session().scalars(text(ENDED)).one()
    rows = rows_of(case_id)[:-1]
    step = None
    for _, progress in replay.run(rows, definitions.definition):
        step = progress.step
    write(case_id, rows, step)
    found = differences(case_id)
    assert any(f"{case_id} seal: journal {case_id}/{len(rows)}: gone" in one for one in found), found[:5]


def invent(case_id: UUID) -> Iterator[str]:
    """Copy a case under a new id, its chain made anew."""
    new = uuid4()
    columns = "process, definition, business_key, state, seq, last_hash, awaited, subject, started_at, started_by, moved_at, ended_at, ended, incidents"
    yield f"INSERT INTO case_instance (id, {columns}) SELECT '{new}', {columns} FROM case_instance WHERE id = '{case_id}'"
    yield f"INSERT INTO journal (case_id, seq, at, kind, actor_id, element, record, hash) SELECT '{new}', seq, at, kind, actor_id, element, jsonb_set(record, '{{case}}', '\"{new}\"'), hash FROM journal WHERE case_id = '{case_id}'"


def test_12_an_invented_case_is_said_to_be_unsealed_and_later_to_be_back_dated(sealed: None, clock: Any) -> None:
    case_id = session().scalars(text(ENDED)).one()
    alter_as_owner(*invent(case_id))
    report = SealReport()
    assert list(seal_differences(report)) == []
    (new,) = report.unsealed_cases
    seal_new()
    assert any(f"{new} seal: journal {new}/0: says that it is of" in one for one in differences())


def test_28_an_older_database_put_back_is_shorter_than_the_heads_outside(sealed: None, clock: Any) -> None:
    from service.models.db.transaction import Operation, transaction
    from service.models.tables.system.audit import AuditEvent

    with transaction(Operation("test")) as current:
        current.add(AuditEvent(action="login"))
    head = seal_new()
    assert head is not None
    size = head["body"]["size"]
    alter_as_owner(
        "DELETE FROM audit_event WHERE action = 'login' AND at = (SELECT max(at) FROM audit_event)",
        f"DELETE FROM seal WHERE size = {size}",
        f"DELETE FROM seal_leaf WHERE number = {size - 1}",
    )
    assert any(f"seal: seal {size}: the log is shorter now" in one for one in differences())


def test_a_log_that_is_rewritten_inside_is_not_the_one_outside(sealed: None) -> None:
    """Row, leaf and seals are changed together; the key is elsewhere, and so is the head."""
    alter_as_owner(
        "UPDATE seal_leaf SET hash = sha256('other'::bytea) WHERE number = 3",
        "UPDATE seal SET root = sha256('other'::bytea)",
    )
    assert any("the log was written anew" in one for one in differences())


# Attacks that only add rows: what this service did not write has not its mark.

FORGED_CHANGE = """
    INSERT INTO row_change (id, at, use_case, actor_id, kind, table_name, row_id, before, after, mac)
    SELECT gen_random_uuid(), now(), h.use_case, h.actor_id, 'update', 'score', s.id, jsonb_build_object('value', s.value),
        '{{"value": 100}}', {mac}
    FROM score s JOIN row_change h ON h.row_id = s.id AND h.kind = 'insert' WHERE s.id = ({score})"""
FORGED_EVENT = """
    INSERT INTO audit_event (id, at, actor_id, action, outcome, detail, mac)
    SELECT gen_random_uuid(), now(), actor_id, action, 'ok', detail, {mac} FROM audit_event LIMIT 1"""
FORGED_UPGRADE = """
    INSERT INTO audit_event (id, at, action, outcome, detail, mac) VALUES (gen_random_uuid(), now(), 'upgrade_database',
    'ok', '{{"since": "", "until": "0034", "rewritten": {{}}, "unmarked": {{"row_change": 5, "audit_event": 5}}}}', {mac})"""
MACS = {
    "none": "NULL",
    "invented": "sha256('x'::bytea)",
    "of another row": "(SELECT mac FROM row_change WHERE mac IS NOT NULL LIMIT 1)",
}
ADDED = {
    "29 change of a row": (f"{FORGED_CHANGE}; UPDATE score SET value = 100 WHERE id = ({{score}})", "mark: row_change"),
    "30 event": (FORGED_EVENT, "mark: audit_event"),
    "31 upgrade that counts what is forged": (f"{FORGED_UPGRADE}; {FORGED_EVENT}", "mark: audit_event"),
}


@pytest.mark.parametrize("mac", MACS)
@pytest.mark.parametrize("attack", ADDED)
def test_a_row_that_the_service_did_not_write_is_named_before_it_is_sealed_and_after(
    sealed: None, attack: str, mac: str
) -> None:
    statements, named = ADDED[attack]
    score = "SELECT id FROM score WHERE value <> 100 ORDER BY id LIMIT 1"
    alter_as_owner(*statements.format(mac=MACS[mac], score=score).split("; "))
    for moment in ("before", "after"):
        found = differences()
        assert any(re.search(f"{named} .*not written by this service", one) for one in found), (moment, found[:5])
        assert not any("row: score" in one for one in found), "nothing else tells it"
        seal_new()


def test_32_a_chain_that_was_made_anew_before_it_was_sealed_has_not_our_marks(
    demonstration: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_in(tmp_path, monkeypatch)
    case_id = without_notes()
    marks = dict(map(tuple, session().execute(select(JournalRow.seq, JournalRow.mac).filter_by(case_id=case_id))))
    remake(case_id, other_actor)
    seal_new()
    assert any(re.search(rf"{case_id} mark: journal {case_id}/\d+ .*not written by this", one) for one in differences())
    for seq, mac in marks.items():  # those of the rows before
        alter_as_owner(f"UPDATE journal SET mac = '\\x{mac.hex()}' WHERE case_id = '{case_id}' AND seq = {seq}")
    named = [one for one in differences(case_id) if f"{case_id} mark: journal" in one]
    assert len(named) == len(rows_of(case_id))


def test_33_a_case_is_hidden_from_a_proof_of_the_latest_by_no_single_table(sealed: None) -> None:
    case_id = session().scalars(text(LONGEST)).one()
    since = session().scalars(select(Case.moved_at).where(Case.id == case_id)).one()
    assert case_id in cases_since(since)
    hidden = [
        f"UPDATE case_instance SET moved_at = moved_at - interval '9 years' WHERE id = '{case_id}'",
        f"UPDATE journal SET at = at - interval '9 years' WHERE case_id = '{case_id}'",
    ]
    for count in (1, 2):
        alter_as_owner(*hidden[:count])
        session().rollback()
        assert case_id in cases_since(since), "the case says otherwise, and the log still knows"
    head = session().scalars(select(Seal.at).order_by(Seal.size.desc()).limit(1)).one()
    assert cases_since(head + timedelta(seconds=1)) == []
