"""Names, numbers and dates as they are written in life: one normal form, one folded form, one reader (R81)."""

from __future__ import annotations

import sys
import unicodedata
from datetime import date

import pytest
from marshmallow import ValidationError

from service.domain.certificates.certificate_number import parse_certificate_number
from service.domain.persons.identity import (
    ID_TYPE_WORDS,
    IdType,
    Sex,
    check_character,
    parse_foreigner_id,
    parse_resident_id,
)
from service.domain.persons.persons import identify, parse_name
from service.domain.persons.surnames import COMPOUND, SINGLE
from service.domain.units.credit_code import parse_credit_code
from service.domain.values.calendar import read_day
from service.domain.values.names import fold, person_name, unit_name
from service.domain.values.validators import parse_mail, parse_phone
from service.errors import InvalidInput
from service.models.db.collation import name_keys
from service.validation.fields import Date, Integer, Number, Text
from service.validation.written import is_scientific, read_date

TODAY = date(2026, 11, 24)
NUMBER_SIGNS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, *range(0x110BD, 0x110CE)}  # are seen
NUMBER_SIGNS |= {*range(0x13430, 0x13440), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)}  # lay out old scripts
FILLERS = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFE0E, 0xFE0F, 0xFFA0}
UNSEEN = [
    chr(code)
    for code in range(sys.maxunicode)
    if (unicodedata.category(chr(code)) == "Cf" and code not in NUMBER_SIGNS) or code in FILLERS
]
DOTS = "·•．‧∙･⋅・●.˙ㆍ﹒⦁⸳"


@pytest.mark.parametrize("sign", UNSEEN, ids=lambda sign: f"U+{ord(sign):04X}")
def test_r81_what_nobody_sees_is_in_no_name_and_no_number(sign: str) -> None:
    for place in (0, 1, -1):

        def hide(text: str, at: int = place) -> str:
            return f"{sign}{text}{sign}" if at == -1 else text[:at] + sign + text[at:]

        assert parse_name(hide("张三丰")) == "张三丰"
        assert unit_name(hide("民爆（山东）公司")) == "民爆（山东）公司"
        assert parse_resident_id(hide("370000198001010025"), TODAY).number == "370000198001010025"
        assert parse_phone(hide("13800138000")) == "13800138000"
        assert parse_credit_code(hide("91350100M000100Y43")) == "91350100M000100Y43"
        assert parse_certificate_number(hide("37202600000011")) == "37202600000011"
        assert parse_mail(hide("name@example.cn")) == "name@example.cn"
        assert read_date(hide("2027-12-31")) == date(2027, 12, 31)
        assert Integer("", 0, 100).parse(hide("54")) == 54
        assert Text(max_length=20, is_written=True).deserialize(hide("ABC")) == "ABC"


@pytest.mark.parametrize("mark", ["'", "’", "‘", "`", "＇"])
def test_r81_the_apostrophe_that_marks_a_text_in_a_sheet_is_no_part_of_a_number(mark: str) -> None:
    assert parse_resident_id(mark + "370000198001010025", TODAY).number == "370000198001010025"
    assert parse_phone(mark + "13800138000") == "13800138000"
    assert parse_certificate_number(mark + "37202600000011") == "37202600000011"
    assert read_date(mark + "20271231") == date(2027, 12, 31)


