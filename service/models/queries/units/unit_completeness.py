"""Units that have not entered their data yet (S14): an incomplete record or no person, with the last reminder."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from service.domain.units.unit_fields import UNIT_FIELDS
from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.notices.notice import Notice, Receipt
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import Organisation

ORDER = SortOrder((Organisation.sort_key, Organisation.id))
SENT = SortOrder((Notice.published_at, Notice.id), is_descending=True)
Row = Any  # of a page
LISTED = ("name", "kind", "contact", "phone")  # columns of the list itself
WHAT = ("record", "persons", "account")
Province = aliased(Organisation)


def entry_query(user: User, chosen: ReportFilter) -> Any:
    """Select the live units in scope that lack a complete record or persons.
    what: one of ``WHAT``, to see only those.
    """
    return (
        select(
            Organisation.id,
            Organisation.name,
            Organisation.kind,
            Organisation.state,
            Organisation.contact,
            Organisation.phone,
            Province.name.label("province"),
            _has_persons().label("has_persons"),
            _has_account().label("has_account"),
            _last_login().label("last_login"),
            _reminded().label("reminded_at"),
            *(
                getattr(Organisation, one.key)
                for one in UNIT_FIELDS.fields
                if one.key not in LISTED and not one.is_optional
            ),
        )
        .outerjoin(Province, Province.id == Organisation.authority_id)
        .where(_unentered(user, chosen))
    )


def entry_counts(user: User) -> dict[str, int]:
    """Count the live units in scope, in all and by what they lack."""
    record, persons, account = Organisation.state == "draft", ~_has_persons(), ~_has_account()
    query = select(
        func.count().label("total"),
        func.count().filter(or_(record, persons)).label("waiting"),
        func.count().filter(record).label("record"),
        func.count().filter(persons).label("persons"),
        func.count().filter(and_(or_(record, persons), account)).label("account"),
    ).where(_live(user))
    return dict(session().execute(query).one()._mapping)


def unentered_ids(user: User, chosen: Iterable[UUID]) -> list[UUID]:
    """Return those of the chosen units that are in scope and still lack something."""
    query = select(Organisation.id).where(_unentered(user, ReportFilter()), Organisation.id.in_(list(chosen)))
    return list(session().scalars(query.order_by(Organisation.id)))


def with_account(units: Iterable[UUID]) -> set[UUID]:
    """Return those of the units that somebody can sign in for."""
    return set(session().scalars(select(Organisation.id).where(Organisation.id.in_(list(units)), _has_account())))


def matching_ids(user: User, chosen: ReportFilter, most: int) -> list[UUID]:
    """The units of the whole list, not only of one page; at most ``most``."""
    query = select(Organisation.id).where(_unentered(user, chosen)).order_by(*ORDER.columns).limit(most)
    return list(session().scalars(query))


def reminders_query(user: User) -> Any:
    """Select the reminders that the user's organisation has sent (S14), with how many have read each."""
    readers = select(func.count()).where(Receipt.notice_id == Notice.id).correlate(Notice).scalar_subquery()
    return (
        select(
            Notice.id,
            Notice.published_at,
            Notice.body,
            Organisation.id.label("unit_id"),
            Organisation.name,
            Organisation.kind,
            readers.label("readers"),
            and_(Organisation.state != "draft", _has_persons()).label("is_done"),
        )
        .join(Organisation, Organisation.id == Notice.organisation_id)
        .where(Notice.kind == "reminder", Notice.author_id == user.organisation_id, visible_to(user, Organisation))
    )


def reminded_since(at: datetime, units: Iterable[UUID]) -> set[UUID]:
    """Return those of the units that were reminded after ``at``."""
    query = select(Notice.organisation_id).where(
        Notice.kind == "reminder", Notice.published_at > at, Notice.organisation_id.in_(list(units))
    )
    return {row for row in session().scalars(query) if row}


def _live(user: User) -> Any:
    kinds = Organisation.kind.in_(("group", "enterprise", "branch"))
    return and_(visible_to(user, Organisation), kinds, Organisation.state != "deleted")


def _unentered(user: User, chosen: ReportFilter) -> Any:
    found = [_live(user), or_(Organisation.state == "draft", ~_has_persons())]
    if chosen.q:
        found.append(named(Organisation, chosen.q))
    if chosen.province:
        found.append(Organisation.authority_id == chosen.province)
    narrowed = {"record": Organisation.state == "draft", "persons": ~_has_persons(), "account": ~_has_account()}
    return and_(*found, *([narrowed[chosen.what]] if chosen.what else []))


def _has_persons() -> Any:
    return exists().where(Person.unit_id == Organisation.id).correlate(Organisation)


def _has_account() -> Any:
    return exists().where(User.organisation_id == Organisation.id, User.state != "disabled").correlate(Organisation)


def _last_login() -> Any:
    latest = select(func.max(User.last_login)).where(User.organisation_id == Organisation.id)
    return latest.correlate(Organisation).scalar_subquery()


def _reminded() -> Any:
    latest = select(func.max(Notice.published_at)).where(
        Notice.organisation_id == Organisation.id, Notice.kind == "reminder"
    )
    return latest.correlate(Organisation).scalar_subquery()
