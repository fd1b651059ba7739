"""``/task``: the user's inbox as a list with filters, and what may be done to a task.

Forms are cleaned as on the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, request

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import (
    blueprint,
    json_body,
    json_response,
    no_content,
    user,
)
from service.api.engine_rest.parameters import invalid_parameter, read_list_request
from service.api.engine_rest.variable_values import read_variables, write_variables
from service.errors import N_, NotFound
from service.models.queries.camunda.listing import ListRequest
from service.models.queries.camunda.runtime import TASKS, form_of
from service.models.tables.accounts.user import User
from service.validation.typed_text import as_id
from service.workflow.runtime import tasks, variables

NOBODY = UUID(int=0)


@blueprint.get("/task")
def list_tasks() -> Response:
    return json_response([serializers.task(row) for row in TASKS.rows(user(), _wanted(request.args))])


@blueprint.post("/task")
def query_tasks() -> Response:
    return json_response(
        [serializers.task(row) for row in TASKS.rows(user(), _wanted({**json_body(), **request.args}))]
    )


@blueprint.get("/task/count")
def count_tasks() -> Response:
    return json_response({"count": TASKS.count(user(), _wanted(request.args))})


@blueprint.post("/task/count")
def count_queried_tasks() -> Response:
    return json_response({"count": TASKS.count(user(), _wanted(json_body()))})


@blueprint.get("/task/<id>")
def show_task(id: str) -> Response:
    return json_response(serializers.task(TASKS.one(user(), id)))


@blueprint.get("/task/<id>/variables")
def show_task_variables(id: str) -> Response:
    return json_response(write_variables(variables.of_task(user(), _task_id(id))))


@blueprint.get("/task/<id>/form")
def show_form(id: str) -> Response:
    return json_response({"key": TASKS.one(user(), id).form_key, "camundaFormRef": None, "contextPath": None})


@blueprint.get("/task/<id>/deployed-form")
def show_deployed_form(id: str) -> Response:
    row = TASKS.one(user(), id)
    content = form_of(row.definition, row.form_key) if row.form_key else None
    if content is None:
        raise NotFound(N_("这项任务没有表单。"))
    return Response(content, content_type="application/json")


@blueprint.post("/task/<id>/claim")
def claim(id: str) -> Response:
    """Claim for the user (``userId`` absent or the user's own), or assign to a colleague."""
    _assign(id, json_body().get("userId", user().login))
    return no_content()


@blueprint.post("/task/<id>/assignee")
def assign(id: str) -> Response:
    _assign(id, json_body().get("userId"))
    return no_content()


@blueprint.post("/task/<id>/unclaim")
def unclaim(id: str) -> Response:
    tasks.unclaim(user(), _task_id(id))
    return no_content()


@blueprint.post("/task/<id>/complete")
@blueprint.post("/task/<id>/submit-form")
def complete(id: str) -> Response:
    given = json_body()
    completed = tasks.complete(user(), _task_id(id), read_variables(given.get("variables")))
    if given.get("withVariablesInReturn") is True:
        return json_response(write_variables(variables.present(completed.case_id)))
    return no_content()


def _assign(id: str, login: Any) -> None:
    if login is None:
        tasks.unclaim(user(), _task_id(id))
    elif not isinstance(login, str):
        raise invalid_parameter("userId", N_("须为账号。"))
    elif login.lower() == user().login.lower():
        tasks.claim(user(), _task_id(id))
    else:
        colleague = User.by_login(login)  # of nobody is refused as of a stranger: after the task was found
        tasks.assign(user(), _task_id(id), colleague.id if colleague else NOBODY)


def _task_id(id: str) -> UUID:
    """Read the id of a task. Raises NotFound for what cannot be one."""
    if (key := as_id(id)) is None:
        raise NotFound
    return key


def _wanted(given: Mapping[str, Any]) -> ListRequest:
    """Read the filters; by Camunda's rule one by candidates shows only unclaimed tasks,
    unless includeAssignedTasks is true.
    """
    asked = dict(given)
    includes = str(asked.pop("includeAssignedTasks", "")).lower() == "true"
    if not includes and (asked.get("candidateGroup") or asked.get("candidateGroups")):
        asked["unassigned"] = "true"
    return read_list_request(TASKS, asked)
