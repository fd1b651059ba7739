"""``/process-definition``: the versions of the processes, their diagrams, and the start of a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import (
    blueprint,
    json_body,
    json_response,
    user,
)
from service.api.engine_rest.parameters import read_list_request, read_text
from service.api.engine_rest.variable_values import read_variables, write_variables
from service.errors import N_, Conflict, NotFound
from service.models.queries.camunda.listing import Row, definition_id, read_definition_id
from service.models.queries.camunda.runtime import DEFINITIONS, find_definition, main_diagram
from service.workflow.runtime import tasks

MAX_BUSINESS_KEY = 120  # characters


@blueprint.get("/process-definition")
def list_definitions() -> Response:
    return json_response(
        [serializers.definition(row) for row in DEFINITIONS.rows(user(), read_list_request(DEFINITIONS, request.args))]
    )


@blueprint.get("/process-definition/count")
def count_definitions() -> Response:
    return json_response({"count": DEFINITIONS.count(user(), read_list_request(DEFINITIONS, request.args))})


@blueprint.get("/process-definition/<id>")
@blueprint.get("/process-definition/key/<key>")
def show_definition(id: str = "", key: str = "") -> Response:
    return json_response(serializers.definition(_found(id, key)))


@blueprint.get("/process-definition/<id>/xml")
@blueprint.get("/process-definition/key/<key>/xml")
def show_diagram(id: str = "", key: str = "") -> Response:
    row = _found(id, key)
    xml = main_diagram(row.digest).decode("utf-8-sig")
    return json_response({"id": definition_id(row.key, row.number, row.digest), "bpmn20Xml": xml})


@blueprint.post("/process-definition/<id>/start")
@blueprint.post("/process-definition/key/<key>/start")
def start_instance(id: str = "", key: str = "") -> Response:
    row = _found(id, key)
    if not row.current:
        raise Conflict(N_("新案卷只能按现行版本发起，这个版本已被替换。"))
    given = json_body()
    business_key = _business_key(given)
    started = tasks.start_by_key(user(), row.key, read_variables(given.get("variables")), business_key=business_key)
    content: dict[str, Any] = {
        "links": [],
        "id": str(started.case_id),
        "definitionId": definition_id(row.key, row.number, row.digest),
        "definitionKey": row.key,
        "businessKey": business_key,
        "caseInstanceId": None,
        "ended": started.ended,
        "suspended": False,
        "tenantId": None,
    }
    if given.get("withVariablesInReturn") is True:
        content["variables"] = write_variables(started.data)
    return json_response(content)


def _found(id: str, key: str) -> Row:
    """Find a version by its id, or the one in force by its process's key. Raises NotFound."""
    wanted = key or read_definition_id(id)
    row = find_definition(wanted) if wanted else None
    if row is None:
        raise NotFound(N_("没有流程定义“%(id)s”。"), id=key or id)
    return row


def _business_key(given: Mapping[str, Any]) -> str | None:
    """Return the client's name of the case, as it was sent; None when it gave none. Raises InvalidInput."""
    key = given.get("businessKey")
    return None if key in (None, "") else read_text("businessKey", key, MAX_BUSINESS_KEY)
