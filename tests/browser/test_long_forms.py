"""Long forms in a real Chromium: a photo cut in the page, what a number says, what was typed is not lost, once is once."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.persons.person import Person, Photo
from service.workflow.notices import notices, tickets
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.stage import Stage, make_stage
from tests.builders.world import identity_number, make_person, make_photo, make_unit, portrait

pytestmark = pytest.mark.browser


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


def landscape() -> dict[str, object]:
    """A broad picture, red at the left and blue at the right, as a telephone takes it."""
    picture = Image.new("RGB", (1600, 1000), (40, 60, 200))
    picture.paste((200, 40, 40), (0, 0, 800, 1000))
    picture.paste(Image.effect_noise((1600, 200), 90).convert("RGB"), (0, 800))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def fill(page: Page, serial: int = 1) -> None:
    page.fill("#name", "陈戊辰")
    page.fill("#id_number", identity_number(serial))
    page.select_option("#qualification_type", "MANAGER_PROD")
    page.check("#no_criminal_record")


def test_R18_the_number_tells_birth_date_sex_and_age_as_it_is_typed(page: Page, app: Flask, stage: Stage) -> None:
    sign_in(page, app, stage.enterprise).goto("/persons/new")
    told = page.locator("#derived-said output")
    page.fill("#id_number", "11000020000229")
    expect(told).to_have_text("还差 4 位")
    page.fill("#id_number", "１１００００２０００ 0229001６")
    expect(told).to_have_text("出生日期 2000-02-29，男，26 岁")
    page.fill("#id_number", "110000200002290017")
    expect(told).to_have_text("号码不对，请对照证件核对。")
    page.select_option("#id_type", "passport")
    expect(told).to_be_hidden()
    expect(page.locator("#birth_date")).to_be_visible()


def test_a_broad_photo_is_cut_to_one_inch_by_the_keyboard(page: Page, app: Flask, stage: Stage) -> None:
    sign_in(page, app, stage.enterprise).goto("/persons/new")
    fill(page)
    page.set_input_files("#photo", landscape())
    expect(page.locator("[data-said]")).to_have_text("将上传 590×826 像素。")
    page.focus("[data-part=x]")
    page.keyboard.press("End")
    assert violations(page) == []
    page.click("button[value=save]")
    page.wait_for_url("**/persons/*-*")
    row = session().scalars(select(Photo)).one()
    assert (row.width, row.height) == (590, 826)
    red, _green, blue = Image.open(io.BytesIO(row.jpeg)).convert("RGB").getpixel((100, 300))
    assert blue > 150 > red


def test_a_photo_is_cut_by_dragging_and_turned_on_a_telephone(page: Page, app: Flask, stage: Stage) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    sign_in(page, app, stage.enterprise).goto("/persons/new")
    page.set_input_files("#photo", landscape())
    expect(page.locator("[data-crop]")).to_be_visible()
    assert overflow(page) == []
    before = page.input_value("[data-part=x]")
    page.locator("[data-crop] canvas").scroll_into_view_if_needed()
    box = page.locator("[data-crop] canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 40, box["y"] + box["height"] / 2)
    page.mouse.up()
    assert float(page.input_value("[data-part=x]")) < float(before)
    page.click("[data-turn]")
    assert page.input_value("[data-part=x]") == "500"


def test_a_small_part_is_warned_of(page: Page, app: Flask, stage: Stage) -> None:
    sign_in(page, app, stage.enterprise).goto("/persons/new")
    page.set_input_files("#photo", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": portrait()})
    expect(page.locator("[data-said]")).to_have_text("将上传 295×413 像素。")
    page.focus("[data-part=size]")
    page.keyboard.press("Home")
    expect(page.locator("[data-said]")).to_contain_text("打印会模糊")


def test_what_was_typed_survives_the_end_of_the_session_and_goes_once_saved(
    page: Page, app: Flask, stage: Stage
) -> None:
    sign_in(page, app, stage.enterprise).goto("/persons/new")
    fill(page)
    page.context.clear_cookies()  # as after thirty minutes
    page.click("button[value=save]")
    assert session().scalar(select(func.count()).select_from(Person)) == 0
    sign_in(page, app, stage.enterprise).goto("/persons/new")
    expect(page.locator("[data-kept-note]")).to_be_visible()
    assert page.input_value("#name") == "陈戊辰"
    assert page.is_checked("#no_criminal_record")
    assert page.input_value("#id_number") == ""  # numbers of persons stay in no browser
    page.fill("#id_number", identity_number(1))
    page.click("button[value=save]")
    page.wait_for_url("**/persons/*-*")
    page.goto("/persons/new")
    expect(page.locator("[data-kept-note]")).to_be_hidden()
    assert page.input_value("#name") == ""


def test_what_was_typed_goes_with_the_account_that_typed_it(page: Page, app: Flask, stage: Stage) -> None:
    sign_in(page, app, stage.enterprise).goto("/persons/new")
    fill(page)
    kept = page.evaluate("Object.entries(sessionStorage).filter(([k]) => k.startsWith('kept:')).map(([, v]) => v)")
    assert "陈戊辰" in kept[0]
    assert identity_number(1) not in kept[0]
    sign_in(page, app, stage.association).goto("/persons/new")
    assert page.input_value("#name") == ""
    assert not page.evaluate("Object.keys(sessionStorage).some(k => k.startsWith('kept:'))")


def test_going_back_and_sending_again_makes_no_second_person(page: Page, app: Flask, stage: Stage) -> None:
    sign_in(page, app, stage.enterprise).goto("/persons/new")
    fill(page)
    form_id = page.input_value("[name=form_id]")
    page.click("button[value=save]")
    page.wait_for_url("**/persons/*-*")
    first = page.url
    page.go_back()
    fill(page)
    page.evaluate(
        "id => (document.querySelector('[name=form_id]').value = id)", form_id
    )  # as a kept page would have it
    page.click("button[value=save]")
    page.wait_for_url(first)
    session().rollback()
    assert session().scalar(select(func.count()).select_from(Person)) == 1


def test_pages_of_tickets_bulletins_units_and_versions_are_accessible_and_fit_a_telephone(
    page: Page, app: Flask, stage: Stage
) -> None:
    asked = {"kind": "repair", "device": "读卡器", "subject": "读卡器送修", "body": "读不出新版证件。"}
    ticket = tickets.open_ticket(stage.enterprise, asked, [("屏幕.jpg", portrait())])
    person = make_person(stage.unit, "刘己巳")
    make_photo(person)
    academy = make_unit("academy", authority_id=None)
    notices.remind(stage.province, [make_unit().id], {"note": "请尽快"})
    walks = [
        (
            stage.enterprise,
            ["/tickets/new", f"/tickets/{ticket.id}", "/persons/import", f"/persons/{person.id}/versions"],
        ),
        (stage.province, ["/bulletins/new", "/units/unentered", "/units/reminders", "/units/new"]),
        (stage.association, [f"/units/{academy.id}/institutions", "/bulletins/new"]),
    ]
    faults: list[str] = []
    for language in ("zh", "en"):
        for user, addresses in walks:
            sign_in(page, app, user, language=language)
            for address in addresses:
                page.set_viewport_size({"width": 1366, "height": 768})
                page.goto(address)
                faults += [f"{language} {address}: {fault}" for fault in violations(page)]
                page.set_viewport_size({"width": 360, "height": 740})
                faults += overflow(page)
    assert faults == []


def test_the_text_of_a_bulletin_survives_the_end_of_the_session(page: Page, app: Flask, stage: Stage) -> None:
    sign_in(page, app, stage.province).goto("/bulletins/new")
    page.fill("#title", "安全检查")
    page.click("#page-body")
    page.keyboard.type("请准备资料。")
    page.click("details.choose summary")
    page.fill("[data-add-to] input", stage.unit.name)
    page.keyboard.press("Enter")
    assert page.input_value("#units") == stage.unit.name
    page.context.clear_cookies()
    page.click("form#bulletin button.btn-primary")
    sign_in(page, app, stage.province).goto("/bulletins/new")
    expect(page.locator("#page-body")).to_have_text("请准备资料。")
    assert page.input_value("#units") == stage.unit.name
    page.click("form#bulletin button.btn-primary")
    page.wait_for_url("**/bulletins/*-*")
    expect(page.locator("#page-body")).to_have_text("请准备资料。")


def test_a_file_that_is_too_large_is_told_before_it_is_sent(page: Page, app: Flask, stage: Stage) -> None:  # R72
    sign_in(page, app, stage.enterprise).goto("/persons/import")
    page.set_input_files("#file", {"name": "a.xlsx", "mimeType": "application/zip", "buffer": bytes(3 * 1024 * 1024)})
    expect(page.locator("[data-field=file] [role=alert]")).to_have_text("文件超过 2 MB，请分成几个文件上传。")
    page.click("form button.btn-primary")
    assert page.url.endswith("/persons/import")
    assert page.input_value("#file") != ""  # still the same page


def test_a_long_upload_of_photos_tells_how_far_it_is_and_comes_back_with_its_error(
    page: Page, app: Flask, stage: Stage
) -> None:  # R72
    sign_in(page, app, stage.enterprise).goto("/persons/import")
    page.set_input_files("#file", {"name": "a.xlsx", "mimeType": "application/zip", "buffer": b"PK"})
    page.set_input_files("#photos", {"name": "a.zip", "mimeType": "application/zip", "buffer": bytes(5 * 1024 * 1024)})
    page.click("form button.btn-primary")
    expect(page.locator("#file-wrong")).to_contain_text("文件已损坏")
    assert page.url.endswith("/persons/import")
