"""Certificates: numbers and dates, print and approval in any order, refusal, correction, void (R54–R60)."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service.domain.certificates.certificate_number import check_digit
from service.errors import InvalidInput
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.certificates import certificate_list
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case
from service.workflow.persons.transfers import change_type
from service.workflow.runtime import history
from tests.builders.stage import (
    Stage,
    at_nine,
    certificates_of,
    do,
    ended_at,
    enroll,
    enrollment_of,
    known,
    make_stage,
    publish_class,
)
from tests.builders.world import make_certificate, make_person, make_unit, qualification

PRINT, APPROVE = "certification/print_certificate", "certification/approve_certificate"


def _certifying(
    stage: Stage, clock: Any, person: Person, kind: str = "initial", confirmed: bool = True, **enrolled: Any
) -> UUID:
    """A case whose certificate waits for print and approval."""
    training_class = publish_class(stage, kind)
    case = enroll(stage, training_class, person, **enrolled)
    if confirmed:
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.starts_on))
    do(stage.association, case, "check_in")
    do(stage.institution, case, "record_score", score="83.5")
    assert do(stage.association, case, "confirm_score", decision="confirm") == [APPROVE, PRINT]
    return case


def _approved_print(stage: Stage, case: UUID) -> None:
    do(stage.ministry, case, APPROVE, decision="approve")
    do(stage.association, case, PRINT)
    assert ended_at(case) == "certified"


def test_an_initial_certificate_gets_a_number_of_its_province_and_three_years_less_a_day(app: Any, clock: Any) -> None:
    """R55, §1.4"""
    stage = make_stage()
    person = stage.person()
    case = _certifying(stage, clock, person)
    [issued] = certificates_of(person)
    assert (issued.state, issued.approval) == ("issued", "pending")
    assert (issued.issued_on, issued.valid_to) == (date(2026, 3, 12), date(2029, 3, 11))
    assert issued.number.startswith("3720260000001")
    assert check_digit(issued.number[:13]) == issued.number[13:]
    _approved_print(stage, case)
    [valid] = certificates_of(person)
    assert (valid.state, valid.approved_by, valid.unit_name) == ("valid", stage.ministry.id, stage.unit.name)


def test_serials_of_a_province_follow_each_other(app: Any, clock: Any) -> None:
    """§1.4"""
    stage = make_stage()
    first, second = stage.person(), stage.person()
    training_class = publish_class(stage)
    found = [enroll(stage, training_class, p) for p in (first, second)]
    for case in found:
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.starts_on))
    for case in found:
        do(stage.association, case, "check_in")
        do(stage.institution, case, "record_score", score="83")
        do(stage.association, case, "confirm_score", decision="confirm")
    numbers = [certificates_of(p)[0].number[:13] for p in (first, second)]
    assert numbers == ["3720260000001", "3720260000002"]


def test_an_academys_certificate_carries_no_province(app: Any, clock: Any) -> None:
    """§1.4, S62"""
    stage = make_stage()
    person = make_person(make_unit("academy", "11", credit_code=None))
    _certifying(stage, clock, person, confirmed=False, user=stage.association, via="association")
    assert certificates_of(person)[0].number.startswith("0020260000001")


def test_printing_first_and_approving_first_come_to_the_same(app: Any, clock: Any) -> None:
    """R57, S60"""
    stage = make_stage()
    one = _certifying(stage, clock, stage.person())
    assert do(stage.association, one, PRINT) == [APPROVE]
    assert enrollment_of(one).state == "certifying"
    do(stage.ministry, one, APPROVE, decision="approve")
    two = _certifying(stage, clock, stage.person())
    assert do(stage.ministry, two, APPROVE, decision="approve") == [PRINT]
    do(stage.association, two, PRINT)
    assert [ended_at(one), ended_at(two)] == ["certified", "certified"]


def test_a_renewal_keeps_the_number_and_counts_from_the_old_last_day(app: Any, clock: Any) -> None:
    """R56: the old edition is valid until the new one is approved."""
    stage = make_stage()
    person = stage.person()
    old = make_certificate(person, date(2026, 10, 31))
    case = _certifying(stage, clock, person, "renewal")
    before, new = certificates_of(person)
    assert (before.state, new.state, new.number, new.edition) == ("valid", "issued", old.number, 2)
    assert (new.valid_to, new.first_issued_on) == (date(2029, 10, 31), old.first_issued_on)
    _approved_print(stage, case)
    assert [c.state for c in certificates_of(person)] == ["superseded", "valid"]


def test_r56_a_renewal_names_the_edition_it_supersedes_so_that_the_old_one_leads_to_it(app: Any, clock: Any) -> None:
    stage = make_stage()
    person = stage.person()
    old = make_certificate(person, date(2026, 10, 31))
    _approved_print(stage, _certifying(stage, clock, person, "renewal"))
    new = certificates_of(person)[1]
    assert new.supersedes_id == old.id
    assert certificate_list.successor_of(old.id) is new


def test_a_renewal_enrolled_in_time_goes_on_after_the_last_day(app: Any, clock: Any) -> None:
    """R25"""
    stage = make_stage()
    person = stage.person()
    make_certificate(person, date(2026, 3, 8))
    case = _certifying(stage, clock, person, "renewal")
    _approved_print(stage, case)
    assert certificates_of(person)[1].valid_to == date(2029, 3, 8)


def test_a_type_changed_while_the_renewal_is_in_the_making_does_not_stand_in_its_way(app: Any, clock: Any) -> None:
    """R56, R61"""
    stage = make_stage()
    person = stage.person()
    make_certificate(person, date(2026, 10, 31))
    case = _certifying(stage, clock, person, "renewal")
    change_type(known(stage.association), person.id, "PRINCIPAL_PROD")
    _approved_print(stage, case)
    assert [(c.edition, c.state) for c in certificates_of(person)] == [
        (1, "superseded"),
        (3, "superseded"),
        (4, "valid"),  # in the making it followed, and counts after the edition of the change
    ]


def test_printing_needs_a_photo(app: Any, clock: Any) -> None:
    """R58"""
    stage = make_stage()
    person = make_person(stage.unit)
    case = _certifying(stage, clock, person)
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, PRINT)
    assert "照片" in str(refused.value.fields["print_reason"])


def test_a_refusal_ends_the_printing_and_a_corrected_certificate_is_approved(app: Any, clock: Any) -> None:
    """R60, domain.md §8: nothing was printed yet."""
    stage = make_stage()
    person = stage.person()
    case = _certifying(stage, clock, person)
    with pytest.raises(InvalidInput):
        do(stage.ministry, case, APPROVE, decision="refuse")
    assert do(stage.ministry, case, APPROVE, decision="refuse", reason="资格类型与岗位不符") == ["correct_certificate"]
    [refused] = certificates_of(person)
    assert (refused.state, refused.approval, enrollment_of(case).reason) == ("issued", "rejected", "资格类型与岗位不符")
    other = qualification("PRINCIPAL_PROD").id
    with transaction(Operation("test")):
        session().get_one(Person, person.id).qualification_type_id = other
    assert do(stage.association, case, "correct_certificate", decision="resubmit") == [APPROVE, PRINT]
    [again] = certificates_of(person)
    assert (again.number, again.approval, again.qualification_type_id) == (refused.number, "pending", other)
    _approved_print(stage, case)
    assert list(history.verify()) == []


def test_a_printed_copy_is_taken_back_before_the_correction(app: Any, clock: Any) -> None:
    """domain.md §8, R58: the second print has its reason."""
    stage = make_stage()
    person = stage.person()
    case = _certifying(stage, clock, person)
    do(stage.association, case, PRINT)
    assert do(stage.ministry, case, APPROVE, decision="refuse", reason="照片不清") == ["recover_certificate"]
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, "recover_certificate", recovery_note="尚未发出")
    assert list(refused.value.fields) == ["recovered"]
    done = do(stage.association, case, "recover_certificate", recovered="true", recovery_note="尚未发出，已销毁")
    assert done == ["correct_certificate"]
    do(stage.association, case, "correct_certificate", decision="resubmit")
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, PRINT)
    assert list(refused.value.fields) == ["print_reason"]
    do(stage.association, case, PRINT, print_reason="照片更换")
    do(stage.ministry, case, APPROVE, decision="approve")
    assert ended_at(case) == "certified"
    reasons = session().scalars(select(PrintRecord.reason).order_by(PrintRecord.id))
    assert list(reasons) == ["首次打印", "照片更换"]


def test_a_second_refusal_without_a_new_print_asks_for_no_copy(app: Any, clock: Any) -> None:
    stage = make_stage()
    case = _certifying(stage, clock, stage.person())
    do(stage.association, case, PRINT)
    do(stage.ministry, case, APPROVE, decision="refuse", reason="照片不清")
    do(stage.association, case, "recover_certificate", recovered="true", recovery_note="已销毁")
    do(stage.association, case, "correct_certificate", decision="resubmit")
    assert do(stage.ministry, case, APPROVE, decision="refuse", reason="仍不清") == ["correct_certificate"]


def test_a_refused_certificate_closed_as_void_ends_the_case_and_leaves_the_old_one(app: Any, clock: Any) -> None:
    """domain.md §8"""
    stage = make_stage()
    person = stage.person()
    make_certificate(person, date(2026, 10, 31))
    case = _certifying(stage, clock, person, "renewal")
    do(stage.ministry, case, APPROVE, decision="refuse", reason="不属本行业")
    do(stage.association, case, "correct_certificate", decision="void", reason="不属本行业")
    assert (ended_at(case), enrollment_of(case).state) == ("certificate_voided", "failed")
    assert [(c.state, c.void_reason) for c in certificates_of(person)] == [("valid", None), ("void", "不属本行业")]


def test_a_void_number_is_never_given_again(app: Any, clock: Any) -> None:
    """§1.4, R63"""
    stage = make_stage()
    person = stage.person()
    case = _certifying(stage, clock, person)
    do(stage.ministry, case, APPROVE, decision="refuse", reason="材料不实")
    do(stage.association, case, "correct_certificate", decision="void", reason="材料不实")
    second = _certifying(stage, clock, person)
    _approved_print(stage, second)
    numbers = session().scalars(select(Certificate.number).where(Certificate.person_id == person.id))
    assert len(set(numbers)) == 2


def test_the_case_and_its_list_columns_follow_the_rows(app: Any, clock: Any) -> None:
    stage = make_stage()
    person = stage.person()
    case = session().get_one(Case, _certifying(stage, clock, person), populate_existing=True)
    assert (case.subject, case.unit_id, case.institution_id) == (person.name, stage.unit.id, stage.centre.id)
