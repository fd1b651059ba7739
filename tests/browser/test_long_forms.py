"""Long forms in a real Chromium: a photo cut in the page, what a number says, what was typed is not lost, once is once."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from service.models import MovingClock, Person, Photo, session
from service.models.sealed import unseal
from tests.browser.tab import overflow, sign_in, violations
from tests.builders.stage import Stage, make_stage
from tests.builders.world import identity_number, portrait

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
    red, _green, blue = Image.open(io.BytesIO(unseal(row.sealed))).convert("RGB").getpixel((100, 300))
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
    page.click("button[value=save]")
    page.wait_for_url("**/persons/*-*")
    page.goto("/persons/new")
    expect(page.locator("[data-kept-note]")).to_be_hidden()
    assert page.input_value("#name") == ""


def test_what_was_typed_goes_with_the_account_that_typed_it(page: Page, app: Flask, stage: Stage) -> None:
    sign_in(page, app, stage.enterprise).goto("/persons/new")
    fill(page)
    assert page.evaluate("Object.keys(sessionStorage).some(k => k.startsWith('kept:'))")
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
