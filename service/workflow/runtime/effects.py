"""Effects that the general topics of diagrams leave: other cases, and calls of services outside."""

from __future__ import annotations

from typing import Any

from service.handlers import general, registry
from service.infrastructure import outbound_http
from service.models.db.transaction import Operation, transaction
from service.models.queries.lease import Lease
from service.workflow.processes import definitions
from service.workflow.runtime import jobs, tasks
from service.workflow.runtime.task_forms import clean_start_form


def _start(payload: dict[str, Any], lease: Lease) -> None:
    """Start the other case, once: with it the job is done. Its variables pass the form of its start event."""
    process = payload["process"]
    definition = definitions.definition(definitions.current(process).digest)
    cleaned = clean_start_form(definition, payload["variables"])
    variables = cleaned.data | registry.start_variables_of(process, None)
    with transaction(Operation(f"start {process}")):
        tasks.start(None, process, variables, personal=cleaned.personal, business_key=payload["business_key"])
        lease.complete()


def _call(payload: dict[str, Any], lease: Lease) -> None:
    """Call the service; a repeated call bears the same idempotency key."""
    outbound_http.call(payload["url"], payload["method"], payload["content"], payload["secret"], str(lease.job_id))


def register() -> None:
    """Let the worker do them."""
    jobs.SIDE_EFFECTS |= {general.START: _start, general.CALL: _call}
