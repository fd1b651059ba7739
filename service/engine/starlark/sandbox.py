"""Starlark for scripts and the larger expressions: checked, then run in one of two killable children per process.

A child has 256 MB and a script two seconds of CPU time; a child that crashes, hangs or runs out of memory is
replaced. Only JSON crosses: no floats, no NUL, integers within 53 bits. Small expressions never come here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.engine.kernel.cpu_meter import CpuMeter
from service.engine.kernel.types import Data
from service.engine.starlark.expressions import Evaluate, compile_script, compile_small
from service.engine.starlark.linter import (
    check_bounds,
    names_bound,
    names_set,
    problems,
)
from service.engine.starlark.operators import Beyond, ExpressionError, equal
from service.engine.starlark.worker_pool import Host, NoAnswer, OutOfTime, ScriptError, ask

SECONDS = 2.0  # of CPU time
SAFE_INTEGER = (1 << 53) - 1  # what JavaScript reads from JSON without loss
MAX_DEPTH = 64  # levels of lists and objects

_NAME = re.compile(r"[A-Za-z_]\w*")


def evaluate(source: str, names: Mapping[str, Any], meter: CpuMeter | None = None) -> Any:
    """The value of a Starlark expression over ``names``; ``meter`` is charged and limits it. Raises ScriptError."""
    small = compile_small(source)
    if small is not None:
        try:
            return clean(small(names), 1)
        except ExpressionError as error:
            raise ScriptError(str(error)) from None
        except Beyond:
            pass
    return clean(_ask("e", source.strip(), names, meter))


def execute(
    source: str,
    names: Mapping[str, Any],
    functions: tuple[str, ...] = (),
    host: Host | None = None,
    meter: CpuMeter | None = None,
) -> Data:
    """Run a script over ``names``; returns the names that it set or may have changed, functions and ``_names`` not.

    ``meter`` is charged and limits it.

    Raises ScriptError, and whatever ``host`` raises when the script calls one of ``functions``.
    """
    small = compile_script(source)
    if small is not None and not any(name in functions for name, _ in small):
        try:
            return _assign(small, names)
        except ExpressionError as error:
            raise ScriptError(str(error)) from None
        except Beyond:
            pass
    clash = sorted(names_bound(source) & set(functions))
    if clash:
        raise ScriptError(f"{clash[0]} 是函数名，不能赋值")
    mentioned = set(_NAME.findall(source))
    assigned = names_set(source)
    wanted = assigned | {name for name in mentioned - set(functions) if name in names}
    used = tuple(name for name in functions if name in mentioned)
    result = clean(_ask("x", source, names, meter, sorted(wanted), used, host))
    return {name: value for name, value in result.items() if name in assigned or not equal(value, names[name])}


def _assign(steps: tuple[tuple[str, Evaluate], ...], names: Mapping[str, Any]) -> Data:
    """Run a script of plain assignments, each over what the ones before have set."""
    held, found = dict(names), {}
    for name, evaluate_step in steps:
        held[name] = found[name] = clean(evaluate_step(held), 1)
    return found


def clean(value: Any, depth: int = 0) -> Any:
    """A private copy of JSON data with the keys of inner objects sorted; raises ScriptError for what is no data.

    Refused: floats, integers beyond 53 bits, NUL and lone surrogates, keys that are no text, more than 64 levels.
    """
    kind = type(value)
    if kind is str:
        return _clean_text(value)
    if kind is bool or value is None:
        return value
    if kind is int:
        return _clean_integer(value)
    if depth >= MAX_DEPTH:
        raise ScriptError(f"数据嵌套超过 {MAX_DEPTH} 层")
    if kind is dict:
        if any(type(key) is not str for key in value):
            raise ScriptError("对象的键必须是文字")
        return {_clean_text(key): clean(value[key], depth + 1) for key in (sorted(value) if depth else value)}
    if kind is list or kind is tuple:
        return [clean(item, depth + 1) for item in value]
    raise ScriptError("数据不能是小数，请用整数或文字表示" if kind is float else f"{kind.__name__} 不能作为数据")


def _clean_text(value: str) -> str:
    if "\x00" in value:
        raise ScriptError("数据不能含有 NUL 字符")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ScriptError("数据不能含有不成对的代理字符")
    return value


def _clean_integer(value: int) -> int:
    if not -SAFE_INTEGER <= value <= SAFE_INTEGER:
        raise ScriptError("整数超出 53 位")
    return value


def _ask(
    mode: str,
    source: str,
    names: Mapping[str, Any],
    meter: CpuMeter | None,
    wanted: list[str] | None = None,
    functions: tuple[str, ...] = (),
    host: Host | None = None,
) -> Any:
    """A child's answer; only the names that the source mentions are sent."""
    check_bounds(source)
    mentioned = set(_NAME.findall(source)) - set(functions)
    sent = {name: names[name] for name in sorted(mentioned) if name in names}
    meter = meter or CpuMeter(SECONDS)
    return ask([mode, source, sent, wanted or [], list(functions)], host, meter, SECONDS)


__all__ = ["NoAnswer", "OutOfTime", "ScriptError", "clean", "evaluate", "execute", "problems"]
