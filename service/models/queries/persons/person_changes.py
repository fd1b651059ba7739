"""Changes in the records of persons, latest first, read from the one history of rows (S88).

Mere moves of state are none.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import cast, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import aliased

from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.models.db.pagination import SortOrder
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.system.audit import RowChange
from service.models.tables.units.organisation import Organisation
from service.validation.record_fields import Place

ORDER = SortOrder((RowChange.at, RowChange.id), is_descending=True)
FIELDS = tuple(one.key for one in PERSON_FIELDS.at(Place.HISTORY) if one.compared_key)
Unit, Home = aliased(Organisation), aliased(Organisation)


class ChangeKind(Labelled):
    EDIT = "edit", N_("信息修改")
    TRANSFER = "transfer", N_("变更单位")
    TYPE = "type", N_("变更资格类型")


USE_CASES = {"transfer_person": ChangeKind.TRANSFER, "change_qualification_type": ChangeKind.TYPE}


def changes_query(user: User, chosen: ReportFilter) -> Any:
    """Select the changes in scope, with the person and who made them. kind: one of ``ChangeKind``."""
    query = (
        select(
            RowChange.id,
            RowChange.at,
            RowChange.use_case,
            RowChange.before,
            RowChange.after,
            RowChange.sealed,
            Person.id.label("person_id"),
            Person.name,
            Person.id_number_masked,
            Unit.name.label("unit_name"),
            User.display_name.label("actor"),
            Home.name.label("organisation"),
        )
        .join(Person, Person.id == RowChange.row_id)
        .join(Unit, Unit.id == Person.unit_id)
        .outerjoin(User, User.id == RowChange.actor_id)
        .outerjoin(Home, Home.id == User.organisation_id)
        .where(
            RowChange.table_name == "person",
            RowChange.kind == "update",
            RowChange.after.op("?|")(cast(list(FIELDS), ARRAY(TEXT))),
            Person.state != "draft",
            visible_to(user, Person),
        )
    )
    if chosen.q:
        query = query.where(named(Person, chosen.q))
    if chosen.kind:
        own = [case for case, kind in USE_CASES.items() if kind == chosen.kind]
        query = query.where(RowChange.use_case.in_(own) if own else RowChange.use_case.not_in(list(USE_CASES)))
    return query


def kind_of(use_case: str) -> ChangeKind:
    """Return the kind of change that a use case makes."""
    return USE_CASES.get(use_case, ChangeKind.EDIT)
