"""One unit of work: commit or nothing, nested calls join, history follows what was really written, statements are planned once."""

from __future__ import annotations

import ast
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import IntegrityError

from service import models
from service.models.db.prepared_statements import execute_prepared, get_prepared
from service.models.db.session import session
from service.models.db.transaction import Operation, current_operation, transaction
from service.models.tables.persons.person import QualificationType
from service.models.tables.system.audit import RowChange
from service.models.tables.units.organisation import Organisation
from tests.builders.world import make_unit, qualification

pytestmark = pytest.mark.usefixtures("app")


class Stop(Exception):
    """Leaves a block."""


def names() -> list[str]:
    return [name for (name,) in session().execute(select(QualificationType.name).order_by(QualificationType.code))]


def test_a_nested_transaction_joins_the_outer_one_and_its_operation() -> None:
    before = names()
    with suppress(Stop), transaction(Operation("outer")) as unit:
        with transaction(Operation("inner")):
            qualification().name = "改名"
            assert current_operation().use_case == "outer"
        assert unit.in_transaction()
        raise Stop
    assert names() == before
    with pytest.raises(RuntimeError, match="outside transaction"):
        current_operation()


def test_a_row_changed_outside_a_transaction_is_refused() -> None:
    qualification().name = "改名"
    with pytest.raises(RuntimeError, match="outside transaction"):
        session().flush()
    session().rollback()


def test_a_flush_that_failed_leaves_no_history() -> None:
    known = qualification("MANAGER_PROD")
    with transaction(Operation("test")) as unit:
        with unit.begin_nested() as savepoint:
            unit.add(QualificationType(code=known.code, name="重复", version=1))
            with pytest.raises(IntegrityError):
                unit.flush()
            savepoint.rollback()
        known.name = "改名"
    changes = session().scalars(select(RowChange).where(RowChange.use_case == "test")).all()
    assert [(c.kind, c.after) for c in changes] == [("update", {"name": "改名"})]


def test_what_was_read_is_held_until_the_transaction_ends() -> None:
    make_unit()
    session().expunge_all()
    with transaction(Operation("test")) as unit:
        key = id(unit.scalars(select(Organisation).where(Organisation.kind == "enterprise")).one())
        assert key in {id(row) for row in unit.rows_read}
    assert unit.rows_read == []


def test_history_is_buffered_for_the_statement_of_a_step_and_dropped_with_its_failure() -> None:
    with transaction(Operation("test")) as unit:
        with unit.buffered_history() as rows:
            qualification().name = "改名"
            unit.flush()
        assert [row["after"] for row in rows] == [{"name": "改名"}]
        with suppress(Stop), unit.buffered_history():
            qualification().name = "又改"
            unit.flush()
            raise Stop
    assert session().scalars(select(RowChange).where(RowChange.use_case == "test")).all() == []


def test_a_prepared_select_is_planned_once_and_gives_mapped_rows(app: Any) -> None:
    query = select(QualificationType).where(QualificationType.code == bindparam("code"))
    first = execute_prepared(query, {"code": "MANAGER_PROD"}).scalar_one()
    assert execute_prepared(query, {"code": "MANAGER_PROD"}).scalar_one() is first
    session().expunge_all()
    assert get_prepared(QualificationType, first.id).name == first.name
    planned = session().scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    mine = [sql for sql in planned if "qualification_type" in sql]
    assert len(mine) == 2
    assert all("$1" in sql and "%(" not in sql for sql in mine)


def test_listeners_are_registered_by_a_call_not_by_an_import() -> None:
    by_import = []
    for file in Path(models.__file__).parent.rglob("*.py"):
        tree = ast.parse(file.read_text())
        inside = {
            n for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for part in f.body for n in ast.walk(part)
        }
        names = (n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n not in inside)
        by_import += [f"{file.name}: {name}" for name in names if name in ("listen", "listens_for")]
    assert by_import == []
