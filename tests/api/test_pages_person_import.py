"""Import of persons from Excel (R72): template, preview, error file, import; bad files; nothing personal left behind."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
import xlsxwriter
from flask.testing import FlaskClient
from PIL import Image
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from service.errors import InvalidInput
from service.infrastructure import decoder
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person, Photo
from service.models.tables.persons.person_import import ImportPhoto, PersonImport
from service.models.tables.runtime.case import Case
from service.models.tables.system.audit import AuditEvent
from service.models.tables.units.organisation import Organisation
from service.web.shell.security_headers import MAX_SENT_BYTES
from service.workflow.persons import import_photos, person_import
from service.workflow.persons.import_rows import rows_of
from service.workflow.persons.import_sheet import COLUMNS
from service.workflow.runtime import jobs
from service.workflow.xlsx_reader import read_lines
from tests.builders.world import (
    authority_user,
    identity_number,
    make_person,
    make_unit,
    make_user,
    portrait,
    sign_in,
    stored_values,
)

HEADS = [column.label + "*" * column.required for column in COLUMNS]
AT = {column.input_name: n for n, column in enumerate(COLUMNS)}
MARK = "模板版本 persons-1，请勿改动本行和表头。"


def cells(serial: int, **more: Any) -> list[Any]:
    """The cells of a sound person."""
    values: dict[str, Any] = {
        "name": "陈戊辰",
        "id_type": "居民身份证",
        "id_number": identity_number(serial),
        "phone": "13812345678",
        "qualification_type": "MANAGER_PROD",
        "post": "安全科长",
        "appointed_on": "2026-01-05",
        "no_criminal_record": "是",
    } | more
    return [values.get(column.input_name) for column in COLUMNS]


def book(rows: Sequence[Sequence[Any]], heads: Sequence[str] = HEADS, mark: str = MARK) -> bytes:
    """A file as an office program writes it: numbers are numbers, dates dates, ``=`` a formula."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as written:
        sheet, day = written.add_worksheet(), written.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["人员导入模板"])
        sheet.write_row(1, 0, [mark])
        sheet.write_row(2, 0, heads)
        for n, row in enumerate(rows):
            for at, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(n + 3, at, cell, day)
                elif cell is not None:
                    sheet.write(n + 3, at, cell)
    return out.getvalue()


def upload(desk: FlaskClient, data: bytes, then: str = "save", key: Any = None) -> Any:
    form = {"import_id": str(key or new_id()), "then": then, "file": (io.BytesIO(data), "人员.xlsx")}
    return desk.post("/persons/import", data=form, content_type="multipart/form-data")


def preview(desk: FlaskClient, rows: Sequence[Sequence[Any]], then: str = "save") -> tuple[str, str]:
    """The address of the preview and what it says."""
    answer = upload(desk, book(rows), then)
    assert answer.status_code == 303, answer.text
    return answer.location, text_of(desk.get(answer.location).text)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace(" ：", "：").replace("： ", "：")


def count(model: Any = Person) -> int:
    session().expire_all()
    return session().scalar(select(func.count()).select_from(model)) or 0


def only_import() -> PersonImport:
    session().expire_all()
    return session().scalars(select(PersonImport)).one()


