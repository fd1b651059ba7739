"""Typed text is converted in one module, where anything gives a value or nothing, never a fault (R74)."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings

from service import domain
from service.domain.persons.identity import IdType
from service.domain.system.settings import SETTINGS
from service.errors import InvalidInput
from service.validation import typed_text
from service.workflow.certificates.printer_calibration import load_shift, parse_shift
from tests.unit.test_validation import HOSTILE, TEXT

SERVICE = Path(__file__).parents[2] / "service"
READ = (
    "web",
    "api",
    "workflow",
    "reports",
    "handlers",
    "operations",
    "domain",
    "models/queries",
    "models/db",
    "forms.py",
)
"""Where what clients send passes. ``engine`` reads diagrams and its own journal, ``infrastructure`` files of ours, and
``validation/fields.py`` has a test of its own (test_validation.py)."""

NUMBERS = frozenset({"int", "float", "Decimal", "UUID"})
METHODS = frozenset({"fromisoformat", "strptime", "fromtimestamp", "fromordinal"})

STORED = "written by us: a payload, a receipt, case data, a form, an answer of the decoder"
ROW = "a figure or a date of the database, or of this program"
CLEAN = "read by the form or the converter that declares it"
DIGITS = "digits or an option that was looked at before"
ALLOWED: dict[str, str] = {
    "web/presenters/date_ruler.py:lay": STORED,
    "web/presenters/panels/decision_panels.py:_need_card": STORED,
    "web/shell/mail_templates.py:_deliver": STORED,
    "web/views/certificates/printing.py:show": STORED,
    "web/views/persons/person_import.py:_preview": STORED,
    "web/views/runtime/cases.py:": STORED,
    "web/views/runtime/version_changes.py:show_migration": STORED,
    "web/views/system/exports.py:": STORED,
    "workflow/certificates/printing.py:_write": STORED,
    "workflow/certificates/printing.py:_log": STORED,
    "workflow/certificates/printing.py:": STORED,
    "workflow/idempotency.py:_made_before": STORED,
    "workflow/notices/notices.py:_mail": STORED,
    "workflow/notices/notices.py:_mail_proposer": STORED,
    "workflow/versions/backtests.py:": STORED,
    "workflow/versions/backtests.py:differing": STORED,
    "workflow/versions/case_migrations.py:": STORED,
    "workflow/versions/case_migrations.py:asked_of": STORED,
    "workflow/runtime/verification.py:_opened": STORED,
    "workflow/runtime/verification.py:wrong_case": STORED,
    "workflow/system/case_archives.py:write": STORED,
    "workflow/system/event_logs.py:_person_less": STORED,
    "workflow/system/event_logs.py:logged": STORED,
    "workflow/system/proof_checkpoint.py:_slice": STORED,
    "workflow/system/proof_checkpoint.py:kept": STORED,
    "workflow/system/seal_verification.py:_case_of": STORED,
    "models/queries/stored_files.py:file_sizes": ROW,
    "workflow/persons/person_import.py:": STORED,
    "workflow/runtime/bulk_completion.py:_result_from_json": STORED,
    "workflow/units/academy_links.py:link_academy": STORED,
    "handlers/certificate_reissue.py:_reissue": STORED,
    "handlers/certification.py:_certificate": STORED,
    "handlers/training_class.py:describe_subject": STORED,
    "handlers/training_enrollment.py:confirm": STORED,
    "handlers/training_enrollment.py:end_training": STORED,
    "operations/personal_values.py:all_with_texts": STORED,
    "operations/personal_values.py:typed_text": STORED,
    "operations/class_draft.py:_code": STORED,
    "operations/class_draft.py:_plan": STORED,
    "operations/enrollment_subject.py:describe_enrollment": STORED,
    "operations/enrollment_subject.py:subject_from_row": STORED,
    "operations/enrollments.py:load_enrollment": STORED,
    "models/queries/notices/notice_list.py:names_of": STORED,
    "models/queries/persons/person_history.py:_names": STORED,
    "models/queries/persons/retention.py:photos_of": STORED,
    "workflow/xlsx_reader.py:_value": STORED,
    "workflow/processes/diagram_svg.py:_number": STORED,
    "workflow/runtime/undo.py:_obstacle": STORED,
    "workflow/system/account_history.py:account_then": STORED,
    "models/queries/runtime/actors.py:__init__": STORED,
    "web/views/system/samples.py:paper": STORED,
    "workflow/runtime/erasures.py:erased_photos": STORED,
    "workflow/runtime/erasures.py:_end": STORED,
    "workflow/runtime/erasures.py:_years": STORED,
    "web/presenters/report_cells.py:_day": ROW,
    "web/views/notices/notices.py:unread": ROW,
    "workflow/accounts/sessions.py:seconds_left": ROW,
    "reports/due_training.py:_kinds": ROW,
    "reports/framework/table.py:_totals": ROW,
    "reports/monthly_trainees.py:chart": ROW,
    "operations/class_draft.py:_minimum_hours": ROW,
    "models/queries/runtime/inbox.py:count": ROW,
    "models/queries/runtime/inbox.py:counts": ROW,
    "models/queries/training/class_list.py:years": ROW,
    "api/v1/schemas/record_members.py:_member": ROW,
    "handlers/certificate_deregistration.py:postpone": CLEAN,
    "handlers/support_ticket.py:record_progress": CLEAN,
    "handlers/support_ticket.py:close": CLEAN,
    "operations/class_change.py:parse_fields": CLEAN,
    "operations/class_draft.py:write_draft": CLEAN,
    "api/engine_rest/variable_values.py:_whole": CLEAN,
    "api/engine_rest/variable_values.py:_decimal": CLEAN,
    "domain/accounts/attempts.py:source_of": CLEAN,
    "web/shell/form_rows.py:numbered": DIGITS,
    "web/shell/form_rows.py:fields_of": DIGITS,
    "web/shell/form_rows.py:_place": DIGITS,
    "web/shell/form_rows.py:changed": DIGITS,
    "domain/certificates/certificate_number.py:check_digit": DIGITS,
    "domain/certificates/certificate_number.py:read_own_form": DIGITS,
    "domain/persons/identity.py:check_character": DIGITS,
    "domain/persons/identity.py:_identity": DIGITS,
    "workflow/training/plans.py:_fill": DIGITS,
}
"""Conversions that stand outside, by module and function, and why they may."""


def conversions() -> dict[str, list[str]]:
    """The calls that turn text into a value, by ``path:function``."""
    found: dict[str, list[str]] = {}
    for name in READ:
        root = SERVICE / name
        for file in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            for where, call in _calls(ast.parse(file.read_text()), ""):
                found.setdefault(f"{file.relative_to(SERVICE)}:{where}", []).append(ast.unparse(call))
    return found


def _calls(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        inner = child.name if isinstance(child, ast.FunctionDef | ast.ClassDef) else where
        if isinstance(child, ast.Call) and _converts(child):
            yield where, child
        yield from _calls(child, inner)


def _converts(call: ast.Call) -> bool:
    by_type = any(one.arg == "type" and isinstance(one.value, ast.Name) for one in call.keywords)
    handed_on = any(isinstance(one, ast.Name) and one.id in NUMBERS for one in call.args[:1])
    named = isinstance(call.func, ast.Name) and call.func.id in NUMBERS and bool(call.args)
    read = isinstance(call.func, ast.Attribute) and call.func.attr in METHODS
    maps = handed_on and isinstance(call.func, ast.Name) and call.func.id == "map"
    return (by_type and getattr(call.func, "attr", "") in ("get", "getlist")) or named or read or maps


def test_no_text_is_converted_outside_the_one_module() -> None:
    found = conversions()
    assert found.keys() == ALLOWED.keys(), (
        sorted(found.keys() - ALLOWED.keys()),
        sorted(ALLOWED.keys() - found.keys()),
    )


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "as_id": typed_text.as_id,
    "as_whole": lambda text: typed_text.as_whole(text, -(10**17), 10**17),
    "as_decimal": typed_text.as_decimal,
    "as_date": typed_text.as_date,
    "as_instant": typed_text.as_instant,
    "as_camunda_instant": typed_text.as_camunda_instant,
    "as_json": typed_text.as_json,
}
TODAY = date(2026, 11, 24)
RULES: dict[str, Callable[[str], Any]] = {
    "parse_legacy": lambda text: _rule("parse_legacy")(text, None, date(2200, 12, 31), TODAY),
    "parse_resident_id": lambda text: _rule("parse_resident_id")(text, TODAY),
    "parse_foreigner_id": lambda text: _rule("parse_foreigner_id")(text, TODAY),
    "parse_document_number": lambda text: [_rule("parse_document_number")(kind, text) for kind in IdType],
    "parse_setting": lambda text: [_rule("parse_setting")(key, text) for key in SETTINGS],
}
"""How rules are called that want more than a text."""


def _rule(name: str) -> Callable[..., Any]:
    return rules()[name]


def rules() -> dict[str, Callable[..., Any]]:
    """The functions of the domain that read what somebody typed: ``parse_…`` and ``read_…``."""
    return {
        name: function
        for info in pkgutil.walk_packages(domain.__path__, "service.domain.")
        for name, function in inspect.getmembers(import_module(info.name), inspect.isfunction)
        if name.startswith(("parse_", "read_")) and function.__module__ == info.name
    }


def refusal(read: Callable[[Any], Any], typed: Any) -> dict[str, Any] | None:
    """The messages at their fields; None where it gave a value."""
    try:
        read(typed)
    except InvalidInput as refused:
        return dict(refused.fields)
    return None


def test_every_converter_is_tried() -> None:
    assert {name for name in vars(typed_text) if name.startswith("as_")} == CONVERTERS.keys()
    assert len(rules()) > 8


@pytest.mark.parametrize("name", CONVERTERS)
@settings(max_examples=200)
@given(text=TEXT)
@example(text="9" * 5009)
@example(text="0" * 5000 + "59")
@example(text="1e999999999")
@example(text="0001-01-01T00:00:00.000+1400")
def test_any_text_is_a_value_or_none(name: str, text: str) -> None:
    """The value is that of the whole text: written out and read again it is the same."""
    found = CONVERTERS[name](text)
    if found is not None and not isinstance(found, Decimal):
        written = _camunda(found) if name == "as_camunda_instant" else str(found)
        if found != CONVERTERS[name](written):
            assert getattr(found, "year", 1) < 1000, (text, found)  # strftime writes such a year without its zeros


def _camunda(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S" + (".%f%z" if at.tzinfo else ""))


@pytest.mark.parametrize("name", sorted(rules()))
def test_every_rule_gives_a_value_or_a_message_for_hostile_text(name: str) -> None:
    read = RULES.get(name) or rules()[name]
    for typed in (*(one for one in HOSTILE if isinstance(one, str)), "9" * 5009, "٣" * 18, "9999-12-31", "²" * 18):
        told = refusal(read, typed)
        assert told is None or (told and all(str(message) for message in told.values()))


@settings(max_examples=100)
@given(text=TEXT)
@example(text="9" * 5009)
def test_the_shift_of_a_printer_is_a_value_or_a_message(text: str) -> None:
    assert load_shift(text) is not None
    told = refusal(parse_shift, {"x": text, "y": text})
    assert told is None or set(told) == {"x", "y"}
