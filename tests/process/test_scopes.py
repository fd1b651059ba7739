"""Scope in SQL equals scope in Python: for every role, action and table, on generated worlds (invariant 7)."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from service.domain.accounts.permissions import Action, ScopeKind, ScopeKinds, kinds_of
from service.domain.accounts.roles import Role
from service.domain.accounts.scopes import Actor, includes, scope_of
from service.models.db.session import session
from service.models.queries.runtime.object_names import object_names
from service.models.queries.scope import COMPILED, TABLES, visible_to
from service.models.queries.scope_adapters import actor_of, subject_of
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation
from tests.builders.scope_world import ScopeWorld


@pytest.mark.usefixtures("app")
@settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_rows_visible_in_sql_are_those_that_the_rules_include(seed: int) -> None:
    try:
        world = ScopeWorld(Random(seed))
        for actor in world.actors.values():
            user = User.get(actor.user)
            assert user is not None
            assert actor_of(user) == actor
            for model in TABLES:
                compare(world, user, actor, model)
    finally:
        session().rollback()


def compare(world: ScopeWorld, user: User, actor: Actor, model: type[Any]) -> None:
    """Ask the database once for all actions; two actions with the same kinds of scope have the same rows."""
    actions = actions_by_kinds(actor.role, model)
    subjects = world.objects[model]
    [key] = inspect(model).primary_key
    columns = [visible_to(user, model, action).label(action) for action in actions.values()]
    rows = session().execute(select(key, *columns).where(key.in_(list(subjects))))
    found: Mapping[UUID, tuple[bool, ...]] = {row[0]: tuple(bool(one) for one in row[1:]) for row in rows}
    expected = {
        key: tuple(includes(scope_of(actor, action), subject) for action in actions.values())
        for key, subject in subjects.items()
    }
    wrong = {key: (subjects[key], found[key], expected[key]) for key in expected if found[key] != expected[key]}
    assert not wrong, (actor, model.__name__, list(actions.values()), wrong)


def actions_by_kinds(role: Role, model: type[Any]) -> dict[ScopeKinds, Action]:
    """One action for each set of kinds that the role has on the table, the empty one included."""
    return {kinds_of(role, action): action for table, action in COMPILED if table is model}


@pytest.mark.usefixtures("app")
def test_units_are_the_same_objects_for_single_checks_as_for_lists() -> None:
    world = ScopeWorld(Random(7))
    for key, subject in world.units.items():
        assert subject_of(session().get_one(Organisation, key)) == subject
    session().rollback()


def test_every_table_knows_the_scopes_of_its_own_action() -> None:
    assert all((model, table.view) in COMPILED for model, table in TABLES.items())


def test_an_action_whose_scope_a_table_does_not_know_is_refused() -> None:
    user = User(role=Role.MINISTRY.value)
    with pytest.raises(KeyError):
        visible_to(user, Organisation, Action.READ_NOTICES)


NAMED = (Person, TrainingClass, Certificate, Organisation, Ticket, Enrollment)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("seed", range(2))
def test_ids_are_read_as_names_only_of_what_the_reader_may_view(seed: int) -> None:
    world = ScopeWorld(Random(seed))
    ids = {key: model for model in NAMED for key in world.objects[model]}
    seen = set()
    for actor in world.actors.values():
        user = User.get(actor.user)
        assert user is not None
        views_all = ScopeKind.ALL in kinds_of(actor.role, Action.VIEW_CASES)
        expected = {
            str(key)
            for key, model in ids.items()
            if views_all or includes(scope_of(actor, TABLES[model].view), world.objects[model][key])
        }
        found = set(object_names(user, ids.keys()))
        assert found == expected, actor
        seen.add(len(found) == len(ids))
    assert seen == {True, False}
    session().rollback()
