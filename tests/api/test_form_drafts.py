"""What one types is kept on the server until it is sent; two on one sheet are told (R74, decision 20)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.runtime.form_draft import FormDraft
from service.web.views.accounts.form_drafts import MOST_FIELDS
from service.workflow.accounts import form_drafts
from tests.builders.stage import Stage, make_stage
from tests.builders.world import make_user, sign_in

SHEET = "/classes/01a22483-07e1-7b4b-91db-55b45f496fa6/scores?find=刘己巳"
TYPED = [["score_1", "85"], ["reason_2", "照片里的人不是本人"]]


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


def keep(client: FlaskClient, typed: Any = None, form: Any = SHEET) -> dict[str, Any]:
    answer = client.post("/drafts", json={"form": form, "typed": typed})
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def test_a_draft_comes_back_on_another_machine_until_it_is_sent(app: Flask, stage: Stage) -> None:
    here, there = sign_in(app.test_client(), stage.association), sign_in(app.test_client(), stage.association)
    keep(here, [["score_1", "8"]])
    keep(here, TYPED)
    assert keep(there) == {"typed": TYPED, "others": ""}
    assert keep(there, form="/classes/other") == {"typed": [], "others": ""}
    keep(there, [])
    assert keep(here)["typed"] == []
    assert session().scalar(select(func.count()).select_from(FormDraft)) == 0


def test_two_on_one_sheet_are_told_and_nobody_else(app: Flask, stage: Stage, clock: MovingClock) -> None:
    colleague = make_user("association", stage.association.organisation_id)
    mine, other = sign_in(app.test_client(), stage.association), sign_in(app.test_client(), colleague)
    keep(mine, TYPED)
    told = keep(other)
    assert told["typed"] == []
    assert stage.association.display_name in told["others"]
    for stranger in (stage.ministry, stage.province, stage.enterprise):
        assert keep(sign_in(app.test_client(), stranger)) == {"typed": [], "others": ""}, stranger.role
    clock.move(form_drafts.AT_WORK + timedelta(seconds=1))
    assert keep(other)["others"] == ""


def test_a_draft_lies_encrypted_without_its_address_and_goes_after_a_week(
    client: FlaskClient, stage: Stage, clock: MovingClock
) -> None:
    keep(sign_in(client, stage.association), TYPED)
    row = session().execute(text("SELECT form_draft::text FROM form_draft")).scalar_one()
    found = bytes.fromhex(row.partition("\\x")[2].partition(",")[0].strip('"')).decode("utf-8", "ignore")
    assert not any(word in row + found for word in ("照片", "刘己巳", "score_1"))
    clock.move(form_drafts.LIFETIME - timedelta(seconds=1))
    form_drafts.sweep()
    assert session().scalar(select(FormDraft.id))
    clock.move(timedelta(seconds=2))
    form_drafts.sweep()
    assert session().scalar(select(FormDraft.id)) is None


@pytest.mark.parametrize(
    "sent",
    ["", "[]", "{}", '{"form": 1}', '{"form": "//else.example"', '{"form": "x", "typed": []}',
     '{"form": "/a", "typed": 5, "more": 1.5}', '{"form": "/a", "typed": [["a"]]}', '{"form": "/a", "typed": [["a", 1]]}'],
)  # fmt: skip
def test_what_is_no_draft_is_refused(client: FlaskClient, stage: Stage, sent: str) -> None:
    sign_in(client, stage.association)
    answer = client.post("/drafts", data=sent, headers={"HX-Request": "true"})
    assert answer.status_code == 422, (sent, answer.text)
    assert session().scalar(select(FormDraft.id)) is None


def test_more_than_a_draft_holds_is_refused_and_never_cut(client: FlaskClient, stage: Stage) -> None:
    sign_in(client, stage.association)
    keep(client, TYPED)
    for count, size in ((MOST_FIELDS + 1, 1), (2, 200_000)):
        answer = client.post("/drafts", json={"form": SHEET, "typed": [["a", "b" * size]] * count})
        assert answer.status_code == 413, (count, size)
    assert keep(client)["typed"] == TYPED
    assert len(keep(client, [["a", "b"]] * MOST_FIELDS) and keep(client)["typed"]) == MOST_FIELDS


def test_of_the_drafts_of_an_account_the_newest_are_kept(
    client: FlaskClient, stage: Stage, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form_drafts, "MOST_KEPT", 3)
    keep(sign_in(client, stage.ministry), TYPED)
    sign_in(client, stage.association)
    for number in (0, 1, 2, 0, 3, 4):
        clock.move(timedelta(seconds=1))
        keep(client, TYPED, form=f"/{number}")
    assert [bool(keep(client, form=f"/{number}")["typed"]) for number in range(5)] == [True, False, False, True, True]
    assert keep(sign_in(client, stage.ministry))["typed"] == TYPED


def test_whoever_has_not_signed_in_keeps_nothing(client: FlaskClient) -> None:
    assert client.post("/drafts", json={"form": "/a", "typed": [["a", "b"]]}).status_code in (302, 401)
    assert session().scalar(select(FormDraft.id)) is None
