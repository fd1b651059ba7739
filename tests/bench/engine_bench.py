"""Cost of one completion in the engine, beside plain SpiffWorkflow: same diagram, same inputs, same run.

``fast`` is the whole of ``engine.step``: load the stored bytes, apply the completion, evaluate the inbox row of the
task that opens, compute both digests, write the bytes. ``plain`` is SpiffWorkflow with its own serializer: parse JSON,
run the task, run the engine steps, write JSON; no digest, no inbox row, and its scripts unprotected. It runs in a
process of its own, so that nothing of ours touches it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from service.engine import (
    Definition,
    Input,
    Step,
    read_definition,
    step,
)
from tests.bench.figures import Figures
from tests.unit.engine_shapes import Shape, shape

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ENROLMENT = shape(
    "enrolment",
    """
    begin start
    enrol user @candidateGroups=enterprise %scope=unit_id
    confirm user @candidateGroups=association @dueDate=P5D
    confirmed xor
    number script registration = "R-" + str(person)
    check_in user @candidateGroups=training_institution
    record_score user @candidateGroups=training_institution
    confirm_score user @candidateGroups=association
    grade script passed = score >= 600
    fork and
    print_certificate user @candidateGroups=association
    approve_certificate user @candidateGroups=provincial_authority
    join and
    rejected end
    done end
    """,
    "begin>enrol>confirm>confirmed>[decision == 'reject']rejected; confirmed>[*]number>check_in>record_score>confirm_score>grade>fork;"
    "fork>print_certificate>join; fork>approve_certificate>join; join>done",
)
LOOP = shape(
    "turning",
    """
    begin start
    work user
    again xor
    done end
    """,
    "begin>work>again>[finished]done; again>[*]work",
)
START = {
    "unit_id": "018f3c2e-7d1a-7c52-9b1e-0f4c5d6e7f80",
    "class_id": "018f3c2e-0000-7c52-9b1e-0f4c5d6e7f81",
    "person": 4711,
}
FORMS = {
    "enrol": {"kind": "initial", "exam": "C1", "note": "x" * 200, "on_behalf": False},
    "confirm": {"decision": "confirm", "confirmed_by": "018f3c2e-1111-7c52-9b1e-0f4c5d6e7f82"},
    "check_in": {"checked_in_at": "2026-03-02", "room": "A-12"},
    "record_score": {"score": 771, "parts": {"theory": 300, "practice": 471}},
    "confirm_score": {"score_ok": True},
    "print_certificate": {"certificate": "C-000123", "printed": True},
    "approve_certificate": {"approved": True},
}


def measure(figures: Figures) -> None:
    """Tell both figures."""
    cycle, growth = engine_cycle(), loop_growth()
    figures.key("engine_cycle_ratio", cycle["ratio"])
    figures.row(
        "engine: load, complete, save, p50",
        f"{cycle['fast_ms']:.3f} ms",
        f"plain library {cycle['plain_ms']:.3f} ms; ratio {cycle['ratio']:.1f}",
    )
    figures.key("turn_400_over_10", growth["ratio"])
    figures.row(
        "engine: a completion at loop turn 400",
        f"{growth['turn_400_ms']:.3f} ms",
        f"at turn 10 {growth['turn_10_ms']:.3f} ms; ratio {growth['ratio']:.2f}",
    )
    figures.details["engine"] = {"cycle": cycle, "growth": growth}


def engine_cycle(cases: int = 150) -> dict[str, float]:
    """Median microseconds of one completion of the seven-task chain: the engine's, plain SpiffWorkflow's, and their ratio."""
    definition = read_definition(ENROLMENT.files, deployment_rules=False)
    _chain(definition, 20)
    fast = statistics.median(_chain(definition, cases))
    plain = _plain(ENROLMENT, max(20, cases // 5))
    return _told(fast=fast, plain=plain) | {"ratio": round(plain / fast, 2)}


def loop_growth() -> dict[str, float]:
    """Median microseconds of a completion around turn 10 and around turn 400 of one loop, and their ratio."""
    definition = read_definition(LOOP.files, deployment_rules=False)
    turns: dict[int, list[float]] = {10: [], 400: []}
    for _ in range(3):
        now = _begin(definition)
        for turn in range(1, 421):
            started = time.perf_counter()
            now = _complete(definition, now, turn, now.opened[0].token, {"finished": False, "turn": turn})
            spent = (time.perf_counter() - started) * 1e6
            for near in turns:
                if abs(turn - near) <= 8:
                    turns[near].append(spent)
    early, late = statistics.median(turns[10]), statistics.median(turns[400])
    return _told(turn_10=early, turn_400=late) | {"ratio": round(late / early, 3)}


def _told(**microseconds: float) -> dict[str, float]:
    """Each figure in microseconds (``_us``) and in milliseconds (``_ms``)."""
    found = {f"{name}_us": round(value, 1) for name, value in microseconds.items()}
    return found | {f"{name}_ms": round(value / 1000, 4) for name, value in microseconds.items()}


def _begin(definition: Definition) -> Step:
    return step(definition, None, Input("start", 0, AT, data=dict(START)), lambda request: {}, b"salt")


def _complete(definition: Definition, now: Step, seq: int, token: str, data: dict[str, object]) -> Step:
    return step(definition, now.state, Input("complete", seq, AT, token=token, data=data), lambda request: {}, b"salt")


def _chain(definition: Definition, cases: int) -> list[float]:
    spent = []
    for _ in range(cases):
        now = _begin(definition)
        open_tasks = list(now.opened)
        for seq in range(1, 8):
            task = open_tasks.pop(0)
            started = time.perf_counter()
            now = _complete(definition, now, seq, task.token, FORMS[task.element])
            spent.append((time.perf_counter() - started) * 1e6)
            open_tasks += now.opened
        assert now.ended
    return spent


def _plain(drawn: Shape, cases: int) -> float:
    """The same in a process that knows only the library."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{drawn.name}.bpmn"
        path.write_bytes(drawn.files[path.name])
        told = json.dumps({"path": str(path), "process": drawn.name, "start": START, "forms": FORMS, "cases": cases})
        done = subprocess.run(
            [sys.executable, "-c", _PLAIN], input=told, capture_output=True, text=True, check=True, env=dict(os.environ)
        )
    return float(done.stdout)


_PLAIN = """
import json, statistics, sys, time
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.util.task import TaskState
told = json.load(sys.stdin)
parser = BpmnParser()
parser.add_bpmn_file(told["path"])
spec, serializer, spent = parser.get_spec(told["process"]), BpmnWorkflowSerializer(), []
for case in range(told["cases"] + 3):
    flow = BpmnWorkflow(spec)
    flow.task_tree.data.update(told["start"])
    flow.do_engine_steps()
    stored = serializer.serialize_json(flow)
    for turn in range(7):
        started = time.perf_counter()
        flow = serializer.deserialize_json(stored)
        task = flow.get_tasks(state=TaskState.READY, manual=True)[0]
        task.data.update(told["forms"][task.task_spec.name])
        task.run()
        flow.do_engine_steps()
        stored = serializer.serialize_json(flow)
        if case >= 3:
            spent.append((time.perf_counter() - started) * 1e6)
    assert flow.is_completed()
print(statistics.median(spent))
"""
