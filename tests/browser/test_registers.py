"""Registers in a real Chromium: axe-core on every page in both languages, the width of a telephone, the keyboard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from service.models.db.clock import MovingClock
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.training.training import TrainingClass
from service.workflow.runtime import jobs
from service.workflow.training import enrollments
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.stage import Stage, at_nine, do, enroll, make_stage, publish_class
from tests.builders.world import make_certificate, make_person, make_photo, portrait

pytestmark = pytest.mark.browser
PHONE = {"width": 360, "height": 740}


@dataclass(slots=True)
class Scene:
    """A class on its first day with somebody waiting at each step, and a person with a certificate."""

    stage: Stage
    found: TrainingClass
    person: Person
    certificate: Certificate


@pytest.fixture
def scene(app: Flask, clock: MovingClock) -> Scene:
    stage = make_stage()
    person = make_person(stage.unit, "刘己巳")
    make_photo(person)
    certificate = make_certificate(person)
    enrollments.refresh_need()
    found = publish_class(stage)
    cases = [enroll(stage, found, stage.person(name=name)) for name in ("赵丁卯", "陈戊辰", "孙庚午")]
    enrollments.refresh_need()
    for case_id in cases[1:]:
        do(stage.province, case_id, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    jobs.run_all()
    do(stage.association, cases[2], "check_in")
    return Scene(stage, found, person, certificate)


PAGES = [
    ("province", "/units"),
    ("province", "/units/{s.stage.unit.id}"),
    ("province", "/units/new"),
    ("enterprise", "/units/{s.stage.unit.id}/edit"),
    ("province", "/persons"),
    ("province", "/persons/{s.person.id}"),
    ("enterprise", "/persons/new"),
    ("enterprise", "/persons/{s.person.id}/edit"),
    ("province", "/persons/{s.person.id}/deregister"),
    ("association", "/persons/{s.person.id}/transfer"),
    ("association", "/persons/{s.person.id}/type"),
    ("province", "/classes"),
    ("association", "/classes/{s.found.id}"),
    ("association", "/classes/new"),
    ("enterprise", "/classes/{s.found.id}/enroll"),
    ("enterprise", "/classes/{s.found.id}/enroll?view=others"),
    ("association", "/classes/{s.found.id}/check-in"),
    ("institution", "/classes/{s.found.id}/scores"),
    ("enterprise", "/enrollments"),
    ("association", "/certificates"),
    ("association", "/certificates/{s.certificate.id}"),
    ("province", "/verify"),
    ("province", "/verify/{s.certificate.verify_token}"),
]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_and_no_page_is_wider_than_a_telephone(
    page: Page, app: Flask, scene: Scene, language: str
) -> None:
    page.set_viewport_size(PHONE)
    found = []
    for reader, address in PAGES:
        sign_in(page, app, getattr(scene.stage, reader), language=language)
        page.goto(address.format(s=scene))
        expect(page.locator("h1")).to_be_visible()
        found += violations(page) + overflow(page)
    assert found == []


def test_the_dark_and_the_large_face_pass_too(page: Page, app: Flask, scene: Scene) -> None:
    found = []
    for reader, address in PAGES[4:6] + PAGES[12:18] + PAGES[20:]:
        sign_in(page, app, getattr(scene.stage, reader), theme="dark", text="large")
        page.goto(address.format(s=scene))
        found += violations(page)
    assert found == []


def test_a_person_is_entered_with_a_photo_and_an_error_keeps_what_was_typed(
    page: Page, app: Flask, scene: Scene, tmp_path: Path
) -> None:
    photo = tmp_path / "照片.jpg"
    photo.write_bytes(portrait())
    sign_in(page, app, scene.stage.enterprise).goto("/persons/new")
    expect(page.get_by_label("出生日期")).to_be_hidden()  # follows from the identity number (R18)
    page.get_by_label("姓名").fill("吴壬申")
    page.get_by_label("证件号码").fill("370000198001010026")
    page.get_by_label("资格类型").select_option(label="安全生产管理人员（生产）")
    page.get_by_label("职务").fill("安全科长")
    page.get_by_label("上传照片").set_input_files(photo)
    page.get_by_label("已核实该人员").check()
    page.get_by_role("button", name="保存并提交审批").click()
    expect(page.locator("#id_number-wrong")).to_contain_text("校验不符")
    expect(page.get_by_label("职务")).to_have_value("安全科长")
    page.get_by_label("证件号码").fill("370000198001010025")
    page.get_by_label("上传照片").set_input_files(photo)
    page.get_by_role("button", name="保存并提交审批").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("吴壬申")
    expect(page.locator(".head .tag").first).to_have_text("待审批")
    assert page.locator("img.photo").evaluate("picture => picture.naturalWidth") >= 295


def test_people_are_ticked_and_checked_in_by_the_keyboard_alone(page: Page, app: Flask, scene: Scene) -> None:
    sign_in(page, app, scene.stage.association).goto(f"/classes/{scene.found.id}/check-in")
    page.get_by_label("全选").focus()
    page.keyboard.press("Space")
    expect(page.get_by_label("陈戊辰", exact=True)).to_be_checked()
    page.get_by_role("button", name="为勾选的人员报到").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("已报到 1 人")


def test_a_wrong_score_stays_in_its_row_with_the_reason(page: Page, app: Flask, scene: Scene) -> None:
    sign_in(page, app, scene.stage.institution).goto(f"/classes/{scene.found.id}/scores")
    score = page.get_by_label("孙庚午：成绩", exact=True)
    score.fill("101")
    page.keyboard.press("Control+Enter")
    expect(score).to_have_value("101")
    expect(page.locator("tr.bad .why")).to_contain_text("100")
    score.fill("88.5")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status").first).to_contain_text("已提交 1 人的成绩")
