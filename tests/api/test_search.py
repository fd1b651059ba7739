"""One search over everything: words stand in the address, a whole identity number in none (R70, §5.1)."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.builders.stage import make_stage
from tests.builders.world import identity_number, make_person, sign_in

NUMBER = identity_number(7)
SPELLINGS = (NUMBER, f" {NUMBER} ", f"{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}", NUMBER.translate({48 + n: 0xFF10 + n for n in range(10)}), f"\u200b{NUMBER}")  # fmt: skip


@pytest.mark.parametrize("typed", SPELLINGS)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_whole_number_stands_in_no_address(app: Flask, client: FlaskClient, typed: str, is_known: bool) -> None:
    stage = make_stage()
    person = make_person(stage.unit, number=NUMBER) if is_known else None
    answer = sign_in(client, stage.enterprise).post("/search", data={"q": typed})
    if person is not None:
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith(f"/persons/{person.id}")
    else:
        assert answer.status_code == 404
        assert NUMBER not in answer.text


def test_a_number_of_others_is_answered_like_one_of_nobody(app: Flask, client: FlaskClient) -> None:
    stage = make_stage()
    make_person(stage.unit, number=NUMBER)
    asked = sign_in(client, stage.other_province)
    assert {asked.post("/search", data={"q": one}).status_code for one in (NUMBER, identity_number(8))} == {404}


@pytest.mark.parametrize("words", ["张伟", "zhang wei", "37202600000011", "2026HZ42-001"])
def test_words_stand_in_the_address(app: Flask, client: FlaskClient, words: str) -> None:
    stage = make_stage()
    signed_in = sign_in(client, stage.association)
    answer = signed_in.post("/search", data={"q": words})
    assert answer.status_code == 303
    assert "/search?q=" in answer.headers["Location"]
    assert signed_in.get(answer.headers["Location"]).status_code == 200
