"""A web process under gunicorn, which starts it, looks after it and ends it; ``http_server`` serves in it."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping

from gunicorn.workers.base import Worker

from service.infrastructure.http_server import HttpServer, Limits, Router

MAX_FILES = 8192
FILES_OF_CONNECTION = 4  # itself, what it sends, what it is sent, and one to spare


class HttpWorker(Worker):
    """Serves until it is told to end, or its master is gone. A subclass says how requests are routed, to what pools."""

    route: Router
    threads: Mapping[str, int]

    def run(self) -> None:
        """Serve, and at the end finish what was asked."""
        [listener] = self.sockets
        most = min(self.cfg.worker_connections, _raise_files() // FILES_OF_CONNECTION)
        server = HttpServer(self.wsgi, listener.sock, Limits(self.route, self.threads, connection_limit=most))
        while self.alive and self.ppid == os.getppid():
            self.notify()
            server.turn()
        is_orphan = self.alive  # another master waits for the port
        server.stop(0 if is_orphan else self.cfg.graceful_timeout - 1, self.notify)


def _raise_files() -> int:
    """Open as many files at once as are allowed to us, up to ``MAX_FILES``; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < MAX_FILES and soft != resource.RLIM_INFINITY:
        soft = MAX_FILES if hard == resource.RLIM_INFINITY else min(MAX_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MAX_FILES if soft == resource.RLIM_INFINITY else soft
