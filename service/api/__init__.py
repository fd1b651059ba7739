"""REST for machines: ``/engine-rest`` in the dialect of Camunda 7, and what a supervisor asks (``/healthz``, ``/readyz``)."""

from __future__ import annotations

from flask import Flask

from service.api import definitions, engine_rest, health, history, instances, tasks, troubles

ROUTES = (definitions, instances, tasks, history, troubles)  # each adds its routes to engine_rest.blueprint


def register(app: Flask) -> None:
    """Put the API into the application, after the pages: their forgery check exempts what knows no cookies."""
    for blueprint in (engine_rest.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
        if "csrf" in app.extensions:
            app.extensions["csrf"].exempt(blueprint)
