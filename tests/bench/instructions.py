"""Instructions of the web process for a completion over REST, counted by callgrind: the same on every machine, however
loaded it is. ``python -m tests.bench.instructions URL`` is the program that is counted.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from service.config import CHECKOUT
from service.infrastructure import garbage
from service.infrastructure.postgres import Server
from tests.bench import chain
from tests.bench.figures import Figures
from tests.bench.http import authorization
from tests.bench.scratch import HOME, application, copy

DATABASE = "bench_instructions"
WARM_UP, COUNTED = 4, 10  # cases


def measure(server: Server, prepared: str, figures: Figures) -> None:
    """Count those of the application, from the request to the answer; the HTTP server's own are not among them."""
    if not shutil.which("valgrind"):
        figures.row("instructions of a completion", "not counted", "valgrind is not installed")
        return
    copy(server, prepared, DATABASE)
    out = HOME / "callgrind.out"
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
    command += [sys.executable, "-m", "tests.bench.instructions", server.url(DATABASE)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    found = re.search(r"(?m)^totals: (\d+)", out.read_text()) if done.returncode == 0 else None
    if found is None:
        raise RuntimeError(done.stderr[-2000:])
    millions = int(found[1]) / 1e6 / COUNTED / len(chain.STAGES)
    figures.key("http_python_instructions_per_completion", millions)
    figures.row("instructions of a completion over REST", f"{millions:.2f} million", "by callgrind")


def _complete(app: Flask, stage: chain.Stage, tasks: list[UUID], *, is_counted: bool) -> None:
    body = json.dumps({"variables": {name: {"value": value, "type": "String"} for name, value in stage.form.items()}})
    headers = {"Authorization": authorization(stage.login)}
    asked = [_environ(f"/engine-rest/task/{task}/complete", headers, body) for task in tasks]
    with _counted() if is_counted else nullcontext():
        answers = [run_wsgi_app(app.wsgi_app, environ, buffered=True) for environ in asked]
    if faults := [status for _, status, _ in answers if not status.startswith("204")]:
        raise RuntimeError(f"{stage.element}: {faults[0]}")


def _environ(path: str, headers: dict[str, str], body: str) -> Any:
    return EnvironBuilder(
        path, method="POST", headers=headers, data=body, content_type="application/json"
    ).get_environ()


@contextmanager
def _counted() -> Iterator[None]:
    _count("on")
    yield
    _count("off")


def _count(switch: str) -> None:
    subprocess.run(["callgrind_control", "-i", switch, str(os.getpid())], check=True, capture_output=True)


def main(url: str) -> None:
    """Complete every stage of some cases, after others that warm the process up."""
    app = application(url)
    for login in {stage.login for stage in chain.STAGES}:  # the slow check of a password, remembered afterwards
        headers = {"Authorization": authorization(login)}
        run_wsgi_app(app.wsgi_app, EnvironBuilder("/engine-rest/version", headers=headers).get_environ())
    with app.app_context():
        cases = chain.all_cases()[: WARM_UP + COUNTED]
    for part in (cases[:WARM_UP], cases[WARM_UP:]):
        for stage in chain.STAGES:
            with app.app_context():
                tasks = chain.open_tasks(stage, part)
            _complete(app, stage, tasks, is_counted=len(part) == COUNTED)
        garbage.collect_seldom()


if __name__ == "__main__":
    main(sys.argv[1])
