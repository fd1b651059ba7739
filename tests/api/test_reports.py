"""Reports: who may read which, the same numbers on page, picture and paper, and what the figures mean (domain.md §11)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.models.db.clock import today
from service.models.db.transaction import Operation, transaction
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.units.organisation import authority_id
from service.reports import (
    REPORTS,
    annual_classes,
    due_persons,
    due_training,
    expiry_warnings,
    reissue_register,
    renewal_trainees,
    unit_summary,
)
from service.reports.framework.report import Ratio
from service.workflow.training import enrollments
from tests.api.queries import counted
from tests.builders.trained import decide_needs, make_enrollment, this_year
from tests.builders.world import (
    authority_user,
    make_certificate,
    make_class,
    make_institution,
    make_person,
    make_unit,
    make_user,
    sign_in,
)

MOST_QUERIES = 15


def everyone() -> dict[str, User]:
    """A user of each role."""
    unit, centre = make_unit("enterprise"), make_institution()
    return {
        "ministry": authority_user("ministry"),
        "provincial_authority": authority_user(),
        "association": authority_user("association"),
        "training_institution": make_user("training_institution", centre.id),
        "group": make_user("group", make_unit("group").id),
        "enterprise": make_user("enterprise", unit.id),
        "audit_admin": make_user("audit_admin", authority_id("platform")),
    }


def test_each_report_opens_for_its_roles_and_is_not_found_for_others(client: FlaskClient, clock: Any) -> None:  # R70
    for role, user in everyone().items():
        sign_in(client, user)
        for report in REPORTS:
            for address in (f"/reports/{report.name}", f"/reports/{report.name}/print"):
                expected = 200 if role in report.roles else 404
                assert client.get(address).status_code == expected, (role, address)


def test_no_report_needs_more_than_15_queries(client: FlaskClient, clock: Any) -> None:
    school()
    sign_in(client, authority_user("ministry"))
    for report in REPORTS:
        if "ministry" in report.roles:
            with counted() as sent:
                client.get(f"/reports/{report.name}")
            assert len(sent) <= MOST_QUERIES, (report.name, len(sent))


def school() -> None:
    """A class that three passed, one after the make-up, one failed and one never sat; two provinces."""
    ours, theirs = make_unit(name="甲公司"), make_unit(province="42", name="乙公司")
    found = make_class(
        "renewal",
        starts_on=this_year(2, 1),
        ends_on=this_year(2, 3),
        enrol_from=this_year(1, 1),
        enrol_until=this_year(1, 20),
        state="completed",
        title="换证一班",
    )
    people = [make_person(ours if n < 4 else theirs) for n in range(6)]
    for person, state, scores in zip(
        people,
        ["completed", "completed", "failed", "no_show", "certifying", "failed"],
        [(800,), (500, 600), (500, 590), (), (600,), (None,)],
        strict=True,
    ):
        certificate = make_certificate(person)
        row = make_enrollment(person, found, state, *scores)
        if state == "completed":
            certificate_of(row, certificate)
    decide_needs()


def certificate_of(row: Any, certificate: Any) -> None:
    from service.models.db.session import session
    from service.models.db.transaction import Operation, transaction
    from service.models.tables.certificates.certificate import Certificate

    with transaction(Operation("test")):
        session().get_one(Certificate, certificate.id).enrollment_id = row.id


def test_the_annual_table_counts_attempts_and_passes(client: FlaskClient, clock: Any) -> None:
    school()
    user = authority_user("association")
    table = annual_classes.read(user, ReportFilter(year=today().year))
    (row,) = table.rows
    figures = {key: row[key] for key in annual_classes.SUMS[1:]}
    assert figures == {
        "enrolled": 6,
        "confirmed": 6,
        "came": 5,
        "participated": 4,
        "judged": 4,
        "passed": 3,
        "failed": 1,
        "certified": 2,
    }
    assert str(row["rate"]) == "75.0%"  # an absence took no attempt
    kinds = dict(annual_classes.groups(table)[0].rows)
    assert str(kinds["取证"]["rate"]) == "—"  # nothing of nothing
    bar = next(b for b in annual_classes.chart(user, ReportFilter(), table).bars if b.word == "换证")
    assert bar.values == (3, 1, 2)


def test_a_province_counts_its_own_persons_in_the_classes_of_others(client: FlaskClient, clock: Any) -> None:  # R70
    school()
    table = annual_classes.read(authority_user(code="42"), ReportFilter(year=today().year))
    assert [(row["enrolled"], row["passed"]) for row in table.rows] == [(2, 1)]
    assert annual_classes.read(authority_user(code="11"), ReportFilter(year=today().year)).rows == []


def test_the_page_and_the_picture_show_the_figures_of_the_query(client: FlaskClient, clock: Any) -> None:
    school()
    user = authority_user("ministry")
    sums = renewal_trainees.read(user, ReportFilter(year=today().year)).totals()
    assert (sums["n"], sums["participated"], sums["passed"], sums["failed"], sums["open"]) == (6, 4, 3, 1, 2)
    page = sign_in(client, user).get("/reports/renewal-trainees").get_data(as_text=True)
    told = re.findall(r"<span>(\w+)<b>([\d.%]+)</b></span>", page)
    assert dict(told) == {"共": "6", "参考": "4", "合格": "3", "不合格": "1", "未定": "2", "合格率": "75.0%"}
    assert "合格 3，不合格 1，未定 2，75.0%" in page
    assert page.count('class="main"') == 6


def test_due_training_counts_each_person_once_and_leads_to_his_name(client: FlaskClient, clock: Any) -> None:  # S85
    unit = make_unit(name="甲公司")
    day = today()
    needs: list[tuple[str, int | None]] = [("取证", None), ("换证", 100), ("再培训", 900), ("过期", -5)]
    people = {name: make_person(unit, name=f"{name}人") for name, _ in needs}
    for name, left in needs:
        if left is not None:
            make_certificate(
                people[name],
                day + timedelta(days=left),
                issued_on=day - timedelta(days=800),
                first_issued_on=day - timedelta(days=800),
            )
    renewed = make_person(unit, name="已换证")
    make_certificate(renewed, day + timedelta(days=1090), issued_on=day, first_issued_on=day)
    done, running = make_class("renewal", enrol_until=day, starts_on=day, ends_on=day), make_class("initial")
    make_enrollment(renewed, done, "completed", 800)
    make_enrollment(people["取证"], running, "confirmed")
    make_person(unit, state="pending")
    decide_needs()
    user = authority_user()
    (row,) = due_training.read(user, ReportFilter(by="unit")).rows
    figures = {c.key: row[c.key] for c in due_training.read(user, ReportFilter(by="unit")).columns[2:]}
    assert figures == {
        "persons": 5,
        "holders": 3,
        "initial": 1,
        "refresher": 1,
        "renewal": 1,
        "expired": 1,
        "done": 1,
        "live": 1,
        "rate": Ratio(1, 4),
    }
    by_kind = {
        r["kind_code"]: (r["due"], r["done"], r["live"], r["waiting"])
        for r in due_training.read(user, ReportFilter(by="kind")).rows
    }
    assert by_kind == {"initial": (1, 0, 1, 0), "refresher": (1, 0, 0, 1), "renewal": (2, 1, 0, 1)}
    page = sign_in(client, user).get("/reports/due-training").get_data(as_text=True)
    address = re.search(r'href="(/reports/due-persons\?[^"]*need=renewal[^"]*)"', page)
    assert address
    names = client.get(address[1].replace("&amp;", "&")).get_data(as_text=True)
    assert "换证人" in names
    assert "再培训人" not in names
    totals = due_persons.read(user, ReportFilter()).totals()
    assert (totals["n"], totals["waiting"], totals["live"]) == (4, 2, 1)


@pytest.mark.parametrize(
    ("left", "band"),
    [(-1, "expired"), (0, "30"), (30, "30"), (31, "60"), (60, "60"), (61, "90"), (90, "90"), (91, None)],
)
def test_a_certificate_warns_in_the_narrowest_band(app: Any, clock: Any, left: int, band: str | None) -> None:  # R66
    make_certificate(make_person(make_unit()), today() + timedelta(days=left))
    user = authority_user()
    page = expiry_warnings.read(user, ReportFilter()).page(None)
    assert [row["band_code"] for row in page.rows] == ([band] if band else [])
    assert [row["days"] for row in page.rows] == ([left] if band else [])
    assert expiry_warnings.read(authority_user(code="42"), ReportFilter()).page(None).rows == []


def test_r66_only_an_approved_certificate_warns(app: Any, clock: Any) -> None:
    for state in ("issued", "superseded", "revoked", "deregistered", "void"):
        make_certificate(make_person(make_unit()), today(), state=state)
    assert expiry_warnings.read(authority_user("ministry"), ReportFilter()).totals()["n"] == 0


def test_a_deregistered_holder_warns_no_more(app: Any, clock: Any) -> None:  # R17
    make_certificate(make_person(make_unit(), state="deregistered"), today())
    assert expiry_warnings.read(authority_user("ministry"), ReportFilter()).totals()["n"] == 0


def test_the_unit_summary_counts_units_and_persons_of_each_province(app: Any, clock: Any) -> None:
    group = make_unit("group")
    branch = make_unit("branch", province="42", parent_id=group.id)
    make_unit("enterprise", state="deleted")
    make_certificate(make_person(group))
    make_person(branch, state="pending")
    make_person(branch, state="draft")
    enrollments.refresh_need()  # as the worker does within half a second
    rows = {row["province"]: row for row in unit_summary.read(authority_user("ministry"), ReportFilter()).rows}
    assert {k: rows["山东省"][k] for k in ("group", "branch", "persons", "holders", "pending")} == {
        "group": 1,
        "branch": 0,
        "persons": 1,
        "holders": 1,
        "pending": 0,
    }
    assert {k: rows["湖北省"][k] for k in ("branch", "persons", "pending")} == {"branch": 1, "persons": 1, "pending": 1}


def test_papers_of_a_class_are_for_its_institution_and_the_association(client: FlaskClient, clock: Any) -> None:
    centre = make_institution("甲中心")
    found = make_class(institution=centre)
    make_enrollment(make_person(make_unit(), name="赵大"), found, "confirmed")
    other = make_user("training_institution", make_institution("乙中心").id)
    for user, status in (
        (make_user("training_institution", centre.id), 200),
        (authority_user("association"), 200),
        (other, 404),
        (authority_user("ministry"), 404),
    ):
        for paper in ("class-roster", "class-sign-in", "class-scores"):
            answer = sign_in(client, user).get(f"/classes/{found.id}/papers/{paper}")
            assert answer.status_code == status, (user.role, paper)
            if status == 200 and paper != "class-scores":
                assert "赵大" in answer.get_data(as_text=True)


def test_the_training_record_of_a_person_stays_in_scope(client: FlaskClient, clock: Any) -> None:  # S12, R70
    school()
    unit = make_unit()
    person = make_person(unit, name="钱二")
    make_enrollment(person, make_class("initial", title="取证一班"), "completed", 885)
    make_certificate(person)
    page = sign_in(client, make_user("enterprise", unit.id)).get(f"/persons/{person.id}/record").get_data(as_text=True)
    assert "取证一班" in page
    assert "88.5" in page
    answer = client.get(f"/persons/{person.id}/record.pdf")
    assert answer.data.startswith(b"%PDF")
    assert sign_in(client, authority_user(code="42")).get(f"/persons/{person.id}/record").status_code == 404


def test_the_first_page_shows_each_role_its_panels_with_few_queries(
    client: FlaskClient, clock: Any
) -> None:  # S85, S114
    school()
    for role, user in everyone().items():
        with counted() as sent:
            answer = sign_in(client, user).get("/")
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200
        assert len(sent) <= MOST_QUERIES, role
        assert ("证书预警" in page) == (role in expiry_warnings.REPORT.roles), role
        assert ("本年应培训完成情况" in page) == (role in due_training.REPORT.roles), role
        assert ("近 12 个月培训人次" in page) == (role in {*annual_classes.REPORT.roles, "training_institution"}), role


def test_the_register_of_reissues_tells_what_was_asked_and_what_came_of_it(app: Any, clock: Any) -> None:  # R64
    unit = make_unit()
    lost = make_certificate(make_person(unit, name="孙三"), state="superseded")
    found = make_certificate(make_person(unit), supersedes_id=lost.id)
    case_id = make_enrollment(make_person(unit), make_class(), "confirmed").case_id
    asker = make_user("enterprise", unit.id)
    with transaction(Operation("test")) as current:
        current.add(
            Reissue(
                certificate_id=lost.id,
                new_certificate_id=found.id,
                unit_id=unit.id,
                requested_by=asker.id,
                statement="搬迁时遗失",
                state="completed",
                case_id=case_id,
            )
        )
    table = reissue_register.read(authority_user("association"), ReportFilter(year=today().year))
    (row,) = table.page(None).rows
    assert (row["name"], row["statement"], row["state"], row["edition"], row["new_edition"]) == (
        "孙三",
        "搬迁时遗失",
        "已补办",
        "1",
        "1",
    )
    assert table.totals()["completed"] == 1
    assert reissue_register.read(authority_user("association"), ReportFilter(state="refused")).totals()["n"] == 0
