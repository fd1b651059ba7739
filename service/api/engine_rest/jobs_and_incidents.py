"""``/job`` and ``/incident``: what waits for its time, and what failed for good; to be read, mended on the case page."""

from __future__ import annotations

from flask import Response, request

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import answer, blueprint, user
from service.api.engine_rest.parameters import read_wanted
from service.models.queries.camunda.runtime import INCIDENTS, JOBS


@blueprint.get("/job")
def jobs() -> Response:
    return answer([serializers.job(row) for row in JOBS.rows(user(), read_wanted(JOBS, request.args))])


@blueprint.get("/job/count")
def count_jobs() -> Response:
    return answer({"count": JOBS.count(user(), read_wanted(JOBS, request.args))})


@blueprint.get("/job/<id>")
def job(id: str) -> Response:
    return answer(serializers.job(JOBS.one(user(), id)))


@blueprint.get("/incident")
def incidents() -> Response:
    return answer([serializers.incident(row) for row in INCIDENTS.rows(user(), read_wanted(INCIDENTS, request.args))])


@blueprint.get("/incident/count")
def count_incidents() -> Response:
    return answer({"count": INCIDENTS.count(user(), read_wanted(INCIDENTS, request.args))})


@blueprint.get("/incident/<id>")
def incident(id: str) -> Response:
    return answer(serializers.incident(INCIDENTS.one(user(), id)))
