"""Exports: the same rows as the list, masked, in scope, logged; whole numbers only with the permission and a purpose (R70, R71)."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from service.models import AuditEvent, ExportLog, Job, authority_id, session, today
from service.reports import LISTS, REPORTS, annual_classes
from service.reports.report import Chosen
from service.workflow import exports, jobs
from tests.api.test_reports import everyone, school
from tests.builders.world import (
    authority_user,
    identity_number,
    make_certificate,
    make_class,
    make_person,
    make_unit,
    make_user,
    sign_in,
)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def export(client: FlaskClient, name: str, query: str = "", **form: str) -> list[list[Any]]:
    """The cells of an exported file, from its heads on."""
    answer = client.post(f"/exports/new/{name}?{query}", data=form, follow_redirects=True, buffered=True)
    assert answer.mimetype == XLSX, answer.get_data(as_text=True)[:2000]
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    start = next(n for n, row in enumerate(rows) if n and sum(cell != "" for cell in row) > 1)
    return rows[start:]


def log() -> ExportLog:
    return session().scalars(select(ExportLog).order_by(ExportLog.at.desc(), ExportLog.id.desc()).limit(1)).one()


def test_every_list_and_report_exports_for_its_roles_only(client: FlaskClient, clock: Any) -> None:  # R70
    for role, user in everyone().items():
        sign_in(client, user)
        for report in (*REPORTS, *LISTS):
            if "class_id" in report.filters and report not in REPORTS:
                continue
            if role in report.roles:
                export(client, report.name)
            else:
                assert client.post(f"/exports/new/{report.name}").status_code == 404, (role, report.name)


def test_an_export_has_the_figures_of_the_page(client: FlaskClient, clock: Any) -> None:
    school()
    user = authority_user("association")
    heads, row, sums = export(sign_in(client, user), "annual-classes")
    cells, totals = dict(zip(heads, row, strict=True)), dict(zip(heads, sums, strict=True))
    table = annual_classes.read(user, Chosen(year=today().year))
    for column in table.columns:
        if column.key in annual_classes.SUMS:
            assert cells[column.word] == table.rows[0][column.key], column.word
            assert totals[column.word] == table.totals()[column.key], column.word
    assert cells["合格率"] == totals["合格率"] == 0.75


def test_persons_are_exported_masked_in_scope_and_logged(client: FlaskClient, clock: Any) -> None:  # R70, R71
    number = identity_number(7)
    person = make_person(make_unit(), name="赵大", number=number)
    make_person(make_unit(province="42"), name="外省人")
    make_certificate(person, number="37202600000019")
    user = authority_user()
    heads, *rows = export(sign_in(client, user), "persons", "q=赵大&state=approved&nonsense=1")
    (row,) = (dict(zip(heads, row, strict=True)) for row in rows)
    assert row["姓名"] == "赵大"
    assert row["证件号码"] == f"{number[:3]}***********{number[-4:]}"
    assert row["证书编号"] == "37202600000019"  # as text
    kept = log()
    assert (kept.user_id, kept.name, kept.total, kept.done, kept.masked, kept.state) == (
        user.id,
        "persons",
        1,
        1,
        True,
        "done",
    )
    assert kept.chosen == {"q": "赵大", "state": "approved"}
    event = session().scalars(select(AuditEvent).where(AuditEvent.action == "export")).one()
    assert event.object_id == kept.id
    assert "外省人" not in str(export(client, "persons"))


def test_whole_numbers_need_the_permission_and_a_purpose(client: FlaskClient, clock: Any) -> None:  # R71
    unit, number = make_unit(), identity_number(8)
    make_person(unit, number=number)
    sign_in(client, make_user("enterprise", unit.id))
    assert client.post("/exports/new/persons", data={"numbers": "whole", "purpose": "报送"}).status_code == 403
    sign_in(client, authority_user())
    refused = client.post("/exports/new/persons", data={"numbers": "whole", "purpose": " "})
    assert refused.status_code == 422
    assert "须写明用途" in refused.get_data(as_text=True)
    assert session().scalars(select(ExportLog)).all() == []
    rows = export(client, "persons", numbers="whole", purpose="报送年度备案")
    assert number in rows[1]
    assert (log().masked, log().purpose) == (False, "报送年度备案")


def test_a_name_that_looks_like_a_formula_does_no_harm(client: FlaskClient, clock: Any) -> None:  # R71
    make_class(title='=HYPERLINK("http://example.org")')
    rows = export(sign_in(client, authority_user()), "classes")
    assert '\'=HYPERLINK("http://example.org")' in rows[1]


def test_a_large_export_runs_in_the_background(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    unit = make_unit()
    for _ in range(3):
        make_person(unit)
    sign_in(client, authority_user())
    answer = client.post("/exports/new/persons")
    row = log()
    assert answer.location == f"/exports/{row.id}"
    page = client.get(answer.location).get_data(as_text=True)
    assert "正在导出：0 / 3 行" in page
    assert client.get(f"/exports/{row.id}.xlsx").status_code == 404
    jobs.run_due()
    assert client.get(f"/exports/{row.id}.xlsx", buffered=True).mimetype == XLSX
    assert "已导出 3 行" in client.get(answer.location, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert exports.file_of(row).exists()
    clock.move(timedelta(days=1, seconds=1))
    jobs.run_due()
    assert not exports.file_of(row).exists()
    sign_in(client, authority_user())
    assert client.get(f"/exports/{row.id}").status_code == 404  # another's


def test_more_rows_than_allowed_are_refused(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # R71
    monkeypatch.setattr(exports, "MOST", 1)
    for _ in range(2):
        make_person(make_unit())
    answer = sign_in(client, authority_user("ministry")).post("/exports/new/persons")
    assert answer.status_code == 409
    assert "请缩小条件" in answer.get_data(as_text=True)
    assert session().scalars(select(Job).where(Job.kind == "effect")).all() == []


def test_a_failed_export_says_so_and_is_tried_again(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 0)
    make_person(make_unit())
    sign_in(client, authority_user())
    client.post("/exports/new/persons")
    kept = exports.reveal, exports.file_of
    monkeypatch.setattr(exports, "find_export", lambda *_: 1 / 0)
    jobs.run_due()
    assert session().get_one(ExportLog, log().id, populate_existing=True).state == "failed"
    monkeypatch.undo()
    assert kept == (exports.reveal, exports.file_of)
    clock.move(timedelta(minutes=1))
    jobs.run_due()
    assert session().get_one(ExportLog, log().id, populate_existing=True).state == "done"


def test_the_exports_of_an_english_reader_are_english(client: FlaskClient, clock: Any) -> None:
    make_unit()
    sign_in(client, make_user("ministry", authority_id("ministry")), language="en")
    assert "Unit" in export(client, "units")[0][0]
