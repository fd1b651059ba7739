"""The OpenAPI document of ``/engine-rest``, at ``/api/engine-rest.json``: made from its routes, lists and schemas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, current_app

from service.api.engine_rest import blueprint as engine_rest
from service.api.engine_rest.parameters import MAX_ROWS, MAX_TEXT
from service.api.engine_rest.schemas import (
    ERROR,
    FIELDS,
    VARIABLES,
    Schema,
    deployed,
    migration_plan,
    migration_report,
    proven,
    schema_of,
    started,
)
from service.models.queries.camunda.batches import BATCHES, PAST_BATCHES
from service.models.queries.camunda.history import ACTIVITIES, PAST_INSTANCES
from service.models.queries.camunda.listing import ListQuery
from service.models.queries.camunda.runtime import DEFINITIONS, DEPLOYMENTS, INCIDENTS, INSTANCES, JOBS, TASKS
from service.validation.fields import MAX_INTEGER

ABOUT = """案卷、待办、作业和历史，按 Camunda 7 的 REST 方言；范围、规则和提示与网页一致。HTTP Basic，不用 Cookie。

Cases, tasks, jobs and history in the dialect of Camunda 7's REST; scopes, rules and messages are those of the pages."""
ERRORS = {400: "请求有误", 401: "请先登录", 403: "没有权限", 404: "没有找到", 409: "情况已经变化", 413: "文件太大"}
ERRORS |= {415: "格式不对", 429: "操作过于频繁", 500: "系统出错", 503: "系统暂时不可用"}
KINDS: Mapping[str, Schema] = {
    "number": {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER},
    "flag": {"type": "boolean"},
}
JSON = "application/json"
FLAG: Schema = {"type": "boolean"}
VALUES: Schema = {
    "type": "object",
    "properties": {"variables": VARIABLES, "withVariablesInReturn": FLAG, "businessKey": {"type": "string"}},
}
SENT: Schema = {
    "type": "object",
    "properties": {"deployment-name": {"type": "string"}, "deployment-source": {"type": "string"}},
    "additionalProperties": {"type": "string", "format": "binary"},
}
MEND: Schema = {"type": "object"}
USER: Schema = {"type": "object", "properties": {"userId": {"type": ["string", "null"]}}}


@dataclass(frozen=True, slots=True)
class Operation:
    """The request and the answer of one view.

    answer: the name of a schema or a schema, None for no content; many: a list of them.

    listing: whose filters it takes. body: the schema of what is sent, as media. gives: the media type of the answer.
    is_either: it answers with or without content.
    """

    summary: str
    answer: str | Schema | None = None
    many: bool = False
    listing: ListQuery | None = None
    body: Schema | None = None
    media: str = JSON
    gives: str = JSON
    is_either: bool = False


def _list(summary: str, answer: str, listing: ListQuery) -> Operation:
    return Operation(summary, answer, many=True, listing=listing)


def _count(summary: str, listing: ListQuery) -> Operation:
    return Operation(summary, "CountResultDto", listing=listing)


