"""One declaration a field of a record: form, import sheet, REST, comparison, history and papers read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

YES_WORDS = ("√", "✓", "✔", "☑", "对", "y", "yes", "true", "1")
NO_WORDS = ("×", "✗", "✘", "☒", "☐", "n", "no", "false", "0")
"""Signs and words in cells for yes and no, beside the words of the catalogue."""


class FieldKind(StrEnum):
    """The type of a field: how its value is read and written."""

    TEXT = "text"
    LINES = "lines"  # a text in which line breaks count
    INTEGER = "integer"
    SCORE = "score"  # points with one decimal, kept in tenths
    CODE = "code"  # digits that are no quantity; a sheet must not turn them into a number
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"  # of ``choices``, or of rows that the use case offers


class Place(StrEnum):
    """The places where a field may appear."""

    FORM = "form"
    SHEET = "sheet"  # the import template
    REST_IN = "rest_in"  # what a client of /api/v1 may send
    REST_OUT = "rest_out"  # what /api/v1 shows of the record
    CHANGE = "change"  # what may still change once the record is published
    HISTORY = "history"  # versions of the record, side by side
    RECORD = "record"  # the page, the task panel and the paper of the record


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordField:
    """A field of a record.

    key: its column. label: Chinese, the English stands in the catalogue. name: its name in form, sheet and REST where
    that is another than the column's. max_length: characters of a text. minimum, maximum: of a number. parse: reads
    what was typed by a rule of the domain, raises InvalidInput. compared: the column that tells whether it was
    changed, '' where a change of it is no change of the record (R14). has_rule: a rule of its own reads and shows it;
    a field without one is read, kept and shown by its declaration alone. width: of its column in a sheet, in
    characters. is_brief: shown or asked too where only a part of
    the record is. is_optional: a record without it is complete (R3).
    synonyms: value → other words for it in a sheet. headings: other words over its column in a sheet.
    is_personal: a text of or about people, encrypted wherever it is kept.
    """

    key: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    places: frozenset[Place]
    name: str = ""
    max_length: int = 0
    required: bool = False
    choices: type[StrEnum] | None = None
    hint: str = ""
    section: str = ""
    has_rule: bool = False
    compared: str | None = None
    width: int = 14
    minimum: int = 0
    maximum: int = 0
    parse: Callable[[str], object] | None = None
    not_after_today: bool = False
    is_brief: bool = False
    is_optional: bool = False
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headings: tuple[str, ...] = ()
    is_personal: bool = False

    @property
    def input_name(self) -> str:
        """The name under which the field is sent."""
        return self.name or self.key

    @property
    def compared_key(self) -> str:
        """The column that tells whether the field was changed; '' for none."""
        return self.key if self.compared is None else self.compared


@dataclass(frozen=True, slots=True)
class RecordFields:
    """The declared fields of one record, in the order in which people read them."""

    fields: tuple[RecordField, ...]
    labels: dict[str, str] = field(init=False)
    """Key of the column → label."""
    input_labels: dict[str, str] = field(init=False)
    """Name in the form → label."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", {one.key: one.label for one in self.fields})
        object.__setattr__(self, "input_labels", {one.input_name: one.label for one in self.fields})

    def at(self, place: Place) -> tuple[RecordField, ...]:
        """Return the fields that appear at ``place``."""
        return tuple(one for one in self.fields if place in one.places)

    def keys_at(self, place: Place) -> tuple[str, ...]:
        """Return the columns of the fields that appear at ``place``."""
        return tuple(one.key for one in self.at(place))

    def plain(self, place: Place, section: str | None = None) -> tuple[RecordField, ...]:
        """Return the fields at ``place`` that have no rule of their own, of one ``section`` of the form if given."""
        return tuple(one for one in self.at(place) if not one.has_rule and section in (None, one.section))

    def compared(self) -> tuple[str, ...]:
        """Return the columns whose change is a change of the record (R14)."""
        return tuple(key for one in self.fields if (key := one.compared_key))


def write_value(field: RecordField, value: object) -> str:
    """Write the value of a field as a Chinese paper shows it; — for none."""
    if value is None or value == "":
        return "—"
    if field.kind is FieldKind.BOOLEAN:
        return "是" if value else "否"
    if field.choices is not None:
        return str(getattr(field.choices(str(value)), "label", value))
    return str(value)


def places(*chosen: Iterable[Place] | Place) -> frozenset[Place]:
    """Join places and sets of places."""
    found: set[Place] = set()
    for one in chosen:
        found |= {one} if isinstance(one, Place) else set(one)
    return frozenset(found)
