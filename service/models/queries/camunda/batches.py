"""Lists of migrations in the background, under Camunda's name of them: batches; those that run, and all."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, case, select

from service.models.queries.camunda.listing import ListQuery, equals, flag, id_equals, never
from service.models.tables.accounts.user import User
from service.models.tables.runtime.version_change import OPEN, MigrationRun

TYPE = "instance-migration"
_IS_RUNNING = MigrationRun.state.in_(OPEN)
_COMMON = {
    "batchId": id_equals(MigrationRun.id),
    "type": equals(case((MigrationRun.id.is_not(None), TYPE))),
}
_ORDERS = {"batchId": MigrationRun.id, "tenantId": MigrationRun.process}


def _all(_user: User) -> Select[*tuple[Any, ...]]:
    """Every migration: whoever may migrate sees those of everybody."""
    return select(MigrationRun, User.login).outerjoin(User, User.id == MigrationRun.user_id)


def _running(user: User) -> Select[*tuple[Any, ...]]:
    return _all(user).where(_IS_RUNNING)


BATCHES = ListQuery(
    _running, MigrationRun.id, {**_COMMON, "suspended": never()}, _ORDERS, (MigrationRun.at, MigrationRun.id)
)
PAST_BATCHES = ListQuery(
    _all,
    MigrationRun.id,
    {**_COMMON, "completed": flag(~_IS_RUNNING)},
    {**_ORDERS, "startTime": MigrationRun.at, "endTime": MigrationRun.ended_at},
    (MigrationRun.at, MigrationRun.id),
)
