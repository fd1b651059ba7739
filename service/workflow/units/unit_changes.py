"""Changes of a unit as a whole: another name, another kind, its end (S33, S34, S64, S66; R5–R8, R10).

Records: units.py.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.units import units
from service.domain.units.units import UnitKind, UnitState
from service.domain.values.names import unit_name
from service.errors import N_, Conflict, InvalidInput, NotFound
from service.models.db.clock import today
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.units import unit_list
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import Organisation
from service.operations.certificates import follow_records
from service.validation.form_reader import FormReader
from service.validation.messages import NOT_AN_OPTION
from service.workflow.authorization import must_reach
from service.workflow.runtime import tasks
from service.workflow.units import units as records

ROLE_OF_KIND = {UnitKind.GROUP: Role.GROUP, UnitKind.ENTERPRISE: Role.ENTERPRISE, UnitKind.BRANCH: Role.ENTERPRISE}


def rename_unit(user: User, unit_id: UUID, name: str) -> Organisation:
    """Give a unit another name (S66): the old one stays in its history and on certificates printed before (R10).

    No new approval is needed (R15). Certificates in the making follow, printed ones are called back (R79).
    Raises InvalidInput at ``name``.
    """
    with transaction(Operation("rename_unit", user.id)):
        unit = _held(user, unit_id, Action.RENAME_UNIT)
        entry = FormReader({"name": name})
        new = unit_name(entry.name("name", 100))
        if new == unit.name:
            entry.refuse("name", N_("新名称与现在的名称相同。"))
        entry.check()
        unit.names_history = [*unit.names_history, {"name": unit.name, "until": today().isoformat()}]
        unit.name = new
        records.flush()
        of_unit = select(Person.id).where(Person.unit_id == unit.id)
        for case_id in follow_records(list(session().scalars(of_unit))):
            tasks.offer_message(user, case_id, "face_changed")
    return unit


def convert_unit(user: User, unit_id: UUID, to: str, group_id: UUID | None = None) -> Organisation:
    """Make a unit a branch of a group, of any province, or a group or enterprise of its own (S33, S64, S101, S102).

    Persons, certificates, enrolments stay with it and so do its logins, in the role of the new kind; whose scope it is
    in changes with the commit (R7, R8). group_id: of the group it joins. Raises InvalidInput at ``group`` or ``to``.
    """
    with transaction(Operation("convert_unit", user.id)):
        unit = _held(user, unit_id, Action.CONVERT_UNIT)
        kind = _kind(to)
        group = _group(group_id) if kind is UnitKind.BRANCH else None
        target = UnitKind(group.kind) if group else None
        obstacle = units.obstacle_to_conversion(
            UnitKind(unit.kind), kind, branches(unit.id), target, group is not None and group.id == unit.id
        )
        if obstacle:
            raise InvalidInput({"group": obstacle}) if kind is UnitKind.BRANCH and not target else Conflict(obstacle)
        unit.kind, unit.parent_id = kind, group.id if group else None
        unit.state = UnitState.DRAFT if records.missing(unit) else UnitState.COMPLETE
        for account in session().scalars(select(User).where(User.organisation_id == unit.id)):
            account.role = ROLE_OF_KIND[kind]  # also of those that are disabled: they may be enabled again
    return unit


def delete_unit(user: User, unit_id: UUID) -> Organisation:
    """Delete a unit that has neither persons nor branches (R6, S34): it stays in the books, its accounts end (R5).

    Raises Conflict, naming what is in the way.
    """
    with transaction(Operation("delete_unit", user.id)):
        unit = _held(user, unit_id, Action.DELETE_UNIT)
        if obstacle := units.obstacle_to_deletion(unit_list.live_persons(unit.id), branches(unit.id)):
            raise Conflict(obstacle)
        unit.state = UnitState.DELETED
        for account in accounts_of(unit.id):
            account.state, account.epoch = "disabled", account.epoch + 1
    return unit


def branches(unit_id: UUID) -> int:
    """Count the live branches of a unit."""
    return len(Organisation.branches_of(unit_id))


def accounts_of(unit_id: UUID) -> list[User]:
    """The accounts of a unit that are not disabled."""
    query = select(User).where(User.organisation_id == unit_id, User.state != "disabled")
    return list(session().scalars(query.order_by(User.login)))


def drafts_of(unit_id: UUID) -> int:
    """Persons of a unit that were never submitted; they end with it."""
    query = select(func.count()).select_from(Person).where(Person.unit_id == unit_id, Person.state == "draft")
    return session().scalar(query) or 0


def _held(user: User, unit_id: UUID, action: Action) -> Organisation:
    """A live unit in reach, locked, so that nobody is entered into it, or joined to it, meanwhile."""
    found = get_or_404_in_scope(user, Organisation, unit_id)
    if not found.is_unit:
        raise NotFound
    must_reach(user, action, found)
    query = select(Organisation).where(Organisation.id == unit_id).with_for_update()
    unit = session().scalars(query.execution_options(populate_existing=True)).one()
    if unit.state == UnitState.DELETED:
        raise Conflict(records.DELETED)
    return unit


def _kind(to: str) -> UnitKind:
    if to not in ROLE_OF_KIND:
        raise InvalidInput({"to": NOT_AN_OPTION})
    return UnitKind(to)


def _group(group_id: UUID | None) -> Organisation | None:
    """A live group anywhere, held against being deleted or converted meanwhile."""
    group = Organisation.hold(group_id)
    return group if group and group.state != UnitState.DELETED else None
