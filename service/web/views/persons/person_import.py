"""Import of persons from Excel (R72): the template, the upload, the columns of another table, the preview where rows
are mended, its error file, the import."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import IO
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.persons.identity import mask
from service.domain.values.validators import normalise
from service.errors import N_, Conflict, InvalidInput, Message
from service.infrastructure.translation import translate
from service.infrastructure.xlsx import XLSX, Head, Sheet
from service.models.db.ids import new_id
from service.models.tables.persons.person_import import PersonImport
from service.validation.typed_text import as_id, as_whole
from service.web.presenters.formatting import spell
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, refresh_user, rerender_on_error
from service.web.shell.questions import Question, asks
from service.web.shell.security_headers import MAX_SENT_BYTES
from service.workflow.persons import import_photos, person_import
from service.workflow.persons.import_rows import rows_of, sheet_of, strangers_of, wrong_from_json
from service.workflow.persons.import_sheet import (
    AT,
    COLUMNS,
    MARK,
    WORDS,
    Row,
    find_table,
    offered,
)
from service.workflow.xlsx_reader import LIMITS, MAX_FILE_BYTES

bp = Blueprint("person_import", __name__)
MAX_SHOWN_ROWS = 200  # refused rows on the page; the error file has them all
SAMPLE_ROWS = 20  # rows that passed, to see that the columns were understood
LONG_NUMBER = re.compile(r"[0-9]{11}")  # of a document or a telephone
TITLE = N_("人员导入模板")
SLACK = 64 * 1024  # of the form around the files
for _view in ("create", "assign_columns"):
    MAX_SENT_BYTES[f"{bp.name}.{_view}"] = MAX_FILE_BYTES + import_photos.MAX_ZIP_BYTES + SLACK


@bp.get("/persons/import")
@requires_permission(Action.EDIT_PERSON)
def new() -> ResponseReturnValue:
    """The template, and the form for the file; its id makes a double click one import."""
    return render_template(
        "pages/persons/import.html",
        import_id=new_id(),
        largest=MAX_FILE_BYTES,
        largest_photos=import_photos.MAX_ZIP_BYTES,
    )


@bp.get("/persons/import/template.xlsx")
@requires_permission(Action.EDIT_PERSON)
def template() -> ResponseReturnValue:
    return _sheet(TITLE, ())


@bp.post("/persons/import")
@requires_permission(Action.EDIT_PERSON)
@rerender_on_error(new, Conflict)
def create() -> ResponseReturnValue:
    """Check the whole file; nothing is written yet."""
    is_submitted = request.form.get("then") == "submit"
    with _photos() as photos:
        row = person_import.begin(current_user, _submission(), _uploaded(), is_submitted, spell, photos)
    return redirect(url_for(".show", import_id=row.id), 303)


@bp.get("/persons/import/<uuid:import_id>")
@requires_permission(Action.EDIT_PERSON)
def show(import_id: UUID) -> ResponseReturnValue:
    """The preview, or how far the work is; asks again by itself until it is done."""
    row = person_import.find(current_user, import_id)
    if row.state in ("checking", "importing"):
        part = "import_progress" if "HX-Request" in request.headers else "import_show"
        return render_template(f"pages/persons/{part}.html", row=row)
    if row.state == "mapping":
        return render_template("pages/persons/import_columns.html", row=row, **_columns(row))
    if "HX-Request" in request.headers:  # the piece that asked is done with: the whole page is new
        return "", 200, {"HX-Refresh": "true"}
    return render_template("pages/persons/import_show.html", row=row, **_preview(row))


@bp.post("/persons/import/<uuid:import_id>")
@requires_permission(Action.EDIT_PERSON)
@rerender_on_error(show, Conflict)
def start(import_id: UUID) -> ResponseReturnValue:
    """Enter the persons; the second of two clicks finds it done."""
    row = person_import.start(current_user, import_id, request.form.get("rows") == "passed")
    refresh_user()
    if row.state == "done":
        flash_success(Message(N_("已导入 %(n)s 人。"), n=row.entered))
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.post("/persons/import/<uuid:import_id>/columns")
@requires_permission(Action.EDIT_PERSON)
@rerender_on_error(show, Conflict)
def assign_columns(import_id: UUID) -> ResponseReturnValue:
    """Read the rows by the columns that were named."""
    with _photos() as photos:
        person_import.assign_columns(current_user, import_id, _named_columns(), spell, photos)
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.post("/persons/import/<uuid:import_id>/rows")
@requires_permission(Action.EDIT_PERSON)
@rerender_on_error(show, Conflict)
def mend(import_id: UUID) -> ResponseReturnValue:
    """Take what was typed over refused cells, and check again."""
    person_import.mend_rows(current_user, import_id, _typed_cells(), spell)
    return redirect(url_for(".show", import_id=import_id), 303)


def _dropping(import_id: UUID) -> Question:
    found = person_import.find(current_user, import_id)
    return Question(
        title=Message(N_("放弃导入这 %(n)s 行？"), n=found.total),
        consequence=N_("上传的内容随即删除，不能恢复；还没有录入的人员不会录入。"),
        verb=N_("放弃导入"),
        way_back=url_for(".show", import_id=import_id),
    )


@bp.post("/persons/import/<uuid:import_id>/drop")
@requires_permission(Action.EDIT_PERSON)
@asks(_dropping)
def drop(import_id: UUID) -> ResponseReturnValue:
    person_import.drop(current_user, import_id)
    flash_success(N_("已放弃这次导入，上传的内容已删除。"))
    return redirect(url_for(".new"))


@bp.get("/persons/import/<uuid:import_id>/errors.xlsx")
@requires_permission(Action.EDIT_PERSON)
def errors(import_id: UUID) -> ResponseReturnValue:
    """The uploaded rows, each wrong cell marked with its reason, and all of a row's in one more column: mend them there
    and upload the file again."""
    row = person_import.find(current_user, import_id)
    rows = rows_of(row)
    if not rows:
        raise Conflict(N_("预览已过期或已放弃，请重新上传文件。"))
    more = (Head(translate(N_("错误说明")), width=60),)
    return _sheet(N_("人员导入-错误说明"), ([*one.cells, _why(one)] for one in rows), more, map(_marks, rows))


def field_name(field: str) -> str:
    """The word over a column; '' is the row as a whole."""
    return translate(WORDS.get(field, N_("整行")))


def _uploaded() -> bytes:
    """The file, or as much of it as shows that it is too large; the server's own copy goes at once."""
    upload = request.files.get("file")
    if upload is None:
        return b""
    with upload.stream as stream:
        return stream.read(MAX_FILE_BYTES + 1)


