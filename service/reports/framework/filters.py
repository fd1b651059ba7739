"""Fields that narrow a report or list: parameter of the address, control of the filter bar, values to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.values.calendar import read_day
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.models.db.clock import today
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import is_unscoped
from service.models.queries.training import class_list
from service.models.queries.units import unit_list
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import QualificationType
from service.validation.characters import strip_unseen
from service.validation.typed_text import as_id, as_whole
from service.validation.written import plain_number

Choices = Sequence[tuple[Any, str]]
MAX_UNITS = 400
"""Options of a select of units; more are narrowed by the province and the search instead."""
MAX_WORDS, MAX_TEXT = 50, 160
"""Characters that are read of a search, and of any other value."""


class Control(StrEnum):
    """The control of a field in the filter bar. NONE: set by chips and links; the form passes the value on."""

    SEARCH = "search"
    SELECT = "select"
    DAY = "day"
    CHECKBOX = "checkbox"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FilterField:
    """A field by which a report is narrowed.

    Args:
        name: the parameter of the address, an attribute of ``ReportFilter``.
        label: the accessible name of the control.
        any_label: the option for no choice; '' where one value is always chosen.
        options: the values of a coded field; others count as not chosen.
        choices: reads values and words where they are data.
        placeholder: what a search looks through.
        least: options below which a select is left out.
        roles: who may narrow by it; for others, who see the values masked, it counts as not chosen (domain.md §9).
        is_view: says which of several lists is meant; clearing the filter keeps it.
    """

    name: str
    control: Control = Control.NONE
    label: str = ""
    any_label: str = ""
    options: tuple[Labelled, ...] = ()
    choices: Callable[[User], Choices] | None = None
    placeholder: str = ""
    least: int = 2
    roles: frozenset[Role] = frozenset(Role)
    is_view: bool = False


def search(
    placeholder: str, label: str = N_("查找"), name: str = "q", roles: frozenset[Role] = frozenset(Role)
) -> FilterField:
    """A field for words."""
    return FilterField(name, Control.SEARCH, label, placeholder=placeholder, roles=roles)


def choice(name: str, options: Sequence[Labelled], any_label: str, label: str = "") -> FilterField:
    """A select of coded values."""
    return FilterField(name, Control.SELECT, label or any_label, any_label, tuple(options))


def lookup(
    name: str, choices: Callable[[User], Choices], any_label: str, label: str = "", least: int = 2
) -> FilterField:
    """A select of values that are data."""
    return FilterField(name, Control.SELECT, label or any_label, any_label, choices=choices, least=least)


def hidden(name: str, options: Sequence[Labelled] = (), *, is_view: bool = False) -> FilterField:
    """A field that chips and links set."""
    return FilterField(name, options=tuple(options), is_view=is_view)


def class_years(user: User) -> Choices:
    """The years of the classes in scope and this one, the latest first."""
    years = {*class_list.years(user), today().year}
    return [(year, str(year)) for year in sorted(years, reverse=True)]


def provinces(user: User) -> Choices:
    """The provinces, for those who see more than one."""
    return unit_list.provinces() if is_unscoped(user, Action.VIEW_UNITS) else []


def units(user: User, kind: str = "") -> Choices:
    """The units in scope (of one kind, if any) unless they are too many for a select."""
    found = unit_list.unit_choices(user, kind)
    return found if len(found) <= MAX_UNITS else []


def _own_units(user: User) -> Choices:
    return [] if is_unscoped(user, Action.VIEW_UNITS) else units(user)


QUERY = search(N_("姓名或编号"))
YEAR = lookup("year", class_years, N_("全部年度"), N_("年度"), least=1)
PROVINCE = lookup("province", provinces, N_("全部省份"), N_("省份"))
UNIT = lookup("unit", _own_units, N_("全部单位"), N_("单位"))
TYPE = lookup("type", lambda _user: QualificationType.choices(), N_("全部资格类型"), N_("资格类型"))


def read_values(declared: Sequence[FilterField], user: User, given: Mapping[str, str]) -> dict[str, Any]:
    """Read the declared fields from parameters; unknown names and values count as not chosen."""
    return {field.name: _read(field, user, str(given.get(field.name, ""))) for field in declared}


def _read(field: FilterField, user: User, given: str) -> Any:
    text = " ".join(strip_unseen(given).split())[: MAX_WORDS if field.control is Control.SEARCH else MAX_TEXT]
    return _READERS[_TYPES[field.name]](text if _is_known(field, user, text) else "")


def _is_known(field: FilterField, user: User, text: str) -> bool:
    """Look a coded value up, and ask whether the field is the user's.

    An id or a year that is not offered finds nothing by itself.
    """
    if Role(user.role) not in field.roles:
        return False
    if field.options:
        return text in {str(option) for option in field.options}
    if text and field.choices and _TYPES[field.name] == "str":
        return text in {str(value) for value, _ in field.choices(user)}
    return True


def _year(text: str) -> int | None:
    return as_whole(plain_number(text), 1990, 2200)


_TYPES = {f.name: str(f.type) for f in fields(ReportFilter)}
_READERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int | None": _year,
    "UUID | None": as_id,
    "date | None": read_day,
}
