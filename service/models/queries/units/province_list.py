"""The dictionary of provinces: code, name, accounts of the authority. Only what the system administrator may see."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, func, select

from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation


def provinces() -> list[Any]:
    """Every provincial authority by its code: id, code, name, accounts (live ones), last_login."""
    live = and_(User.state != "disabled", User.awaits_assent.is_(False))
    query = (
        select(
            Organisation.id,
            Organisation.code,
            Organisation.name,
            func.sum(case((live, 1), else_=0)).label("accounts"),
            func.max(User.last_login).label("last_login"),
        )
        .outerjoin(User, User.organisation_id == Organisation.id)
        .where(Organisation.kind == "province")
        .group_by(Organisation.id)
        .order_by(Organisation.code)
    )
    return list(session().execute(query))