def _photos() -> AbstractContextManager[IO[bytes] | None]:
    """The ZIP of photos, if one was chosen; the server's own copy goes at once."""
    upload = request.files.get("photos")
    return upload.stream if upload is not None and upload.filename else nullcontext()


def _submission() -> UUID:
    if (found := as_id(request.form.get("import_id", ""))) is None:
        raise InvalidInput(text=N_("页面已过期，请刷新后重新选择。"))
    return found


def _named_columns() -> dict[str, int]:
    """The column of each field that was named. Raises InvalidInput at the second column of a field."""
    places: dict[str, int] = {}
    for at in range(LIMITS["columns"]):
        if (name := request.form.get(f"column-{at}", "")) in AT:
            if name in places:
                raise InvalidInput({f"column-{at}": N_("另一列已经选了这一项。")})
            places[name] = at
    return places


def _typed_cells() -> dict[int, dict[str, str]]:
    """Text by the number of the row and the name of the field: ``cell-5-phone``."""
    typed: dict[int, dict[str, str]] = {}
    for key, text in request.form.items():
        kind, _, rest = key.partition("-")
        number, _, name = rest.partition("-")
        if kind == "cell" and name in AT and (at := as_whole(number, 1, LIMITS["rows"])) is not None:
            typed.setdefault(at, {})[name] = text
    return typed


def _columns(row: PersonImport) -> dict[str, object]:
    """Return the columns of a table that is not the template: what they seem to be, and what stands in them."""
    table = find_table(sheet_of(row), spell)
    seem = {at: name for name, at in table.places.items()}
    width = max(len(table.heads), *(len(line.cells) for line in table.lines))
    columns = []
    for at in range(width):
        cells = [line.cells[at] for line in table.lines if at < len(line.cells) and line.cells[at] is not None]
        head = table.heads[at] if at < len(table.heads) else ""
        if head or cells:
            columns.append(
                {
                    "at": at,
                    "name": f"column-{at}",
                    "head": head,
                    "seems": seem.get(at, ""),
                    "sample": list(map(_brief, cells[:3])),
                }
            )
    fields = [(column.input_name, translate(column.label) + "*" * column.required) for column in COLUMNS]
    return {"columns": columns, "fields": fields, "largest_photos": import_photos.MAX_ZIP_BYTES}


def _brief(cell: object) -> str:
    """A cell as a sample: short, of long numbers the middle hidden."""
    text = str(cell) if isinstance(cell, (str, int, float, date)) else "…"
    return mask(text) if LONG_NUMBER.search(text) else text[:30]


