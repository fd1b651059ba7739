"""Names of the things whose ids stand in the data of cases."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import literal, select, union_all

from service.models.db.session import session
from service.models.tables.certificate import Certificate
from service.models.tables.organisation import Organisation
from service.models.tables.person import Person
from service.models.tables.ticket import Ticket
from service.models.tables.training import Enrollment, TrainingClass
from service.models.tables.user import User

PERSON = "person"


def object_names(ids: Collection[UUID]) -> dict[str, tuple[str, str]]:
    """Table and name by id, in one query; an enrolment has the name of its person. Scope is that of the case."""
    if not ids:
        return {}
    named = (
        (PERSON, Person.id, Person.name),
        ("class", TrainingClass.id, TrainingClass.title),
        ("certificate", Certificate.id, Certificate.number),
        ("organisation", Organisation.id, Organisation.name),
        ("user", User.id, User.display_name),
        ("ticket", Ticket.id, Ticket.number),
    )
    queries = [select(literal(table), key, name).where(key.in_(ids)) for table, key, name in named]
    queries.append(
        select(literal(PERSON), Enrollment.id, Person.name)
        .join(Person, Person.id == Enrollment.person_id)
        .where(Enrollment.id.in_(ids))
    )
    return {str(key): (str(table), str(name)) for table, key, name in session().execute(union_all(*queries))}
