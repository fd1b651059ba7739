"""The deregistration of an expired certificate: begun by the daily job, decided by the ministry (R62, R63)."""

from __future__ import annotations

from typing import Any

from service.demo.full.courses import Act, Course
from service.demo.full.lives import Life
from service.demo.full.plan import Ending
from service.demo.full.sheets import Row
from service.domain.units.provinces import PROVINCES
from service.engine import Request
from service.handlers.certificate_deregistration import USUAL
from service.models.db.transaction import Operation
from service.operations.context import TaskSubject

PROCESS, ELEMENT = "certificate_deregistration", "deregister_certificate"


def end(life: Life, event: Ending) -> None:
    """Run the case of the certificate held as far as it has come."""
    held, world = life.held, life.world
    assert held is not None
    course = Course(life.sheets, world.definitions[PROCESS], event.at, str(held.id))

    def move(act: Act, use_case: str) -> None:
        cause = course.cause(use_case, act)
        course.move(
            act, lambda request: _answer(life, held, request, act, cause), lambda data: _description(life, held)
        )

    move(Act("start", event.at, data={"certificate_id": str(held.id)}), "start_deregistration")
    if event.decided_at <= world.now:
        data = world.forms[PROCESS].clean(ELEMENT, {"decision": "deregister"})
        move(Act("complete", event.decided_at, world.offices["ministry"], ELEMENT, data), "complete")
    course.close()


def _answer(life: Life, held: Row, request: Request, act: Act, cause: Operation) -> dict[str, Any]:
    unit = life.unit
    if request.topic.endswith(".deregister"):
        held.change(act.at, cause, state="deregistered", void_reason=str(USUAL))
        life.held = None
        return {}
    return {
        "is_due": True,
        "person_id": str(life.person.id),
        "unit_id": str(unit.id),
        "valid_to": held["valid_to"].isoformat(),
        "certificate_number": held["number"],
        "authority_id": str(unit.authority_id) if unit.authority_id else None,
    }


def _description(life: Life, held: Row) -> TaskSubject:
    unit, person = life.unit, life.person
    return TaskSubject(
        subject=person["name"],
        summary=held["number"],
        unit_name=unit.name,
        unit_id=unit.id,
        authority_id=unit.authority_id,
        batch=str(unit.authority_id) if unit.authority_id else None,
        batch_title=PROVINCES[unit.code].name if unit.authority_id else None,
        facts={
            "certificate_number": held["number"],
            "qualification_name": life.world.types[life.learner.kind][1],
            "valid_to": held["valid_to"].isoformat(),
            "id_number": person["id_number_masked"],
        },
    )
