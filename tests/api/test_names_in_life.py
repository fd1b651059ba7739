"""Names and numbers as they are written in life, through pages, imports, REST, search and the public query (R81)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.domain.accounts.roles import Role
from service.errors import NotFound
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.reports import _BY_NAME, read_list
from tests.api.test_pages_person_import import cells, preview, upload
from tests.api.v1_world import Machine, make_world, told
from tests.builders.stage import Stage, enroll, known, make_stage, publish_class
from tests.builders.trained import make_enrollment
from tests.builders.world import (
    authority_user,
    identity_number,
    make_certificate,
    make_person,
    make_user,
    sign_in,
)

NAME = "曾志伟"
SPELT = (
    "曾志伟",
    "曾 志伟",
    "曾　志 伟",
    "志伟",
    "zeng zhi wei",
    "ZENGZHIWEI",
    "zengzhi",
    "zzw",
    "zengzw",
    "ceng",
    "曾\u200b志伟",
)
OTHERS = ("zhiwei", "zengwei", "czz", "曾志明", "·")
FORM = {"id_type": "resident_id", "qualification_type": "MANAGER_PROD", "no_criminal_record": "true"}


def rows(user: User, name: str, **given: str) -> list[str]:
    try:
        table = read_list(name, user, given).table
    except NotFound:
        return []
    return [str(row) for batch in table.batches() for row in batch if NAME in str(row)]


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


def test_r81_every_list_with_a_search_finds_a_name_however_it_is_written(stage: Stage) -> None:
    """Walk every report and list with a field for words, for every role that sees the name in it."""
    person = stage.person(name=NAME)
    taught = publish_class(stage)
    enroll(stage, taught, person)
    holder = stage.person(name=NAME + "一")
    certificate = make_certificate(holder)
    make_enrollment(holder, taught, "completed", 900)
    users = [stage.ministry, stage.association, stage.province, stage.enterprise]
    seen, wrong = set(), []
    for user in users:
        for report in _BY_NAME.values():
            field = next((f.name for f in report.filters if f.name in ("q", "find")), "")
            given = {"class_id": str(taught.id)} if any(f.name == "class_id" for f in report.filters) else {}
            if not field or Role(user.role) not in report.roles or not (all_rows := rows(user, report.name, **given)):
                continue
            seen.add(report.name)
            is_subject = report.name in ("cases", "tasks", "inbox", "done")  # free text, not a name
            for spelling in SPELT:
                if is_subject and spelling.isascii():
                    continue
                if rows(user, report.name, **given, **{field: spelling}) != all_rows:
                    wrong.append((user.role, report.name, spelling))
            wrong += [
                (user.role, report.name, one) for one in OTHERS if rows(user, report.name, **given, **{field: one})
            ]
    assert {"persons", "certificates", "certificate-ledger", "enrollments"} <= seen, seen
    assert wrong == []
    assert certificate.number


@pytest.mark.parametrize(
    ("name", "spelt"),
    [
        ("单雄信", "shan"),
        ("仇和平", "qiu"),
        ("解晓东", "xie"),
        ("翟志刚", "zhai"),
        ("尉迟恭", "yuchi"),
        ("万俟洛", "mql"),
        ("吕布", "lu bu"),
        ("吕布", "lü"),
        ("买买提·吐尔逊", "maimaiti tu"),
        ("买买提·吐尔逊", "买买提.吐尔逊"),
        ("买买提·吐尔逊", "吐尔逊"),
        ("John O’Neil-Smith", "smith"),
        ("John O’Neil-Smith", "JOHN"),
        ("John O’Neil-Smith", "o'neil"),
        ("长孙无忌", "zhangsunwj"),
        ("李〇", "李○"),
        ("马方", "⻢⽅"),
    ],
)
def test_r81_a_surname_is_found_by_its_own_reading(client: FlaskClient, stage: Stage, name: str, spelt: str) -> None:
    stage.person(name=name)
    assert name in sign_in(client, stage.enterprise).get("/persons", query_string={"q": spelt}).get_data(as_text=True)


def test_r81_persons_are_ordered_by_the_reading_of_the_surname(stage: Stage) -> None:
    names = ["安一", "仇二", "单三", "解四", "曾五", "张六"]
    for name in reversed(names):
        stage.person(name=name)
    found = [row["name"] for batch in read_list("persons", stage.enterprise, {}).table.batches() for row in batch]
    assert found == ["安一", "仇二", "单三", "解四", "曾五", "张六"]


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("张 三", "张三"),
        ("张三", "张 三"),
        ("买买提.吐尔逊", "买买提·吐尔逊"),
        ("买买提·吐尔逊", "买买提．吐尔逊"),
        ("买买提·吐尔逊", "买买提•吐尔逊"),
        ("John Smith", "JOHN SMITH"),
        ("张三", "张\u200b三"),
        ("张三", "'张\u3164三"),
        ("O'Neil Smith", "O’Neil Smith"),
        ("李○", "李〇"),
    ],
)
def test_r67_r81_the_public_query_finds_the_name_however_it_is_written(
    client: FlaskClient, stage: Stage, stored: str, asked: str
) -> None:
    """Rows of the time before are stored as they were typed; both are compared in the folded form."""
    held = make_certificate(make_person(stage.unit, stored))
    number = f"\u202d{held.number[:4]} {held.number[4:]}\u202c"
    assert client.post("/verify", data={"number": number, "name": asked}).status_code == 200
    assert client.post("/verify", data={"number": held.number, "name": "张四"}).status_code == 404


def test_r81_two_units_of_a_province_do_not_differ_by_brackets_or_blanks(client: FlaskClient, app: Flask) -> None:
    stage = make_world()
    machine = Machine(client, stage.province)
    made = told(machine.post("/units", {"name": "域测同名民爆(山东)有限公司", "kind": "enterprise"}), 201)
    assert made["name"] == "域测同名民爆（山东）有限公司"
    for again in ("域测同名民爆（山东）有限公司", "域测同名民爆 (山东) 有限公司", "域测同名民爆〔山东〕有限公司"):
        refused = machine.post("/units", {"name": again, "kind": "enterprise"})
        assert refused.status_code == 422, again
        assert "同名" in refused.get_data(as_text=True)
        page = sign_in(client, stage.province).post("/units", data={"name": again, "kind": "enterprise"})
        assert page.status_code == 422
    found = told(machine.get("/units", q="同名民爆(山东)"))
    assert [one["name"] for one in found["items"]] == [made["name"]]


def test_r81_rest_pages_and_imports_store_one_form(client: FlaskClient, app: Flask) -> None:
    stage = make_world()
    machine = Machine(client, stage.enterprise)
    sent = {
        "name": "张\u3000三",
        "id_number": f"\u202d{identity_number(901)}\u202c",
        "phone": "\u202d13800138000\u202c",
        "qualification_type": "MANAGER_PROD",
        "appointed_on": "2026年1月5日",
    }
    told(machine.post("/persons", sent), 201)
    page = FORM | {"name": "买买提.吐尔逊", "id_number": f"'{identity_number(902)}", "appointed_on": "２０２６/1/5"}
    assert sign_in(client, stage.enterprise).post("/persons", data=page).status_code == 302
    address, said = preview(
        sign_in(client, stage.enterprise),
        [cells(903, name="域导\u200b庚", id_number=f"{identity_number(903)}\u200b", appointed_on="20260105")],
    )
    assert "1 行通过，0 行未通过" in said
    client.post(address, data={"rows": "all"})
    people = session().scalars(select(Person).order_by(Person.name)).all()
    assert [one.name for one in people] == ["买买提·吐尔逊", "域导庚", "张三"]
    assert {one.appointed_on for one in people} == {date(2026, 1, 5)}
    assert {one.id_number for one in people} == {identity_number(n) for n in (901, 902, 903)}
    again = machine.post("/persons", sent | {"id_number": f"{identity_number(901)[:6]} {identity_number(901)[6:]}"})
    assert again.status_code == 422


@pytest.fixture
def desk(client: FlaskClient, stage: Stage) -> FlaskClient:
    return sign_in(client, stage.enterprise)


@pytest.mark.parametrize(
    "more",
    [
        {"qualification_type": "安全生产管理人员(生产)"},
        {"qualification_type": "安全生产管理人员（生产）"},
        {"no_criminal_record": "√"},
        {"no_criminal_record": "无刑事处罚"},
        {"id_type": "身份证", "sex": "男性"},
        {"id_type": "外国人永久居留身份证", "id_number": "911124198504013007"},
        {"id_type": "五星卡", "id_number": "911124198504013007"},
        {"id_number": f"\u202d{identity_number(905)}\u202c"},
        {"id_number": f"{identity_number(905)}\u200b"},
        {"id_number": f"\ufeff{identity_number(905)}"},
        {"id_number": f"'{identity_number(905)}"},
        {"phone": "\u202d13800138000\u202c"},
        {"phone": "无", "certificate_number": "无", "certificate_issued_on": "—", "certificate_valid_to": "/"},
        {"name": "域导\u200b庚"},
        *(
            {"certificate_number": "37201330000", "certificate_issued_on": "2025-01-01", "certificate_valid_to": until}
            for until in (
                "2027-12-31",
                "2027/12/31",
                "2027.12.31",
                "2027年12月31日",
                "20271231",
                20271231,
                date(2027, 12, 31),
                "2027-12-31 00:00:00",
            )
        ),
    ],
    ids=str,
)
def test_r72_r81_cells_are_read_as_people_fill_them_in(desk: FlaskClient, more: dict[str, Any]) -> None:
    _address, said = preview(desk, [cells(904, **more)])
    assert "1 行通过，0 行未通过" in said


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"certificate_number": "37201330000", "certificate_valid_to": "2027-12"}, "日期应写作"),
        *(  # no penalty, or no declaration? What binds people is not guessed (R20)
            ({"no_criminal_record": word}, f"“{word}”看不出是已声明还是未声明，请填“是”或“否”")
            for word in ("无", "没有", "—", "/")
        ),
        ({"certificate_number": "37201330000", "certificate_valid_to": 4675}, "日期被存成了数字"),
        ({"id_number": "3.70E+17"}, "末几位已经丢失"),
        ({"phone": "1.38E+10"}, "末几位已经丢失"),
        ({"no_criminal_record": "有"}, "不在可选的内容里"),
        ({"sex": "其他"}, "不在可选的内容里"),
        ({"id_number": "911124198504013007"}, "外国人永久居留身份证"),
    ],
    ids=str,
)
def test_r72_a_cell_that_could_be_two_things_is_refused_with_what_to_do(
    desk: FlaskClient, more: dict[str, Any], why: str
) -> None:
    _address, said = preview(desk, [cells(904, **more)])
    assert "0 行通过，1 行未通过" in said
    assert why in said


def test_r72_the_sum_below_a_list_is_no_person(desk: FlaskClient) -> None:
    total = [None] * len(cells(1))
    total[0] = "合计：2人"
    _address, said = preview(desk, [cells(906), cells(907), total])
    assert "2 行通过，0 行未通过" in said


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("模板版本 persons-1\n姓名,证件号码\n".encode("gbk"), "表中没有人员"),
        (b"%PDF-1.7\n\0\xff\xfe\n1 0 obj", "既不是 Excel 文件，也不是 CSV 文本"),
        ("会议纪要\n到会的人都同意。\n".encode(), "没有找到表头行"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 508, "旧版 Excel"),
    ],
)
def test_r72_files_of_other_programs_are_refused_with_what_to_do(desk: FlaskClient, data: bytes, what: str) -> None:
    assert what in upload(desk, data).get_data(as_text=True)
    assert session().scalars(select(Person)).all() == []


def test_the_older_filters_read_dates_like_the_forms(client: FlaskClient, app: Flask) -> None:
    user = make_user("audit_admin", authority_user("ministry").organisation_id)
    for typed in ("2026-03-01", "2026年3月1日", "20260301", "２０２６/3/1"):
        assert read_list("audit-events", known(user), {"since": typed}).chosen.since == date(2026, 3, 1)
    assert read_list("audit-events", known(user), {"since": "2026-W05-1"}).chosen.since is None
