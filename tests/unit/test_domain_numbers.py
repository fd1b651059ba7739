"""Identity numbers, credit codes, certificate numbers, provinces, telephone numbers, masks (domain.md §1.4, §2)."""

from __future__ import annotations

from datetime import date

import pytest

from service.domain.certificates import certificate_number
from service.domain.persons import identity
from service.domain.persons.identity import IdType, Sex, mask, parse_document_number, parse_resident_id
from service.domain.units import credit_code
from service.domain.units.provinces import AUTHORITY_CODES, IDENTITY_REGIONS, PROVINCES
from service.domain.values.validators import parse_phone
from service.errors import InvalidInput

TODAY = date(2026, 11, 24)


def problem(text: str | None, today: date = TODAY) -> str:
    with pytest.raises(InvalidInput) as caught:
        parse_resident_id(text, today)
    assert list(caught.value.fields) == ["id_number"]
    return str(caught.value.fields["id_number"])


def with_check(first17: str) -> str:
    return first17 + identity.check_character(first17)


@pytest.mark.parametrize(
    ("number", "born", "sex"),
    [
        ("110000200002290016", date(2000, 2, 29), Sex.MALE),
        ("370000198001010025", date(1980, 1, 1), Sex.FEMALE),
        ("650000199912310039", date(1999, 12, 31), Sex.MALE),
        ("810000198506150012", date(1985, 6, 15), Sex.MALE),
        ("11010519491231002X", date(1949, 12, 31), Sex.FEMALE),
        ("11000019000228009X", date(1900, 2, 28), Sex.MALE),
    ],
)
def test_r18_an_identity_number_gives_birth_date_and_sex(number: str, born: date, sex: Sex) -> None:
    found = parse_resident_id(number, TODAY)
    assert (found.number, found.birth_date, found.sex) == (number, born, sex)


def test_lower_case_x_full_width_digits_and_spaces_are_normalised() -> None:
    for typed in (" 11010519491231002x ", "１１０１０５１９４９１２３１００２ｘ", "110105 19491231 002X"):
        assert parse_resident_id(typed, TODAY).number == "11010519491231002X"


@pytest.mark.parametrize("right", ["110000200002290016", "370000198001010025", "11010519491231002X"])
def test_every_other_last_character_is_refused_without_giving_away_the_right_one(right: str) -> None:
    told = {problem(right[:17] + last) for last in "0123456789X" if last != right[17]}
    assert told == {"身份证号校验不符，请对照证件逐位核对。"}


@pytest.mark.parametrize("birth", ["20010229", "19000229", "20001301", "20000431", "00000101"])
def test_a_day_that_does_not_exist_is_refused(birth: str) -> None:
    assert "不是真实的日期" in problem(with_check(f"370000{birth}002"))


@pytest.mark.parametrize("birth", ["18991231", "20261125", "99991231"])
def test_a_birth_before_1900_or_after_today_is_refused(birth: str) -> None:
    assert "早于 1900 年或晚于今天" in problem(with_check(f"370000{birth}002"))


def test_a_birth_on_the_day_itself_is_read() -> None:
    assert parse_resident_id(with_check("37000020261124002"), TODAY).birth_date == TODAY


def test_wrong_lengths_wrong_characters_and_unknown_regions_are_each_told_apart() -> None:
    assert problem("") == problem(None) == problem("  ") == "请填写身份证号。"
    assert "现在是 17 位" in problem("37000019800101002")
    assert "现在是 19 位" in problem("3700001980010100250")
    assert "15 位的旧身份证号已停用" in problem("370000800101002")
    assert "末位为数字或 X" in problem("37000019800101002Y")
    assert "末位为数字或 X" in problem("3700001980O1010025")
    assert "末位为数字或 X" in problem("٣70000198001010025")  # digits of another script are no digits here
    for region in ("66", "00", "99", "16"):
        assert "省份代码" in problem(with_check(f"{region}000019800101002"))


def test_the_field_of_the_error_is_the_callers() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_resident_id("1", TODAY, field="holder")
    assert set(caught.value.fields) == {"holder"}


def test_permits_and_passports_are_read_leniently() -> None:
    assert parse_document_number(IdType.HMT_PERMIT, "h1234567890") == "H1234567890"
    assert parse_document_number(IdType.HMT_PERMIT, "12345678") == "12345678"
    assert parse_document_number(IdType.PASSPORT, "e 1234-5678") == "E12345678"
    for id_type, text in (
        (IdType.HMT_PERMIT, "X1"),
        (IdType.PASSPORT, "E12"),
        (IdType.PASSPORT, "护照12345"),
        (IdType.PASSPORT, None),
    ):
        with pytest.raises(InvalidInput):
            parse_document_number(id_type, text)


