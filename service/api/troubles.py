"""``/job`` and ``/incident``: what waits for its time, and what failed for good; to be read, mended on the case page."""

from __future__ import annotations

from flask import Response, request

from service.api import shapes
from service.api.engine_rest import answer, blueprint, user
from service.api.parameters import read_wanted
from service.models.rest_lists import INCIDENTS, JOBS


@blueprint.get("/job")
def jobs() -> Response:
    return answer([shapes.job(row) for row in JOBS.rows(user(), read_wanted(JOBS, request.args))])


@blueprint.get("/job/count")
def count_jobs() -> Response:
    return answer({"count": JOBS.count(user(), read_wanted(JOBS, request.args))})


@blueprint.get("/job/<id>")
def job(id: str) -> Response:
    return answer(shapes.job(JOBS.one(user(), id)))


@blueprint.get("/incident")
def incidents() -> Response:
    return answer([shapes.incident(row) for row in INCIDENTS.rows(user(), read_wanted(INCIDENTS, request.args))])


@blueprint.get("/incident/count")
def count_incidents() -> Response:
    return answer({"count": INCIDENTS.count(user(), read_wanted(INCIDENTS, request.args))})


@blueprint.get("/incident/<id>")
def incident(id: str) -> Response:
    return answer(shapes.incident(INCIDENTS.one(user(), id)))
