"""Object-Centric Event Log 2.0, as JSON and as SQLite (Berti et al., OCEL 2.0 Specification, 2023, sections 6 and 7).

Written case by case: what must be known of the whole (types, objects that many cases share) rests in the file itself or
in one beside it.
"""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from service.evidence.event_log.activities import Activity
from service.evidence.event_log.logged_case import OBJECT_TYPES, LoggedCase, LogObject

EVENT_ATTRIBUTES = (
    "name",
    "kind",
    "outcome",
    "opened",
    "claimed",
    "due",
    "actor",
    "behalf",
    "role",
    "organisation",
    "version",
)
TIMES = frozenset({"opened", "claimed", "due", "started", "ended"})
OBJECT_ATTRIBUTES = {
    "case": ("process", "version", "started", "ended", "end", "subject"),
    "person": ("qualification_type", "state", "name"),
    "class": ("kind", "state", "starts_on", "code", "name"),
    "enrollment": ("kind", "via", "state"),
    "certificate": ("state", "edition", "issued_on", "valid_to", "number"),
    "unit": ("kind", "name"),
}


def event_type(case: LoggedCase, activity: Activity) -> str:
    """The type of an event: process and element, which stay when names change."""
    return f"{case.process}/{activity.element or activity.outcome}"


def event_id(case: LoggedCase, place: int) -> str:
    """The id of the event at this place of a case."""
    return f"{case.object.id}/{place}"


def _values(activity: Activity) -> Iterator[tuple[str, str]]:
    given = {"version": activity.definition[:12]}
    for name in EVENT_ATTRIBUTES:
        value = given.get(name) or getattr(activity, name, None)
        if value is not None:
            yield name, value


class JsonLog:
    """Writes OCEL 2.0 as JSON: events as they come, then objects, which rest in a file meanwhile, then the types."""

    def __init__(self, out: IO[str], spool: sqlite3.Connection) -> None:
        self._out, self._spool, self._types = out, spool, set[str]()
        self._separator = ""
        spool.execute("CREATE TABLE object (id TEXT PRIMARY KEY, line TEXT) WITHOUT ROWID")
        out.write('{"events":[')

    def add(self, case: LoggedCase) -> None:
        """Write the events of a case, and keep its objects."""
        relations = [{"objectId": key, "qualifier": qualifier} for key, qualifier in case.relations]
        for place, activity in enumerate(case.activities):
            kind = event_type(case, activity)
            self._types.add(kind)
            self._write(
                {
                    "id": event_id(case, place),
                    "type": kind,
                    "time": activity.at,
                    "attributes": [{"name": name, "value": value} for name, value in _values(activity)],
                    "relationships": relations,
                }
            )
        for one in (case.object, *case.others):
            self._spool.execute("INSERT OR IGNORE INTO object VALUES (?, ?)", (one.id, _line(_json_object(one))))

    def close(self) -> None:
        """Write objects and types."""
        self._out.write('],"objects":[')
        self._separator = ""
        for (line,) in self._spool.execute("SELECT line FROM object ORDER BY id"):
            self._out.write(f"{self._separator}\n{line}")
            self._separator = ","
        events = [_type(kind, EVENT_ATTRIBUTES) for kind in sorted(self._types)]
        objects = [_type(kind, OBJECT_ATTRIBUTES[kind]) for kind in OBJECT_TYPES]
        self._out.write(f'],"eventTypes":{_line(events)},"objectTypes":{_line(objects)}}}\n')

    def _write(self, value: Any) -> None:
        self._out.write(f"{self._separator}\n{_line(value)}")
        self._separator = ","


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _type(name: str, attributes: tuple[str, ...]) -> dict[str, Any]:
    return {"name": name, "attributes": [{"name": one, "type": _json_type(one)} for one in attributes]}


def _json_type(attribute: str) -> str:
    return "time" if attribute in TIMES else "integer" if attribute == "edition" else "string"


def _json_object(one: LogObject) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": one.type,
        "attributes": [{"name": name, "time": one.at, "value": value} for name, value in one.attributes.items()],
        "relationships": [{"objectId": key, "qualifier": qualifier} for key, qualifier in one.related],
    }


