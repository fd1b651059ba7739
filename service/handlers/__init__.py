"""Python behind service tasks: one module per process, same stem. Topic ``a.b`` is function ``b`` of module ``a``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from service.engine import Request, TopicHandler
from service.operations.context import Context, TaskSubject

Handler = Callable[[Context, dict[str, Any]], dict[str, Any]]


@lru_cache
def modules() -> dict[str, ModuleType]:
    """Handler modules by the key of their process."""
    names = [m.name for m in iter_modules(__path__) if m.name != "context"]
    return {name: import_module(f"{__name__}.{name}") for name in names}


@lru_cache
def topics() -> dict[str, Handler]:
    """Every topic that has a handler. A handler is a public function of a module whose first parameter is ``context``."""
    found: dict[str, Handler] = {}
    for stem, module in modules().items():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if (
                function.__module__ == module.__name__
                and next(iter(inspect.signature(function).parameters), "") == "context"
            ):
                found[f"{stem}.{name}"] = function
    return found


def serve(context: Context) -> TopicHandler:
    """The callable handed to the engine: serves a topic inside the running transaction, None where nobody here does."""

    def answer(request: Request) -> dict[str, Any] | None:
        handler = topics().get(request.topic)
        return None if handler is None else handler(context, request.data)

    return answer


def describe_subject(process: str, data: dict[str, Any]) -> TaskSubject:
    """What lists show of a case of this process (its module's ``describe_subject``); empty for processes without a module."""
    module = modules().get(process)
    function = getattr(module, "describe", None)
    return function(data) if function else TaskSubject()
