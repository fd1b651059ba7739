"""No text deceives its reader, and none becomes a formula: controls, directions, unseen characters, spreadsheets (R71)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from itertools import cycle
from typing import Any
from xml.etree import ElementTree

from flask import Flask
from flask.testing import FlaskClient
from marshmallow import Schema
from marshmallow import fields as marshmallow_fields
from sqlalchemy import select

from service.domain.accounts.roles import Role
from service.infrastructure.xlsx import DANGEROUS
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import Organisation
from service.reports import LISTS, REPORTS
from service.validation.characters import is_storable
from service.validation.fields import Field
from tests.api.test_pages_fuzz import DECEIT
from tests.api.test_security_forgery import everybody
from tests.api.test_security_forgery import open_tasks as open_tasks
from tests.builders.world import sign_in

WRITTEN: dict[type[Any], tuple[str, ...]] = {
    Person: ("name", "title", "post", "legacy_number"),
    Organisation: ("name", "legal_rep", "contact", "address", "remarks"),
    TrainingClass: ("title", "place", "contact", "remarks"),
    User: ("display_name",),
    Ticket: ("subject",),
    Case: ("subject",),
    Task: ("subject", "unit_name", "summary"),
    Certificate: ("unit_name",),
    Reissue: ("statement",),
}
"""What people write and lists show; an attribute that a table does not have is passed over."""
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def schemas(kind: type[Schema] = Schema) -> Iterator[type[Schema]]:
    """Every schema of ``/api/v1``."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("service.api.v1"):
            yield one
        yield from schemas(one)


def test_every_text_of_v1_is_read_by_the_one_validation(app: Flask) -> None:
    """A member that a client sends is one of ours, whose rules are those of the pages; marshmallow's own know none."""
    found = [(schema, name, field) for schema in schemas() for name, field in schema._declared_fields.items()]
    ours = (Field, marshmallow_fields.Nested, marshmallow_fields.List, marshmallow_fields.Dict, marshmallow_fields.Raw)
    foreign = [
        f"{schema.__name__}.{name}"
        for schema, name, field in found
        if not field.dump_only and not isinstance(field, ours)
    ]
    assert len(found) > 100
    assert not foreign


def test_the_characters_that_deceive_are_those_that_no_text_holds() -> None:
    for point in [*range(0x250), *range(0x2000, 0x2070), 0xD800, 0xDFFF, 0xFEFF]:
        one = chr(point)
        if DECEIT.search(one) or 0xD800 <= point <= 0xDFFF:
            assert not is_storable(f"甲{one}乙"), hex(point)


def test_no_text_of_any_export_is_a_formula(app: Flask, open_tasks: dict[str, Task], client: FlaskClient) -> None:
    """Every list and report as each role that may export it, of rows whose every written text begins one (R71)."""
    assert open_tasks
    _write_formulas()
    seen: dict[str, int] = {}
    class_id = session().scalar(select(TrainingClass.id).where(TrainingClass.state != "draft"))
    tried: set[str] = set()
    for user in everybody():
        sign_in(client, user)
        for report in (*REPORTS, *LISTS):
            if Role(user.role) in report.roles and report.name not in tried:
                answer = client.post(
                    f"/exports/new/{report.name}?class={class_id}", data={"purpose": "核对"}, follow_redirects=True
                )
                if answer.mimetype.endswith("spreadsheetml.sheet"):
                    tried.add(report.name)
                    seen[report.name] = _count_neutral(answer.data, report.name)
    assert len(tried) > 30, sorted({report.name for report in (*REPORTS, *LISTS)} - tried)
    assert sum(count > 0 for count in seen.values()) > 12, seen


def _write_formulas() -> None:
    begins = cycle(DANGEROUS[:4] + DANGEROUS[6:])
    with transaction(Operation("test")) as current:
        for model, names in WRITTEN.items():
            for n, row in enumerate(current.scalars(select(model))):
                for name in names:
                    if isinstance(getattr(row, name, None), str):
                        setattr(row, name, f"{next(begins)}1+1+cmd甲乙{n}")


def _count_neutral(content: bytes, name: str) -> int:
    """How many texts were made harmless; none is a formula."""
    neutral = 0
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        for part in (part for part in package.namelist() if re.search(r"worksheets/|sharedStrings", part)):
            tree = ElementTree.fromstring(package.read(part))
            assert not tree.findall(f".//{SHEET}f"), (name, part)
            for text in tree.iter(f"{SHEET}t"):
                assert not (text.text or "").startswith(DANGEROUS), (name, text.text)
                neutral += (text.text or "").startswith("'")
    return neutral
