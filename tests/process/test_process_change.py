"""Changes of processes: nobody puts the own version in force, whichever way it came (setting ``two_person_deploy``)."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service import handlers
from service.cli.processes import _owner
from service.engine import Plan
from service.errors import Conflict, DefinitionRefused, InvalidInput, NotAllowed, NotFound
from service.handlers.registry import reason_barred
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Task
from service.models.tables.runtime.process import DefinitionVersion, ProcessChange
from service.models.tables.system.audit import AuditEvent
from service.workflow.processes import definitions
from service.workflow.processes.vocabulary import vocabulary
from service.workflow.runtime import jobs, mends, tasks
from service.workflow.runtime.mends import Mend
from service.workflow.versions import case_migrations, deployments, drafts, process_changes
from service.workflow.versions.case_migrations import Migration
from service.workflow.versions.deployments import Author
from tests.api.rest_world import make_world
from tests.builders.approval import require_approval
from tests.builders.world import sign_in
from tests.process.small_process import DIAGRAM, FORM, person
from tests.process.test_deployments import form_data, modeler

OTHER = DIAGRAM.replace("小流程", "小流程二")
THIRD = DIAGRAM.replace("小流程", "小流程三")


def files(diagram: str = OTHER) -> dict[str, bytes]:
    return {"small.bpmn": diagram.encode(), "look.form": FORM.encode()}


@pytest.fixture
def proposer(app: Flask) -> User:
    deployments.deploy(files(DIAGRAM))
    require_approval()
    return person("proposer", "process_admin")


@pytest.fixture
def approver(proposer: User) -> User:
    return person("approver", "process_admin")


def propose(user: User | None, diagram: str = OTHER) -> ProcessChange:
    author = Author("page", user, note="改名") if user else Author("cli", account={"who": "li", "host": "desk"})
    change = deployments.deploy(files(diagram), author).change
    assert change is not None
    return change


def task_of(change: ProcessChange) -> UUID:
    found: UUID = session().scalars(select(Task.id).where(Task.case_id == change.case_id, Task.state == "open")).one()
    return found


def decide(user: User, change: ProcessChange, **answers: str) -> None:
    tasks.complete(user, task_of(change), answers)
    session().refresh(change)


def in_force() -> int:
    return definitions.current("small").number


def test_another_person_puts_it_in_force_and_the_trail_names_both(proposer: User, approver: User) -> None:
    change = propose(proposer)
    assert in_force() == 1
    decide(approver, change, decision="approve")
    assert (in_force(), change.state, change.decided_by) == (2, "approved", approver.id)
    event = (
        session()
        .scalars(select(AuditEvent).where(AuditEvent.action == "deploy_process").order_by(AuditEvent.at.desc()))
        .first()
    )
    assert event is not None
    assert event.actor_id == approver.id
    assert (event.detail["proposer"], event.detail["note"], event.detail["way"]) == ("proposer", "改名", "page")
    assert session().get_one(Case, change.case_id).ended_at is not None


def test_the_proposer_neither_sees_the_task_nor_can_be_handed_it_nor_completes_it(
    proposer: User, approver: User
) -> None:
    task = task_of(propose(proposer))
    for act in (
        lambda: tasks.complete(proposer, task, {"decision": "approve"}),
        lambda: tasks.claim(proposer, task),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(NotAllowed):
        tasks.assign(approver, task, proposer.id)
    assert in_force() == 1


@pytest.mark.parametrize("end", ["waits", "refused", "withdrawn"])
def test_no_case_is_migrated_to_what_nobody_approved(proposer: User, approver: User, end: str) -> None:
    change = propose(proposer)
    if end == "refused":
        decide(approver, change, decision="refuse", reason="不同意。")
    elif end == "withdrawn":
        process_changes.withdraw(proposer, "small")
    asked = Migration(definitions.current("small").digest, change.definition, Plan())
    for act in (
        lambda: case_migrations.check_plan(asked),
        lambda: case_migrations.preview(proposer, asked),
        lambda: case_migrations.begin(proposer, asked, "试试"),
        lambda: case_migrations.begin(None, asked, "试试"),
    ):
        with pytest.raises(InvalidInput):
            act()
    decide(approver, propose(proposer), decision="approve")
    back = Migration(change.definition, change.replaces or "", Plan())
    assert case_migrations.check_plan(back) == {}, "what was in force once"


def test_two_writers_at_once_neither_lose_nor_fail(app: Flask, proposer: User, approver: User) -> None:
    """Every pair of acts on a draft, raced: each is done or told of the other, and what was saved last stands."""
    texts = drafts.open_draft("small").files
    acts: dict[str, Callable[[Any, int], Any]] = {
        "save": lambda client, n: client.post(
            "/studio/small/draft", json={"files": {**texts, "small.bpmn": OTHER}, "version": n}
        ),
        "discard": lambda client, n: client.post("/studio/small/discard", data={"version": str(n), "asked": "1"}),
        "propose": lambda client, n: client.post(
            "/studio/small/propose", data={"version": str(n), "change_note": "改名"}
        ),
        "begin": lambda client, n: client.post("/studio", data={"key": f"fresh_{n}", "name": "新"}),
    }
    clients = [sign_in(app.test_client(), user) for user in (proposer, approver)]
    for one, other in combinations_with_replacement(acts, 2):
        n = drafts.save(proposer, "small", {**texts, "small.bpmn": THIRD}, drafts.open_draft("small").version).version
        with ThreadPoolExecutor(2) as pool:
            answers = list(
                pool.map(lambda pair, n=n: acts[pair[1]](pair[0], n), zip(clients, (one, other), strict=True))
            )
        session().rollback()
        told = sorted(answer.status_code for answer in answers)
        assert all(code in (200, 302, 404, 409) for code in told), (one, other, told)
        if "begin" not in (one, other) or one == other:
            assert sum(code in (200, 302) for code in told) == 1, (one, other, told)


def test_what_is_refused_stays_out_and_may_be_proposed_again(proposer: User, approver: User) -> None:
    change = propose(proposer)
    with pytest.raises(InvalidInput):
        tasks.complete(approver, task_of(change), {"decision": "refuse"})
    decide(approver, change, decision="refuse", reason="没有说明为什么。")
    assert (in_force(), change.state, change.comment) == (1, "refused", "没有说明为什么。")
    again = propose(proposer)
    assert (again.definition, again.id != change.id) == (change.definition, True)
    decide(approver, again, decision="approve")
    assert in_force() == 2


def test_the_same_version_waits_once(proposer: User) -> None:
    assert propose(proposer).id == propose(proposer).id


@pytest.mark.parametrize("way", ["page", "cli", "cli of a known account"])
def test_what_was_overtaken_or_of_unknown_origin_is_proposed_anew(way: str, proposer: User, approver: User) -> None:
    """The same files once more, after another version came into force: what waits can be approved, by another."""
    late = propose(proposer if way == "page" else None)
    decide(approver, propose(proposer, THIRD), decision="approve")
    account = {"who": "li", "host": "desk"}
    author = Author("page", proposer) if way == "page" else Author("cli", account=account)
    author = replace(author, owner=proposer) if way.endswith("account") else author
    again = deployments.deploy(files(), author).change
    assert again is not None
    session().refresh(late)
    assert (late.state, again.state, again.replaces) == ("withdrawn", "proposed", definitions.current("small").digest)
    decide(approver, again, decision="approve")
    assert definitions.current("small").digest == again.definition


def test_whoever_deployed_at_the_command_line_does_not_approve_it_from_the_own_account(
    proposer: User, approver: User, client: FlaskClient
) -> None:
    """Known by name it is barred as any other; unknown, the approver is told; the same files sent from a page name it."""
    unknown = propose(None)
    assert task_of(unknown)
    assert "不知道 li@desk 是哪个账号" in sign_in(client, approver).get(f"/tasks/{task_of(unknown)}").text
    for change in (
        propose(proposer),
        deployments.deploy(files(THIRD), Author("cli", account={"who": "proposer"}, owner=proposer)).change,
    ):
        assert change is not None
        assert change.proposer_id == proposer.id
        assert "是哪个账号" not in sign_in(client, approver).get(f"/tasks/{task_of(change)}").text
        with pytest.raises(NotFound):
            decide(proposer, change, decision="approve")
    session().refresh(unknown)
    assert unknown.state == "withdrawn"


@pytest.mark.parametrize("login", ["li", "proposer"])
def test_the_command_line_finds_the_account_of_its_user(proposer: User, login: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("service.cli.processes.operator", lambda: {"who": login, "host": "desk"})
    assert _owner("") == (proposer if login == "proposer" else None)
    assert _owner("proposer") == proposer
    with pytest.raises(click.BadParameter):
        _owner("nobody")


def test_what_the_gate_lets_pass_no_more_is_not_put_in_force(proposer: User, approver: User, monkeypatch: Any) -> None:
    """A role that the proposed version needs is gone when it is approved."""
    change = propose(proposer)
    known = vocabulary()
    roles = {name: labels for name, labels in known.roles.items() if name != "ministry"}
    monkeypatch.setattr(definitions, "vocabulary", lambda: replace(known, roles=roles))
    with pytest.raises(Conflict, match="检查已不让"):
        decide(approver, change, decision="approve")
    assert in_force() == 1
    decide(approver, change, decision="refuse", reason="角色已取消。")


def test_nobody_is_told_of_a_complaint_where_there_is_none(proposer: User, approver: User) -> None:
    with pytest.raises(NotAllowed, match="提出人不能批准自己的变更"):
        tasks.assign(approver, task_of(propose(proposer)), proposer.id)


def test_each_process_that_bars_somebody_says_why() -> None:
    sources = {path.stem: path.read_text() for path in Path(handlers.__file__).parent.glob("*.py")}
    barring = {name for name, source in sources.items() if 'facts["barred"]' in source}
    assert barring == {name for name in sources if reason_barred(name)}


def test_a_version_that_was_overtaken_is_not_put_in_force(proposer: User, approver: User) -> None:
    late, first = propose(proposer, OTHER), propose(proposer, THIRD)
    decide(approver, first, decision="approve")
    with pytest.raises(Conflict, match="另有变更"):
        tasks.complete(approver, task_of(late), {"decision": "approve"})
    assert definitions.current("small").digest == first.definition
    decide(approver, late, decision="refuse", reason="已另有变更。")


def test_the_proposer_alone_takes_it_back(proposer: User, approver: User) -> None:
    change = propose(proposer)
    with pytest.raises(NotFound):
        process_changes.withdraw(approver, "small")
    process_changes.withdraw(proposer, "small")
    session().refresh(change)
    assert (change.state, in_force()) == ("withdrawn", 1)
    assert process_changes.open_change("small") is None


@pytest.mark.parametrize("way", ["page", "studio", "cli", "file"])
def test_what_comes_into_force_without_approval_leaves_nothing_waiting(
    way: str, proposer: User, approver: User, client: FlaskClient
) -> None:
    """Two-person approval was switched off while the change waited; a start never asks for it."""
    change = propose(proposer)
    require_approval(wanted=way == "file")
    deployments.deploy(files(), Author(way, None if way in ("cli", "file") else approver, note="直接部署"))
    session().refresh(change)
    assert (in_force(), change.state) == (2, "superseded")
    assert session().get_one(Case, change.case_id).ended_at is not None
    assert process_changes.open_change("small") is None
    page = sign_in(client, proposer).get("/processes/small").text
    assert "未经批准已直接生效" in page
    assert "待批准" not in page


def mend(user: User, change: ProcessChange, kind: str, **given: Any) -> None:
    assert change.case_id is not None
    mends.mend(user, change.case_id, Mend(kind, "试一试能不能绕过。", **given))


def test_who_may_mend_cases_gets_no_own_version_past_the_second_person(proposer: User, approver: User) -> None:
    change, other = propose(proposer), propose(approver, THIRD)
    for given in ({"to": "activate"}, {"to": "decision_gateway"}):
        with pytest.raises((NotAllowed, Conflict)):
            mend(proposer, change, "move", element="approve_change", **given)
    mend(proposer, other, "variables", values={"change_id": str(change.id)})
    with pytest.raises(NotFound):  # what the proposer sees and approves is the other one
        tasks.complete(proposer, task_of(other), {"decision": "approve"})
    assert in_force() == 1


def test_a_version_whose_case_was_cancelled_is_proposed_again(proposer: User, approver: User) -> None:
    change = propose(proposer)
    mend(approver, change, "cancel")
    assert process_changes.open_change("small") is None
    again = propose(proposer)
    assert again.id != change.id
    decide(approver, again, decision="approve")
    assert in_force() == 2


def test_an_older_version_comes_back_by_approval_too(proposer: User, approver: User) -> None:
    decide(approver, propose(proposer), decision="approve")
    first = (
        session()
        .scalars(
            select(DefinitionVersion.digest).where(DefinitionVersion.key == "small", DefinitionVersion.number == 1)
        )
        .one()
    )
    done = deployments.make_current(approver, first, "新版有误")
    assert in_force() == 2
    assert done.change is not None
    decide(proposer, done.change, decision="approve")
    assert in_force() == 1


@pytest.mark.parametrize("way", ["page", "rest", "studio", "cli"])
def test_every_way_of_deploying_waits_for_approval(way: str, app: Flask, proposer: User, approver: User) -> None:
    ways: dict[str, Callable[[], Any]] = {
        "page": lambda: by_page(app, proposer),
        "rest": lambda: by_rest(app),
        "studio": lambda: by_studio(proposer),
        "cli": lambda: propose(None),
    }
    ways[way]()
    assert in_force() == 1
    change = process_changes.open_change("small")
    assert change is not None
    assert change.source == ("page" if way == "page" else way)
    decide(approver, change, decision="approve")
    assert in_force() == 2


def by_page(app: Flask, user: User) -> None:
    client = sign_in(app.test_client(), user)
    sent = [(io.BytesIO(content), name) for name, content in files().items()]
    assert client.post("/processes", data={"files": sent, "change_note": "改名"}).status_code == 302


def by_rest(app: Flask) -> None:
    make_world()
    answer = modeler(app.test_client(), "/deployment/create", method="POST", data=form_data(files()))
    assert answer.status_code == 200, answer.json


def by_studio(user: User) -> None:
    texts = {name: content.decode() for name, content in files().items()}
    drafts.save(user, "small", texts, 0)
    drafts.propose(user, "small", 1, "改名")


def test_what_a_start_finds_in_the_folder_was_installed_and_needs_nobody(proposer: User) -> None:
    deployments.deploy(files())
    assert in_force() == 2


def test_the_last_back_test_of_the_very_files_stands_on_the_approvers_page_and_in_the_studio(
    proposer: User, approver: User, client: FlaskClient
) -> None:
    """Begun by the button there; a back-test of other files says nothing of these."""
    tasks.start(None, "small", {})
    change, page = propose(proposer), sign_in(client, approver)
    address = f"/tasks/{task_of(change)}"

    def test(**form: str) -> str:
        begun = page.post("/processes/small/backtest", data=form)
        assert begun.status_code == 302
        return str(begun.location)

    test(version="1")
    assert "这一版还没有回测" in page.get(address).text
    run = test(version="2")
    assert "正在回测：0 / 1 件" in page.get(address).text
    jobs.run_all()
    shown = page.get(address).text
    assert "回测 1 件案卷，0 件不同" in shown
    assert f'href="{run}"' in shown
    by_studio(proposer)  # the same files as a draft, until they are sent
    sent = {"files": {name: content.decode() for name, content in files().items()}}
    version = drafts.open_draft("small").version
    told = page.post("/studio/small/draft", json={**sent, "version": version}).get_json()
    assert (told["backtest"]["address"], told["backtest"]["look"]) == (run, "ok")
    sent["files"]["small.bpmn"] += "\n"
    assert page.post("/studio/small/draft", json={**sent, "version": version + 1}).get_json()["backtest"] is None


class TestDrafts:
    """Drafts are kept as they are, one a process; nobody writes over a colleague's."""

    def test_a_draft_is_saved_with_whatever_is_wrong_in_it(self, proposer: User) -> None:
        broken = {"small.bpmn": "<no", "look.form": "{"}
        opened = drafts.save(proposer, "small", broken, 0)
        assert (opened.files, opened.version, opened.saved_by) == (broken, 1, "proposer")
        assert any(issue.is_refusal for issue in drafts.examine(opened.files))
        with pytest.raises(DefinitionRefused):
            drafts.propose(proposer, "small", 1, "送审")
        assert drafts.open_draft("small").files == broken

    def test_the_second_of_two_writers_is_told_who_was_first(self, proposer: User, approver: User) -> None:
        texts = drafts.open_draft("small").files
        drafts.save(proposer, "small", texts, 0)
        with pytest.raises(Conflict, match="proposer"):
            drafts.save(approver, "small", texts, 0)
        assert drafts.save(approver, "small", texts, 1).version == 2

    def test_the_draft_goes_when_it_is_sent_and_what_is_the_same_is_not_sent(self, proposer: User) -> None:
        drafts.save(proposer, "small", drafts.open_draft("small").files, 0)
        with pytest.raises(InvalidInput):
            drafts.propose(proposer, "small", 1, "没有改")
        by = {**drafts.open_draft("small").files, "small.bpmn": OTHER}
        drafts.save(proposer, "small", by, 1)
        with pytest.raises(Conflict):
            drafts.propose(proposer, "small", 1, "读的是旧稿")
        drafts.propose(proposer, "small", 2, "改名")
        assert drafts.open_draft("small").saved_at is None

    def test_who_still_has_an_ended_draft_open_never_saves_over_the_next(self, proposer: User, approver: User) -> None:
        texts = drafts.open_draft("small").files
        for end in (
            lambda: drafts.discard(proposer, "small", drafts.open_draft("small").version),
            lambda: drafts.propose(proposer, "small", drafts.open_draft("small").version, "改名"),
        ):
            opened = drafts.save(proposer, "small", {**texts, "small.bpmn": OTHER}, drafts.open_draft("small").version)
            end()
            drafts.save(approver, "small", {**texts, "small.bpmn": THIRD}, drafts.open_draft("small").version)
            for act in (
                lambda opened=opened: drafts.save(proposer, "small", texts, opened.version),
                lambda opened=opened: drafts.propose(proposer, "small", opened.version, "旧稿"),
                lambda opened=opened: drafts.discard(proposer, "small", opened.version),
            ):
                with pytest.raises(Conflict):
                    act()
            assert drafts.open_draft("small").files["small.bpmn"] == THIRD
            drafts.discard(approver, "small", drafts.open_draft("small").version)

    def test_what_was_opened_before_a_deployment_is_not_saved_as_a_change_of_it(self, proposer: User) -> None:
        opened = drafts.open_draft("small")
        assert opened.base is not None
        deployments.deploy(files())
        with pytest.raises(Conflict):
            drafts.save(proposer, "small", opened.files, opened.version, opened.base.digest)

    @pytest.mark.parametrize("key", ["small", "fresh"])
    @pytest.mark.parametrize("end", ["refuse", "withdraw"])
    def test_what_is_not_approved_is_a_draft_again(self, proposer: User, approver: User, end: str, key: str) -> None:
        if key == "fresh":
            drafts.begin(proposer, {"key": key, "name": "新流程"})
        opened = drafts.open_draft(key)
        text = opened.files[f"{key}.bpmn"].replace(
            'id="work" name', 'id="work" camunda:candidateGroups="ministry" name'
        )
        texts = {**opened.files, f"{key}.bpmn": text.replace("小流程", "小流程二")}
        opened = drafts.save(proposer, key, texts, opened.version)
        change = drafts.propose(proposer, key, opened.version, "送审").change
        assert change is not None
        if end == "refuse":
            decide(approver, change, decision="refuse", reason="再想想。")
        else:
            assert process_changes.withdraw(proposer, key).digest == change.definition
        again = drafts.open_draft(key)
        assert (again.files, again.saved_by) == (texts, "proposer")
        assert again.version > opened.version

    @pytest.mark.parametrize(
        "sent",
        [
            {},
            [],
            None,
            "x",
            {"a.txt": "x"},
            {"../a.bpmn": "x"},
            {"a.bpmn": 1},
            {"a.bpmn": "\x00"},
            {"a.bpmn": "x" * 1_000_001},
            {f"a{n}.form": "" for n in range(41)},
        ],
    )
    def test_what_is_no_bundle_is_refused(self, proposer: User, sent: Any) -> None:
        with pytest.raises(InvalidInput):
            drafts.save(proposer, "small", sent, 0)


