"""Errors of the database as refusals of the service: when one is for the reader, and when to try again."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg2
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from service.errors import N_, AnpeiError, Conflict, Unavailable

DATABASE_ERRORS = (DBAPIError, psycopg2.Error, PoolTimeout, StaleDataError)
"""Everything that a statement can raise; ``refusal_of`` tells what each means."""

AWAY = Unavailable(retry_after=5)
CONFLICT = Conflict(N_("别人同时改动了同样的内容，您刚才的操作没有保存。请再试一次。"), retry_after=1)
REFUSALS: Mapping[str, AnpeiError] = {
    "55P03": Unavailable(
        N_("别人正在办理同一事项，等了几秒仍未轮到，您刚才的操作没有保存。请稍后重试。"), retry_after=5
    ),
    "57014": Unavailable(N_("这次查询用时过长，已经停下。请缩小范围后再试。"), retry_after=30),
    "25P03": Unavailable(N_("这次操作用时过长，没有保存。请稍后重试。"), retry_after=5),
    "25P04": Unavailable(N_("这次操作用时过长，没有保存。请稍后重试。"), retry_after=5),
    "40001": CONFLICT,
    "40P01": CONFLICT,
    "25006": Unavailable(N_("数据库暂时只能读，不能保存。请稍后重试。"), retry_after=10),
    "53100": Unavailable(N_("服务器的磁盘已满，不能保存。请告诉系统管理员，稍后重试。"), retry_after=60),
    "53": AWAY,  # too many connections, no memory
    "57": AWAY,  # it is being shut down or started
    "58": AWAY,  # its files or its machine failed
    "08": AWAY,
}
"""Refusals by SQLSTATE, or by its class (PostgreSQL, appendix A)."""

WORDLESS = (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.DatabaseError)
"""Errors without a code by which psycopg2 tells that a connection has ended: exactly one of these."""


def refusal_of(error: Exception) -> AnpeiError | None:
    """Tell what an error of the database says to the reader; None for a fault of the program."""
    if isinstance(error, PoolTimeout):
        return AWAY
    if isinstance(error, StaleDataError):
        return CONFLICT
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "pgcode", None)
    if not code:
        return AWAY if isinstance(error, OperationalError) or type(cause) in WORDLESS else None
    return REFUSALS.get(code) or REFUSALS.get(code[:2])


def is_away(error: Exception) -> bool:
    """Tell whether no other statement would be heard now either."""
    return isinstance(error, DATABASE_ERRORS) and refusal_of(error) is AWAY
