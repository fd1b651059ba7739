"""Recipes of the guide, followed literally: a newcomer changes files, deploys them, and works as each role."""

from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from flask import Flask, current_app
from flask.testing import FlaskClient
from lxml import etree

from service.cli import processes, version_changes
from service.config import settings
from service.errors import InvalidInput
from service.infrastructure.documents import pdf
from service.models.db.clock import MovingClock, now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.runtime.case import Case, CaseDocument, Task
from service.models.tables.training.training import TrainingClass
from service.workflow.processes import definitions
from service.workflow.processes.diagram_layout import drawn_whole
from service.workflow.runtime import history, jobs
from service.workflow.training import enrollments
from service.workflow.versions import deployments, path_deployments
from tests.api import rest_world, v1_world
from tests.api.v1_world import give_password, told
from tests.builders.drawing import LinedDrawing
from tests.builders.recipes import Workshop, commands
from tests.builders.stage import (
    Stage,
    class_of,
    do,
    ended_at,
    enroll,
    enrollment_of,
    known,
    make_stage,
    open_tasks,
    publish_class,
    task_of,
)
from tests.builders.world import make_unit, make_user, sign_in

REVIEW = "再加一道审核"
ENROLLMENT = "processes/training_enrollment.bpmn"


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def deploy(workshop: Workshop, file: str = ENROLLMENT) -> None:
    """``anpei check`` says nothing, ``anpei deploy`` makes it the version in force."""
    files = definitions.bundle(workshop.folder / file, workshop.folder / "forms")
    assert [issue.text() for issue in definitions.examine(files) if issue.severity != "note"] == []
    deployments.deploy(files)


def reviewed(stage: Stage, training_class: TrainingClass) -> UUID:
    """A new enrolment that the province has confirmed, and the association has to review."""
    case = enroll(stage, training_class, stage.person())
    assert do(stage.province, case, "confirm_enrollment", decision="confirm") == ["review_enrollment"]
    return case


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.get_data(as_text=True)


def test_a_second_approval_says_yes_no_back_and_lets_withdraw(stage: Stage, workshop: Workshop) -> None:
    """R43, R45, R46"""
    workshop.follow(REVIEW)
    older = enroll(stage, training_class := publish_class(stage), stage.person())
    deploy(workshop)

    case = reviewed(stage, training_class)
    found = enrollment_of(case)
    assert (found.state, found.stage, class_of(training_class).taken) == ("pending", "报名待复核", 2)
    assert do(stage.association, case, "review_enrollment", decision="confirm") == ["check_in"]
    assert (enrollment_of(case).state, enrollment_of(case).stage) == ("confirmed", None)

    case = reviewed(stage, training_class)
    with pytest.raises(InvalidInput):
        do(stage.association, case, "review_enrollment", decision="reject")
    assert do(stage.association, case, "review_enrollment", decision="reject", reason="材料不全") == []
    found = enrollment_of(case)
    assert (ended_at(case), found.state, found.stage, found.reason) == (
        "enrollment_rejected",
        "rejected",
        None,
        "材料不全",
    )
    assert class_of(training_class).taken == 2

    case = reviewed(stage, training_class)
    back = do(stage.association, case, "review_enrollment", decision="return", reason="请核对单位")
    assert (back, enrollment_of(case).stage) == (["confirm_enrollment"], None)
    assert do(stage.province, case, "confirm_enrollment", decision="confirm") == ["review_enrollment"]
    enrollments.withdraw(known(stage.enterprise), enrollment_of(case).id)
    jobs.run_all()
    assert (ended_at(case), enrollment_of(case).state) == ("pending_withdrawn", "withdrawn")

    assert do(stage.province, older, "confirm_enrollment", decision="confirm") == ["check_in"]
    assert enrollment_of(older).state == "confirmed"


