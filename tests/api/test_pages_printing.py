"""From the print tasks of the inbox to the paper: the file is offered at once, for one and for many (S55, R58)."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.session import session
from service.models.tables.certificates.certificate import PrintRecord
from tests.api.test_pages_certificates import texts
from tests.builders.stage import (
    Stage,
    at_nine,
    do,
    enroll,
    make_stage,
    open_tasks,
    publish_class,
    task_of,
)
from tests.builders.world import sign_in

PRINT = "certification/print_certificate"
KIND = f"training_enrollment/{PRINT}"


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_stage()


def test_s55_a_print_task_that_is_done_offers_the_file(client: FlaskClient, stage: Stage, clock: Any) -> None:
    """S55, R58: completed in the inbox, the print is logged and its file a click away"""
    [case] = _certified(stage, clock, 1)
    task = task_of(case, PRINT)
    page = sign_in(client, stage.association).get(f"/tasks/{task.id}").get_data(as_text=True)
    digest = re.search(r'name="form_digest" value="(\w+)"', page)
    assert digest
    assert client.post(f"/tasks/{task.id}", data={"form_digest": digest[1], "then": ""}).status_code == 302
    offered = re.search(
        r'href="(/certificates/prints/[0-9a-f-]+\.pdf)" target="_blank"', client.get("/inbox").get_data(as_text=True)
    )
    assert offered
    file = client.get(offered[1])
    assert (file.status_code, file.mimetype) == (200, "application/pdf")
    assert len(list(session().scalars(select(PrintRecord)))) == 1


def test_s55_many_print_tasks_become_one_file(client: FlaskClient, stage: Stage, clock: Any) -> None:
    """S55, R58: the batch of the inbox lays the faces out in one file, and the tasks are done with it"""
    held = _certified(stage, clock, 2)
    sign_in(client, stage.association)
    assert 'name="decision" value="">打印证书</button>' in client.get(f"/inbox?kind={KIND}").get_data(as_text=True)
    sent = {
        "kind": KIND,
        "decision": "",
        "submission": str(held[0]),
        "task": [str(task_of(case, PRINT).id) for case in held],
    }
    answer = client.post("/inbox/batch", data=sent)
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).get_data(as_text=True)
    assert "2 份证书已排成一个文件" in page
    file = client.get(answer.headers["Location"] + ".pdf")
    assert len(re.findall(rb"/Type ?/Page\b(?!s)", texts(file.data))) == 2
    assert [PRINT in open_tasks(case) for case in held] == [False, False]
    again = client.post("/inbox/batch", data=sent)
    assert again.headers["Location"].startswith("/certificates/print?c=")  # printed already: a reason is asked for
    assert "再次打印的原因" in client.get(again.headers["Location"]).get_data(as_text=True)
    assert len(list(session().scalars(select(PrintRecord)))) == 2


def _certified(stage: Stage, clock: Any, count: int) -> list[UUID]:
    """Cases whose certificate is to be printed and approved."""
    training_class = publish_class(stage)
    held = [enroll(stage, training_class, stage.person()) for _ in range(count)]
    for case in held:
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.starts_on))
    for case in held:
        do(stage.association, case, "check_in")
        do(stage.institution, case, "record_score", score="81")
        do(stage.association, case, "confirm_score", decision="confirm")
    return held
