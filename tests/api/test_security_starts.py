"""Nothing foreign enters a case: what a client may bring at a start is declared by the form of the start event (invariant 7)."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service.errors import NotFound
from service.forms import fields
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Task
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import authority_id
from service.workflow.processes import definitions
from service.workflow.runtime import tasks
from tests.api.rest_world import HASH
from tests.builders.stage import Stage, enroll, make_stage, publish_class

FORGED = ("decision", "request", "via", "on_behalf", "is_academy", "desk_role", "desk_id", "asker_role", "asker_id")
OWNERS = ("organiser_id", "organiser_role", "authority_id", "unit_id", "institution_id", "reissue_id", "enrollment_id")
ROLES = ("ministry", "association", "province", "other_province", "institution", "enterprise")
PROCESSES = (
    "training_class",
    "training_enrollment",
    "personnel_approval",
    "certificate_reissue",
    "certificate_deregistration",
    "support_ticket",
)


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    made = make_stage()
    with transaction(Operation("test")) as current:
        for role in ROLES:
            row = current.get_one(User, getattr(made, role).id)
            row.password_hash, row.must_change = HASH, False
    return made


def start(client: FlaskClient, login: str, process: str, **variables: Any) -> Any:
    content = {"variables": {name: {"value": value} for name, value in variables.items()}}
    return client.post(
        f"/engine-rest/process-definition/key/{process}/start", json=content, auth=(login, "Blasting-Caps-2026")
    )


def everything() -> dict[str, int]:
    """Count what a forged start could leave behind."""
    session().rollback()
    rows = {table.__tablename__: session().scalar(select(func.count()).select_from(table)) for table in (Case, Task)}
    return rows | dict(session().execute(select(TrainingClass.state, func.count()).group_by(TrainingClass.state)).all())


@pytest.mark.parametrize("process", PROCESSES)
def test_no_variable_of_a_process_can_be_brought_to_its_start(stage: Stage, client: FlaskClient, process: str) -> None:
    victim = publish_class(stage)
    case = enroll(stage, victim, stage.person())
    definition = definitions.definition(definitions.current(process).digest)
    declared = _fields(definition)
    names = {*FORGED, *OWNERS, "class_id", "person_id", "certificate_id", "plan_id", "enrollment_id"} - declared
    values = {"class_id": str(victim.id), "organiser_id": str(victim.organiser_id), "organiser_role": "association"}
    for role in ROLES:
        login = getattr(stage, role).login
        for name in sorted(names):
            before = everything()
            answer = start(client, login, process, **{name: values.get(name, str(authority_id("platform")))})
            assert answer.status_code in (400, 403), (role, name, answer.json)
            assert everything() == before, (role, name)
    assert session().get_one(TrainingClass, victim.id).state == "enrolling"
    assert session().scalars(select(Enrollment.state).where(Enrollment.case_id == case)).one() == "pending"


@pytest.mark.parametrize("process", PROCESSES)
def test_every_process_that_roles_may_start_declares_what_a_start_brings(app: Any, process: str) -> None:
    definition = definitions.definition(definitions.current(process).digest)
    assert _fields(definition) <= {"person_id", "class_id", "certificate_id", "statement"}


def test_a_class_is_drafted_for_the_own_organisation_alone(stage: Stage, client: FlaskClient) -> None:
    answer = start(client, stage.province.login, "training_class")
    assert answer.status_code == 200, answer.json
    task = session().scalars(select(Task).where(Task.case_id == answer.json["id"])).one()
    assert (task.organisation_id, task.role) == (stage.province.organisation_id, "provincial_authority")


def test_a_case_moves_its_own_class_alone(stage: Stage) -> None:
    """Even case data that name a foreign class do not reach it: its first state is not written, and no case begins."""
    victim = publish_class(stage)
    data = {"organiser_id": str(stage.province.organisation_id), "organiser_role": "provincial_authority"}
    with pytest.raises(NotFound):
        tasks.start(stage.province, "training_class", data | {"class_id": str(victim.id)})
    session().rollback()
    assert session().get_one(TrainingClass, victim.id).state == "enrolling"


def test_a_foreign_and_an_unknown_id_are_answered_alike(stage: Stage, client: FlaskClient) -> None:
    victim, person = publish_class(stage), stage.person()
    unknown = str(authority_id("nobody"))
    login = stage.other_province.login
    for process, known in {
        "personnel_approval": {"person_id": str(person.id)},
        "training_enrollment": {"person_id": str(person.id), "class_id": str(victim.id)},
    }.items():
        foreign = start(client, login, process, **known)
        random = start(client, login, process, **(known | {"person_id": unknown}))
        assert (foreign.status_code, foreign.json["message"]) == (random.status_code, random.json["message"]), process


def _fields(definition: Any) -> set[str]:
    form = definition.start_form
    return {field.key for field in fields(definition.files[f"{form}.form"])} if form else set()
