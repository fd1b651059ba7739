"""Queries of the inbox: each one indexed, none touches the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, text, tuple_

from service.domain.values.names import join_characters
from service.models.db.clock import CHINA, now
from service.models.db.session import session
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Task
from service.validation.typed_text import as_id, as_instant

Addresses = Sequence[tuple[UUID, str]]
MAX_COUNTED = 1000  # kinds and views are counted so far; a full inbox costs no more than a small one
PAGE = 50

TAKEN_FOR = """(
    SELECT CASE WHEN note.kind = 'claim' THEN nullif(note.record ->> 'behalf', task.organisation_id::text) END
    FROM journal note WHERE note.case_id = task.case_id AND note.kind IN ('claim', 'unclaim', 'assign')
      AND note.record ->> 'token' = task.token ORDER BY note.seq DESC LIMIT 1)"""
"""The account for which a task was claimed: whom its claim names, unless that is the unit that it is addressed to."""
_OF_ABSENT = f"""AND EXISTS (
    SELECT 1 FROM unnest(cast(:absent AS uuid[]), cast(:kinds AS text[])) AS away(user_id, kind)
    WHERE away.user_id = task.assignee_id AND task.facts ->> 'barred' IS DISTINCT FROM away.user_id::text
      AND away.kind IN ('', split_part(task.kind, '/', 1) || '/' || split_part(task.kind, '/', -1))
    ) AND {TAKEN_FOR} IS NULL"""  # noqa: S608 - a constant
"""As ``substitutes.behalf_of`` tells what an account does for absent colleagues (R84)."""
_FOUND = "(task.subject ILIKE :find OR task.unit_name ILIKE :find OR (task.subject = '' AND task.name ILIKE :find))"
"""A task without a subject, as a class that is being drafted, is found by its own name."""
BARRED = "task.facts ->> 'barred' IS DISTINCT FROM"
_COLUMNS = """t.id, t.kind, t.name, t.subject, t.summary, t.unit_name, t.batch, t.batch_title, t.facts,
    t.opened_at, t.due_at, t.sort_at, t.assignee_id, t.process, t.element, t.case_id, t.organisation_id,
    t.definition, t.form_key, t.closed_at"""

_PAGE = f"""
    SELECT {_COLUMNS}, u.display_name AS assignee,
        (SELECT c.suspended_at FROM case_instance c WHERE c.id = t.case_id) AS suspended_at
    FROM (
        SELECT t.* FROM unnest(cast(:organisations AS uuid[]), cast(:roles AS text[])) AS address(organisation_id, role)
        CROSS JOIN LATERAL (
            SELECT * FROM task WHERE task.organisation_id = address.organisation_id AND task.role = address.role
              AND task.state = 'open' {{where}}
            ORDER BY task.sort_at {{order}}, task.id {{order}} LIMIT :size
        ) t ORDER BY t.sort_at {{order}}, t.id {{order}} LIMIT :size
    ) t LEFT JOIN user_account u ON u.id = t.assignee_id ORDER BY t.sort_at {{order}}, t.id {{order}}
"""  # noqa: S608 - the places hold sentences of this module only
"""One LATERAL per address, each read from the partial index ``ix_task_inbox`` (``ix_task_inbox_kind`` for one kind)."""

_OPEN = """
    FROM unnest(cast(:organisations AS uuid[]), cast(:roles AS text[])) AS address(organisation_id, role)
    JOIN task ON task.organisation_id = address.organisation_id AND task.role = address.role
        AND task.state = 'open' {where}
"""
_COUNT = """
    SELECT count(*) FROM (
        SELECT 1 FROM unnest(cast(:organisations AS uuid[]), cast(:roles AS text[])) AS address(organisation_id, role)
        CROSS JOIN LATERAL (
            SELECT 1 FROM task WHERE task.organisation_id = address.organisation_id AND task.role = address.role
              AND task.state = 'open' {where} ORDER BY task.sort_at, task.id LIMIT :most
        ) t LIMIT :most
    ) t
