"""An audit from the complaint to the proof, in a real Chromium and with a Python that knows nothing of the service."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service.infrastructure.seals import seal_keys, seal_places
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.runtime.case import JournalRow
from service.models.tables.units.organisation import authority_id
from service.workflow.notices import tickets
from service.workflow.runtime import history
from service.workflow.system.sealing import seal_new
from tests.browser.tab import sign_in
from tests.builders.sealed import seal_in
from tests.builders.stage import Stage, at_nine, certificates_of, do, enroll, known, make_stage, publish_class
from tests.builders.world import make_user
from tests.database import alter_as_owner
from tests.process.test_evidence import checked

pytestmark = pytest.mark.browser
NAME = "邱丁未"


def certified(stage: Stage, clock: MovingClock) -> tuple[UUID, str]:
    """The case of somebody who has passed, and the number of the certificate."""
    person, taught = stage.person(name=NAME), publish_class(stage)
    case = enroll(stage, taught, person)
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(taught.starts_on))
    do(stage.association, case, "check_in")
    do(stage.institution, case, "record_score", score="83")
    do(stage.association, case, "confirm_score", decision="confirm")
    do(stage.association, case, "certification/print_certificate")
    do(stage.ministry, case, "certification/approve_certificate", decision="approve")
    [certificate] = certificates_of(person)
    return case, certificate.number


def export_evidence(page: Page, case: UUID) -> bytes:
    page.goto(f"/cases/{case}")
    with page.expect_download() as fetched:
        page.get_by_role("button", name="导出证据").click()
    return Path(fetched.value.path()).read_bytes()


def test_from_a_complaint_to_the_tampered_row(
    page: Page, app: Flask, clock: MovingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R69"""
    seal_in(tmp_path, monkeypatch)
    stage = make_stage()
    auditor = known(make_user("audit_admin", authority_id("platform")))
    case, number = certified(stage, clock)
    body = f"证书 {number} 的成绩与本人所知不符。"
    ticket = tickets.open_ticket(stage.enterprise, {"kind": "complaint", "subject": "成绩不符", "body": body})
    seal_new()

    sign_in(page, app, stage.ministry).goto(f"/tickets/{ticket.id}")
    complained = re.search(r"证书 (\S+) 的", page.locator("main").inner_text())
    assert complained is not None

    sign_in(page, app, auditor).goto(f"/cases?number={complained[1]}")
    page.locator(f'main a[href="/cases/{case}"]').click()
    place, moment = page.locator("#place"), page.locator("#moment")
    expect(moment).to_be_enabled()
    last = place.inner_text().split(" / ")[1]
    page.locator('[data-act="first"]').click()
    expect(place).to_have_text(f"1 / {last}")
    then = page.locator('#variables a[href*="/row-history/person/"]').first
    address = then.get_attribute("href")
    page.locator("#play").click()
    expect(place).to_have_text(f"{last} / {last}", timeout=60_000)

    page.goto(str(address))
    expect(page.get_by_role("heading", name="当时的样子")).to_be_visible()
    expect(page.locator("main")).to_contain_text("2026-03-02")
    assert NAME not in page.content()

    (key,) = seal_keys.public_keys().values()
    trusted = ("--key", key, "--seals", str(seal_places.file()))
    code, said = checked(export_evidence(page, case), tmp_path / "innocent", *trusted)
    assert (code, said.splitlines()[-1]) == (0, "1 cases, 0 differences"), said

    rewritten = tamper(case)
    code, said = checked(export_evidence(page, case), tmp_path / "tampered", *trusted)
    assert code == 1
    assert re.search(rf"{case}.*\b{rewritten}\b", said), said
    found = {f"{one.case_id} {one.what}: {one.detail}" for one in history.verify([case])}
    assert [one for one in found if re.search(rf"^{case} chain: .*\b{rewritten}: data.score changed", one)], found


def tamper(case: UUID) -> int:
    """Raise the score in the journal, as somebody with SQL rights would: the number of the row."""
    row = (JournalRow.case_id == case, JournalRow.record["data"].has_key("score"))
    seq = session().scalars(select(JournalRow.seq).where(*row).order_by(JournalRow.seq)).first()
    assert seq is not None
    session().rollback()
    alter_as_owner(
        f"UPDATE journal SET record = jsonb_set(record, '{{data,score}}', '\"99\"')"
        f" WHERE case_id = '{case}' AND seq = {seq}"
    )
    session().expire_all()
    return seq
