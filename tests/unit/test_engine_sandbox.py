"""The sandbox: no escape, every bomb stopped by the CPU time it uses, ready again at once; threads and forks share it safely."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from service.engine.kernel.cpu_meter import CpuMeter
from service.engine.starlark import sandbox, worker_pool
from service.engine.starlark.sandbox import NoAnswer, OutOfTime, ScriptError, evaluate, execute
from service.engine.validation.scripts import problem_of

ESCAPES = [
    "().__class__.__bases__[0].__subclasses__()[0]",
    '__import__("os").getpid()',
    'open("/etc/hostname").read()',
    '"{0.__globals__[SECRET]}".format(grade)',
    'grade.__globals__["SECRET"]',
    'getattr(grade, "__glo" + "bals__")',
    "[x for x in [1]].gi_frame",
    'load("x", "y")',
    "eval('1')",
    "globals()",
    "type(grade).__mro__",
    "dir().__class__",
]
BOMBS = [
    "r = len('a' * 4000000000)",
    "r = len('%4000000000d' % 1)",
    "r = 1 << 10000000000",
    "r = len('ab'.join(['x'] * 1000000000))",
    "def f():\n  for i in range(1000000000):\n    for j in range(1000000000):\n      pass\nf()",
    "def f(n):\n  return f(n + 1) + 1\nr = f(0)",
    "x = [0]\nfor i in range(40):\n  x = x + x",
    "r = " + "(" * 20000 + "1" + ")" * 20000,
    "r = " + "-" * 100000 + "1",
    "r = len([0 for a in range(100000) for b in range(100000)])",
    "r = max([i for i in range(100000000000)])",
    "r = sorted([str(i) for i in range(20000000)])",
    "r = 'x' * 3000000",
    "r = " + "not " * 5000 + "1",
    "r = " + "[" * 49 + "]" * 49 + " + [0] * 100000000",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_no_expression_escapes(source: str) -> None:
    with pytest.raises(ScriptError):
        evaluate(source, {"grade": 1})


@pytest.mark.parametrize("source", BOMBS, ids=range(len(BOMBS)))
def test_bombs_are_stopped_and_the_next_script_runs(source: str) -> None:
    meter = CpuMeter(0.5)
    with pytest.raises(ScriptError):
        execute(source, {}, meter=meter)
    assert meter.left() > -0.5
    assert execute("for i in range(3):\n  y = i", {}) == {"y": 2}


def test_scripts_return_what_they_set_and_what_they_changed_in_place() -> None:
    source = "items.append(2)\ntotal = 0\nfor i in items:\n  total += i\n_hidden = 1\ndef f(x):\n  return x\nsame = f(unused)"
    data = {"items": [1], "unused": "u", "other": 1}
    assert execute(source, data) == {"items": [1, 2], "total": 3, "same": "u"}
    assert data == {"items": [1], "unused": "u", "other": 1}


def test_floats_are_refused_by_name() -> None:
    with pytest.raises(ScriptError, match="小数"):
        execute("r = 1.0 * 3", {})
    with pytest.raises(ScriptError, match="小数"):
        evaluate("7 / 2", {})


def test_host_functions_are_called_by_name_and_cannot_be_rebound() -> None:
    heard = []
    result = execute(
        "a = tell('x')\nfor i in range(2):\n  tell(i)",
        {},
        ("tell",),
        lambda name, given: heard.append((name, given)) or len(heard),
    )
    assert heard == [("tell", ["x"]), ("tell", [0]), ("tell", [1])]
    assert result == {"a": 1}
    for source in ("tell = 1", "for tell in [1]:\n  pass\ntell = 2"):
        with pytest.raises(ScriptError, match="tell"):
            execute(source, {}, ("tell",), lambda name, given: None)
        assert sandbox.problems(source, functions=("tell",))
    with pytest.raises(ScriptError):
        execute("tell('x')", {})


def test_what_a_host_function_raises_comes_through() -> None:
    def host(name: str, given: list) -> None:
        raise KeyError(name)

    with pytest.raises(KeyError):
        execute("tell(1)", {}, ("tell",), host)
    assert execute("for i in [1]:\n  a = i", {}) == {"a": 1}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("while True:\n  pass", "while"),
        ("import os", "import"),
        ("try:\n  x = 1\nexcept E:\n  pass", "try"),
        ("class A:\n  pass", "class"),
        ("a = 2 ** 3", "**"),
        ("a = b is None", "is"),
        ("a = 1 < b < 3", "chained"),
        ("a = 1.5", "decimals"),
        ("a = b / 2", "//"),
        ("a = = 1", "cannot be read as Starlark"),
        ("a = x.__class__", "__class__"),
        ("a = {1, 2}", "sets"),
        ("a = (i for i in b)", "generators"),
        ("a = 'b' 'c'", "Starlark"),
    ],
)
def test_problems_are_told_in_both_languages_with_their_line(source: str, said: str) -> None:
    line, zh, en = sandbox.problems("\n" + source)[0]
    assert line >= 2
    assert said in en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in zh)


def test_a_sound_script_has_no_problems() -> None:
    assert sandbox.problems("def f(x):\n  return x + 1\n\na = [f(i) for i in range(3)] if b else None") == []
    assert sandbox.problems("decision == 'confirm' and not late", script=False) == []


# Limits count CPU time.

SPIN = "def f():\n  for i in range(1000000):\n    for j in range(1000000):\n      pass\nf()"


def test_a_script_that_computes_too_long_is_told_so_and_charged() -> None:
    meter = CpuMeter(0.3)
    with pytest.raises(OutOfTime, match=r"0\.\d+ 秒以上的 CPU"):
        execute(SPIN, {}, meter=meter)
    assert meter.left() < 0.01
    assert evaluate("[x for x in [1]]", {}) == [1]


@pytest.fixture
def child() -> int:
    """The process id of the child that answers next."""
    evaluate("[x for x in [1]]", {})
    found = worker_pool._pool.free.get()
    worker_pool._pool.free.put(found)
    return int(found.process.pid)


def test_a_busy_machine_does_not_make_a_script_fail(child: int) -> None:
    """The child stands still for longer than its limit of CPU time."""
    os.kill(child, signal.SIGSTOP)
    timer = threading.Timer(0.8, os.kill, (child, signal.SIGCONT))
    timer.start()
    assert evaluate("[x for x in [1, 2]]", {}, CpuMeter(0.2)) == [1, 2]
    timer.join()


@pytest.mark.parametrize(("source", "asked"), [("a = [x for x in [1]]", 2), ("a = [tell(x) for x in [1]]", 1)])
def test_a_sandbox_that_does_not_answer_is_asked_once_more_and_named_itself(
    monkeypatch: pytest.MonkeyPatch, source: str, asked: int
) -> None:
    """Not when the script has called the host, whose work must not be done twice."""
    tries = []

    def silent(self: object, request: list, host: Callable, deadline: float) -> None:
        tries.append(request)
        if "tell" in source:
            host("tell", [1])
        raise TimeoutError

    monkeypatch.setattr(worker_pool._Child, "ask", silent)
    with pytest.raises(NoAnswer, match="与脚本无关"):
        execute(source, {}, ("tell",), lambda name, given: None)
    assert len(tries) == asked


def test_a_diagram_is_not_called_wrong_because_the_sandbox_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(worker_pool._Child, "ask", silent)
    zh, en, _, remedy = problem_of("a = [x for x in [1]]", expression=False)
    assert "Starlark" not in f"{zh} {en}"
    assert (en, remedy) == ("The sandbox did not answer, the machine is busy.", "Try again later.")


def test_a_step_in_which_nothing_moves_is_told_so_only_when_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("service.engine.kernel.cpu_meter.time.monotonic", lambda: now)
    meter = CpuMeter(2)
    assert not meter.is_stuck()
    now += 21
    assert not meter.is_stuck()
    now += 19
    assert not meter.is_stuck()
    now += 2
    assert meter.is_stuck()


def test_the_engine_reads_no_wall_clock_but_behind_its_limits_of_cpu_time() -> None:
    """Every module of the engine: only the meter and the pool of children may ask how much real time went by."""
    engine = Path(worker_pool.__file__).parents[1]
    clocks = re.compile(r"\b(monotonic|perf_counter|time\.time|datetime\.now|utcnow)\b")
    found = {path.name for path in engine.rglob("*.py") if clocks.search(path.read_text(encoding="utf-8"))}
    assert found == {"cpu_meter.py", "worker_pool.py"}


def test_threads_share_the_children() -> None:
    found: dict[int, object] = {}

    def work(n: int) -> None:
        found[n] = [evaluate(f"[i + {n} for i in range(3)]", {}) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: [[n, n + 1, n + 2]] * 20 for n in range(8)}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_process_has_children_of_its_own() -> None:
    assert evaluate("[x for x in [1]]", {}) == [1]
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if evaluate("[x for x in [2]]", {}) == [2] else 1)
        except BaseException:
            os._exit(2)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert evaluate("[x for x in [3]]", {}) == [3]
