"""What the system gives and what people type never collide (R78): numbers, codes, logins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import String, UniqueConstraint

from service.domain.certificates.certificate_number import issue
from service.errors import InvalidInput
from service.models.db.ids import new_id
from service.models.db.session import Base, session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import CertificateSerial, NumberOwner
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import administration
from service.workflow.notices.tickets import open_ticket
from service.workflow.persons.person_records import save_and_submit, save_person, submit_person
from service.workflow.system.settings import save_type
from service.workflow.units.units import create_unit
from tests.builders.stage import (
    Stage,
    at_nine,
    certificates_of,
    do,
    enroll,
    make_stage,
    open_tasks,
    publish_class,
)
from tests.builders.world import (
    credit_code,
    identity_number,
    make_certificate,
    make_class,
    make_person,
    make_unit,
    make_user,
)

OLDER = {"certificate_issued_on": "2025-06-01", "certificate_valid_to": "2028-05-31"}  # ../shared/cases, legacy-number


def own(serial: int, year: int = 2026, province: str = "37") -> str:
    return issue(province, year, serial)


def take(*numbers: str) -> None:
    """Let these numbers be somebody's already, as an older record typed before the rule may have them."""
    with transaction(Operation("test")) as current:
        current.add_all(NumberOwner(number=number, owner=b"somebody else") for number in numbers)


def entry(serial: int, **more: Any) -> dict[str, Any]:
    return {
        "name": "陈戊辰",
        "id_type": "resident_id",
        "id_number": identity_number(serial),
        "phone": "13812345678",
        "qualification_type": "MANAGER_PROD",
        "post": "安全科长",
        "no_criminal_record": "true",
    } | more


def certify(stage: Stage, clock: Any, person: Person, **enrolled: Any) -> str:
    """Lead a person to a first certificate; returns its number."""
    found = publish_class(stage)
    case = enroll(stage, found, person, **enrolled)
    if "confirm_enrollment" in open_tasks(case):
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    do(stage.association, case, "check_in")
    do(stage.institution, case, "record_score", score="83")
    do(stage.association, case, "confirm_score", decision="confirm")
    return certificates_of(person)[0].number


# Given: the next one is taken beforehand, then the system gives it.


def given_to_a_unit(stage: Stage, clock: Any) -> tuple[str, set[str]]:
    taken = {own(1), own(2), own(4)}
    take(*taken)
    return certify(stage, clock, stage.person()), taken


def given_to_an_academy(stage: Stage, clock: Any) -> tuple[str, set[str]]:
    taken = {own(1, province="00")}
    take(*taken)
    person = make_person(make_unit("academy", "11", credit_code=None))
    return certify(stage, clock, person, user=stage.association, via="association"), taken


def given_beside_a_ledger_without_owner(stage: Stage, clock: Any) -> tuple[str, set[str]]:
    held = make_certificate(stage.person(), number=own(1))
    return certify(stage, clock, stage.person()), {held.number}


def given_to_a_class(stage: Stage, clock: Any) -> tuple[str, set[str]]:
    codes = {"2026QZ00-001", "2026QZ00-999", "2026QZ00-1000", "2026QZ00-X"}
    for code in codes:
        make_class("initial", authority_id("association"), stage.centre, code=code)
    return publish_class(stage).code, codes


def given_to_a_ticket(stage: Stage, clock: Any) -> tuple[str, set[str]]:
    taken = {"KF2026000001", "KF2026000002"}
    with transaction(Operation("test")) as current:
        for number in taken:
            home = stage.enterprise.organisation_id
            more = {"body": "x", "requester_id": stage.enterprise.id, "organisation_id": home}
            current.add(Ticket(id=new_id(), number=number, kind="technical", subject="x", **more))
    asked = {"kind": "technical", "subject": "打不开页面", "body": "点不动。"}
    return open_ticket(stage.enterprise, asked).number, taken


GIVEN: dict[str, list[Callable[[Stage, Any], tuple[str, set[str]]]]] = {
    "certificate.number": [given_to_a_unit, given_to_an_academy, given_beside_a_ledger_without_owner],
    "certificate_number_owner.number": [given_to_a_unit],
    "training_class.code": [given_to_a_class],
    "ticket.number": [given_to_a_ticket],
}


