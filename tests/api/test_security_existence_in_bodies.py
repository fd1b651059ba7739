"""An id in a member or a parameter of either interface tells nobody that something exists outside of the scope (R70)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.api.engine_rest.documents import OPERATIONS
from service.models.db.ids import new_id
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Incident, Job, Task
from service.models.tables.runtime.version_change import MigrationRun
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation
from tests.api.every_page import GROUPS, examples_of, leave_traces
from tests.api.test_security_existence import Asker, foreign_id
from tests.builders.stored import digests

NAMED: dict[str, Any] = {
    "authority": Organisation,
    "batchId": MigrationRun,
    "class": TrainingClass,
    "class_id": TrainingClass,
    "enrollment": Enrollment,
    "enrollments": Enrollment,
    "executionId": Case,
    "incidentId": Incident,
    "institution_id": Organisation,
    "jobId": Job,
    "person": Person,
    "persons": Person,
    "processInstanceBusinessKey": Case,
    "processInstanceId": Case,
    "processInstanceIdIn": Case,
    "processInstanceIds": Case,
    "province": Organisation,
    "taskId": Task,
    "taskIdIn": Task,
    "unit": Organisation,
}
"""The table in which a member or parameter of this name means a row."""
PUBLIC = {"type", "parent", "group", "Idempotency-Key"}
"""Qualification types are everybody's, groups are offered to whoever enters a branch; the key names the request itself."""
WAYS = ("get", "post", "patch", "put", "delete")


class Place(NamedTuple):
    """Where an operation takes an id: the other members that it needs, and whether it stands in a list."""

    method: str
    path: str
    name: str
    values: dict[str, Any]
    inside: tuple[str, ...]

    def filled(self, value: str) -> dict[str, Any]:
        """The request with this value in the place."""
        content = orjson.loads(orjson.dumps(self.values))
        at = content
        for step in self.inside[:-1]:
            at = at[0] if step == "[]" else at[step]
        if self.inside[-1] == "[]":
            at[0] = value
        else:
            at[self.inside[-1]] = value
        return content


def places_of(document: dict[str, Any]) -> Iterator[Place]:
    """Each parameter and member with the format of an id, of each operation."""
    for path, operations in document["paths"].items():
        for method in WAYS:
            operation = operations.get(method, {})
            for parameter in operation.get("parameters", ()):
                if parameter.get("schema", {}).get("format") == "uuid" and parameter["in"] == "query":
                    yield Place(method.upper(), path, parameter["name"], {}, (parameter["name"],))
            for content in operation.get("requestBody", {}).get("content", {}).values():
                whole = example(document, content["schema"])
                for inside in ids_in(document, content["schema"], ()):
                    name = next(step for step in reversed(inside) if step != "[]")
                    yield Place(method.upper(), path, name, whole, inside)


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def ids_in(document: dict[str, Any], schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    schema = resolved(document, schema)
    if schema.get("format") == "uuid":
        yield path
    for name, member in schema.get("properties", {}).items():
        yield from ids_in(document, member, (*path, name))
    if "items" in schema:
        yield from ids_in(document, schema["items"], (*path, "[]"))


def example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value that the schema allows, so that nothing but the id can be refused by its form."""
    schema = resolved(document, schema)
    kind = schema.get("type")
    kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
    if "enum" in schema:
        return next(one for one in schema["enum"] if one is not None)
    if "properties" in schema:
        needed = schema.get("required", ())
        return {name: example(document, one) for name, one in schema["properties"].items() if name in needed}
    if kind == "array":
        return [example(document, schema["items"])]
    if kind in ("integer", "number"):
        return schema.get("minimum", 60)
    if kind == "boolean":
        return True
    texts = {"uuid": str(new_id()), "date": "2027-03-01", "byte": "UERG"}
    return texts.get(schema.get("format", ""), "核对无误")


def engine_places() -> Iterator[Place]:
    """Each filter of the dialect that takes an id; its document tells them as text, as Camunda does."""
    for view, operation in OPERATIONS.items():
        if operation.listing is None or operation.body is not None:
            continue
        for name, criterion in operation.listing.criteria.items():
            if criterion.kind in ("uuid", "uuids"):
                yield Place("GET", view, name, {}, (name,))


def address(app: Flask, place: Place, known: dict[str, list[Any]]) -> str:
    """The address of the operation with ids of rows that the account sees, where it sees any."""
    if not place.path.startswith("/"):
        return next(r.rule for r in app.url_map.iter_rules() if r.endpoint == f"engine_rest.{place.path}")
    path = place.path
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        path = path.replace(f"{{{name}}}", str((known.get(name) or [new_id()])[0]))
    return path


def test_every_place_of_an_id_is_known(client: FlaskClient) -> None:
    documents = [client.get(f"/api/{name}.json").json for name in ("openapi", "engine-rest")]
    places = [place.name for document in documents for place in places_of(document)]
    places += [place.name for place in engine_places()]
    assert len(places) >= 50
    assert set(places) - NAMED.keys() - PUBLIC == set()


@pytest.mark.usefixtures("demonstration")
@pytest.mark.parametrize("logins", GROUPS, ids="-".join)
def test_a_foreign_id_in_a_member_or_parameter_is_answered_like_one_of_nobody(
    app: Flask, client: FlaskClient, logins: tuple[str, ...]
) -> None:
    """Operation × place × role over both interfaces: the same status, headers and body, and nothing has changed."""
    leave_traces(client)
    places = [*places_of(client.get("/api/openapi.json").json), *engine_places()]
    for login in logins:
        asker, before = Asker(client, login), digests()
        known = examples_of(asker.user)
        for place in places:
            if place.name in PUBLIC:
                continue
            foreign = foreign_id(asker.user, NAMED[place.name])
            if foreign is not None:
                target = address(app, place, known)
                seen = [asker.tell(place.method, target, place.filled(str(key))) for key in (foreign, new_id())]
                asker.compare(f"{login} {place.method} {place.path} {place.name}", seen[0], seen[1])
        asker.check(least=0)
        after = digests()
        assert {name for name in before if before[name] != after[name]} <= {
            "submission"
        }  # that it was asked, and what told
