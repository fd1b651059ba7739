"""Compile the permission table to SQL: the rows in a user's scope, and the addresses of their inbox (invariant 7).

``domain.accounts.permissions`` says which kinds of scope an action has for a role; here stands the condition of each
kind on each table. ``domain.accounts.scopes.includes`` means the same in Python, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, any_, false, func, literal, or_, select, true

from service.domain.accounts.permissions import PERMISSIONS, Action, ScopeKind, kinds_of
from service.domain.accounts.roles import Role
from service.domain.notices.notices import NoticeState
from service.domain.training.classes import ClassState
from service.domain.training.plans import PlanState
from service.domain.units.units import UnitKind, UnitState
from service.errors import N_, NotFound
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.notices.notice import Notice
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.models.tables.training.training import Enrollment, TrainingClass, TrainingNeed, TrainingPlan
from service.models.tables.units.organisation import AcademyLink, Organisation
from service.validation.typed_text import as_id

Row = TypeVar("Row")
Condition = ColumnElement[bool]
Conditions = Mapping[ScopeKind, Callable[[User], Condition]]


@dataclass(frozen=True, slots=True)
class TableScope:
    """The scoping of a table. view: the action under which its rows are listed;
    conditions: the kinds it knows beside ALL.
    """

    view: Action
    conditions: Conditions


def visible_to(user: User, model: type[Any], action: Action | None = None) -> Condition:
    """Return the condition for rows of ``model`` on which the user has the action, by default viewing them.

    Every list, count and export carries it.
    Raises KeyError when the action has a kind of scope the table does not know.
    """
    conditions = COMPILED[model, action or TABLES[model].view][Role(user.role)]
    return or_(*(condition(user) for condition in conditions)) if conditions else false()


def get_or_404_in_scope(
    user: User, model: type[Row], row_id: UUID | str, *options: Any, action: Action | None = None
) -> Row:
    """Return the row if the user has the action on it, by default viewing; raise NotFound for any other (R70).

    options: loader options of SQLAlchemy.
    """
    if (key := as_id(row_id)) is None:
        raise NotFound(N_("没有找到，地址可能不完整。"))
    query = select(model).options(*options).where(model.id == key, visible_to(user, model, action))  # type: ignore[attr-defined]
    row = session().scalars(query).one_or_none()
    if row is None:
        raise NotFound
    return row


def is_visible(user: User, model: type[Any], row_id: UUID) -> bool:
    """Tell whether the user may view the row."""
    return session().scalar(select(model.id).where(model.id == row_id, visible_to(user, model))) is not None


def is_unscoped(user: User, action: Action) -> bool:
    """Tell whether the user has the action on every row, so that provinces and units are worth a filter."""
    return ScopeKind.ALL in kinds_of(Role(user.role), action)


def inbox_addresses(user: User) -> list[tuple[UUID, str]]:
    """List the (organisation, role) pairs whose tasks are the user's (``Action.VIEW_TASKS``).

    A group's user also does the tasks of the own unit and its branches (S57); a task for one person alone is addressed
    to the account in place of an organisation (R69). Queried once a session: several parts of a page ask.
    """
    known = session().inbox_addresses
    if user.id not in known:
        known[user.id] = _own_addresses(user)
        if ScopeKind.GROUP in kinds_of(Role(user.role), Action.VIEW_TASKS):
            units = session().scalars(_units_of_group(user))
            known[user.id] = known[user.id] + [(unit, Role.ENTERPRISE) for unit in units]
    return known[user.id]


def _everything(_user: User) -> Condition:
    return true()


# Ids of organisations, persons and classes that the conditions below refer to.


def _units_of_province(user: User) -> Select[UUID]:
    """Units of the own province, branches of groups elsewhere included (R9); academies are the association's (R12)."""
    own = Organisation.authority_id == user.organisation_id
    return select(Organisation.id).where(own, Organisation.kind != UnitKind.ACADEMY)


def _units_of_group(user: User) -> Select[UUID]:
    return select(Organisation.id).where(_in_group(user))


def _in_group(user: User) -> Condition:
    branch = and_(Organisation.parent_id == user.organisation_id, Organisation.state != UnitState.DELETED)
    return or_(Organisation.id == user.organisation_id, branch)


def _academies(_user: User) -> Select[UUID]:
    return select(Organisation.id).where(Organisation.kind == UnitKind.ACADEMY)


def _linked_academies(user: User) -> Select[UUID]:
    return select(AcademyLink.academy_id).where(AcademyLink.institution_id == user.organisation_id)


def _hosted_classes(user: User) -> Select[UUID]:
    return select(TrainingClass.id).where(_is_hosted(user))


