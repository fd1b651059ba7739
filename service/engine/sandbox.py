"""Starlark for scripts and the larger expressions: checked, then run in one of two killable children per process.

A child has 256 MB and a script two seconds of real time; a child that crashes, hangs or runs out of memory is
replaced. Only JSON crosses: no floats, no NUL, integers within 53 bits. Small expressions never come here.
"""

from __future__ import annotations

import ast
import json
import os
import queue
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from service.engine.expressions import Beyond, ExpressionError, compile_small
from service.engine.values import Data

CHILDREN = 2
MEGABYTES = 256
SECONDS = 2.0
MAX_SOURCE = 20_000
MAX_NESTING = 50
SAFE_INTEGER = (1 << 53) - 1

Host = Callable[[str, list[Any]], Any]
_CHILD = Path(__file__).with_name("sandbox_child.py")
_NAME = re.compile(r"[A-Za-z_]\w*")


class ScriptError(Exception):
    """A script or expression that is wrong, fails, or was stopped; the message is for people."""


def evaluate(source: str, names: Mapping[str, Any], seconds: float = SECONDS) -> Any:
    """The value of a Starlark expression over ``names``. Raises ScriptError."""
    small = compile_small(source)
    if small is not None:
        try:
            return small(names)
        except ExpressionError as error:
            raise ScriptError(str(error)) from None
        except Beyond:
            pass
    return clean(_run("e", source.strip(), names, (), (), None, seconds))


def execute(
    source: str,
    names: Mapping[str, Any],
    functions: tuple[str, ...] = (),
    host: Host | None = None,
    seconds: float = SECONDS,
) -> Data:
    """Run a script over ``names``; returns the names that it set or may have changed, functions and ``_names`` not.

    Raises ScriptError, and whatever ``host`` raises when the script calls one of ``functions``.
    """
    wanted = _outcome(source)
    clash = sorted(wanted & set(functions))
    if clash:
        raise ScriptError(f"{clash[0]} 是函数名,不能赋值")
    mentioned = set(_NAME.findall(source))
    wanted |= {name for name in mentioned if name in names}
    used = tuple(name for name in functions if name in mentioned)
    result = clean(_run("x", source, names, sorted(wanted - set(functions)), used, host, seconds))
    return {name: value for name, value in result.items() if name not in names or names[name] is not value}


def problems(source: str, script: bool = True, functions: tuple[str, ...] = ()) -> list[tuple[int, str, str]]:
    """What is wrong with a script or expression, before anything runs: (line, Chinese, English), none if it is fine."""
    try:
        _check_bounds(source)
    except ScriptError as error:
        return [(1, str(error), "The script is too long, too deep or too complex.")]
    found = _forbidden(source, script, functions)
    if found:
        return found
    try:
        _run("p", source if script else source.strip(), {}, (), (), None, SECONDS)
    except ScriptError as error:
        text = str(error).split("\n")[0]
        return [(_line(str(error)), f"不是合法的 Starlark:{text}", f"Not valid Starlark: {text}")]
    return []


def clean(value: Any, depth: int = 0) -> Any:
    """A private copy of JSON data with the keys of inner objects sorted; raises ScriptError for what is no data.

    Refused: floats, integers beyond 53 bits, NUL and lone surrogates, keys that are no text, more than 64 levels.
    """
    kind = type(value)
    if kind is str:
        if "\x00" in value:
            raise ScriptError("数据不能含有 NUL 字符")
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ScriptError("数据不能含有不成对的代理字符")
        return value
    if kind is bool or value is None:
        return value
    if kind is int:
        if -SAFE_INTEGER <= value <= SAFE_INTEGER:
            return value
        raise ScriptError("整数超出 53 位")
    if depth >= 64:
        raise ScriptError("数据嵌套超过 64 层")
    if kind is dict:
        if any(type(key) is not str for key in value):
            raise ScriptError("对象的键必须是文字")
        return {clean(key): clean(value[key], depth + 1) for key in (sorted(value) if depth else value)}
    if kind is list or kind is tuple:
        return [clean(item, depth + 1) for item in value]
    if kind is float:
        raise ScriptError("数据不能是小数,请用整数或文字表示")
    raise ScriptError(f"{kind.__name__} 不能作为数据")


class _Child:
    """One child process and its socket."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.socket, theirs = socket.socketpair()
        command = [sys.executable, "-I", str(_CHILD), str(MEGABYTES)]
        quiet = subprocess.DEVNULL
        with theirs:
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=quiet, stderr=quiet)  # noqa: S603

    def ask(self, request: list[Any], host: Host | None, deadline: float) -> Any:
        self._send(request, deadline)
        while True:
            status, *rest = self._receive(deadline)
            if status != "call":
                return status, rest[0]
            assert host is not None
            self._send(["ok", host(rest[0], rest[1])], deadline)

    def _send(self, message: Any, deadline: float) -> None:
        data = json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
        self._wait(deadline)
        self.socket.sendall(struct.pack("!I", len(data)) + data)

    def _receive(self, deadline: float) -> Any:
        size = struct.unpack("!I", self._exactly(4, deadline))[0]
        return json.loads(self._exactly(size, deadline))

    def _exactly(self, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            self._wait(deadline)
            part = self.socket.recv(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def _wait(self, deadline: float) -> None:
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))

    def end(self) -> None:
        self.socket.close()
        if self.pid == os.getpid():
            self.process.kill()
            self.process.wait()


class _Pool:
    """At most two children for this process; made anew after a fork."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pid = 0
        self.free: queue.LifoQueue[_Child | None] = queue.LifoQueue()

    def take(self, deadline: float) -> tuple[_Child, queue.LifoQueue[_Child | None]]:
        with self.lock:
            if self.pid != os.getpid():
                self.pid, self.free = os.getpid(), queue.LifoQueue()
                for _ in range(CHILDREN):
                    self.free.put(None)
            free = self.free
        try:
            child = free.get(timeout=max(0.001, deadline - time.monotonic()))
        except queue.Empty:
            raise ScriptError("脚本沙箱繁忙,请稍后再试") from None
        if child is None or child.process.poll() is not None:
            try:
                child = _Child()
            except OSError as error:
                free.put(None)
                raise ScriptError(f"脚本沙箱无法启动:{error}") from error
        return child, free


