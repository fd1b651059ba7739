"""The web server as ``anpei serve`` starts it, in processes of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from service.config import CHECKOUT


@contextmanager
def serving(environment: Mapping[str, str], log: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Serve on a free port with these settings: the port and the first process. What it says goes to ``log``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = {**os.environ, **environment, "ANPEI_PORT": str(port)}
    command = [sys.executable, "-m", "gunicorn", "-c", "python:service.cli.gunicorn"]
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=settings, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        try:
            _wait_for(port, process, log)
            yield port, process
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        with contextlib.suppress(OSError):
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        if process.poll() is not None:
            raise RuntimeError(f"the web server did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)