def _is_hosted(user: User) -> Condition:
    return and_(TrainingClass.institution_id == user.organisation_id, TrainingClass.state != ClassState.DRAFT)


def _trainees(user: User) -> Select[UUID]:
    return select(Enrollment.person_id).where(Enrollment.class_id.in_(_hosted_classes(user)))


def _by_unit(column: Any) -> Conditions:
    """Conditions of rows that belong to the unit in ``column``."""
    return {
        ScopeKind.PROVINCE: lambda user: column.in_(_units_of_province(user)),
        ScopeKind.GROUP: lambda user: column.in_(_units_of_group(user)),
        ScopeKind.UNIT: lambda user: column == user.organisation_id,
        ScopeKind.ACADEMIES: lambda user: column.in_(_academies(user)),
        ScopeKind.LINKED: lambda user: column.in_(_linked_academies(user)),
    }


def _of_enrollments_province(user: User) -> Condition:
    """Compare the authority the enrolment had when it left ``pending``, which is the unit's until then (R42)."""
    return and_(Enrollment.authority_id == user.organisation_id, Enrollment.unit_id.not_in(_academies(user)))


def _of_organised_class(user: User) -> Condition:
    return Enrollment.class_id.in_(select(TrainingClass.id).where(TrainingClass.organiser_id == user.organisation_id))


def _by_person(conditions: Conditions) -> Conditions:
    """Conditions of certificates: those of the persons they certify."""

    def of_person(condition: Callable[[User], Condition]) -> Callable[[User], Condition]:
        return lambda user: Certificate.person_id.in_(select(Person.id).where(condition(user)))

    return {kind: of_person(condition) for kind, condition in conditions.items()}


def _is_business(_user: User) -> Condition:
    return Case.process != "support_ticket"


def _business(condition: Callable[[User], Condition]) -> Callable[[User], Condition]:
    return lambda user: and_(_is_business(user), condition(user))


def _case_in_province(user: User) -> Condition:
    is_of_academy = and_(Case.unit_id.is_not(None), Case.unit_id.in_(_academies(user)))
    return and_(Case.authority_id == user.organisation_id, ~is_of_academy)


def _case_in_group(user: User) -> Condition:
    # As an array the planner takes the index of units; as a subquery it would walk all cases by their time.
    return Case.unit_id == any_(func.array(_units_of_group(user).scalar_subquery()))


def _of_ticket(condition: Callable[[User], Condition]) -> Callable[[User], Condition]:
    def of_ticket(user: User) -> Condition:
        return and_(~_is_business(user), Case.id.in_(select(Ticket.case_id).where(condition(user))))

    return of_ticket


def _is_requester(user: User) -> Condition:
    return Ticket.requester_id == user.id


def _ticket_is_routed_to(user: User) -> Condition:
    """Tickets the user's role and organisation answer, save complaints about the user (R69)."""
    routed = and_(Ticket.desk_role == user.role, Ticket.desk_id == user.organisation_id)
    return and_(routed, Ticket.accused_id.is_distinct_from(user.id))


def _own_addresses(user: User) -> list[tuple[UUID, str]]:
    return [(user.organisation_id, user.role), (user.id, user.role)]


def _task_is_addressed_to(user: User) -> Condition:
    pairs = or_(*(and_(Task.organisation_id == who, Task.role == role) for who, role in _own_addresses(user)))
    return and_(pairs, _is_not_barred(user))


def _task_of_group(user: User) -> Condition:
    units = [unit for unit, role in inbox_addresses(user) if role == Role.ENTERPRISE]
    return and_(Task.organisation_id.in_(units), Task.role == Role.ENTERPRISE, _is_not_barred(user))


def _is_not_barred(user: User) -> Condition:
    """Tasks about the user, as the accused of a complaint, are left out (R69)."""
    return Task.facts["barred"].astext.is_distinct_from(str(user.id))


def _notice_has_audience(_user: User) -> Condition:
    """Published, and not for one organisation alone as reminders and digests are."""
    return and_(Notice.state == NoticeState.PUBLISHED, Notice.organisation_id.is_(None))


def _notice_is_addressed_to(user: User) -> Condition:
    province = str(user.organisation.authority_id or user.organisation_id)
    audience = and_(
        Notice.organisation_id.is_(None),
        or_(func.cardinality(Notice.authorities) == 0, literal(province) == any_(Notice.authorities)),
        or_(func.cardinality(Notice.roles) == 0, literal(user.role) == any_(Notice.roles)),
        or_(
            func.cardinality(Notice.units) == 0,
            literal(str(user.organisation_id)) == any_(Notice.units),
            literal(str(user.id)) == any_(Notice.units),
        ),
    )
    return and_(Notice.state == NoticeState.PUBLISHED, or_(audience, Notice.organisation_id == user.organisation_id))


