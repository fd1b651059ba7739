"""Changes of settings, and the dictionary of qualification types, in use or not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from service.domain.system.settings import SETTINGS
from service.errors import NotFound
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import QualificationType
from service.models.tables.system.audit import RowChange
from service.models.tables.system.setting import Setting


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a setting, with the default in the place of what nobody had set before."""

    at: datetime
    key: str
    before: str
    after: str
    actor: str


def changes(keys: Collection[str], limit: int = 30) -> list[Change]:
    """The latest changes of these settings, newest first."""
    query = (
        select(RowChange.at, RowChange.before, RowChange.after, Setting.key, User.display_name)
        .join(Setting, Setting.id == RowChange.row_id)
        .outerjoin(User, User.id == RowChange.actor_id)
        .where(Setting.key.in_(list(keys)))
        .order_by(RowChange.at.desc(), RowChange.id.desc())
        .limit(limit)
    )
    return [
        Change(at, key, (before or {}).get("value", SETTINGS[key].default), (after or {}).get("value", ""), actor or "")
        for at, before, after, key, actor in session().execute(query)
    ]


def types() -> list[QualificationType]:
    """Every qualification type, in the order of the codes."""
    return list(session().scalars(select(QualificationType).order_by(QualificationType.code)))


def qualification_type(type_id: UUID) -> QualificationType:
    """Return a qualification type; raises NotFound."""
    row = session().get(QualificationType, type_id)
    if row is None:
        raise NotFound
    return row