@contextmanager
def json_log(path: Path) -> Iterator[JsonLog]:
    """Write a JSON log to a file."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, path.open("w", encoding="utf-8") as out:
        spool = sqlite3.connect(Path(folder) / "objects.sqlite")
        try:
            log = JsonLog(out, spool)
            yield log
            log.close()
        finally:
            spool.close()


SQLITE_TABLES = """
CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT NOT NULL UNIQUE);
CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT NOT NULL UNIQUE);
CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT NOT NULL REFERENCES event_map_type (ocel_type));
CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT NOT NULL REFERENCES object_map_type (ocel_type));
CREATE TABLE event_object (
    ocel_event_id TEXT NOT NULL REFERENCES event (ocel_id),
    ocel_object_id TEXT NOT NULL REFERENCES object (ocel_id),
    ocel_qualifier TEXT NOT NULL,
    PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier)
);
CREATE TABLE object_object (
    ocel_source_id TEXT NOT NULL REFERENCES object (ocel_id),
    ocel_target_id TEXT NOT NULL REFERENCES object (ocel_id),
    ocel_qualifier TEXT NOT NULL,
    PRIMARY KEY (ocel_source_id, ocel_target_id, ocel_qualifier)
);
"""


class SqliteLog:
    """Writes OCEL 2.0 as a relational database: a table for each type of events and objects beside the common ones."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database, self._tables = database, dict[str, str]()
        database.executescript(SQLITE_TABLES)
        for kind, attributes in OBJECT_ATTRIBUTES.items():
            database.execute("INSERT INTO object_map_type VALUES (?, ?)", (kind, kind))
            columns = _columns(attributes)
            database.execute(
                f'CREATE TABLE "object_{kind}" (ocel_id TEXT NOT NULL REFERENCES object (ocel_id), '
                f"ocel_time TIMESTAMP NOT NULL, ocel_changed_field TEXT, {columns})"
            )

    def add(self, case: LoggedCase) -> None:
        """Write a case: its objects that are not yet there, and its events."""
        for one in (case.object, *case.others):
            self._add_object(one)
        for one in (case.object, *case.others):
            self._database.executemany(
                "INSERT OR IGNORE INTO object_object VALUES (?, ?, ?)",
                ((one.id, *relation) for relation in one.related),
            )
        for place, activity in enumerate(case.activities):
            key, kind = event_id(case, place), event_type(case, activity)
            table = self._tables.get(kind) or self._make_table(kind)
            values = dict(_values(activity))
            self._database.execute("INSERT INTO event VALUES (?, ?)", (key, kind))
            self._insert(table, (key, activity.at, *(values.get(name) for name in EVENT_ATTRIBUTES)))
            self._database.executemany(
                "INSERT INTO event_object VALUES (?, ?, ?)", ((key, *relation) for relation in case.relations)
            )

    def _add_object(self, one: LogObject) -> None:
        new = self._database.execute("INSERT OR IGNORE INTO object VALUES (?, ?)", (one.id, one.type)).rowcount
        if new:
            values = (one.attributes.get(name) for name in OBJECT_ATTRIBUTES[one.type])
            self._insert(f"object_{one.type}", (one.id, one.at, None, *values))

    def _make_table(self, kind: str) -> str:
        mapped = re.sub(r"\W", "_", kind)
        while mapped in self._tables.values():
            mapped += "_"
        self._tables[kind] = f"event_{mapped}"
        self._database.execute("INSERT INTO event_map_type VALUES (?, ?)", (kind, mapped))
        self._database.execute(
            f'CREATE TABLE "event_{mapped}" (ocel_id TEXT PRIMARY KEY REFERENCES event (ocel_id), '
            f"ocel_time TIMESTAMP NOT NULL, {_columns(EVENT_ATTRIBUTES)})"
        )
        return self._tables[kind]

    def _insert(self, table: str, values: tuple[Any, ...]) -> None:
        places = ", ".join("?" * len(values))
        self._database.execute(f'INSERT INTO "{table}" VALUES ({places})', values)  # noqa: S608 - made above


def _columns(attributes: tuple[str, ...]) -> str:
    kinds = {"time": "TIMESTAMP", "integer": "INTEGER", "string": "TEXT"}
    return ", ".join(f'"{name}" {kinds[_json_type(name)]}' for name in attributes)


@contextmanager
def sqlite_log(path: Path) -> Iterator[SqliteLog]:
    """Write a SQLite log to a file, which is made anew."""
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    try:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        with database:
            yield SqliteLog(database)
    finally:
        database.close()