def test_a_second_approval_is_in_inbox_lists_counts_rest_and_english(
    client: FlaskClient, stage: Stage, workshop: Workshop
) -> None:
    workshop.follow(REVIEW)
    deploy(workshop)
    training_class = publish_class(stage)
    cases = [reviewed(stage, training_class) for _ in range(2)]
    task = task_of(cases[0], "review_enrollment")
    assert task.due_at == task.opened_at + timedelta(days=3)

    sign_in(client, stage.association)
    inbox = page(client, "/inbox")
    assert "报名复核" in inbox
    assert "复核结论" in page(client, f"/tasks/{task.id}")
    person = f"/persons/{enrollment_of(cases[0]).person_id}"
    for address, n in {"/enrollments?state=pending": 2, f"/classes/{training_class.id}": 2, person: 2}.items():
        assert page(client, address).count("报名待复核") == n, address
    assert "报名待复核" in page(client, f"{person}/record")

    client.post("/language", data={"language": "en"})
    for address, words in {
        "/inbox": ["Review of the enrolment"],
        f"/tasks/{task.id}": ["Result of the review", "Return it to the province", "Review of the enrolment"],
        "/enrollments": ["Waits for review"],
        f"/classes/{training_class.id}": ["Waits for review"],
        f"/cases/{cases[0]}": ["Review of the enrolment"],
    }.items():
        shown = page(client, address)
        for word in words:
            assert word in shown, (address, word)
        if "/cases/" not in address:  # whose picture has the Chinese names with the English beside them
            assert "复核" not in shown, address


def test_a_second_approval_is_known_to_both_rest_interfaces(
    client: FlaskClient, stage: Stage, workshop: Workshop
) -> None:
    workshop.follow(REVIEW)
    deploy(workshop)
    give_password()
    case = reviewed(stage, publish_class(stage))
    machine, v1 = rest_world.Machine(client, stage.association.login), v1_world.Machine(client, stage.association)
    [row] = told(v1.get("/enrollments"))["items"]
    assert (row["state"], row["stage"]) == ("pending", "报名待复核")
    task = rest_world.open_task(machine, str(case))
    assert (task["taskDefinitionKey"], task["name"]) == ("review_enrollment", "报名复核")
    assert (
        machine.post(f"/task/{task['id']}/complete", {"variables": {"decision": {"value": "maybe"}}}).status_code == 400
    )
    sent = {"variables": {"decision": {"value": "confirm"}}}
    assert machine.post(f"/task/{task['id']}/complete", sent).status_code == 204
    assert (enrollment_of(case).state, open_tasks(case)) == ("confirmed", ["check_in"])


def test_a_second_approval_is_done_for_many_at_once_and_replayed(
    client: FlaskClient, stage: Stage, workshop: Workshop
) -> None:
    workshop.follow(REVIEW)
    deploy(workshop)
    training_class = publish_class(stage)
    cases = [reviewed(stage, training_class) for _ in range(3)]
    found = [task_of(case, "review_enrollment") for case in cases]
    sign_in(client, stage.association)
    sheet = page(client, "/inbox?kind=training_enrollment/review_enrollment")
    assert all(str(task.id) in sheet for task in found)
    _decide_many(client, sheet, found, "confirm")
    jobs.run_all()
    assert [open_tasks(case) for case in cases] == [["check_in"]] * 3
    replay = client.get(f"/cases/{cases[0]}/replay.json").get_json()
    assert "review_enrollment" in str(replay)
    assert list(history.verify(cases)) == []


def test_an_overdue_review_reminds_its_role_in_both_languages(
    client: FlaskClient, stage: Stage, workshop: Workshop, clock: MovingClock
) -> None:
    workshop.follow(REVIEW)
    deploy(workshop)
    case = reviewed(stage, publish_class(stage))
    clock.move(timedelta(days=1, minutes=1))
    jobs.run_all()
    sign_in(client, known(stage.association))
    day = (now() + timedelta(days=9)).date().isoformat()
    assert f"有报名待复核，须在 {day} 前办结" in page(client, "/notices")
    client.post("/language", data={"language": "en"})
    assert f"An enrolment waits for review until {day}" in page(client, "/notices")
    assert open_tasks(case) == ["review_enrollment"]


def _decide_many(client: FlaskClient, sheet: str, found: list[Task], decision: str) -> Any:
    sent = re.search(r'name="submission" value="([\w-]+)"', sheet)
    assert sent
    kind = "training_enrollment/review_enrollment"
    fields = {"decision": decision, "kind": kind, "submission": sent[1], "task": [str(task.id) for task in found]}
    return client.post("/inbox/batch", data=fields)