OPERATIONS: Mapping[str, Operation] = {
    "show_version": Operation("方言的版本 / Version of the dialect", "VersionDto"),
    "list_definitions": _list("流程定义 / Process definitions", "ProcessDefinitionDto", DEFINITIONS),
    "count_definitions": _count("流程定义数 / Their number", DEFINITIONS),
    "show_definition": Operation("一个流程定义 / One definition", "ProcessDefinitionDto"),
    "show_diagram": Operation("流程图 / Its diagram", "ProcessDefinitionDiagramDto"),
    "start_instance": Operation("发起案卷 / Start a case", started(), body=VALUES),
    "list_deployments": _list("部署 / Deployments", "DeploymentDto", DEPLOYMENTS),
    "count_deployments": _count("部署数 / Their number", DEPLOYMENTS),
    "create_deployment": Operation("部署 / Deploy", deployed(), body=SENT, media="multipart/form-data"),
    "show_deployment": Operation("一次部署 / One deployment", proven()),
    "list_resources": Operation("部署的文件 / Its files", "DeploymentResourceDto", many=True),
    "show_resource": Operation("一个文件 / One file", {"type": "string"}, gives="application/octet-stream"),
    "list_instances": _list("在办案卷 / Running cases", "ProcessInstanceDto", INSTANCES),
    "query_instances": Operation(
        "查询在办案卷 / Query them", "ProcessInstanceDto", many=True, listing=INSTANCES, body={"type": "object"}
    ),
    "count_instances": _count("在办案卷数 / Their number", INSTANCES),
    "show_instance": Operation("一个案卷 / One case", "ProcessInstanceDto"),
    "show_instance_variables": Operation("案卷的变量 / Its variables", VARIABLES),
    "suspend_instance": Operation("暂停或恢复 / Suspend or resume", body=MEND),
    "modify_variables": Operation("改变量 / Change variables", body=MEND),
    "modify_variable": Operation("改一个变量 / Change one variable", body=MEND),
    "delete_instance": Operation("取消案卷 / Cancel the case"),
    "modify_instance": Operation("移动或跳过令牌 / Move or skip a token", body=MEND),
    "set_retries": Operation("重试 / Try again", body=MEND),
    "generate_migration": Operation("迁移方案 / A plan of migration", migration_plan(), body=MEND),
    "validate_migration": Operation("检查迁移方案 / Check a plan", migration_report(), body=MEND),
    "execute_migration": Operation("迁移案卷 / Migrate cases", body=MEND),
    "execute_migration_async": Operation("在后台迁移案卷 / Migrate cases later", "BatchDto", body=MEND),
    "list_batches": _list("后台迁移 / Migrations in the background", "BatchDto", BATCHES),
    "count_batches": _count("后台迁移数 / Their number", BATCHES),
    "list_batch_statistics": _list("后台迁移的进度 / Their progress", "BatchStatisticsDto", BATCHES),
    "show_batch": Operation("一次后台迁移 / One migration", "BatchDto"),
    "delete_batch": Operation("取消后台迁移 / Give it up"),
    "list_past_batches": _list("做过的迁移 / Past migrations", "HistoricBatchDto", PAST_BATCHES),
    "count_past_batches": _count("做过的迁移数 / Their number", PAST_BATCHES),
    "show_past_batch": Operation("做过的一次迁移 / One past migration", "HistoricBatchDto"),
    "list_tasks": _list("待办 / Tasks", "TaskDto", TASKS),
    "query_tasks": Operation("查询待办 / Query them", "TaskDto", many=True, listing=TASKS, body={"type": "object"}),
    "count_tasks": _count("待办数 / Their number", TASKS),
    "count_queried_tasks": Operation("查询待办数 / Number of a query", "CountResultDto", body={"type": "object"}),
    "show_task": Operation("一项待办 / One task", "TaskDto"),
    "show_task_variables": Operation("待办的变量 / Its variables", VARIABLES),
    "show_form": Operation("表单的名称 / The key of its form", "FormDto"),
    "show_deployed_form": Operation("表单 / Its form", {"type": "object"}),
    "claim": Operation("领取 / Claim", body=USER),
    "assign": Operation("转交 / Assign", body=USER),
    "unclaim": Operation("退还 / Give back"),
    "complete": Operation("办结 / Complete", VARIABLES, body=VALUES, is_either=True),
    "list_past_instances": _list("历史案卷 / Past cases", "HistoricProcessInstanceDto", PAST_INSTANCES),
    "count_past_instances": _count("历史案卷数 / Their number", PAST_INSTANCES),
    "show_past_instance": Operation("一个历史案卷 / One past case", "HistoricProcessInstanceDto"),
    "list_activities": _list("办理环节 / Passages through elements", "HistoricActivityInstanceDto", ACTIVITIES),
    "count_activities": _count("办理环节数 / Their number", ACTIVITIES),
    "list_jobs": _list("作业 / Jobs", "JobDto", JOBS),
    "count_jobs": _count("作业数 / Their number", JOBS),
    "show_job": Operation("一项作业 / One job", "JobDto"),
    "list_incidents": _list("故障 / Incidents", "IncidentDto", INCIDENTS),
    "count_incidents": _count("故障数 / Their number", INCIDENTS),
    "show_incident": Operation("一个故障 / One incident", "IncidentDto"),
}
"""The answers of the views of the interface, by name; a route without an entry fails when the document is made."""
UNKNOWN = "unknown"

pages = Blueprint("engine_rest_documents", __name__, url_prefix="/api")


@pages.get("/engine-rest.json")
def openapi() -> Response:
    return Response(document(current_app._get_current_object()), content_type="application/json")  # type: ignore[attr-defined]


@cache
def document(app: Flask) -> bytes:
    """Write the document from the routes of the application."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        noun, _, view = rule.endpoint.partition(".")
        if noun != engine_rest.blueprint.name or view == UNKNOWN:
            continue
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) & set(engine_rest.METHODS)):
            paths.setdefault(path, {})[method.lower()] = _operation(
                OPERATIONS[view], f"{view}_{len(paths)}", rule.arguments
            )
    content = {
        "openapi": "3.1.0",
        "info": {"title": "安培 engine-rest / Anpei engine-rest", "version": engine_rest.VERSION, "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"basic": []}],
        "paths": paths,
        "components": {
            "schemas": {name: schema_of(name) for name in FIELDS} | {"ExceptionDto": ERROR},
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    }
    return orjson.dumps(content)


def _operation(known: Operation, name: str, arguments: set[str]) -> Schema:
    found: Schema = {
        "operationId": name,
        "summary": known.summary,
        "parameters": [*map(_in_path, sorted(arguments)), *(_filters(known.listing) if known.listing else [])],
        "responses": _responses(known),
    }
    if known.body is not None:
        found["requestBody"] = {"content": {known.media: {"schema": known.body}}}
    return found


def _responses(known: Operation) -> Schema:
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/ExceptionDto"}}}
    found: Schema = {str(status): {"description": text, "content": problem} for status, text in ERRORS.items()}
    found["414"] = {"description": "地址太长 / The address is too long"}  # refused by the server, before it is read
    if known.answer is not None:
        found["200"] = {"description": "好 / OK", "content": {known.gives: {"schema": _answer(known)}}}
    if known.answer is None or known.is_either:
        found["204"] = {"description": "已办 / Done"}
    return found


def _answer(known: Operation) -> Schema:
    answer = known.answer
    one: Schema = {"$ref": f"#/components/schemas/{answer}"} if isinstance(answer, str) else dict(answer or {})
    return {"type": "array", "items": one} if known.many else one


def _in_path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _filters(listing: ListQuery) -> list[Schema]:
    """Describe what narrows, orders and pages a list."""
    counted: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_ROWS}
    chosen = {
        name: KINDS.get(one.kind, {"type": "string", "maxLength": MAX_TEXT}) for name, one in listing.criteria.items()
    }
    chosen |= {"firstResult": KINDS["number"], "maxResults": counted}
    chosen |= {"sortBy": {"enum": sorted(listing.orders)}, "sortOrder": {"enum": ["asc", "desc"]}}
    return [{"name": name, "in": "query", "schema": schema} for name, schema in chosen.items()]


def register(app: Flask) -> None:
    """Put the document into the application."""
    app.register_blueprint(pages)
