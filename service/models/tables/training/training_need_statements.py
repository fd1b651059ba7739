"""Statements: the facts from which training needs are decided, and the writing of decisions (R22–R29).

The listener that makes a need stale watches the columns that stand in the statements here, whichever they are.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Column, any_, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.sql import visitors

from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.training.training import LIVE_ENROLLMENT, Enrollment, RefresherRecord, TrainingNeed

_PERSONS = any_(bindparam("persons", type_=ARRAY(PG_UUID)))
HELD = select(
    Certificate.id,
    Certificate.person_id,
    Certificate.issued_on,
    Certificate.valid_to,
    Certificate.state,
    Certificate.number,
    Certificate.edition,
).where(Certificate.person_id == _PERSONS, Certificate.state.in_(("valid", "issued")))
RENEWALS = select(Enrollment.person_id, Enrollment.enrolled_on, Enrollment.state).where(
    Enrollment.person_id == _PERSONS, Enrollment.kind == "renewal", Enrollment.state.in_(LIVE_ENROLLMENT)
)
REFRESHERS = (
    select(Certificate.person_id, RefresherRecord.year)
    .join(RefresherRecord, RefresherRecord.certificate_id == Certificate.id)
    .where(Certificate.person_id == _PERSONS)
)
WRITE_NEEDS = text(
    """
    UPDATE training_need SET need = n.need, as_of = n.as_of, reference_date = n.reference_date, valid_to = n.valid_to,
        certificate_id = n.certificate_id, decision = n.decision
    FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS n(person_id uuid, need text, as_of date, reference_date date,
        valid_to date, certificate_id uuid, decision text)
    WHERE training_need.person_id = n.person_id
    """
)
"""Write the decisions on many persons in one statement; each person has had a row since they were entered."""


def _columns(*statements: Any) -> dict[str, frozenset[str]]:
    """The columns of each table that statements read, wherever they stand in them."""
    found: dict[str, set[str]] = defaultdict(set)
    for statement in statements:
        for part in visitors.iterate(statement):
            if isinstance(part, Column) and part.table is not None:
                found[part.table.name].add(part.name)
    return {table: frozenset(names) for table, names in found.items()}


READ = _columns(HELD, RENEWALS, REFRESHERS)
"""Table → the columns of it from which a need is decided."""
REPEATED = frozenset(TrainingNeed.__table__.columns.keys()) & frozenset(Person.__table__.columns.keys())
"""The columns of the person that stand in the projection too, because figures are grouped by them."""
