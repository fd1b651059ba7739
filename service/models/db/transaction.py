"""``transaction()``: the one place where a use case is committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.models.db.session import session
from service.models.db.unit_of_work import Operation, UnitOfWork

__all__ = ["Operation", "current_operation", "expire_session", "transaction"]


@contextmanager
def transaction(operation: Operation) -> Iterator[UnitOfWork]:
    """Run one use case: everything written inside is committed together, or nothing is.

    Every change of an audited row leaves one ``row_change``. A nested call joins the outer one.
    """
    unit = session()
    with unit.run(operation):
        yield unit


def expire_session() -> None:
    """Forget what was read before: called where a transaction begins and where a case is locked.

    After it the identity map serves: a row that a handler has read costs ``describe_subject`` nothing.
    """
    session().expire_rows()


def current_operation() -> Operation:
    """The operation of the running transaction.

    Raises RuntimeError outside one: a change there is a programming error.
    """
    operation = session().operation
    if operation is None:
        raise RuntimeError("a row was changed outside transaction()")
    return operation
