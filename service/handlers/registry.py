"""Handlers by topic and task subjects by process, registered as the modules of this package are imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from service.engine import Request, TopicHandler
from service.models.tables.user import User
from service.operations.context import Context, TaskSubject

Handler = Callable[[Context, dict[str, Any]], dict[str, Any]]
"""Takes the context of the step and the token's data; returns what is merged into the data."""
Describer = Callable[[dict[str, Any]], TaskSubject]

Starter = Callable[[User], dict[str, Any]]
"""Takes who starts a case; returns the variables that say for whom it is."""

F = TypeVar("F", Handler, Describer, Starter)

_handlers: dict[str, Handler] = {}
_describers: dict[str, Describer] = {}
_starters: dict[str, Starter] = {}


def topic(name: str) -> Callable[[Handler], Handler]:
    """Register the handler of a topic, named as ``camunda:topic`` in the diagram.

    Raises ValueError for a second one.
    """
    return _registering(_handlers, name)


def task_subject(process: str) -> Callable[[Describer], Describer]:
    """Register the function that describes the cases of a process in lists. Raises ValueError for a second one."""
    return _registering(_describers, process)


def start_variables(process: str) -> Callable[[Starter], Starter]:
    """Register the system variables of a process whose first task is addressed by them.

    Raises ValueError for a second one.
    """
    return _registering(_starters, process)


def start_variables_of(process: str, user: User) -> dict[str, Any]:
    """Return the system variables of a case that the user starts; none for a process that registered nothing."""
    starter = _starters.get(process)
    return {} if starter is None else starter(user)


def topics() -> Mapping[str, Handler]:
    """Registered handlers by topic."""
    return MappingProxyType(_handlers)


def serve(context: Context) -> TopicHandler:
    """Return the callable that the engine asks for a topic's answer; it gives None for a topic without a handler."""

    def answer(request: Request) -> dict[str, Any] | None:
        handler = _handlers.get(request.topic)
        return None if handler is None else handler(context, request.data)

    return answer


def describe_subject(process: str, data: dict[str, Any]) -> TaskSubject:
    """Describe a case for inbox and lists; empty for a process that registered nothing."""
    describer = _describers.get(process)
    return TaskSubject() if describer is None else describer(data)


def _registering(registered: dict[str, F], name: str) -> Callable[[F], F]:
    def register(function: F) -> F:
        if name in registered:
            raise ValueError(f"{name} is registered twice: {registered[name].__module__} and {function.__module__}")
        registered[name] = function
        return function

    return register
