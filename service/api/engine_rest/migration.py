"""Migrations of running cases: ``/migration/generate``, ``validate``, ``execute`` and ``executeAsync``.

Elements that no instruction names go to the element of the same id; ``updateEventTrigger`` counts a timer anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response

from service.api.engine_rest import serializers
from service.api.engine_rest.blueprint import blueprint, json_body, json_response, no_content, user
from service.api.engine_rest.mends import OVER_REST
from service.api.engine_rest.parameters import invalid_parameter
from service.errors import N_, InvalidInput, Message, NotFound
from service.infrastructure.translation import translate
from service.models.queries.camunda.listing import read_definition_id
from service.models.queries.camunda.runtime import find_definition
from service.validation.typed_text import as_id
from service.workflow.versions import case_migrations
from service.workflow.versions.case_migrations import Migration

MAX_CASES = 10_000
MAX_TOLD = 20  # cases that cannot go, of which the answer says why


@blueprint.post("/migration/generate")
def generate_migration() -> Response:
    case_migrations.must_migrate(user())
    given = json_body()
    asked = case_migrations.asked_for(_digest(given, "source"), _digest(given, "target"), {})
    case_migrations.check_plan(asked)
    pairs = case_migrations.pairs(asked)
    renewed = given.get("updateEventTriggers") is True
    return json_response(
        {
            "sourceProcessDefinitionId": given["sourceProcessDefinitionId"],
            "targetProcessDefinitionId": given["targetProcessDefinitionId"],
            "instructions": [_instruction(one, other, renewed and is_event) for one, other, is_event in pairs],
            "variables": {},
        }
    )


def _instruction(element: str, target: str, is_renewed: bool) -> dict[str, Any]:
    return {"sourceActivityIds": [element], "targetActivityIds": [target], "updateEventTrigger": is_renewed}


@blueprint.post("/migration/validate")
def validate_migration() -> Response:
    """List the instructions that cannot be, each with its reasons."""
    case_migrations.must_migrate(user())
    asked = _asked(json_body())
    reports = [
        {"instruction": _instruction(element, asked.plan.target(element), False), "failures": [translate(why)]}
        for element, why in case_migrations.check_plan(asked).items()
    ]
    return json_response({"instructionReports": reports, "variableReports": {}})


@blueprint.post("/migration/execute")
def execute_migration() -> Response:
    """Migrate all cases at once; when one cannot go, none does, and all that cannot are named."""
    asked, reason = _migration()
    _refuse([(one.case_id, one.why) for one in case_migrations.preview(user(), asked).problems])
    run = case_migrations.begin(user(), asked, reason, at_once=True)
    _refuse([(case, Message.from_json(why)) for case, _, why in run.refused])
    return no_content()


def _refuse(refused: list[tuple[Any, Message]]) -> None:
    """Raise 400 with each case that did not go, and why."""
    if refused:
        told = " ".join(f"{case}: {translate(why)}" for case, why in refused[:MAX_TOLD])
        said = Message(N_("%(count)s 件案卷没有迁移。%(told)s"), count=len(refused), told=told)
        raise InvalidInput({"processInstanceIds": said})


@blueprint.post("/migration/executeAsync")
def execute_migration_async() -> Response:
    """Begin a migration in the background; ``/batch`` tells its progress."""
    asked, reason = _migration()
    run = case_migrations.begin(user(), asked, reason)
    return json_response(serializers.batch(run, user().login))


def _migration() -> tuple[Migration, str]:
    """The migration that a body asks for, and why."""
    case_migrations.must_migrate(user())
    given = json_body()
    if given.get("processInstanceQuery"):
        raise invalid_parameter("processInstanceQuery", N_("不支持按条件选择案卷，请列出 processInstanceIds。"))
    plan = given.get("migrationPlan")
    ids = given.get("processInstanceIds")
    if not isinstance(plan, dict):
        raise invalid_parameter("migrationPlan", N_("请给出迁移方案。"))
    if not isinstance(ids, list) or not 0 < len(ids) <= MAX_CASES:
        raise invalid_parameter("processInstanceIds", N_("请列出要迁移的案卷。"))
    asked = _asked(plan, tuple(map(_case_id, ids)))
    said = given.get("annotation")
    reason = said if isinstance(said, str) and said.strip() else translate(OVER_REST)
    return asked, reason


def _case_id(id: Any) -> UUID:
    if not isinstance(id, str) or (key := as_id(id)) is None:
        raise NotFound
    return key


def _digest(given: Mapping[str, Any], which: str) -> str:
    """The digest of a definition that the body names. Raises 400 for no text, 404 for none that there is."""
    name = f"{which}ProcessDefinitionId"
    wanted = given.get(name)
    if not isinstance(wanted, str):
        raise invalid_parameter(name, N_("请给出流程定义的编号。"))
    row = find_definition(found) if (found := read_definition_id(wanted)) else None
    if row is None:
        raise NotFound(N_("没有流程定义“%(id)s”。"), id=wanted)
    return str(row.digest)


def _asked(given: Mapping[str, Any], chosen: tuple[UUID, ...] | None = None) -> Migration:
    """The plan of a body. Raises 400 for instructions that are none."""
    elements: dict[str, str] = {}
    renewed: set[str] = set()
    instructions = given.get("instructions", [])
    for one in instructions if isinstance(instructions, list) else [None]:
        found = one if isinstance(one, dict) else {}
        ids = [found.get(name) for name in ("sourceActivityIds", "targetActivityIds")]
        if not all(isinstance(it, list) and len(it) == 1 and isinstance(it[0], str) for it in ids):
            raise invalid_parameter("instructions", N_("每一条须有一个 sourceActivityIds 和一个 targetActivityIds。"))
        element, target = (str(it[0]) for it in ids if it)
        elements[element] = target
        if found.get("updateEventTrigger") is True:
            renewed.add(target)
    return case_migrations.said(_digest(given, "source"), _digest(given, "target"), elements, renewed, chosen)
