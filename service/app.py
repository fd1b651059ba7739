"""The Flask application: settings, database, listeners, pages and API put together."""

from __future__ import annotations

import orjson
from flask import Flask

from service import api, web
from service.config import Settings, settings
from service.infrastructure.trusted_hosts import TrustedHosts
from service.infrastructure.trusted_proxies import TrustedProxies
from service.models.db.session import db
from service.models.db.time_limits import PAGE, TimeLimits, limit_transactions
from service.models.listeners.registration import register_listeners
from service.workflow.runtime import effects

# Pages ask small questions, many at once: what helps one long question alone
# (compiling it, splitting it over cores) costs them more.
CONNECTION = {
    "timezone": "UTC",
    "jit": "off",
    "max_parallel_workers_per_gather": 0,
    "random_page_cost": 1.1,
    "work_mem": "16MB",
}


def create_app(configuration: Settings | None = None, limits: TimeLimits = PAGE) -> Flask:
    """Make an application on ``configuration`` (default: from the environment) that works within ``limits``."""
    chosen = configuration or settings()
    parameters = CONNECTION | limits.settings()
    app = Flask("service", template_folder="../templates", static_folder="static")
    app.config.update(
        SECRET_KEY=chosen.secret_key,
        SQLALCHEMY_DATABASE_URI=chosen.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": 6,
            "max_overflow": 6,  # one for each thread of a web process, and one to spare
            "hide_parameters": True,  # no personal value in the log, nor in what an incident tells
            "json_serializer": lambda value: orjson.dumps(value).decode(),
            "json_deserializer": orjson.loads,
            "connect_args": {"options": " ".join(f"-c {name}={value}" for name, value in parameters.items())},
        },
        MAX_CONTENT_LENGTH=8 * 1024 * 1024,
        MAX_FORM_PARTS=4000,  # a worksheet of 500 rows that is sent together with a file
    )
    register_listeners()
    effects.register()
    db.init_app(app)
    with app.app_context():
        limit_transactions(db.engine, limits)
    api.register(app)
    web.register(app)
    application = TrustedHosts(app.wsgi_app, chosen.address)
    app.wsgi_app = TrustedProxies(application, chosen.trusted_proxies)  # type: ignore[method-assign]
    return app