def test_R72_the_template_has_a_version_and_comes_back_filled_in(desk: FlaskClient) -> None:
    answer = desk.get("/persons/import/template.xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert "persons-1" in rows[1][0]
    assert rows[4] == HEADS
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml").decode()
    assert "dataValidation" in sheet
    assert "/persons/import" in desk.get("/persons").text
    refused = upload(desk, answer.data)
    assert refused.status_code == 422
    assert "表中没有人员" in refused.text


def test_R72_nothing_is_written_before_the_click_and_a_double_click_writes_once(desk: FlaskClient) -> None:
    address, said = preview(desk, [cells(1), cells(2, name="李己巳", appointed_on=date(2026, 1, 5))])
    assert "共 2 行：2 行通过，0 行未通过" in said
    assert count() == 0
    for _ in range(2):
        assert desk.post(address, data={"rows": "all"}).status_code == 303
    assert count() == 2
    person = session().scalars(select(Person).where(Person.name == "李己巳")).one()
    assert (person.state, str(person.appointed_on), person.sex, person.post) == (
        "draft",
        "2026-01-05",
        "female",
        "安全科长",
    )
    assert "已导入 2 人" in desk.get(address).text
    [event] = session().scalars(select(AuditEvent).where(AuditEvent.action == "import_persons"))
    assert event.detail == {"rows": 2, "entered": 2, "submitted": False}


def test_R72_a_file_sent_twice_is_one_import(desk: FlaskClient) -> None:
    key, data = new_id(), book([cells(1)])
    assert upload(desk, data, key=key).location == upload(desk, data, key=key).location
    assert count(PersonImport) == 1


def test_R72_every_row_is_judged_by_the_rules_of_the_form(desk: FlaskClient, unit: Organisation) -> None:
    there = make_person(make_unit(), number=identity_number(7))
    make_person(unit, number=identity_number(8))
    wrong = identity_number(3)[:-1] + ("0" if identity_number(3)[-1] != "0" else "1")
    rows = [
        cells(1),
        cells(1),
        cells(2, name="", phone="12"),
        cells(3, id_number=wrong),
        cells(7),
        cells(8),
        cells(9, qualification_type="经理"),
        cells(10, unit="别处公司"),
        cells(11, id_number=identity_number(11, "20150101")),
        cells(12, certificate_number="123"),
    ]
    address, said = preview(desk, rows)
    assert "共 10 行：1 行通过，9 行未通过" in said
    for expected in (
        "5 陈戊辰 证件号码：与第 4 行的证件号码相同",
        "姓名：请填写 2 至 50 个字的姓名",
        "手机：请填写 11 位手机号码",
        "校验不符",
        "该人员已存在于其他单位",
        "该人员已录入",
        "资格类型：“经理”不在可选的内容里",
        "单位：“别处公司”不在可选的内容里",
        "未满 18 周岁",
        "原证书编号：",
    ):
        assert expected in said, expected
    assert str(there.id) not in said
    assert desk.post(address, data={"rows": "all"}).status_code == 409
    assert count() == 2


def test_R72_only_what_passed_is_imported_when_asked(desk: FlaskClient) -> None:
    address, _said = preview(desk, [cells(1), cells(2, name="")])
    assert desk.post(address, data={"rows": "passed"}).status_code == 303
    assert count() == 1
    page = text_of(desk.get(address).text)
    assert "已导入 1 人" in page
    assert "1 行没有导入" in page


def test_R72_the_error_file_has_the_rows_and_the_reasons_and_can_be_sent_again(desk: FlaskClient) -> None:
    address, _said = preview(desk, [cells(1), cells(2, name="=1", phone="+8613812345678")])
    data = desk.get(f"{address}/errors.xlsx").data
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert rows[4][-1] == "错误说明"
    assert rows[5][-1] == ""
    assert "单元格里是公式" in rows[6][-1]
    assert rows[6][AT["id_number"]] == identity_number(2)
    again = upload(desk, data)
    said = text_of(desk.get(again.location).text)
    assert "共 2 行：1 行通过，1 行未通过" in said
    assert "手机：" not in said


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"id_number": 370000198001010025}, "末几位已经丢失"),
        ({"appointed_on": 4602}, "日期被存成了数字"),
        ({"post": "=A1"}, "单元格里是公式"),
        ({"name": date(2026, 1, 5)}, "这一项不应是日期"),
        ({"appointed_on": "2026年1月"}, "日期应写作"),
    ],
)
def test_R72_cells_that_an_office_program_changed_are_named(desk: FlaskClient, more: Any, expected: str) -> None:
    _address, said = preview(desk, [cells(2), cells(1, **more)])
    assert "1 行未通过" in said
    assert expected in said


def test_R72_full_width_digits_and_plain_numbers_are_read(desk: FlaskClient) -> None:
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    address, said = preview(
        desk,
        [
            cells(
                1, id_number=identity_number(1).translate(wide), appointed_on="２０２６－０１－０５", phone=13812345678
            )
        ],
    )
    assert "1 行通过，0 行未通过" in said
    desk.post(address, data={"rows": "all"})
    person = session().scalars(select(Person)).one()
    assert (person.id_number, person.phone, str(person.appointed_on)) == (
        identity_number(1),
        "13812345678",
        "2026-01-05",
    )


