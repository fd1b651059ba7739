"""Mends of a case: ``/process-instance/{id}`` suspended, variables, modification and delete; retries of its jobs.

A reason stands in ``annotation`` or ``deleteReason``, where Camunda has a place for one; else the journal says that it
came over REST.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, request

from service.api.engine_rest.blueprint import blueprint, json_body, no_content, user
from service.api.engine_rest.parameters import invalid_parameter
from service.api.engine_rest.variable_values import read_variables
from service.errors import N_, NotFound
from service.infrastructure.translation import translate
from service.models.queries.camunda.runtime import JOBS
from service.validation.typed_text import as_id
from service.workflow.runtime import mends
from service.workflow.runtime.mends import Mend

OVER_REST = N_("经接口，未写原因")


@blueprint.put("/process-instance/<id>/suspended")
def suspend_instance(id: str) -> Response:
    given = json_body()
    wanted = given.get("suspended")
    if not isinstance(wanted, bool):
        raise invalid_parameter("suspended", N_("只能是 true 或 false。"))
    mends.mend(user(), _case_id(id), Mend("suspend" if wanted else "resume", _reason(given)))
    return no_content()


@blueprint.post("/process-instance/<id>/variables")
def modify_variables(id: str) -> Response:
    given = json_body()
    if given.get("deletions"):
        raise invalid_parameter("deletions", N_("变量不能删除，请改为 null。"))
    values = read_variables(given.get("modifications"))
    mends.mend(user(), _case_id(id), Mend("variables", _reason(given), values=values))
    return no_content()


@blueprint.put("/process-instance/<id>/variables/<name>")
def modify_variable(id: str, name: str) -> Response:
    values = read_variables({name: json_body()})
    mends.mend(user(), _case_id(id), Mend("variables", _reason({}), values=values))
    return no_content()


@blueprint.delete("/process-instance/<id>")
def delete_instance(id: str) -> Response:
    mends.mend(user(), _case_id(id), Mend("cancel", _reason({"annotation": request.args.get("deleteReason")})))
    return no_content()


@blueprint.post("/process-instance/<id>/modification")
def modify_instance(id: str) -> Response:
    """Move a token: ``cancel`` of one activity, and ``startBeforeActivity`` or ``startAfterActivity`` of another."""
    given = json_body()
    found: dict[str, str] = {}
    instructions = given.get("instructions")
    for one in instructions if isinstance(instructions, list) else []:
        kind, element = (one.get("type"), one.get("activityId")) if isinstance(one, dict) else (None, None)
        if kind in found or not isinstance(kind, str) or not isinstance(element, str):
            raise _no_move()
        found[kind] = element
    match sorted(found):
        case ["cancel", "startBeforeActivity"]:
            act = Mend("move", _reason(given), element=found["cancel"], to=found["startBeforeActivity"])
        case ["cancel", "startAfterActivity"] if found["cancel"] == found["startAfterActivity"]:
            act = Mend("skip", _reason(given), element=found["cancel"])
        case _:
            raise _no_move()
    mends.mend(user(), _case_id(id), act)
    return no_content()


def _no_move() -> Exception:
    return invalid_parameter(
        "instructions",
        N_("须是一条 cancel 和一条 startBeforeActivity（移动），或同一环节的 cancel 和 startAfterActivity（跳过）。"),
    )


@blueprint.put("/job/<id>/retries")
def set_retries(id: str) -> Response:
    """Try a failed job again: of the incident that it left, as many times as every job has."""
    mends.must_mend(user())
    row = JOBS.one(user(), id)
    mends.retry_job(user(), row.id, _reason(json_body()))
    return no_content()


def _reason(given: Mapping[str, Any]) -> str:
    said = given.get("annotation")
    return said if isinstance(said, str) and said.strip() else translate(OVER_REST)


def _case_id(id: str) -> UUID:
    if (key := as_id(id)) is None:
        raise NotFound
    return key
