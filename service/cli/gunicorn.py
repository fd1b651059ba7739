"""Settings of gunicorn, two web processes: ``gunicorn -c python:service.cli.gunicorn``."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from service.cli.processes import bring_up_to_date
from service.config import settings
from service.infrastructure import garbage
from service.infrastructure.http_worker import HttpWorker
from service.web.shell.request_routes import THREADS, router


class WebWorker(HttpWorker):
    """Serves the pages and the API; each kind of request has threads of its own, so that one cannot take all."""

    threads = THREADS

    def init_process(self) -> None:
        """Know the routes of the application."""
        self.route = router(self.app.wsgi())
        threading.Thread(target=load_renderer, daemon=True).start()
        super().init_process()


def load_renderer() -> None:
    """Load what lays documents out beside the first requests: it takes as long as the rest of a start."""
    from service.infrastructure.documents import pdf_renderer  # noqa: F401


garbage.pause()
wsgi_app = "service.app:create_app()"
bind = f"127.0.0.1:{settings().port}"  # a reverse proxy stands before it where others may come
worker_class = WebWorker
workers = 2
worker_connections = 1000  # of each; one more, and the longest waiting has to go
preload_app = True  # one import for all; what is opened before the fork is dropped after it
timeout = 60
graceful_timeout = 10
max_requests = 0
control_socket_disable = True
loglevel = "warning"
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - heartbeats must not wait for a disk


def on_starting(server: Any) -> None:
    """Bring tables and diagrams up to date before the first request."""
    bring_up_to_date(server.app.wsgi(), settings())


def on_exit(_server: Any) -> None:
    """Stop the embedded database, which a killed supervisor leaves running."""
    from service.infrastructure.postgres import Server

    if settings().is_embedded:
        Server(settings().data_dir).stop_if_unused()


def pre_fork(_server: Any, _worker: Any) -> None:
    """Share with the workers what was loaded by now."""
    garbage.collect_seldom()


def post_fork(_server: Any, worker: Any) -> None:
    """Drop connections opened before the fork: processes must not share one."""
    from service.models.db.session import db

    application = worker.app.wsgi()
    with application.app_context():
        db.engine.dispose(close=False)
