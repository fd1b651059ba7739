"""REST for machines: ``/api/v1`` for the business, ``/engine-rest`` in the dialect of Camunda 7,
``/healthz`` and ``/readyz``.
"""

from __future__ import annotations

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from service.api import health, v1
from service.api.engine_rest import (
    batches,
    definitions,
    deployments,
    documents,
    history,
    instances,
    jobs_and_incidents,
    mends,
    migration,
    tasks,
)
from service.api.engine_rest import (
    blueprint as engine_rest,
)

ROUTES = (
    definitions,
    deployments,
    instances,
    tasks,
    history,
    jobs_and_incidents,
    mends,
    migration,
    batches,
)  # each adds its routes to engine_rest.blueprint


class Json(DefaultJSONProvider):
    """Answers in the order of their schemas, Chinese as it is."""

    ensure_ascii = False
    sort_keys = False


def register(app: Flask) -> None:
    """Put the API into the application, before the pages: outside the API errors are the pages' matter."""
    app.json = Json(app)
    for blueprint in (engine_rest.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
    v1.register(app)
    documents.register(app)
