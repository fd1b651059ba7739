"""What pages cost: no page of these registers asks more than 15 queries, however many rows it shows."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.workflow.training import enrollments
from tests.api.queries import counted
from tests.builders.stage import Stage, enroll, make_stage, publish_class
from tests.builders.world import (
    authority_user,
    make_certificate,
    make_person,
    make_photo,
    make_unit,
    make_user,
    sign_in,
)

MOST = 15


@pytest.fixture
def full(app: Any, clock: Any) -> dict[str, Any]:
    """A class with twelve enrolled, sixty persons in three units of a group, certificates for half of them."""
    stage = make_stage()
    group = make_unit("group")
    branches = [make_unit("branch", parent_id=group.id) for _ in range(2)]
    people = [make_person(unit) for unit in (group, *branches) for _ in range(20)]
    for person in people[::2]:
        make_certificate(person)
    mine = [stage.person() for _ in range(12)]
    enrollments.refresh_need()
    found = publish_class(stage)
    for person in mine:
        enroll(stage, found, person)
    make_photo(people[0])
    return {
        "stage": stage,
        "group": make_user("group", group.id),
        "class": found,
        "person": people[0],
        "unit": group,
        "mine": mine[0],
    }


def who(full: dict[str, Any], name: str) -> User:
    stage: Stage = full["stage"]
    found: User = (
        full["group"] if name == "group" else getattr(stage, name) if hasattr(stage, name) else authority_user(name)
    )
    return found


@pytest.mark.parametrize(
    ("reader", "address"),
    [
        ("province", "/units"),
        ("association", "/units"),
        ("group", "/units/{unit.id}"),
        ("group", "/units/{unit.id}/edit"),
        ("province", "/persons"),
        ("ministry", "/persons"),
        ("group", "/persons?q=赵"),
        ("province", "/persons/{person.id}"),
        ("group", "/persons/new"),
        ("group", "/persons/{person.id}/edit"),
        ("province", "/classes"),
        ("enterprise", "/classes/{class.id}"),
        ("association", "/classes/{class.id}"),
        ("enterprise", "/classes/{class.id}/enroll"),
        ("enterprise", "/classes/{class.id}/enroll?view=others"),
        ("association", "/classes/{class.id}/check-in"),
        ("institution", "/classes/{class.id}/scores"),
        ("province", "/enrollments"),
        ("association", "/certificates"),
        ("province", "/certificates?state=valid"),
    ],
)
def test_a_page_asks_at_most_fifteen_queries(
    client: FlaskClient, full: dict[str, Any], reader: str, address: str
) -> None:
    sign_in(client, who(full, reader))
    session().rollback()
    with counted() as queries:
        page = client.get(address.format(**full))
    assert page.status_code == 200
    assert len(queries) <= MOST, "\n".join(queries)
