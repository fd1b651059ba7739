"""Liveness (no database) and readiness, for a supervisor or load balancer."""

from __future__ import annotations

from ipaddress import ip_address

import orjson
from flask import Blueprint, Response, request

from service.api.http.auth import UNKNOWN_ADDRESS
from service.workflow.system.readiness import faults, warnings

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer as long as the process lives."""
    return _answer({"status": "ok"}, 200)


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 if the database answers and can be written, its tables are this program's, every shipped process
    is in force and the disk has room; else 503. What is amiss is told on the machine itself alone.
    """
    found = faults()
    status: dict[str, object] = {"status": "unready" if found else "ok"}
    is_near = ip_address(request.remote_addr or UNKNOWN_ADDRESS).is_loopback
    told = {"faults": found, "warnings": warnings()} if is_near else {}
    return _answer(status | told, 503 if found else 200)


def _answer(content: dict[str, object], status: int) -> Response:
    return Response(orjson.dumps(content), status, {"Cache-Control": "no-store"}, content_type="application/json")
