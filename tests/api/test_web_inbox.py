"""The inbox: whose tasks, in which order, counted, searched, claimed and decided together."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from service.models.db.clock import MovingClock, now
from service.models.db.session import session
from service.models.queries.runtime import inbox
from service.models.queries.scope import inbox_addresses
from service.models.tables.runtime.case import Task
from service.models.tables.training.training import TrainingClass
from service.workflow.runtime import tasks as cases
from tests.api.queries import counted
from tests.builders.stage import Stage, enroll, make_stage, publish_class
from tests.builders.world import sign_in

KIND = "training_enrollment/confirm_enrollment"


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


@pytest.fixture
def training_class(stage: Stage) -> TrainingClass:
    return publish_class(stage)


def enrolments(stage: Stage, training_class: TrainingClass, n: int) -> list[UUID]:
    """The confirmation tasks of n new enrolments, in the order they were made."""
    made = [enroll(stage, training_class, stage.person(name=f"赵甲{'一二三四五六七八九十'[i % 10]}")) for i in range(n)]
    found = {row.case_id: row.id for row in session().execute(select(Task.case_id, Task.id).where(Task.kind == KIND))}
    return [found[case_id] for case_id in made]


def names(page: str) -> list[str]:
    return re.findall(r'<td class="main">\s*<a href="/tasks/[^"]+">([^<]+)</a>', page)


def look(client: FlaskClient, address: str = "/inbox") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_a_province_sees_its_own_tasks_and_no_others(
    client: FlaskClient, stage: Stage, training_class: TrainingClass
) -> None:
    enrolments(stage, training_class, 2)
    assert sorted(names(look(sign_in(client, stage.province)))) == ["赵甲一", "赵甲二"]
    assert names(look(sign_in(client, stage.other_province))) == []
    assert names(look(sign_in(client, stage.enterprise))) == []


def test_the_bar_counts_what_waits(client: FlaskClient, stage: Stage, training_class: TrainingClass) -> None:
    enrolments(stage, training_class, 3)
    page = look(sign_in(client, stage.province), "/")
    assert '<b id="pending">3</b>' in page
    assert re.search(r'data-l="数量">3<', page)


def test_what_a_row_is_about_reads_in_english(client: FlaskClient, stage: Stage, training_class: TrainingClass) -> None:
    enrolments(stage, training_class, 1)
    sign_in(client, stage.province).post("/language", data={"language": "en"})
    page = look(client)
    assert "取证 ·" not in page
    assert "Initial ·" in page


def test_late_ones_come_first_and_are_marked(client: FlaskClient, stage: Stage, training_class: TrainingClass) -> None:
    _first, second = enrolments(stage, training_class, 2)
    session().execute(
        update(Task)
        .where(Task.id == second)
        .values(due_at=now() - timedelta(days=2), sort_at=now() - timedelta(days=2))
    )
    session().commit()
    page = look(sign_in(client, stage.province))
    assert names(page) == ["赵甲二", "赵甲一"]
    assert "超期 2 天" in page
    assert "超期 1" in page
    assert names(look(client, "/inbox?view=due")) == ["赵甲二"]


def test_search_finds_subject_and_unit_and_takes_signs_as_they_are(
    client: FlaskClient, stage: Stage, training_class: TrainingClass
) -> None:
    enrolments(stage, training_class, 3)
    sign_in(client, stage.province)
    assert names(look(client, "/inbox?find=甲二")) == ["赵甲二"]
    assert len(names(look(client, f"/inbox?find={stage.unit.name[:4]}"))) == 3
    assert names(look(client, "/inbox?find=%25")) == []
    assert names(look(client, "/inbox?find=_")) == []


def test_pages_follow_each_other_without_gap_or_repeat(app: Flask, stage: Stage, training_class: TrainingClass) -> None:
    made = enrolments(stage, training_class, 7)
    where_to, seen, cursor = inbox_addresses(stage.province), [], None
    while True:
        page = inbox.read(where_to, inbox.Filter(), cursor, size=3)
        seen += [row.id for row in page.rows]
        if page.after is None:
            break
        cursor = page.after
    assert sorted(seen) == sorted(made)
    back = inbox.read(where_to, inbox.Filter(), page.before, size=3)
    assert [row.id for row in back.rows] == seen[3:6]


@pytest.mark.parametrize("cursor", [">x", "<2026-01-01|x", "nonsense", ">|"])
def test_a_malformed_page_begins_anew(
    client: FlaskClient, stage: Stage, training_class: TrainingClass, cursor: str
) -> None:
    enrolments(stage, training_class, 1)
    assert names(look(sign_in(client, stage.province), f"/inbox?page={cursor}")) == ["赵甲一"]


def test_the_inbox_costs_the_same_for_one_row_and_for_many(
    client: FlaskClient, stage: Stage, training_class: TrainingClass
) -> None:
    enrolments(stage, training_class, 1)
    sign_in(client, stage.province)
    look(client)
    with counted() as few:
        look(client)
    enrolments(stage, training_class, 9)
    with counted() as many:
        look(client)
    assert len(few) == len(many) <= 5


def test_the_page_is_read_from_the_partial_index(app: Flask, stage: Stage, training_class: TrainingClass) -> None:
    session().execute(text("SET LOCAL enable_seqscan = off"))
    statement = inbox._PAGE.format(where="", order="ASC")
    values = {"organisations": [stage.province.organisation_id], "roles": ["provincial_authority"], "size": 51}
    plan = "\n".join(row[0] for row in session().execute(text(f"EXPLAIN {statement}"), values))
    assert "ix_task_inbox" in plan


def test_a_task_is_claimed_and_given_back_in_its_row(
    client: FlaskClient, stage: Stage, training_class: TrainingClass
) -> None:
    (task_id,) = enrolments(stage, training_class, 1)
    sign_in(client, stage.province)
    row = client.post(f"/tasks/{task_id}/claim", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert row.strip().startswith("<tr")
    assert "我已领取" in row
    assert names(look(client, "/inbox?view=mine")) == ["赵甲一"]
    client.post(f"/tasks/{task_id}/unclaim")
    assert names(look(client, "/inbox?view=mine")) == []


def test_a_colleague_s_claim_shows_and_holds(client: FlaskClient, stage: Stage, training_class: TrainingClass) -> None:
    from tests.builders.world import authority_user

    (task_id,) = enrolments(stage, training_class, 1)
    cases.claim(stage.province, task_id)
    sign_in(client, authority_user())
    assert "张甲子 办理中" in look(client)
    refused = client.post(f"/tasks/{task_id}/claim", headers={"HX-Request": "true"})
    assert refused.status_code == 409
    assert refused.headers["HX-Retarget"] == "#notice"
    assert "已由同事领取" in refused.get_data(as_text=True)
    assert "正在办理这一条" in look(client, f"/tasks/{task_id}")


def test_chosen_rows_are_decided_together_once(
    client: FlaskClient, stage: Stage, training_class: TrainingClass
) -> None:
    tasks = enrolments(stage, training_class, 3)
    sign_in(client, stage.province)
    page = look(client, f"/inbox?kind={KIND}")
    assert 'name="decision" value="confirm"' in page
    assert 'value="reject"' in page  # with one reason, which is asked for
    sent = {"task": [str(t) for t in tasks[:2]], "decision": "confirm", "submission": str(uuid4()), "kind": KIND}
    assert client.post("/inbox/batch", data=sent).status_code == 302
    assert client.post("/inbox/batch", data=sent).status_code == 302
    assert "已办理 2 条" in look(client)
    assert names(look(client)) == ["赵甲三"]


def test_a_batch_tells_row_by_row_what_was_not_done(
    client: FlaskClient, stage: Stage, training_class: TrainingClass
) -> None:
    tasks = enrolments(stage, training_class, 2)
    cases.complete(stage.province, tasks[1], {"decision": "confirm"})
    sign_in(client, stage.province)
    sent = {"task": [str(t) for t in tasks], "decision": "confirm", "submission": str(uuid4())}
    answer = client.post("/inbox/batch", data=sent).get_data(as_text=True)
    assert "1 条已办理，1 条没有办成" in answer
    assert "已被处理" in answer
    assert "赵甲二" in answer


def test_a_batch_cannot_reach_out_of_scope(client: FlaskClient, stage: Stage, training_class: TrainingClass) -> None:
    tasks = enrolments(stage, training_class, 1)
    sign_in(client, stage.other_province)
    sent = {"task": [str(t) for t in tasks], "decision": "confirm", "submission": str(uuid4())}
    assert client.post("/inbox/batch", data=sent).status_code == 404


@pytest.mark.parametrize("sent", [{}, {"task": "x"}, {"task": "x", "submission": "y"}])
def test_a_batch_of_nothing_or_nonsense_is_refused(client: FlaskClient, stage: Stage, sent: dict[str, str]) -> None:
    assert sign_in(client, stage.province).post("/inbox/batch", data=sent).status_code in (404, 422)


def test_many_are_claimed_together(client: FlaskClient, stage: Stage, training_class: TrainingClass) -> None:
    tasks = enrolments(stage, training_class, 3)
    sign_in(client, stage.province).post("/inbox/claim", data={"task": [str(t) for t in tasks]})
    assert len(names(look(client, "/inbox?view=mine"))) == 3


def test_what_i_completed_is_listed(client: FlaskClient, stage: Stage, training_class: TrainingClass) -> None:
    (task_id,) = enrolments(stage, training_class, 1)
    cases.complete(stage.province, task_id, {"decision": "confirm"})
    assert "赵甲一" in look(sign_in(client, stage.province), "/inbox?view=done")
    assert "赵甲一" not in look(sign_in(client, stage.other_province), "/inbox?view=done")


def test_an_empty_inbox_says_what_will_fill_it(client: FlaskClient, stage: Stage) -> None:
    assert "有新事项时这里会自动出现" in look(sign_in(client, stage.ministry))


def test_whom_a_task_is_about_does_not_see_it(client: FlaskClient, stage: Stage, training_class: TrainingClass) -> None:
    (task_id,) = enrolments(stage, training_class, 1)
    session().execute(update(Task).where(Task.id == task_id).values(facts={"barred": str(stage.province.id)}))
    session().commit()
    assert names(look(sign_in(client, stage.province))) == []
    assert '<b id="pending">' not in look(client, "/")
