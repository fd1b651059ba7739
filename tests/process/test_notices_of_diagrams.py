"""``general.notify``: to a role, an organisation or the account of a person, in the application and by mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from service.domain.accounts.roles import Role
from service.domain.notices.notices import NOTIFIED
from service.errors import Conflict
from service.models.db.clock import MovingClock
from service.models.tables.accounts.user import User
from service.workflow.processes import definitions
from service.workflow.runtime import history, jobs, tasks, undo
from service.workflow.versions import deployments
from tests.api.test_mails_of_accounts import Postbox, postbox, reader
from tests.builders.stage import Stage, known, make_stage
from tests.builders.world import make_user, sign_in
from tests.unit.validation_diagrams import chain, process

__all__ = ["postbox"]

NOTIFY = (
    '<extensionElements><camunda:inputOutput><camunda:inputParameter name="{to}">{whom}</camunda:inputParameter>'
    '<camunda:inputParameter name="title">请看一件事</camunda:inputParameter>'
    '<camunda:inputParameter name="title_en">Please look at something</camunda:inputParameter>'
    '<camunda:inputParameter name="by_mail">true</camunda:inputParameter></camunda:inputOutput></extensionElements>'
)
TELLS: dict[str, tuple[str, Callable[[Stage], User], Callable[[Stage], User]]] = {
    "to_role": ("provincial_authority", lambda stage: stage.province, lambda stage: stage.enterprise),
    "to_organisation": ("${starter_organisation_id}", lambda stage: stage.colleague, lambda stage: stage.province),
    "to_person": ("${starter_id}", lambda stage: stage.association, lambda stage: stage.colleague),
}
"""Input parameter → its value, an account that is told, and one that is not."""


@pytest.mark.parametrize("role", sorted(Role))
def test_whoever_reads_notices_is_notified_and_no_other_role_can_be(
    role: Role, client: FlaskClient, clock: MovingClock, postbox: Postbox
) -> None:
    files = telling("to_role", role.value)
    refused = [issue.text() for issue in definitions.examine(files) if issue.is_refusal]
    assert bool(refused) is (role not in NOTIFIED), refused
    if refused:
        return
    deployments.deploy(files)
    stage = make_stage()
    members = (getattr(stage, field.name) for field in fields(stage))
    users = {user.role: user for user in members if isinstance(user, User)}
    told = users.get(role) or make_user(role, stage.unit.id)
    reader(told, "notices", language="en", address="told@example.cn")
    tasks.start_by_key(known(stage.association), "P", {})
    jobs.run_all()
    assert postbox.recipients == ["told@example.cn"]
    sign_in(client, known(told))
    assert "请看一件事" in client.get("/notices").get_data(as_text=True)


def telling(to: str, whom: str) -> dict[str, bytes]:
    """A process that the association starts, and that notifies."""
    task = f'<serviceTask id="tell" camunda:type="external" camunda:topic="general.notify">{NOTIFY}</serviceTask>'
    more = 'isExecutable="true" camunda:candidateStarterGroups="association"'
    return {"telling.bpmn": process(chain(task.format(to=to, whom=whom)), more=more)}


@pytest.mark.parametrize("to", sorted(TELLS))
def test_a_diagram_notifies_in_the_application_and_by_mail(
    to: str, client: FlaskClient, clock: MovingClock, postbox: Postbox
) -> None:
    whom, told, left_out = TELLS[to]
    files = telling(to, whom)
    assert [issue.text() for issue in definitions.examine(files) if issue.is_refusal] == []
    deployments.deploy(files)
    stage = make_stage()
    for user, address in ((told(stage), "told@example.cn"), (left_out(stage), "other@example.cn")):
        reader(user, "notices", language="en", address=address)
    tasks.start_by_key(known(stage.association), "P", {})
    jobs.run_all()
    assert postbox.recipients == ["told@example.cn"]
    assert "Please look at something" in postbox.mails[0]["Subject"] + str(postbox.mails[0].get_body())
    for user, is_told in ((told(stage), True), (left_out(stage), False)):
        sign_in(client, known(user))
        assert ("请看一件事" in client.get("/notices").get_data(as_text=True)) is is_told


def test_a_mail_waits_until_what_ordered_it_can_no_longer_be_undone(
    client: FlaskClient, clock: MovingClock, postbox: Postbox
) -> None:
    """R83: what was taken back in time is neither mailed nor read."""
    tell = '<serviceTask id="tell" camunda:type="external" camunda:topic="general.notify">{}</serviceTask>'
    asked = '<userTask id="decide" camunda:candidateGroups="association" />'
    told = NOTIFY.format(to="to_role", whom="provincial_authority")
    more = 'isExecutable="true" camunda:candidateStarterGroups="association"'
    deployments.deploy({"telling.bpmn": process(chain(asked, tell.format(told)), more=more)})
    stage = make_stage()
    reader(stage.province, "notices", language="en", address="told@example.cn")
    [task] = tasks.start_by_key(known(stage.association), "P", {}).tasks

    def is_shown() -> bool:
        return "请看一件事" in client.get("/notices").get_data(as_text=True)

    for taken_back in (True, False):
        tasks.complete(known(stage.association), task, {})
        jobs.run_all()
        assert postbox.recipients == []
        if taken_back:
            undo.undo(known(stage.association), task)
        sign_in(client, known(stage.province))
        assert is_shown() is not taken_back
        clock.move(timedelta(minutes=10))
        jobs.run_all()
        assert bool(postbox.recipients) is not taken_back
    with pytest.raises(Conflict):
        undo.undo(known(stage.association), task)
    assert list(history.verify()) == []