@pytest.mark.parametrize("dot", DOTS, ids=lambda dot: f"U+{ord(dot):04X}")
def test_r81_the_dots_of_every_keyboard_are_one(dot: str) -> None:
    assert parse_name(f"买买提{dot}吐尔逊") == "买买提·吐尔逊"
    assert parse_name(f"买买提 {dot} 吐尔逊") == "买买提·吐尔逊"
    assert parse_name(f"{dot}买买提{dot}{dot}吐尔逊{dot}") == "买买提·吐尔逊"
    assert fold(f"买买提{dot}吐尔逊") == fold("买买提·吐尔逊") == fold("买买提 吐尔逊")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("张 三", "张三"),
        ("张　三", "张三"),
        ("  张  三 ", "张三"),
        ("李〇", "李〇"),
        ("John F. Kennedy", "John F. Kennedy"),
        ("Ｊｏｈｎ Ｓｍｉｔｈ", "John Smith"),
        ("Jean-Luc O’Neil", "Jean-Luc O’Neil"),
        ("𠮷田　和子", "𠮷田和子"),
        ("'张三", "张三"),
        ("＇ 张三", "张三"),
        ("’t Hooft", "’t Hooft"),
        ("O'Neil", "O’Neil"),
        ("O‘Neil", "O’Neil"),
        ("Jean‐Luc", "Jean-Luc"),
        ("Ｊ．Ｒ．Ｒ． Ｔｏｌｋｉｅｎ", "J.R.R. Tolkien"),
        ("李○", "李〇"),
        ("⻢⽅", "马方"),
        ("⻓孙⽆忌", "长孙无忌"),
        ("𰻝三", "𰻝三"),
        ("\U000323af三", "\U000323af三"),
    ],
)
def test_r81_one_form_of_a_name_is_stored(typed: str, stored: str) -> None:
    assert parse_name(typed) == stored
    assert parse_name(stored) == stored
    assert fold(typed) == fold(stored)


@pytest.mark.parametrize("typed", ["··", "张·", "·", " . ", "\u200b张"])
def test_r81_dots_alone_make_no_name(typed: str) -> None:
    with pytest.raises(InvalidInput):
        parse_name(typed)


def test_r81_brackets_and_blanks_do_not_make_two_units() -> None:
    forms = [
        "域测同名民爆(山东)有限公司",
        "域测同名民爆（山东）有限公司",
        "域测同名民爆 (山东) 有限公司",
        "域测同名民爆〔山东〕有限公司",
        "域测同名民爆【山东】有限公司",
        "域测同名民爆﹝山东﹞有限公司",
        "域测同名民爆❨山东❩有限公司",
        "'域测同名民爆(⼭东)有限公司",
        "域测同名民爆\u2003(山东）\u3000有限公司",
    ]
    assert {unit_name(form) for form in forms} == {"域测同名民爆（山东）有限公司"}
    assert len({fold(form) for form in forms}) == 1
    assert unit_name("Acme （Shandong） Co., Ltd.") == "Acme (Shandong) Co., Ltd."
    assert fold("民爆山东公司") != fold("民爆（山东）公司")


@pytest.mark.parametrize("name", ["张三", "买买提·吐尔逊", "John F. Kennedy", "阿Q", "民爆（山东）有限公司"])
def test_r81_a_normal_form_stays_as_it_is(name: str) -> None:
    assert unit_name(name) == name
    assert "（" in name or person_name(name) == name
    assert unicodedata.is_normalized("NFC", name)


@pytest.mark.parametrize(
    ("name", "reading"),
    {
        "曾志伟": "zeng",
        "单雄信": "shan",
        "仇和平": "qiu",
        "解晓东": "xie",
        "翟志刚": "zhai",
        "尉迟恭": "yuchi",
        "区伯": "ou",
        "覃小明": "qin",
        "缪建国": "miao",
        "盖小红": "ge",
        "查良镛": "zha",
        "朴志强": "piao",
        "万俟洛": "moqi",
        "单于飞": "chanyu",
        "冼星海": "xian",
        "乐正子": "yuezheng",
        "任志强": "ren",
        "华罗庚": "hua",
        "种师道": "chong",
        "长孙无忌": "zhangsun",
        "宿建国": "su",
        "员半千": "yun",
        "那英": "na",
        "祭遵": "zhai",
        "隗嚣": "wei",
        "黑建国": "he",
        "召建国": "shao",
        "逄先知": "pang",
        "洗建国": "xian",
        "令狐冲": "linghu",
        "澹台灭明": "tantai",
        "澹臺滅明": "tantai",
        "單田芳": "shan",
        "査良鏞": "zha",
        "祕彭祖": "bi",
        "蔚建国": "yu",
        "角建国": "jue",
        "省建国": "xing",
        "鈄建国": "tou",
    }.items(),
)
def test_r81_surnames_are_ordered_and_found_by_their_own_reading(name: str, reading: str) -> None:
    keys = name_keys(name, is_person=True)
    assert keys["sort_key"].replace(" ", "").startswith(reading)
    assert keys["spelling"].startswith(reading)
    assert keys["spelling"].split()[1][0] == reading[0]


