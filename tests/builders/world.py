"""Plain rows for tests of pages: units, users, persons, classes, certificates. No process runs here."""

from __future__ import annotations

import io
import itertools
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from service.domain.accounts.privacy import VERSION
from service.domain.certificates.certificate_number import issue
from service.domain.persons.identity import check_character
from service.domain.units.credit_code import check_character as credit_check
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person, Photo, QualificationType
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import Organisation, authority_id
from service.workflow.accounts import sessions

_serial = itertools.count(1)
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈", "甲乙丙丁戊己庚辛壬癸"


def number_from_one() -> None:
    """Begin the serial numbers of names and identities again, so that no test depends on those that ran before."""
    global _serial
    _serial = itertools.count(1)


def make_unit(kind: str = "enterprise", province: str = "37", name: str = "", **more: Any) -> Organisation:
    """A unit, complete unless told otherwise."""
    n = next(_serial)
    values: dict[str, Any] = {
        "kind": kind,
        "name": name or f"泺源民爆{n}号（示例）公司",
        "state": "complete",
        "authority_id": authority_id(province),
        "credit_code": credit_code(n),
        "business": "production",
        "legal_rep": "郑丁",
        "contact": "吴戊",
        "phone": "13800000000",
        "address": "济南市历下区",
        "names_history": [],
    } | more
    return _keep(Organisation(id=new_id(), **values))


def make_institution(name: str = "泉城安全培训中心（示例）") -> Organisation:
    return _keep(Organisation(id=new_id(), kind="training_institution", name=name, names_history=[]))


def make_user(role: str, organisation_id: UUID, **more: Any) -> User:
    """An account that has changed its first password; it signs in by ``sign_in`` below."""
    n = next(_serial)
    values = {
        "login": f"user-{n}",
        "display_name": "张甲子",
        "password_hash": "x",
        "must_change": False,
        "privacy_version": VERSION,
    } | more
    return _keep(User(id=new_id(), role=role, organisation_id=organisation_id, **values))


def authority_user(role: str = "provincial_authority", code: str = "37") -> User:
    """A user of a province (code), the ministry or the association."""
    return make_user(role, authority_id(code if role == "provincial_authority" else role))


def sign_in(client: FlaskClient, user: User, **choices: str) -> FlaskClient:
    """Put the user into the client's session, without the slow password check."""
    with client.session_transaction() as kept:
        kept.update({"key": begin_session(user), **choices})
    return client


def begin_session(user: User) -> str:
    """Begin a session of the user; returns its key."""
    with transaction(Operation("test")):
        return sessions.begin(user, sessions.Origin("10.0.0.1", "Chrome 126 · Windows"))


def qualification(code: str = "MANAGER_PROD") -> QualificationType:
    return session().scalars(select(QualificationType).where(QualificationType.code == code)).one()


def make_person(unit: Organisation, name: str = "", state: str = "approved", **more: Any) -> Person:
    n = next(_serial)
    number = more.pop("number", "") or identity_number(n)
    values: dict[str, Any] = {
        "name": name or SURNAMES[n % 10] + GIVEN[n // 10 % 10] + GIVEN[n // 100 % 10],
        "id_type": "resident_id",
        "id_number": number,
        "sex": "female",
        "birth_date": date(1980, 1, 1),
        "unit_id": unit.id,
        "qualification_type_id": qualification().id,
        "phone": "13812345678",
        "no_criminal_record": True,
        "state": state,
    } | more
    return _keep(Person(id=new_id(), **values))


def make_photo(person: Person) -> Photo:
    row = _keep(Photo(id=new_id(), jpeg=portrait(), width=295, height=413))
    with transaction(Operation("test")):
        session().get_one(Person, person.id).photo_id = row.id
    return row


def make_certificate(person: Person, valid_to: date | None = None, state: str = "valid", **more: Any) -> Certificate:
    n = next(_serial)
    until = valid_to or today() + timedelta(days=700)
    issued = date(until.year - 3, until.month, 1)
    values: dict[str, Any] = {
        "number": issue("37", issued.year, n),
        "person_id": person.id,
        "qualification_type_id": person.qualification_type_id,
        "first_issued_on": issued,
        "issued_on": issued,
        "valid_to": until,
        "state": state,
        "approval": "pending" if state == "issued" else "approved",
        "unit_name": "泺源民爆（示例）公司",
    } | more
    return _keep(Certificate(id=new_id(), **values))


def make_class(
    kind: str = "renewal", organiser: UUID | None = None, institution: Organisation | None = None, **more: Any
) -> TrainingClass:
    n = next(_serial)
    day = today()
    values: dict[str, Any] = {
        "code": f"37-HZ-2026-{n:02d}",
        "title": f"2026年第{n}期换证班（济南）",
        "kind": kind,
        "place": "济南",
        "organiser_id": organiser or authority_id("37"),
        "institution_id": (institution or make_institution(f"培训中心{n}（示例）")).id,
        "enrol_from": day - timedelta(days=5),
        "enrol_until": day + timedelta(days=5),
        "starts_on": day + timedelta(days=10),
        "ends_on": day + timedelta(days=12),
        "hours": 16,
        "capacity": 100,
        "state": "enrolling",
        "qualification_types": ["PRINCIPAL_PROD", "PRINCIPAL_SALE", "MANAGER_PROD", "MANAGER_SALE"],
    } | more
    values.setdefault("enrolment_closed", values["state"] not in ("draft", "enrolling"))
    return _keep(TrainingClass(id=new_id(), **values))


def identity_number(serial: int, birth: str = "19800101", region: str = "370000") -> str:
    """A valid number of nobody: region ``xx0000`` belongs to no living person."""
    digits = f"{region}{birth}{serial % 500 * 2:03d}"
    return digits + check_character(digits)


def credit_code(serial: int) -> str:
    first = f"91370000MA{serial:07d}"
    return first + credit_check(first)


def portrait(width: int = 295, height: int = 413, kind: str = "JPEG", noise: bool = True) -> bytes:
    """A drawn picture of the asked size, large enough in bytes to pass as a photo."""
    picture = (
        Image.effect_noise((width, height), 60).convert("RGB") if noise else Image.new("RGB", (width, height), "#ccd")
    )
    ImageDraw.Draw(picture).ellipse((width // 3, height // 4, 2 * width // 3, height // 2), fill="#9fb0bb")
    out = io.BytesIO()
    picture.save(out, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return out.getvalue()


def _keep(row: Any) -> Any:
    with transaction(Operation("test")) as current:
        current.add(row)
    return row


def fresh(row: Any) -> Any:
    """The row as it now stands in the database."""
    session().expire_all()
    return session().get_one(type(row), row.id)


def stored_values(column: InstrumentedAttribute[Any]) -> list[bytes]:
    """What the database holds of an encrypted column."""
    return list(session().scalars(select(type_coerce(column, LargeBinary)).where(column.is_not(None))))
