"""Liveness (no database) and readiness, for a supervisor or load balancer."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response

from service.workflow.system.readiness import faults

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer as long as the process lives."""
    return _answer({"status": "ok"}, 200)


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 if the database answers, its tables are this program's and every shipped process
    is in force; else 503.
    """
    found = faults()
    return _answer({"status": "unready" if found else "ok", "faults": found}, 503 if found else 200)


def _answer(content: dict[str, object], status: int) -> Response:
    return Response(orjson.dumps(content), status, {"Cache-Control": "no-store"}, content_type="application/json")