def test_the_other_recipes_build_on_the_second_approval(
    client: FlaskClient, stage: Stage, workshop: Workshop, clock: MovingClock
) -> None:
    for heading in (REVIEW, "提醒并升级", "填了某项才出现的字段", "改名称"):
        workshop.follow(heading)
    deploy(workshop)
    case = reviewed(stage, publish_class(stage))
    for day in range(1, 5):
        clock.move(timedelta(days=1, minutes=1))
        jobs.run_all()
        sign_in(client, known(stage.province))
        assert page(client, "/notices").count("有报名待复核") == min(day, 3), day
    with pytest.raises(InvalidInput) as refused:
        do(stage.association, case, "review_enrollment", decision="return", reason="请核对")
    assert set(refused.value.fields) == {"missing"}
    do(stage.association, case, "review_enrollment", decision="confirm")
    assert task_of(case, "check_in").name == "到班签到"
    sign_in(client, known(stage.association))
    client.post("/language", data={"language": "en"})
    assert "Sign in on arrival" in page(client, "/inbox")


def test_a_step_is_removed_and_running_cases_still_have_it(
    client: FlaskClient, stage: Stage, workshop: Workshop, clock: MovingClock
) -> None:
    workshop.follow(REVIEW)
    deploy(workshop)
    training_class = publish_class(stage)
    older = reviewed(stage, training_class)
    workshop.follow("去掉一步")
    deploy(workshop)
    newer = reviewed(stage, training_class)
    clock.move(timedelta(days=1, minutes=1))
    jobs.run_all()
    sign_in(client, known(stage.association))
    assert page(client, "/notices").count("有报名待复核") == 1
    for case in (older, newer):
        assert do(stage.association, case, "review_enrollment", decision="confirm") == ["check_in"]


NEW, TABLE = "新流程：从没有到第一个案卷", "加一张决策表"
LECTURER = "processes/lecturer_request.bpmn"


def begin(client: FlaskClient, stage: Stage, **answers: str) -> Case:
    """Start the process of the recipe as its page does; the case."""
    sign_in(client, known(stage.enterprise))
    assert "申请讲师" in page(client, "/inbox")
    assert 'name="attendants"' in page(client, "/processes/lecturer_request/start")
    sent = client.post("/processes/lecturer_request/start", data=answers)
    assert sent.status_code == 302, sent.text
    case = session().get(Case, sent.location.rpartition("/")[2])
    assert case is not None
    return case


def test_a_new_process_from_nothing_to_its_first_case(client: FlaskClient, stage: Stage, workshop: Workshop) -> None:
    workshop.follow(NEW)
    deploy(workshop, LECTURER)
    assert client.get("/processes/lecturer_request/start").status_code in (302, 401)
    sign_in(client, stage.association)
    assert client.get("/processes/lecturer_request/start").status_code == 404, "not among its starters"
    assert "申请讲师" not in page(client, "/inbox")

    sign_in(client, known(stage.enterprise))
    form_id = str(new_id())
    wrong = client.post("/processes/lecturer_request/start", data={"attendants": "0", "form_id": form_id})
    assert (wrong.status_code, wrong.text.count("is-wrong")) == (422, 2)
    case = begin(client, stage, day="2026-12-08", attendants="40", form_id=form_id)
    again = client.post(
        "/processes/lecturer_request/start", data={"day": "2026-12-09", "attendants": "41", "form_id": form_id}
    )
    assert again.location.endswith(f"/cases/{case.id}"), "sent twice, one case"
    shown = page(client, f"/cases/{case.id}")
    assert "安排讲师" in shown

    sign_in(client, known(stage.association))
    task = task_of(case.id, "assign_lecturer")
    assert task.due_at == task.opened_at + timedelta(days=5)
    asked = page(client, f"/tasks/{task.id}")
    assert "2026-12-08" in asked, "what the unit has asked for"
    assert "听课人数" in asked or "40" in asked
    assert do(stage.association, case.id, "assign_lecturer", decision="assigned", answer="刘老师") == []
    jobs.run_all()
    sign_in(client, known(stage.enterprise))
    assert "2026-12-08 的讲师申请已答复" in page(client, "/notices")
    client.post("/language", data={"language": "en"})
    assert "Your request for a lecturer on 2026-12-08 was answered" in page(client, "/notices")
    assert "Request for a lecturer" in page(client, "/inbox")
    assert list(history.verify([case.id])) == []

    sign_in(client, known(make_user("enterprise", make_unit("enterprise", "41").id)))
    assert client.get(f"/cases/{case.id}").status_code == 404


