"""A certificate belongs to one human being (R77): locked fields at every door, and the act that corrects them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.domain.persons.corrections import LOCKED
from service.domain.persons.person_fields import IDENTITY, PERSON_FIELDS
from service.errors import Conflict, InvalidInput, NotAllowed, NotFound
from service.models.db.clock import today
from service.models.db.encryption import blind_index
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, NumberOwner
from service.models.tables.persons.identity_correction import CorrectionFile, IdentityCorrection
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import JournalRow, Task
from service.models.tables.system.audit import AuditEvent
from service.validation.record_fields import Place
from service.workflow.certificates import certificates
from service.workflow.persons import corrections, transfers
from service.workflow.persons.person_records import deregister_person, save_and_submit, save_person
from service.workflow.runtime import jobs, tasks
from tests.api.test_pages_person_import import book, cells, upload
from tests.api.v1_world import Machine, give_password
from tests.builders.stage import (
    Stage,
    at_nine,
    certificates_of,
    do,
    ended_at,
    enroll,
    known,
    make_stage,
    open_tasks,
    publish_class,
)
from tests.builders.world import (
    authority_user,
    identity_number,
    make_certificate,
    make_person,
    make_unit,
    make_user,
    portrait,
    sign_in,
    stored_values,
)

EVIDENCE = [("户口簿.jpg", portrait())]
FEMALE, MALE = 0, 1


def record(person: Person, **changed: str) -> dict[str, str]:
    """The form of a person as it is shown, with some fields typed otherwise."""
    kept = {
        "name": person.name,
        "id_type": person.id_type,
        "id_number": "",
        "birth_date": str(person.birth_date),
        "sex": person.sex,
        "phone": "",
        "qualification_type": "MANAGER_PROD",
        "post": "安全科长",
        "no_criminal_record": "true",
        "version": str(person.version),
    }
    return kept | changed


# Holder states: what stands on the identity.


def _certified(stage: Stage, clock: Any, person: Person) -> None:
    make_certificate(person)


def _issued(stage: Stage, clock: Any, person: Person) -> None:
    make_certificate(person, state="issued")


def _expired(stage: Stage, clock: Any, person: Person) -> None:
    make_certificate(person, today() - timedelta(days=30))


def _revoked(stage: Stage, clock: Any, person: Person) -> None:
    certificates.revoke(stage.ministry, make_certificate(person).id, "责任事故")


def _enrolled(stage: Stage, clock: Any, person: Person) -> None:
    enroll(stage, publish_class(stage), person)


def _in_class(stage: Stage, clock: Any, person: Person) -> None:
    found = publish_class(stage)
    case = enroll(stage, found, person)
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    do(stage.association, case, "check_in")


HOLDERS: dict[str, Callable[[Stage, Any, Person], None]] = {
    "certified": _certified,
    "issued": _issued,
    "expired": _expired,
    "revoked": _revoked,
    "enrolled": _enrolled,
    "in class": _in_class,
}

# Fields: with a passport all five are typed by people (R18).
OTHER = {
    "name": "域测冒名者",
    "id_type": "hmt_permit",
    "id_number": "H98765432",
    "birth_date": "1977-07-07",
    "sex": "male",
}


def passport(stage: Stage) -> Person:
    return stage.person(number="H12345678", id_type="passport", birth_date=date(1980, 1, 1), sex="female")


def by_save(stage: Stage, client: FlaskClient, person: Person, changed: dict[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        save_person(known(stage.enterprise), person.id, record(person, **changed))
    return {field: str(message) for field, message in refused.value.fields.items()}


def by_submission(stage: Stage, client: FlaskClient, person: Person, changed: dict[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        save_and_submit(known(stage.enterprise), person.id, record(person, **changed))
    return {field: str(message) for field, message in refused.value.fields.items()}


def by_page(stage: Stage, client: FlaskClient, person: Person, changed: dict[str, str]) -> dict[str, str]:
    answer = sign_in(client, stage.enterprise).post(f"/persons/{person.id}", data=record(person, **changed))
    assert answer.status_code == 422
    return {field: answer.text for field in LOCKED if f'id="{field}-wrong"' in answer.text}


def by_rest(stage: Stage, client: FlaskClient, person: Person, changed: dict[str, str]) -> dict[str, str]:
    give_password()
    answer = Machine(client, stage.enterprise).patch(f"/persons/{person.id}", changed)
    assert answer.status_code == 422, answer.text
    return dict(answer.json["errors"])


DOORS: dict[str, Callable[[Stage, FlaskClient, Person, dict[str, str]], dict[str, str]]] = {
    "save": by_save,
    "submit": by_submission,
    "page": by_page,
    "rest": by_rest,
}


def test_the_locked_fields_are_those_of_the_identity_on_the_form() -> None:
    identity = {f.input_name for f in PERSON_FIELDS.fields if f.section == IDENTITY and Place.FORM in f.places}
    assert set(LOCKED) == identity - {"phone"}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("holder", HOLDERS)
def test_every_locked_field_is_refused_at_every_door_for_every_holder(
    app: Any, clock: Any, client: FlaskClient, door: str, holder: str
) -> None:
    """../shared/cases/identity-swap-on-holder.json, for each field by itself and all at once."""
    stage = make_stage()
    person = passport(stage)
    HOLDERS[holder](stage, clock, person)
    before = (person.name, person.id_type, person.id_number_digest, person.birth_date, person.sex)
    for changed in [*({field: value} for field, value in OTHER.items()), OTHER]:
        person = session().get_one(Person, person.id, populate_existing=True)
        said = DOORS[door](stage, client, person, changed)
        assert set(said) == set(changed), changed
        assert all("更正身份" in text for text in said.values())
    person = session().get_one(Person, person.id, populate_existing=True)
    assert (person.name, person.id_type, person.id_number_digest, person.birth_date, person.sex) == before
    assert person.state == "approved"


@pytest.mark.parametrize("holder", HOLDERS)
def test_everything_else_of_a_holder_is_edited_as_before(app: Any, clock: Any, holder: str) -> None:
    stage = make_stage()
    person = passport(stage)
    HOLDERS[holder](stage, clock, person)
    person = session().get_one(Person, person.id, populate_existing=True)
    saved = save_person(known(stage.enterprise), person.id, record(person, post="总工程师", phone="13900001111"))
    assert (saved.post, saved.state) == ("总工程师", "pending")


def test_without_certificate_and_enrolment_the_identity_is_edited(app: Any, clock: Any) -> None:
    stage = make_stage()
    person = passport(stage)
    saved = save_person(known(stage.enterprise), person.id, record(person, **OTHER))
    assert (saved.name, saved.id_type, saved.sex) == ("域测冒名者", "hmt_permit", "male")


@pytest.mark.parametrize("door", ["page", "import", "rest"])
@pytest.mark.parametrize("field", ["name", "id_type", "birth_date", "sex"])
def test_who_is_entered_again_is_the_same_human_being(
    app: Any, clock: Any, client: FlaskClient, door: str, field: str
) -> None:
    """R17: the number of a deregistered holder with another name, birth or sex is refused at its field."""
    stage = make_stage()
    person = passport(stage)
    make_certificate(person)
    deregister_person(stage.province, person.id, "离职")
    same = record(person, id_number="H12345678") | {"version": ""}
    changed = same | {field: OTHER[field]}
    if door == "page":
        with pytest.raises(InvalidInput) as refused:
            save_person(known(stage.enterprise), None, changed)
        assert list(refused.value.fields) == [field]
    elif door == "rest":
        give_password()
        sent = {k: v for k, v in changed.items() if k not in ("version", "phone")} | {"no_criminal_record": True}
        answer = Machine(client, stage.enterprise).post("/persons", sent)
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    else:
        words = {"passport": "护照", "hmt_permit": "港澳台居民来往内地通行证", "female": "女", "male": "男"}
        row = {k: words.get(v, v) for k, v in changed.items() if k not in ("version", "no_criminal_record", "phone")}
        address = upload(sign_in(client, stage.enterprise), book([cells(1, **row)])).location
        assert "以前登记的身份与此不同" in client.get(address).text
    again = save_person(known(stage.enterprise), None, same)
    assert again.name == person.name


# The act.


def ask(stage: Stage, person: Person, user: User | None = None, **changed: str) -> IdentityCorrection:
    raw = {"kind": "typing", "statement": "录入时错一字，见户口簿。"} | record(person, **changed)
    return corrections.request_correction(known(user or stage.enterprise), person.id, raw, EVIDENCE)


def now(row: IdentityCorrection) -> IdentityCorrection:
    return session().get_one(IdentityCorrection, row.id, populate_existing=True)


def own(certificate: Certificate, person: Person) -> None:
    with transaction(Operation("test")) as current:
        current.add(NumberOwner(number=certificate.number, owner=person.id_number_digest))


def decide(stage: Stage, row: IdentityCorrection) -> None:
    assert row.case_id
    assert open_tasks(row.case_id) == ["approve_correction"]
    do(stage.province, row.case_id, "approve_correction", decision="approve")
    assert open_tasks(row.case_id) == ["assent_identity"]
    do(stage.association, row.case_id, "assent_identity", decision="assent")
    assert ended_at(row.case_id) == "corrected"


def test_R77_a_correction_is_approved_assented_and_applied(app: Any, clock: Any) -> None:
    """The number follows its owner, the paper gets a new edition, the history says it."""
    stage = make_stage()
    person = stage.person(number=identity_number(1))
    held = make_certificate(person, printed_count=1)
    own(held, person)
    row = ask(stage, person, name="陈戊臣", id_number=identity_number(2))
    assert person.name != "陈戊臣"
    decide(stage, row)
    person = session().get_one(Person, person.id, populate_existing=True)
    assert (person.name, person.id_number, person.state) == ("陈戊臣", identity_number(2), "approved")
    assert session().get_one(NumberOwner, held.number).owner == blind_index(identity_number(2))
    old, new = certificates_of(person)
    assert (old.state, new.state, new.approval, new.number) == ("superseded", "valid", "approved", held.number)
    assert (new.printed_count, new.valid_to, new.verify_token != old.verify_token) == (0, held.valid_to, True)
    assert (now(row).state, now(row).assented_by) == ("applied", stage.association.id)


@pytest.mark.parametrize(("kind", "changed", "field"), [
    ("typing", {}, "kind"),
    ("name", {"name": "陈戊臣", "id_number": identity_number(2)}, "kind"),
    ("document", {"name": "陈戊臣"}, "kind"),
    ("", {"name": "陈戊臣"}, "kind"),
    ("typing", {"name": "1"}, "name"),
    ("typing", {"id_number": "123"}, "id_number"),
    ("typing", {"name": "陈戊臣", "statement": ""}, "statement"),
])  # fmt: skip
def test_each_wrong_input_is_told_at_its_field(
    app: Any, clock: Any, kind: str, changed: dict[str, str], field: str
) -> None:
    stage = make_stage()
    person = stage.person()
    make_certificate(person)
    with pytest.raises(InvalidInput) as refused:
        ask(stage, person, **({"kind": kind} | changed))
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize(
    "files", [[], [("a.exe", b"MZ")], [("a.pdf", b"nothing")], EVIDENCE * 6], ids=["none", "kind", "content", "many"]
)
def test_evidence_is_required_and_looked_at(app: Any, clock: Any, files: Any) -> None:
    stage = make_stage()
    person = stage.person()
    make_certificate(person)
    raw = {"kind": "name", "statement": "更名"} | record(person, name="陈戊臣")
    with pytest.raises(InvalidInput) as refused:
        corrections.request_correction(stage.enterprise, person.id, raw, files)
    assert list(refused.value.fields) == ["files"]


def test_the_number_of_another_human_being_is_refused(app: Any, clock: Any) -> None:
    """Of a living person at the request and at the assent, and of the owner of another certificate."""
    stage = make_stage()
    person, other = stage.person(), stage.person(number=identity_number(77))
    make_certificate(person)
    with pytest.raises(InvalidInput) as refused:
        ask(stage, person, id_number=identity_number(77))
    assert list(refused.value.fields) == ["id_number"]
    with transaction(Operation("test")) as current:
        current.add(NumberOwner(number="37201900001", owner=blind_index(identity_number(78))))
    with pytest.raises(InvalidInput):
        ask(stage, session().get_one(Person, person.id, populate_existing=True), id_number=identity_number(78))
    row = ask(stage, session().get_one(Person, person.id, populate_existing=True), id_number=identity_number(79))
    make_person(make_unit(), number=identity_number(79))
    assert row.case_id
    do(stage.province, row.case_id, "approve_correction", decision="approve")
    with pytest.raises(InvalidInput) as late:
        do(stage.association, row.case_id, "assent_identity", decision="assent")
    assert list(late.value.fields) == ["decision"]
    assert other.id != person.id


def test_who_may_not_ask(app: Any, clock: Any) -> None:
    stage = make_stage()
    person = stage.person()
    with pytest.raises(Conflict):  # nothing stands on it: it is edited
        ask(stage, person, name="陈戊臣")
    make_certificate(person)
    person = session().get_one(Person, person.id, populate_existing=True)
    foreign = known(make_user("enterprise", make_unit().id))
    for user in (stage.province, stage.association, stage.institution, stage.ministry, foreign):
        with pytest.raises((NotAllowed, NotFound)):
            ask(stage, person, user, name="陈戊臣")
    ask(stage, session().get_one(Person, person.id, populate_existing=True), name="陈戊臣")
    with pytest.raises(Conflict):  # one at a time
        ask(stage, session().get_one(Person, person.id, populate_existing=True), name="陈戊辰")


def test_an_academys_correction_is_assented_by_a_second_member_of_the_association(app: Any, clock: Any) -> None:
    stage = make_stage()
    person = make_person(make_unit("academy", "11", credit_code=None))
    make_certificate(person)
    row = ask(stage, person, stage.association, name="陈戊臣")
    assert row.case_id
    assert open_tasks(row.case_id) == ["assent_identity"]
    with pytest.raises(NotAllowed):
        do(stage.association, row.case_id, "assent_identity", decision="assent")
    do(stage.colleague, row.case_id, "assent_identity", decision="assent")
    assert session().get_one(Person, person.id, populate_existing=True).name == "陈戊臣"


@pytest.mark.parametrize("at", ["approve_correction", "assent_identity"])
def test_refused_withdrawn_or_lapsed_at_each_task_nothing_changes(app: Any, clock: Any, at: str) -> None:
    """R80"""
    for end in ("refuse", "withdraw", "deregister"):
        stage = make_stage()
        person = stage.person()
        make_certificate(person, printed_count=1)
        row, name = ask(stage, person, name="陈戊臣"), person.name
        assert row.case_id
        if at == "assent_identity":
            do(stage.province, row.case_id, "approve_correction", decision="approve")
        user = stage.province if at == "approve_correction" else stage.association
        if end == "refuse":
            with pytest.raises(InvalidInput) as empty:
                do(user, row.case_id, at, decision="refuse", reason="")
            assert list(empty.value.fields) == ["reason"]
            do(known(user), row.case_id, at, decision="refuse", reason="材料不全")
        elif end == "withdraw":
            corrections.withdraw_correction(known(stage.enterprise), row.id)
        else:
            deregister_person(known(stage.province), person.id, "离职")
            jobs.run_all()
        assert open_tasks(row.case_id) == []
        assert now(row).state == {"refuse": "refused", "withdraw": "withdrawn", "deregister": "lapsed"}[end]
        assert session().get_one(Person, person.id, populate_existing=True).name == name
        assert len(certificates_of(person)) == 1
        with pytest.raises(Conflict):
            corrections.withdraw_correction(known(stage.enterprise), row.id)


def test_a_printed_certificate_that_awaits_approval_is_settled_first(app: Any, clock: Any) -> None:
    """R79: the paper and the ledger would differ."""
    stage = make_stage()
    person = stage.person()
    make_certificate(person, state="issued", printed_count=1)
    row = ask(stage, person, name="陈戊臣")
    assert row.case_id
    do(stage.province, row.case_id, "approve_correction", decision="approve")
    with pytest.raises(Conflict):
        do(stage.association, row.case_id, "assent_identity", decision="assent")


def test_what_is_not_on_paper_needs_no_new_edition(app: Any, clock: Any) -> None:
    stage = make_stage()
    person = passport(stage)
    make_certificate(person)
    decide(stage, ask(stage, person, name="陈戊臣"))
    assert [c.state for c in certificates_of(person)] == ["valid"]


def test_the_open_task_moves_with_the_person(app: Any, clock: Any) -> None:
    """R42"""
    stage = make_stage()
    person = stage.person()
    make_certificate(person)
    row = ask(stage, person, name="陈戊臣")
    there = make_unit("enterprise", "41")
    transfers.transfer_person(stage.association, person.id, there.id)
    [task] = session().scalars(select(Task).where(Task.case_id == row.case_id, Task.state == "open"))
    assert task.organisation_id == there.authority_id
    tasks.complete(known(stage.other_province), task.id, {"decision": "approve"})


def test_a_number_that_belongs_to_another_identity_does_not_go_on(app: Any, clock: Any) -> None:
    """§1.4: the owner is compared at renewal and reissue."""
    from service.workflow.certificates import reissues

    stage = make_stage()
    person = stage.person()
    held = make_certificate(person, printed_count=1)
    with transaction(Operation("test")) as current:
        current.add(NumberOwner(number=held.number, owner=b"somebody else"))
    with pytest.raises(Conflict) as refused:
        reissues.request_reissue(stage.enterprise, held.id, "搬迁时遗失，已登报声明作废。")
    assert "更正身份" in str(refused.value)


def test_evidence_and_numbers_are_sealed_and_not_in_the_journal(app: Any, clock: Any) -> None:
    stage = make_stage()
    person = stage.person()
    make_certificate(person)
    number = identity_number(2)
    row = ask(stage, person, id_number=number)
    for column in (IdentityCorrection.id_number, IdentityCorrection.former_number, CorrectionFile.content):
        assert all(number.encode() not in value and EVIDENCE[0][1] not in value for value in stored_values(column))
    told = str(session().scalars(select(JournalRow.record).where(JournalRow.case_id == row.case_id)).all())
    assert number not in told


def test_the_pages_ask_show_side_by_side_and_decide(app: Any, clock: Any, client: FlaskClient) -> None:
    import io

    stage = make_stage()
    person = stage.person(number=identity_number(1))
    make_certificate(person)
    desk = sign_in(client, stage.enterprise)
    assert f"/persons/{person.id}/corrections" in desk.get(f"/persons/{person.id}").text
    assert "身份信息已锁定" in desk.get(f"/persons/{person.id}/edit").text
    page = f"/persons/{person.id}/corrections"
    assert "证明材料" in desk.get(page).text
    form = {"kind": "typing", "statement": "错一字", "name": "陈戊臣", "id_type": "resident_id"}
    form |= {"id_number": identity_number(2), "form_id": "01890000-0000-7000-8000-000000000001"}
    refused = desk.post(page, data=form)
    assert refused.status_code == 422
    assert 'id="files-wrong"' in refused.text
    sent = form | {"files": (io.BytesIO(EVIDENCE[0][1]), "户口簿.jpg")}
    assert desk.post(page, data=sent, content_type="multipart/form-data").status_code == 302
    row = session().scalars(select(IdentityCorrection)).one()
    office = sign_in(app.test_client(), stage.province)
    [task] = session().scalars(select(Task).where(Task.case_id == row.case_id))
    shown = office.get(f"/tasks/{task.id}").text
    assert "陈戊臣" in shown
    assert "户口簿.jpg" in shown
    assert identity_number(2) not in shown
    revealed = office.post(f"/corrections/{row.id}/numbers").text
    assert identity_number(1) in revealed
    assert identity_number(2) in revealed
    assert session().scalars(select(AuditEvent).where(AuditEvent.action == "reveal_number")).one()
    [kept] = CorrectionFile.of(row.id)
    got = office.get(f"/corrections/{row.id}/files/{kept.id}")
    assert got.data == EVIDENCE[0][1]
    assert got.headers["Content-Disposition"].startswith("attachment")
    foreign = sign_in(app.test_client(), authority_user(code="42"))
    for address in (page, f"/corrections/{row.id}/files/{kept.id}"):
        assert foreign.get(address).status_code == 404
    assert office.post(f"/corrections/{row.id}/withdraw").status_code == 404
    assert desk.post(f"/corrections/{row.id}/withdraw", data={"asked": "1"}).status_code == 302
    assert "已撤回" in desk.get(page).text
    assert UUID(str(row.id))
