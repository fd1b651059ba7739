"""Facts of a task as columns of the inbox: which, in which order, by which word, and how their values read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from service.errors import N_
from service.infrastructure.translation import translate
from service.web.presenters import labels
from service.web.presenters.formatting import NOTHING, mark

MAX_COLUMNS = 3


class Column(NamedTuple):
    """A fact, the word over its column, and how a value reads."""

    fact: str
    word: str
    read: Callable[[Any], str] = translate


COLUMNS = (
    Column("score", N_("成绩"), mark),
    Column("certificate_number", N_("证书编号")),
    Column("qualification_name", N_("资格类型")),
    Column("need", N_("应参加"), lambda value: labels.enum_label("need", value)),
    Column("valid_to", N_("证书有效期至")),
    Column("starts_on", N_("开班日")),
    Column("ticket_kind", N_("工单类型"), lambda value: labels.enum_label("ticket_kind", value)),
    Column("step", N_("维修步骤"), lambda value: labels.enum_label("repair_step", value)),
    Column("unit_kind", N_("单位类型"), lambda value: labels.enum_label("kind", value)),
)


def of(rows: Iterable[Mapping[str, Any]], most: int = MAX_COLUMNS) -> list[Column]:
    """The first columns for which any of the rows has a value."""
    known = {name for facts in rows for name, value in facts.items() if value not in (None, "")}
    return [column for column in COLUMNS if column.fact in known][:most]


def value(column: Column, facts: Mapping[str, Any]) -> str:
    """A row's value under a column."""
    found = facts.get(column.fact)
    return NOTHING if found is None or found == "" else column.read(found)


def repeats(summary: str, columns: Iterable[Column], facts: Mapping[str, Any]) -> bool:
    """Tell whether the summary says what a column says already."""
    return any(facts.get(c.fact) not in (None, "") and str(facts[c.fact]) in summary for c in columns)