def test_whoever_asked_takes_it_back_while_nobody_has_answered(
    client: FlaskClient, stage: Stage, workshop: Workshop
) -> None:
    """Withdrawn or answered: whichever comes first ends the other; another unit has no such task."""
    workshop.follow(NEW)
    workshop.follow("让申请人可以撤回")
    deploy(workshop, LECTURER)
    withdrawn, answered = (begin(client, stage, day=f"2026-12-0{n}", attendants="40").id for n in (8, 9))
    both = ["deciding/assign_lecturer", "deciding/withdraw_request"]
    assert open_tasks(withdrawn) == open_tasks(answered) == both
    stranger = known(make_user("enterprise", make_unit("enterprise", "37").id))
    for user, n in ((stage.enterprise, 2), (stranger, 0)):
        sign_in(client, known(user))
        assert ("撤回讲师申请" in page(client, "/inbox")) is (n > 0)
        address = f"/tasks/{task_of(withdrawn, both[1]).id}"
        assert client.get(address).status_code == (200 if n else 404)
    assert do(stage.enterprise, withdrawn, both[1], decision="withdrawn") == []
    assert ended_at(withdrawn) == "request_withdrawn"
    assert do(stage.association, answered, both[0], decision="assigned", answer="刘老师") == []
    assert ended_at(answered) == "answered"
    sign_in(client, known(stage.enterprise))
    assert [f"2026-12-0{n} 的讲师申请已答复" in page(client, "/notices") for n in (8, 9)] == [False, True]
    assert list(history.verify([withdrawn, answered])) == []


def test_a_table_decides_and_is_deployed_alone(client: FlaskClient, stage: Stage, workshop: Workshop) -> None:
    workshop.follow(NEW)
    workshop.follow(TABLE)
    deploy(workshop, LECTURER)
    for attendants, role, days in (("49", "association", 5), ("50", "ministry", 10)):
        case = begin(client, stage, day="2026-12-08", attendants=attendants)
        task = task_of(case.id, "assign_lecturer")
        assert (task.role, task.due_at) == (role, task.opened_at + timedelta(days=days))
    table = workshop.folder / "processes" / "lecturer_desk.dmn"
    table.write_text(table.read_text().replace("50</text>", "60</text>"))
    [done] = path_deployments.deploy_paths([table])
    assert done.version is not None
    assert (done.version.key, done.version.number, done.replaced) == ("lecturer_request", 2, 1)
    begin(client, stage, day="2026-12-08", attendants="50")
    unused = table.rename(table.with_name("elsewhere.dmn"))
    [refused] = path_deployments.deploy_paths([unused])
    assert [one.rule for one in refused.problems] == ["files_are_used"]


def test_a_file_without_drawing_is_laid_out_on_its_page(client: FlaskClient, stage: Stage, workshop: Workshop) -> None:
    """Every shipped diagram, and that of the recipe, without its drawing: each node has a place of its own."""
    workshop.follow(NEW)
    for file in sorted((workshop.folder / "processes").glob("*.bpmn")):
        bare = re.sub(r"<bpmndi:BPMNDiagram.*</bpmndi:BPMNDiagram>", "", file.read_text(), flags=re.DOTALL)
        drawn = drawn_whole(bare.encode(), file.name)
        assert drawn_whole(drawn, file.name) == drawn, "nothing is left to draw"
        file.write_bytes(drawn)
        whole = LinedDrawing(etree.fromstring(drawn))
        kinds = ("Task", "Event", "Gateway", "subProcess", "sequenceFlow")
        here = {i for i, e in whole.elements.items() if str(e.tag).rpartition("}")[2].endswith(kinds)}
        assert {box.id for box in whole.nodes()} | {line.flow for line in whole.lines} == here, file.name
        assert list(whole.overlaps()) == [], file.name
    deploy(workshop, LECTURER)
    sign_in(client, stage.association)
    digest = definitions.current("lecturer_request").digest
    assert b"BPMNShape" in client.get(f"/diagrams/{digest}.bpmn").data