_pool = _Pool()
os.register_at_fork(after_in_child=lambda: setattr(_pool, "lock", threading.Lock()))


def _run(
    mode: str,
    source: str,
    names: Mapping[str, Any],
    wanted: Any,
    functions: tuple[str, ...],
    host: Host | None,
    seconds: float,
) -> Any:
    _check_bounds(source)
    mentioned = set(_NAME.findall(source)) - set(functions)
    sent = {name: names[name] for name in sorted(mentioned) if name in names}
    deadline = time.monotonic() + seconds
    child, free = _pool.take(deadline)
    keep: _Child | None = None
    try:
        status, value = child.ask([mode, source, sent, list(wanted), list(functions)], host, deadline)
        if status != "fatal":
            keep = child
    except TimeoutError:
        raise ScriptError(f"脚本运行超过 {seconds:g} 秒,已被终止") from None
    except (EOFError, ConnectionError, json.JSONDecodeError):
        raise ScriptError("脚本占用内存过多或使沙箱崩溃,已被终止") from None
    finally:
        if keep is None:
            child.end()
        free.put(keep)
    if status != "ok":
        raise ScriptError(str(value))
    return value


def _check_bounds(source: str) -> None:
    """Shapes that make a parser itself fail: over-long, over-deep, long runs of operators."""
    if len(source) > MAX_SOURCE:
        raise ScriptError("脚本过长")
    depth = deepest = run = 0
    for letter in source:
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
        run = run + 1 if letter in "-+~!" or (run and letter.isspace()) else 0
        if run > 200:
            raise ScriptError("脚本中连续的运算符过多")
    if deepest > MAX_NESTING:
        raise ScriptError("脚本嵌套过深")
    if len(re.findall(r"\bnot\b", source)) > 200 or len(re.findall(r"\b(?:if|lambda)\b", source)) > 500:
        raise ScriptError("脚本过于复杂")


_FORBIDDEN: dict[type[ast.AST], tuple[str, str]] = {
    ast.Import: ("不能 import", "import is not allowed"),
    ast.ImportFrom: ("不能 import", "import is not allowed"),
    ast.While: ("没有 while 循环,请用 for … in range(…)", "there is no while, use for … in range(…)"),
    ast.Try: ("没有 try", "there is no try"),
    ast.Raise: ("没有 raise,请用 fail(…)", "there is no raise, use fail(…)"),
    ast.ClassDef: ("没有 class", "there are no classes"),
    ast.With: ("没有 with", "there is no with"),
    ast.Delete: ("没有 del", "there is no del"),
    ast.Global: ("没有 global", "there is no global"),
    ast.Assert: ("没有 assert", "there is no assert"),
    ast.Pow: ("没有 **", "there is no **"),
    ast.Is: ("没有 is,请用 ==", "there is no is, use =="),
    ast.IsNot: ("没有 is not,请用 !=", "there is no is not, use !="),
    ast.Set: ("没有集合", "there are no sets"),
    ast.GeneratorExp: ("没有生成器,请用列表 […]", "there are no generators, use a list […]"),
    ast.NamedExpr: ("没有 :=", "there is no :="),
    ast.Yield: ("没有 yield", "there is no yield"),
    ast.Await: ("没有 await", "there is no await"),
    ast.Div: ("不能用 / 相除(得小数),请用 //", "/ gives a decimal, use //"),
}


def _forbidden(source: str, script: bool, functions: tuple[str, ...]) -> list[tuple[int, str, str]]:
    """Python habits that Starlark lacks, named in plain words; syntax errors of both are left to the real parser."""
    try:
        tree = ast.parse(source if script else source.strip(), mode="exec" if script else "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        return [(line, f"语法错误:{error}", f"Syntax error: {error}")]
    found: list[tuple[int, str, str]] = []
    line = 1
    for node in ast.walk(tree):
        line = getattr(node, "lineno", line)
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            found.append((line, "不能连续比较,请用 and", "comparisons cannot be chained, use and"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append((line, "不能用小数,请用整数或文字", "no decimals, use integers or text"))
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            found.append((line, f"不能访问 {node.attr}", f"{node.attr} may not be accessed"))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in functions:
            found.append((line, f"{node.id} 是函数名,不能赋值", f"{node.id} is a function and cannot be set"))
        elif type(node) in _FORBIDDEN:
            found.append((line, *_FORBIDDEN[type(node)]))
    return found


def _line(message: str) -> int:
    found = re.search(r"--> script:(\d+)", message)
    return int(found.group(1)) if found else 1


@lru_cache(maxsize=1024)
def _outcome_of(source: str) -> frozenset[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    loops = {
        name.id
        for loop in ast.walk(tree)
        if isinstance(loop, ast.For | ast.comprehension)
        for name in ast.walk(loop.target)
        if isinstance(name, ast.Name)
    }
    found: set[str] = set()
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ListComp | ast.DictComp):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        stack.extend(ast.iter_child_nodes(node))
    return frozenset(name for name in found - loops if not name.startswith("_"))


def _outcome(source: str) -> set[str]:
    """Names that a script sets at its top level: neither loop variables, nor functions, nor ``_private`` ones."""
    return set(_outcome_of(source))
