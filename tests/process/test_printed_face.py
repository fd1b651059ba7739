"""The face that was printed is what counts (R61, R65, R66, R79, S65): an approval never alters it; another face is a new edition."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.domain.certificates.faces import FaceStyle
from service.errors import AnpeiError, Conflict
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.report_filter import ReportFilter
from service.models.tables.certificates.certificate import Certificate, PrintRecord, next_edition
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment
from service.models.tables.units.organisation import Organisation
from service.reports import class_papers
from service.workflow.certificates import certificates, electronic_certificates, printing
from service.workflow.persons.person_records import save_person, take_back_person
from service.workflow.persons.transfers import change_type, transfer_person
from service.workflow.runtime import history, jobs, tasks
from service.workflow.system.data_check import differences
from service.workflow.units.unit_changes import rename_unit
from tests.api.v1_world import Machine, give_password, told
from tests.builders.stage import (
    Stage,
    at_nine,
    do,
    ended_at,
    enroll,
    enrollment_of,
    known,
    make_stage,
    open_tasks,
    publish_class,
    task_of,
)
from tests.builders.world import fresh, identity_number, make_certificate, make_unit, portrait, qualification
from tests.process.test_identity_correction import ask, record

PRINT, APPROVE = "certification/print_certificate", "certification/approve_certificate"
ADDRESS = "https://example.org/verify/{}"


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_stage()


def certifying(stage: Stage, clock: Any, person: Person) -> UUID:
    """A renewal that is passed and confirmed, of somebody who holds a certificate."""
    make_certificate(person, date(2026, 10, 31))
    taught = publish_class(stage, "renewal")
    case = enroll(stage, taught, person)
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(taught.starts_on))
    do(stage.association, case, "check_in")
    do(stage.institution, case, "record_score", score="83.5")
    assert do(stage.association, case, "confirm_score", decision="confirm") == [APPROVE, PRINT]
    return case


def editions(person: Person) -> list[Certificate]:
    query = select(Certificate).where(Certificate.person_id == person.id).order_by(Certificate.edition)
    return list(session().scalars(query.execution_options(populate_existing=True)))


def made_in(person: Person, state: str = "issued") -> Certificate:
    return next(one for one in editions(person) if one.state == state)


def face(certificate: Certificate) -> tuple[UUID, str]:
    return certificate.qualification_type_id, certificate.unit_name


def of_record(person: Person) -> tuple[UUID, str]:
    query = select(Person.qualification_type_id, Organisation.name).join(
        Organisation, Organisation.id == Person.unit_id
    )
    row = session().execute(query.where(Person.id == person.id)).one()
    return row[0], row[1]


CHANGES: dict[str, Callable[[Stage, Person], object]] = {
    "type": lambda stage, person: change_type(stage.association, person.id, "PRINCIPAL_PROD"),
    "transfer": lambda stage, person: transfer_person(stage.association, person.id, make_unit().id),
    "rename": lambda stage, person: rename_unit(stage.province, person.unit_id, "泺源民爆（更名）公司"),
}
"""What changes the face of a certificate in the making (R79)."""


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_r79_a_printed_face_that_changes_is_called_back_and_printed_as_a_new_edition(
    stage: Stage, clock: Any, change: str
) -> None:
    """Nobody can approve the old face; the recovered one is void, the new one is printed and approved."""
    person = stage.person()
    case = certifying(stage, clock, person)
    printed = made_in(person)
    certificates.print_certificate(stage.association, printed.id)
    assert open_tasks(case) == [APPROVE]
    before = face(printed)
    CHANGES[change](stage, person)
    assert open_tasks(case) == ["recover_certificate"]
    assert face(made_in(person)) == before
    assert enrollment_of(case).reason
    do(stage.association, case, "recover_certificate", recovered="true", recovery_note="尚未发出，已销毁。")
    assert do(stage.association, case, "correct_certificate", decision="resubmit") == [APPROVE, PRINT]
    new = made_in(person)
    old = session().get_one(Certificate, printed.id, populate_existing=True)
    assert (old.state, face(old), old.printed_count) == ("void", before, 1)
    assert (new.printed_count, face(new)) == (0, of_record(person))
    assert new.edition > old.edition
    assert (new.number, new.valid_to, new.issued_on) == (old.number, old.valid_to, old.issued_on)
    assert new.verify_token != old.verify_token
    do(stage.association, case, PRINT)
    do(stage.ministry, case, APPROVE, decision="approve")
    assert ended_at(case) == "certified"
    assert list(history.verify([case])) == []


@pytest.mark.parametrize("is_printed", [True, False])
def test_r79_a_corrected_identity_calls_the_print_of_a_renewal_back(stage: Stage, clock: Any, is_printed: bool) -> None:
    """R77, R79: the name on the paper is no longer true; nobody approves it between the assent and the recovery."""
    person = stage.person(number=identity_number(1))
    case = certifying(stage, clock, person)
    made = made_in(person)
    if is_printed:
        certificates.print_certificate(stage.association, made.id)
    row = ask(stage, person, name="陈戊臣")
    assert row.case_id
    do(stage.province, row.case_id, "approve_correction", decision="approve")
    tasks.complete(stage.association, task_of(row.case_id, "assent_identity").id, {"decision": "assent"})
    if is_printed:
        with pytest.raises(Conflict, match="收回打印件"):
            do(stage.ministry, case, APPROVE, decision="approve")
        jobs.run_all()
        assert open_tasks(case) == ["recover_certificate"]
        do(stage.association, case, "recover_certificate", recovered="true", recovery_note="尚未发出，已销毁。")
        assert do(stage.association, case, "correct_certificate", decision="resubmit") == [APPROVE, PRINT]
    else:
        jobs.run_all()
        assert open_tasks(case) == [APPROVE, PRINT]
    new = made_in(person)
    assert (new.id != made.id, new.printed_count) == (is_printed, 0)
    assert new.edition == max(one.edition for one in editions(person))
    do(stage.association, case, PRINT)
    do(stage.ministry, case, APPROVE, decision="approve")
    assert ended_at(case) == "certified"
    assert list(history.verify([case, row.case_id])) == []


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_r79_what_nobody_has_printed_follows_the_record(stage: Stage, clock: Any, change: str) -> None:
    person = stage.person()
    case = certifying(stage, clock, person)
    CHANGES[change](stage, person)
    assert open_tasks(case) == [APPROVE, PRINT]
    assert face(made_in(person)) == of_record(person)
    do(stage.association, case, PRINT)
    do(stage.ministry, case, APPROVE, decision="approve")
    assert [one.state for one in editions(person)][-1] == "valid"
    assert ended_at(case) == "certified"


@pytest.mark.parametrize("is_printed", [True, False])
def test_r79_an_approval_alters_nothing_on_the_face(stage: Stage, clock: Any, is_printed: bool) -> None:
    """Every column that the face shows is the same before and after, whatever the record says meanwhile."""
    person = stage.person()
    case = certifying(stage, clock, person)
    made = made_in(person)
    if is_printed:
        certificates.print_certificate(stage.association, made.id)
    with transaction(Operation("test")):  # as a case of an older diagram, which no message reaches
        session().get_one(Person, person.id).qualification_type_id = qualification("PRINCIPAL_SALE").id
    shown = ("number", "edition", "qualification_type_id", "unit_name", "first_issued_on", "issued_on", "valid_to")
    shown += ("verify_token", "person_id", "enrollment_id", "kind", "printed_count")
    before = {name: getattr(made, name) for name in shown}
    do(stage.ministry, case, APPROVE, decision="approve")
    approved = session().get_one(Certificate, made.id, populate_existing=True)
    assert {name: getattr(approved, name) for name in shown} == before
    assert approved.state == "valid"


def by_task(stage: Stage, client: FlaskClient, found: Certificate) -> None:
    case = session().get_one(Enrollment, found.enrollment_id).case_id
    do(stage.association, case, PRINT)


def by_page(stage: Stage, client: FlaskClient, found: Certificate) -> None:
    certificates.print_certificate(stage.association, found.id)


def by_rest(stage: Stage, client: FlaskClient, found: Certificate) -> None:
    give_password()
    told(Machine(client, stage.association).post(f"/certificates/{found.id}/prints", {}), 201)


def by_batch(stage: Stage, client: FlaskClient, found: Certificate) -> None:
    jobs.run_at_once(printing.begin_batch(stage.association, [found.id], "选中的证书", "", ADDRESS).id)


WAYS = {"task": by_task, "page": by_page, "rest": by_rest, "batch": by_batch}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("situation", ["plain", "type changed before", "approved before", "approved and type changed"])
def test_r79_a_print_by_any_way_completes_the_task_that_waits_for_it(
    stage: Stage, clock: Any, client: FlaskClient, way: str, situation: str
) -> None:
    person = stage.person()
    case = certifying(stage, clock, person)
    if situation == "type changed before":
        change_type(stage.association, person.id, "PRINCIPAL_PROD")
    if situation.startswith("approved"):
        do(stage.ministry, case, APPROVE, decision="approve")
    if situation == "approved and type changed":
        change_type(stage.association, person.id, "PRINCIPAL_PROD")
    state = "valid" if situation.startswith("approved") else "issued"
    waiting = made_in(person, state)
    WAYS[way](stage, client, waiting)
    assert PRINT not in open_tasks(case)
    if state == "issued":
        do(stage.ministry, case, APPROVE, decision="approve")
    assert ended_at(case) == "certified"
    assert session().get_one(Certificate, waiting.id, populate_existing=True).printed_count == 1
    records = session().scalars(select(PrintRecord.certificate_id).where(PrintRecord.certificate_id == waiting.id))
    assert len(list(records)) == 1
    assert [found for _, found in differences(["prints"]) if found] == []


def by_download(stage: Stage, client: FlaskClient, found: Certificate) -> None:
    electronic_certificates.download(stage.enterprise, found.id, ADDRESS, FaceStyle())


def photos_on_slips(stage: Stage, person: Person) -> list[Any]:
    """What the desk would compare a face with."""
    class_id = session().scalars(select(Enrollment.class_id).where(Enrollment.person_id == person.id)).one()
    rows = class_papers.read_roster(known(stage.association), ReportFilter(class_id=class_id)).batches()
    return [row["photo_id"] for batch in rows for row in batch]


def by_preview(stage: Stage, client: FlaskClient, found: Certificate) -> None:
    certificates.preview(stage.association, found.id, ADDRESS)


@pytest.mark.parametrize("way", [*sorted(WAYS), "download", "preview"])
def test_r14_r77_no_face_bears_a_photo_that_the_unit_has_changed_before_it_is_approved(
    stage: Stage, clock: Any, client: FlaskClient, way: str
) -> None:
    """Else a unit puts another human being's photo on a certificate, and nobody has approved it."""
    person = stage.person()
    case = certifying(stage, clock, person)
    state = "issued"
    if way == "download":
        do(stage.association, case, PRINT)
        do(stage.ministry, case, APPROVE, decision="approve")
        state = "valid"
    found, printed = made_in(person, state), made_in(person, state).printed_count
    show = WAYS | {"download": by_download, "preview": by_preview}
    assert photos_on_slips(stage, person) == [fresh(person).photo_id]
    changed = record(fresh(person), photo="")
    assert save_person(known(stage.enterprise), person.id, changed, portrait()).state == "pending"
    waiting = fresh(person)
    with pytest.raises((AnpeiError, AssertionError), match=r"照片|所选证书都不能打印"):
        show[way](stage, client, found)
    assert (made_in(person, state).printed_count, waiting.has_approved_photo) == (printed, False)
    assert photos_on_slips(stage, person) == [None]
    assert waiting.case_id
    do(stage.province, waiting.case_id, "approve_person", decision="approve")
    assert fresh(person).has_approved_photo
    show[way](stage, client, made_in(person, state))
    assert made_in(person, state).printed_count == printed + (way in WAYS)


