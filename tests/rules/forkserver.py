"""``python -m tests.rules.forkserver`` in a copy of the checkout: run tests there, each time with one file changed.

Reads one JSON object a line, ``{"file": path or "", "text": its new content, "tests": node ids}``, and answers each with
``{"outcomes": {node id: passed, failed, broken}, "output": text}``. What third parties wrote is imported once; every
request is a fork, which imports service and tests from the copy.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OURS = ("service", "tests", "setup", "__main__")
SLIPS = ("AttributeError", "ImportError", "NameError", "SyntaxError", "TypeError", "UnboundLocalError")
LONGEST = 120  # seconds for one request; a change can make a loop endless


class Outcomes:
    """A plugin of pytest: what became of each named test, over all its parameters."""

    def __init__(self, named: list[str]) -> None:
        self.found = dict.fromkeys(named, "broken")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = next((n for n in self.found if report.nodeid == n or report.nodeid.startswith(f"{n}[")), None)
        if name is None:
            return
        if report.failed:  # before the test itself, or by a slip of the pen, it proves nothing
            slipped = getattr(report.longrepr, "reprcrash", None) and report.longrepr.reprcrash.message.startswith(
                SLIPS
            )
            self.found[name] = "failed" if report.when == "call" and not slipped else "broken"
        elif report.when == "call" and self.found[name] == "broken":
            self.found[name] = "passed"


def main() -> None:
    for name in json.loads(_forked(_foreign_modules)):
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    sys.dont_write_bytecode = True  # of a changed file
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        with _changed(request["file"], request["text"]):
            answer = _forked(lambda tests=request["tests"]: _run(tests))
        print(answer or json.dumps({"outcomes": {}, "output": "no answer"}), flush=True)


def _foreign_modules() -> Any:
    """The modules of others that the application and the fixtures import; compiles ours in passing."""
    importlib.import_module("service.app")
    importlib.import_module("tests.conftest")
    return [name for name in sys.modules if name.partition(".")[0] not in OURS]


def _run(tests: list[str]) -> Any:
    outcomes = Outcomes(tests)
    output = Path("output.txt")
    with output.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        pytest.main(["-p", "no:cacheprovider", "--tb=short", "--durations=0", *tests], plugins=[outcomes])
        sys.stdout.flush()
    return {"outcomes": outcomes.found, "output": output.read_text()[-4000:]}


@contextlib.contextmanager
def _changed(file: str, text: str) -> Any:
    if not file:
        yield
        return
    path = Path(file)
    before = path.read_bytes()
    if path.suffix == ".py":
        Path(importlib.util.cache_from_source(file)).unlink(missing_ok=True)
    path.write_text(text)
    yield
    path.write_bytes(before)


def _forked(work: Callable[[], Any]) -> str:
    """What ``work`` returns in a child process, as JSON; empty when the child died."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            signal.alarm(LONGEST)
            answer = json.dumps(work())
            with open(writing, "w") as stream:
                stream.write(answer)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return answer


if __name__ == "__main__":
    main()
