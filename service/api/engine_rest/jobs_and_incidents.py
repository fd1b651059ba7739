"""``/job`` and ``/incident``: what waits for its time, and what failed for good; to be read."""

from __future__ import annotations

from flask import Response, request

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import blueprint, json_response, user
from service.api.engine_rest.parameters import read_list_request
from service.models.queries.camunda.runtime import INCIDENTS, JOBS


@blueprint.get("/job")
def list_jobs() -> Response:
    return json_response([serializers.job(row) for row in JOBS.rows(user(), read_list_request(JOBS, request.args))])


@blueprint.get("/job/count")
def count_jobs() -> Response:
    return json_response({"count": JOBS.count(user(), read_list_request(JOBS, request.args))})


@blueprint.get("/job/<id>")
def show_job(id: str) -> Response:
    return json_response(serializers.job(JOBS.one(user(), id)))


@blueprint.get("/incident")
def list_incidents() -> Response:
    return json_response(
        [serializers.incident(row) for row in INCIDENTS.rows(user(), read_list_request(INCIDENTS, request.args))]
    )


@blueprint.get("/incident/count")
def count_incidents() -> Response:
    return json_response({"count": INCIDENTS.count(user(), read_list_request(INCIDENTS, request.args))})


@blueprint.get("/incident/<id>")
def show_incident(id: str) -> Response:
    return json_response(serializers.incident(INCIDENTS.one(user(), id)))
