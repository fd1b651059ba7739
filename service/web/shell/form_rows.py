"""Rows of a list in a form, as the page sends them: ``list.row.field``, and ``list.row`` for each row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Sent = Mapping[str, list[str]]
_NAME = re.compile(r"([A-Za-z]\w*)\.([0-9]{1,4})(?:\.([A-Za-z]\w*))?")
_ACT = re.compile(r"(add|remove) ([A-Za-z]\w*)(?: ([0-9]{1,4}))?")


def numbered(sent: Sent, without: tuple[str, int] | None = None) -> dict[str, list[str]]:
    """Count the rows of each list that was sent from 0, without one of them."""
    parts = {name: found for name in sent if (found := _NAME.fullmatch(name))}
    kept = sorted({(found[1], int(found[2])) for found in parts.values()} - {without})
    counts: dict[str, int] = {}
    place = {}
    for key, row in kept:
        place[key, row] = counts[key] = counts.get(key, -1) + 1
    left = {name: values for name, values in sent.items() if name not in parts}
    for name, found in parts.items():
        at = place.get((found[1], int(found[2])))
        if at is not None:
            left[f"{found[1]}.{at}" + (f".{found[3]}" if found[3] else "")] = sent[name]
    return left


def fields_of(sent: Sent) -> dict[str, Any]:
    """The fields of a form as typed: a name that was sent several times gives a list, rows those of their list."""
    fields: dict[str, Any] = {}
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, found in sorted(numbered(sent).items(), key=lambda pair: _place(pair[0])):
        value = found[0] if len(found) == 1 else found
        if part := _NAME.fullmatch(name):
            of_list = rows.setdefault(part[1], [])
            of_list += [{}] if int(part[2]) == len(of_list) else []
            of_list[-1] |= {part[3]: value} if part[3] else {}
        else:
            fields[name] = value
    return fields | rows


def _place(name: str) -> tuple[str, int]:
    found = _NAME.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, 0)


def count(sent: Sent, name: str) -> int:
    """The rows of a list that were sent."""
    found = (_NAME.fullmatch(key) for key in sent)
    return len({one[2] for one in found if one and one[1] == name})


def changed(sent: Sent) -> dict[str, list[str]] | None:
    """Give what was sent one row more or fewer, as its button says; None when it was none."""
    act = _ACT.fullmatch("".join(sent.get("rows", ())))
    if act is None:
        return None
    typed = numbered(sent, (act[2], int(act[3])) if act[3] else None)
    return typed | ({f"{act[2]}.{count(typed, act[2])}": [""]} if act[1] == "add" else {})
