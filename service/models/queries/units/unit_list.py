"""Lists of units and other organisations: filters, one page, branches, choices for forms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import aliased

from service.domain.accounts.permissions import Action
from service.domain.values.validators import normalise
from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import UNITS, AcademyLink, Organisation

REGISTERS = {"units": ("group", "enterprise", "academy"), "branches": ("branch",), "academies": ("academy",)}
"""The kinds of each list of units (S86, S87, S121)."""
ORDER = SortOrder((Organisation.sort_key, Organisation.id))
Province, Group = aliased(Organisation), aliased(Organisation)


def units_query(user: User, chosen: ReportFilter, register: str = "") -> Any:
    """Select the units in scope, of one of ``REGISTERS`` or of all. Deleted units only when asked for."""
    return _rows().where(visible_to(user, Organisation), *_conditions(chosen), *_in_register(user, register))


def _in_register(user: User, register: str) -> list[ColumnElement[bool]]:
    """Units and branches are listed apart; a branch's own users find it in both."""
    if not register:
        return []
    kinds = Organisation.kind.in_(REGISTERS[register])
    return [or_(kinds, Organisation.id == user.organisation_id) if register == "units" else kinds]


def branches_of(user: User, group_id: UUID) -> list[Any]:
    """The live branches of a group, as far as they are in scope."""
    query = _rows().where(
        visible_to(user, Organisation), Organisation.parent_id == group_id, Organisation.state != "deleted"
    )
    return list(session().execute(query.order_by(Organisation.sort_key)))


def unit_counts(user: User, register: str = "") -> dict[str, int]:
    """Count the live units in scope (of one register): ``total``, ``kind:branch``, ``state:draft`` …"""
    live = (Organisation.kind.in_(UNITS), Organisation.state != "deleted", *_in_register(user, register))
    query = (
        select(Organisation.kind, Organisation.state, func.count())
        .where(visible_to(user, Organisation), *live)
        .group_by(Organisation.kind, Organisation.state)
    )
    counts: dict[str, int] = {"total": 0}
    for kind, state, number in session().execute(query):
        for key in ("total", f"kind:{kind}", f"state:{state}"):
            counts[key] = counts.get(key, 0) + number
    return counts


def provinces() -> list[tuple[UUID, str]]:
    """Id and name of every provincial authority, in the order of their codes."""
    query = (
        select(Organisation.id, Organisation.name).where(Organisation.kind == "province").order_by(Organisation.code)
    )
    return [(row.id, row.name) for row in session().execute(query)]


def institutions() -> list[tuple[UUID, str]]:
    """Id and name of every training institution, for choosing one."""
    query = select(Organisation.id, Organisation.name).where(Organisation.kind == "training_institution")
    return [(row.id, row.name) for row in session().execute(query.order_by(Organisation.sort_key))]


def unit_choices(user: User, kind: str = "", action: Action | None = None) -> list[tuple[UUID, str]]:
    """Id and name of the live units (of one kind, if any) that the user sees, or has the action on; at most 3,000."""
    query = (
        select(Organisation.id, Organisation.name)
        .where(
            visible_to(user, Organisation, action),
            Organisation.kind.in_((kind,) if kind else UNITS),
            Organisation.state != "deleted",
        )
        .order_by(Organisation.sort_key)
        .limit(3000)
    )
    return [(row.id, row.name) for row in session().execute(query)]


def ids_by_name(user: User, names: Sequence[str]) -> dict[str, list[UUID]]:
    """The live units in scope with these whole names; two provinces may have one of the same name."""
    query = select(Organisation.name, Organisation.id).where(
        visible_to(user, Organisation),
        Organisation.kind.in_(UNITS),
        Organisation.state != "deleted",
        Organisation.name.in_(names),
    )
    found: dict[str, list[UUID]] = {}
    for name, key in session().execute(query):
        found.setdefault(name, []).append(key)
    return found


def groups() -> list[tuple[UUID, str]]:
    """Id and name of the live groups anywhere, for a new branch: its group may be of another province (R7)."""
    query = select(Organisation.id, Organisation.name).where(
        Organisation.kind == "group", Organisation.state != "deleted"
    )
    return [(row.id, row.name) for row in session().execute(query.order_by(Organisation.sort_key))]


def names_of(ids: Iterable[UUID | None]) -> dict[str, str]:
    """Names by id as text; None is left out."""
    query = select(Organisation.id, Organisation.name).where(Organisation.id.in_([i for i in ids if i]))
    return {str(row.id): row.name for row in session().execute(query)}


def visible_name(user: User, unit_id: UUID) -> str:
    """Name of an organisation in the user's scope; '' for any other, whether it exists or not (R70)."""
    query = select(Organisation.name).where(Organisation.id == unit_id, visible_to(user, Organisation))
    return session().scalar(query) or ""


def live_persons(unit_id: UUID) -> int:
    """Persons of a unit that forbid its deletion: neither draft nor deregistered (R6)."""
    query = select(func.count()).where(Person.unit_id == unit_id, Person.state.not_in(("draft", "deregistered")))
    return session().scalar(query) or 0


def is_linked(academy_id: UUID, institution_id: UUID) -> bool:
    """Tell if the institution may enrol the academy's persons (C7)."""
    return session().get(AcademyLink, (academy_id, institution_id)) is not None


def _rows() -> Any:
    persons = (
        select(func.count())
        .where(Person.unit_id == Organisation.id, Person.state.not_in(("draft", "deregistered")))
        .correlate(Organisation)
        .scalar_subquery()
    )
    return (
        select(
            Organisation.id,
            Organisation.name,
            Organisation.kind,
            Organisation.state,
            Organisation.credit_code,
            Organisation.business,
            Organisation.contact,
            Province.name.label("province"),
            Group.name.label("group"),
            persons.label("persons"),
        )
        .outerjoin(Province, Province.id == Organisation.authority_id)
        .outerjoin(Group, Group.id == Organisation.parent_id)
        .where(Organisation.kind.in_(UNITS))
    )


def _conditions(chosen: ReportFilter) -> list[ColumnElement[bool]]:
    found = [Organisation.state == chosen.state if chosen.state else Organisation.state != "deleted"]
    if chosen.q:
        text = chosen.q
        found.append(
            or_(
                named(Organisation, text),
                Organisation.credit_code.startswith(normalise(text), autoescape=True),
            )
        )
    if chosen.province:
        found.append(Organisation.authority_id == chosen.province)
    if chosen.kind:
        found.append(Organisation.kind == chosen.kind)
    return found