@pytest.mark.parametrize("give", [give for gives in GIVEN.values() for give in gives])
def test_R78_the_next_one_is_taken_and_the_system_gives_another(app: Any, clock: Any, give: Any) -> None:
    new, taken = give(make_stage(), clock)
    assert new
    assert new not in taken


def test_R78_after_a_taken_serial_the_next_follow_in_turn(app: Any, clock: Any) -> None:
    stage = make_stage()
    take(own(1), own(3))
    found = [certify(stage, clock, stage.person()) for _ in range(2)]
    assert found == [own(2), own(4)]
    assert CertificateSerial.last_of("37", 2026) == 4


def test_a_class_code_follows_the_greatest_serial_not_the_last_in_the_alphabet(app: Any, clock: Any) -> None:
    stage = make_stage()
    assert given_to_a_class(stage, clock)[0] == "2026QZ00-1001"
    assert publish_class(stage).code == "2026QZ00-1002"


# Typed: what is taken is refused at its field, also when another was quicker by a moment.


def typed_login(stage: Stage) -> str:
    administration.create_user(
        stage.province,
        login=stage.enterprise.login,
        display_name="王五",
        role="enterprise",
        organisation_id=stage.unit.id,
    )
    return "login"


def typed_credit_code(stage: Stage) -> str:
    create_unit(stage.province, {"kind": "enterprise", "name": "新单位公司", "credit_code": stage.unit.credit_code})
    return "credit_code"


def typed_unit_name(stage: Stage) -> str:
    create_unit(stage.province, {"kind": "enterprise", "name": stage.unit.name, "credit_code": credit_code(900)})
    return "name"


def typed_type_code(stage: Stage) -> str:
    hours = {"initial_hours": "48", "refresher_hours": "16", "renewal_hours": "16", "pass_mark": "60"}
    clerk = make_user("sys_admin", authority_id("platform"))
    save_type(clerk, {"code": "MANAGER_PROD", "name": "又一种", "active": "true", **hours})
    return "code"


def typed_identity_number(stage: Stage) -> str:
    make_person(stage.unit, number=identity_number(77))
    save_person(stage.enterprise, None, entry(77))
    return "id_number"


TYPED: dict[str, tuple[Callable[[Stage], str], str]] = {
    "user_account.login": (typed_login, "login"),
    "organisation.credit_code": (typed_credit_code, "credit_code"),
    "organisation.folded_name": (typed_unit_name, "name"),
    "qualification_type.code": (typed_type_code, "code"),
    "person.id_number_digest": (typed_identity_number, "id_number"),
}
INTERNAL = {
    "account_session.key_digest": "random",
    "certificate.verify_token": "random",
    "definition_version.digest": "of the contents",
    "seal_leaf.kind": "of the table whose row is sealed",
    "seal_leaf.key": "of the row that is sealed",
    "definition_version.key": "of a diagram, numbered under its lock",
    "mail.key": "derived from what is told",
    "form_draft.form_digest": "of the address of a form",
    "process_draft.key": "of a process, whose one draft it is",
    "organisation.code": "of an authority, in the reference data",
    "setting.key": "declared in the domain",
}


@pytest.mark.parametrize("kind", TYPED)
@pytest.mark.parametrize("quick", [False, True], ids=["known", "at the same instant"])
def test_R78_what_is_typed_and_taken_is_refused_at_its_field(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch, kind: str, quick: bool
) -> None:
    stage = make_stage()
    door, field = TYPED[kind]
    if quick:  # the look before the write sees nothing: the index decides
        monkeypatch.setattr(User, "by_login", staticmethod(lambda _login: None))
        monkeypatch.setattr("service.workflow.persons.person_records._refuse_duplicate", lambda *_: None)
    with pytest.raises(InvalidInput) as refused:
        door(stage)
    assert list(refused.value.fields) == [field]


def test_every_unique_text_of_the_tables_is_given_typed_or_internal() -> None:
    """A new number, code or login must say here who gives it, and have its test."""
    found = set()
    for table in Base.metadata.tables.values():
        unique = [index.columns for index in table.indexes if index.unique]
        unique += [c.columns for c in table.constraints if isinstance(c, UniqueConstraint)]
        keys = [table.primary_key.columns] if len(table.primary_key.columns) == 1 else []
        for columns in [*unique, *keys]:
            for column in columns:
                is_text = isinstance(column.type, String) or column.name.endswith("digest")
                if is_text and not column.foreign_keys:
                    found.add(f"{table.name}.{column.name}")
    found.add("user_account.login")  # its index is over lower(login)
    assert found == GIVEN.keys() | TYPED.keys() | INTERNAL.keys()


