"""Runs one function in several processes that begin at the same moment, and gathers what each returns."""

from __future__ import annotations

import multiprocessing
import queue
import traceback
from collections.abc import Callable, Sequence
from typing import Any

PATIENCE = 600  # seconds that a run may take at most


def at_once(function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """``function(ready, *arguments[n])`` in one new process each; ``ready()`` waits until all are."""
    context = multiprocessing.get_context("spawn")
    answers: Any = context.Queue()
    barrier = context.Barrier(len(arguments))
    running = [
        context.Process(target=_run, args=(function, barrier, answers, n, given), daemon=True)
        for n, given in enumerate(arguments)
    ]
    for process in running:
        process.start()
    try:
        found = dict(_gather(answers, running))
    finally:
        for process in running:
            process.kill() if process.is_alive() and not answers.empty() else process.join(10)
    return [found[n] for n in range(len(arguments))]


def _gather(answers: Any, running: list[Any]) -> list[tuple[int, Any]]:
    gathered = []
    while len(gathered) < len(running):
        try:
            n, answer, fault = answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise RuntimeError("a process of the benchmark did not answer") from None
        if fault:
            raise RuntimeError(fault)
        gathered.append((n, answer))
    return gathered


def _run(function: Callable[..., Any], barrier: Any, answers: Any, n: int, given: tuple[Any, ...]) -> None:
    try:
        answers.put((n, function(barrier.wait, *given), None))
    except BaseException:
        barrier.abort()
        answers.put((n, None, traceback.format_exc()))
