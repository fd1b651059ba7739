"""``/task``: the user's inbox as a list with filters, and what may be done to a task. Forms are cleaned as on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, request

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import (
    answer,
    blueprint,
    body,
    empty,
    user,
)
from service.api.engine_rest.parameters import read_wanted, wrong
from service.api.engine_rest.typed_values import read_values, write_values
from service.errors import N_, NotFound
from service.models.queries.camunda.listing import ListRequest, as_uuid
from service.models.queries.camunda.runtime import TASKS, form_of
from service.models.tables.user import User
from service.workflow.runtime import tasks as cases
from service.workflow.runtime import variables


@blueprint.get("/task")
def tasks() -> Response:
    return answer([serializers.task(row) for row in TASKS.rows(user(), _wanted(request.args))])


@blueprint.post("/task")
def query_tasks() -> Response:
    return answer([serializers.task(row) for row in TASKS.rows(user(), _wanted({**body(), **request.args}))])


@blueprint.get("/task/count")
def count_tasks() -> Response:
    return answer({"count": TASKS.count(user(), _wanted(request.args))})


@blueprint.post("/task/count")
def count_queried_tasks() -> Response:
    return answer({"count": TASKS.count(user(), _wanted(body()))})


@blueprint.get("/task/<id>")
def task(id: str) -> Response:
    return answer(serializers.task(TASKS.one(user(), id)))


@blueprint.get("/task/<id>/variables")
def task_variables(id: str) -> Response:
    return answer(write_values(variables.of_task(user(), _task_id(id))))


@blueprint.get("/task/<id>/form")
def form(id: str) -> Response:
    return answer({"key": TASKS.one(user(), id).form_key, "camundaFormRef": None, "contextPath": None})


@blueprint.get("/task/<id>/deployed-form")
def deployed_form(id: str) -> Response:
    row = TASKS.one(user(), id)
    content = form_of(row.definition, row.form_key) if row.form_key else None
    if content is None:
        raise NotFound(N_("这项任务没有表单。"))
    return Response(content, content_type="application/json")


@blueprint.post("/task/<id>/claim")
def claim(id: str) -> Response:
    """For oneself (``userId`` absent or one's own), or for a colleague, which is an assignment."""
    _assign(id, body().get("userId", user().login))
    return empty()


@blueprint.post("/task/<id>/assignee")
def assign(id: str) -> Response:
    _assign(id, body().get("userId"))
    return empty()


@blueprint.post("/task/<id>/unclaim")
def unclaim(id: str) -> Response:
    cases.unclaim(user(), _task_id(id))
    return empty()


@blueprint.post("/task/<id>/complete")
@blueprint.post("/task/<id>/submit-form")
def complete(id: str) -> Response:
    given = body()
    completed = cases.complete(user(), _task_id(id), read_values(given.get("variables")))
    if given.get("withVariablesInReturn") is True:
        return answer(write_values(variables.present(completed.case_id)))
    return empty()


def _assign(id: str, login: Any) -> None:
    if login is None:
        cases.unclaim(user(), _task_id(id))
    elif not isinstance(login, str):
        raise wrong("userId", N_("须为账号。"))
    elif login.lower() == user().login.lower():
        cases.claim(user(), _task_id(id))
    else:
        colleague = User.by_login(login)
        if colleague is None:
            raise NotFound(N_("没有这位同事。"))
        cases.assign(user(), _task_id(id), colleague.id)


def _task_id(id: str) -> UUID:
    """The id of a task; what cannot be one names none."""
    if (key := as_uuid(id)) is None:
        raise NotFound
    return key


def _wanted(given: Mapping[str, Any]) -> ListRequest:
    """Camunda's rule: a filter by candidates shows only what nobody has claimed, unless includeAssignedTasks is true."""
    asked = dict(given)
    includes = str(asked.pop("includeAssignedTasks", "")).lower() == "true"
    if not includes and (asked.get("candidateGroup") or asked.get("candidateGroups")):
        asked["unassigned"] = "true"
    return read_wanted(TASKS, asked)