# An older certificate's number of our own form.

REFUSED = {
    "of this year (legacy-number-blocks-province.json)": "37202600000011",
    "of next year": "37202700000016",
    "of another province": own(5, 2026, "11"),
    "of an academy": own(9, 2026, "00"),
    "written wide": "３７２０２６００００００１１",
}
TAKEN_AS_TYPED = {
    "another scheme: check digit": "37202600000012",
    "another scheme: no such province": "99" + "2026000000" + "15",
    "of 11 digits": "37202600001",
    "of a year before this system": own(7, 2019),
}


def doors(stage: Stage, number: str) -> dict[str, Callable[[], object]]:
    raw = entry(1, certificate_number=number, **OLDER)
    return {
        "save": lambda: save_person(stage.enterprise, None, raw),
        "submit": lambda: save_and_submit(stage.enterprise, None, raw),
        "edit": lambda: save_person(
            stage.enterprise, make_person(stage.unit, state="draft", number=identity_number(1)).id, raw
        ),
    }


@pytest.mark.parametrize("door", ["save", "submit", "edit"])
@pytest.mark.parametrize("number", REFUSED.values(), ids=REFUSED)
def test_R78_a_typed_number_of_ours_that_was_not_given_is_refused_at_its_field(
    app: Any, clock: Any, number: str, door: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        doors(make_stage(), number)[door]()
    assert list(refused.value.fields) == ["certificate_number"]
    assert "还没有发出" in str(refused.value.fields["certificate_number"])


@pytest.mark.parametrize("number", TAKEN_AS_TYPED.values(), ids=TAKEN_AS_TYPED)
def test_R78_a_number_of_older_schemes_is_taken_as_typed(app: Any, clock: Any, number: str) -> None:
    stage = make_stage()
    person = save_and_submit(stage.enterprise, None, entry(1, certificate_number=number, **OLDER))
    do(stage.province, UUID(str(person.case_id)), "approve_person", decision="approve")
    assert [c.number for c in certificates_of(person)] == [number]


def test_R78_what_was_typed_before_the_rule_is_refused_at_the_approval_and_blocks_nobody(app: Any, clock: Any) -> None:
    """../shared/cases/legacy-number-blocks-province.json, the record as older versions of this system have kept it."""
    stage = make_stage()
    person = make_person(stage.unit, state="draft", legacy_number=own(1), legacy_valid_to=date(2028, 5, 31))
    submit_person(stage.enterprise, person.id)
    person = session().get_one(Person, person.id, populate_existing=True)
    with pytest.raises(InvalidInput) as refused:
        do(stage.province, UUID(str(person.case_id)), "approve_person", decision="approve")
    assert "还没有发出" in str(refused.value.fields["decision"])
    assert certify(stage, clock, stage.person()) == own(1)
    with pytest.raises(InvalidInput) as refused:
        do(stage.province, UUID(str(person.case_id)), "approve_person", decision="approve")
    assert "另一名人员" in str(refused.value.fields["decision"])
    do(stage.province, UUID(str(person.case_id)), "approve_person", decision="reject", reason="编号不实。")


def test_R78_the_holder_may_type_the_number_that_was_given_to_that_person(app: Any, clock: Any) -> None:
    """Entered again after a deregistration (R17); for anybody else the number is another person's."""
    stage = make_stage()
    holder = stage.person()
    number = certify(stage, clock, holder)
    other = entry(450, certificate_number=number, **OLDER)
    with pytest.raises(InvalidInput) as refused:
        save_person(stage.enterprise, None, other)
    assert "另一名人员" in str(refused.value.fields["certificate_number"])
    with transaction(Operation("test")):
        session().get_one(Person, holder.id).state = "deregistered"
    same = {"name": holder.name, "id_number": session().get_one(Person, holder.id).id_number}
    again = entry(1, **same, certificate_number=number, **OLDER)
    assert save_person(stage.enterprise, None, again).legacy_number == number
