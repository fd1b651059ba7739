"""The one place of scope: which rows a user may see, and which addresses his inbox has (invariant 7, domain.md §9)."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, any_, false, func, literal, or_, select, true

from service.errors import N_, NotFound
from service.models.db.session import session
from service.models.tables.case import Case, Task
from service.models.tables.certificate import Certificate
from service.models.tables.notice import Notice
from service.models.tables.organisation import AcademyLink, Organisation
from service.models.tables.person import Person
from service.models.tables.ticket import Ticket
from service.models.tables.training import (
    Enrollment,
    TrainingClass,
    TrainingNeed,
    TrainingPlan,
)
from service.models.tables.user import User

Row = TypeVar("Row")
UNSCOPED_ROLES = ("ministry", "association")
PUBLISHED = ("enrolling", "enrolment_closed", "running", "scored", "confirmed", "completed", "cancelled")


def own_units(user: User) -> Select[UUID]:
    """Ids of the units a group, enterprise or branch user answers for: its own, and a group's live branches."""
    mine = Organisation.id == user.organisation_id
    if user.role == "group":
        mine = or_(mine, and_(Organisation.parent_id == user.organisation_id, Organisation.state != "deleted"))
    return select(Organisation.id).where(mine)


def province_units(user: User) -> Select[UUID]:
    """Ids of the units of a provincial user's own province (R9); academies are the association's (R12)."""
    return select(Organisation.id).where(
        Organisation.authority_id == user.organisation_id, Organisation.kind != "academy"
    )


def linked_academies(user: User) -> Select[UUID]:
    """Ids of the academies linked to a training institution (C7)."""
    return select(AcademyLink.academy_id).where(AcademyLink.institution_id == user.organisation_id)


def hosted_classes(user: User) -> Select[UUID]:
    """Ids of the classes a training institution hosts."""
    return select(TrainingClass.id).where(TrainingClass.institution_id == user.organisation_id)


def _units(user: User, column: Any) -> ColumnElement[bool]:
    """Rows that belong to a unit: all, of the province, of own units, or of linked academies."""
    if user.role in UNSCOPED_ROLES:
        return true()
    if user.role == "provincial_authority":
        return column.in_(province_units(user))
    if user.role in ("group", "enterprise"):
        return column.in_(own_units(user))
    if user.role == "training_institution":
        return column.in_(linked_academies(user))
    return false()


def _person(user: User) -> ColumnElement[bool]:
    if user.role == "training_institution":
        trainees = select(Enrollment.person_id).where(Enrollment.class_id.in_(hosted_classes(user)))
        return or_(Person.unit_id.in_(linked_academies(user)), Person.id.in_(trainees))
    return _units(user, Person.unit_id)


def _need(user: User) -> ColumnElement[bool]:
    """The same persons, by what the projection repeats of them."""
    if user.role == "training_institution":
        trainees = select(Enrollment.person_id).where(Enrollment.class_id.in_(hosted_classes(user)))
        return or_(TrainingNeed.unit_id.in_(linked_academies(user)), TrainingNeed.person_id.in_(trainees))
    return _units(user, TrainingNeed.unit_id)


def _enrollment(user: User) -> ColumnElement[bool]:
    if user.role == "provincial_authority":
        mine = select(TrainingClass.id).where(TrainingClass.organiser_id == user.organisation_id)
        return or_(Enrollment.authority_id == user.organisation_id, Enrollment.class_id.in_(mine))
    if user.role == "training_institution":
        return Enrollment.class_id.in_(hosted_classes(user))
    return _units(user, Enrollment.unit_id)


def _training_class(user: User) -> ColumnElement[bool]:
    if user.role in UNSCOPED_ROLES:
        return true() if user.role == "association" else TrainingClass.state != "draft"
    published = TrainingClass.state.in_(PUBLISHED)
    if user.role == "training_institution":
        return and_(published, TrainingClass.institution_id == user.organisation_id)
    if user.role == "provincial_authority":
        return or_(published, TrainingClass.organiser_id == user.organisation_id)
    return published if user.role in ("group", "enterprise") else false()


def _certificate(user: User) -> ColumnElement[bool]:
    if user.role in UNSCOPED_ROLES:
        return true()
    if user.role in ("provincial_authority", "group", "enterprise"):
        return Certificate.person_id.in_(select(Person.id).where(_person(user)))
    return false()


def _case(user: User) -> ColumnElement[bool]:
    if user.role in ("audit_admin", "process_admin"):
        return true()
    tickets = Case.process == "support_ticket"
    return or_(
        and_(tickets, Case.id.in_(select(Ticket.case_id).where(_ticket(user)))), and_(~tickets, _business_case(user))
    )