def test_a_paper_is_kept_with_its_case_for_whoever_sees_it(
    client: FlaskClient, stage: Stage, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made once, on the case's page and in its replay, in both languages, as PDF; 404 for those out of scope (R70)."""
    workshop.follow(NEW)
    workshop.follow("出具一份文书")
    deploy(workshop, LECTURER)
    case_id = begin(client, stage, day="2026-12-08", attendants="40").id
    unit = stage.unit.name
    assert f"/cases/{case_id}/documents/" not in page(client, f"/cases/{case_id}")
    assert do(stage.association, case_id, "assign_lecturer", decision="assigned", answer="刘老师") == []
    jobs.run_all()

    [paper] = CaseDocument.of(case_id)
    address = f"/cases/{case_id}/documents/{paper.id}"
    printed: list[str] = []
    monkeypatch.setattr(pdf, "print_pdf", lambda html, style: printed.append(html) or b"%PDF-")
    for language, title, said in (
        ("zh", "讲师申请答复函", ("2026-12-08", "<strong>已安排</strong>", "听课人数：40", unit)),
        ("en", "Answer to a request for a lecturer", ("<strong>A lecturer will come</strong>", "Attendants: 40")),
    ):
        for user in (stage.enterprise, stage.association):
            sign_in(client, known(user))
            client.post("/language", data={"language": language})
            shown = page(client, f"/cases/{case_id}")
            assert title in shown
            assert address in shown
            film = client.get(f"/cases/{case_id}/replay.json").get_json()["steps"]
            assert [title in str(step["papers"]) for step in film] == [False, True]
            answer = client.get(address)
            assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
            assert [word for word in (title, *said) if word not in printed[-1]] == []
    assert "刘老师" not in printed[-1]
    assert list(history.verify([case_id])) == []

    sign_in(client, known(make_user("enterprise", make_unit("enterprise", "41").id)))
    assert client.get(address).status_code == 404
    sign_in(client, known(stage.enterprise))
    client.post("/language", data={"language": "zh"})
    other = begin(client, stage, day="2026-12-09", attendants="41").id
    assert client.get(address.replace(str(case_id), str(other))).status_code == 404, "of another case"


def test_back_test_migration_and_the_way_back_at_the_command_line(
    stage: Stage, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command of the recipe, in its order; a running case has the second approval, and then has it no more."""
    case = enroll(stage, publish_class(stage), stage.person())
    workshop.follow(REVIEW)
    earlier = workshop.folder / "earlier"
    earlier.mkdir()
    for name, content in definitions.files(definitions.current("training_enrollment").digest).items():
        (earlier / name).write_bytes(content)
    monkeypatch.chdir(workshop.folder)
    app = current_app._get_current_object()
    monkeypatch.setattr("service.app.create_app", lambda *_asked: app)
    monkeypatch.setattr("service.cli.processes.database", lambda: nullcontext(settings()))
    for name in ("application", "reading_application"):
        monkeypatch.setattr(f"service.cli.version_changes.{name}", lambda: nullcontext(settings()))
    known_commands = {command.name: command for command in (*processes.COMMANDS, *version_changes.COMMANDS)}
    numbers = []
    told = commands("回测、迁移、退回：在命令行")
    assert [arguments[0] for arguments in told] == [
        *("check", "backtest", "deploy", "migrate", "migrate", "migrate", "deploy")
    ]
    for name, *arguments in told:
        done = CliRunner().invoke(known_commands[name], arguments)
        assert done.exit_code == 0, (name, arguments, done.output, done.exception)
        running = session().get_one(Case, case, populate_existing=True).definition
        numbers.append((definitions.version(running).number, definitions.current("training_enrollment").number))
    assert numbers == [(1, 1), (1, 1), (1, 2), (1, 2), (2, 2), (1, 2), (1, 1)]
    assert do(stage.province, case, "confirm_enrollment", decision="confirm") == ["check_in"]
    assert list(history.verify([case])) == []