"""
"""As the page: a plain join reads all that is open before it takes the first thousand."""

_WORKLOAD = f"""
    SELECT u.id, u.display_name AS name, count(*) AS total, count(*) FILTER (WHERE task.due_at < :now) AS late,
        min(task.opened_at) AS first
    {_OPEN} JOIN user_account u ON u.id = task.assignee_id GROUP BY u.id, u.display_name
    ORDER BY min(task.opened_at), u.id
"""

_FACTS = f"SELECT DISTINCT f.key {_OPEN} CROSS JOIN LATERAL jsonb_each_text(task.facts) f WHERE f.value <> ''"

_DONE = text(
    f"""
    SELECT {_COLUMNS}, NULL AS assignee FROM task t WHERE t.closed_by = :user AND t.state = 'completed'
      AND (cast(:at AS timestamptz) IS NULL OR (t.closed_at, t.id) < (cast(:at AS timestamptz), cast(:id AS uuid)))
      AND (cast(:find AS text) IS NULL OR t.subject ILIKE :find OR t.unit_name ILIKE :find)
    ORDER BY t.closed_at DESC, t.id DESC LIMIT :size
    """  # noqa: S608 - the columns are constants
)

_COUNTS = text(
    """
    WITH RECURSIVE address AS (
        SELECT * FROM unnest(cast(:organisations AS uuid[]), cast(:roles AS text[])) AS a(organisation_id, role)
    ), kinds AS (
        SELECT a.organisation_id, a.role, (SELECT min(kind) FROM task t
            WHERE t.organisation_id = a.organisation_id AND t.role = a.role AND t.state = 'open') AS kind FROM address a
        UNION ALL
        SELECT k.organisation_id, k.role, (SELECT min(kind) FROM task t
            WHERE t.organisation_id = k.organisation_id AND t.role = k.role AND t.state = 'open' AND t.kind > k.kind)
        FROM kinds k WHERE k.kind IS NOT NULL
    )
    SELECT k.kind, max(n.name) AS name, sum(n.total) AS total, sum(n.late) AS late, sum(n.soon) AS soon,
           min(n.first) AS first
    FROM kinds k CROSS JOIN LATERAL (
        SELECT count(*) AS total, count(*) FILTER (WHERE due_at < :now) AS late,
               count(*) FILTER (WHERE due_at BETWEEN :now AND :soon) AS soon,
               min(opened_at) AS first, max(name) AS name
        FROM (SELECT due_at, opened_at, name FROM task t
              WHERE t.organisation_id = k.organisation_id AND t.role = k.role AND t.kind = k.kind AND t.state = 'open'
                AND t.facts ->> 'barred' IS DISTINCT FROM cast(:reader AS text)
              ORDER BY t.sort_at, t.id LIMIT :cap) t
    ) n WHERE k.kind IS NOT NULL AND n.total > 0 GROUP BY k.kind ORDER BY k.kind
    """
)
"""The kinds by a loose index scan, each counted to the cap from the front, where the late ones are."""


@dataclass(frozen=True, slots=True)
class KindCount:
    """Counts of a kind of task: waiting, late, due soon; a count of ``MAX_COUNTED`` means as many or more."""

    kind: str
    name: str
    count: int
    late: int
    soon: int
    first: datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """Filter of an inbox: kind, batch, words of subject or unit, holder, latest due date."""

    kind: str | None = None
    batch: str | None = None
    find: str | None = None
    assignee_id: UUID | None = None
    due_before: datetime | None = None
    task_id: UUID | None = None
    reader_id: UUID | None = None  # tasks from which this account is barred are left out (R69)
    absent: tuple[tuple[UUID, str], ...] | None = None  # what these have claimed, of this kind, in their own right

    def sql(self) -> tuple[str, dict[str, Any]]:
        """The conditions and their values."""
        parts, values = list[str](), dict[str, Any]()
        for name, value, condition in (
            ("kind", self.kind, "task.kind = :kind"),
            ("task", self.task_id, "task.id = :task"),
            ("reader", self.reader_id and str(self.reader_id), f"{BARRED} :reader"),
            ("batch", self.batch, "task.batch = :batch"),
            ("find", self.find and like(self.find), _FOUND),
            ("assignee", self.assignee_id, "task.assignee_id = :assignee"),
            ("due", self.due_before, "task.due_at < :due AND task.sort_at < :due"),
        ):
            if value:
                parts.append(f"AND {condition}")
                values[name] = value
        if self.absent is not None:
            parts.append(_OF_ABSENT)
            values |= {"absent": [key for key, _ in self.absent], "kinds": [kind for _, kind in self.absent]}
        return " ".join(parts), values


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, and the cursors (sort_at, id) of the neighbouring pages."""

    rows: list[Any]
    before: str | None = None
    after: str | None = None