def test_r81_every_surname_of_the_table_is_found_by_each_of_its_readings() -> None:
    for surname, readings in SINGLE.items():
        words = name_keys(surname + "建国", is_person=True)["spelling"].split()
        assert {f"{one}jianguo" for one in readings} <= set(words), surname
        assert {f"{one[0]}jg" for one in readings} <= set(words), surname
    for surname, syllables in COMPOUND.items():
        words = name_keys(surname + "建国", is_person=True)["spelling"].split()
        assert words[0] == "".join(syllables) + "jianguo", surname
        assert "".join(one[0] for one in syllables) + "jg" in words, surname


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("曾志伟", "zengzw"),
        ("曾志伟", "cengz"),
        ("尉迟敬德", "yuchijd"),
        ("欧阳娜娜", "ouyangnn"),
        ("吕小布", "lvxb"),
        ("吕小布", "luxb"),
    ],
)
def test_r81_a_name_is_found_by_its_surname_and_initials(name: str, typed: str) -> None:
    assert any(word.startswith(typed) for word in name_keys(name, is_person=True)["spelling"].split())


def test_r81_the_table_of_surnames_holds_for_names_of_chinese_form_only() -> None:
    assert name_keys("查干·巴特尔", is_person=True)["spelling"].startswith("chagan")
    assert name_keys("单增卓玛", is_person=True)["spelling"].startswith("danzeng")
    assert name_keys("解放区化工公司")["spelling"].startswith("jiefang")
    assert name_keys("曾·志伟", is_person=True)["spelling"].startswith("ceng")
    assert set(name_keys("吕建", is_person=True)["spelling"].split()) == {"lvjian", "lujian", "lyujian", "lj"}


@pytest.mark.parametrize(
    "typed",
    [
        "2027-12-31",
        "2027/12/31",
        "2027.12.31",
        "2027年12月31日",
        "2027年12月31号",
        "2027–12–31",
        "2027—12—31",
        "2027‐12‐31",
        "2027 年 12 月 31 日",
        "20271231",
        "２０２７年１２月３１日",
        "２０２７－１２－３１",
        "2027-12-31 00:00:00",
        "2027-12-31T00:00",
        " 2027-12-31 ",
        "\ufeff2027-12-31",
    ],
)
def test_one_reader_of_dates_for_pages_requests_and_filters(typed: str) -> None:
    assert read_date(typed) == Date().parse(typed) == Date().deserialize(typed) == read_day(typed) == date(2027, 12, 31)


@pytest.mark.parametrize(
    "typed",
    [
        "2026-W05-1",
        "2026-060",
        "12027-12-31",
        "-2027-12-31",
        "٢٠٢٧-12-31",
        "2026-13-01",
        "2026-02-30",
        "2027-12",
        "46752",
        "31/12/2027",
        "2027-1/2",
        "",
        "x",
    ],
)
def test_what_is_no_date_or_could_be_two_is_refused(typed: str) -> None:
    assert read_date(typed) is None
    assert read_day(typed) is None
    with pytest.raises(ValidationError):
        Date().parse(typed)


@pytest.mark.parametrize(("typed", "value"), [("５０", 50), (" 0050 ", 50), ("'50", 50), ("５０\u200b", 50)])
def test_one_reader_of_numbers(typed: str, value: int) -> None:
    assert Integer("", 0, 2000).parse(typed) == value
    assert Number(decimals=0).parse(typed) == value


