"""The OpenAPI document of ``/engine-rest`` (issue 8)."""

from __future__ import annotations

from flask import Flask


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