def test_telephones_are_mobiles_or_landlines_with_area_code() -> None:
    assert parse_phone("138 0013-8000") == "13800138000"
    assert parse_phone("+8613800138000") == "13800138000"
    assert parse_phone("0531-12345678") == "053112345678"
    assert parse_phone("") == parse_phone(None) == ""
    for text in ("12345", "1380013800", "二三四"):
        with pytest.raises(InvalidInput):
            parse_phone(text)


def test_d15_masks_keep_the_first_three_and_the_last_four() -> None:
    assert mask("370000198001010025") == "370***********0025"
    assert mask("13800138000") == "138****8000"
    assert mask("E12345678") == "E******78"
    assert mask("123") == "1***23"
    assert mask("") == ""


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91370000MA0000000P", "91110000000000000E"])
def test_gb_32100_credit_codes_are_read(code: str) -> None:
    assert credit_code.parse_credit_code(f" {code.lower()} ") == code


@pytest.mark.parametrize(
    "code", ["91350100M000100Y4Z", "91350100M000100Y44", "91350100M000100Y4", "", "9135010OM000100Y43"]
)
def test_gb_32100_wrong_credit_codes_are_refused_without_the_right_character(code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        credit_code.parse_credit_code(code)
    assert "43" not in str(caught.value.fields["credit_code"])


@pytest.mark.parametrize("code", ["0" * 18, "91000100M000100Y40", "9199000000000000AB", "91A50100M000100Y4M"])
def test_gb_32100_a_code_has_a_registrar_and_a_place_of_registration(code: str) -> None:
    for is_vouched in (False, True):
        with pytest.raises(InvalidInput):
            credit_code.parse_credit_code(code, is_vouched=is_vouched)


@pytest.mark.parametrize("code", ["91350203M0001QKT19", "91350100M000100Y44"])
def test_gb_32100_a_code_that_breaks_the_check_stands_only_when_an_authority_vouches(code: str) -> None:
    with pytest.raises(InvalidInput):
        credit_code.parse_credit_code(code)
    assert credit_code.parse_credit_code(code, is_vouched=True) == code


def test_gb_32100_any_single_changed_character_is_found() -> None:
    right = "91350100M000100Y43"
    for place, kept in enumerate(right):
        for other in credit_code.ALPHABET:
            if other != kept:
                with pytest.raises(InvalidInput):
                    credit_code.parse_credit_code(right[:place] + other + right[place + 1 :])


@pytest.mark.parametrize(
    ("province", "year", "serial", "number"),
    [("37", 2026, 1, "37202600000011"), ("11", 2026, 42, "11202600000425"), ("00", 2026, 7, "00202600000070")],
)
def test_certificate_numbers_carry_province_year_serial_and_check_digit(
    province: str, year: int, serial: int, number: str
) -> None:
    assert certificate_number.issue(province, year, serial) == number
    assert certificate_number.check_digit(number[:13]) == number[13]


def test_the_check_digit_is_that_of_iso_7064_mod_11_10() -> None:
    assert certificate_number.check_digit("0794") == "5"
    for place in range(13):
        for digit in set("0123456789") - {"3720260000001"[place]}:
            changed = "3720260000001"[:place] + digit + "3720260000001"[place + 1 :]
            assert certificate_number.check_digit(changed) != "1"


def test_no_number_is_made_for_an_unknown_province_or_a_serial_out_of_range() -> None:
    for province, serial in (("99", 1), ("71", 1), ("37", 0), ("37", 10_000_000)):
        with pytest.raises(ValueError):
            certificate_number.issue(province, 2026, serial)


def test_r21_a_typed_certificate_number_has_11_or_14_digits_and_its_check_digit_is_not_looked_at() -> None:
    assert certificate_number.parse_certificate_number(" ３7202000123 ") == "37202000123"
    assert certificate_number.parse_certificate_number("37202600000019") == "37202600000019"
    for text in ("", None, "3720200012", "372020001234", "3720200012A", "372026000000111"):
        with pytest.raises(InvalidInput):
            certificate_number.parse_certificate_number(text)


def test_gb_2260_there_are_34_provinces_and_bingtuan_of_which_32_have_an_authority() -> None:
    assert len(PROVINCES) == 35
    assert len(AUTHORITY_CODES) == 32
    assert (PROVINCES["37"].letter, PROVINCES["66"].name) == ("鲁", "新疆生产建设兵团")
    assert len({province.letter for province in PROVINCES.values()}) == 35
    assert {"71", "81", "82", "83"} <= IDENTITY_REGIONS
