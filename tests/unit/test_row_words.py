"""The history of rows is told in words: every table, column, code and use case, in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import CheckConstraint

from service.config import CHECKOUT
from service.domain.system import row_words, use_case_words
from service.domain.system.mend_kind import MendKind
from service.errors import Message
from service.infrastructure.translation import catalogue_english
from service.models.db.session import Base
from service.models.db.tracked import Audited

MAPPERS = [mapper for mapper in Base.registry.mappers if issubclass(mapper.class_, Audited)]
TABLES = {mapper.class_.__tablename__: mapper for mapper in MAPPERS}
NO_ROWS = {
    "export_sample",
    *("begin_backtest", "begin_export", "begin_migration", "begin_person_import", "begin_print_batch"),
    *("cancel_print_batch", "print_batch_cancelled", "print_batch_progress", "remove_print_batch"),
    *(
        "assign_import_columns",
        "mend_import_rows",
        "check_import_photos",
        "check_person_import",
        "person_import_failed",
        "person_import_refused",
    ),
    *("remove_person_import", "start_person_import", "discard_draft", "save_draft"),
    *(
        "download_certificate",
        "export_evidence",
        "export_events",
        "export_mined_log",
        "export_case_file",
        "reveal_number",
        "verify",
        "verify_journal",
    ),
    *(
        "end_export",
        "export_progress",
        "remove_export",
        "stop_export",
        "sweep_files",
        "sweep_form_drafts",
        "save_view",
        "remove_view",
        "appoint_substitute",
        "end_substitution",
    ),
    *("end_session", "forget_attempts", "forget_sessions", "see_session", "sign_in_try"),
    *("incident", "read_notice", "refresh_need", "run_progress", "seal", "stop_run", "resume_run", "link_academy"),
    *("claim job", "claim jobs", "job failed", "job has no place", "preview mend", "preview retry"),
    *("mail_change", "mail_notice", "mail_sent", "retry_mails", "send_mail", "test_mail"),
}
"""Use cases that change no row with a history."""


def test_every_column_has_a_word_or_is_technical() -> None:
    assert len(TABLES) > 20
    assert all(row_words.table_word(table) in row_words.TABLES.values() for table in TABLES)
    columns = [(table, column.name) for table, mapper in TABLES.items() for column in mapper.columns]
    missing = [one for one in columns if one[1] not in row_words.TECHNICAL and row_words.column_word(*one) == one[1]]
    assert missing == []


def test_every_word_is_of_a_table_that_there_is_and_has_its_english() -> None:
    assert row_words.TABLES.keys() - TABLES.keys() == {"job"}
    every = {column.name for mapper in MAPPERS for column in mapper.columns}
    assert row_words.COLUMNS.keys() <= every
    for table, column in row_words.NAMES | row_words.KEPT_BACK | row_words.TENTHS:
        assert column in TABLES[table].columns, (table, column)
    words = {*row_words.TABLES.values(), *use_case_words.WORDS.values(), *use_case_words.STEPS.values()}
    words |= {row_words.column_word(table, c.name) for table, mapper in TABLES.items() for c in mapper.columns} - {""}
    assert [word for word in words if not catalogue_english(word)] == []


def codes() -> Iterator[tuple[str, str, str]]:
    """Every value that a constraint allows a coded column."""
    for table, mapper in TABLES.items():
        for constraint in mapper.local_table.constraints:
            text = str(constraint.sqltext) if isinstance(constraint, CheckConstraint) else ""
            if found := re.fullmatch(r"(\w+) IN \((.+)\)", text):
                yield from ((table, found[1], value) for value in re.findall(r"'(\w+)'", found[2]))


def test_every_code_that_a_column_may_hold_is_a_word() -> None:
    found = list(codes())
    assert len(found) > 60
    bare = [one for one in found if one[2] not in row_words.codes_of(*one[:2])]
    assert bare == []
    assert [word for one in found if not catalogue_english(word := row_words.codes_of(*one[:2])[one[2]])] == []


def use_cases() -> Iterator[str]:
    """The names of all use cases; of one that is put together, its beginning."""
    for file in sorted((CHECKOUT / "service").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Operation", "_use_case", "once"):
                place = 2 if ast.unparse(node.func) == "once" else 0
                name: Any = node.args[place] if len(node.args) > place else None
                if isinstance(name, ast.JoinedStr):
                    name = name.values[0]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    yield name.value


def test_every_use_case_that_changes_rows_has_a_word() -> None:
    named = {name.strip() for name in use_cases() if "/" not in name}
    assert len(named) > 80
    bare = {name for name in named - NO_ROWS if not isinstance(use_case_words.use_case_word(name), Message)}
    assert bare == set()
    assert named >= NO_ROWS
    for kind in MendKind:
        assert isinstance(use_case_words.use_case_word(f"mend {kind.value}"), Message)
