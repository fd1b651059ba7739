"""The OpenAPI document of ``/engine-rest``."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TypeGuard

from flask import Flask

from service.api.engine_rest import serializers
from service.api.engine_rest.schemas import FIELDS


def test_every_route_is_in_the_document(app: Flask) -> None:
    document = app.test_client().get("/api/engine-rest.json").json
    written = {
        (path.replace("{", "<").replace("}", ">"), way) for path, found in document["paths"].items() for way in found
    }
    routes = {
        (rule.rule, way.lower())
        for rule in app.url_map.iter_rules()
        for way in (rule.methods or set()) - {"OPTIONS", "HEAD"}
        if rule.endpoint.startswith("engine_rest.") and not rule.endpoint.endswith(".unknown")
    }
    assert written == routes


def test_the_schemas_have_the_fields_that_the_serializers_write() -> None:
    """Each serializer names its DTO in its docstring; its keys, in their order, are those of the schema."""
    compared = set()
    for function in ast.parse(Path(serializers.__file__).read_text()).body:
        named = re.search(r"\((\w+Dto)\)", ast.get_docstring(function) or "") if is_function(function) else None
        if named:
            written = next(one for one in ast.walk(function) if isinstance(one, ast.Dict))
            keys = [key.value for key in written.keys if isinstance(key, ast.Constant)]
            assert sorted(keys) == sorted(FIELDS[named[1]]), named[1]
            compared.add(named[1])
    assert len(compared) == 9


def is_function(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef)