def _business_case(user: User) -> ColumnElement[bool]:
    if user.role in UNSCOPED_ROLES:
        return true()
    if user.role == "provincial_authority":
        return or_(Case.authority_id == user.organisation_id, Case.organiser_id == user.organisation_id)
    if user.role == "training_institution":
        return Case.institution_id == user.organisation_id
    if user.role not in ("group", "enterprise"):
        return false()
    # As an array the planner takes the index of units; as a subquery it would walk all cases by their time.
    return Case.unit_id == any_(func.array(own_units(user).scalar_subquery()))


def _organisation(user: User) -> ColumnElement[bool]:
    if user.role in (*UNSCOPED_ROLES, "sys_admin", "security_admin"):
        return true()
    if user.role == "provincial_authority":
        return or_(Organisation.authority_id == user.organisation_id, Organisation.id == user.organisation_id)
    if user.role in ("group", "enterprise"):
        return or_(Organisation.id == user.organisation_id, Organisation.parent_id == user.organisation_id)
    if user.role == "training_institution":
        return or_(Organisation.id == user.organisation_id, Organisation.id.in_(linked_academies(user)))
    return Organisation.id == user.organisation_id


def inbox_addresses(user: User) -> list[tuple[UUID, str]]:
    """The (organisation, role) pairs of his inbox; a group's user also does its own and its branches' unit tasks (S57).

    What is for him alone is addressed to his account in place of an organisation (R69). Asked once a request: several parts of
    a page want to know, and a transaction that begins forgets it.
    """
    known = session().inbox_addresses
    if user.id not in known:
        known[user.id] = _addresses(user)
    return known[user.id]


def _addresses(user: User) -> list[tuple[UUID, str]]:
    pairs = [(user.organisation_id, user.role), (user.id, user.role)]
    if user.role == "group":
        units = [user.organisation_id, *Organisation.branches_of(user.organisation_id)]
        pairs += [(unit, "enterprise") for unit in units]
    return pairs


def _task(user: User) -> ColumnElement[bool]:
    his = or_(*(and_(Task.organisation_id == o, Task.role == r) for o, r in inbox_addresses(user)))
    return and_(his, Task.facts["barred"].astext.is_distinct_from(str(user.id)))


def _ticket(user: User) -> ColumnElement[bool]:
    """His own; and those of his desk, but for complaints about himself (R69)."""
    desk = and_(Ticket.desk_role == user.role, Ticket.desk_id == user.organisation_id)
    return or_(Ticket.requester_id == user.id, and_(desk, Ticket.accused_id.is_distinct_from(user.id)))


def _plan(user: User) -> ColumnElement[bool]:
    if user.role in UNSCOPED_ROLES:
        return true()
    mine = TrainingPlan.owner_id == user.organisation_id
    return or_(mine, TrainingPlan.state != "draft") if user.role == "provincial_authority" else false()


def _notice(user: User) -> ColumnElement[bool]:
    """What was published for him: for his province, role and unit, or for his organisation alone; and what his own wrote.

    The ministry reads everything that has an audience (domain.md §9).
    """
    province = str(user.organisation.authority_id or user.organisation_id)
    audience: ColumnElement[bool] = Notice.organisation_id.is_(None)
    if user.role != "ministry":
        audience = and_(
            audience,
            or_(func.cardinality(Notice.authorities) == 0, literal(province) == any_(Notice.authorities)),
            or_(func.cardinality(Notice.roles) == 0, literal(user.role) == any_(Notice.roles)),
            or_(func.cardinality(Notice.units) == 0, literal(str(user.organisation_id)) == any_(Notice.units)),
        )
    addressed = and_(Notice.state == "published", or_(audience, Notice.organisation_id == user.organisation_id))
    return or_(addressed, and_(Notice.author_id == user.organisation_id, Notice.organisation_id.is_(None)))


_RULES: dict[type[Any], Any] = {
    Person: _person,
    TrainingNeed: _need,
    Enrollment: _enrollment,
    TrainingClass: _training_class,
    Certificate: _certificate,
    Case: _case,
    Organisation: _organisation,
    Task: _task,
    TrainingPlan: _plan,
    Notice: _notice,
    Ticket: _ticket,
}


def visible_to(user: User, model: type[Any]) -> ColumnElement[bool]:
    """The condition under which a row of ``model`` is in the user's scope; every list, count and export carries it."""
    return _RULES[model](user)


def get_or_404_in_scope(user: User, model: type[Row], row_id: UUID | str, *options: Any) -> Row:
    """The row if it exists and is in scope; otherwise NotFound, whichever of the two it is (R70)."""
    try:
        key = row_id if isinstance(row_id, UUID) else UUID(row_id)
    except ValueError:
        raise NotFound(N_("没有找到，地址可能不完整。")) from None
    query = select(model).options(*options).where(model.id == key, visible_to(user, model))  # type: ignore[attr-defined]
    row = session().scalars(query).one_or_none()
    if row is None:
        raise NotFound
    return row
