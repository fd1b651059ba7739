"""Run by test_recipes.py in a copy of the checkout in which the four recipes were followed: what they promise is there."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from service.config import settings
from service.domain.accounts.roles import Role
from service.infrastructure.documents import pdf
from service.migrations import upgrade
from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.runtime.case import Case
from service.reports import may_export, training_record
from service.web.presenters.papers import papers
from service.web.shell.menu import MENU
from service.workflow.certificates import certificate_expiry
from service.workflow.processes import definitions
from service.workflow.versions import path_deployments
from setup import translations
from tests.api.v1_world import Machine, make_world, told
from tests.builders.stage import Stage, do, ended_at, open_tasks, task_of
from tests.builders.world import make_certificate, make_person, sign_in


def english(client: FlaskClient, path: str) -> str:
    """The page as who reads English sees it."""
    with client.session_transaction() as chosen:
        chosen["language"] = "en"
    page = client.get(path).text
    with client.session_transaction() as chosen:
        del chosen["language"]
    return page


@pytest.fixture
def stage(app: Flask, clock: Any) -> Stage:
    """The people of the tests on a migrated database with the diagrams of this copy."""
    upgrade(settings().owner_url, settings().roles)
    names = ("certificate_deregistration", "training_enrollment")
    deployed = path_deployments.deploy_paths([definitions.PROCESSES / f"{name}.bpmn" for name in names])
    assert [one.problems for one in deployed] == [(), ()]
    return make_world()


def test_every_text_has_its_english() -> None:
    assert translations.problems() == []


def test_a_field_of_a_person(client: FlaskClient, stage: Stage) -> None:
    unit, person = Machine(client, stage.enterprise), make_person(stage.unit, state="draft")
    for value in ("王五 13800000000", "赵六 13900000000"):
        told(unit.patch(f"/persons/{person.id}", {"emergency_contact": value}))
    assert told(unit.get(f"/persons/{person.id}"))["emergency_contact"] == value

    schemas = client.get("/api/openapi.json").json["components"]["schemas"]
    for name in ("PersonRecord", "NewPerson", "PersonChange"):
        member = schemas[name]["properties"]["emergency_contact"]
        assert member["description"] == "紧急联系人。 / Emergency contact."
    assert member["maxLength"] == 60

    sign_in(client, stage.enterprise)
    form = client.get("/persons/new").text
    assert "紧急联系人" in form
    assert 'name="emergency_contact"' in form
    assert "Emergency contact" in english(client, "/persons/new")
    assert f'value="{value}"' in client.get(f"/persons/{person.id}/edit").text

    template = CalamineWorkbook.from_filelike(io.BytesIO(client.get("/persons/import/template.xlsx").data))
    heads = [str(cell).strip(" *＊") for row in template.get_sheet_by_index(0).to_python() for cell in row]
    assert "紧急联系人" in heads

    page = client.get(f"/persons/{person.id}").text
    assert f"<dt>紧急联系人</dt><dd>{value}</dd>" in page
    assert f"紧急联系人 <del>王五 13800000000</del> <ins>{value}</ins>" in page  # the history
    assert value in client.get(f"/persons/{person.id}/record").text
    with client.application.test_request_context():
        g._login_user = stage.enterprise  # as whoever asks for the paper
        paper = pdf.render(
            "documents/training_record.html", papers.record(training_record.read(stage.enterprise, person.id))
        )
    assert "紧急联系人" in paper
    assert value in paper


def test_a_report(client: FlaskClient, stage: Stage) -> None:
    assert may_export("units-by-business", Role.MINISTRY)
    assert "units-by-business" in [item.export for section in MENU for item in section.items]

    sign_in(client, stage.ministry)
    assert "单位业务范围统计" in client.get("/more").text  # the menu
    assert "单位业务范围统计" in client.get("/reports").text
    page = client.get("/reports/units-by-business").text
    assert "生产和销售" in page
    export = re.search(r'action="(/exports/new/units-by-business[^"]*)"', page)
    assert export
    sheet = client.post(unescape(export[1]), follow_redirects=True).data
    rows = CalamineWorkbook.from_filelike(io.BytesIO(sheet)).get_sheet_by_index(0).to_python()
    assert "单位数" in [cell for row in rows for cell in row]
    assert "Units by business" in english(client, "/reports/units-by-business")
    assert "单位数" in client.get("/reports/units-by-business/print").text

    rest = Machine(client, stage.ministry)
    assert "units-by-business" in [one["name"] for one in told(rest.get("/reports"))["items"]]
    assert [row["units"] for row in told(rest.get("/reports/units-by-business"))["items"]] == [1, 0, 0]


def test_a_user_task(client: FlaskClient, stage: Stage) -> None:
    expired = make_certificate(stage.person(), today() - timedelta(days=1))
    assert certificate_expiry.start_deregistrations() == 1
    case = session().scalars(select(Case.id).where(Case.business_key == str(expired.id))).one()
    assert do(stage.ministry, case, "deregister_certificate", decision="deregister") == ["file_papers"]

    sign_in(client, stage.ministry)
    assert "材料归档" in client.get("/inbox").text
    task = task_of(case, "file_papers")
    page = client.get(f"/tasks/{task.id}").text
    assert all(text in page for text in ("材料归档", "档号", 'name="file_number"', expired.number))
    assert "File number" in english(client, f"/tasks/{task.id}")

    assert do(stage.ministry, case, "file_papers", file_number="2026-0017") == open_tasks(case) == []
    assert ended_at(case) == "deregistered"
    found = session().get_one(Certificate, expired.id, populate_existing=True)
    assert found.void_reason == "有效期满，未参加换证培训（2026-0017）"


def test_a_rule(client: FlaskClient, stage: Stage) -> None:
    late = make_person(stage.unit)
    make_certificate(late, date(today().year + 1, 3, 20))
    young = make_person(stage.unit)
    make_certificate(young, date(today().year + 3, 2, 1), issued_on=date(today().year, 2, 1))
    unit = Machine(client, stage.enterprise)
    needs = [told(unit.get(f"/persons/{person.id}")) for person in (late, young)]
    assert [one["need"] for one in needs] == ["renewal", "refresher"]
    assert all(f"标准点 {today().year + 1}-04-01" in one["need_explained"] for one in needs)
