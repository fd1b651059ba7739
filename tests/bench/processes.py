"""Runs one function in several processes that begin at the same moment, and gathers what each returns."""

from __future__ import annotations

import multiprocessing
import queue
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any


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
    except RuntimeError:
        for process in running:
            process.kill()
        raise
    for process in running:
        process.join()
    return [found[n] for n in range(len(arguments))]


def _gather(answers: Any, running: list[Any]) -> Iterator[tuple[int, Any]]:
    waiting = len(running)
    while waiting:
        try:
            n, answer, fault = answers.get(timeout=1)
        except queue.Empty:
            if any(process.exitcode for process in running):
                raise RuntimeError("a process of the benchmark ended without an answer") from None
            continue
        if fault:
            raise RuntimeError(fault)
        waiting -= 1
        yield n, answer


def _run(function: Callable[..., Any], barrier: Any, answers: Any, n: int, given: tuple[Any, ...]) -> None:
    try:
        answers.put((n, function(barrier.wait, *given), None))
    except BaseException:
        barrier.abort()
        answers.put((n, None, traceback.format_exc()))