ENDS = {
    "approved": ("current", 409),
    "replaced": ("retired", 200),
    "waits": ("proposed", 409),
    "refused": ("refused", 409),
    "withdrawn": ("withdrawn", 409),
    "cancelled": ("withdrawn", 409),
}
"""End of a proposal → how its version is called, and the answer to putting it in force again."""


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("two_persons", [True, False])
def test_only_what_was_in_force_is_restored(
    two_persons: bool, end: str, client: FlaskClient, proposer: User, approver: User
) -> None:
    change = propose(proposer)
    if end in ("approved", "replaced"):
        decide(approver, change, decision="approve")
    elif end == "refused":
        decide(approver, change, decision="refuse", reason="字段不对。")
    elif end == "withdrawn":
        process_changes.withdraw(proposer, "small")
    elif end == "cancelled":
        mend(approver, change, "cancel")
    if end == "replaced":
        decide(approver, propose(proposer, THIRD), decision="approve")
    if not two_persons:
        require_approval(False)
    standing, status = ENDS[end]
    version = definitions.version(change.definition)
    assert process_changes.standing(version, 0) == standing
    page = sign_in(client, approver)
    offered = "restore?version=2" in page.get("/processes/small?version=2").text
    assert offered == (status == 200)
    if status == 409:
        with pytest.raises(Conflict):
            deployments.make_current(approver, change.definition, "试一试。")
    else:
        deployments.make_current(approver, change.definition, "试一试。")
