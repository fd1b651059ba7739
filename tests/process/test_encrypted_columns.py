"""Encrypted columns: what is stored, what is decrypted and when, and what the row history tells of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from service.config import settings
from service.models.db import encryption
from service.models.db.encryption import blind_index, decrypt
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.persons.person import Person, Photo
from service.models.tables.system.audit import RowChange
from tests.builders.world import make_person, make_photo, make_unit, stored_values

SERVICE = Path(encryption.__file__).parents[2]
CALL = re.compile(r"\b(encrypt|decrypt|can_decrypt)\(")
CALLERS = {  # try the keys on values as they are stored
    "models/queries/system/backup.py",
    "migrations/versions/0014_personal_texts.py",
}


def test_columns_encrypt_for_everybody() -> None:
    files = {str(file.relative_to(SERVICE)): file.read_text() for file in SERVICE.rglob("*.py")}
    callers = {name for name, text in files.items() if CALL.search(text) and not name.startswith("models/db/")}
    assert callers == CALLERS


@pytest.fixture
def person(app: Any) -> Person:
    return make_person(make_unit(), number="370102198001010055")


def test_a_value_is_stored_with_its_key_and_read_in_the_clear(person: Person) -> None:
    (stored,) = stored_values(Person.id_number)
    assert stored.split(b"\0", 1)[0].decode() == settings().current_key
    assert b"370102198001010055" not in stored
    assert decrypt(stored) == b"370102198001010055"
    assert session().scalar(select(Person.id_number)) == "370102198001010055"


def test_mask_and_index_follow_the_value(person: Person) -> None:
    assert (person.id_number_masked, person.phone_masked) == ("370***********0055", "138****5678")
    assert person.id_number_digest == blind_index("370102198001010055")
    with transaction(Operation("test")):
        person.id_number, person.phone = "370102198001010063", ""
    assert (person.id_number_masked, person.phone, person.phone_masked) == ("370***********0063", None, None)
    assert person.id_number_digest == blind_index("370102198001010063")


def test_a_row_is_read_without_decrypting_until_it_is_asked(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    decrypted: list[bytes] = []
    monkeypatch.setattr(encryption, "decrypt", lambda value: decrypted.append(value) or decrypt(value))
    session().expunge_all()
    row = session().scalars(select(Person)).one()
    assert (row.name, row.phone_masked, decrypted) == (person.name, "138****5678", [])
    assert (row.phone, row.id_number) == ("13812345678", "370102198001010055")
    assert len(decrypted) == 2


def test_the_history_names_encrypted_values_by_reference_only(person: Person) -> None:
    photo = make_photo(person)
    session().expunge_all()
    with transaction(Operation("test")):
        session().get_one(Person, person.id).phone = "13900001111"
    with transaction(Operation("test")):
        session().get_one(Person, person.id).phone = "13900001111"  # the same again is no change
    first, _photo, last = RowChange.of(person.id)
    assert (first.after or {})["id_number_sealed"] == (first.after or {})["id_number_digest"] == "hidden"
    assert last.before == {"phone_sealed": "hidden", "phone_masked": "138****5678"}
    assert last.after == {"phone_sealed": "hidden", "phone_masked": "139****1111"}
    (kept,) = RowChange.of(photo.id)
    assert (kept.after or {})["sealed"] == "hidden"
    with transaction(Operation("test")):
        session().get_one(Person, person.id).photo_id = None
        session().delete(session().get_one(Photo, photo.id))
    assert "sealed" not in (RowChange.of(photo.id)[-1].before or {})
