"""Contents of the daily digest (R66): certificates near their end, by unit and upwards, and open work."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from service.domain.accounts.roles import UserState
from service.domain.certificates.certificates import WarningBand, warning_bands, warns_until
from service.domain.notices.notices import NoticeKind, NoticeState
from service.models.db.clock import now, today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.notices.notice import Notice, Receipt
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Task, TaskState
from service.models.tables.units.organisation import Organisation, authority_id

READERS = ("ministry", "provincial_authority", "association", "training_institution", "group", "enterprise")
SLICE = 500  # rows of one statement

Facts = dict[UUID, Counter[str]]


def figures() -> dict[UUID, dict[str, int]]:
    """Return the figures by organisation: ``new_90`` … ``new_expired`` (certificates that came to that mark today),
    ``d90`` … ``expired`` (all within it), ``tasks`` and ``late``. Organisations without an account are left out."""
    found: Facts = defaultdict(Counter)
    _count_certificates(found)
    _count_tasks(found)
    readers = select(User.organisation_id).where(User.state != UserState.DISABLED, User.role.in_(READERS)).distinct()
    wanted = set(session().scalars(readers))
    return {key: dict(told) for key, told in found.items() if key in wanted and _matters(told)}


def write(told: Mapping[UUID, Mapping[str, int]], title: str, at: datetime) -> None:
    """Put today's digests in the place of yesterday's, unread; where there is nothing to tell, none stays."""
    current = session()
    old = select(Notice.id).where(Notice.kind == NoticeKind.DIGEST)
    current.execute(delete(Receipt).where(Receipt.notice_id.in_(old)))
    current.execute(delete(Notice).where(Notice.kind == NoticeKind.DIGEST, Notice.organisation_id.not_in(list(told))))
    rows = [
        {
            "id": new_id(),
            "kind": NoticeKind.DIGEST,
            "title": title,
            "body": "",
            "organisation_id": key,
            "facts": dict(facts),
            "state": NoticeState.PUBLISHED,
            "published_at": at,
            "authorities": [],
            "roles": [],
            "created_at": at,
            "updated_at": at,
            "version": 1,
        }
        for key, facts in told.items()
    ]
    for n in range(0, len(rows), SLICE):
        put = insert(Notice).values(rows[n : n + SLICE])
        fresh = {name: put.excluded[name] for name in ("title", "facts", "published_at", "updated_at")}
        where = Notice.kind == NoticeKind.DIGEST
        current.execute(put.on_conflict_do_update(index_elements=["organisation_id"], index_where=where, set_=fresh))


def _matters(told: Mapping[str, int]) -> bool:
    return any(told.get(key) for key in ("tasks", "late", "new_90", "new_60", "new_30", "new_expired"))


def _count_certificates(found: Facts) -> None:
    """Add the figures of each unit to its group, its province, the association and the ministry."""
    day, until = today(), Certificate.valid_to
    bands = warning_bands(day)
    mark = case(*((until == last, f"new_{band}") for band, (_, last) in bands.items()), else_="")
    band = case(*((until.between(*days), _total(band)) for band, days in bands.items()))
    query = (
        select(
            Person.unit_id,
            Organisation.parent_id,
            Organisation.authority_id,
            mark.label("mark"),
            band.label("band"),
            func.count().label("n"),
        )
        .join(Person, Person.id == Certificate.person_id)
        .join(Organisation, Organisation.id == Person.unit_id)
        .where(Certificate.state == "valid", until <= warns_until(day), Person.state != "deregistered")
        .group_by(Person.unit_id, Organisation.parent_id, Organisation.authority_id, mark, band)
    )
    above = (authority_id("association"), authority_id("ministry"))
    for row in session().execute(query):
        for key in filter(None, (row.unit_id, row.parent_id, row.authority_id, *above)):
            found[key][row.band] += row.n
            if row.mark:
                found[key][row.mark] += row.n


def _total(band: WarningBand) -> str:
    return str(band) if band is WarningBand.EXPIRED else f"d{band}"


def _count_tasks(found: Facts) -> None:
    late = func.count().filter(Task.due_at < now())
    query = select(Task.organisation_id, func.count().label("n"), late.label("late")).where(
        Task.state == TaskState.OPEN
    )
    rows: Any = session().execute(query.group_by(Task.organisation_id))
    for row in rows:
        found[row.organisation_id] += Counter(tasks=row.n, late=row.late)
