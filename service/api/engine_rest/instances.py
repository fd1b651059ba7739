"""``/process-instance``: running cases in the user's scope, and their variables."""

from __future__ import annotations

from flask import Response, request

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import (
    answer,
    blueprint,
    body,
    user,
)
from service.api.engine_rest.parameters import read_wanted
from service.api.engine_rest.typed_values import write_values
from service.models.queries.camunda.runtime import INSTANCES
from service.workflow.runtime.variables import of_case


@blueprint.get("/process-instance")
def instances() -> Response:
    return answer([serializers.instance(row) for row in INSTANCES.rows(user(), read_wanted(INSTANCES, request.args))])


@blueprint.post("/process-instance")
def query_instances() -> Response:
    wanted = read_wanted(INSTANCES, {**body(), **request.args})
    return answer([serializers.instance(row) for row in INSTANCES.rows(user(), wanted)])


@blueprint.get("/process-instance/count")
def count_instances() -> Response:
    return answer({"count": INSTANCES.count(user(), read_wanted(INSTANCES, request.args))})


@blueprint.get("/process-instance/<id>")
def instance(id: str) -> Response:
    return answer(serializers.instance(INSTANCES.one(user(), id)))


@blueprint.get("/process-instance/<id>/variables")
def instance_variables(id: str) -> Response:
    return answer(write_values(of_case(user(), INSTANCES.one(user(), id).id)))
