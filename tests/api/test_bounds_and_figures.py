"""Bounds that look at the whole of a value (R3, R78), and figures that are not there yet (R88)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.domain.accounts.roles import Role
from service.errors import NotFound
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.system.audit import RowChange
from service.reports import LISTS, REPORTS, read_list
from service.reports.framework.report import CellType, Ratio
from service.workflow.training.enrollments import refresh_need
from tests.api.test_exports import export
from tests.api.test_pages_plans import PLAN
from tests.api.v1_world import Machine, make_world, told
from tests.builders.stage import Stage, known, make_stage
from tests.builders.trained import make_enrollment
from tests.builders.world import (
    authority_user,
    credit_code,
    fresh,
    identity_number,
    make_class,
    make_unit,
    make_user,
    sign_in,
)

MISFIT = "91350203M0001QKT19"  # a genuine code whose check character is another
PERSON = {
    "name": "陈戊辰",
    "id_type": "resident_id",
    "id_number": identity_number(1),
    "qualification_type": "MANAGER_PROD",
    "no_criminal_record": "true",
}
UNIT = {"business": "sale", "legal_rep": "郑丁", "contact": "吴戊", "phone": "053112345678", "address": "济南市"}


@pytest.mark.parametrize("capacity", ["0000000019999", "0000000010000000000", "2001", "1" * 30, "5²", "٥٠"])
def test_a_capacity_is_looked_at_whole(client: FlaskClient, clock: MovingClock, capacity: str) -> None:
    answer = sign_in(client, authority_user()).post("/plans", data=PLAN | {"capacity": capacity})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "须在 1 与 2000 之间" in page or "请填写整数" in page


def test_full_width_digits_are_a_capacity(client: FlaskClient, clock: MovingClock) -> None:
    assert sign_in(client, authority_user()).post("/plans", data=PLAN | {"capacity": "５０"}).status_code == 302


@pytest.mark.parametrize(
    ("issued", "until"), [("2025-01-01", "2075-01-01"), ("1900-01-01", "9999-12-31"), ("", "2075-01-01")]
)
def test_r78_an_older_certificate_is_not_valid_for_ever(client: FlaskClient, issued: str, until: str) -> None:
    unit = make_unit()
    sign_in(client, make_user("enterprise", unit.id))
    typed = PERSON | {
        "certificate_number": "37201888999",
        "certificate_issued_on": issued,
        "certificate_valid_to": until,
    }
    answer = client.post("/persons", data=typed)
    assert answer.status_code == 422
    assert "certificate_valid_to" in answer.get_data(as_text=True)


def test_a_genuine_code_that_breaks_the_check_stands_by_the_word_of_an_authority(client: FlaskClient) -> None:
    """The province says why; the unit itself cannot, and is told who can. The reason is kept and shown."""
    unit = make_unit(credit_code=None, state="draft")
    officer = make_user("enterprise", unit.id)
    own = sign_in(client, officer).post(
        f"/units/{unit.id}", data=UNIT | {"credit_code": MISFIT, "credit_code_reason": "见执照"}
    )
    assert own.status_code == 422
    assert "由省级主管部门填写核实说明" in own.get_data(as_text=True)
    province = sign_in(client, authority_user())
    assert province.post(f"/units/{unit.id}", data=UNIT | {"credit_code": MISFIT}).status_code == 422
    given = UNIT | {"credit_code": MISFIT, "credit_code_reason": "已核对营业执照原件，登记机关确认。"}
    assert province.post(f"/units/{unit.id}", data=given).status_code == 302
    kept = fresh(unit)
    assert (kept.credit_code, kept.credit_code_reason, kept.state) == (MISFIT, given["credit_code_reason"], "complete")
    assert given["credit_code_reason"] in province.get(f"/units/{unit.id}").get_data(as_text=True)
    changes = session().query(RowChange).filter_by(table_name="organisation", row_id=unit.id).all()
    assert any((one.after or {}).get("credit_code_reason") for one in changes)
    assert sign_in(client, officer).post(f"/units/{unit.id}", data=UNIT | {"contact": "新联系人"}).status_code == 302
    assert fresh(unit).credit_code_reason == given["credit_code_reason"]
    again = sign_in(client, authority_user())
    assert again.post(f"/units/{unit.id}", data=UNIT | {"credit_code": credit_code(77)}).status_code == 302
    assert fresh(unit).credit_code_reason is None


def test_a_code_of_zeros_is_refused_whatever_is_said(client: FlaskClient) -> None:
    given = {"name": "零号民爆公司", "kind": "enterprise", "credit_code": "0" * 18, "credit_code_reason": "见执照"}
    assert sign_in(client, authority_user()).post("/units", data=given).status_code == 422


def test_the_province_vouches_for_a_code_over_rest_too(client: FlaskClient, app: Flask) -> None:
    stage = make_world()
    machine = Machine(client, stage.province)
    given: dict[str, Any] = {"name": "厦门民爆公司", "kind": "enterprise", "credit_code": MISFIT}
    assert machine.post("/units", given).status_code == 422
    made = told(machine.post("/units", given | {"credit_code_reason": "已核对执照原件。"}), 201)
    assert (made["credit_code"], made["credit_code_reason"]) == (MISFIT, "已核对执照原件。")


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


def everybody(stage: Stage) -> list[User]:
    group = known(make_user("group", make_unit("group").id))
    return [stage.ministry, stage.association, stage.province, stage.enterprise, stage.institution, group]


def figures(user: User) -> dict[tuple[str, str], list[Ratio]]:
    """Every rate that the reader is shown: of rows, sums, parts of sums, by every grouping; and the ends of charts."""
    found: dict[tuple[str, str], list[Ratio]] = {}
    for report in (*REPORTS, *LISTS):
        if Role(user.role) not in report.roles:
            continue
        for by in ("", "province", "unit", "kind"):
            try:
                table = read_list(report.name, user, {"by": by} if by else {}).table
            except NotFound:
                continue
            rows = [*(row for batch in table.batches() for row in batch), table.totals()]
            rows += [row for part in report.groups(table) for _, row in part.rows]
            values = [value for row in rows for value in row.values() if isinstance(value, Ratio)]
            if any(column.kind is CellType.RATIO for column in table.columns) or values:
                found[report.name, by] = values
    return found


def shown(client: FlaskClient, user: User) -> str:
    """The pages, papers and first page on which rates stand, as text."""
    desk = sign_in(client, user)
    addresses = ["/", *(f"/reports/{report.name}" for report in REPORTS if Role(user.role) in report.roles)]
    return "\n".join(desk.get(address).get_data(as_text=True) for address in addresses)


def test_r88_a_rate_of_nobody_is_a_dash_in_every_report_and_on_every_page(client: FlaskClient, stage: Stage) -> None:
    seen = set()
    for user in everybody(stage):
        for (name, _by), values in figures(user).items():
            seen.add(name)
            assert {str(value) for value in values} <= {"—"}, (user.role, name)
        assert "0.0%" not in shown(client, user), user.role
    assert seen == {"due-training", "annual-classes", "class-trainees", "renewal-trainees"}


def test_r88_scores_that_nobody_has_confirmed_and_trainings_that_nobody_ended_give_no_rate(
    client: FlaskClient, stage: Stage
) -> None:
    """26 took the examination of a class, nothing is confirmed; another class is confirmed: its rate is its own."""
    waiting = make_class("renewal", title="未确认班")
    judged = make_class("renewal", title="已确认班", code="B2")
    for _ in range(3):
        make_enrollment(stage.person(), waiting, "scored", 800)
    make_enrollment(stage.person(), judged, "completed", 900, ended_on=date(2025, 3, 1))
    make_enrollment(stage.person(), judged, "failed", 300)
    refresh_need()
    year = str(waiting.starts_on.year)
    for user in (stage.ministry, stage.association, stage.province):
        table = read_list("annual-classes", user, {"year": year}).table
        rows = {row["class_title"]: row for batch in table.batches() for row in batch}
        assert str(rows["未确认班"]["rate"]) == "—"
        assert rows["未确认班"]["participated"] == 3
        assert str(rows["已确认班"]["rate"]) == "50.0%"
        assert str(table.totals()["rate"]) == "50.0%"
        page = shown(client, user)
        assert "0.0%" not in page.replace("50.0%", "").replace("100.0%", ""), user.role
    sheet = export(sign_in(client, stage.ministry), "annual-classes", f"year={year}")
    assert any("—" in str(line) for line in sheet)


def test_r88_a_class_in_which_everybody_failed_has_a_rate_of_nought(stage: Stage) -> None:
    judged = make_class("renewal", title="全未过班")
    make_enrollment(stage.person(), judged, "failed", 300)
    table = read_list("annual-classes", stage.ministry, {"year": str(judged.starts_on.year)}).table
    assert str(table.totals()["rate"]) == "0.0%"
