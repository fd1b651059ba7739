"""Every field for a date, of every page, form, record and filter, understands dates as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from service import forms
from service.config import CHECKOUT
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.training.class_fields import CLASS_FIELDS
from service.domain.training.plan_fields import PLAN_FIELDS
from service.domain.units.unit_fields import UNIT_FIELDS
from service.errors import InvalidInput
from service.reports import LISTS, REPORTS
from service.reports.framework.filters import Control
from service.validation.form_reader import FormReader
from service.validation.record_fields import FieldKind

WRITTEN = (
    "20260301",
    "2026年3月1日",
    "2026.3.1",
    "2026/3/1",
    "2026-03-01",
    " ２０２６．３．１ ",
    "2026 年 03 月 01 日",
)
NO_DATES = ("260815-02-02", "20260230", "3.1", "2026年", "60815-02-02", "2026-3.1")
MEANT = date(2026, 3, 1)
TEMPLATES = sorted((CHECKOUT / "templates" / "pages").rglob("*.html"))
CALL = re.compile(r"\{\{ ?(?:date|day)\('?(\w+)")


def fields_of_forms() -> Iterator[tuple[str, bytes, forms.Field]]:
    for file in sorted((CHECKOUT / "forms").glob("*.form")):
        for field in forms.fields(file.read_bytes()):
            if field.type == "datetime" and field.subtype == "date":
                yield f"{file.stem} {field.key}", file.read_bytes(), field


FORM_FIELDS = list(fields_of_forms())


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_no_page_has_a_field_that_a_browser_reads_in_its_own_way(file: Any) -> None:
    """A control of the browser lets a year have six digits, and takes no date that is pasted."""
    assert not re.search(r"""type=['"]?date['" >]""", file.read_text())
    assert "'date'" not in file.read_text() or file.name in ("form.html", "record_fields.html")


def test_pages_have_date_fields_and_all_are_drawn_by_one_macro() -> None:
    named = {name for file in TEMPLATES for name in CALL.findall(file.read_text())}
    assert {"birth_date", "certificate_issued_on", "received_on", "since", "on", "against"} <= named
    drawn = [file.name for file in TEMPLATES if "data-date" in file.read_text()]
    assert drawn == ["field.html"]


@pytest.mark.parametrize("text", WRITTEN)
def test_forms_records_and_filters_read_it(text: str) -> None:
    assert FORM_FIELDS
    for name, form, field in FORM_FIELDS:
        refused: dict[str, Any] = {}
        try:
            forms.clean(form, {field.key: text})
        except InvalidInput as error:  # of other fields, which are not filled in
            refused = error.fields
        assert field.key not in refused, name
    days = [
        f
        for fields in (PERSON_FIELDS, CLASS_FIELDS, PLAN_FIELDS, UNIT_FIELDS)
        for f in fields.fields
        if f.kind is FieldKind.DATE
    ]
    assert days
    for field in days:
        entry = FormReader({field.input_name: text})
        assert entry.date(field.input_name) == MEANT, field.key
    declared = {f.name: f for report in (*LISTS, *REPORTS) for f in report.filters if f.control is Control.DAY}
    assert {"since", "until"} <= declared.keys()


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date_is_told_at_its_field(text: str) -> None:
    entry = FormReader({"on": text})
    entry.date("on")
    with pytest.raises(InvalidInput) as refused:
        entry.check()
    assert refused.value.fields.keys() == {"on"}