def zipped(names: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in names.items():
            packed.writestr(name, data)
    return out.getvalue()


def far_away() -> bytes:
    row = cells(1)
    return book([row, *[[None]] * 10_100, row])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "请选择要上传的 Excel 文件"),
        (b"name,number", "表中没有人员"),
        (b"\0name,number", "既不是 Excel 文件，也不是 CSV 文本"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "旧版 Excel"),
        (b"PK\x03\x04 nothing", "文件已损坏或被加密"),
        (zipped({"a.txt": b"a"}), "这不是 Excel 文件"),
        (zipped({"xl/workbook.xml": b"<workbook/>", "xl/vbaProject.bin": b"macro"}), "文件带有宏"),
        (zipped({"xl/workbook.xml": bytes(41 * 1024 * 1024)}), "文件解开后过大"),
        (zipped({"xl/workbook.xml": b"<workbook/>"}), "文件已损坏或被加密"),
        (book([]), "表中没有人员"),
        (far_away(), "离得很远"),
        (book([["甲乙"]] * 2001), "一次最多导入 2,000 人"),
    ],
)
def test_R72_a_bad_file_is_refused_with_what_to_do(desk: FlaskClient, data: bytes, expected: str) -> None:
    answer = upload(desk, data)
    assert answer.status_code == 422
    assert expected in answer.text
    assert count(PersonImport) == 0


