"""A case gets a message from whoever may give it, with what the use case says: no client forges one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import select

from service.domain.accounts.permissions import Action
from service.models.db.session import session
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.persons.identity_correction import IdentityCorrection
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.models.tables.runtime.process import ProcessChange
from service.models.tables.training.training import Enrollment, TrainingClass
from tests.api.test_security_forgery import SERVICE, everybody, variable_names
from tests.api.test_security_forgery import open_tasks as open_tasks
from tests.api.v1_world import PASSWORD
from tests.builders.open_tasks import BPMN, PROCESSES
from tests.builders.stored import digests
from tests.builders.world import sign_in

GIVERS = {"correlate_message", "offer_message", "send_message", "message_enrollments", "broadcast"}
V1 = "/api/v1"


class Door(NamedTuple):
    """The address that gives a case a message, and on which row who may do it."""

    address: str
    model: type[Any]
    action: Action


DOORS: dict[str, list[Door]] = {
    "cancel_class": [
        Door("/classes/{}/cancel", TrainingClass, Action.EDIT_CLASS),
        Door(V1 + "/classes/{}/cancel", TrainingClass, Action.EDIT_CLASS),
    ],
    "class_changed": [Door("/classes/{}/change", TrainingClass, Action.EDIT_CLASS)],
    "close_enrolment": [
        Door("/classes/{}/close-enrolment", TrainingClass, Action.EDIT_CLASS),
        Door(V1 + "/classes/{}/close-enrollment", TrainingClass, Action.EDIT_CLASS),
    ],
    "undo_check_in": [
        Door("/enrollments/{}/undo-check-in", Enrollment, Action.CHECK_IN),
        Door(V1 + "/enrollments/{}/undo-check-in", Enrollment, Action.CHECK_IN),
    ],
    "correct_score": [
        Door("/enrollments/{}/correct", Enrollment, Action.CONFIRM_SCORE),
        Door(V1 + "/enrollments/{}/correct-score", Enrollment, Action.CONFIRM_SCORE),
    ],
    "end_training": [
        Door("/enrollments/{}/end", Enrollment, Action.END_TRAINING),
        Door(V1 + "/enrollments/{}/end", Enrollment, Action.END_TRAINING),
    ],
    "withdraw": [
        Door("/enrollments/{}/withdraw", Enrollment, Action.WITHDRAW_ENROLLMENT),
        Door(V1 + "/enrollments/{}/withdraw", Enrollment, Action.WITHDRAW_ENROLLMENT),
    ],
    "deregister": [
        Door("/persons/{}/deregister", Person, Action.DEREGISTER_PERSON),
        Door(V1 + "/persons/{}/deregister", Person, Action.DEREGISTER_PERSON),
    ],
    "certificate_ended": [
        Door("/persons/{}/transfer", Person, Action.TRANSFER_PERSON),
        Door(V1 + "/persons/{}/transfer", Person, Action.TRANSFER_PERSON),
    ],
    "face_changed": [
        Door("/persons/{}/type", Person, Action.CHANGE_TYPE),
        Door(V1 + "/persons/{}/change-type", Person, Action.CHANGE_TYPE),
    ],
    "take_back": [Door("/persons/{}/take-back", Person, Action.EDIT_PERSON)],
    "withdraw_change": [Door("/studio/{}/withdraw", ProcessChange, Action.EDIT_PROCESSES)],
    "withdraw_reissue": [Door("/reissues/{}/withdraw", Reissue, Action.REQUEST_REISSUE)],
    "correction_ended": [
        Door("/corrections/{}/withdraw", IdentityCorrection, Action.CORRECT_IDENTITY),
        Door(V1 + "/corrections/{}/withdraw", IdentityCorrection, Action.CORRECT_IDENTITY),
    ],
}
"""Each message that an act of a person gives a case, with all its doors."""
FROM_CASES = {"class_cancelled", "enrollment_changed", "no_show", "recheck"}
"""Messages that a case or the clock sends; no act of a person is one by itself."""


def test_every_message_of_the_shipped_diagrams_is_known() -> None:
    drawn = {one.get("name") for file in PROCESSES.glob("*.bpmn") for one in etree.parse(file).iter(BPMN + "message")}
    assert drawn == DOORS.keys() | FROM_CASES


def test_no_view_names_a_message() -> None:
    """What gives messages is called by use cases and handlers alone, never with a name that came with a request."""
    for file in (*(SERVICE / "web").rglob("*.py"), *(SERVICE / "api").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                assert name not in GIVERS, (file.name, node.lineno)


def _rows(model: type[Any], user: User, action: Action) -> Iterator[UUID]:
    """The rows of a table on which the user has not the action, as the address names them."""
    if model is Reissue:
        people = select(Certificate.id).where(Certificate.person_id.in_(_people(user, action)))
        query = select(Reissue.case_id).where(Reissue.certificate_id.not_in(people), Reissue.case_id.is_not(None))
    elif model is ProcessChange:
        query = select(ProcessChange.key).where(ProcessChange.proposer_id != user.id)
    elif model is IdentityCorrection:
        query = select(IdentityCorrection.id).where(IdentityCorrection.person_id.not_in(_people(user, action)))
    elif model is TrainingClass:
        query = select(TrainingClass.id).where(~visible_to(user, TrainingClass, action))
    else:
        query = select(model.id).where(~visible_to(user, model, action))
    yield from session().scalars(query)


def _people(user: User, action: Action) -> Any:
    return select(Person.id).where(visible_to(user, Person, action))


def test_nobody_gives_a_case_a_message_that_is_not_his_to_give(
    app: Flask, open_tasks: dict[str, Task], client: FlaskClient
) -> None:
    """Message × door × role × row out of the role's reach, with every variable forged: refused, nothing has changed."""
    assert open_tasks
    forged = dict.fromkeys(sorted(variable_names()), "association") | {"reason": "本人离职，见附件。"}
    before, tried = digests(), set()
    for user in everybody():
        sign_in(client, user)
        for message, doors in DOORS.items():
            for door in doors:
                for key in list(_rows(door.model, user, door.action))[:1]:
                    answer = _knock(client, user, door.address.format(key), forged)
                    assert answer.status_code in (403, 404), (user.role, door.address, answer.status_code, answer.text)
                    tried.add((message, user.role))
    assert {message for message, _ in tried} == DOORS.keys()
    assert len(tried) > 80, len(tried)
    assert digests() == before
    assert session().scalars(select(Case.id)).first()


def _knock(client: FlaskClient, user: User, address: str, forged: dict[str, str]) -> Any:
    if address.startswith(V1):
        return client.post(address, json={"reason": forged["reason"]}, auth=(user.login, PASSWORD))
    question, done = (client.post(address, data=forged | answered) for answered in ({}, {"asked": "1"}))
    assert question.status_code == done.status_code, "what one may not do is not asked either"
    return done
