"""Rows that every installation needs before the first user: authorities, the platform, qualification types.

Idempotent.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from service.domain.units.provinces import AUTHORITY_CODES, PROVINCES
from service.domain.units.units import UnitState
from service.errors import N_
from service.models.db.clock import now
from service.models.db.collation import name_keys
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.persons.person import QualificationType
from service.models.tables.units.organisation import Organisation, authority_id

QUALIFICATION_TYPES = {
    "PRINCIPAL_PROD": N_("主要负责人（生产）"),
    "PRINCIPAL_SALE": N_("主要负责人（销售）"),
    "MANAGER_PROD": N_("安全生产管理人员（生产）"),
    "MANAGER_SALE": N_("安全生产管理人员（销售）"),
}
"""The four syllabi (domain.md §1.1, C22); hours and pass mark start at their defaults (D5) and can be changed."""

SINGLE = {"ministry": N_("工业和信息化部"), "association": N_("中国爆破器材行业协会"), "platform": N_("安培平台")}


def ensure() -> None:
    """Put in place what is missing: ministry, association, 31 provinces and 兵团,
    the platform, the qualification types.
    """
    if session().scalar(select(Organisation.id).where(Organisation.id == authority_id("platform"))):
        return
    with transaction(Operation("reference data")) as current_session:
        rows = [(code, code, name) for code, name in SINGLE.items()]
        rows += [("province", code, PROVINCES[code].name) for code in AUTHORITY_CODES]
        for kind, code, name in rows:
            # the code orders authorities as GB/T 2260 does, which is how people know the list
            row = insert(Organisation).values(
                id=authority_id(code),
                kind=kind,
                code=code,
                name=name,
                **(name_keys(name) | {"sort_key": code}),
                state=UnitState.COMPLETE,
                names_history=[],
                created_at=now(),
                updated_at=now(),
                version=1,
            )
            current_session.execute(row.on_conflict_do_nothing())
        for code, name in QUALIFICATION_TYPES.items():
            row = insert(QualificationType).values(
                id=new_id(),
                code=code,
                name=name,
                created_at=now(),
                updated_at=now(),
                version=1,
            )
            current_session.execute(row.on_conflict_do_nothing())
