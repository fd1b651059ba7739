"""``/deployment``: files made a version as Camunda Modeler sends them, and the files of a version."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import blueprint, json_response, user
from service.api.engine_rest.parameters import read_list_request
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.errors import N_, InvalidInput, NotAllowed, NotFound
from service.models.queries.camunda.runtime import DEPLOYMENTS
from service.workflow.processes import definitions
from service.workflow.versions import deployments


@blueprint.get("/deployment")
def list_deployments() -> Response:
    wanted = read_list_request(DEPLOYMENTS, request.args)
    return json_response([serializers.deployment(row) for row in DEPLOYMENTS.rows(user(), wanted)])


@blueprint.get("/deployment/count")
def count_deployments() -> Response:
    return json_response({"count": DEPLOYMENTS.count(user(), read_list_request(DEPLOYMENTS, request.args))})


@blueprint.post("/deployment/create")
def create_deployment() -> Response:
    """Deploy each diagram that no other calls, with the files that it names; all or none."""
    if not may(Role(user().role), Action.EDIT_PROCESSES):
        raise NotAllowed
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(N_("部署的文件须以 multipart/form-data 发送。"))
    if request.form.get("tenant-id"):
        raise InvalidInput({"tenant-id": N_("本系统不分租户，请不要填写。")})
    sent = _sent()
    author = deployments.Author("rest", user(), note=request.form.get("deployment-name", "").strip())
    done = deployments.deploy_sent(sent, author)
    versions = [one.version for one in done if one.version]
    deployed = {found["id"]: found for found in map(serializers.definition, versions)}
    content: dict[str, Any] = serializers.deployment(versions[0]) | {
        "name": author.note or versions[0].name,
        "deployedProcessDefinitions": deployed,
        "deployedCaseDefinitions": None,
        "deployedDecisionDefinitions": None,
        "deployedDecisionRequirementsDefinitions": None,
        "warnings": [deployments.told(issue) for one in done for issue in one.warnings],
    }
    return json_response(content)


def _sent() -> dict[str, bytes]:
    """Read the files of all parts, whatever the parts are called. Raises InvalidInput where two have one name."""
    files = [file for _, file in request.files.items(multi=True) if file.filename]
    sent = {str(file.filename): file.read() for file in files}
    if len(sent) < len(files):
        raise InvalidInput({"files": N_("有两个文件同名，请只发送一个。")})
    return sent


@blueprint.get("/deployment/<id>")
def show_deployment(id: str) -> Response:
    version = _found(id)
    return json_response(serializers.deployment(version) | {"proof": version.proof})


@blueprint.get("/deployment/<id>/resources")
def list_resources(id: str) -> Response:
    digest = _found(id).digest
    return json_response([{"id": name, "name": name, "deploymentId": digest} for name in definitions.files(digest)])


@blueprint.get("/deployment/<id>/resources/<name>/data")
def show_resource(id: str, name: str) -> Response:
    content = definitions.files(_found(id).digest).get(name)
    if content is None:
        raise NotFound(N_("这次部署里没有文件“%(name)s”。"), name=name)
    answer = Response(content, content_type="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def _found(id: str) -> Any:
    """Find the version that a deployment made. Raises NotFound."""
    try:
        return definitions.version(id)
    except NotFound as error:
        raise NotFound(N_("没有编号为“%(id)s”的部署。"), id=id) from error
