"""What the pages of plans, notices, accounts, settings and unit changes cost: at most 15 queries, however many rows."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.session import session
from service.models.tables.notices.notice import Notice
from service.models.tables.units.organisation import authority_id
from service.workflow.notices import bulletins
from service.workflow.system import daily_digest
from service.workflow.training import plans
from tests.api.queries import counted
from tests.api.test_pages_cost import MOST
from tests.builders.stage import known, make_stage
from tests.builders.world import make_certificate, make_person, make_unit, make_user, qualification, sign_in

PLAN = {"kind": "renewal", "year": "2026", "time": "m6", "place": "济南", "capacity": "80", "hours": "16"}


@pytest.fixture
def office(app: Any, clock: Any) -> dict[str, Any]:
    """Thirty plans, bulletins, accounts and units without data."""
    stage = make_stage()
    made: dict[str, Any] = {"stage": stage, "sysadmin": known(make_user("sys_admin", authority_id("platform")))}
    for n in range(30):
        made["plan"] = plans.save_plan(stage.province, PLAN | {"title": f"第{n}期"})
        plans.publish_plan(stage.province, made["plan"].id)
        made["bulletin"] = bulletins.save_bulletin(stage.association, {"title": f"通报{n}", "body": "正文"})
        if n:
            bulletins.publish_bulletin(stage.association, made["bulletin"].id)
        made["unit"] = make_unit("group")
        made["user"] = make_user("group", made["unit"].id)
    made["draft"] = bulletins.save_bulletin(stage.association, {"title": "草稿", "body": "正文"})
    make_certificate(make_person(stage.unit))
    daily_digest.write_due_digests()
    made["digest"] = (
        session().scalars(select(Notice).where(Notice.kind == "bulletin", Notice.state == "published")).first()
    )
    made["type"] = qualification()
    return made


@pytest.mark.parametrize(
    ("reader", "address"),
    [
        ("province", "/plans"),
        ("province", "/plans/calendar"),
        ("province", "/plans/{plan.id}"),
        ("ministry", "/plans?year=2026"),
        ("province", "/plans/{plan.id}/edit"),
        ("province", "/plans/{plan.id}/cancel"),
        ("enterprise", "/notices"),
        ("enterprise", "/notices/{digest.id}"),
        ("association", "/notices/{digest.id}"),
        ("association", "/bulletins"),
        ("association", "/bulletins/{draft.id}"),
        ("association", "/bulletins/{digest.id}/readers?view=waiting"),
        ("province", "/units/unentered"),
        ("association", "/units/unentered?what=persons"),
        ("province", "/units/{unit.id}/convert"),
        ("province", "/units/{unit.id}/delete"),
        ("province", "/users?unit={unit.id}"),
        ("province", "/users/{user.id}"),
        ("sysadmin", "/users"),
        ("sysadmin", "/settings"),
        ("sysadmin", "/settings/types/{type.id}"),
    ],
)
def test_a_page_asks_at_most_fifteen_queries(
    client: FlaskClient, office: dict[str, Any], reader: str, address: str
) -> None:
    sign_in(client, office["sysadmin"] if reader == "sysadmin" else getattr(office["stage"], reader))
    session().rollback()
    with counted() as queries:
        page = client.get(address.format(**office))
    assert page.status_code == 200
    assert len(queries) <= MOST, "\n".join(queries)
