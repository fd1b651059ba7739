"""Texts of and about people are encrypted wherever they are copied (domain.md §5.2, R71, decision 20).

Every input that forms, records, pages and REST declare is either sent with a text of its own and then found nowhere in
the database in the clear, or named here with the reason why it is none; and so is every column that holds text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import ARRAY, JSON, LargeBinary, String, select, text
from sqlalchemy.dialects.postgresql import INET

from service import forms
from service.config import CHECKOUT
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.training.class_fields import CLASS_FIELDS
from service.domain.training.plan_fields import PLAN_FIELDS
from service.domain.units.unit_fields import UNIT_FIELDS
from service.models.db.encryption import ENCRYPTED_TYPES
from service.models.db.session import Base, session
from service.models.tables.persons.person import Person
from service.models.tables.training.training import TrainingClass, TrainingPlan
from service.models.tables.units.organisation import Organisation
from service.validation.record_fields import FieldKind
from service.workflow.runtime import history
from tests.builders.marked_walk import MarkedWalk

RECORDS = {
    "person": (PERSON_FIELDS, Person),
    "unit": (UNIT_FIELDS, Organisation),
    "class": (CLASS_FIELDS, TrainingClass),
    "plan": (PLAN_FIELDS, TrainingPlan),
}
TYPED = (FieldKind.TEXT, FieldKind.LINES, FieldKind.CODE)  # fields into which people write what they like

HEADING = "a heading: lists are read, sorted and searched by it"
NAME = "a name: rows are found and sorted by it (decision 20)"
PLACE = "where a training takes place, published to everybody"
CODE = "a code or number that is no person's"
SECRET = "a password, of which only a hash is kept"
FIGURE = "a figure"
CASE_VALUE = "a variable of a case and its value: an id, a code, a date, a decision; personal ones are refused"
CHANGE = "said of a diagram by whoever deploys it; auditors and administrators read it"
ROW = "the id of a row"

PLAIN_INPUTS = {
    "title": HEADING,
    "subject": HEADING,
    "name": NAME,
    "display_name": NAME,
    "login": NAME,
    "units": NAME,
    "place": PLACE,
    "code": CODE,
    "sample": CODE,
    "key": CODE,
    "credit_code": CODE,
    "number": CODE,
    "certificate_number": CODE,
    "production_licence": CODE,
    "sales_licence": CODE,
    "qualification_type": CODE,
    "present": SECRET,
    "new": SECRET,
    "again": SECRET,
    "password": SECRET,
    "change_note": CHANGE,
    "variable": CASE_VALUE,
    "variable_value": CASE_VALUE,
    "capacity": FIGURE,
    "pass_mark": FIGURE,
    "score": FIGURE,
    "initial_hours": FIGURE,
    "refresher_hours": FIGURE,
    "renewal_hours": FIGURE,
    "seed": CODE,
    "size": FIGURE,
    "x": FIGURE,
    "y": FIGURE,
    "person_id": ROW,
    "class_id": ROW,
    "certificate_id": ROW,
    "correction_id": ROW,
}
"""Inputs that are no personal text, by name."""

OF_A_PERSON = {"record person.title", "rest POST /persons title", "rest PATCH /persons/{person_id} title"}
"""A title (职称) that is no heading."""

CODED = {"unit_id", "photo_id", "id_number_masked", "phone_masked", "state", "parent_id", "authority_id", "kind"}
"""Fields of records by another kind of input: chosen, uploaded, masked."""

OF_A_FILTER = {"page audit/samples.html q"}
"""A unit by which a sample is narrowed, kept with the sample like the filter of an export."""

LOOKED_UP = {"rest POST /persons/find id_number", "page persons/index.html id_number", "page layout/base.html q"}
"""Inputs by which something is looked up, and which are kept nowhere."""

CHOSEN = "a word of the program: a kind, a state, a role, a step"
REFERENCE = "ids, digests and codes"
MASKED = "the middle of it is masked"
HASH = "a hash of what is not kept"
FAULT = "a fault: its kind and place, without values (hide_parameters)"
DIAGRAM = "what a diagram, a form or its file says"
WORDS = "what a list was narrowed to; whole numbers are looked up by POST and kept nowhere"
REDACTED = "the history of rows: encrypted columns are 'hidden' in it, their texts stand in row_change.sealed"
CASE_DATA = "case data: of personal texts only references and salted digests"
REMEMBERED_OPERATOR = "user and machine of the operating system"
REMEMBERED = "of the account or the device: no free text"

PLAIN_COLUMNS: dict[str, str] = {
    f"{table}.{column}": reason
    for reason, tables in {
        NAME: {
            "organisation": "name sort_key folded_name spelling names_history",
            "person": "name sort_key folded_name spelling",
            "identity_correction": "name before",
            "user_account": "login display_name",
            "qualification_type": "name",
            "certificate": "unit_name",
            "case_instance": "subject business_key",
            "task": "subject unit_name summary batch_title",
            "enrollment": "snapshot",
        },
        HEADING: {
            "training_plan": "title",
            "training_class": "title",
            "notice": "title",
            "ticket": "subject",
            "audit_sample": "title",
        },
        PLACE: {"training_plan": "place", "training_class": "place"},
        CODE: {
            "organisation": "code credit_code production_licence sales_licence",
            "qualification_type": "code",
            "certificate": "number verify_token",
            "certificate_number_owner": "number",
            "certificate_serial": "province",
            "training_class": "code qualification_types",
            "person": "legacy_number",
            "ticket": "number",
        },
        CHOSEN: {
            "attempt": "kind",
            "audit_event": "action object_type outcome",
            "export_log": "name language state",
            "organisation": "kind state business",
            "process_change": "source state",
            "person_import": "state",
            "print_batch": "state layout language packaging",
            "print_record": "layout language",
            "row_change": "use_case kind table_name",
            "setting": "key value",
            "person": "id_type sex state",
            "identity_correction": "kind id_type sex state",
            "identity_correction_file": "media_type",
            "backtest_run": "state",
            "audit_sample": "state",
            "sampled_case": "finding",
            "migration_run": "state",
            "training_plan": "kind state",
            "user_account": "role state preferences",
            "account_session": "role",
            "mail": "kind state",
            "personal_value": "field",
            "ticket": "kind state desk_role step",
            "ticket_message": "kind",
            "training_class": "kind state",
            "training_need": "need state",
            "enrollment": "via kind state",
            "notice": "kind roles state",
            "certificate": "kind state approval",
            "reissue": "state",
            "job": "kind name state",
            "journal": "kind",
            "seal_leaf": "kind",
            "task": "role state",
            "saved_view": "role list_name",
            "substitution": "kinds",
            "notice_attachment": "media_type",
            "ticket_file": "media_type",
        },
        REFERENCE: {
            "definition_version": "digest",
            "backtest_run": "counts cases",
            "migration_run": "source target plan chosen refused",
            "process_change": "definition replaces",
            "process_draft": "base",
            "definition_file": "definition",
            "print_batch": "certificate_ids",
            "file_piece": "name",
            "submission": "result",
            "case_instance": "process definition last_hash awaited ended",
            "task": "token kind process definition form_key batch",
            "job": "token coalesce locked_by",
            "journal": "hash",
            "seal_leaf": "hash key",
            "seal": "root frontier head",
            "audit_sample": "seed population_digest",
            "mail": "key facts",
            "notice": "authorities units",
            "training_need": "decision",
            "person_import": "wrong",
            "audit_event": "detail",
        },
        MASKED: {
            "identity_correction": "former_number_masked id_number_masked",
            "person": "id_number_masked phone_masked",
            "user_account": "phone_masked mail_masked",
        },
        HASH: {
            "person": "id_number_digest",
            "identity_correction": "id_number_digest",
            "certificate_number_owner": "owner",
            "user_account": "password_hash",
            "former_password": "password_hash",
            "form_draft": "form_digest",
            "account_session": "key_digest",
            "personal_value": "salt",
            "journal": "mac",
            "row_change": "mac",
            "audit_event": "mac",
        },
        FAULT: {
            "export_log": "error",
            "backtest_run": "error",
            "migration_run": "error",
            "print_batch": "error refused",
            "person_import": "error",
            "job": "error",
            "mail": "error",
            "incident": "message",
            "deployment_fault": "zh en",
        },
        CHANGE: {"definition_version": "note", "process_change": "note"},
        REMEMBERED_OPERATOR: {"definition_version": "deployed_as", "process_change": "proposed_as"},
        DIAGRAM: {
            "definition_version": "key name main source proof english",
            "definition_file": "name content",
            "backtest_run": "process main bundle",
            "migration_run": "process",
            "process_change": "key",
            "process_draft": "key files",
            "person": "stage",
            **dict.fromkeys(("enrollment", "identity_correction", "reissue", "ticket", "training_class"), "stage"),
            "deployment_fault": "file element",
            "task": "element name",
            "job": "element",
            "journal": "element",
            "incident": "element",
            "case_document": "element",
        },
        WORDS: {"export_log": "chosen", "audit_sample": "chosen"},
        REDACTED: {"row_change": "before after"},
        CASE_DATA: {"case_instance": "state", "journal": "record", "job": "payload", "task": "facts"},
        REMEMBERED: {
            "attempt": "key",
            "audit_event": "source",
            "account_session": "device address",
            "print_batch": "address",
        },
    }.items()
    for table, columns in tables.items()
    for column in columns.split()
}
"""Columns with text in the clear, and why."""


def is_plain(name: str) -> bool:
    """Tell whether an input is no personal text."""
    return re.split(r"[ .]", name)[-1] in PLAIN_INPUTS and name not in OF_A_PERSON


def form_texts() -> Iterator[tuple[str, forms.Field]]:
    for file in sorted((CHECKOUT / "forms").glob("*.form")):
        for field in forms.fields(file.read_bytes()):
            if field.type in ("textfield", "textarea"):
                yield file.stem, field


def record_inputs() -> set[str]:
    return {
        f"record {noun}.{field.input_name}"
        for noun, (record, _) in RECORDS.items()
        for field in record.fields
        if field.is_personal
    }


def page_inputs() -> set[str]:
    """Every text that a template asks for: by the macros, by hand, and every upload."""
    found = set()
    for file in sorted((CHECKOUT / "templates" / "pages").rglob("*.html")):
        name, content = str(file.relative_to(CHECKOUT / "templates" / "pages")), file.read_text()
        if name.startswith("_macros/"):
            continue
        for key in re.findall(r"\b(?:text|area)\('(\w+)'", content):
            found.add(f"page {name} {key}")
        for tag in re.findall(r"<(?:textarea|input)[^>]*>", content, re.DOTALL):
            key, kind = re.search(r'name="(\w+)"', tag), re.search(r'type="(\w+)"', tag)
            if key and (kind is None or kind[1] in ("text", "tel", "email", "file")):
                found.add(f"page {name} {key[1]}")
    return found


NO_TEXT_FILES = {
    "rest POST /persons/{person_id}/corrections content",
    "page persons/import.html file",
    "page persons/import.html photos",
    "page processes/index.html files",  # diagrams, forms and tables
    "page processes/backtest.html files",
    "page persons/form.html photo",
    "page public/verify.html file",  # examined, and kept nowhere
    "rest POST /persons photo",
    "rest PATCH /persons/{person_id} photo",
}
"""Uploads whose name is not kept; the rows of a sheet are encrypted as they stand (person_import.sealed)."""


def rest_inputs(client: FlaskClient) -> set[str]:
    """Every text that a body of /api/v1 may hold."""
    document = json.loads(client.get("/api/openapi.json").text)
    found = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            body = operation.get("requestBody", {}) if isinstance(operation, dict) else {}
            schema = body.get("content", {}).get("application/json", {}).get("schema", {})
            for name, member in _members(document, schema):
                if _is_text(member):
                    found.add(f"rest {method.upper()} {path.removeprefix('/api/v1')} {name}")
    return found


def _members(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, member in schema.get("properties", {}).items():
        if "$ref" in (inner := member.get("items", member)):
            yield from _members(document, inner)
        yield name, member


def _is_text(member: dict[str, Any]) -> bool:
    kinds = member.get("type", [])
    is_string = "string" in (kinds if isinstance(kinds, list) else [kinds])
    return is_string and not {"enum", "format", "contentEncoding"} & member.keys()


def test_every_text_of_a_form_is_personal_or_named_with_the_reason_why_not() -> None:
    wrong = {f"{form}.{field.key}" for form, field in form_texts() if field.personal is (field.key in PLAIN_INPUTS)}
    assert not wrong


@pytest.mark.parametrize("noun", RECORDS)
def test_every_text_of_a_record_is_personal_or_named_and_its_column_follows(noun: str) -> None:
    record, table = RECORDS[noun]
    for field in record.fields:
        if field.kind not in TYPED or field.key in CODED - {"id_number_masked", "phone_masked"}:
            assert not field.is_personal, field.key
            continue
        assert field.is_personal is not is_plain(f"record {noun}.{field.input_name}"), field.key
        if field.is_personal and field.key not in CODED:
            assert isinstance(table.__table__.columns[field.key].type, ENCRYPTED_TYPES), field.key


def test_every_column_that_can_hold_text_is_encrypted_or_named_with_the_reason() -> None:
    """A table or column that is new decides here, and one that is gone is not excused any longer."""
    can_hold = (String, JSON, ARRAY, LargeBinary, INET)
    plain = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if not isinstance(column.type, ENCRYPTED_TYPES) and isinstance(column.type, can_hold)
    }
    assert plain - PLAIN_COLUMNS.keys() == set()
    assert PLAIN_COLUMNS.keys() - plain == set()


@pytest.fixture
def walked(client: FlaskClient, clock: Any) -> MarkedWalk:
    walk = MarkedWalk(client, clock)
    walk.walk()
    return walk


def test_what_people_write_stands_nowhere_in_the_clear_and_the_pages_still_show_it(
    client: FlaskClient, walked: MarkedWalk
) -> None:
    asked = {f"form {form}.{field.key}" for form, field in form_texts()} | record_inputs()
    asked |= page_inputs() | rest_inputs(client)
    asked = {one for one in asked if not is_plain(one)} - LOOKED_UP - OF_A_FILTER - NO_TEXT_FILES
    assert asked - walked.marks.keys() == set(), "inputs that the walk does not reach"

    marks = set(walked.marks.values())
    assert marks - set(_found(marks, _kept())) == set(), "texts that were not kept at all"
    assert _leaks(marks) == {}

    assert walked.hidden == []
    assert list(history.verify()) == []


def _kept() -> str:
    """Every encrypted value, opened."""
    values = []
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, ENCRYPTED_TYPES):
                values += [value for value in session().scalars(select(column)) if isinstance(value, str | dict)]
    return "\n".join(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values)


def _leaks(marks: set[str]) -> dict[str, list[str]]:
    """The tables in whose rows a text stands, whatever the column and its type; bytes are read as hexadecimal."""
    found = {}
    names = session().scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"))
    for name in list(names):
        rows = session().scalars(text(f'SELECT t::text FROM "{name}" t'))
        if leaked := sorted(_found(marks, "\n".join(rows))):
            found[name] = leaked
    return found


def _found(marks: set[str], where: str) -> Iterator[str]:
    for mark in marks:
        escaped = json.dumps(mark)[1:-1]
        spellings = (mark, escaped, mark.encode().hex(), escaped.encode().hex())
        if any(one in where for one in spellings):
            yield mark


def test_the_search_of_the_dump_sees_a_text_in_every_kind_of_column(app: Flask) -> None:
    mark = "龘0000靐"
    for value in (mark, {"a": [mark]}, json.dumps(mark).encode(), mark.encode()):
        stored = "\\x" + value.hex() if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
        assert list(_found({mark}, stored)) == [mark]
