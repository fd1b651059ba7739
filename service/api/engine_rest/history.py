"""``/history``: past and running cases, and every passage through an element, in the user's scope."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import blueprint, json_response, user
from service.api.engine_rest.parameters import read_list_request
from service.models.queries.camunda.history import ACTIVITIES, PAST_INSTANCES
from service.models.queries.camunda.listing import Row
from service.workflow.processes import definitions

# Camunda's names of activity types where they differ from BPMN's.
TYPES = {"endEvent": "noneEndEvent", "intermediateThrowEvent": "intermediateNoneThrowEvent"}


@blueprint.get("/history/process-instance")
def list_past_instances() -> Response:
    rows = PAST_INSTANCES.rows(user(), read_list_request(PAST_INSTANCES, request.args))
    return json_response([serializers.past_instance(row) for row in rows])


@blueprint.get("/history/process-instance/count")
def count_past_instances() -> Response:
    return json_response({"count": PAST_INSTANCES.count(user(), read_list_request(PAST_INSTANCES, request.args))})


@blueprint.get("/history/process-instance/<id>")
def show_past_instance(id: str) -> Response:
    return json_response(serializers.past_instance(PAST_INSTANCES.one(user(), id)))


@blueprint.get("/history/activity-instance")
def list_activities() -> Response:
    return json_response(
        [_activity(row) for row in ACTIVITIES.rows(user(), read_list_request(ACTIVITIES, request.args))]
    )


@blueprint.get("/history/activity-instance/count")
def count_activities() -> Response:
    return json_response({"count": ACTIVITIES.count(user(), read_list_request(ACTIVITIES, request.args))})


def _activity(row: Row) -> dict[str, Any]:
    """Write a passage with the element's name and type, as drawn in the version of its case."""
    element = definitions.definition(row.definition).elements.get(serializers.activity(row.element))
    kind = element.type if element else "userTask" if row.task_id else "task"
    return serializers.past_activity(row, element.name if element else None, TYPES.get(kind, kind))
