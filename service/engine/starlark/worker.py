"""The killable child: Starlark over a socket on standard input, JSON only, memory bounded.
Imports no other module of Anpei.

Requests are ``[seconds, mode, source, names, wanted, functions]``: seconds of CPU time, beyond which SIGPROF ends the
child; mode ``e`` (value of an expression), ``x`` (names set by a script) or ``p`` (parse only). The answer is ``["ok",
value, used]``, ``["err", message, used]`` or ``["fatal", message, used]`` with the CPU time used; or ``["call", name,
args]`` when the script calls a host function, whose result the parent then sends.
"""

import functools
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from typing import Any

MAX_REPLY = 2_000_000  # bytes of one answer; a longer one is an error of the script
NESTING = 100  # calls within calls


class Wire:
    """Frames of JSON: four bytes of length, then UTF-8."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def receive(self) -> Any:
        size = struct.unpack("!I", self._exactly(4))[0]
        return json.loads(self._exactly(size))

    def send(self, message: list[Any]) -> None:
        self.put(json.dumps(message, ensure_ascii=False, allow_nan=False).encode())

    def answer(self, status: str, value: Any, began: float) -> None:
        """Send an answer, all of it written while the CPU time still counts."""
        data = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        if len(data) > MAX_REPLY:
            status, data = "err", json.dumps("结果太大").encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        self.put(b'["%s",%s,%.6f]' % (status.encode(), data, time.process_time() - began))

    def put(self, data: bytes) -> None:
        self.connection.sendall(struct.pack("!I", len(data)) + data)

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self.connection.recv(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)


def confine(megabytes: int) -> None:
    """Give up what a script never needs: memory beyond the limit, files, core dumps."""
    memory = megabytes << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the child: Starlark never comes back to ask Python


class Interpreter:
    """Starlark with the dialect of scripts; host functions are called over the wire."""

    def __init__(self, wire: Wire) -> None:
        import starlark  # first needed in the child

        self.wire = wire
        self.starlark: Any = starlark
        self.dialect = starlark.Dialect.extended()
        self.dialect.enable_top_level_stmt = self.dialect.enable_f_strings = True
        self.dialect.enable_load = False
        extensions = [starlark.LibraryExtension.Json, starlark.LibraryExtension.Map, starlark.LibraryExtension.Filter]
        self.known = starlark.Globals.extended_by(extensions)
        self.parsed = functools.lru_cache(512)(self._parse)

    def answer(self, mode: str, source: str, names: dict[str, Any], wanted: list[str], functions: list[str]) -> Any:
        """Do one request, as the head of this module describes it."""
        if mode == "p":
            self._parse(source)
            return None
        module = self.starlark.Module()
        for name in functions:
            module.add_callable(name, functools.partial(self._call_host, name))
        for name, value in names.items():
            module[name] = value
        options = self.starlark.EvalOptions(max_callstack_size=NESTING)
        value = self.starlark.eval_with(options, module, self.parsed(source), self.known).value
        return value if mode == "e" else {name: found for name in wanted for found in read(module, name)}

    def _parse(self, source: str) -> Any:
        return self.starlark.parse("script", source, self.dialect)

    def _call_host(self, name: str, *arguments: Any) -> Any:
        self.wire.send(["call", name, arguments])
        status, value = self.wire.receive()
        if status != "ok":
            raise ValueError(value)
        return value


def serve(wire: Wire) -> None:
    """Answer requests until the parent closes the socket."""
    interpreter = Interpreter(wire)
    confine(int(sys.argv[1]))
    while True:
        seconds, *request = wire.receive()
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            wire.answer("ok", interpreter.answer(*request), began)
        except BaseException as error:
            fatal = isinstance(error, MemoryError | RecursionError) or "Panic" in type(error).__name__
            wire.answer("fatal" if fatal else "err", str(error)[:2000], began)
            if fatal:
                os._exit(1)


def read(module: Any, name: str) -> list[Any]:
    """The value a script gave to a name, as data; nothing for functions and names never set."""
    try:
        value = module[name]
    except Exception:
        return []
    return [value] if value is None or isinstance(value, bool | int | float | str | list | tuple | dict) else []


if __name__ == "__main__":
    try:
        serve(Wire(socket.socket(fileno=0)))
    except (EOFError, OSError):
        sys.exit(0)
