"""The history of rows as a list, latest first, and that of one row; the personal texts in it are never read here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, union_all
from sqlalchemy.orm import aliased

from service.domain.values.calendar import start_of_day
from service.domain.values.names import fold
from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime.case_list import has_number
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.person import QualificationType
from service.models.tables.runtime.case import Case
from service.models.tables.system.audit import RowChange
from service.models.tables.system.setting import Setting
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import Organisation
from service.validation.typed_text import as_id

ORDER = SortOrder((RowChange.at, RowChange.id), is_descending=True)
MOST = 500
"""Changes of one row that are listed, the latest."""
_Behalf, _BehalfUser = aliased(Organisation), aliased(User)


def changes_query(chosen: ReportFilter) -> Any:
    """Select the changes, of all organisations: only the auditor reads them. since, until: civil days, both included.

    kind: a table; number: an id, or a number or name as it is printed; what: a use case, or the kind of one.
    """
    query = _changes()
    if chosen.kind:
        query = query.where(RowChange.table_name == chosen.kind)
    if chosen.number:
        query = query.where(_is_about(chosen.number))
    if chosen.actor:
        actors = select(User.id).where(func.lower(User.login) == chosen.actor.lower())
        query = query.where(RowChange.actor_id.in_(actors))
    if chosen.what:
        step = RowChange.use_case.startswith(f"{chosen.what} ", autoescape=True)
        query = query.where(or_(RowChange.use_case == chosen.what, step))
    if chosen.since:
        query = query.where(RowChange.at >= start_of_day(chosen.since))
    if chosen.until:
        query = query.where(RowChange.at < start_of_day(chosen.until + timedelta(days=1)))
    return query


def changes_of_case(case_id: UUID) -> list[Any]:
    """The rows that each input of a case changed, in their order: seq, kind, table, row and the instant of the last."""
    query = (
        select(
            RowChange.seq,
            RowChange.kind,
            RowChange.table_name,
            RowChange.row_id,
            func.max(RowChange.at).label("at"),
        )
        .where(RowChange.case_id == case_id, RowChange.seq.is_not(None), RowChange.table_name != "job")
        .group_by(RowChange.seq, RowChange.kind, RowChange.table_name, RowChange.row_id)
    )
    return list(session().execute(query.order_by(RowChange.seq, func.min(RowChange.at), RowChange.row_id)))


def _changes() -> Select[Any]:
    columns = (
        *(RowChange.id, RowChange.at, RowChange.use_case, RowChange.kind, RowChange.table_name, RowChange.row_id),
        *(RowChange.before, RowChange.after, RowChange.case_id, RowChange.seq, RowChange.behalf_id),
    )
    return (
        select(
            *columns,
            User.login,
            User.display_name,
            Organisation.name.label("organisation"),
            func.coalesce(_Behalf.name, _BehalfUser.display_name).label("behalf"),
        )
        .outerjoin(User, User.id == RowChange.actor_id)
        .outerjoin(Organisation, Organisation.id == User.organisation_id)
        .outerjoin(_Behalf, _Behalf.id == RowChange.behalf_id)
        .outerjoin(_BehalfUser, _BehalfUser.id == RowChange.behalf_id)
    )


def _is_about(number: str) -> Any:
    """The row with this id or number, or whatever its case changed."""
    whole = as_id(number)
    if whole is not None:
        return or_(RowChange.row_id == whole, RowChange.case_id == whole)
    rows = union_all(
        select(Certificate.id).where(Certificate.number == number),
        select(TrainingClass.id).where(TrainingClass.code == number),
        select(Ticket.id).where(Ticket.number == number),
        select(QualificationType.id).where(QualificationType.code == number),
        select(Setting.id).where(Setting.key == number),
        select(Organisation.id).where(Organisation.folded_name == fold(number)),
        select(User.id).where(func.lower(User.login) == number.lower()),
    ).subquery()
    cases = select(Case.id).where(has_number(number))
    return or_(RowChange.row_id.in_(select(rows.c.id)), RowChange.case_id.in_(cases))


def changes_of(table: str, row_id: UUID, until: datetime | None = None) -> list[Any]:
    """The changes of one row up to an instant, oldest first."""
    query = _changes().where(RowChange.row_id == row_id, RowChange.table_name == table)
    if until is not None:
        query = query.where(RowChange.at <= until)
    return list(session().execute(query.order_by(RowChange.at, RowChange.id)))
