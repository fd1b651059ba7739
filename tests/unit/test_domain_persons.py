"""Persons: entry, changes, deletion, deregistration; photos; reasons; the moves between states."""

from __future__ import annotations

from datetime import date

import pytest

from service.domain.accounts.roles import Role
from service.domain.persons.identity import IdType, Sex, check_character
from service.domain.persons.persons import (
    ALREADY_ENTERED,
    PersonState,
    check_declaration,
    effective_changes,
    identify,
    is_adult,
    needs_new_approval,
    obstacle_to_deletion,
    obstacle_to_deregistration,
    obstacle_to_editing,
    parse_name,
    warning_of_deregistration,
)
from service.domain.values.validators import obstacle_to_photo, parse_reason
from service.errors import InvalidInput

TODAY = date(2026, 11, 24)


def fields_of(call: object) -> set[str]:
    with pytest.raises(InvalidInput) as caught:
        call()  # type: ignore[operator]
    return set(caught.value.fields)


def test_r20_the_eighteenth_birthday_counts() -> None:
    assert is_adult(date(2008, 11, 24), TODAY)
    assert not is_adult(date(2008, 11, 25), TODAY)


def test_r20_who_was_born_on_29_february_is_of_age_on_1_march_of_a_common_year() -> None:
    assert not is_adult(date(2008, 2, 29), date(2026, 2, 28))
    assert is_adult(date(2008, 2, 29), date(2026, 3, 1))
    assert is_adult(date(2000, 2, 29), date(2018, 3, 1))


def test_r18_what_was_typed_beside_an_identity_number_is_not_looked_at() -> None:
    found = identify(IdType.RESIDENT_ID, "370000198001010025", date(1999, 9, 9), Sex.MALE, TODAY)
    assert (found.birth_date, found.sex) == (date(1980, 1, 1), Sex.FEMALE)


def test_r20_a_minor_is_refused_at_the_field_that_says_so() -> None:
    minor = "37000020101001002"
    assert fields_of(lambda: identify(IdType.RESIDENT_ID, minor + check_character(minor), None, None, TODAY)) == {
        "id_number"
    }
    assert fields_of(lambda: identify(IdType.PASSPORT, "E12345678", date(2010, 10, 1), Sex.MALE, TODAY)) == {
        "birth_date"
    }


def test_with_a_passport_birth_date_and_sex_are_typed() -> None:
    found = identify(IdType.PASSPORT, "e12345678", date(1980, 1, 1), Sex.MALE, TODAY)
    assert (found.number, found.birth_date, found.sex) == ("E12345678", date(1980, 1, 1), Sex.MALE)
    assert fields_of(lambda: identify(IdType.PASSPORT, "E12345678", None, None, TODAY)) == {"birth_date", "sex"}
    assert fields_of(lambda: identify(IdType.PASSPORT, "E12345678", date(1899, 1, 1), Sex.MALE, TODAY)) == {
        "birth_date"
    }


def test_r20_the_declaration_of_no_criminal_penalty_is_required() -> None:
    check_declaration(True)
    assert fields_of(lambda: check_declaration(False)) == {"no_criminal_record"}


@pytest.mark.parametrize("name", ["欧阳娜娜", "阿依古丽·买买提", "𠮷田", "John O’Neil-Smith", "  张  三丰 "])
def test_names_of_every_people_are_read(name: str) -> None:
    assert parse_name(name) == ("张三丰" if "张" in name else " ".join(name.split()))


def test_the_dots_of_other_keyboards_become_the_middle_dot() -> None:
    assert parse_name("阿依古丽•买买提") == parse_name("阿依古丽・买买提") == "阿依古丽·买买提"


@pytest.mark.parametrize("name", ["", None, "张", "张3", "<b>张三</b>", "张" * 51, "张三;"])
def test_what_is_no_name_is_refused(name: str | None) -> None:
    assert fields_of(lambda: parse_name(name)) == {"name"}


def test_r14_only_an_effective_change_counts() -> None:
    before = {"post": "科长", "phone": None, "title": "工程师"}
    assert effective_changes(before, {"post": " 科长 ", "phone": ""}) == frozenset()
    assert effective_changes(before, {"post": "处长", "phone": "13800138000"}) == {"post", "phone"}


def test_r14_r15_an_effective_change_by_the_unit_needs_approval_again_and_by_others_not() -> None:
    assert needs_new_approval(PersonState.APPROVED, Role.ENTERPRISE, {"post"})
    assert needs_new_approval(PersonState.APPROVED, Role.GROUP, {"post"})
    assert not needs_new_approval(PersonState.APPROVED, Role.ENTERPRISE, set())
    assert not needs_new_approval(PersonState.APPROVED, Role.ASSOCIATION, {"unit"})
    assert not needs_new_approval(PersonState.REJECTED, Role.ENTERPRISE, {"post"})


def test_r13_a_rejected_person_may_be_edited_and_one_with_the_province_may_not() -> None:
    assert obstacle_to_editing(PersonState.REJECTED) is None
    assert obstacle_to_editing(PersonState.APPROVED) is None
    assert obstacle_to_editing(PersonState.PENDING) is not None
    assert obstacle_to_editing(PersonState.DEREGISTERED) is not None


def test_r16_only_a_draft_is_deleted() -> None:
    assert [state for state in PersonState if obstacle_to_deletion(state) is None] == [PersonState.DRAFT]


def test_r17_a_live_enrolment_bars_deregistration_and_a_certificate_does_not() -> None:
    assert obstacle_to_deregistration(PersonState.APPROVED, has_live_enrollment=False) is None
    assert "在办的报名" in str(obstacle_to_deregistration(PersonState.APPROVED, has_live_enrollment=True))
    assert obstacle_to_deregistration(PersonState.DEREGISTERED, has_live_enrollment=False) is not None
    assert "持证人已注销" in str(warning_of_deregistration("37202400001655", date(2027, 1, 18)))


def test_r19_who_is_entered_elsewhere_is_not_told_where() -> None:
    assert str(ALREADY_ENTERED) == "该人员已存在于其他单位，请联系协会变更单位。"


def test_r13_reasons_are_written_and_not_too_long() -> None:
    assert parse_reason("  照片不清晰 ") == "照片不清晰"
    for text in (None, "", " \n", "x" * 501):
        assert fields_of(lambda text=text: parse_reason(text, "comment")) == {"comment"}


@pytest.mark.parametrize(
    ("file_format", "width", "height", "size", "fits"),
    [
        ("JPEG", 295, 413, 50_000, True),
        ("PNG", 500, 700, 50_000, True),
        ("JPEG", 307, 420, 50_000, True),
        ("GIF", 295, 413, 50_000, False),
        (None, 295, 413, 50_000, False),
        ("JPEG", 294, 413, 50_000, False),
        ("JPEG", 600, 800, 50_000, False),
        ("JPEG", 413, 295, 50_000, False),
        ("JPEG", 295, 413, 20_479, False),
        ("JPEG", 295, 413, 2_097_153, False),
        ("JPEG", 50_000, 70_000, 50_000, False),
    ],
)
def test_r58_photos_are_upright_one_inch_pictures(
    file_format: str | None, width: int, height: int, size: int, fits: bool
) -> None:
    assert (obstacle_to_photo(file_format, width, height, size) is None) == fits
