"""Exports: the same rows as the list, masked, in scope, logged; whole numbers only with the permission and a purpose (R70, R71)."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text

from service.config import CHECKOUT, settings
from service.models.db.clock import today
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.report_filter import ReportFilter
from service.models.queries.stored_files import file_sizes
from service.models.tables.runtime.case import Job
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.export import ExportLog
from service.models.tables.units.organisation import authority_id
from service.reports import LISTS, REPORTS, annual_classes
from service.reports.framework.report import CellType, Column
from service.web.presenters import report_cells
from service.workflow.notices import tickets
from service.workflow.runtime import jobs, tasks
from service.workflow.system import exports
from tests.api.test_reports import everyone, school
from tests.builders.stage import enroll, known, make_stage, publish_class, task_of
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

PAGES = CHECKOUT / "templates" / "pages"
LIST = re.compile(r'<table class="grid rows')
BUTTON = re.compile(r"export_button\('([a-z-]+)'")
PAPERS_OF_A_CLASS = {"class-roster", "class-sign-in", "class-scores", "class-file"}
NAMED_OTHERWISE = {*PAPERS_OF_A_CLASS, "training-record"}  # on the page of a class, of a person
VIEWS = CHECKOUT / "service" / "web" / "views"
RENDERED = re.compile(r'(?:render|read)_list\(\s*"([a-z-]+)"')
TOOLS = re.compile(r'<form[^>]*method="get"[^>]*>.*?</form>', re.DOTALL)
OF_ONE = {"class-enrollments", "notice-readers", *NAMED_OTHERWISE}
WITHOUT = {  # tables that are no list of the menu, or whose list is exported elsewhere
    "home/index.html": "the inbox by kind",
    "exports/index.html": "the reader's own exports",
    "audit/samples.html": "an auditor's samples, each with its signed paper and JSON",
    "audit/sample.html": "the cases of one sample, which are in its signed paper and JSON",
    "audit/mining.html": "its variants; the elements are the list, with the button of the layout",
    "inbox/results.html": "what came of one batch",
    "printing/handed_out.html": "what came of one batch",
    "persons/_corrections.html": "one correction, before and after",
    "persons/import_columns.html": "columns of one file, to be named",
    "row_history/account.html": "the inbox of one account at one moment",
    "row_history/show.html": "one object on one day; its changes are a filter of the list, which has the button",
    "persons/import_show.html": "refused rows come back as a file of their own",
    "persons/show.html": "one person; his training record is a report",
    "plans/show.html": "one plan",
    "units/show.html": "one unit",
    "accounts/own.html": "one's own sessions",
    "accounts/substitutes.html": "one's own substitutions; what was done for one stands in each case",
    "inbox/workload.html": "the inbox by person; the rows of each are the list, with its button",
    "certificates/show.html": "one certificate",
    "classes/enroll.html": "choosing whom to enrol",
    "enrollments/check_in.html": "the check-in sheet, a paper of the class",
    "printing/new.html": "choosing what to print",
    "persons/versions.html": "two versions of one person",
    "reports/_table.html": "a part of the page of a report, which has the button",
    "reports/record.html": "one person's record, a file of its own",
    "processes/index.html": "definitions are files",
    "processes/show.html": "one definition",
    "processes/mend.html": "choosing what to mend",
    "processes/backtest.html": "the reader's own back-tests",
    "processes/backtest_run.html": "one back-test",
    "processes/compare.html": "one case on two versions",
    "processes/migrate.html": "choosing what to migrate",
    "processes/migration_run.html": "one migration",
    "studio/_differences.html": "what differs between two versions",
    "cases/incidents.html": "choosing what to try again; the list of cases is exported with its incidents",
    "cases/show.html": "one case",
    "processes/_problems.html": "what is wrong with one deployment",
}
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
            if report.name in OF_ONE:
                continue  # what belongs to one class or one notice is asked for with it
            if role in report.roles:
                export(client, report.name)
            else:
                assert client.post(f"/exports/new/{report.name}").status_code == 404, (role, report.name)


def test_an_export_has_the_figures_of_the_page(client: FlaskClient, clock: Any) -> None:
    school()
    user = authority_user("association")
    heads, row, sums = export(sign_in(client, user), "annual-classes")
    cells, totals = dict(zip(heads, row, strict=True)), dict(zip(heads, sums, strict=True))
    table = annual_classes.read(user, ReportFilter(year=today().year))
    for column in table.columns:
        if column.key in annual_classes.SUMS:
            assert cells[column.word] == table.rows[0][column.key], column.word
            assert totals[column.word] == table.totals()[column.key], column.word
    assert cells["合格率"] == totals["合格率"] == 0.75


def test_whatever_narrows_a_page_narrows_its_export(client: FlaskClient, clock: Any) -> None:  # R71
    known, seen = {report.name: report for report in (*REPORTS, *LISTS)}, set[str]()
    for user in everyone().values():
        home = sign_in(client, user).get("/", follow_redirects=True).get_data(as_text=True)
        for address in {*re.findall(r'href="(/[a-z/-]+)"', home), "/units/unentered", "/certificates/prints"} - seen:
            answer = client.get(address, follow_redirects=True)
            seen |= {address} if answer.status_code == 200 else set()
            page = answer.get_data(as_text=True)
            offered = {name for form in TOOLS.findall(page) for name in re.findall(r' name="(\w+)"', form)} - {"page"}
            if address == "/certificates/expired":
                continue  # its button says in the words of the inbox what the page is narrowed to
            for name in {button.partition("?")[0] for button in re.findall(r'action="/exports/new/([^"]+)"', page)}:
                assert offered <= set(known[name].filter_names), (address, name)
    assert {"/audit", "/units/unentered", "/notices", "/certificates/prints", "/persons"} <= seen


def test_the_audit_trail_of_some_days_is_exported(client: FlaskClient, clock: Any) -> None:  # R71
    auditor = make_user("audit_admin", authority_id("platform"))
    for _ in range(3):
        sign_in(client, auditor)
        client.post("/exports/new/audit-events")
        clock.move(timedelta(days=1))
    sign_in(client, auditor)
    day = today() - timedelta(days=2)
    events = export(client, "audit-events", f"since={day}&until={day}&kind=data")
    assert [str(row[0])[:10] for row in events[1:]] == [str(day)]
    told = events[1][events[0].index("说明")]
    assert "清单 audit-events；" in told
    assert "掩码 是" in told
    assert "=" not in told
    client.post("/language", data={"language": "en"})
    assert "List audit-events; " in str(export(client, "audit-events", f"since={day}&until={day}&kind=data")[1])
    assert client.get("/audit?since=0001-01-01&until=9999-12-31").status_code == 200


def test_the_desk_exports_its_tickets_and_everybody_his_own(client: FlaskClient, clock: Any) -> None:  # R71
    desk, asker = authority_user("association"), authority_user()
    for user in (desk, asker):
        tickets.open_ticket(user, {"kind": "ordering", "subject": f"来自{user.login}", "body": "订购"})
    sign_in(client, desk)
    assert [f"来自{desk.login}" in str(export(client, "tickets", view)) for view in ("", "view=desk")] == [True, False]
    assert [f"来自{asker.login}" in str(export(client, "tickets", view)) for view in ("", "view=desk")] == [False, True]


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
    assert client.post("/exports/new/persons", data={"numbers": "whole", "purpose": "报送"}).status_code == 404
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
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 1)
    unit = make_unit()
    for _ in range(3):
        make_person(unit)
    sign_in(client, authority_user())
    answer = client.post("/exports/new/persons")
    row = log()
    assert answer.location == f"/exports/{row.id}"
    page = client.get(answer.location).get_data(as_text=True)
    assert "正在导出：0 / 3 行" in page
    assert client.get(f"/exports/{row.id}/file").status_code == 404
    jobs.run_due()
    assert client.get(f"/exports/{row.id}/file", buffered=True).mimetype == XLSX
    assert "已导出 3 行" in client.get(answer.location, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert list(file_sizes(row.id)) == [""]
    clock.move(timedelta(days=1, seconds=1))
    jobs.run_due()
    assert file_sizes(row.id) == {}
    sign_in(client, authority_user())
    assert client.get(f"/exports/{row.id}").status_code == 404  # another's


def test_more_rows_than_allowed_are_refused(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # R71
    monkeypatch.setattr(exports, "MAX_EXPORT_ROWS", 1)
    for _ in range(2):
        make_person(make_unit())
    answer = sign_in(client, authority_user("ministry")).post("/exports/new/persons")
    assert answer.status_code == 409
    assert "请缩小条件" in answer.get_data(as_text=True)
    assert session().scalars(select(Job).where(Job.kind == "effect")).all() == []


def test_a_failed_export_says_so_and_is_tried_again(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 0)
    make_person(make_unit())
    sign_in(client, authority_user())
    client.post("/exports/new/persons")
    kept = exports.reveal, exports.find_export
    monkeypatch.setattr(exports, "find_export", lambda *_: 1 / 0)
    jobs.run_due()
    assert session().get_one(ExportLog, log().id, populate_existing=True).state == "failed"
    monkeypatch.undo()
    assert kept == (exports.reveal, exports.find_export)
    clock.move(timedelta(minutes=1))
    jobs.run_due()
    assert session().get_one(ExportLog, log().id, populate_existing=True).state == "done"


def test_the_exports_of_an_english_reader_are_english(client: FlaskClient, clock: Any) -> None:
    make_unit()
    sign_in(client, make_user("ministry", authority_id("ministry")), language="en")
    assert "Unit" in export(client, "units")[0][0]


def test_labels_joined_by_dots_are_exported_in_the_language_of_the_reader(app: Flask) -> None:
    column = Column("summary", "说明", CellType.LABELS)
    with app.test_request_context(), force_locale("en"):
        ((cell,),) = report_cells.sheet_rows([column], [{"summary": "取证 · 换证"}])
        assert cell == report_cells.read(column, {"summary": "取证 · 换证"}) == "Initial · Renewal"


def test_every_list_of_the_pages_has_its_export() -> None:  # R71, S86–S124
    """A page with a list has the button, unless it says here why not."""
    found = {
        str(page.relative_to(PAGES)): "export_button(" in page.read_text()
        for page in PAGES.rglob("*.html")
        if LIST.search(page.read_text())
    }
    missing = {name for name, has in found.items() if not has}
    assert missing == set(WITHOUT), missing ^ set(WITHOUT)


def test_every_button_names_a_list_that_somebody_may_take_out() -> None:
    known = {report.name: report for report in (*REPORTS, *LISTS)}
    assert len(known) == len((*REPORTS, *LISTS))
    named = {name for page in PAGES.rglob("*.html") for name in BUTTON.findall(page.read_text())}
    assert named <= set(known)
    assert all(known[name].roles for name in named)
    shown = {name for view in VIEWS.rglob("*.py") for name in RENDERED.findall(view.read_text())}
    for (
        report
    ) in LISTS:  # and no list is without its button, which the layout of lists gives to those that a view shows
        assert report.name in named | NAMED_OTHERWISE | shown, report.name


def test_the_account_list_is_exported_in_scope_with_masked_contacts(client: FlaskClient, clock: Any) -> None:  # S97
    unit, away = make_unit(), make_unit(province="42")
    user = make_user(
        "enterprise", unit.id, display_name="李乙丑", phone_masked="138****5678", mail_masked="l***@example.cn"
    )
    make_user("enterprise", away.id, display_name="外省人")
    make_user("enterprise", unit.id, display_name="停用人", state="disabled")
    sign_in(client, authority_user())
    heads, *rows = export(client, "users", f"unit={unit.id}&state=active")
    (row,) = (dict(zip(heads, row, strict=True)) for row in rows)
    assert (row["登录名"], row["姓名"], row["手机"], row["邮箱"]) == (
        user.login,
        "李乙丑",
        "138****5678",
        "l***@example.cn",
    )
    assert (row["角色"], row["状态"]) == ("企业", "正常")
    assert "外省人" not in str(export(client, "users"))
    sign_in(client, make_user("security_admin", authority_id("platform")))
    assert "外省人" in str(export(client, "users"))


def test_the_inbox_is_exported_with_the_columns_of_the_page(client: FlaskClient, clock: Any) -> None:
    stage = make_stage()
    found = publish_class(stage)
    case, _ = (enroll(stage, found, make_person(stage.unit, name=name)) for name in ("赵甲一", "赵甲二"))
    sign_in(client, known(stage.province))
    heads, *rows = export(client, "inbox", "kind=training_enrollment/confirm_enrollment")
    assert {"事项", "对象", "单位", "开班日", "提交", "办理期限", "办理人"} <= set(heads)
    cells = [dict(zip(heads, row, strict=True)) for row in rows]
    assert sorted(row["对象"] for row in cells) == ["赵甲一", "赵甲二"]
    assert cells[0]["事项"] == "报名确认"
    assert len(export(client, "inbox", "find=甲二")) == 2
    assert len(export(client, "inbox", "view=mine")) == 1
    tasks.complete(stage.province, task_of(case, "confirm_enrollment").id, {"decision": "confirm"})
    done = export(client, "inbox", "view=done")
    assert [row[done[0].index("对象")] for row in done[1:]] == ["赵甲一"]
    sign_in(client, authority_user("provincial_authority", "42"))
    assert len(export(client, "inbox")) == 1


def test_the_enrolments_of_a_class_are_exported_as_far_as_they_are_in_scope(
    client: FlaskClient, clock: Any
) -> None:  # R70
    stage = make_stage()
    found = publish_class(stage)
    class_id = found.id
    enroll(stage, found, make_person(stage.unit, name="赵甲一"))
    sign_in(client, known(stage.association))
    page = client.get(f"/classes/{class_id}").get_data(as_text=True)
    assert f"/exports/new/class-enrollments?class_id={class_id}" in page
    assert "赵甲一" in str(export(client, "class-enrollments", f"class_id={class_id}"))
    assert "赵甲一" in str(export(sign_in(client, known(stage.province)), "class-enrollments", f"class_id={class_id}"))
    assert client.post("/exports/new/class-enrollments").status_code == 404
    sign_in(client, make_user("enterprise", make_unit(province="42").id))
    assert "赵甲一" not in str(export(client, "class-enrollments", f"class_id={class_id}"))


def test_an_administrator_s_cases_hide_the_names(client: FlaskClient, clock: Any) -> None:
    stage = make_stage()
    enroll(stage, publish_class(stage), make_person(stage.unit, name="欧阳甲一"))
    sign_in(client, known(make_user("audit_admin", authority_id("platform"))))
    told = str(export(client, "cases", "process=training_enrollment"))
    assert "欧＊＊＊" in told
    assert "欧阳" not in told
    assert "欧阳甲一" in str(export(sign_in(client, known(stage.province)), "cases", "state=running"))


def test_the_changes_of_settings_are_exported_to_those_whose_they_are(client: FlaskClient, clock: Any) -> None:
    sign_in(client, known(make_user("security_admin", authority_id("platform"))))
    client.post("/settings", data={"password_days": "60"})
    heads, row = export(client, "setting-changes")
    assert dict(zip(heads, row, strict=True))["原值"] == "90"
    sign_in(client, known(make_user("sys_admin", authority_id("platform"))))
    assert len(export(client, "setting-changes")) == 1


def test_a_file_at_rest_is_sealed(client: FlaskClient, clock: Any) -> None:
    number = identity_number(9)
    make_person(make_unit(), name="赵大", number=number)
    export(sign_in(client, authority_user()), "persons", numbers="whole", purpose="报送年度备案")
    sealed = (
        session().execute(text("SELECT sealed FROM file_piece WHERE owner_id = :id"), {"id": log().id}).scalar_one()
    )
    assert b"PK" not in bytes(sealed)[:100]
    assert not any(left.is_dir() for left in (settings().data_dir / "exports").iterdir())


def test_a_running_export_is_given_up_and_leaves_no_file(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 0)
    monkeypatch.setattr("service.reports.framework.table.BATCH_ROWS", 1)
    unit = make_unit()
    for _ in range(3):
        make_person(unit)
    sign_in(client, authority_user())
    client.post("/exports/new/persons")
    row = log()
    kept = exports.reveal

    def stop_midway(rows: Any) -> Any:
        assert client.post(f"/exports/{row.id}/stop").status_code == 302
        return kept(rows)

    monkeypatch.setattr(exports, "reveal", stop_midway)
    with transaction(Operation("test")) as current:
        current.get_one(ExportLog, row.id).purpose = "报送"
        current.get_one(ExportLog, row.id).masked = False
    jobs.run_due()
    assert session().get_one(ExportLog, row.id, populate_existing=True).state == "stopped"
    assert file_sizes(row.id) == {}
    page = client.get(f"/exports/{row.id}").get_data(as_text=True)
    assert "这次导出已取消" in page
    assert "已取消" in client.get("/exports").get_data(as_text=True)
    assert client.post(f"/exports/{row.id}/stop").status_code == 409
    sign_in(client, authority_user())
    assert client.post(f"/exports/{row.id}/stop").status_code == 404  # another's


def test_one_that_is_given_up_before_its_job_begins_is_not_written(
    client: FlaskClient, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 0)
    make_person(make_unit())
    sign_in(client, authority_user())
    client.post("/exports/new/persons")
    client.post(f"/exports/{log().id}/stop")
    jobs.run_due()
    assert session().get_one(ExportLog, log().id, populate_existing=True).state == "stopped"
    assert file_sizes(log().id) == {}
