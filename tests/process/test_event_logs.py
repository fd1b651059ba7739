"""Event logs of the demonstration keep the rules of OCEL 2.0 and XES, tell all that journals tell, and name nobody."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import func, select

from service.domain.accounts.roles import Role
from service.errors import InvalidInput, NotFound
from service.evidence.event_log.logged_case import OBJECT_TYPES
from service.models.db.session import session
from service.models.queries.runtime.event_log import LogFilter
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, JournalRow, Task
from service.models.tables.system.audit import AuditEvent
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import Organisation
from service.workflow.system import event_logs
from service.workflow.system.event_logs import FORMATS, record_named_export, write_log

ALL = LogFilter()
XES = "{http://www.xes-standard.org/}"
JSON_TYPES = {"string": str, "time": str, "integer": int, "float": float, "boolean": bool}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture
def logs(demonstration: None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A log of the demonstration in each format, read in batches of a few cases, written by the first test."""
    monkeypatch.setattr(event_logs, "CASES_AT_ONCE", 50)
    paths = {form: folder / form for form in FORMATS}
    if not any(path.exists() for path in paths.values()):
        written = {form: write_log(path, form, ALL) for form, path in paths.items()}
        assert len({(one.cases, one.events) for one in written.values()}) == 1
    return paths


def instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    assert found.utcoffset() is not None
    return found


def test_each_format_keeps_the_rules_of_its_specification(logs: dict[str, Path]) -> None:
    check_json(json.loads(logs["ocel-json"].read_text()))
    check_sqlite(logs["ocel-sqlite"])
    check_xes(logs["xes"])


def check_json(log: dict[str, Any]) -> None:
    """OCEL 2.0, section 7.3: members, declared types and attributes, values of their type, no dangling object."""
    assert set(log) == {"events", "objects", "eventTypes", "objectTypes"}
    objects = {one["id"]: one for one in log["objects"]}
    assert len(objects) == len(log["objects"])
    assert len({one["id"] for one in log["events"]}) == len(log["events"]) > 0
    assert {one["name"] for one in log["objectTypes"]} == set(OBJECT_TYPES) == {one["type"] for one in log["objects"]}
    assert {one["name"] for one in log["eventTypes"]} == {one["type"] for one in log["events"]}
    for types, rows in ((log["eventTypes"], log["events"]), (log["objectTypes"], log["objects"])):
        declared = {one["name"]: {at["name"]: JSON_TYPES[at["type"]] for at in one["attributes"]} for one in types}
        for row in rows:
            for given in row["attributes"]:
                assert type(given["value"]) is declared[row["type"]][given["name"]]
            assert all(set(one) == {"objectId", "qualifier"} for one in row["relationships"])
            assert all(one["objectId"] in objects for one in row["relationships"])
    assert all(set(one) == {"id", "type", "time", "attributes", "relationships"} for one in log["events"])
    for event in log["events"]:
        given = {one["name"]: one["value"] for one in event["attributes"]}
        instants = [instant(given[name]) for name in ("opened", "claimed") if name in given]
        assert sorted([*instants, instant(event["time"])]) == [*instants, instant(event["time"])]
        assert [objects[one["objectId"]]["type"] for one in event["relationships"]].count("case") == 1
    assert all(instant(at["time"]) for one in log["objects"] for at in one["attributes"])