def read(where_to: Addresses, chosen: Filter, cursor: str | None = None, size: int = PAGE) -> Page:
    """A page of open tasks, oldest due first. cursor: ``>instant|id`` or ``<instant|id``;
    a malformed one begins at the first page.
    """
    condition, values = chosen.sql()
    place = _read_cursor(cursor)
    is_back = place is not None and place[0] == "<"
    if place is not None:
        condition += f" AND (task.sort_at, task.id) {place[0]} (cast(:at AS timestamptz), cast(:id AS uuid))"
        values |= {"at": place[1], "id": place[2]}
    statement = text(_PAGE.format(where=condition, order="DESC" if is_back else "ASC"))
    rows = list(session().execute(statement, {**_lists(where_to), **values, "size": size + 1}))
    has_more, rows = len(rows) > size, rows[:size]
    if is_back:
        rows.reverse()
    if not rows:
        return Page([])
    before = _cursor("<", rows[0].sort_at, rows[0].id) if (has_more if is_back else place is not None) else None
    after = _cursor(">", rows[-1].sort_at, rows[-1].id) if has_more or is_back else None
    return Page(rows, before, after)


def count(where_to: Addresses, chosen: Filter, most: int) -> int:
    """Count the open tasks, to ``most``."""
    condition, values = chosen.sql()
    return int(
        session().scalar(text(_COUNT.format(where=condition)), {**_lists(where_to), **values, "most": most}) or 0
    )


def fact_names(where_to: Addresses, chosen: Filter) -> set[str]:
    """The facts that some open task has a value for."""
    condition, values = chosen.sql()
    return set(session().scalars(text(_FACTS.format(where=condition)), {**_lists(where_to), **values}))


def count_done(user: User, find: str | None, most: int) -> int:
    """Count the tasks that the user completed, to ``most``."""
    done = select(Task.id).where(Task.closed_by == user.id, Task.state == "completed")
    if find:
        done = done.where(or_(Task.subject.ilike(like(find)), Task.unit_name.ilike(like(find))))
    done = done.limit(most)
    return session().scalar(select(func.count()).select_from(done.subquery())) or 0


def read_done(user: User, find: str | None = None, cursor: str | None = None, size: int = PAGE) -> Page:
    """A page of the tasks the user completed, latest first."""
    place = _read_cursor(cursor)
    at, key = (place[1], place[2]) if place else (None, None)
    values = {"user": user.id, "at": at, "id": key, "find": like(find) if find else None, "size": size + 1}
    rows = list(session().execute(_DONE, values))
    more = rows[size - 1] if len(rows) > size else None
    return Page(rows[:size], None, _cursor(">", more.closed_at, more.id) if more else None)


def counts(where_to: Addresses, reader_id: UUID | None = None) -> list[KindCount]:
    """The kinds of task that wait, by name of their kind, each counted to ``MAX_COUNTED``;
    without those the reader is barred from.
    """
    at = now()
    rows = session().execute(
        _COUNTS,
        _lists(where_to)
        | {
            "now": at,
            "soon": end_of_tomorrow(at),
            "cap": MAX_COUNTED,
            "reader": str(reader_id) if reader_id else "",
        },
    )
    return [KindCount(r.kind, r.name, int(r.total), int(r.late), int(r.soon), r.first) for r in rows]


def workload(where_to: Addresses, reader_id: UUID) -> list[Any]:
    """Count the open tasks that are claimed, by account: name, total, late, and since when the oldest waits."""
    condition, values = Filter(reader_id=reader_id).sql()
    statement = _WORKLOAD.format(where=f"{condition} AND task.assignee_id IS NOT NULL")
    return list(session().execute(text(statement), {**_lists(where_to), **values, "now": now()}))


