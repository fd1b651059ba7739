"""Case of certificate_deregistration: started by the daily job, decided by the ministry (R62, R63)."""

from __future__ import annotations

from typing import Any

from service.domain.units.provinces import PROVINCES
from service.engine import Request
from service.handlers.certificate_deregistration import DEFAULT_REASON
from service.models.db.transaction import Operation
from service.operations.context import TaskSubject
from tests.bench.full_scale.bulk_copy import AuditedRow
from tests.bench.full_scale.case_run import CaseInput, CaseRun
from tests.bench.full_scale.person_history import PersonHistory
from tests.bench.full_scale.plan import DeregistrationPlan

PROCESS, ELEMENT = "certificate_deregistration", "deregister_certificate"


def run_deregistration(history: PersonHistory, event: DeregistrationPlan) -> None:
    """Run the case of the certificate held, as far as it has happened."""
    held, shared = history.held, history.shared
    assert held is not None
    case = CaseRun(history.buffer, shared.definitions[PROCESS], event.at, str(held.id))

    def move(given: CaseInput, use_case: str) -> None:
        cause = case.cause(use_case, given)
        case.move(
            given,
            lambda request: _answer(history, held, request, given, cause),
            lambda data: _description(history, held),
        )

    move(CaseInput("start", event.at, data={"certificate_id": str(held.id)}), "start_deregistration")
    if event.decided_at <= shared.now:
        typed = shared.forms[PROCESS].clean(ELEMENT, {"decision": "deregister"})
        move(CaseInput("complete", event.decided_at, shared.offices["ministry"], ELEMENT, **typed), "complete")
    case.close()


def _answer(
    history: PersonHistory, held: AuditedRow, request: Request, given: CaseInput, cause: Operation
) -> dict[str, Any]:
    unit = history.unit
    if request.topic.endswith(".deregister"):
        held.change(given.at, cause, state="deregistered", void_reason=str(DEFAULT_REASON))
        history.held = None
        return {}
    return {
        "is_due": True,
        "person_id": str(history.person.id),
        "unit_id": str(unit.id),
        "valid_to": held["valid_to"].isoformat(),
        "certificate_number": held["number"],
        "authority_id": str(unit.authority_id) if unit.authority_id else None,
    }


def _description(history: PersonHistory, held: AuditedRow) -> TaskSubject:
    unit, person = history.unit, history.person
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
            "qualification_name": history.shared.types[history.plan.kind][1],
            "valid_to": held["valid_to"].isoformat(),
            "id_number": person["id_number_masked"],
        },
    )