def check_sqlite(path: Path) -> None:
    """OCEL 2.0, section 6: common tables, one table a type, keys that hold."""
    log = sqlite3.connect(path)
    assert log.execute("PRAGMA foreign_key_check").fetchall() == []
    assert log.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    tables = {name for (name,) in log.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    expected = {"event", "object", "event_object", "object_object", "event_map_type", "object_map_type"}
    for kind in ("event", "object"):
        for name, mapped in log.execute(f"SELECT ocel_type, ocel_type_map FROM {kind}_map_type"):
            expected.add(f"{kind}_{mapped}")
            columns = [row[1] for row in log.execute(f'PRAGMA table_info("{kind}_{mapped}")')]
            first = ["ocel_id", "ocel_time", "ocel_changed_field"]
            assert columns[: 2 + (kind == "object")] == first[: 2 + (kind == "object")]
            ids = {one for (one,) in log.execute(f'SELECT ocel_id FROM "{kind}_{mapped}"')}
            assert ids == {one for (one,) in log.execute(f"SELECT ocel_id FROM {kind} WHERE ocel_type = ?", (name,))}
    assert tables == expected
    log.close()


def check_xes(path: Path) -> None:
    """IEEE 1849-2016: order of children, declared prefixes, globals in every event, traces in order of time."""
    log = etree.parse(path).getroot()
    order = ["extension", "global", "classifier", "string", "trace"]
    places = [order.index(etree.QName(child).localname) for child in log]
    assert places == sorted(places)
    prefixes = {one.get("prefix") for one in log.iter(f"{XES}extension")}
    keys = {one.get("key") for one in log.iter(f"{XES}string", f"{XES}date")}
    assert {key.partition(":")[0] for key in keys if ":" in key} == prefixes
    moves = {"start", "assign", "complete", "ate_abort", "unknown"}
    for trace in log.iter(f"{XES}trace"):
        events = [{one.get("key"): one.get("value") for one in event} for event in trace.iter(f"{XES}event")]
        assert events
        times = [instant(event["time:timestamp"]) for event in events]
        assert times == sorted(times)
        assert all(event["concept:name"] and event["lifecycle:transition"] in moves for event in events)


def test_every_format_tells_what_journals_and_tasks_tell(logs: dict[str, Path]) -> None:
    log = json.loads(logs["ocel-json"].read_text())
    cases = session().scalar(select(func.count()).select_from(Case))
    assert Counter(one["type"] for one in log["objects"])["case"] == cases
    closed = select(Task.process, Task.element, Task.state, Task.opened_at, Task.closed_at)
    expected = Counter(
        (f"{row.process}/{row.element.split('/')[-1]}", row.state, row.opened_at, row.closed_at)
        for row in session().execute(closed.where(Task.state != "open"))
    )
    told = Counter[Any]()
    for event in log["events"]:
        given = {one["name"]: one["value"] for one in event["attributes"]}
        if given["kind"] == "userTask":
            told[event["type"], given["outcome"], instant(given["opened"]), instant(event["time"])] += 1
    assert told == expected
    with logs["csv"].open(newline="") as rows:
        lines = list(csv.DictReader(rows))
    assert len(lines) == len(log["events"])
    completed = [row for row in lines if row["kind"] == "userTask" and row["outcome"] == "completed"]
    assert all(row["actor"] and row["role"] and row["organisation"] and row["start"] for row in completed)
    told_pairs = Counter((row["case"], row["activity"], row["complete"]) for row in lines)
    xes = Counter[Any]()
    for trace in etree.parse(logs["xes"]).getroot().iter(f"{XES}trace"):
        for event in trace.iter(f"{XES}event"):
            given = {one.get("key"): one.get("value") for one in event}
            if given["lifecycle:transition"] not in ("start", "assign"):
                xes[given["lifecycle:transition"]] += 1
    assert xes.total() == told_pairs.total()
    database = sqlite3.connect(logs["ocel-sqlite"])
    assert database.execute("SELECT count(*) FROM event").fetchone() == (len(log["events"]),)
    assert database.execute("SELECT count(*) FROM object").fetchone() == (len(log["objects"]),)


def test_objects_are_related_as_the_rows_are(logs: dict[str, Path]) -> None:
    log = json.loads(logs["ocel-json"].read_text())
    kinds = {one["id"]: one["type"] for one in log["objects"]}
    pairs = {(kinds[one["id"]], kinds[to["objectId"]]) for one in log["objects"] for to in one["relationships"]}
    named = {
        ("enrollment", "person"),
        ("enrollment", "class"),
        ("certificate", "person"),
        ("certificate", "enrollment"),
    }
    assert named | {("person", "unit"), ("class", "unit")} <= pairs
    assert {("case", kind) for kind in OBJECT_TYPES[1:]} <= pairs


def test_no_file_names_anybody_or_bears_an_id(logs: dict[str, Path]) -> None:
    ids = {str(key) for table in (Case, Person, User, Organisation) for key in session().scalars(select(table.id))}
    names = {name for column in (Person.name, User.display_name, Organisation.name, TrainingClass.title, Case.subject)
             for name in session().scalars(select(column)) if name}  # fmt: skip
    logins = set(session().scalars(select(User.login))) - set(Role)
    for form, path in logs.items():
        text = path.read_bytes().decode(errors="replace")
        assert not set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", text)) & ids, form
        assert not set(re.findall(r"[\w.-]+", text)) & logins, form
        said = "\n".join(set(re.findall(r'[^"<>\n,\0-\x1f]*[^\0-\x7f][^"<>\n,\0-\x1f]*', text)))
        assert "录入成绩" in said
        assert not [name for name in names if name in said and not name.isascii()], form


def test_pseudonyms_are_another_at_each_export_and_one_within(logs: dict[str, Path], tmp_path: Path) -> None:
    write_log(tmp_path / "again", "csv", ALL)
    first, second = (
        set(re.findall(r"case-[0-9a-f]{20}", path.read_text())) for path in (logs["csv"], tmp_path / "again")
    )
    assert len(first) == len(second) == session().scalar(select(func.count()).select_from(Case))
    assert not first & second
    assert first == set(re.findall(r"case-[0-9a-f]{20}", logs["csv"].read_text()))


def test_names_need_a_purpose_and_leave_an_event(demonstration: None, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        record_named_export("csv", ALL, "  ", {})
    record_named_export("csv", LogFilter("training_class"), "年度审计", {"who": "root", "host": "h"})
    event = session().scalars(select(AuditEvent).where(AuditEvent.action == "export_events")).one()
    assert event.detail == {
        "list": "csv", "process": "training_class", "purpose": "年度审计", "who": "root", "host": "h"
    }  # fmt: skip
    write_log(tmp_path / "named", "ocel-json", LogFilter("training_class"), with_names=True)
    text = (tmp_path / "named").read_text()
    assert all(title in text for title in session().scalars(select(TrainingClass.title)))
    assert all(
        f"case-{key}" in text for key in session().scalars(select(Case.id).where(Case.process == "training_class"))
    )


def test_process_and_period_choose_cases_and_events(demonstration: None, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        write_log(tmp_path / "none", "csv", LogFilter("nothing"))
    middle = session().scalars(select(JournalRow.at).order_by(JournalRow.at)).all()
    at = middle[len(middle) // 2]
    parts = [
        LogFilter(until=at),
        LogFilter(since=at, until=at + timedelta(days=3)),
        LogFilter(since=at + timedelta(days=3)),
    ]
    counts = [write_log(tmp_path / str(n), "csv", part).events for n, part in enumerate([ALL, *parts])]
    assert counts[0] == sum(counts[1:])
    assert all(counts)
    one = write_log(tmp_path / "one", "csv", LogFilter("support_ticket"))
    assert one.cases == session().scalar(select(func.count()).where(Case.process == "support_ticket"))


def test_pm4py_reads_them_where_it_is_installed(logs: dict[str, Path], tmp_path: Path) -> None:
    """pm4py is AGPL: nothing of it is shipped or asked for."""
    pm4py = pytest.importorskip("pm4py")
    events = len(json.loads(logs["ocel-json"].read_text())["events"])
    for form, read in (("ocel-json", pm4py.read_ocel2_json), ("ocel-sqlite", pm4py.read_ocel2_sqlite)):
        assert len(read(str(logs[form])).events) == events
    named = tmp_path / "log.xes"
    shutil.copy(logs["xes"], named)
    assert len(pm4py.read_xes(str(named))) >= events