def _preview(row: PersonImport) -> dict[str, object]:
    """Return the rows as the page shows them: numbers of documents with their middle hidden."""
    rows = rows_of(row)
    pictured = import_photos.numbers_of(row.id) if row.photos else set()
    passed = [
        {
            "photo": one.number in pictured,
            "row": one.number,
            "name": one.raw.get("name", ""),
            "number": mask(normalise(one.raw.get("id_number"))),
            "unit": one.cells[AT["unit"]],
            "type": one.cells[AT["qualification_type"]],
        }
        for one in rows
        if not one.wrong
    ]
    given = {(str(one.number), name): one.cells[place] for one in rows for name, place in AT.items()}
    names = {str(one.number): one.cells[AT["name"]] for one in rows}
    failed = [
        (
            number,
            names.get(number, ""),
            [(field, field_name(field), why, given.get((number, field), "")) for field, why in fields.items()],
        )
        for number, fields in sorted(wrong_from_json(row).items(), key=lambda pair: int(pair[0]))
    ]
    return {
        "passed": passed,
        "failed": failed,
        "sample": SAMPLE_ROWS,
        "shown": MAX_SHOWN_ROWS,
        "strangers": strangers_of(row),
        "hidden": [one.number for one in rows if one.is_hidden],
        "fields": AT,
        "words": {name: [translate(word) for word, _value in pairs] for name, pairs in offered().items()},
    }


def _why(row: Row) -> str:
    return "；".join(f"{field_name(field)}：{translate(why)}" for field, why in row.wrong.items())


def _marks(row: Row) -> Mapping[int, str]:
    """Faults at their cells; those of the row or its photo stand in its last column."""
    return {AT[field]: translate(why) for field, why in row.wrong.items() if field in AT}


def _sheet(
    title: str, rows: Iterable[list[str]], more: Iterable[Head] = (), marks: Iterable[Mapping[int, str]] = ()
) -> ResponseReturnValue:
    """The template with these rows in it, further columns after its own, and how to fill it in on a second sheet."""
    heads = [*_heads(), *more]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.xlsx"
        with Sheet(path, translate(title), _facts(), heads) as sheet:
            sheet.add_marked(zip(rows, marks, strict=True))
            sheet.explain(translate(N_("填写说明")), _instructions())
        content = BytesIO(path.read_bytes())
    return send_file(content, mimetype=XLSX, as_attachment=True, download_name=f"{translate(title)}.xlsx")


def _heads() -> list[Head]:
    words = {name: [translate(word) for word, _value in pairs] for name, pairs in offered().items()}
    return [
        Head(translate(c.label) + "*" * c.required, width=c.width, choices=tuple(words.get(c.input_name, ())))
        for c in COLUMNS
    ]


def _facts() -> Iterable[str]:
    """Above the heads: the version, and how to fill in."""
    yield gettext("模板版本 %(mark)s，请勿改动本行和表头。", mark=MARK)
    yield gettext("带 * 的列必填。居民身份证的出生日期和性别由号码得出，可不填；日期写作 2026-11-24。")
    yield gettext(
        "单位写全称，不填即为本单位；无刑事处罚声明填“是”或“否”，提交审批前须核实并填“是”。照片和其他说明见“填写说明”表。"
    )


def _instructions() -> Iterable[str]:
    """Return the instructions of the template, a line each."""
    yield gettext(
        "一行一人，从表头的下一行开始，一次最多 2,000 人；不要填公式。向下合并的单元格，每一行都按合并的内容读取。"
    )
    yield gettext("列的顺序可以变动，表头和上方的版本行不能改动；只读取第一张表。")
    yield gettext("证件号码、手机、证书编号的单元格须为“文本”，否则末几位会丢失。")
    yield gettext("日期写作 2026-11-24，也可以是 Excel 的日期。")
    yield gettext("原证书三项填写本系统启用前已取得的安全资格证书，没有则留空。")
    yield gettext(
        "照片：放在一起压缩为一个 ZIP（不超过 %(most)s MB），与本表同时上传。"
        "文件名为证件号码或本表的行号，如 %(number)s.jpg 或 5.jpg；"
        "JPEG 或 PNG，一寸照，宽高比 5:7，至少 295×413 像素，20 KB 至 2 MB。"
        "没有照片的人员可在导入后补传，没有照片不能打印证书。",
        most=import_photos.MAX_ZIP_BYTES >> 20,
        number="11010519491231002X",
    )
    yield gettext(
        "上传后先逐行检查并预览，确认之前什么都不会写入；没有通过的可在页面上改正，也可下载错误文件，改好后上传。"
    )
