"""Patterns of ``matches``, ``replace`` and ``split``, matched in time that grows as pattern times text.

Each pair of instruction and place is tried once, so that no pattern can keep the service busy; one that refers back to
a group is tried for each way in which its groups can lie, and stopped by the budget. Where what is repeated
may be empty and is reluctant, as in ``(a??)+``, engines differ; here the second empty turn ends the repetition.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from service.engine.feel.pattern_reader import InvalidPattern, Program, Step, read_pattern
from service.engine.feel.values import Budget, Value

FLAGS = frozenset("smixq")
STEPS_OF_BUDGET = 20  # instructions that count as one step

Places = tuple[int, ...]
_REFERENCE = re.compile(r"\\([\\$])|\$([0-9]+)|([\\$])")


def matches(text: str, pattern: str, flags: Value, budget: Budget) -> Value:
    """The pattern is found in the text; null for a pattern that is none."""
    program = _program(pattern, flags)
    return None if program is None else _found(program, text, 0, flags or "", budget) is not None


def replace(text: str, pattern: str, replacement: str, flags: Value, budget: Budget) -> Value:
    """The text with every match replaced; null for bad patterns and replacements, and where nothing would match."""
    program = _program(pattern, flags)
    if program is None or not (_is_replacement(replacement) or "q" in (flags or "")):
        return None
    if _found(program, "", 0, flags or "", budget) is not None:
        return None
    parts, place = [], 0
    while place <= len(text) and (found := _found(program, text, place, flags or "", budget)) is not None:
        parts += [text[place : found[0]], _expanded(replacement, text, found, program, flags or "")]
        place = found[1]
    return "".join((*parts, text[place:]))


def split(text: str, delimiter: str, budget: Budget) -> Value:
    """The parts between the matches of a pattern; null where it would match nothing."""
    program = _program(delimiter, None)
    if program is None or _found(program, "", 0, "", budget) is not None:
        return None
    parts, place = [], 0
    while (found := _found(program, text, place, "", budget)) is not None:
        parts.append(text[place : found[0]])
        place = found[1]
    return [*parts, text[place:]]


def _program(pattern: str, flags: Value) -> Program | None:
    if flags is not None and (not isinstance(flags, str) or not FLAGS.issuperset(flags)):
        return None
    try:
        return _read(pattern, frozenset(flags or ""))
    except InvalidPattern:
        return None


@lru_cache(maxsize=256)
def _read(pattern: str, flags: frozenset[str]) -> Program:
    return read_pattern(pattern, flags)


def _is_replacement(replacement: str) -> bool:
    return all(found[3] is None for found in _REFERENCE.finditer(replacement))


def _expanded(replacement: str, text: str, found: Places, program: Program, flags: str) -> str:
    if "q" in flags:
        return replacement

    def part(reference: re.Match[str]) -> str:
        if reference[1]:
            return reference[1]
        digits, rest = reference[2], ""
        while len(digits) > 1 and int(digits) > program.groups:
            digits, rest = digits[:-1], digits[-1] + rest
        if int(digits) > program.groups:
            return rest
        start, end = found[2 * int(digits)], found[2 * int(digits) + 1]
        return (text[start:end] if start >= 0 and end >= 0 else "") + rest

    return _REFERENCE.sub(part, replacement)


def _found(program: Program, text: str, begin: int, flags: str, budget: Budget) -> Places | None:
    """The first match from a place on: start and end, then those of every group, -1 where it takes no part."""
    tried: set[Any] = set()
    size = len(text) + 1
    remembers = any(step.kind == "again" for step in program.steps)
    nothing = (-1,) * (2 * program.groups)
    counted = 0
    for start in range(begin, size):
        open_: list[tuple[int, int, Places]] = [(0, start, nothing)]
        while open_:
            step, place, saved = open_.pop()
            key = (step, place, saved) if remembers else step * size + place
            if key in tried:
                continue
            tried.add(key)
            counted += 1
            if remembers or counted % STEPS_OF_BUDGET == 0:  # what remembers groups costs more, and forgets less
                budget.spend(1)
            each = program.steps[step]
            if each.kind == "match":
                return (start, place, *saved)
            open_ += _following(each, step, place, saved, text, flags)
    return None


def _following(
    each: Step, step: int, place: int, saved: Places, text: str, flags: str
) -> list[tuple[int, int, Places]]:
    """The places where matching goes on after an instruction, the preferred one last."""
    if each.kind == "split":
        return [(each.other, place, saved), (each.to, place, saved)]
    if each.kind == "jump":
        return [(each.to, place, saved)]
    if each.kind == "save":
        at = each.to - 2
        return [(step + 1, place, (*saved[:at], place, *saved[at + 1 :]))]
    if each.kind == "again":
        start, end = saved[each.to - 2 : each.to]
        again = text[start:end] if end >= 0 else ""
        return [(step + 1, place + len(again), saved)] if text.startswith(again, place) else []
    if each.accepts is not None:
        return [(step + 1, place + 1, saved)] if place < len(text) and each.accepts(text[place]) else []
    return [(step + 1, place, saved)] if _passes(each.kind, text, place, flags) else []


def _passes(kind: str, text: str, place: int, flags: str) -> bool:
    """Tell whether a border of the text, or of a line, is at a place."""
    if kind == "^":
        return place == 0 or ("m" in flags and text[place - 1] == "\n")
    return kind == "$" and (place == len(text) or ("m" in flags and text[place] == "\n"))
