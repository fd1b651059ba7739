"""``/process-instance``: running cases in the user's scope, and their variables."""

from __future__ import annotations

from flask import Response, request

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import (
    blueprint,
    json_body,
    json_response,
    user,
)
from service.api.engine_rest.parameters import read_list_request
from service.api.engine_rest.variable_values import write_variables
from service.models.queries.camunda.runtime import INSTANCES
from service.workflow.runtime.variables import of_case


@blueprint.get("/process-instance")
def list_instances() -> Response:
    return json_response(
        [serializers.instance(row) for row in INSTANCES.rows(user(), read_list_request(INSTANCES, request.args))]
    )


@blueprint.post("/process-instance")
def query_instances() -> Response:
    wanted = read_list_request(INSTANCES, {**json_body(), **request.args})
    return json_response([serializers.instance(row) for row in INSTANCES.rows(user(), wanted)])


@blueprint.get("/process-instance/count")
def count_instances() -> Response:
    return json_response({"count": INSTANCES.count(user(), read_list_request(INSTANCES, request.args))})


@blueprint.get("/process-instance/<id>")
def show_instance(id: str) -> Response:
    return json_response(serializers.instance(INSTANCES.one(user(), id)))


@blueprint.get("/process-instance/<id>/variables")
def show_instance_variables(id: str) -> Response:
    return json_response(write_variables(of_case(user(), INSTANCES.one(user(), id).id)))
