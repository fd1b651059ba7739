"""Identity numbers (GB 11643), permits and passports: reading what was typed, and masking what is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from service.domain.units.provinces import IDENTITY_REGIONS
from service.domain.values.labelled_enum import Labelled
from service.domain.values.validators import normalise
from service.errors import N_, InvalidInput, Message
from service.validation.typed_text import as_date

EARLIEST_BIRTH_DATE = date(1900, 1, 1)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


class IdType(Labelled):
    RESIDENT_ID = "resident_id", N_("居民身份证")  # also 港澳台居民居住证: the same form
    HMT_PERMIT = "hmt_permit", N_("港澳台居民来往内地通行证")
    PASSPORT = "passport", N_("护照")
    FOREIGNER_ID = (
        "foreigner_id",
        N_("外国人永久居留身份证"),
    )  # 18 digits since GA 2102-2023


class Sex(Labelled):
    MALE = "male", N_("男")
    FEMALE = "female", N_("女")


ID_TYPE_WORDS: dict[str, tuple[str, ...]] = {
    IdType.RESIDENT_ID: ("身份证", "二代身份证", "第二代居民身份证", "公民身份证", "居民居住证", "港澳台居民居住证"),
    IdType.HMT_PERMIT: ("通行证", "港澳居民来往内地通行证", "台湾居民来往大陆通行证", "回乡证", "台胞证"),
    IdType.PASSPORT: ("外国护照", "因私护照"),
    IdType.FOREIGNER_ID: ("永久居留身份证", "外国人永久居留证", "永居证", "五星卡"),
}
SEX_WORDS: dict[str, tuple[str, ...]] = {Sex.MALE: ("男性", "先生", "m"), Sex.FEMALE: ("女性", "女士", "f")}
"""Other words by which sheets name them."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A number with the birth date and sex that belong to it."""

    number: str
    birth_date: date
    sex: Sex


def check_character(digits: str) -> str:
    """The last character that GB 11643 gives to 17 digits."""
    return _CHECKS[sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=True)) % 11]


def parse_resident_id(text: str | None, today: date, field: str = "id_number") -> Identity:
    """Read an 18-character identity number (GB 11643); birth date and sex follow from it (R18).

    Born from 1900-01-01 to ``today``. Lower-case x and full-width characters are accepted. The message of
    ``InvalidInput`` never gives away the right check character.
    """
    number = normalise(text)
    problem = _problem(number, today)
    if problem is not None:
        raise InvalidInput({field: problem})
    return _identity(number)


def parse_foreigner_id(text: str | None, today: date, field: str = "id_number") -> Identity:
    """Read an 18-digit number of a foreigner's permanent residence card (GA 2102-2023), issued since December 2023.

    ``9``, province of the first application, nationality (3 digits), birth date, order (odd for men),
    check character as in GB 11643. Birth date and sex follow from it.
    """
    number = normalise(text)
    problem = _foreigner_problem(number) or _birth_problem(number[6:14], today) or _check_problem(number)
    if problem is not None:
        raise InvalidInput({field: problem})
    return _identity(number)


def is_old_foreigner_id(text: str | None) -> bool:
    """Tell whether it is a number of a card issued before December 2023: three letters and 12 digits."""
    return re.fullmatch(r"[A-Z]{3}\d{12}", normalise(text), re.ASCII) is not None


def parse_document_number(id_type: IdType, text: str | None, field: str = "id_number") -> str:
    """Read the number of a permit or passport, leniently: their forms differ by issuer and change."""
    number = normalise(text)
    if not number:
        raise InvalidInput({field: N_("请填写证件号码。")})
    if id_type is IdType.HMT_PERMIT and not re.fullmatch(r"[HM]?\d{8}(\d{2})?", number):
        raise InvalidInput({field: N_("通行证号码应为 8 或 10 位数字，港澳居民前面另有字母 H 或 M，请核对。")})
    if not re.fullmatch(r"[A-Z0-9]{5,20}", number, re.ASCII):
        raise InvalidInput({field: N_("证件号码应为 5 至 20 位字母或数字，请核对。")})
    return number


def mask(text: str) -> str:
    """Hide the middle of a number of a person: the first 3 and last 4 stay (D15), of a short one 1 and 2."""
    head, tail = (3, 4) if len(text) >= 11 else (1, 2)
    return text[:head] + "*" * max(len(text) - head - tail, 3) + text[-tail:] if text else ""


def initial(name: str) -> str:
    """The first letter of a name, for administrators, who see no business (domain.md §9)."""
    return name[:1] + "＊" * min(max(len(name) - 1, 0), 3)


def _problem(number: str, today: date) -> str | Message | None:
    if not number:
        return N_("请填写身份证号。")
    if re.fullmatch(r"\d{15}", number, re.ASCII):
        return N_("15 位的旧身份证号已停用，请填写现行的 18 位号码。")
    if len(number) != 18:
        return Message(N_("身份证号应为 18 位，现在是 %(length)s 位，请核对。"), length=len(number))
    if not re.fullmatch(r"\d{17}[\dX]", number, re.ASCII):
        return N_("身份证号前 17 位应为数字，末位为数字或 X，请核对。")
    if number.startswith("9"):
        return N_("开头两位不是省份代码；以 9 开头的是外国人永久居留身份证，请改选这一证件类型。")
    if number[:2] not in IDENTITY_REGIONS:
        return N_("身份证号开头两位不是有效的省份代码，请核对。")
    return _birth_problem(number[6:14], today) or _check_problem(number)


def _foreigner_problem(number: str) -> str | None:
    if not re.fullmatch(r"9\d{16}[\dX]", number, re.ASCII):
        return N_("外国人永久居留身份证号码应为 9 开头的 18 位，或旧证的 3 位字母加 12 位数字，请核对。")
    if number[1:3] not in IDENTITY_REGIONS:
        return N_("永久居留身份证号码第 2、3 位不是有效的省份代码，请核对。")
    return None


def _check_problem(number: str) -> str | None:
    return None if check_character(number[:17]) == number[17] else N_("身份证号校验不符，请对照证件逐位核对。")


def _identity(number: str) -> Identity:
    sex = Sex.MALE if int(number[16]) % 2 else Sex.FEMALE
    born = as_date(number[6:14])
    assert born is not None  # looked at before
    return Identity(number, born, sex)


def _birth_problem(digits: str, today: date) -> str | None:
    if (born := as_date(digits)) is None:
        return N_("身份证号第 7 至 14 位不是真实的日期，请核对出生年月日。")
    if not EARLIEST_BIRTH_DATE <= born <= today:
        return N_("身份证号中的出生日期早于 1900 年或晚于今天，请核对第 7 至 14 位。")
    return None
