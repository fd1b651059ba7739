"""Completions a second over HTTP through gunicorn, and what one costs in CPU: web processes and database apart."""

from __future__ import annotations

import base64
import json

from service.infrastructure.postgres import Server
from tests.bench import chain, web
from tests.bench.cast import PASSWORD
from tests.bench.figures import Figures, p50, percentile
from tests.bench.scratch import copy

DATABASE = "bench_http"
WARM_UP = 16  # cases


def measure(server: Server, prepared: str, cases: int, figures: Figures) -> None:
    """Every completion of every case over REST, stage by stage; finding the tasks between the stages is not counted.

    The first cases only warm the processes up. Beside it stand the same statements sent bare, in the same run.
    """
    floor: float | None = figures.details.get("end_to_end", {}).get("floor_per_second")
    copy(server, prepared, DATABASE)
    database = int((server.data / "postmaster.pid").read_text().split()[0])
    took, seconds, web_cpu, database_cpu = 0.0, [], 0.0, 0.0
    with web.serving(server, DATABASE) as (port, process):
        _sign_in(port)
        for stage in chain.STAGES:
            web.pour(port, _requests(server, stage, WARM_UP), 204)
        for stage in chain.STAGES:
            requests = _requests(server, stage, cases - WARM_UP)
            before = web.cpu_of(process), web.cpu_of(database)
            lasted, each = web.pour(port, requests, 204)
            web_cpu += web.cpu_of(process) - before[0]
            database_cpu += web.cpu_of(database) - before[1]
            took += lasted
            seconds += each
    n = len(seconds)
    cpu = {"web": web_cpu / n * 1000, "database": database_cpu / n * 1000}
    if floor is not None:
        figures.key("floor_over_http", floor * took / n)
    figures.row(
        "completions/s over HTTP (gunicorn, 2 × 4)",
        f"{n / took:,.0f}",
        f"p50 {p50(seconds) * 1e3:.1f}, p95 {percentile(seconds, 0.95) * 1e3:.1f} ms"
        + (f"; bare SQL is {floor * took / n:.2f} times as fast" if floor is not None else ""),
    )
    figures.row(
        "  CPU a completion", f"{sum(cpu.values()):.2f} ms", f"web {cpu['web']:.2f}, database {cpu['database']:.2f} ms"
    )
    figures.details["http"] = {
        "completions": n,
        "per_second": round(n / took, 1),
        "p50_ms": round(p50(seconds) * 1e3, 3),
        "p95_ms": round(percentile(seconds, 0.95) * 1e3, 3),
        "web_cpu_ms": round(cpu["web"], 3),
        "database_cpu_ms": round(cpu["database"], 3),
        "connections": web.CONNECTIONS,
    }


def _requests(server: Server, stage: chain.Stage, cases: int) -> list[bytes]:
    """The completions of a stage's open tasks, of the first so many cases that have one."""
    query = f"SELECT id FROM task WHERE state = 'open' AND split_part(element, '/', -1) = '{stage.element}' ORDER BY case_id LIMIT {cases}"
    requests = [_completion(stage, task) for (task,) in server.execute(query, DATABASE)]
    if len(requests) != cases:
        raise RuntimeError(f"{stage.element}: {len(requests)} tasks are open, not {cases}")
    return requests


def _completion(stage: chain.Stage, task: str) -> bytes:
    variables = {name: {"value": value, "type": "String"} for name, value in stage.form.items()}
    return web.post(
        f"/engine-rest/task/{task}/complete", authorization(stage.login), json.dumps({"variables": variables}).encode()
    )


def authorization(login: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{PASSWORD}".encode()).decode()


def _sign_in(port: int) -> None:
    """Let every web process check every password once: it is slow by design, and remembered afterwards."""
    for login in {stage.login for stage in chain.STAGES}:
        request = web.get("/engine-rest/version", f"Authorization: {authorization(login)}\r\n")
        web.pour(port, [request] * 40, 200)
