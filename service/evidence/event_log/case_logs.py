"""Logs with one case each event: XES (IEEE 1849-2016), and CSV with a row for each activity."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO
from xml.sax.saxutils import quoteattr

from service.evidence.event_log.activities import CANCELLED, COMPLETED, Activity
from service.evidence.event_log.logged_case import OBJECT_TYPES, LoggedCase

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<global scope="trace">
<string key="concept:name" value=""/>
</global>
<global scope="event">
<string key="concept:name" value=""/>
<date key="time:timestamp" value="1970-01-01T00:00:00Z"/>
<string key="lifecycle:transition" value="complete"/>
</global>
<classifier name="Activity" keys="concept:name"/>
<classifier name="Activity and transition" keys="concept:name lifecycle:transition"/>
<string key="lifecycle:model" value="standard"/>
"""
_TRANSITIONS = {COMPLETED: "complete", CANCELLED: "ate_abort"}


class XesLog:
    """Writes XES: an activity that waited is an event when it starts, when it is assigned, and when it is over."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        out.write(_HEAD)

    def add(self, case: LoggedCase) -> None:
        """Write a case as a trace."""
        self._out.write("<trace>\n" + _string("concept:name", case.object.id))
        for name, value in case.object.attributes.items():
            self._out.write(_string(name, str(value)))
        for one in case.others:
            self._out.write(_string(one.type, one.id))
        lines = [line for place, activity in enumerate(case.activities) for line in _xes_events(place, activity)]
        for _at, _place, text in sorted(lines, key=lambda line: (datetime.fromisoformat(line[0]), line[1])):
            self._out.write(text)
        self._out.write("</trace>\n")

    def close(self) -> None:
        """End the log."""
        self._out.write("</log>\n")


def _xes_events(place: int, activity: Activity) -> Iterator[tuple[str, int, str]]:
    done = _TRANSITIONS.get(activity.outcome, "unknown")
    for at, transition in ((activity.opened, "start"), (activity.claimed, "assign"), (activity.at, done)):
        if at is not None:
            yield at, place, _xes_event(place, activity, at, transition)


def _xes_event(place: int, activity: Activity, at: str, transition: str) -> str:
    texts = {
        "concept:name": activity.name,
        "concept:instance": str(place),
        "lifecycle:transition": transition,
        "element": activity.element,
        "kind": activity.kind,
        "org:resource": activity.actor if transition != "start" else None,
        "org:role": activity.role,
        "org:group": activity.organisation,
        "version": activity.definition[:12],
    }
    inside = "".join(_string(key, value) for key, value in texts.items() if value)
    return f'<event>\n<date key="time:timestamp" value={quoteattr(at)}/>\n{inside}</event>\n'


def _string(key: str, value: str) -> str:
    return f"<string key={quoteattr(key)} value={quoteattr(value)}/>\n"


@contextmanager
def xes_log(path: Path) -> Iterator[XesLog]:
    """Write an XES log to a file."""
    with path.open("w", encoding="utf-8") as out:
        log = XesLog(out)
        yield log
        log.close()


CSV_COLUMNS = (
    *("case", "process", "version", "place", "activity", "element", "kind", "outcome", "start", "claimed", "complete"),
    *("due", "actor", "behalf", "role", "organisation"),
    *OBJECT_TYPES[1:],
)


class CsvLog:
    """Writes a row for each activity; several objects of a type stand in one cell, with blanks between."""

    def __init__(self, out: IO[str]) -> None:
        self._rows = csv.writer(out)
        self._rows.writerow(CSV_COLUMNS)

    def add(self, case: LoggedCase) -> None:
        """Write the activities of a case."""
        objects = [" ".join(one.id for one in case.others if one.type == kind) for kind in OBJECT_TYPES[1:]]
        for place, done in enumerate(case.activities):
            where = (case.object.id, case.process, done.definition[:12], place, done.name, done.element, done.kind)
            times = (done.outcome, done.opened, done.claimed, done.at, done.due)
            people = (done.actor, done.behalf, done.role, done.organisation)
            self._rows.writerow([_cell(value) for value in (*where, *times, *people, *objects)])


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text


@contextmanager
def csv_log(path: Path) -> Iterator[CsvLog]:
    """Write a CSV log to a file (RFC 4180, UTF-8)."""
    with path.open("w", encoding="utf-8", newline="") as out:
        yield CsvLog(out)