def count_mine(user: User) -> int:
    """Count the open tasks that the user has claimed."""
    query = select(func.count()).select_from(Task).where(Task.assignee_id == user.id, Task.state == "open")
    return session().scalar(query) or 0


def subjects(user: User, task_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the subjects of the user's tasks by id, or the name of a task without one (a class being drafted)."""
    query = select(Task.id, Task.subject, Task.name).where(Task.id.in_(task_ids), visible_to(user, Task))
    rows = session().execute(query)
    return {row[0]: row[1] or row[2] for row in rows}


def next_task(user: User, kind: str, after_at: datetime, after_id: UUID) -> UUID | None:
    """The open task of this kind that follows (sort_at, id) in the user's inbox and is not a colleague's, else None."""
    return session().scalar(_neighbour(user, kind, after_at, after_id, is_later=True).limit(1))


def task_left(user: User, kind: str, after_at: datetime, after_id: UUID) -> UUID | None:
    """The task that follows; after the last one the oldest that was passed over;
    None when none of this kind is left.
    """
    long_ago = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
    return next_task(user, kind, after_at, after_id) or next_task(user, kind, long_ago, UUID(int=0))


@dataclass(frozen=True, slots=True)
class Place:
    """A task among the open ones of its kind that are the reader's to do: those beside it, and how many there are.

    earlier, later: counted to MAX_COUNTED.
    """

    before: UUID | None
    after: UUID | None
    earlier: int
    later: int

    @property
    def number(self) -> int:
        """Its number in the list, from 1."""
        return self.earlier + 1

    @property
    def total(self) -> int:
        return self.earlier + 1 + self.later

    @property
    def is_counted(self) -> bool:
        """Tell whether both counts are whole."""
        return max(self.earlier, self.later) < MAX_COUNTED


def place_of(user: User, kind: str, at: datetime, task_id: UUID) -> Place:
    """The place of a task of this kind at (sort_at, id), in one query; see ``next_task``."""
    before, after = (_neighbour(user, kind, at, task_id, is_later=is_later) for is_later in (False, True))
    counts = (select(func.count()).select_from(side.limit(MAX_COUNTED).subquery()) for side in (before, after))
    asked = (*(side.limit(1).scalar_subquery() for side in (before, after)), *(n.scalar_subquery() for n in counts))
    return Place(*session().execute(select(*asked)).one())


def _neighbour(user: User, kind: str, at: datetime, task_id: UUID, *, is_later: bool) -> Select[UUID]:
    free = or_(Task.assignee_id.is_(None), Task.assignee_id == user.id)
    query = select(Task.id).where(visible_to(user, Task), Task.state == "open", Task.kind == kind, free)
    here, place = tuple_(Task.sort_at, Task.id), tuple_(at, task_id)
    if is_later:
        query = query.where(here > place).order_by(Task.sort_at, Task.id)
    else:
        query = query.where(here < place).order_by(Task.sort_at.desc(), Task.id.desc())
    return query


def like(words: str) -> str:
    """A pattern for ILIKE that finds ``words`` anywhere; signs of the pattern language stand for themselves."""
    plain = join_characters(words.strip())[:60].replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{plain}%"


def _lists(where_to: Addresses) -> dict[str, Any]:
    return {"organisations": [o for o, _ in where_to], "roles": [r for _, r in where_to]}


def end_of_tomorrow(at: datetime) -> datetime:
    """The instant at which the day after that of ``at`` ends in China."""
    return at.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)


def _cursor(direction: str, at: datetime, key: UUID) -> str:
    return f"{direction}{at.isoformat()}|{key}"


def _read_cursor(cursor: str | None) -> tuple[str, datetime, UUID] | None:
    if not cursor or cursor[0] not in "<>":
        return None
    written, _, key = cursor[1:].partition("|")
    at, row_id = as_instant(written), as_id(key)
    return (cursor[0], at, row_id) if at and row_id else None