_PERSON: Conditions = {**_by_unit(Person.unit_id), ScopeKind.TRAINEES: lambda user: Person.id.in_(_trainees(user))}

TABLES: Mapping[type[Any], TableScope] = {
    Organisation: TableScope(
        Action.VIEW_ORGANISATIONS,
        {
            **_by_unit(Organisation.id),
            ScopeKind.PROVINCE: lambda user: and_(
                Organisation.authority_id == user.organisation_id, Organisation.kind != UnitKind.ACADEMY
            ),
            ScopeKind.GROUP: _in_group,
            ScopeKind.ACADEMIES: lambda _user: Organisation.kind == UnitKind.ACADEMY,
        },
    ),
    Person: TableScope(Action.VIEW_PERSONS, _PERSON),
    TrainingNeed: TableScope(
        Action.VIEW_TRAINING_NEED,
        {
            **_by_unit(TrainingNeed.unit_id),
            ScopeKind.TRAINEES: lambda user: TrainingNeed.person_id.in_(_trainees(user)),
        },
    ),
    Certificate: TableScope(Action.VIEW_CERTIFICATES, _by_person(_PERSON)),
    TrainingPlan: TableScope(
        Action.VIEW_PLANS,
        {
            ScopeKind.PUBLISHED: lambda _user: TrainingPlan.state != PlanState.DRAFT,
            ScopeKind.ORGANISED: lambda user: TrainingPlan.owner_id == user.organisation_id,
        },
    ),
    TrainingClass: TableScope(
        Action.VIEW_CLASSES,
        {
            ScopeKind.PUBLISHED: lambda _user: TrainingClass.state != ClassState.DRAFT,
            ScopeKind.ORGANISED: lambda user: TrainingClass.organiser_id == user.organisation_id,
            ScopeKind.HOSTED: _is_hosted,
        },
    ),
    Enrollment: TableScope(
        Action.VIEW_ENROLLMENTS,
        {
            **_by_unit(Enrollment.unit_id),
            ScopeKind.PROVINCE: _of_enrollments_province,
            ScopeKind.ORGANISED: _of_organised_class,
            ScopeKind.HOSTED: lambda user: Enrollment.class_id.in_(_hosted_classes(user)),
        },
    ),
    Case: TableScope(
        Action.VIEW_CASES,
        {
            ScopeKind.BUSINESS: _is_business,
            ScopeKind.PROVINCE: _business(_case_in_province),
            ScopeKind.ORGANISED: _business(lambda user: Case.organiser_id == user.organisation_id),
            ScopeKind.HOSTED: _business(lambda user: Case.institution_id == user.organisation_id),
            ScopeKind.GROUP: _business(_case_in_group),
            ScopeKind.UNIT: _business(lambda user: Case.unit_id == user.organisation_id),
            ScopeKind.OWN: _of_ticket(_is_requester),
            ScopeKind.ADDRESSED: _of_ticket(_ticket_is_routed_to),
        },
    ),
    Task: TableScope(Action.VIEW_TASKS, {ScopeKind.ADDRESSED: _task_is_addressed_to, ScopeKind.GROUP: _task_of_group}),
    Ticket: TableScope(Action.VIEW_TICKETS, {ScopeKind.OWN: _is_requester, ScopeKind.ADDRESSED: _ticket_is_routed_to}),
    Notice: TableScope(
        Action.READ_NOTICES,
        {
            ScopeKind.PUBLISHED: _notice_has_audience,
            ScopeKind.ADDRESSED: _notice_is_addressed_to,
            ScopeKind.ORGANISED: lambda user: and_(
                Notice.author_id == user.organisation_id, Notice.organisation_id.is_(None)
            ),
        },
    ),
}


def _compile(table: TableScope, action: Action) -> Mapping[Role, tuple[Callable[[User], Condition], ...]]:
    """Return for each role the conditions of its kinds of scope, any of which admits a row."""
    return {
        role: (_everything,)
        if ScopeKind.ALL in (kinds := kinds_of(role, action))
        else tuple(table.conditions[kind] for kind in sorted(kinds))
        for role in PERMISSIONS
    }


def _is_applicable(table: TableScope, action: Action) -> bool:
    """Tell whether the table knows every kind of scope that the action has for any role."""
    kinds = frozenset[ScopeKind]().union(*(kinds_of(role, action) for role in PERMISSIONS))
    return kinds <= {ScopeKind.ALL, *table.conditions}


COMPILED = {
    (model, action): _compile(table, action)
    for model, table in TABLES.items()
    for action in Action
    if _is_applicable(table, action)
}
