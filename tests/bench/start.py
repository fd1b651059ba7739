"""The second start of ``anpei run`` until it is healthy, beside the bare start of the same database and a bare gunicorn."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from service.config import CHECKOUT, embedded_url
from service.infrastructure.postgres import Server
from tests.bench.figures import Figures, p50

TURNS = 3
PATIENCE = 120  # seconds for one start
HELLO = "def app(_, start): start('200 OK', []); return [b'hello']"


def measure(figures: Figures) -> None:
    """Start both by turns, after a first start that makes the database."""
    with tempfile.TemporaryDirectory(prefix="anpei start ") as folder:
        home = Path(folder)
        home.chmod(0o755)
        (home / "demonstration").write_text(hashlib.sha256(embedded_url(home).encode()).hexdigest())
        (home / "hello.py").write_text(HELLO)
        _ours(home)
        seconds = [(_ours(home), _bare(home)) for _ in range(TURNS)]
    ours, bare = (p50([pair[side] for pair in seconds]) for side in (0, 1))
    figures.key("start_s", ours / bare)
    figures.row("second start until healthy", f"{ours:.1f} s", f"PostgreSQL and gunicorn bare {bare:.1f} s")
    figures.details["start"] = {"ours_s": round(ours, 2), "bare_s": round(bare, 2)}


def _ours(home: Path) -> float:
    with _port() as port:
        chosen = {"ANPEI_DATA_DIR": str(home), "ANPEI_PORT": str(port)}
        return _until_answered([sys.executable, "-m", "service.cli", "run"], port, "/healthz", CHECKOUT, chosen)


def _bare(home: Path) -> float:
    began = time.perf_counter()
    with Server(home).running(), _port() as port:
        made = time.perf_counter() - began
        command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", "2", "hello:app"]
        return made + _until_answered(command, port, "/", home, {})


@contextlib.contextmanager
def _port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    yield port


def _until_answered(command: list[str], port: int, path: str, folder: Path, chosen: Mapping[str, str]) -> float:
    """Seconds from the start of a program until it answers 200; it is ended then."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANPEI_")}
    began, quiet = time.perf_counter(), subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, env=kept | chosen, stdout=quiet, stderr=quiet) as program:
        try:
            while not _answers(port, path):
                if program.poll() is not None or time.perf_counter() - began > PATIENCE:
                    raise RuntimeError(f"it did not start: {command}")
                time.sleep(0.01)
            return time.perf_counter() - began
        finally:
            program.terminate()


def _answers(port: int, path: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        return b" 200 " in connection.recv(100)
    return False
