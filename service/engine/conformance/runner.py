"""``anpei conformance DIR``: models that nobody here drew, through the validation and the engine of production.

Each model is judged in a process that is killed when it hangs; the summary counts right
(those that ran apart from those that had to be refused), rejected, wrong, crashed.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TextIO

from service.engine.conformance.manifest import Model, models, suites
from service.engine.conformance.verdict import Verdict, judge
from service.engine.kernel.cpu_meter import PATIENCE

SECONDS = 60.0  # of CPU time for one model with all its cases


@dataclass(slots=True)
class Totals:
    """Numbers of models by verdict."""

    ran: int = 0
    refused: int = 0
    rejected: int = 0
    wrong: int = 0
    crashed: int = 0

    def add(self, other: Totals) -> None:
        """Count another folder in."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    @property
    def right(self) -> int:
        """Those that ran as they should, and those that had to be refused."""
        return self.ran + self.refused

    @property
    def count(self) -> int:
        """Of all models."""
        return self.right + self.rejected + self.wrong + self.crashed

    @property
    def is_sound(self) -> bool:
        """Nothing deployed and did otherwise, nothing fell over: the exit code is 0."""
        return not self.wrong and not self.crashed

    def line(self, name: str) -> str:
        """``betsy: right R (ran N, refused M) rejected J wrong W crashed C of N``."""
        counts = f"right {self.right} (ran {self.ran}, refused {self.refused}) rejected {self.rejected}"
        counts += f" wrong {self.wrong} crashed {self.crashed}"
        return f"{name}: {counts} of {self.count}"


def run(folder: Path, out: TextIO) -> Totals:
    """Judge every model of a folder (with a manifest, or of folders with one in it);
    prints a line a model to ``out``.
    """
    total = Totals()
    summary = []
    with Judge.hired() as bench:
        for suite in suites(folder.resolve()):
            counted = Totals()
            for model in models(suite):
                verdict = bench.ask(model)
                counted.add(Totals(**{verdict.counts_as: 1}))
                why = " ".join(verdict.why.split())[:300]
                print(f"{suite.name}/{model.name}: {verdict.kind}: {why}".rstrip(": "), file=out)
            summary.append(counted.line(suite.name))
            total.add(counted)
    for line in (*summary, total.line("total")):
        print(line, file=out)
    return total


class Judge:
    """A process that judges one model after the other; a new one takes its place when it hangs or dies."""

    def __init__(self) -> None:
        self.process: Any = None
        self.pipe: Any = None

    @classmethod
    @contextmanager
    def hired(cls) -> Iterator[Judge]:
        """A judge that is dismissed at the end."""
        judge_ = cls()
        try:
            yield judge_
        finally:
            judge_.dismiss()

    def ask(self, model: Model) -> Verdict:
        """The verdict, at the latest after SECONDS of CPU time, or ten times as long when nothing moves."""
        if self.process is None:
            context = multiprocessing.get_context("spawn")
            self.pipe, theirs = context.Pipe()
            self.process = context.Process(target=_serve, args=(theirs,))
            self.process.start()
            theirs.close()
        try:
            self.pipe.send(model)
            if self.pipe.poll(PATIENCE * SECONDS):
                verdict: Verdict = self.pipe.recv()
                return verdict
            why = f"no answer within {PATIENCE * SECONDS:.0f} s: the machine is busy, or the model waits for ever"
        except (EOFError, OSError):
            self.process.join(timeout=1)
            is_late = self.process.exitcode == -signal.SIGPROF
            why = f"more than {SECONDS:.0f} s of CPU time" if is_late else "the process died"
        self.dismiss()
        return Verdict("crashed", why)

    def dismiss(self) -> None:
        """End the process."""
        if self.process is not None:
            self.pipe.close()
            self.process.join(timeout=1)
            if self.process.is_alive():
                self.process.kill()
                self.process.join()
            self.process = None


def _serve(pipe: Any) -> None:
    while True:
        try:
            model = pipe.recv()
        except (EOFError, OSError):
            return
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # ends this process
        verdict = judge(model)
        signal.setitimer(signal.ITIMER_PROF, 0)
        pipe.send(verdict)
