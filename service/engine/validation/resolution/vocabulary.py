"""Names that a bundle may use for what lies outside of it, and what stands behind each; the gate is handed them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

Names = frozenset[str]
Values = Mapping[str, Names]
"""Variable → the values it can have."""


def names_in(text: str | Iterable[str]) -> Names:
    """Names as they are declared: separated by blanks, or in any collection."""
    return frozenset(text.split() if isinstance(text, str) else map(str, text))


@dataclass(frozen=True, slots=True)
class Topic:
    """The variables behind a topic.

    needs: must be there; reads: looked at when they are there; gives: always written; may_give: sometimes, and always
    where a variable has a value of ``gives_when`` (``True``: a condition that is the variable alone).
    values: those that a variable can have, whether read or given; tells_apart: those that the handler looks for;
    texts: input parameter → the variables that its text names;
    is_undoable: the rows that it changes may be put back while nobody has gone on (R83).
    """

    needs: Names = frozenset()
    reads: Names = frozenset()
    gives: Names = frozenset()
    may_give: Names = frozenset()
    gives_when: Values = field(default_factory=dict)
    values: Values = field(default_factory=dict)
    tells_apart: Values = field(default_factory=dict)
    texts: Mapping[str, Callable[[str], Names]] = field(default_factory=dict)
    is_undoable: bool = False


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that this service sends to the cases of a process, and what it carries.

    awaited_throughout: a step that does not hear it, before others that do, makes the case deaf to it.
    recomputes: whoever hears it computes anew, so that it may come once more.
    """

    gives: Names = frozenset()
    may_give: Names = frozenset()
    awaited_throughout: bool = False
    recomputes: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """A process that this service starts, and the messages its cases are sent.

    starts_with: the variables when this service starts it; may_start_with: those that some starts add; starter: those
    that say who starts it, given to whatever a client brings along, too.
    """

    starts_with: Names = frozenset()
    may_start_with: Names = frozenset()
    starter: Names = frozenset()
    messages: Mapping[str, SentMessage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionUse:
    """A decision that this service evaluates or reads: the facts it gives, none when a case gives them,
    and the outputs it reads with the values each may have (empty: any). durations: outputs that are durations."""

    facts: Names = frozenset()
    outputs: Values = field(default_factory=dict)
    durations: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All of them. roles: by name, the words by which lanes name them; addresses: variable → the roles whose
    organisations it can name; choices: lists behind ``valuesKey``; starter: the variables that say who starts a case of
    a process that is not among ``processes``; subjects: process → the variable that names what its cases are about."""

    roles: Mapping[str, Names] = field(default_factory=dict)
    sole_roles: Names = frozenset()
    addresses: Values = field(default_factory=dict)
    topics: Mapping[str, Topic] = field(default_factory=dict)
    processes: Mapping[str, Process] = field(default_factory=dict)
    decisions: Mapping[str, DecisionUse] = field(default_factory=dict)
    choices: Names = frozenset()
    starter: Names = frozenset()
    subjects: Mapping[str, str] = field(default_factory=dict)
