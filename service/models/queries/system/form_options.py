"""The lists behind a form's ``valuesKey``: what a choice can be that is known only to the tables."""

from __future__ import annotations

from sqlalchemy import select

from service.domain.units.units import UnitState
from service.models.db.session import session
from service.models.tables.persons.person import QualificationType
from service.models.tables.units.organisation import Organisation

KEYS = ("institutions", "qualification_types")


def choices(key: str) -> list[tuple[str, str]]:
    """Value and label of each choice of ``key`` (one of KEYS), in the order to show them; raises KeyError."""
    if key == "institutions":
        hosts = select(Organisation.id, Organisation.name).where(
            Organisation.kind == "training_institution", Organisation.state != UnitState.DELETED
        )
        return [(str(value), name) for value, name in session().execute(hosts.order_by(Organisation.sort_key))]
    if key == "qualification_types":
        types = select(QualificationType.code, QualificationType.name).where(QualificationType.active)
        return [(code, name) for code, name in session().execute(types.order_by(QualificationType.code))]
    raise KeyError(key)


def names(key: str) -> dict[str, str]:
    """Label by value of everything that ``key`` (one of KEYS) ever offered: answers of the past are told by it."""
    if key == "institutions":
        query = select(Organisation.id, Organisation.name).where(Organisation.kind == "training_institution")
        return {str(value): name for value, name in session().execute(query)}
    query = select(QualificationType.code, QualificationType.name)
    return {str(row[0]): row[1] for row in session().execute(query)}
