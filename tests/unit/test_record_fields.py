"""Records declare their fields once; what stands beside the declarations must agree with them."""

from __future__ import annotations

import json

import pytest

from service.config import CHECKOUT
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.training.class_fields import CLASS_FIELDS
from service.domain.training.plan_fields import PLAN_FIELDS
from service.domain.units.unit_fields import UNIT_FIELDS
from service.models.tables.persons.person import Person
from service.models.tables.training.training import TrainingClass, TrainingPlan
from service.models.tables.units.organisation import Organisation
from service.validation.record_fields import FieldKind, Place, RecordField, write_value

RECORDS = {
    "person": (PERSON_FIELDS, Person),
    "unit": (UNIT_FIELDS, Organisation),
    "class": (CLASS_FIELDS, TrainingClass),
    "plan": (PLAN_FIELDS, TrainingPlan),
}


@pytest.mark.parametrize("name", RECORDS)
def test_every_declared_field_is_a_column_that_is_long_enough(name: str) -> None:
    fields, table = RECORDS[name]
    columns = table.__table__.columns
    for one in fields.fields:
        assert one.key in columns, one.key
        length = getattr(columns[one.key].type, "length", None)
        if one.kind in (FieldKind.TEXT, FieldKind.LINES) and one.max_length and length and not one.has_rule:
            assert one.max_length <= length, one.key


@pytest.mark.parametrize("name", RECORDS)
def test_names_and_keys_are_told_apart(name: str) -> None:
    fields, _table = RECORDS[name]
    assert len({one.key for one in fields.fields}) == len(fields.fields)
    assert len({one.input_name for one in fields.fields}) == len(fields.fields)


def test_the_form_of_a_draft_asks_for_the_declared_fields() -> None:
    form = json.loads((CHECKOUT / "forms" / "draft_class.form").read_text())
    asked = {one["key"]: one for one in form["components"] if one["key"] != "decision"}
    assert list(asked) == [one.key for one in CLASS_FIELDS.at(Place.FORM)]
    for one in CLASS_FIELDS.at(Place.FORM):
        limits = asked[one.key].get("validate") or {}
        assert asked[one.key]["label"] == one.label
        if one.max_length:
            assert limits["maxLength"] == one.max_length
        if one.kind is FieldKind.INTEGER:
            assert (limits["min"], limits["max"]) == (one.minimum, one.maximum)


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        (FieldKind.TEXT, None, "—"),
        (FieldKind.TEXT, "本科", "本科"),
        (FieldKind.BOOLEAN, False, "否"),
        (FieldKind.BOOLEAN, True, "是"),
    ],
)
def test_a_paper_writes_values_as_people_read_them(kind: FieldKind, value: object, written: str) -> None:
    assert write_value(RecordField(key="x", label="x", kind=kind, places=frozenset()), value) == written
