"""Handlers by topic and task subjects by process, registered as the modules of this package are imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from service.domain.accounts.roles import Role
from service.domain.notices.notices import variables_in
from service.engine import Process, Request, SentMessage, ServiceCall, Topic, TopicHandler, names_in
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation
from service.operations.context import Context, TaskSubject
from service.validation.typed_text import as_id

Handler = Callable[[Context, dict[str, Any]], dict[str, Any]]
"""Takes the context of the step and the token's data; returns what is merged into the data."""
Describer = Callable[[dict[str, Any]], TaskSubject]

Starter = Callable[[User], dict[str, Any]]
"""Takes who starts a case; returns the variables that say for whom it is."""

F = TypeVar("F", Handler, Describer, Starter)


@dataclass(frozen=True, slots=True)
class Ending:
    """End of something for good by a topic: whoever completes the task before it is asked first (R87).

    consequence: what follows; reason: the label of the reason that is due where many are ended at once.
    """

    consequence: str
    reason: str = ""


_handlers: dict[str, Handler] = {}
_endings: dict[str, Ending] = {}
_topics: dict[str, Topic] = {}
_processes: dict[str, Process] = {}
_describers: dict[str, Describer] = {}
_starters: dict[str, Starter] = {}
_barred: dict[str, str] = {}


Domains = Mapping[str, str | Iterable[str]]
"""Variable → the values it can have: words separated by blanks, or an enumeration."""


def topic(
    name: str,
    *,
    needs: str = "",
    reads: str = "",
    gives: str = "",
    may_give: str = "",
    gives_when: Domains | None = None,
    values: Domains | None = None,
    tells_apart: Domains | None = None,
    texts: str = "",
    is_undoable: bool = False,
    ends: Ending | None = None,
) -> Callable[[Handler], Handler]:
    """Register the handler of a topic, named as ``camunda:topic`` in the diagram, with the variables it reads and gives
    (``engine.Topic``): the gate checks diagrams and forms by them. texts: input parameters with variables in ``{}``.

    Raises ValueError for a second one.
    """
    if ends:
        _endings.setdefault(name, ends)
    _topics.setdefault(
        name,
        Topic(
            names_in(needs),
            names_in(reads),
            names_in(gives),
            names_in(may_give),
            _values(gives_when),
            _values(values),
            _values(tells_apart),
            dict.fromkeys(names_in(texts), variables_in),
            is_undoable,
        ),
    )
    return _registering(_handlers, name)


def _values(given: Domains | None) -> dict[str, frozenset[str]]:
    return {variable: names_in(some) for variable, some in (given or {}).items()}


def describe_process(
    key: str,
    *,
    starts_with: str = "",
    may_start_with: str = "",
    starter: str = "",
    messages: Mapping[str, SentMessage] | None = None,
) -> None:
    """Say with which variables this service starts the cases of a process, and which messages it sends to them."""
    _processes[key] = Process(names_in(starts_with), names_in(may_start_with), names_in(starter), messages or {})


def message(
    gives: str = "", *, may_give: str = "", awaited_throughout: bool = False, recomputes: bool = False
) -> SentMessage:
    """Describe a message by what it carries (``engine.SentMessage``)."""
    return SentMessage(names_in(gives), names_in(may_give), awaited_throughout, recomputes)


def task_subject(process: str, *, barred: str = "") -> Callable[[Describer], Describer]:
    """Register the function that describes the cases of a process in lists. Raises ValueError for a second one.

    barred: why the account that the fact ``barred`` of a task names cannot be handed it, where the function gives one.
    """
    _barred[process] = barred
    return _registering(_describers, process)


def start_variables(process: str) -> Callable[[Starter], Starter]:
    """Register the system variables of a process whose first task is addressed by them.

    Raises ValueError for a second one.
    """
    return _registering(_starters, process)


STARTER = "starter_id starter_organisation_id starter_authority_id"
"""Variables that say who starts a case of a process that no module stands behind."""


def start_variables_of(process: str, user: User | None) -> dict[str, Any]:
    """Return the system variables of a case that the user starts (None: the system).

    A process that no module stands behind has ``STARTER``: account, organisation and province of whoever starts it.
    """
    if process in _processes:
        starter = _starters.get(process)
        return starter(user) if starter and user else {}
    if user is None:
        return dict.fromkeys(STARTER.split())
    home = user.organisation
    province = home.id if home.kind == Role.PROVINCIAL_AUTHORITY else home.authority_id
    ids = (user.id, home.id, province)
    return {name: str(key) if key else None for name, key in zip(STARTER.split(), ids, strict=True)}


def topics() -> Mapping[str, Handler]:
    """Registered handlers by topic."""
    return MappingProxyType(_handlers)


def declared_topics() -> Mapping[str, Topic]:
    """The variables behind each topic."""
    return MappingProxyType(_topics)


def declared_processes() -> Mapping[str, Process]:
    """The processes whose cases this service starts or sends messages to."""
    return MappingProxyType(_processes)


def ending_of(calls: Iterable[ServiceCall]) -> Ending | None:
    """Find what the first of these calls ended for good, None where none did."""
    return next((_endings[call.topic] for call in calls if call.topic in _endings), None)


def serve(context: Context) -> TopicHandler:
    """Return the callable that the engine asks for a topic's answer; it gives None for a topic without a handler."""

    def answer(request: Request) -> dict[str, Any] | None:
        handler = _handlers.get(request.topic)
        context.element = request.element
        return None if handler is None else handler(context, request.data)

    return answer


def describe_subject(process: str, data: dict[str, Any]) -> TaskSubject:
    """Describe a case for inbox and lists; one of a process that no module stands behind by who started it."""
    return _describers.get(process, _describe_starter)(data)


def reason_barred(process: str) -> str:
    """The reason, to be told, for which somebody is barred from tasks of a process."""
    return _barred.get(process, "")


def _describe_starter(data: dict[str, Any]) -> TaskSubject:
    key = as_id(data.get("starter_organisation_id"))
    home = session().get(Organisation, key) if key else None
    if home is None:
        return TaskSubject()
    return TaskSubject(
        subject=home.name,
        unit_name=home.name,
        unit_id=home.id,
        authority_id=as_id(data.get("starter_authority_id")),
        organiser_id=home.id,
    )


def _registering(registered: dict[str, F], name: str) -> Callable[[F], F]:
    def register(function: F) -> F:
        if name in registered:
            raise ValueError(f"{name} is registered twice: {registered[name].__module__} and {function.__module__}")
        registered[name] = function
        return function

    return register
