"""Lists of notices and bulletins: one page, what is unread, and who of the audience has read one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, any_, cast, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import UserState
from service.domain.notices.notices import READERS, NoticeKind, NoticeState
from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.notices.notice import Notice, Receipt
from service.models.tables.units.organisation import Organisation

ORDER = SortOrder((Notice.published_at, Notice.id), is_descending=True)
OWN = SortOrder((Notice.created_at, Notice.id), is_descending=True)
READING = SortOrder((Organisation.sort_key, User.id))
MAX_COUNTED_UNREAD = 100  # counted to; beyond that the bar says 99+
Author = aliased(Organisation)


def notices_query(user: User, chosen: ReportFilter) -> Any:
    """Select what was published for the reader; ``read_at`` is None for what the reader has not opened."""
    query = _rows().add_columns(Receipt.read_at).outerjoin(Receipt, _his_receipt(user)).where(_published(user))
    if chosen.unread:
        query = query.where(Receipt.read_at.is_(None), _since(user))
    return query.where(*_conditions(chosen))


def own_query(user: User, chosen: ReportFilter) -> Any:
    """Select the bulletins of the author's organisation, with how many have read each."""
    readers = select(func.count()).where(Receipt.notice_id == Notice.id).correlate(Notice).scalar_subquery()
    query = _rows().add_columns(readers.label("readers"), Notice.created_at)
    return query.where(
        visible_to(user, Notice, Action.EDIT_BULLETIN), Notice.kind == NoticeKind.BULLETIN, *_conditions(chosen)
    )


def unread_count(user: User) -> int:
    """Count the notices that the user has not opened since the account exists; at most 100."""
    found = select(literal(1)).select_from(Notice).where(_published(user), _since(user), ~_is_read(user))
    return session().scalar(select(func.count()).select_from(found.limit(MAX_COUNTED_UNREAD).subquery())) or 0


def unread_ids(user: User, limit: int = 500) -> list[UUID]:
    """Ids of what the reader has not opened."""
    query = select(Notice.id).where(_published(user), _since(user), ~_is_read(user))
    return list(session().scalars(query.limit(limit)))


def reminders_of(organisation_id: UUID) -> list[Notice]:
    """The reminders that were sent to an organisation (S14), newest first; at most 3."""
    query = select(Notice).where(Notice.organisation_id == organisation_id, Notice.kind == NoticeKind.REMINDER)
    return list(session().scalars(query.order_by(Notice.published_at.desc()).limit(3)))


def readers_query(notice: Notice, view: str = "") -> Any:
    """Select the accounts a notice is meant for, with when each has opened it (R68);
    view: ``read``, ``waiting`` or both.
    """
    halves = {"read": [Receipt.read_at.is_not(None)], "waiting": [Receipt.read_at.is_(None)]}
    return (
        select(User.id, User.display_name, User.role, Organisation.name.label("organisation"), Receipt.read_at)
        .join(Organisation, Organisation.id == User.organisation_id)
        .outerjoin(Receipt, and_(Receipt.user_id == User.id, Receipt.notice_id == notice.id))
        .where(_audience(notice), *halves.get(view, []))
    )


def mail_readers(notice: Notice) -> list[UUID]:
    """Ids of the accounts a notice is meant for that have an address for mails."""
    query = select(User.id).join(Organisation, Organisation.id == User.organisation_id)
    return list(
        session().scalars(query.where(_audience(notice), User.mail.is_not(None), ~User.awaits_assent).order_by(User.id))
    )


def own_bulletin(user: User, notice_id: UUID | None) -> Notice | None:
    """A bulletin of the reader's organisation; None for any other."""
    query = select(Notice).where(Notice.id == notice_id, Notice.kind == NoticeKind.BULLETIN)
    return session().scalars(query.where(visible_to(user, Notice, Action.EDIT_BULLETIN))).one_or_none()


def reading_counts(notice: Notice) -> tuple[int, int]:
    """Count the accounts a notice is meant for, and those that have read it."""
    query = (
        select(func.count(), func.count(Receipt.read_at))
        .select_from(User)
        .join(Organisation, Organisation.id == User.organisation_id)
        .outerjoin(Receipt, and_(Receipt.user_id == User.id, Receipt.notice_id == notice.id))
        .where(_audience(notice))
    )
    total, read = session().execute(query).one()
    return total, read


def names_of(authorities: Iterable[str]) -> list[str]:
    """Names of the provinces or units addressed, in their order."""
    ids = [UUID(value) for value in authorities]
    query = select(Organisation.name).where(Organisation.id.in_(ids)).order_by(Organisation.sort_key)
    return list(session().scalars(query)) if ids else []


def _rows() -> Any:
    return select(
        Notice.id,
        Notice.kind,
        Notice.title,
        Notice.state,
        Notice.published_at,
        Notice.organisation_id,
        Notice.facts,
        Author.name.label("author"),
        func.cardinality(Notice.authorities).label("provinces"),
    ).outerjoin(Author, Author.id == Notice.author_id)


def _published(user: User) -> ColumnElement[bool]:
    return and_(visible_to(user, Notice), Notice.state == NoticeState.PUBLISHED)


def _since(user: User) -> ColumnElement[bool]:
    return Notice.published_at >= user.created_at


def _his_receipt(user: User) -> ColumnElement[bool]:
    return and_(Receipt.notice_id == Notice.id, Receipt.user_id == user.id)


def _is_read(user: User) -> ColumnElement[bool]:
    return exists().where(_his_receipt(user))


def _audience(notice: Notice) -> ColumnElement[bool]:
    """The accounts that ``scope`` lets read it by its audience, the author's own organisation aside."""
    province = func.coalesce(Organisation.authority_id, Organisation.id)
    here: list[ColumnElement[bool]] = [User.state != UserState.DISABLED, User.role.in_(notice.roles or READERS)]
    if notice.author_id:
        here.append(User.organisation_id != notice.author_id)
    if notice.authorities:
        here.append(cast(province, String) == any_(literal(notice.authorities, Notice.authorities.type)))
    if notice.units:
        units = any_(literal(notice.units, Notice.units.type))
        here.append(or_(cast(Organisation.id, String) == units, cast(User.id, String) == units))
    return and_(*here)


def _conditions(chosen: ReportFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.q:
        found.append(or_(Notice.title.contains(chosen.q, autoescape=True)))
    if chosen.kind:
        found.append(Notice.kind == chosen.kind)
    if chosen.state:
        found.append(Notice.state == chosen.state)
    return found
