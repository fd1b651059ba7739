"""Links of academies to the training institutions that may enrol their persons (S62, C7).

The record of an academy: units.py.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, select

from service.domain.accounts.permissions import Action
from service.domain.units.units import UnitKind, UnitState
from service.errors import N_, Conflict, InvalidInput, NotFound
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.system import form_options
from service.models.tables.accounts.user import User
from service.models.tables.system.audit import AuditEvent
from service.models.tables.units.organisation import AcademyLink, Organisation
from service.workflow.authorization import must_reach
from service.workflow.units.units import DELETED


def link_academy(user: User, academy_id: UUID, institutions: Collection[UUID]) -> Organisation:
    """Let exactly these institutions enrol the academy's persons; enrolments made before stay. Raises InvalidInput."""
    with transaction(Operation("link_academy", user.id)) as current:
        get_or_404_in_scope(user, Organisation, academy_id)
        query = select(Organisation).where(Organisation.id == academy_id).with_for_update()
        academy = current.scalars(query.execution_options(populate_existing=True)).one()
        if academy.kind != UnitKind.ACADEMY:
            raise NotFound
        must_reach(user, Action.EDIT_ACADEMY, academy)
        if academy.state == UnitState.DELETED:
            raise Conflict(DELETED)
        wanted, known = set(institutions), {UUID(key) for key, _name in form_options.choices("institutions")}
        if not wanted <= known:
            raise InvalidInput({"institutions": N_("请从列表中选择培训机构。")})
        before = set(AcademyLink.institutions_of(academy.id))
        if gone := before - wanted:
            current.execute(
                delete(AcademyLink).where(AcademyLink.academy_id == academy.id, AcademyLink.institution_id.in_(gone))
            )
        current.add_all([AcademyLink(academy_id=academy.id, institution_id=key) for key in wanted - before])
        if before != wanted:
            detail = {"before": sorted(map(str, before)), "after": sorted(map(str, wanted))}
            current.add(AuditEvent.by(user, "link_academy", "organisation", academy.id, detail=detail))
    return academy
