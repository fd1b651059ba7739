"""REST for machines: ``/api/v1`` for the business, ``/engine-rest`` in the dialect of Camunda 7, ``/healthz`` and ``/readyz``."""

from __future__ import annotations

from flask import Flask

from service.api import health, v1
from service.api.engine_rest import (
    blueprint as engine_rest,
)
from service.api.engine_rest import (
    definitions,
    history,
    instances,
    jobs_and_incidents,
    tasks,
)

ROUTES = (definitions, instances, tasks, history, jobs_and_incidents)  # each adds its routes to engine_rest.blueprint


def register(app: Flask) -> None:
    """Put the API into the application, after the pages: their forgery check exempts what knows no cookies."""
    for blueprint in (engine_rest.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
    for blueprint in (engine_rest.blueprint, health.blueprint, *v1.register(app)):
        if "csrf" in app.extensions:
            app.extensions["csrf"].exempt(blueprint)
