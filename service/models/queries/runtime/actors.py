"""Accounts that acted, with the name and the organisation that the account had then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, null, select, union_all

from service.models.db.session import session
from service.models.queries.runtime.object_names import NameHistory
from service.models.tables.accounts.user import User
from service.models.tables.system.audit import RowChange
from service.models.tables.units.organisation import Organisation


class ActorHistory:
    """Accounts by id, and whom they acted for, as they were named at an instant."""

    def __init__(self, accounts: Collection[UUID], behalf: Collection[UUID] = ()) -> None:
        self._homes: defaultdict[UUID, list[tuple[datetime, str]]] = defaultdict(list)
        self._home_now: dict[UUID, str] = {}
        for account, at, home in session().execute(_homes(accounts)) if accounts else ():
            if at is None:
                self._home_now[account] = str(home)
            else:
                self._homes[account].append((at, str(home)))
        homes = {*self._home_now.values(), *(home for given in self._homes.values() for _, home in given)}
        self._names = NameHistory(None, {*accounts, *behalf, *map(UUID, homes)})

    def at(self, account: UUID | None, instant: datetime) -> tuple[str, str]:
        """The name of an account and that of its organisation; '' for the system."""
        if account is None:
            return "", ""
        given = self._homes[account]
        until = [home for at, home in given if at <= instant]
        home = until[-1] if until else given[0][1] if given else self._home_now.get(account, "")
        return self.name(account, instant), self.name(home, instant)

    def name(self, key: UUID | str | None, instant: datetime) -> str:
        """The name of an account or organisation; '' for none."""
        found = self._names.one_at(str(key), instant) if key else None
        return found.name if found else ""


class CurrentActors(ActorHistory):
    """The same by the names of today, in one query."""

    def __init__(self, accounts: Collection[UUID], behalf: Collection[UUID] = ()) -> None:
        query = select(User.id, User.display_name, Organisation.name)
        query = query.join(Organisation, Organisation.id == User.organisation_id).where(User.id.in_(accounts))
        self._present = {key: (name, home) for key, name, home in session().execute(query)} if accounts else {}
        self._names = NameHistory(None, behalf, with_history=False)

    def at(self, account: UUID | None, instant: datetime) -> tuple[str, str]:
        """The name of an account and that of its organisation; '' for the system. instant: of no account here."""
        return self._present.get(account, ("", "")) if account else ("", "")

    def name(self, key: UUID | str | None, instant: datetime) -> str:
        """The name of an account or organisation; '' for none."""
        known = self._present.get(key) if isinstance(key, UUID) else None
        return known[0] if known else super().name(key, instant)


def _homes(accounts: Collection[UUID]) -> Any:
    """The organisation of each account now (without an instant) and each that its history gave it, oldest first."""
    given = RowChange.after["organisation_id"].astext
    then = select(RowChange.row_id, RowChange.at, given.label("home")).where(
        RowChange.row_id.in_(accounts), RowChange.table_name == User.__tablename__, given.is_not(None)
    )
    present = select(User.id, null(), cast(User.organisation_id, Text)).where(User.id.in_(accounts))
    both = union_all(then, present).subquery()
    return select(both).order_by(both.c.at)
