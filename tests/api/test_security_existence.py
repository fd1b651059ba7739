"""Whether an account exists is told by no answer to who may not address it (R70, issue 8)."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from service.models.db.ids import new_id
from tests.api.test_security_forgery import rest
from tests.api.v1_world import give_password
from tests.builders.stage import enroll, make_stage, publish_class, task_of


def test_an_account_of_others_is_answered_like_one_of_nobody(app: Flask, client: FlaskClient, clock: Any) -> None:
    """Of whichever task, who may not take it over is told in the same words whether the login exists or not."""
    stage = make_stage()
    give_password()
    case = enroll(stage, publish_class(stage), stage.person())
    task = task_of(case, "confirm_enrollment").id
    for key in (task, new_id()):
        for user in (stage.province, stage.other_province, stage.enterprise):
            for way in ("assignee", "claim"):
                answers = [
                    rest(client, user, f"/task/{key}/{way}", {"userId": login})
                    for login in (stage.ministry.login, "nobody-there")
                ]
                assert answers[0].status_code == answers[1].status_code == 404
                assert answers[0].json == answers[1].json, (user.role, way)