def joined_to_the_end(data: bytes) -> bytes:
    """The book with all that is below joined as well: out of all measure, but there is nothing in it."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert b"</mergeCells>" in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(
        b"</mergeCells>", b'<mergeCell ref="A6:XFD1048576"/></mergeCells>'
    )
    return zipped(parts)


def test_R72_cells_that_were_joined_are_named_and_a_joined_title_is_not(desk: FlaskClient) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as written:
        sheet = written.add_worksheet()
        sheet.merge_range(0, 0, 0, 5, "人员导入模板")
        sheet.write_row(1, 0, [MARK])
        sheet.write_row(2, 0, HEADS)
        for n in (3, 4):
            sheet.write_row(n, 0, cells(n))
        sheet.merge_range(3, AT["post"], 4, AT["post"], "爆破科长")
        sheet.write_row(5, 0, cells(5))
        sheet.merge_range(5, AT["education"], 5, AT["title"], "本科")
    address = upload(desk, joined_to_the_end(out.getvalue())).location
    said = text_of(desk.get(address).text)
    assert "共 3 行：2 行通过，1 行未通过" in said
    assert "职称：单元格与别的单元格合并了" in said
    desk.post(address, data={"rows": "passed"})
    assert [one.post for one in session().scalars(select(Person))] == ["爆破科长", "爆破科长"]


def test_R72_the_error_file_marks_the_cell_and_has_the_reason_in_it(desk: FlaskClient) -> None:
    address, _said = preview(desk, [cells(1), cells(2, post="=A1")])
    data = desk.get(f"{address}/errors.xlsx").data
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        notes = packed.read("xl/comments1.xml").decode()
    column = chr(ord("A") + AT["post"])
    assert re.findall(r'ref="(\w+)"', notes) == [f"{column}7"]
    assert "单元格里是公式" in notes
    assert CalamineWorkbook.from_filelike(io.BytesIO(data)).sheet_names[1] == "填写说明"


def upload_with(desk: FlaskClient, rows: Sequence[Sequence[Any]], packed: bytes) -> Any:
    form = {
        "import_id": str(new_id()),
        "then": "save",
        "file": (io.BytesIO(book(rows)), "人员.xlsx"),
        "photos": (io.BytesIO(packed), "照片.zip"),
    }
    return desk.post("/persons/import", data=form, content_type="multipart/form-data")


def test_R72_photos_come_in_a_zip_by_number_or_row_checked_like_single_ones(desk: FlaskClient) -> None:
    small = io.BytesIO()
    Image.new("RGB", (100, 140), "white").save(small, "PNG")
    packed = zipped(
        {
            f"照片/{identity_number(1).lower()}.JPG": portrait(),
            "5.jpg": portrait(),
            "6.png": small.getvalue(),
            "王五.jpg": portrait(),
            "__MACOSX/._5.jpg": b"x",
            "Thumbs.db": b"x",
        }
    )
    answer = upload_with(desk, [cells(n) for n in (1, 2, 3, 4)], packed)
    assert answer.status_code == 303, answer.text
    said = text_of(desk.get(answer.location).text)
    assert "共 4 行：3 行通过，1 行未通过" in said
    assert "照片：照片文件应在 20 KB" in said
    assert "1 张照片没有对应的人员，不会导入。 文件名须为证件号码或表中的行号：王五.jpg" in said
    assert count() == count(Photo) == 0
    kept = stored_values(ImportPhoto.content)
    assert len(kept) == 3
    assert not any(b"JFIF" in stored for stored in kept)
    desk.post(answer.location, data={"rows": "passed"})
    persons = {person.id_number: person.photo_id for person in session().scalars(select(Person))}
    assert [persons[identity_number(n)] is not None for n in (1, 2, 4)] == [True, True, False]
    assert count(ImportPhoto) == 0


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        (b"not a zip", "这不是 ZIP 压缩包"),
        (zipped({"4.jpg": bytes(130 * 1024 * 1024)}), "文件过多或过大"),
        (zipped({f"{n}.jpg": b"" for n in range(4001)}), "文件过多或过大"),
        (zipped({"4.jpg": portrait()}).replace(b"\x89", b"\x88", 1)[:-300] + bytes(300), "这不是 ZIP 压缩包"),
    ],
)
def test_R72_a_bad_archive_of_photos_is_refused_at_its_field(desk: FlaskClient, packed: bytes, expected: str) -> None:
    answer = upload_with(desk, [cells(1)], packed)
    assert answer.status_code == 422
    assert expected in answer.text
    assert 'id="photos-wrong"' in answer.text
    assert count(PersonImport) == 0


def test_R72_of_an_archive_of_too_many_files_not_even_the_directory_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = zipped({f"{n}.jpg": b"" for n in range(4001)})
    with pytest.raises(InvalidInput):
        import_photos.open_photos(io.BytesIO(packed))
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("read"))
    with pytest.raises(decoder.Refused, match="entries"):
        decoder.open_archive(packed, import_photos.LIMITS)


def test_R72_a_photo_twice_or_too_large_is_refused_with_its_row(desk: FlaskClient) -> None:
    packed = zipped({"4.jpg": portrait(), f"{identity_number(1)}.jpg": portrait(), "5.jpg": bytes(3 * 1024 * 1024)})
    said = text_of(desk.get(upload_with(desk, [cells(1), cells(2)], packed).location).text)
    assert "共 2 行：0 行通过，2 行未通过" in said
    assert "不止一张照片" in said
    assert "20 KB 至 2 MB" in said


def test_R72_an_import_may_be_larger_than_other_requests_up_to_its_own_limit(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_SENT_BYTES["person_import.create"] > desk.application.config["MAX_CONTENT_LENGTH"]
    monkeypatch.setitem(desk.application.config, "MAX_CONTENT_LENGTH", 10 * 1024)
    assert upload_with(desk, [cells(1)], zipped({"4.jpg": portrait()})).status_code == 303
    monkeypatch.setitem(MAX_SENT_BYTES, "person_import.create", 20 * 1024)
    answer = upload_with(desk, [cells(1)], zipped({"4.jpg": portrait()}))
    assert answer.status_code == 413
    assert "上传的内容超过" in answer.text


def test_R72_nobody_sends_that_much_without_having_signed_in(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(desk.application.config, "MAX_CONTENT_LENGTH", 10 * 1024)
    stranger = desk.application.test_client()
    assert upload_with(stranger, [cells(1)], zipped({"4.jpg": portrait()})).status_code == 413
    assert upload_with(desk, [cells(1)], zipped({"4.jpg": portrait()})).status_code == 303


def test_R72_many_photos_wait_for_the_worker_and_a_second_check_says_the_same(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person_import, "PHOTOS_AT_ONCE", 2)
    packed = zipped({"4.jpg": portrait(), "5.jpg": portrait(), "6.jpg": b"\xff\xd8" + bytes(30 * 1024)})
    answer = upload_with(desk, [cells(n) for n in (1, 2, 3)], packed)
    row = only_import()
    assert (row.state, row.photos) == ("checking", 3)
    import_photos.check(row.id, rows_of(row))  # by a worker that died before it was done
    jobs.run_all()
    assert "2 行通过，1 行未通过" in text_of(desk.get(answer.location).text)


def test_R72_a_file_over_2_MB_is_not_even_unpacked() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_lines(b"PK" + bytes(2 * 1024 * 1024 - 1))
    assert "文件超过 2 MB" in str(refused.value)


def test_R72_submitting_asks_for_the_declaration_and_starts_the_approvals(desk: FlaskClient) -> None:
    address, said = preview(desk, [cells(1), cells(2, no_criminal_record="否")], "submit")
    assert "无刑事处罚声明：请先核实" in said
    desk.post(address, data={"rows": "passed"})
    person = session().scalars(select(Person)).one()
    assert person.state == "pending"
    assert count(Case) == 1


def test_R72_all_or_nothing_when_a_row_became_wrong_after_the_check(desk: FlaskClient) -> None:
    address, _said = preview(desk, [cells(1), cells(2)])
    make_person(make_unit(), number=identity_number(2))
    desk.post(address, data={"rows": "all"})
    assert count() == 1
    said = text_of(desk.get(address).text)
    assert "1 行通过，1 行未通过" in said
    desk.post(address, data={"rows": "passed"})
    assert count() == 2


def test_R72_a_long_file_goes_to_the_background_with_its_progress(desk: FlaskClient) -> None:
    size = person_import.ROWS_AT_ONCE + 30
    address, said = preview(desk, [cells(n) if n < 240 else cells(n, name="") for n in range(size)])
    assert f"正在检查：0 / {size} 行" in said
    assert "hx-get" in desk.get(address, headers={"HX-Request": "true"}).text
    jobs.run_all()
    assert f"共 {size} 行：{size} 行通过" in text_of(desk.get(address).text)
    assert desk.get(address, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    desk.post(address, data={"rows": "all"})
    assert "正在导入" in desk.get(address).text
    assert count() == 0
    jobs.run_all()
    assert count() == size
    row = only_import()
    assert (row.state, row.done, row.entered, row.content) == ("done", size, size, None)


def test_R72_a_failure_enters_nobody_and_the_next_try_enters_each_once(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, _said = preview(desk, [cells(1), cells(2)])
    with monkeypatch.context() as broken:
        broken.setattr(person_import, "_end", lambda *_: 1 / 0)
        assert desk.post(address, data={"rows": "all"}).status_code == 500
    assert count() == 0
    assert (only_import().state, only_import().error) == ("importing", "ZeroDivisionError")
    desk.post(address, data={"rows": "all"})
    assert count() == 2


def test_R72_the_rows_are_encrypted_and_gone_after_a_day(desk: FlaskClient, clock: Any) -> None:
    address, _said = preview(desk, [cells(1)])
    (stored,) = stored_values(PersonImport.content)
    assert identity_number(1).encode() not in stored
    clock.move(timedelta(days=1, minutes=1))
    jobs.run_all()
    assert (only_import().state, only_import().content) == ("removed", None)
    sign_in(desk, session().scalars(select(User)).one())
    assert "预览已过期或已放弃" in desk.get(address).text
    assert desk.post(address, data={"rows": "all"}).status_code == 409
    assert desk.get(f"{address}/errors.xlsx").status_code == 409


def test_R72_given_up_it_is_removed_at_once(desk: FlaskClient) -> None:
    address, _said = preview(desk, [cells(1)])
    desk.post(f"{address}/drop", data={"asked": "1"})
    assert (only_import().state, only_import().content) == ("removed", None)


def test_R72_numbers_stand_in_no_log_no_address_and_masked_on_the_page(
    desk: FlaskClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    address, said = preview(desk, [cells(1), cells(2, id_number=identity_number(2)[:-1] + "?")])
    desk.post(address, data={"rows": "passed"})
    told = caplog.text + "".join(capfd.readouterr()) + address
    for serial in (1, 2):
        assert identity_number(serial)[:17] not in told + said
    assert "370***********" in said
    assert identity_number(2)[:17] not in str(only_import().wrong)


def test_R72_only_who_enters_persons_imports_and_sees_only_his_own(
    desk: FlaskClient, client: FlaskClient, unit: Organisation
) -> None:
    address, _said = preview(desk, [cells(1)])
    sign_in(client, make_user("enterprise", unit.id))
    for path in (address, f"{address}/errors.xlsx"):
        assert client.get(path).status_code == 404
    assert client.post(address, data={"rows": "all"}).status_code == 404
    sign_in(client, authority_user())
    assert client.get("/persons/import").status_code in (403, 404)
    assert "/persons/import" not in client.get("/persons").text


def test_R72_the_association_imports_for_academies_at_once_approved(client: FlaskClient) -> None:
    academy = make_unit("academy", name="泉城学院（示例）")
    sign_in(client, authority_user("association"))
    address, said = preview(client, [cells(1, unit="泉城学院（示例）"), cells(2)], "submit")
    assert "单位：请选择人员所在的单位" in said
    client.post(address, data={"rows": "passed"})
    person = session().scalars(select(Person)).one()
    assert (person.unit_id, person.state) == (academy.id, "approved")


def test_R72_the_template_of_the_other_language_is_read_too(desk: FlaskClient, officer: User) -> None:
    sign_in(desk, officer, language="en")
    data = desk.get("/persons/import/template.xlsx").data
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert rows[4] != HEADS
    sign_in(desk, officer, language="zh")
    answer = upload(
        desk, book([cells(1, id_type="Passport", id_number="E12345678", sex="Male", birth_date="1980-01-01")], rows[4])
    )
    assert answer.status_code == 303, answer.text
    assert "1 行通过" in text_of(desk.get(answer.location).text)
