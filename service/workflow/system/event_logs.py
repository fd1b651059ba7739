"""Event logs of cases for process mining (OCEL 2.0, XES, CSV), read in one moment of the database, batch by batch."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import func, select

from service.engine import journal
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.evidence.event_log.activities import Activity, Move, activities
from service.evidence.event_log.case_logs import csv_log, xes_log
from service.evidence.event_log.logged_case import NAMES, LoggedCase, LogObject, Pseudonyms, Value
from service.evidence.event_log.ocel import json_log, sqlite_log
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime import case_list, event_log
from service.models.queries.runtime.event_log import LogFilter
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.runtime.case_statements import role_organisation
from service.models.tables.system.audit import AuditEvent
from service.workflow.processes import definitions
from service.workflow.system.proof import begin_snapshot

CASES_AT_ONCE = 500
MAX_LOG_CASES = 10_000  # of a log for which a reader waits; more are written by ``anpei export-events``


class Log(Protocol):
    """Writes cases in one format."""

    def add(self, case: LoggedCase) -> None:
        """Write a case."""


FORMATS: Mapping[str, Callable[[Path], AbstractContextManager[Log]]] = {
    "ocel-json": json_log,
    "ocel-sqlite": sqlite_log,
    "xes": xes_log,
    "csv": csv_log,
}


@dataclass(frozen=True, slots=True)
class Written:
    """Figures of a log."""

    cases: int
    events: int


def record_named_export(form: str, chosen: LogFilter, purpose: str, who: dict[str, str]) -> None:
    """Remember a log with names before it is written. Raises InvalidInput without a purpose."""
    if not purpose.strip():
        raise InvalidInput({"purpose": N_("带姓名导出须写明用途，用途会记入审计。")})
    given = {"process": chosen.process, "since": chosen.since, "until": chosen.until}
    detail = {name: str(value) for name, value in given.items() if value}
    with transaction(Operation("export_events")) as current:
        detail |= {"list": form, "purpose": purpose.strip()[:200]} | who
        current.add(AuditEvent(action="export_events", detail=detail))


def write_mined_log(user: User, path: Path, form: str, chosen: ReportFilter) -> None:
    """Write the log of the cases that are mined by a filter; it is remembered before.

    Raises NotFound for an unknown format, Conflict without cases and for more than 10,000.
    """
    if form not in FORMATS:
        raise NotFound
    cases = case_list.cases_query(user, chosen)
    total = session().scalar(select(func.count()).select_from(cases.limit(MAX_LOG_CASES + 1).subquery())) or 0
    if not total:
        raise Conflict(N_("没有符合条件的案卷，请放宽条件。"))
    if total > MAX_LOG_CASES:
        raise Conflict(
            Message(
                N_("事件日志一次最多 %(most)s 件案卷，请缩小条件；更多的由运维以 anpei export-events 写出。"),
                most=f"{MAX_LOG_CASES:,}",
            )
        )
    with transaction(Operation("export_mined_log", user.id)) as current:
        detail = {"list": form, "filter": chosen.arguments(), "rows": total}
        current.add(AuditEvent.by(user, "export_mined_log", "list", detail=detail))
    write_log(path, form, LogFilter(cases=cases))


def write_log(path: Path, form: str, chosen: LogFilter, *, with_names: bool = False) -> Written:
    """Write the log of the chosen cases to a file, in constant memory; ids are pseudonyms that this log alone has.

    Raises NotFound for a process that no version is of.
    """
    if chosen.process:
        definitions.current(chosen.process)
    begin_snapshot()
    cases = events = 0
    pseudonyms = Pseudonyms(None if with_names else secrets.token_bytes(32))
    try:
        with FORMATS[form](path) as log:
            for case in logged_cases(chosen, pseudonyms):
                log.add(case)
                cases, events = cases + 1, events + len(case.activities)
    finally:
        session().rollback()
    return Written(cases, events)


def logged_cases(chosen: LogFilter, pseudonyms: Pseudonyms) -> Iterator[LoggedCase]:
    """The chosen cases as logs tell them, by id."""
    last: UUID | None = None
    while batch := event_log.case_batch(chosen, last, CASES_AT_ONCE):
        last = batch[-1].id
        yield from _Batch(batch, pseudonyms).logged(chosen)


@dataclass(slots=True)
class _Batch:
    """Some cases with the objects that they are about."""

    cases: Sequence[Case]
    pseudonyms: Pseudonyms
    about: dict[UUID, dict[str, set[UUID]]] = field(default_factory=dict)
    named: dict[UUID, list[tuple[str, UUID]]] = field(default_factory=dict)
    objects: dict[UUID, LogObject] = field(default_factory=dict)

    def logged(self, chosen: LogFilter) -> Iterator[LoggedCase]:
        ids = [case.id for case in self.cases]
        self._read_objects(ids)
        moves = defaultdict[UUID, list[Move]](list)
        for row in event_log.moves_of(ids):
            moves[row.case_id].append(Move(*row[1:]))
        accounts = {move.actor for found in moves.values() for move in found} - {None}
        logins = {} if self.pseudonyms.key else event_log.logins([UUID(account) for account in accounts])
        for case in self.cases:
            found = [
                self._person_less(done, logins)
                for done in activities(moves[case.id], _described)
                if chosen.includes(datetime.fromisoformat(done.at))
            ]
            if found:
                yield self._logged(case, tuple(found))

    def _logged(self, case: Case, found: tuple[Activity, ...]) -> LoggedCase:
        about = self.about[case.id]
        others = tuple(
            self.objects[key] for kind in sorted(about) for key in sorted(about[kind]) if key in self.objects
        )
        times = {"started": case.started_at, "ended": case.ended_at}
        given = {"process": case.process, "version": case.definition[:12], "end": case.ended, "subject": case.subject}
        given |= {name: journal.instant(at) for name, at in times.items() if at is not None}
        one = self._object("case", case.id, case.started_at, given, [(key.id, key.type) for key in others])
        return LoggedCase(one, case.process, others, found)

    def _person_less(self, done: Activity, logins: Mapping[UUID, str]) -> Activity:
        """An activity whose people and organisations are pseudonyms, or with names, logins and ids."""
        given = {name: getattr(done, name) for name in Activity.__slots__}
        for name in ("actor", "behalf"):
            if given[name]:
                given[name] = logins.get(UUID(given[name])) or self.pseudonyms("account", given[name])
        if done.role:
            given["organisation"] = self.pseudonyms("unit", done.organisation or role_organisation(done.role))
        return Activity(**given)

    def _read_objects(self, ids: Sequence[UUID]) -> None:
        """Read what the cases are about, each table after those that name its rows, so that no relation dangles."""
        self.about = {case.id: defaultdict(set) for case in self.cases}
        for row in event_log.rows_of(ids):
            case_id, kind, key = row
            self.about[case_id][kind].add(key)
        for case in self.cases:
            if case.unit_id is not None:
                self.about[case.id]["unit"].add(case.unit_id)
        for held in event_log.certificates(self._all("certificate")):
            given = {"state": held.state, "edition": held.edition, "number": held.number}
            given |= {"issued_on": str(held.issued_on), "valid_to": str(held.valid_to)}
            self._keep("certificate", held, given, person=held.person_id, enrollment=held.enrollment_id)
        self._relate("certificate")
        for enrolled in event_log.enrollments(self._all("enrollment")):
            given = {"kind": enrolled.kind, "via": enrolled.via, "state": enrolled.state}
            self._keep("enrollment", enrolled, given, **{"person": enrolled.person_id, "class": enrolled.class_id})
        self._relate("enrollment")
        for person in event_log.persons(self._all("person")):
            given = {"qualification_type": person.code, "state": person.state, "name": person.name}
            self._keep("person", person, given, unit=person.unit_id)
        self._relate("person")
        for taught in event_log.classes(self._all("class")):
            given = {"kind": taught.kind, "state": taught.state, "starts_on": str(taught.starts_on)}
            self._keep("class", taught, given | {"code": taught.code, "name": taught.title}, unit=taught.institution_id)
        self._relate("class")
        for unit in event_log.units(self._all("unit")):
            self._keep("unit", unit, {"kind": unit.kind, "name": unit.name})

    def _all(self, kind: str) -> list[UUID]:
        return list({key for about in self.about.values() for key in about.get(kind, ())})

    def _relate(self, kind: str) -> None:
        """Every case about an object is about those that it names, too."""
        for about in self.about.values():
            for key in tuple(about.get(kind, ())):
                for other, value in self.named.get(key, ()):
                    about[other].add(value)

    def _keep(self, kind: str, row: Any, given: Mapping[str, Any], **to: UUID | None) -> None:
        self.named[row.id] = [(other, value) for other, value in to.items() if value is not None]
        related = [(self.pseudonyms(other, value), other) for other, value in self.named[row.id]]
        self.objects[row.id] = self._object(kind, row.id, row.created_at, given, related)

    def _object(
        self, kind: str, key: UUID, at: datetime, given: Mapping[str, Any], to: Collection[tuple[str, str]]
    ) -> LogObject:
        shown: dict[str, Value] = {
            name: value
            for name, value in given.items()
            if value not in (None, "") and (self.pseudonyms.key is None or name not in NAMES)
        }
        return LogObject(self.pseudonyms(kind, key), kind, journal.instant(at), shown, tuple(sorted(set(to))))


@lru_cache(maxsize=4096)
def _described(digest: str, element: str) -> tuple[str, str]:
    """Name and type of an element; one that shares its name in its version bears its id as well."""
    try:
        known = definitions.definition(digest).elements
    except NotFound:
        return element, ""
    found = known.get(element)
    if found is None:
        return element, ""
    name = found.name or element
    alike = sum(one.name == found.name for one in known.values())
    return (f"{name} ({element})" if found.name and alike > 1 else name), found.type