@pytest.mark.parametrize("typed", ["0000000019999", "0000000010000000000", "9" * 40])
def test_a_number_is_looked_at_whole(typed: str) -> None:
    with pytest.raises(ValidationError):
        Integer("", 1, 2000).parse(typed)


@pytest.mark.parametrize(
    "typed", ["5²", "٥٠", "५", "1e3", "1E1", "1_0", "0x10", "½", "五十", "1,000", "", "NaN", "inf"]
)
def test_what_is_no_number_for_one_field_is_none_for_another(typed: str) -> None:
    for field in (Integer("", 0, 2000), Number(decimals=0), Number(decimals=1)):
        with pytest.raises(ValidationError):
            field.parse(typed)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+86 138-0013-8000", "13800138000"),
        ("008613800138000", "13800138000"),
        ("8613800138000", "13800138000"),
        ("（0531）8602 1234", "053186021234"),
        ("(0531)86021234", "053186021234"),
        ("+86 531 8602 1234", "053186021234"),
        ("0531—86021234", "053186021234"),
    ],
)
def test_r81_a_telephone_number_is_read_as_people_write_it(typed: str, number: str) -> None:
    assert parse_phone(typed) == parse_phone(number) == number


@pytest.mark.parametrize("typed", ["10000000000", "12345678901", "00000000000", "1380013800", "95588", "138001380000"])
def test_a_number_that_no_telephone_has_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        parse_phone(typed)


@pytest.mark.parametrize("typed", ["3.70E+17", "3.7e17", "3.70000198001010E+17", "４Ｅ＋１３"])
def test_a_number_that_a_sheet_has_rounded_is_known(typed: str) -> None:
    assert is_scientific(typed)


@pytest.mark.parametrize(
    ("number", "born", "sex"),
    [
        ("911124198504013007", date(1985, 4, 1), Sex.FEMALE),
        ("911124198108030024", date(1981, 8, 3), Sex.FEMALE),
        ("931012199012010018", date(1990, 12, 1), Sex.MALE),
    ],
)
def test_the_permanent_residence_card_of_2023_tells_birth_date_and_sex(number: str, born: date, sex: Sex) -> None:
    found = identify(IdType.FOREIGNER_ID, number, None, None, TODAY)
    assert (found.number, found.birth_date, found.sex) == (number, born, sex)
    for last in "0123456789X".replace(number[-1], ""):
        with pytest.raises(InvalidInput):
            parse_foreigner_id(number[:-1] + last, TODAY)


def test_the_permanent_residence_card_is_refused_where_it_cannot_be_one() -> None:
    for body in ("11112419850401300", "99912419850401300", "91112419851301300", "91112420300401300"):
        with pytest.raises(InvalidInput):
            parse_foreigner_id(body + check_character(body), TODAY)
    with pytest.raises(InvalidInput) as caught:
        parse_resident_id("911124198504013007", TODAY)
    assert "外国人永久居留身份证" in str(caught.value.fields["id_number"])


def test_the_older_permanent_residence_card_is_entered_with_birth_date_and_sex() -> None:
    found = identify(IdType.FOREIGNER_ID, "usa110085040100", date(1985, 4, 1), Sex.MALE, TODAY)
    assert (found.number, found.birth_date) == ("USA110085040100", date(1985, 4, 1))
    with pytest.raises(InvalidInput) as caught:
        identify(IdType.FOREIGNER_ID, "USA110085040100", None, None, TODAY)
    assert set(caught.value.fields) == {"birth_date", "sex"}


def test_every_kind_of_document_has_other_words_in_sheets() -> None:
    assert set(ID_TYPE_WORDS) == set(IdType)
    words = [fold(word) for kind in IdType for word in (*ID_TYPE_WORDS[kind], kind.label)]
    assert len(words) == len(set(words))