@pytest.mark.parametrize("step", ["rejected", "taken back"])
def test_r13_r85_a_photo_that_was_not_approved_stays_off_the_face(stage: Stage, clock: Any, step: str) -> None:
    person = stage.person()
    save_person(known(stage.enterprise), person.id, record(fresh(person), photo=""), portrait())
    if step == "rejected":
        do(stage.province, UUID(str(fresh(person).case_id)), "approve_person", decision="reject", reason="不是本人")
    else:
        take_back_person(known(stage.enterprise), person.id)
    assert not fresh(person).has_approved_photo
    save_person(known(stage.enterprise), person.id, record(fresh(person), post="总工程师"))
    assert not fresh(person).has_approved_photo


def test_r79_the_task_is_found_though_another_edition_is_newer(stage: Stage, clock: Any) -> None:
    """The certificate held is reissued or changed by itself; the renewal in the making keeps its own task."""
    person = stage.person()
    case = certifying(stage, clock, person)
    made = made_in(person)
    with transaction(Operation("test")) as current:
        held = made_in(person, "valid")
        current.add(next_edition(held, state="revoked"))
    certificates.print_certificate(stage.association, made.id)
    assert PRINT not in open_tasks(case)


def test_r79_the_edition_that_a_change_of_type_made_is_printed_for_itself(stage: Stage, clock: Any) -> None:
    """A print of the certificate held does not complete the task of the renewal, which waits for its own."""
    person = stage.person()
    case = certifying(stage, clock, person)
    change_type(stage.association, person.id, "PRINCIPAL_PROD")
    held = made_in(person, "valid")
    certificates.print_certificate(stage.association, held.id)
    assert PRINT in open_tasks(case)
